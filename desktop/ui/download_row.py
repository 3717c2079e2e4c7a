"""One download: its name, how far it is, and what can be done about it now."""

from typing import Literal

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from desktop import text
from desktop.errors import AlcoveError
from desktop.library import LocalModel
from desktop.transfer import Progress
from desktop.ui import theme
from desktop.ui.bars import Bar
from desktop.ui.buttons import Button, IconButton
from desktop.ui.cards import Card
from desktop.ui.getting import fraction, progress_words
from desktop.ui.labels import ElidedLabel, Label, hint
from desktop.ui.messages import TRY_AGAIN, explain

State = Literal["new", "running", "paused", "done", "failed"]


class DownloadRow(Card):
    """`part` is the unfinished file on the disk, once it is known."""

    get_clicked = Signal()
    cancel_clicked = Signal()
    chat_clicked = Signal()
    remove_clicked = Signal()
    act_clicked = Signal(str, object)

    def __init__(self, reference: str, name: str) -> None:
        super().__init__(padding=16, spacing=theme.GRID)
        self.reference = reference
        self.state: State = "new"
        self.part: LocalModel | None = None
        self._error: AlcoveError | None = None
        self.setAccessibleName(name)
        self.bar = Bar()
        self.bar.setAccessibleName(self.tr("Download of {name}").format(name=name))
        self.said = Label("", "small", "soft")
        self.next = Button("")  # what comes next: Pause, Resume, Chat, Try again
        self.next.clicked.connect(self._on_next_clicked)
        self.help = Button("", "quiet")  # what an error asks for, where trying again is not enough
        self.help.clicked.connect(self._on_help_clicked)
        self.remove = IconButton("trash", self.tr("Remove what has arrived of {name}").format(name=name))
        self.remove.clicked.connect(self.remove_clicked)
        words = QVBoxLayout()
        words.setSpacing(6)
        words.addWidget(ElidedLabel(name, "card_title"))
        words.addWidget(self.bar)
        words.addWidget(self.said)
        row = QHBoxLayout()
        row.setSpacing(theme.GRID * 2)
        row.addLayout(words, 1)
        for button in (self.help, self.next, self.remove):
            row.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        self.body.addLayout(row)
        self._name = name
        self._show("new", self.tr("Starting …"), "")

    def show_progress(self, progress: Progress) -> None:
        """It goes on."""
        size = self.tr("{done} of {size}").format(
            done=_shared(progress.done_bytes, progress.size_bytes), size=text.size(progress.size_bytes)
        )
        if progress.stage == "download":
            facts = [size]
            facts += [text.rate(progress.bytes_per_s)] if progress.bytes_per_s else []
            facts += [self.tr("{time} left").format(time=text.duration(progress.left_s))] if progress.left_s is not None else []
        else:
            facts = [progress_words(progress), size] if progress.size_bytes else [progress_words(progress)]
        self.bar.set_fraction(fraction(progress))
        self._show("running", " · ".join(facts), self.tr("Pause"), "pause")

    def show_paused(self, done_bytes: int, size_bytes: int) -> None:
        """A part is here and waits."""
        self.bar.set_fraction(done_bytes / max(1, size_bytes), "soft")
        words = self.tr("Paused · {done} of {size} are here").format(
            done=_shared(done_bytes, size_bytes), size=text.size(size_bytes)
        )
        self._show("paused", words, self.tr("Resume"), "play")

    def show_done(self, size_bytes: int) -> None:
        """It is here."""
        self.bar.set_fraction(1.0)
        self._show("done", self.tr("Here and checked · {size}").format(size=text.size(size_bytes)), self.tr("Chat"), "chat")

    def show_failed(self, error: AlcoveError) -> None:
        """It ended with an error."""
        self._error = error
        words = explain(error)
        if self.part is not None:
            self.bar.set_fraction(self.part.done_bytes / max(1, self.part.size_bytes), "bad")
        self._show("failed", words.sentence, self.tr("Try again"), "refresh")
        self.help.set_text(words.button)
        self.help.setVisible(bool(words.button) and words.act != TRY_AGAIN)

    def _show(self, state: State, said: str, button: str, icon: str = "") -> None:
        self.state = state
        self.said.setText(said)
        self.said.set_tone("bad" if state == "failed" else "soft")
        self.bar.setVisible(state in ("new", "running", "paused") or (state == "failed" and self.part is not None))
        self.help.hide()
        self.next.set_text(button)
        self.next.set_icon(icon)
        self.next.setAccessibleName(f"{button}: {self._name}")
        self.next.setVisible(bool(button))
        self.remove.setVisible(state not in ("new", "running"))
        keeps = state == "done" or (state == "failed" and self.part is None)
        self.remove.set_icon("cross" if keeps else "trash")
        words = self.tr("Take {name} off this list") if keeps else self.tr("Remove what has arrived of {name}")
        self.remove.setToolTip(hint(words.format(name=self._name)))
        self.remove.setAccessibleName(words.format(name=self._name))

    def _on_next_clicked(self) -> None:
        {"running": self.cancel_clicked, "done": self.chat_clicked}.get(self.state, self.get_clicked).emit()

    def _on_help_clicked(self) -> None:
        if self._error is not None:
            self.act_clicked.emit(explain(self._error).act, self._error)


def _shared(amount: int, beside: int) -> str:
    """An amount without its unit where the one beside it has the same: "1.2" of "2.5 GB"."""
    left, right = text.size(amount), text.size(beside)
    return left.partition(" ")[0] if left.partition(" ")[2] == right.partition(" ")[2] else left
