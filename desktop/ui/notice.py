"""Notices: one inside a page that says what happened and what to do next, and one that floats for some seconds with an undo."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QResizeEvent
from PySide6.QtWidgets import QApplication, QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.errors import AlcoveError
from desktop.ui import theme
from desktop.ui.buttons import Button, IconButton
from desktop.ui.details import CopyDetails, details
from desktop.ui.flow import Flow
from desktop.ui.labels import Label
from desktop.ui.messages import explain
from desktop.ui.sign import Sign

SIGNS = {"bad": "warning", "warning": "warning", "good": "check", "neutral": "info"}
COLOURS = {"bad": "bad", "warning": "warning", "good": "accent", "neutral": "soft"}
TOAST_S = 8.0
LONGEST, BESIDE = 420, 200  # px at scale 1 of a toast: its text at most, and what it leaves to the buttons


class Notice(QFrame):
    """A quiet field in a page: title, sentence and at most one button, or several where it is a choice.

    tone: "bad", "warning", "good", "neutral". `more` are the buttons of a choice beside the first, which is the one suggested.
    `narrow`: the button stands below the words.
    """

    clicked = Signal()
    other_clicked = Signal(int)  # the index in `more`

    def __init__(
        self,
        title: str = "",
        sentence: str = "",
        button: str = "",
        tone: str = "neutral",
        more: Sequence[str] = (),
        *,
        narrow: bool = False,
    ) -> None:
        super().__init__()
        self.setProperty("kind", "notice")
        self.setProperty("tone", tone)
        self.title, self.sentence = Label(title, "strong"), Label(sentence, "small", "soft", selectable=True)
        self.sentence.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.button = Button(button, "primary" if more else "secondary")
        self.button.clicked.connect(self.clicked)
        self.others = [Button(each) for each in more]
        for index, other in enumerate(self.others):
            other.clicked.connect(lambda _=False, index=index: self.other_clicked.emit(index))
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.title)
        words.addWidget(self.sentence)
        self.copy = CopyDetails()
        words.addWidget(self.copy, 0, Qt.AlignmentFlag.AlignLeft)
        row = QHBoxLayout(self)
        row.setContentsMargins(16, 12, 16, 12)
        row.setSpacing(12)
        row.addWidget(Sign(SIGNS[tone], COLOURS[tone], 20), 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(words, 1)
        if more or narrow:
            choice = Flow()
            for each in (self.button, *self.others):
                each.setProperty("small", True)
                choice.add(each)
            words.addSpacing(theme.GRID)
            words.addWidget(choice)
        else:
            row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignVCenter)
        self.title.setVisible(bool(title))
        self.sentence.setVisible(bool(sentence))
        self.button.setVisible(bool(button))

    def about(self, error: AlcoveError) -> "Notice":
        """Offer the details of the error that it tells of."""
        self.copy.show_for(error)
        return self


class Toast(QWidget):
    """One notice at a time at the foot of the pages: "Conversation deleted. Undo". Goes away by itself after 8 s, unless somebody
    is at it with the mouse or the keyboard.

    It has a place of its own below the page, which gives way, so that it lies over nothing that somebody wants to click.
    """

    def __init__(self) -> None:
        super().__init__()
        self._undo: Callable[[], None] | None = None
        self._text = Label("", "body")
        self.button = Button("", "link")
        self.button.clicked.connect(self._on_clicked)
        self.button.hide()
        close = IconButton("cross", self.tr("Close"))
        close.clicked.connect(self.hide)
        frame = QFrame()
        frame.setProperty("kind", "toast")
        row = QHBoxLayout(frame)
        row.setContentsMargins(20, 8, 8, 8)
        row.setSpacing(8)
        row.addWidget(self._text)
        row.addWidget(self.button)
        row.addWidget(close)
        place = QHBoxLayout(self)
        place.setContentsMargins(theme.GRID, theme.GRID, theme.GRID, theme.GRID * 2)
        place.addWidget(frame, 0, Qt.AlignmentFlag.AlignHCenter)
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_time)
        self.hide()

    def say(self, text: str, button: str = "", undo: Callable[[], None] | None = None, seconds: float = TOAST_S) -> None:
        """Show `text`, with a button that calls `undo` if both are given."""
        self._undo = undo
        self._text.setText(text)
        self.button.set_text(button)
        self.button.setVisible(bool(button))
        self.setAccessibleName(text)
        self._fit()
        self.show()
        self._timer.start(round(seconds * 1000))

    def tell(self, error: AlcoveError) -> None:
        """Say what went wrong, with its details to copy."""
        told = details(error)
        self.say(explain(error).sentence, self.tr("Copy details"), lambda: QGuiApplication.clipboard().setText(told))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._fit()

    def _fit(self) -> None:
        """The text in one line where there is room for it, beside the buttons."""
        self._text.ensurePolished()
        natural = self._text.fontMetrics().horizontalAdvance(self._text.text()) + 2
        self._text.setFixedWidth(min(natural, theme.scaled(LONGEST), self.width() - theme.scaled(BESIDE)))

    def _on_time(self) -> None:
        focused = QApplication.focusWidget()
        if self.underMouse() or (focused is not None and self.isAncestorOf(focused)):
            self._timer.start()
        else:
            self.hide()

    def _on_clicked(self) -> None:
        self.hide()
        undo, self._undo = self._undo, None
        if undo is not None:
            undo()
