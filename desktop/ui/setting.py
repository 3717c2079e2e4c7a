"""What the page Settings is made of: a card with a heading, a row with a name and a control, a list to choose from."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from desktop.ui import icons, theme
from desktop.ui.buttons import Button, Switch, Tabs
from desktop.ui.cards import Card
from desktop.ui.labels import Label


def section(title: str) -> Card:
    """A card with a heading; put rows into its body."""
    card = Card(spacing=theme.GRID * 2)
    card.body.addWidget(Label(title, "section", "accent"))
    return card


def row(name: str, about: str | Label, control: QWidget) -> QWidget:
    """A name with a sentence at the left, the control at the right."""
    row = QWidget()
    words = QVBoxLayout()
    words.setSpacing(2)
    words.addWidget(Label(name, "strong"))
    words.addWidget(Label(about, "small", "soft") if isinstance(about, str) else about)
    line_ = QHBoxLayout(row)
    line_.setContentsMargins(0, 0, 0, 0)
    line_.setSpacing(theme.GRID * 3)
    line_.addLayout(words, 1)
    line_.addWidget(control, 0 if isinstance(control, Switch | Button | Tabs | QComboBox) else 1, Qt.AlignmentFlag.AlignVCenter)
    return row


class Choice(QComboBox):
    """A list of numbers to choose from, with an arrow of ours: the style sheet takes away the system's.

    A number that was written into the file by hand is worded by `say`.
    """

    def __init__(self, choices: list[tuple[int, str]], chosen: int, say: Callable[[int], str]) -> None:
        super().__init__()
        self._say = say
        for number, words in choices:
            self.addItem(words, number)
        self.choose(chosen)

    def choose(self, number: int) -> None:
        """Choose a number, which is added to the list when it is not there."""
        if self.findData(number) < 0:
            self.addItem(self._say(number), number)
        self.setCurrentIndex(self.findData(number))

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        side = theme.scaled(16)
        arrow = icons.pixmap("chevron-down", "soft", side, self.devicePixelRatioF())
        with QPainter(self) as painter:
            painter.drawPixmap(self.width() - side - 10, (self.height() - side) // 2, arrow)
