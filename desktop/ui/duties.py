"""What to do when passing a model on, as a checklist whose exact wordings can be copied; and what is not allowed."""

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.licences import Duty
from desktop.ui import theme
from desktop.ui.buttons import Button
from desktop.ui.labels import Label, hint
from desktop.ui.sign import Sign

COPIED_MS = 1500


class Duties(QWidget):
    """The checklist. The whole of it can be copied too, for a ticket or a mail."""

    def __init__(self, duties: Sequence[Duty]) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID)
        for duty in duties:
            column.addWidget(_duty(duty))
        if len(duties) > 1:
            copy = CopyButton(self.tr("Copy the whole list"), checklist(duties))
            column.addWidget(copy, 0, Qt.AlignmentFlag.AlignLeft)


class Entry(QWidget):
    """A sentence with a small sign before it; more can be put below it, into `.words`."""

    def __init__(self, words: str, sign: str, tone: str = "soft", text_tone: str = "ink") -> None:
        super().__init__()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GRID)
        self.words = QVBoxLayout()
        self.words.setSpacing(0)
        self.words.addWidget(Label(words, "small", text_tone, selectable=True))
        row.addWidget(Sign(sign, tone), 0, Qt.AlignmentFlag.AlignTop)
        row.addLayout(self.words, 1)


class CopyButton(Button):
    """A small link that copies `wording`, and says for a moment that it did."""

    def __init__(self, words: str, wording: str) -> None:
        super().__init__(words, "small_link", "copy")
        self._words, self._wording = words, wording
        self.setToolTip(hint(wording))
        self.clicked.connect(self._copy)

    def _copy(self) -> None:
        QGuiApplication.clipboard().setText(self._wording)
        self.setText(self.tr("Copied"))
        self.set_icon("check")
        QTimer.singleShot(COPIED_MS, self, self._show_copy)

    def _show_copy(self) -> None:
        self.setText(self._words)
        self.set_icon("copy")


def _duty(duty: Duty) -> Entry:
    """Something to do, with its exact wording and a button that copies it where there is one."""
    entry = Entry(duty.text, "box")
    if duty.copy:
        if duty.copy not in duty.text:
            entry.words.addWidget(Label(f"“{duty.copy}”", "small", "soft", selectable=True))
        copy = CopyButton(QCoreApplication.translate("duties", "Copy the wording"), duty.copy)
        name = QCoreApplication.translate("duties", "Copy “{wording}”")
        copy.setAccessibleName(name.format(wording=duty.copy))
        entry.words.addWidget(copy, 0, Qt.AlignmentFlag.AlignLeft)
    return entry


def checklist(duties: Sequence[Duty]) -> str:
    """The duties as plain text, each with a box to tick."""
    return "\n".join(f"[ ] {d.text} “{d.copy}”" if d.copy and d.copy not in d.text else f"[ ] {d.text}" for d in duties)
