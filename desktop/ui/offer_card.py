"""One of the three offers of the first page: what it is good at, what it costs, and one button."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QFocusEvent, QKeyEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from desktop import text
from desktop.offers import Offer
from desktop.ui import theme, verdict
from desktop.ui.cards import Card, ChoiceCard
from desktop.ui.getting import Getting
from desktop.ui.labels import FactRow, Label, hint
from desktop.ui.pills import Pill

SHORT = 260  # px, of a blank card below others
HEIGHT = 402  # px at scale 1, so that nothing jumps when the offers come


class OfferCard(ChoiceCard):
    """Takes the keyboard as a whole: Return or Space starts, the arrows are the page's. Being focused is being chosen."""

    chosen = Signal()
    moved = Signal(int)  # -1 or 1: an arrow key

    def __init__(self, offer: Offer) -> None:
        super().__init__(offer.model.name, padding=19, spacing=theme.GRID)  # and 1 of the frame, see style.qss
        self.offer = offer
        self.setProperty("offer", True)
        self.setMinimumHeight(theme.scaled(HEIGHT))
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        role = verdict.role(offer.role) if offer.role else verdict.verdict(offer.verdict).words
        self._download = FactRow(self.tr("Download"), text.size(offer.size_bytes))
        said = verdict.licence(offer.ruling, long=True)
        pill = Pill(said.words, said.tone, said.icon)
        pill.setToolTip(offer.ruling.headline)
        self.getting = Getting(self.tr("Get it and chat"), offer.model.name)
        self.getting.button.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # the card itself is what the keyboard reaches
        self.body.addWidget(Label(role, "section", "accent"))
        self.body.addWidget(Label(offer.model.name, "card_title"))
        self.body.addWidget(Label(offer.model.description, "body", "soft"))
        self.body.addStretch(1)
        self._reason = Label("", "small")
        self.body.addWidget(self._reason)
        self.body.addSpacing(theme.GRID)
        facts = QVBoxLayout()
        facts.setSpacing(12)
        facts.addWidget(self._download)
        self._memory, self._pace = FactRow(self.tr("Uses of your memory")), FactRow(self.tr("Writes"))
        facts.addWidget(self._memory)
        facts.addWidget(self._pace)
        facts.addWidget(pill)
        self.body.addLayout(facts)
        self.body.addSpacing(theme.GRID)
        self.body.addWidget(self.getting)
        self._role, self._licence = role, said.words
        self.show_offer(offer)
        if offer.local is not None:
            self.getting.show_chat()

    def show_offer(self, offer: Offer) -> None:
        """The same variant, judged again: its speed may be known better now."""
        self.offer = offer
        self._reason.setText(offer.reason)
        self._reason.setVisible(bool(offer.reason))
        self._memory.set_value(verdict.memory(offer.fit))
        self._pace.set_value(verdict.pace(offer.fit))
        self._pace.setToolTip(hint(offer.why))
        self._describe()

    def show_time(self, bytes_per_s: float) -> None:
        """Say how long the download takes at a rate that was measured."""
        took = text.duration(self.offer.size_bytes / bytes_per_s)
        self._download.set_value(self.tr("{size} · {time}").format(size=text.size(self.offer.size_bytes), time=took))

    def set_tall(self, tall: bool) -> None:
        """As tall as the others beside it, or only as tall as it needs to be."""
        self.setMinimumHeight(theme.scaled(HEIGHT) if tall else 0)

    def choose(self) -> None:
        """Mark it, and its button, as the one that Return starts."""
        self.set_selected(True)
        self.getting.set_kind("primary")

    def let_go(self) -> None:
        """Another one is chosen."""
        self.set_selected(False)
        self.getting.set_kind("secondary")

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.chosen.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        steps = {Qt.Key.Key_Left: -1, Qt.Key.Key_Up: -1, Qt.Key.Key_Right: 1, Qt.Key.Key_Down: 1}
        step = steps.get(Qt.Key(event.key()))
        if step is not None:
            self.moved.emit(step)
        elif event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            if self.getting.button.isVisibleTo(self):  # else it is on its way
                self.getting.button.click()
        else:
            super().keyPressEvent(event)

    def _describe(self) -> None:
        words = self.tr("{role}: {description} {reason} Download {size}, writes {speed}. {licence}. Return gets it.")
        self.setAccessibleDescription(
            words.format(
                role=self._role,
                description=self.offer.model.description,
                reason=self.offer.reason,
                size=text.size(self.offer.size_bytes),
                speed=verdict.pace(self.offer.fit),
                licence=self._licence,
            )
        )


class BlankCard(Card):
    """What stands in an offer's place while the computer is examined."""

    def set_tall(self, tall: bool) -> None:
        """As tall as the offer that will stand here."""
        self.setMinimumHeight(theme.scaled(HEIGHT) if tall else theme.scaled(SHORT))

    def __init__(self) -> None:
        super().__init__(padding=20, spacing=theme.GRID)
        self.setMinimumHeight(theme.scaled(HEIGHT))
        for width, height in ((64, 12), (150, 18), (220, 14), (180, 14)):
            self.body.addWidget(_block(width, height))
            self.body.addSpacing(theme.GRID // 2)
        self.body.addStretch(1)
        for width in (240, 240, 240):
            self.body.addWidget(_block(width, 12))
            self.body.addSpacing(theme.GRID // 2)
        button = _block(260, 42)
        button.setMaximumWidth(16777215)
        self.body.addWidget(button)


def _block(width: int, height: int) -> QWidget:
    """A soft rectangle in the place of words."""
    block = QFrame()
    block.setProperty("kind", "blank")
    block.setFixedHeight(height)
    block.setMaximumWidth(theme.scaled(width))
    return block
