"""What was said, in order: follows what is written, and leaves the reader where they read."""

from collections.abc import Callable, Mapping, Sequence

from PySide6.QtCore import QSize, Qt, QTimer, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QPushButton, QScrollArea, QVBoxLayout, QWidget

from desktop.chat import NO_PICTURES
from desktop.conversations import Mark, Stored
from desktop.ui import icons, theme
from desktop.ui.answer import Answer
from desktop.ui.buttons import Button
from desktop.ui.divider import Divider
from desktop.ui.question import Question

WIDEST = 736  # px of the column of messages
SHOWN = 40  # messages of a long conversation that are built at once
AT_END = 32  # px from the end that still count as being there


class Transcript(QScrollArea):
    """All messages of a conversation. Follows what is written as long as the reader is at the end."""

    regenerate_clicked = Signal(object)
    edit_clicked = Signal(object)
    act = Signal(str)
    undo_clicked = Signal(object)  # Mark
    link_clicked = Signal(str)

    def __init__(self, name_of: Callable[[str], str]) -> None:
        super().__init__()
        self._name_of = name_of
        self._earlier: list[Stored] = []
        self._pictures: Mapping[int, tuple[bytes, ...]] = NO_PICTURES
        self._mark: Mark | None = None
        self._following = True
        self._placing = False
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setAccessibleName(self.tr("Conversation"))
        self._inside = QWidget()
        self._inside.setProperty("kind", "page")
        self._column = QVBoxLayout(self._inside)
        self._column.setSpacing(theme.GRID * 3)
        self.earlier_button = Button(self.tr("Show earlier messages"), "quiet", "chevron-up")
        self.earlier_button.clicked.connect(self._show_earlier)
        self._column.addWidget(self.earlier_button, 0, Qt.AlignmentFlag.AlignHCenter)
        self.earlier_button.hide()
        self._column.addStretch(1)
        self.setWidget(self._inside)
        self.jump_button = JumpButton(self.tr("Jump to the latest"), self)
        self.jump_button.clicked.connect(self.jump_to_end)
        bar = self.verticalScrollBar()
        bar.valueChanged.connect(self._on_scrolled)
        bar.rangeChanged.connect(self._on_range_changed)
        bar.setSingleStep(theme.scaled(24))

    def show_messages(
        self, messages: Sequence[Stored], mark: Mark | None = None, pictures: Mapping[int, tuple[bytes, ...]] = NO_PICTURES
    ) -> None:
        """Start anew with these; a line shows where the mark is. pictures: by the message's id."""
        self._mark, self._pictures = mark, pictures
        self.setUpdatesEnabled(False)
        while self._column.count() > 2:
            item = self._column.takeAt(1)
            if item is not None and (widget := item.widget()) is not None:
                widget.hide()
                widget.deleteLater()
        self._earlier = list(messages[:-SHOWN])
        self.earlier_button.setVisible(bool(self._earlier))
        self._insert(1, messages[-SHOWN:], last=True)
        self.setUpdatesEnabled(True)
        self.jump_to_end()

    def add_question(self, message: Stored, pictures: tuple[bytes, ...] = ()) -> Question:
        """The person's message, at the end."""
        if (before := self.last_answer()) is not None:
            before.settle()
        question = Question(message, pictures)
        self._column.insertWidget(self._column.count() - 1, question)
        return question

    def add_answer(self, reference: str) -> Answer:
        """A new answer at the end, still empty."""
        answer = self._new_answer(reference)
        self._column.insertWidget(self._column.count() - 1, answer)
        return answer

    def last_answer(self) -> Answer | None:
        """The answer at the end, if the last thing said is one."""
        item = self._column.itemAt(self._column.count() - 2)
        widget = item.widget() if item is not None else None
        return widget if isinstance(widget, Answer) else None

    def jump_to_end(self) -> None:
        """Go to the end and follow from now on."""
        self._following = True
        self._go_to_end()

    def _insert(self, index: int, messages: Sequence[Stored], *, last: bool) -> None:
        """Put these at a place of the column. `last`: nothing was said after them."""
        for message in messages:
            if message.role == "user":
                self._column.insertWidget(index, Question(message, self._pictures.get(message.id, ())))
            else:
                answer = self._new_answer(message.model)
                answer.finish(message, last=last and message is messages[-1])
                self._column.insertWidget(index, answer)
            index += 1
            if self._mark is not None and self._mark.message_id == message.id:
                divider = Divider(self._mark)
                divider.undo_clicked.connect(self.undo_clicked)
                self._column.insertWidget(index, divider)
                index += 1

    def _new_answer(self, reference: str) -> Answer:
        answer = Answer(self._name_of(reference))
        answer.regenerate_clicked.connect(self.regenerate_clicked)
        answer.edit_clicked.connect(self.edit_clicked)
        answer.act.connect(self.act)
        answer.link_clicked.connect(self.link_clicked)
        return answer

    def _show_earlier(self) -> None:
        bar = self.verticalScrollBar()
        from_end = bar.maximum() - bar.value()
        more, self._earlier = self._earlier[-SHOWN:], self._earlier[:-SHOWN]
        self._insert(1, more, last=False)
        self.earlier_button.setVisible(bool(self._earlier))
        self._following = False
        self._inside.adjustSize()
        QTimer.singleShot(0, self, lambda: bar.setValue(bar.maximum() - from_end))

    def _on_scrolled(self, value: int) -> None:
        if not self._placing:
            self._following = value >= self.verticalScrollBar().maximum() - AT_END
        self._show_jump()

    def _on_range_changed(self, _least: int, _most: int) -> None:
        if self._following:
            self._go_to_end()
        self._show_jump()

    def _go_to_end(self) -> None:
        self._placing = True
        bar = self.verticalScrollBar()
        bar.setValue(bar.maximum())
        self._placing = False
        self._show_jump()

    def _show_jump(self) -> None:
        bar = self.verticalScrollBar()
        self.jump_button.setVisible(not self._following and bar.value() < bar.maximum() - AT_END)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        side = max(theme.GRID * 3 + 4, (self.width() - WIDEST) // 2)
        bar = self.width() - event.size().width()  # a scroll bar takes its width from the margin, not from the text
        self._column.setContentsMargins(side, theme.GRID * 3, side - bar, theme.GRID * 3)
        self.jump_button.place()


class JumpButton(QPushButton):
    """A pill that floats at the foot of the transcript."""

    def __init__(self, words: str, around: QWidget) -> None:
        super().__init__(words, around)
        self._around = around
        self.setProperty("kind", "jump")
        self.setAccessibleName(words)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.hide()
        theme.follow(self.place)

    def place(self) -> None:
        """At the foot, in the middle."""
        self.setIcon(icons.icon("arrow-down", "ink"))
        self.setIconSize(QSize(16, 16))
        self.adjustSize()
        self.move((self._around.width() - self.width()) // 2, self._around.height() - self.height() - theme.GRID)
