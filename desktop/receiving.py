"""Taking in a bundle: what the organisation does not allow stays outside, and somebody has to have accepted its licences.

What whoever made the bundle had accepted counts here too, is noted as theirs, and is told. The licence texts in it are kept.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from hashlib import sha256 as hash_of
from pathlib import Path
from typing import Any

import msgspec

from desktop import bundle, gguf, mirror, rulings, text
from desktop.acceptance import Acceptance
from desktop.catalogue import Catalogue
from desktop.consent import Consent
from desktop.errors import AlcoveError, Corrupt, NotAccepted
from desktop.library import Library, LocalModel
from desktop.licences import UNKNOWN, Evidence, Licences, Ruling
from desktop.mirror import Model
from desktop.targets import Target
from desktop.texts import Texts
from desktop.transfer import Progress

LONGEST = 500  # letters of what a bundle says of an acceptance


@dataclass(frozen=True)
class Receiving:
    """The computer that a bundle comes to."""

    library: Library
    consent: Consent
    licences: Licences
    catalogue: Catalogue
    texts: Texts

    def install(
        self, folder: Path, *, in_place: bool = False, accept: bool = False
    ) -> Generator[Progress, None, tuple[list[LocalModel], list[Acceptance]]]:
        """Take in what a bundle has; also returns who accepted the licences: who made it, or with `accept` the person here.

        Raises NotAllowed and NotAccepted before anything is copied, and as bundle.install.
        """
        ruled = [(model, self._ruling(folder, model)) for model in mirror.read(folder).models]
        accepted = self._take_over(folder, [ruling for _, ruling in ruled])
        for model, ruling in ruled:
            terms = self.consent.terms(model.reference, model.repo, ruling)
            if terms.missing and accept:
                accepted += self.consent.accept(terms)
            elif terms.missing:
                how = f"alcove bundle install {folder} --accept-licence"
                raise NotAccepted(**{**terms.not_accepted.facts, "how": how})
            else:
                self.consent.admit(terms)
        return (yield from bundle.install(folder, self.library, in_place=in_place)), accepted

    def _ruling(self, folder: Path, model: Model) -> Ruling:
        """The licence of a model in a bundle: by its file and its page, and by what was known where the bundle was made.

        Raises NotAllowed.
        """
        known, local, path = self.catalogue.by_repo(model.repo), _as_local(folder, model), _readable(folder, model)
        target = Target(model.reference, model.repo, path, known, repo=model.repo, local=local)
        ruling = rulings.of(target, self.licences, self.catalogue)
        told = (model.licence_id or "").split(" + ")
        more = [id for id in told if id in self.licences and id not in ruling.licence.split(" + ")]
        if more:
            ids = [licence.id for licence in ruling.licences if licence.id != UNKNOWN]
            ruling = self.licences.rule(Evidence(catalogue=(*ids, *more)))
        if refused := self.consent.refusal(target, ruling, self.catalogue):
            raise refused
        return ruling

    def _take_over(self, folder: Path, ruled: Sequence[Ruling]) -> list[Acceptance]:
        """Keep the licence texts of a bundle, and what was accepted by whoever made it, as far as it is of these texts.

        Raises Corrupt for a text that is not what the list says, Forbidden for one that leads outside, NotWritable.
        """
        made = mirror.read(folder)
        for paper in made.licences:
            if paper.id in self.licences and self.texts.of(self.licences[paper.id]) is None:
                path = bundle.inside(folder, paper.path)
                content = path.read_bytes() if path.is_file() else b""
                if hash_of(content).hexdigest() != paper.sha256:
                    raise Corrupt(path=str(path), why="this licence is not what the list says; get the bundle again")
                self.texts.keep(paper.id, content, path.absolute().as_uri())
        told = [line for each in made.accepted if (line := _acceptance(each))]
        found: list[Acceptance] = []
        for ruling in ruled:
            for licence in self.consent.missing(ruling):
                here = self.texts.of(licence)
                theirs = next((each for each in told if each.covers(licence, here.sha256 if here else None)), None)
                if theirs:
                    found += self.consent.acceptances.add([msgspec.structs.replace(theirs, through="bundle")])
        return found


def _as_local(folder: Path, model: Model) -> LocalModel:
    """A model of a bundle as if it were here already, for what is said of its licence."""
    first = model.files[0]
    return LocalModel(
        model.reference,
        folder / first.path,
        model.repo,
        model.size_bytes,
        "linked",
        licence=model.licence,
        base_models=model.base_models,
        cards=model.cards,
        repo=model.repo,
        file=first.name,
    )


def _readable(folder: Path, model: Model) -> Path | None:
    """Its first file, if that lies where the list says and can be read; what is wrong with it is told by bundle.install."""
    try:
        path = bundle.present(folder, model.files[0])
        gguf.read_file(path)
    except AlcoveError:
        return None
    return path


def _acceptance(told: dict[str, Any]) -> Acceptance | None:
    """What a bundle says of an acceptance, in letters that can be shown; None where it makes no sense."""
    shown = {key: text.plain(value)[:LONGEST] if isinstance(value, str) else value for key, value in told.items()}
    try:
        return msgspec.convert(shown, Acceptance)
    except msgspec.ValidationError:
        return None
