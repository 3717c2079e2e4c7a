"""What may be done with a model here, by its licence and by what the organisation decided; asks the Hub where it has to."""

from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from desktop import cards, register, rulings, versions
from desktop.card import Card
from desktop.catalogue import Model
from desktop.consent import Consent, Terms
from desktop.errors import AlcoveError, NetworkError, NotAllowed, NotWritable
from desktop.judging import end
from desktop.library import LocalModel
from desktop.licences import Licences, Ruling
from desktop.repo import File, Repo
from desktop.search import Search
from desktop.targets import Target, Targets, name_of, unproved
from desktop.texts import Text, Texts
from desktop.versions import Change


@dataclass
class Rights:
    """`consent` decides; here is found out what about."""

    targets: Targets
    licences: Licences
    consent: Consent
    texts: Texts
    search: Search

    def ruling(self, target: Target) -> Ruling:
        """What the licence of a target allows, from every piece of evidence on this computer. Raises as gguf.read_file."""
        return rulings.of(target, self.licences, self.targets.catalogue)

    def licence(self, reference: str) -> Ruling:
        """As `ruling`, of a model reference or of the id of a licence; asks the Hub about a file of its that is not here."""
        if reference.strip().lower() in self.licences:  # people write Apache-2.0
            return self.licences.describe(reference.strip().lower())
        target = self.targets.of(reference)
        if target.path is None and target.model is None:
            traced = cards.trace(self.targets.hub, self.targets.file(target).cards)
            return self.licences.rule(rulings.before(target, end(traced), self.targets.catalogue))
        return self.ruling(target)

    def fetch_text(self, target: Target) -> Generator[int, None, tuple[Text, ...]]:
        """Get the licence texts of a target that are missing; yields bytes, returns all that are here. As cards.fetch_texts."""
        return cards.fetch_texts(self.targets.hub, self.ruling(target), rulings.repos(target), self.texts)

    def check(self, target: Target, ruling: Ruling | None = None, cards: Sequence[Card] = ()) -> None:
        """Raises NotAllowed for a model that the organisation does not allow, and as gguf.read_file."""
        if refused := self._refused(target, ruling, cards):
            raise refused

    def refusal(self, target: Target, ruling: Ruling | None = None) -> str:
        """Why the organisation does not allow a model, as a sentence; "" where it does. Raises as gguf.read_file."""
        refused = self._refused(target, ruling)
        return str(refused.facts["reason"]) if refused else ""

    def _refused(self, target: Target, ruling: Ruling | None, cards: Sequence[Card] = ()) -> NotAllowed | None:
        if not self.consent.policy.judges_models:  # then no file has to be read
            return None
        refused = self.consent.refusal(target, ruling or self.ruling(target), self.targets.catalogue, cards)
        # What allows a model has to hold without what anybody could have written beside it.
        bare = unproved(target, self.targets.library.shared)
        if refused or bare is None:
            return refused
        return self.consent.refusal(bare, self.ruling(bare), self.targets.catalogue)

    def denies(self, model: LocalModel) -> bool:
        """Whether the organisation does not allow a model that is here. One that cannot be read is nobody's decision."""
        with suppress(AlcoveError):
            return bool(self.refusal(self.targets.of_local(model)))
        return False

    def refusal_of_offer(self, model: Model, ruling: Ruling) -> str:
        """Why the organisation does not allow a model of the catalogue, "" where it does."""
        return self._sentence(ruling, model.gguf_repo)

    def refusal_of_repo(self, repo: Repo, ruling: Ruling) -> str:
        """The same of what a search on the Hub found."""
        return self._sentence(ruling, repo.id, [name for card in repo.cards for name in (card.repo, *card.base_models)])

    def _sentence(self, ruling: Ruling, repo: str, claims: Sequence[str] = ()) -> str:
        policy = self.consent.policy
        return policy.refusal(self.targets.catalogue.about(ruling, repo, claims)) or "" if policy.judges_models else ""

    def asks_nothing(self, reference: str) -> bool:
        """Whether a model is here, or one of the catalogue whose licences want nothing accepted; asks the disk at most."""
        with suppress(AlcoveError):  # what is wrong with a reference, its download says
            target = self.targets.of(reference)
            known = target.model is not None and not self.consent.missing(self.licences.rule(target.model.evidence))
            return target.path is not None or known
        return True

    def terms(self, reference: str) -> Generator[int | None, None, Terms]:
        """What has to be accepted before a model is fetched, with the texts that can be had. Raises as ruled."""
        target = self.targets.of(reference)
        if target.path is not None:
            return Terms(reference, name_of(target), self.ruling(target))
        yield None
        files, ruling = yield from self.ruled(target)
        if self.consent.terms(reference, name_of(target), ruling).unread:
            repos = (*rulings.repos(target), *(card.repo for card in files[0].cards))
            with suppress(NetworkError, NotWritable):  # then it is accepted unread, which is noted
                yield from cards.fetch_texts(self.targets.hub, ruling, tuple(dict.fromkeys(repos)), self.texts)
        return self.consent.terms(reference, name_of(target), ruling)

    def ruled(self, target: Target) -> Generator[None, None, tuple[tuple[File, ...], Ruling]]:
        """The files that are about to be fetched, and their licence by the pages of all that they were made from.

        Raises NotAllowed, and as Targets.files.
        """
        first, *others = self.targets.files(target)
        first = replace(first, cards=(yield from cards.trace(self.targets.hub, first.cards)))
        ruling = self.licences.rule(rulings.before(target, first.cards, self.targets.catalogue))
        self.check(target, ruling, first.cards)
        return (first, *others), ruling

    def other_versions(self, reference: str) -> list[Target]:
        """Models here that are another version of what a reference means, which is not here."""
        target = self.targets.of(reference)
        return versions.others(target, self.targets.library.list(), self.targets.catalogue) if target.path is None else []

    def licence_change(self, reference: str) -> Generator[None, None, Change | None]:
        """Whether what a reference means comes under another licence than the version of it that is here; None where it does not.

        The Hub is asked only where there is such a version. Raises as Targets.files.
        """
        here = self.other_versions(reference)
        if not here:
            return None
        yield
        said = yield from cards.trace(self.targets.hub, self.targets.file(self.targets.of(reference)).cards)
        found = (versions.change(each, said, self.licences) for each in here)
        return next((each for each in found if each is not None), None)

    def newer_licence(self, target: Target) -> Change | None:
        """Whether a newer version of a model that is here is known to come under another licence; asks nobody."""
        if target.local is None or not target.repo or (newer := self.search.kept(target.repo)) is None:
            return None
        if newer.revision == target.local.revision:
            return None
        return versions.change(target, newer.cards, self.licences)

    def register(self) -> Generator[register.Row, None, tuple[register.Row, ...]]:
        """The licences of all models that are here, for whoever has to answer for them."""
        return register.rows(self.targets.library, self.consent, self.texts, self._registered)

    def _registered(self, model: LocalModel) -> tuple[str, Ruling, str]:
        target = self.targets.of_local(model)
        ruling = self.ruling(target)
        return name_of(target), ruling, self.refusal(target, ruling)
