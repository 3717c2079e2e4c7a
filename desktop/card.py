"""What the card of a repository on the Hub says of its licence and of what it was made from, whoever wrote it."""

from collections.abc import Mapping
from dataclasses import dataclass

from desktop.text import plain

SILENT = frozenset({"", "other", "unknown", "none", "null", "no-license"})  # tags that say nothing
KEYS = ("license", "license_name", "license_link", "base_model", "base_model_relation")  # what is read of a card
MOST, LONGEST = 16, 200  # of what a card may list; letters of each
LONGEST_ADDRESS = 500  # letters


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
    tags = listed(content.get("license"))
    stated = tuple(tag for tag in tags if tag.lower() not in SILENT)
    if len(stated) < len(tags) or not tags:
        stated += listed(content.get("license_name"))
    link = next(iter(listed(content.get("license_link"), LONGEST_ADDRESS)), None)
    relation = next(iter(listed(content.get("base_model_relation"))), None)
    return Card(repo, tuple(dict.fromkeys(stated)), link, listed(content.get("base_model")), relation)


def listed(value: object, longest: int = LONGEST) -> tuple[str, ...]:
    """The words of a field that holds one or a list of them: on one line each, shortened where they go on and on."""
    found = []
    for each in (value if isinstance(value, list) else [value])[:MOST]:
        if isinstance(each, str | int | float) and not isinstance(each, bool):
            words = " ".join(plain(str(each)[: longest * 2]).split())
            found.append(words if len(words) <= longest else f"{words[:longest]}…")
    return tuple(dict.fromkeys(each for each in found if each))
