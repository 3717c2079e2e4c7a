"""What the card of a repository on the Hub says of its licence and of what it was made from, whoever wrote it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice

from desktop.text import plain

SILENT = frozenset({"", "other", "unknown", "none", "null", "no-license"})  # tags that say nothing
OTHER = "other terms"  # stands for such a tag beside others
MORE = "…"  # stands for all that a card lists beyond what is read of it: nobody knows what that is
KEYS = ("license", "license_name", "license_link", "base_model", "base_model_relation")  # what is read of a card
MOST, LONGEST = 16, 200  # of what a card may list; letters of each
MOST_BASES = 100  # a merge has many
LONGEST_ADDRESS = 500  # letters
DEEPEST = 4  # lists in lists that are looked into


@dataclass(frozen=True)
class Card:
    """A card, as far as it goes: `licences` are its tags, or the name it gives where the tag is "other".

    `link` is where it says that the licence lies: shown to people, and fetched only on the Hub itself. `relation` is how it was
    made from `base_models`: "quantized", "finetune", "adapter", "merge", or None where it does not say.
    """

    repo: str
    licences: tuple[str, ...] = ()
    link: str | None = None
    base_models: tuple[str, ...] = ()
    relation: str | None = None

    @property
    def stated(self) -> str | None:
        """Its tags as one, as metadata has them."""
        return ",".join(self.licences) or None


def read(repo: str, content: object) -> Card:
    """The card of a repository from what its head holds, which may be anything."""
    if not isinstance(content, Mapping):
        return Card(repo)
    tags, named = listed(content.get("license")), listed(content.get("license_name"))
    stated = tuple(tag for tag in tags if tag.lower() not in SILENT)
    if stated and len(stated) < len(tags) and not named:
        named = (OTHER,)  # whatever it is, it applies too
    stated += named
    link = next(iter(listed(content.get("license_link"), LONGEST_ADDRESS)), None)
    relation = next(iter(listed(content.get("base_model_relation"))), None)
    return Card(repo, tuple(dict.fromkeys(stated)), link, listed(content.get("base_model"), most=MOST_BASES), relation)


def joined(known: tuple[Card, ...], told: tuple[Card, ...]) -> tuple[Card, ...]:
    """What is known of a file, and what another page tells of the same bytes: as if it were made from what lies there."""
    if not told or any(card.repo.lower() == told[0].repo.lower() for card in known):
        return known
    own, *rest = known
    relation = own.relation if own.base_models else "quantized"
    return (replace(own, base_models=(*own.base_models, told[0].repo), relation=relation), *rest, *told)


def listed(value: object, longest: int = LONGEST, most: int = MOST) -> tuple[str, ...]:
    """The words of a field that holds one or a list of them: on one line each, with MORE at the end of what is cut short."""
    several, found = list(islice(_flat(value), most + 1)), []
    for each in several[:most]:
        start = str(each)[: longest * 2]
        words = " ".join(plain(start).split())
        cut = len(words) > longest or len(str(each)) > len(start)
        found.append(f"{words[:longest]}{MORE}" if cut else words)
    return tuple(dict.fromkeys([each for each in found if each] + [MORE] * (len(several) > most)))


def _flat(value: object, depth: int = 0) -> Iterator[object]:
    """What a list holds, and lists in it; maps as they are written, for there may be a name in them."""
    if isinstance(value, list) and depth < DEEPEST:
        for each in value:
            yield from _flat(each, depth + 1)
    elif value is not None and not isinstance(value, bool):
        yield value
