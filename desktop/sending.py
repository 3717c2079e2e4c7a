"""Making a bundle: nothing goes into it that may not be passed on, and everything that its licences want goes along."""

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from desktop import bundle, passing
from desktop.errors import NetworkError, NotWritable
from desktop.getting import Getting
from desktop.judging import followed
from desktop.licences import Ruling
from desktop.mirror import Bundle
from desktop.paths import resource
from desktop.rights import Rights
from desktop.targets import Target, Targets, name_of, reference_to
from desktop.texts import Texts
from desktop.transfer import Progress


@dataclass(frozen=True)
class Sending:
    """The computer that a bundle is made on."""

    targets: Targets
    rights: Rights
    getting: Getting

    def create(
        self, folder: Path, references: Sequence[str], *, licence_checked: bool = False
    ) -> Generator[Progress, None, Bundle]:
        """Write models with their licences into a folder for other computers; what is not here is fetched first.

        licence_checked: the person vouches for what Alcove cannot know. Raises NotToBePassedOn before anything is fetched or
        written, as get, and as bundle.create.
        """
        asking = Progress(0, 0, 0.0, None, stage="ask")
        for reference in references:
            target = self.targets.of(reference)
            if target.path:
                ruling = self.rights.ruling(target)
            else:
                _, ruling = yield from followed(self.rights.ruled(target), lambda _: asking)
            self._may_pass_on(target, ruling, licence_checked)
        raw = {entry["id"]: entry for entry in msgspec.json.decode(resource("catalogue.json").read_bytes())["models"]}
        items = []
        for reference in references:
            local = yield from self.getting.get(reference)
            target = self.targets.of_local(local)
            ruling = self.rights.ruling(target)
            with suppress(NetworkError, NotWritable):  # what is missing then is told below
                yield from followed(self.rights.fetch_text(target), lambda _: asking)
            checked = self._may_pass_on(target, ruling, licence_checked, texts=self.rights.texts)
            named = reference_to(target.model, target.variant) if target.model and target.variant else None
            entry = raw[target.model.id] if target.model else None
            accepted = self.rights.consent.acceptances.of(ruling, self.rights.texts)
            passed = passing.Passed(ruling, passing.texts_of(ruling, self.rights.texts), accepted, checked)
            items.append(bundle.Item(local, named or f"hf:{local.repo}/{local.file}", passed, entry))
        return (yield from bundle.create(folder, items))

    def _may_pass_on(self, target: Target, ruling: Ruling, licence_checked: bool, texts: Texts | None = None) -> str:
        """Who vouches for passing a model on, "" where that needs nobody. Raises NotAllowed, NotToBePassedOn."""
        self.rights.check(target, ruling)
        approved = self.rights.consent.policy.verdict_on(ruling)
        word = approved.text if approved else passing.CHECKED if licence_checked else ""
        return passing.check(name_of(target), ruling, texts, word)
