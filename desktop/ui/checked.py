"""The quiet line below a verdict: where its figures are from, and how exact such figures have been on this computer."""

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop.ui.buttons import Button
from desktop.ui.labels import Label
from desktop.ui.sign import Sign


def _tr(words: str) -> str:
    return QCoreApplication.translate("checked", words)


def words_of(source: str, method: str, host: str) -> str:
    """Where figures are from: `source` of a Judgement ("file", "hub", "cache", "catalogue"; the `host`), `method` of its Fit."""
    if source == "catalogue":
        return _tr("From the catalogue, not checked")
    if method != "engine":
        return _tr("Calculated from the file itself, without the engine")
    return _tr("Checked with the engine") if source == "file" else _tr("Checked against the file on {host}").format(host=host)


class CheckedLine(QWidget):
    """Says what is being done, then what it came to. `again_clicked` where checking again may help."""

    again_clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._sign = Sign()
        self.said = Label("", "small", "soft")
        self.again = Button(self.tr("Check again"), "small_link")
        self.again.clicked.connect(self.again_clicked)
        self._accuracy = ""
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self._sign)
        row.addWidget(self.said, 1)
        row.addWidget(self.again)
        self.show_estimate()

    def show_accuracy(self, sentence: str) -> None:
        """How exact such figures have been here; "" while nothing is known."""
        self._accuracy = sentence

    def show_estimate(self) -> None:
        """Only calculated so far; it will be checked in a moment."""
        self._say(self.tr("Calculated"), "clock", "soft")

    def show_checking(self, stage: str) -> None:
        """It is being checked: the file's header is read, or the engine is asked."""
        words = self.tr("Checking: reading the first part of the file …") if stage == "header" else self.tr("Checking …")
        self._say(words, "refresh", "soft")

    def show_checked(self, source: str, method: str, host: str) -> None:
        """It was checked, or cannot be. The arguments are those of `words_of`."""
        unchecked = source == "catalogue"
        said = words_of(source, method, host)
        self._say(f"{said} · {self._accuracy}" if self._accuracy else said, "info" if unchecked else "check", "soft")
        self.again.setVisible(unchecked)

    def show_kept(self, note: str) -> None:
        """Without a network only what was read of the file before could be looked at; `note` says when."""
        self._say(note.rstrip("."), "info", "soft")
        self.again.show()

    def show_failed(self, *, again: bool) -> None:
        """The check did not come to an end; the reason stands elsewhere, perhaps with a button to try `again`."""
        self._say(self.tr("Not checked"), "exclamation", "warning")
        self.again.setVisible(again)

    def _say(self, words: str, icon: str, tone: str) -> None:
        self._sign.show_icon(icon, tone)
        self.said.setText(words)
        self.setAccessibleName(words)
        self.again.hide()
