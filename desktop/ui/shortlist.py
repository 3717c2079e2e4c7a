"""Which of the offers a person wants to see: words, and the chips above the list."""

from collections.abc import Iterable
from dataclasses import dataclass

from desktop.licences import Ruling
from desktop.offers import Offer

SMALL_BYTES = 3_000_000_000  # a "small download": minutes on an ordinary line


@dataclass(frozen=True)
class LicenceWish:
    """What a licence must allow; each that is on narrows the list further."""

    work: bool = False
    share: bool = False
    open: bool = False

    def takes(self, ruling: Ruling | None) -> bool:
        """Whether a licence is like that; one that is not known yet is like nothing that was asked for."""
        if ruling is None:
            return not self.asks
        asked = (
            (self.work, ruling.commercial.answer == "yes"),
            (self.share, ruling.share.answer == "yes"),
            (self.open, ruling.openness == "full"),
        )
        return all(true for wanted, true in asked if wanted)

    @property
    def asks(self) -> bool:
        """Whether anything is asked for."""
        return self.work or self.share or self.open


@dataclass(frozen=True)
class Wish:
    """What the person asked for; an empty wish lets everything through."""

    words: str = ""
    fits: bool = False
    small: bool = False
    pictures: bool = False
    thinks: bool = False
    language: str = ""
    licence: LicenceWish = LicenceWish()


def matches(offer: Offer, wish: Wish) -> bool:
    """Whether an offer is what the person asked for."""
    model = offer.model
    asked = (
        (wish.fits, offer.verdict != "too_big"),
        (wish.small, offer.size_bytes <= SMALL_BYTES),
        (wish.pictures, model.reads_pictures),
        (wish.thinks, model.thinks != "no"),
        (bool(wish.language), model.speaks(wish.language)),
    )
    fits = all(true for wanted, true in asked if wanted)
    return fits and wish.licence.takes(offer.ruling) and _says(offer, wish.words)


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
