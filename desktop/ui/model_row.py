"""One model in the list: what it is good at, how it would fill the memory, how it runs, what its licence allows, one button."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QGridLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop import text
from desktop.offers import Offer
from desktop.ui import theme, verdict
from desktop.ui.bars import MemoryBar
from desktop.ui.cards import ChoiceCard
from desktop.ui.getting import Getting
from desktop.ui.labels import ElidedLabel, Label
from desktop.ui.pills import Pill

MEMORY_WIDTH, VERDICT_WIDTH, LICENCE_WIDTH, GETTING_WIDTH = 152, 196, 140, 104  # px at scale 1, so that rows align


class ModelRow(ChoiceCard):
    """A click anywhere but on its button opens the model."""

    def __init__(self, offer: Offer) -> None:
        super().__init__(offer.model.name, padding=16, spacing=0)
        self.offer = offer
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.getting = Getting(self.tr("Get it"), offer.model.name, compact=True)
        if offer.local is not None:
            self.getting.show_chat()
        self._name = _stack(
            ElidedLabel(offer.model.name, "card_title"),
            Label(
                self.tr("{maker} · {description}").format(maker=offer.model.maker, description=offer.model.description),
                "small",
                "soft",
            ),
        )
        self._memory = self._memory_part()
        runs, how = verdict.verdict(offer.verdict), self._how()
        if offer.refused:
            runs, how = verdict.refused(), self.tr("by your organisation")
            self.getting.show_refused(offer.refused)
            self.getting.sentence.hide()  # the words beside it say the same
        self._verdict = self._pill_part(runs, how, offer.why)
        size = self.tr("{size} download").format(size=text.size(offer.size_bytes))
        self._licence = self._pill_part(verdict.licence(offer.ruling), size, offer.ruling.headline)
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(theme.GRID * 2)
        self._grid.setVerticalSpacing(theme.GRID + 4)
        self.body.addLayout(self._grid)
        self._laid_out: tuple[bool, int] | None = None  # narrow, and for which text size
        self.set_narrow(False)
        said = offer.refused or runs.words, how, size, verdict.licence(offer.ruling, long=True).words
        self.setAccessibleDescription(". ".join((offer.model.description.rstrip("."), *said)))

    def set_narrow(self, narrow: bool) -> None:
        """Put the parts in one line, or in two where there is little room."""
        if (narrow, theme.scaled(1000)) == self._laid_out:
            return
        self._laid_out = narrow, theme.scaled(1000)
        parts = (self._name, self._memory, self._verdict, self._licence, self.getting)
        widths = (0, MEMORY_WIDTH, VERDICT_WIDTH, LICENCE_WIDTH, GETTING_WIDTH)
        for part, width in zip(parts, widths, strict=True):
            self._grid.removeWidget(part)
            if width:
                part.setMinimumWidth(0 if narrow and part is not self.getting else theme.scaled(width))
                part.setMaximumWidth(16777215 if narrow and part is not self.getting else theme.scaled(width))
        places: tuple[tuple[int, int, int, int], ...]
        if narrow:
            places = ((0, 0, 1, 2), (1, 0, 1, 1), (1, 1, 1, 1), (1, 2, 1, 1), (0, 2, 1, 1))
        else:
            places = tuple((0, column, 1, 1) for column in range(5))
        for part, place in zip(parts, places, strict=True):
            side = Qt.AlignmentFlag.AlignRight if part is self.getting else Qt.AlignmentFlag(0)
            self._grid.addWidget(part, *place, Qt.AlignmentFlag.AlignVCenter | side)
        for column in range(5):
            self._grid.setColumnStretch(column, 1 if column == 0 or (narrow and column < 3) else 0)

    def _memory_part(self) -> QWidget:
        fit = self.offer.fit
        bar = MemoryBar()
        bar.set_memory(fit.weights_bytes, fit.kv_bytes, fit.compute_bytes, fit.free_bytes, verdict.bar_tone(fit.verdict))
        words = self.tr("{memory} free").format(memory=verdict.memory(fit))
        bar.setAccessibleName(words)
        return _stack(bar, Label(words, "small", "soft", wrap=False), gap=6)

    def _pill_part(self, said: verdict.Saying, below: str, hint: str) -> QWidget:
        pill = Pill(said.words, said.tone, said.icon)
        pill.setToolTip(hint)
        return _stack(pill, Label(below, "small", "soft"), gap=4)

    def _how(self) -> str:
        return verdict.speed(self.offer.fit)


def _stack(*widgets: QWidget, gap: int = 2) -> QWidget:
    """Widgets below each other, at the left."""
    part = QWidget()
    column = QVBoxLayout(part)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(gap)
    for widget in widgets:
        column.addWidget(widget)
    return part
