"""What the page Settings is made of: a card with a heading, a row with a name and a control, a list to choose from."""

from collections.abc import Callable

from PySide6.QtCore import Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QVBoxLayout, QWidget

from desktop.ui import icons, theme
from desktop.ui.buttons import Button, Switch, Tabs
from desktop.ui.cards import Card
from desktop.ui.labels import Label
from desktop.ui.locking import LockMark, lock


def section(title: str) -> Card:
    """A card with a heading; put rows into its body."""
    card = Card(spacing=theme.GRID * 2)
    card.body.addWidget(Label(title, "section", "accent"))
    return card


class Row(QWidget):
    """A name with a sentence at the left, the control at the right; `setting` is the name of what it changes."""

    def __init__(self, name: str, about: str | QWidget, control: QWidget, setting: str = "") -> None:
        super().__init__()
        self._name, self._control, self.setting = name, control, setting
        self._words = QVBoxLayout()
        self._words.setSpacing(2)
        self._words.addWidget(Label(name, "strong"))
        self._words.addWidget(Label(about, "small", "soft") if isinstance(about, str) else about)
        line_ = QHBoxLayout(self)
        line_.setContentsMargins(0, 0, 0, 0)
        line_.setSpacing(theme.GRID * 3)
        line_.addLayout(self._words, 1)
        share = 0 if isinstance(control, Switch | Button | Tabs | QComboBox | Label) else 1
        line_.addWidget(control, share, Qt.AlignmentFlag.AlignVCenter)

    def lock(self, where: str) -> None:
        """The organisation has decided this, in the place that is named."""
        mark = LockMark(self._name, where)
        self._words.addSpacing(2)
        self._words.addWidget(mark)
        lock(self._control, mark)


def row(name: str, about: str | QWidget, control: QWidget, setting: str = "") -> Row:
    """A row of the page Settings."""
    return Row(name, about, control, setting)


def decided(name: str, about: str, where: str) -> Row:
    """A row for what only an organisation decides: there is nothing to choose."""
    made = Row(name, about, Label(""))
    made.lock(where)
    return made


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
