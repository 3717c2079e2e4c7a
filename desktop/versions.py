"""Whether another version of a model comes under another licence than the one that is here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from desktop.card import Card
from desktop.catalogue import Catalogue
from desktop.comparison import Point, changed
from desktop.library import LocalModel
from desktop.licences import Evidence, Licences, Ruling
from desktop.targets import Target, local_target


@dataclass(frozen=True)
class Change:
    """What the version that is here came under, and what the other one comes under. `name` is how the one here is called."""

    name: str
    was: Ruling
    now: Ruling

    @property
    def answers(self) -> tuple[Point, ...]:
        """Which of the three answers change, with both of each."""
        return changed(self.was, self.now)


def others(target: Target, here: Iterable[LocalModel], catalogue: Catalogue) -> list[Target]:
    """Models here that are another version of a target: from the same repository, or the same one of the catalogue."""
    found = []
    for local in here:
        known = local_target(local, catalogue)
        same = (target.repo and target.repo == local.repo) or (target.model and target.model == known.model)
        if local.complete and local.cards and same and local != target.local:
            found.append(known)
    return found


def change(here: Target, cards: Sequence[Card], licences: Licences) -> Change | None:
    """What changes with the version of which the Hub says this; None where the licences are the same.

    Cards are compared with cards: what the file here says besides has no counterpart in one that was not fetched.
    """
    stored = here.local.cards if here.local else ()
    stored = stored[: len(cards)] if len(cards) == 1 else stored  # those of what it was made from were not asked for
    told, tells = (licences.rule(Evidence(cards=tuple(each))).licence for each in (stored, cards))
    if not stored or told == tells:
        return None
    known = here.model.evidence if here.model else Evidence()
    was, now = (licences.rule(replace(known, cards=tuple(each))) for each in (stored, cards))
    name = here.model.name if here.model else here.name
    return Change(name, was, now) if was.licence != now.licence else None
