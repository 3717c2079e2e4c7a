"""What the model said: drawn while it is written, its thoughts folded, and what can be done with it."""

import time
from collections.abc import Sequence

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop import text
from desktop.conversations import Stored
from desktop.errors import AlcoveError
from desktop.ui import theme
from desktop.ui.bars import Bar
from desktop.ui.buttons import Button
from desktop.ui.cards import Fold
from desktop.ui.labels import ElidedLabel, Label
from desktop.ui.markdown import Growing, Segment
from desktop.ui.messages import GO_ON, Explained, memory_full
from desktop.ui.notice import Notice
from desktop.ui.prose import ProseView, plain, view_for

DRAW_MS = 50  # an answer that streams is drawn at most 20 times a second,
DRAW_SHARE = 4  # and drawing takes at most a quarter of the time


class Body(QWidget):
    """Markdown that may still grow: one widget for each segment, of which only the last is drawn again."""

    link_clicked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._growing = Growing()
        self._shown: list[Segment] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.scaled(12))

    def show_text(self, markdown: str) -> None:
        """Draw the text as it is now."""
        wanted = self._growing.read(markdown)
        same = 0
        while same < min(len(wanted), len(self._shown)) and wanted[same] == self._shown[same]:
            same += 1
        for index in range(same, len(wanted)):
            if index < len(self._shown) and type(self._shown[index]) is not type(wanted[index]):
                self._remove_from(index)
            if index == len(self._shown):
                self._append(wanted[index])
            self._column.itemAt(index).widget().show_segment(wanted[index])  # type: ignore[union-attr]
            self._shown[index] = wanted[index]
        self._remove_from(len(wanted))

    def _append(self, segment: Segment) -> None:
        view = view_for(segment)
        if hasattr(view, "link_clicked"):
            view.link_clicked.connect(self.link_clicked)
        self._column.addWidget(view)
        self._shown.append(segment)

    def _remove_from(self, index: int) -> None:
        while len(self._shown) > index:
            self._shown.pop()
            item = self._column.takeAt(len(self._shown))
            if item is not None and (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()


class Answer(QWidget):
    """What the model said: its name, its thoughts folded, the text, and below it what can be done."""

    regenerate_clicked = Signal(object)  # the stored message
    edit_clicked = Signal(object)
    act = Signal(str)  # of a notice
    link_clicked = Signal(str)

    def __init__(self, name: str) -> None:
        super().__init__()
        self.message: Stored | None = None
        self._text: list[str] = []
        self._thinking: list[str] = []
        self._below: list[QWidget] = []  # what says how it ended
        self._thought_since: float | None = None
        self._thought_s: float | None = None
        self.name = ElidedLabel(name, "section", "soft")
        self.setAccessibleName(name)
        self.state = _State()
        self.fold: Fold | None = None
        self._thoughts: ProseView | None = None
        self.body = Body()
        self.body.link_clicked.connect(self.link_clicked)
        self.notice: Notice | None = None
        self.actions_row: QWidget | None = None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.GRID)
        for part in (self.name, self.state, self.body):
            self._column.addWidget(part)
        self.state.hide()
        self.body.hide()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self.draw)
        self._draw_ms = DRAW_MS

    def text(self) -> str:
        """All that it says so far, as Markdown."""
        return "".join(self._text)

    def wait(self, words: str, fraction: float | None = None) -> None:
        """Show what happens before the first word: the model is loaded, the message is read."""
        self.state.show_as(words, fraction)

    def tell(self, sentences: Sequence[str]) -> None:
        """Say above the answer what is special about the model that gives it."""
        self._column.insertWidget(1, Notice("", " ".join(sentences)))

    def add(self, piece: str, thinking: bool = False, at_s: float | None = None) -> None:
        """The next piece, which came at this time of the clock if not just now; drawn soon."""
        if not piece:
            return
        now_s = time.monotonic() if at_s is None else at_s
        if thinking:
            self._thought_since = self._thought_since or now_s
            self._thinking.append(piece)
        else:
            if self._thought_since is not None and self._thought_s is None:
                self._thought_s = now_s - self._thought_since
            self._text.append(piece)
        if not self._timer.isActive():
            self._timer.start(self._draw_ms)

    def draw(self) -> None:
        """Draw all pieces there are."""
        began_s = time.monotonic()
        if self._thinking and not self._text:
            spent = text.duration(began_s - self._thought_since) if self._thought_since else ""
            self.wait(self.tr("Thinking… {time}").format(time=spent))
        elif self._text:
            self.state.hide()
        if self._thinking:
            self._draw_thinking()
        if self._text:
            self.body.show()
            self.body.show_text(self.text())
        cost_ms = (time.monotonic() - began_s) * 1000
        self._draw_ms = max(DRAW_MS, round(cost_ms * DRAW_SHARE))

    def go_on(self, message: Stored) -> None:
        """Show what there is of it, to which more will be written."""
        self.finish(message)
        self._clear_below()
        self.message = None
        self._column.removeWidget(self.state)  # what happens is told where it will be written
        self._column.addWidget(self.state)
        if self.actions_row is not None:
            self.actions_row.hide()

    def settle(self) -> None:
        """Something was said after it: how it ended is no longer a question."""
        if self.message is not None:
            self._clear_below()
            self._explain_finish(self.message, last=False)

    def finish(self, message: Stored, *, last: bool = True) -> None:
        """It is whole, or as whole as it will be: show the stored text and what can be done. `last`: nothing was said after."""
        self._timer.stop()
        self._clear_below()
        self.message = message
        self._text, self._thinking = [message.text], [message.thinking] if message.thinking else []
        self.state.hide()
        if self._thinking:
            self._draw_thinking()
        self.body.setVisible(bool(message.text))
        self.body.show_text(message.text)
        if message.tokens_per_s:
            self.name.tip = self.tr("Wrote {rate}").format(rate=text.words_per_second(message.tokens_per_s))
            self.name.setToolTip(self.name.tip)
        if message.text:
            self._add_actions()
        self._explain_finish(message, last)

    def show_notice(self, explained: Explained, tone: str = "bad", error: AlcoveError | None = None) -> None:
        """A quiet field below the text: what happened and what to do next."""
        self._timer.stop()
        self.state.hide()
        self._clear_below()
        others = [words for words, _ in explained.more]
        self.notice = Notice(explained.title, explained.sentence, explained.button, tone, others)
        if error is not None:
            self.notice.about(error)
        self.notice.clicked.connect(lambda: self.act.emit(explained.act))
        self.notice.other_clicked.connect(lambda index: self.act.emit(explained.more[index][1]))
        self._add_below(self.notice)

    def _add_below(self, widget: QWidget) -> None:
        self._below.append(widget)
        self._column.addWidget(widget)

    def _clear_below(self) -> None:
        for widget in self._below:
            widget.hide()
            widget.deleteLater()
        self._below, self.notice = [], None

    def _explain_finish(self, message: Stored, last: bool) -> None:
        if not last:
            self._note_finish(message)
        elif message.finish == "crashed" and not message.text:
            words = self.tr("It ended before its first word."), self.tr("Try again")
            self.show_notice(Explained(self.tr("There was no answer"), *words, "try_again"), "warning")
        elif message.finish == "crashed":
            words = self.tr("What had been written is kept."), self.tr("Try again")
            self.show_notice(Explained(self.tr("This answer was cut off"), *words, "try_again"), "warning")
        elif message.finish == "cancelled" and not message.text:
            self.show_notice(
                Explained("", self.tr("You stopped this answer before its first word."), self.tr("Try again"), "try_again"),
                "neutral",
            )
        elif message.finish == "length":
            words = self.tr("It may go on where it ended."), self.tr("Go on")
            self.show_notice(Explained(self.tr("The answer reached its greatest length"), *words, GO_ON), "neutral")
        elif message.finish == "full":
            self.show_notice(memory_full(), "warning")
        else:
            self._note_finish(message)

    def _note_finish(self, message: Stored) -> None:
        """How it ended, where there is nothing to be done about it."""
        words = {
            "cancelled": self.tr("You stopped this answer here."),
            "crashed": self.tr("This answer was cut off here."),
            "length": self.tr("It reached its greatest length here."),
            "full": self.tr("The conversation memory was full here."),
        }
        if message.finish in words:
            self._add_below(Label(words[message.finish], "small", "soft"))

    def _draw_thinking(self) -> None:
        if self.fold is None:
            self.fold = Fold("")
            self.fold.opened.connect(self._show_thoughts)
            self._column.insertWidget(self._column.indexOf(self.body), self.fold)
        if not self._text:
            title = self.tr("Its thoughts so far")
        elif self._thought_s is not None:
            title = self.tr("Thought for {time}").format(time=text.duration(self._thought_s))
        else:
            title = self.tr("What it thought first")
        self.fold.button.set_text(title)
        self._show_thoughts(self.fold.button.isChecked())

    def _show_thoughts(self, opened: bool) -> None:
        if not opened or self.fold is None:
            return
        if self._thoughts is None:
            self._thoughts = ProseView("soft")
            self.fold.body.addWidget(self._thoughts)
        self._thoughts.show_segment(tuple(plain("".join(self._thinking).strip())))

    def _add_actions(self) -> None:
        if self.actions_row is not None:
            self._column.removeWidget(self.actions_row)
            self._column.addWidget(self.actions_row)
            self.actions_row.show()
            return
        self.actions_row = QWidget()
        row = QHBoxLayout(self.actions_row)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GRID // 2)
        self.copy_button = Button(self.tr("Copy"), "action", "copy")
        self.copy_button.clicked.connect(self._on_copy_clicked)
        self.regenerate_button = Button(self.tr("Regenerate"), "action", "refresh")
        self.regenerate_button.clicked.connect(lambda: self.regenerate_clicked.emit(self.message))
        self.edit_button = Button(self.tr("Edit question"), "action", "edit")
        self.edit_button.clicked.connect(lambda: self.edit_clicked.emit(self.message))
        for button in (self.copy_button, self.regenerate_button, self.edit_button):
            row.addWidget(button)
        row.addStretch(1)
        self._column.addWidget(self.actions_row)

    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self.text())
        self.copy_button.set_text(self.tr("Copied"))
        QTimer.singleShot(1500, self, lambda: self.copy_button.set_text(self.tr("Copy")))


class _State(QWidget):
    """One soft line and a thin bar: "Waking up Qwen3 4B… 60 %"."""

    def __init__(self) -> None:
        super().__init__()
        self.words = Label("", "body", "soft", wrap=False)
        self.bar = Bar(4)
        self.bar.setMaximumWidth(240)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 2, 0, 2)
        column.setSpacing(theme.GRID)
        column.addWidget(self.words)
        column.addWidget(self.bar)

    def show_as(self, words: str, fraction: float | None) -> None:
        self.words.setText(words)
        self.setAccessibleName(words)
        self.bar.setVisible(fraction is not None)
        if fraction is not None:
            self.bar.set_fraction(fraction)
        self.show()
