"""The chips that filter by licence, the same in all three lists of models; and what to change when nothing is left."""

from collections.abc import Callable, Mapping

from PySide6.QtCore import QCoreApplication

from desktop.ui.buttons import Chip
from desktop.ui.shortlist import LicenceWish

NAMES = ("work", "share", "open")  # as LicenceWish's


def licence_chips() -> dict[str, Chip]:
    """A chip for each part of a LicenceWish."""
    return {"work": Chip(_tr("Free for work")), "share": Chip(_tr("May be passed on")), "open": Chip(_tr("Fully open"))}


def wish_of(chips: Mapping[str, Chip], without: str = "") -> LicenceWish:
    """What these chips ask for, perhaps without one of them; others that are no part of it do not matter."""
    return LicenceWish(*(chips[name].isChecked() and name != without for name in NAMES))


def what_to_change(chips: Mapping[str, Chip], count_without: Callable[[str], int]) -> str:
    """Which filter hides the most, as a sentence."""
    counts = {name: count_without(name) for name, chip in chips.items() if chip.isChecked()}
    best = max(counts, key=lambda name: counts[name], default="")
    if not best or not counts[best]:
        return _tr("Take more than one filter away.")
    words = _tr("Without “{filter}” there would be {count}.")
    return words.format(filter=chips[best].text(), count=counts[best])


def _tr(words: str) -> str:
    return QCoreApplication.translate("licence_chips", words)
