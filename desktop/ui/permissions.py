"""The three questions that everybody has about a licence, each with its answer in words, colour and sign."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from desktop.licences import Ruling
from desktop.ui import theme, verdict
from desktop.ui.labels import Label
from desktop.ui.sign import Sign


class Permissions(QWidget):
    """May I use it at work, may I pass it on, can anyone check it; in short words, or `wide` with every reason open."""

    def __init__(self, ruling: Ruling, *, wide: bool = False) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID if wide else 0)
        shorts = self.tr("Use it at work?"), self.tr("Change and pass it on?"), self.tr("Check how it was made?")
        answers = ruling.commercial, ruling.share, ruling.audit
        for short, whole, given in zip(shorts, verdict.questions(), answers, strict=True):
            said = verdict.answer(given, of_making=given is ruling.audit)
            column.addWidget(Question(whole if wide else short, whole, said, verdict.because(given), open_=wide))


class Question(QWidget):
    """One of the three questions with its answer; a click opens the sentence that matters."""

    opened = Signal(bool)

    def __init__(self, words: str, whole: str, said: verdict.Saying, because: str, *, open_: bool = False) -> None:
        super().__init__()
        self.button = _AnswerRow(words, said)
        self.button.setAccessibleName(f"{whole} {said.words}")
        self.button.setAccessibleDescription(because)
        self.button.setToolTip(because)
        self.button.toggled.connect(self._on_toggled)
        self.sentence = Label(because, "small", "soft", selectable=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.button)
        column.addWidget(self.sentence)
        self.button.setChecked(open_)
        self.sentence.setVisible(open_)

    def _on_toggled(self, on: bool) -> None:
        self.sentence.setVisible(on)
        self.opened.emit(on)


class _AnswerRow(QPushButton):
    """Question at the left, answer with its sign at the right."""

    def __init__(self, words: str, said: verdict.Saying) -> None:
        super().__init__()
        self.setProperty("kind", "row")
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        tone = {"good": "accent", "warning": "warning", "bad": "bad"}.get(said.tone, "soft")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(Label(words, "small", wrap=False), 1)
        row.addWidget(Sign(said.icon, tone))
        row.addWidget(Label(said.words, "section", tone, wrap=False))
        for label in self.findChildren(QLabel):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        theme.follow(self._fit)

    def _fit(self) -> None:
        self.setFixedHeight(theme.scaled(28))
