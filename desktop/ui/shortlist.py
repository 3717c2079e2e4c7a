"""Which of the offers a person wants to see: words, and the chips above the list."""

from collections.abc import Iterable
from dataclasses import dataclass

from desktop.offers import Offer

SMALL_BYTES = 3_000_000_000  # a "small download": minutes on an ordinary line


@dataclass(frozen=True)
class Wish:
    """What the person asked for; an empty wish lets everything through."""

    words: str = ""
    fits: bool = False
    small: bool = False
    free: bool = False
    open: bool = False
    pictures: bool = False
    thinks: bool = False
    language: str = ""


def matches(offer: Offer, wish: Wish) -> bool:
    """Whether an offer is what the person asked for."""
    model, ruling = offer.model, offer.ruling
    asked = (
        (wish.fits, offer.verdict != "too_big"),
        (wish.small, offer.size_bytes <= SMALL_BYTES),
        (wish.free, ruling.commercial.answer == "yes"),
        (wish.open, ruling.openness == "full"),
        (wish.pictures, model.reads_pictures),
        (wish.thinks, model.thinks != "no"),
        (bool(wish.language), model.speaks(wish.language)),
    )
    return all(true for wanted, true in asked if wanted) and _says(offer, wish.words)


def _says(offer: Offer, words: str) -> bool:
    """Whether every word occurs in what the row says about the model."""
    model = offer.model
    said = " ".join((model.name, model.maker, model.family, model.description, model.id)).casefold()
    return all(word in said for word in words.casefold().split())


def languages(offers: Iterable[Offer]) -> tuple[str, ...]:
    """Every language that an offer names, the most common first."""
    counts: dict[str, int] = {}
    for offer in offers:
        for language in offer.model.languages:
            counts[language] = counts.get(language, 0) + 1
    return tuple(sorted(counts, key=lambda language: (-counts[language], language)))
