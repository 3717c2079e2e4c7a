"""One download: its name, how far it is, and what can be done about it now."""

from typing import Literal

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout

from desktop import text
from desktop.errors import AlcoveError, Gated
from desktop.library import LocalModel
from desktop.transfer import Progress
from desktop.ui import theme
from desktop.ui.bars import Bar
from desktop.ui.buttons import Button, IconButton
from desktop.ui.cards import Card
from desktop.ui.details import CopyDetails
from desktop.ui.gate import GateSteps
from desktop.ui.getting import fraction, progress_words
from desktop.ui.labels import ElidedLabel, Label, hint
from desktop.ui.messages import TRY_AGAIN, explain

State = Literal["new", "running", "waiting", "paused", "done", "failed"]
ALT = Qt.KeyboardModifier.AltModifier
MOVES = {Qt.Key.Key_Up: "up", Qt.Key.Key_Down: "down", Qt.Key.Key_Home: "top"}  # with Alt


class DownloadRow(Card):
    """`part` is the unfinished file on the disk, once it is known. Alt with an arrow or Home moves it, from any button of its."""

    get_clicked = Signal()
    cancel_clicked = Signal()
    chat_clicked = Signal()
    remove_clicked = Signal()
    moved = Signal(str)  # "up", "down" or "top"
    act_clicked = Signal(str, object)
    token_entered = Signal(str)
    page_clicked = Signal(str)

    def __init__(self, reference: str, name: str) -> None:
        super().__init__(padding=16, spacing=theme.GRID)
        self.reference = reference
        self.state: State = "new"
        self.part: LocalModel | None = None
        self._error: AlcoveError | None = None
        self._last: Progress | None = None
        self._kept_offline = False
        self._name = name
        self.setAccessibleName(name)
        self.bar = Bar()
        self.bar.setAccessibleName(self.tr("Download of {name}").format(name=name))
        self.said = Label("", "small", "soft")
        self._gate: GateSteps | None = None
        self._words = QVBoxLayout()
        self._words.setSpacing(6)
        self._words.addWidget(ElidedLabel(name, "card_title"))
        self._words.addWidget(self.bar)
        self._words.addWidget(self.said)
        self.copy_details = CopyDetails()
        self._words.addWidget(self.copy_details, 0, Qt.AlignmentFlag.AlignLeft)
        row = QHBoxLayout()
        row.setSpacing(theme.GRID * 2)
        row.addLayout(self._words, 1)
        row.addLayout(self._buttons())
        self.body.addLayout(row)
        for control in self.controls:
            control.installEventFilter(self)
        self._show("new", self.tr("Starting …"), "")

    def _buttons(self) -> QHBoxLayout:
        self.help = Button("", "link")  # what an error asks for, where trying again is not enough
        self.help.clicked.connect(self._on_help_clicked)
        self.up = IconButton("chevron-up", self.tr("Move {name} up").format(name=self._name))
        self.up.setToolTip(self.tr("Move up (Alt+Up)"))
        self.up.clicked.connect(lambda: self.moved.emit("up"))
        self.top = IconButton("to-top", self.tr("Get {name} first").format(name=self._name))
        self.top.setToolTip(self.tr("Get this first (Alt+Home)"))
        self.top.clicked.connect(lambda: self.moved.emit("top"))
        self.next = Button("")  # what comes next: Pause, Resume, Chat, Try again
        self.next.clicked.connect(self._on_next_clicked)
        self.remove = IconButton("trash", "")
        self.remove.clicked.connect(self.remove_clicked)
        line = QHBoxLayout()
        line.setSpacing(theme.GRID)
        self.controls = (self.help, self.up, self.top, self.next, self.remove)
        for button in self.controls:
            line.addWidget(button, 0, Qt.AlignmentFlag.AlignVCenter)
        return line

    def keep_offline(self, kept: bool) -> None:
        """Whether it cannot go on here, whatever the person does."""
        self._kept_offline = kept
        self._show_next()

    def show_progress(self, progress: Progress) -> None:
        """It goes on. One that waits for its turn is told by `show_waiting`."""
        if progress.stage == "queue":
            return
        self._last = progress
        size = self._amount(progress.done_bytes, progress.size_bytes)
        if progress.stage == "download":
            facts = [size]
            facts += [text.rate(progress.bytes_per_s)] if progress.bytes_per_s else []
            facts += [self.tr("{time} left").format(time=text.duration(progress.left_s))] if progress.left_s is not None else []
        else:
            facts = [progress_words(progress), size] if progress.size_bytes else [progress_words(progress)]
        if progress.files > 1:
            facts.append(self.tr("File {number} of {count}").format(number=progress.file, count=progress.files))
        self.bar.set_fraction(fraction(progress))
        self._show("running", " · ".join(facts), self.tr("Pause"), "pause")

    def show_waiting(self, words: str, *, first: bool) -> None:
        """Others come before it, or it is held up. first: nothing comes before it."""
        done_bytes, size_bytes = self._arrived()
        self.bar.set_fraction(done_bytes / max(1, size_bytes), "soft")
        facts = [words, self._amount(done_bytes, size_bytes)] if done_bytes else [words]
        self._show("waiting", " · ".join(facts), self.tr("Pause") if done_bytes else "", "pause")
        self.up.setVisible(not first)
        self.top.setVisible(not first)

    def show_paused(self) -> None:
        """A part is here and waits for the person."""
        done_bytes, size_bytes = self._arrived()
        self.bar.set_fraction(done_bytes / max(1, size_bytes), "soft")
        words = self.tr("Paused · {amount} are here").format(amount=self._amount(done_bytes, size_bytes))
        self._show("paused", words if size_bytes else self.tr("Paused before it began"), self.tr("Resume"), "play")

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
        self.copy_details.show_for(error)
        self.help.set_text(words.button)
        self.help.setVisible(bool(words.button) and words.act != TRY_AGAIN)
        if isinstance(error, Gated):
            self._show_gate(error)

    def _show_gate(self, error: Gated) -> None:
        """The steps in place of the sentence that sums them up."""
        self.said.hide()
        self.help.hide()
        self._gate = GateSteps(str(error.facts.get("page", "")))
        self._gate.page_clicked.connect(self.page_clicked)
        self._gate.token_entered.connect(self.token_entered)
        self._words.addWidget(self._gate)
        self._gate.show()

    def _arrived(self) -> tuple[int, int]:
        """How much is here of how much, by the disk, else by what was seen last; zeros where nobody knows."""
        if self.part is not None:
            return self.part.done_bytes, self.part.size_bytes
        return (self._last.done_bytes, self._last.size_bytes) if self._last is not None else (0, 0)

    def _amount(self, done_bytes: int, size_bytes: int) -> str:
        return self.tr("{done} of {size}").format(done=_shared(done_bytes, size_bytes), size=text.size(size_bytes))

    def _show(self, state: State, said: str, button: str, icon: str = "") -> None:
        self.state = state
        self.copy_details.show_for(None)
        if self._gate is not None:
            self._gate.hide()
            self._gate.deleteLater()
            self._gate = None
        self.said.show()
        self.said.setText(said)
        self.said.set_tone("bad" if state == "failed" else "soft")
        begun = self.part is not None or state in ("new", "running") or bool(self._arrived()[0])
        self.bar.setVisible(state != "done" and begun)
        for each in (self.help, self.up, self.top):
            each.hide()
        self.next.set_text(button)
        self.next.set_icon(icon)
        self.next.setAccessibleName(f"{button}: {self._name}")
        self._show_next()
        keeps, runs = state == "done" or self.part is None, state in ("new", "running")
        self.remove.set_icon("cross" if keeps or runs else "trash")
        words = self.tr("Take {name} off this list") if keeps else self.tr("Remove what has arrived of {name}")
        words = self.tr("Cancel the download of {name}") if runs else words
        self.remove.setToolTip(hint(words.format(name=self._name)))
        self.remove.setAccessibleName(words.format(name=self._name))

    def _show_next(self) -> None:
        able = self.state == "done" or not self._kept_offline
        self.next.setVisible(able and bool(self.next.text()))

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Before a button takes an arrow for itself."""
        pressed = isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.modifiers() & ALT
        if isinstance(event, QKeyEvent) and pressed and (where := MOVES.get(Qt.Key(event.key()))):
            self.moved.emit(where)
            return True
        return super().eventFilter(watched, event)

    def _on_next_clicked(self) -> None:
        act = {"running": self.cancel_clicked, "waiting": self.cancel_clicked, "done": self.chat_clicked}
        act.get(self.state, self.get_clicked).emit()

    def _on_help_clicked(self) -> None:
        if self._error is not None:
            self.act_clicked.emit(explain(self._error).act, self._error)


def _shared(amount: int, beside: int) -> str:
    """An amount without its unit where the one beside it has the same: "1.2" of "2.5 GB"."""
    left, right = text.size(amount), text.size(beside)
    return left.partition(" ")[0] if left.partition(" ")[2] == right.partition(" ")[2] else left
