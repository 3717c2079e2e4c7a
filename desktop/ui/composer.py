"""The field for a message: grows with the text, Enter sends, Shift+Enter breaks the line, Stop while an answer is written.

Pictures that go with it stand above the field.
"""

import math

from PySide6.QtCore import QEvent, QMimeData, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QFontMetricsF, QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QSizePolicy, QVBoxLayout

from desktop.ui import theme
from desktop.ui.attachments import Attachments, given
from desktop.ui.buttons import Button, Chip, IconButton
from desktop.ui.dropping import models_in
from desktop.ui.gauge import Gauge
from desktop.ui.labels import hint, repolish
from desktop.ui.tasks import Tasks

MOST_LINES = 8


class Composer(QFrame):
    """`sent` has the text; the field keeps it until `set_text`, and the pictures stay until they are replaced."""

    sent = Signal(str)
    stop_clicked = Signal()
    attach_clicked = Signal()
    pictures_given = Signal(object)  # what was pasted into or dropped on the field, as Attachments.take has it
    thinking_toggled = Signal(bool)  # by the person

    def __init__(self, tasks: Tasks) -> None:
        super().__init__()
        self.setProperty("kind", "composer")
        self.field = _Field()
        self.field.setPlaceholderText(self.tr("Write a message"))
        self.field.setAccessibleName(self.tr("Message"))
        self.field.submitted.connect(self._submit)
        self.field.focused.connect(self._show_focus)
        self.field.textChanged.connect(self._on_text_changed)
        self.field.pictures_given.connect(self.pictures_given)
        self.attachments = Attachments(tasks)
        self.attachments.changed.connect(self._on_text_changed)
        self.attach_button = IconButton("attach", self.tr("Add pictures"))
        self.attach_button.clicked.connect(self.attach_clicked)
        self.button = Button(self.tr("Send"), "primary")
        self.button.clicked.connect(self._on_clicked)
        self.thinking = Chip(self.tr("Think first"))
        self.thinking.setToolTip(hint(self.tr("The model thinks before it answers: better at hard questions, and slower.")))
        self.thinking.clicked.connect(self.thinking_toggled)
        self.thinking.hide()
        self.gauge = Gauge()
        self._busy = False
        row = QHBoxLayout()
        row.setSpacing(theme.GRID * 2)
        row.addWidget(self.field, 1, Qt.AlignmentFlag.AlignVCenter)
        beside = QVBoxLayout()
        beside.setContentsMargins(0, 0, 0, theme.scaled(6))  # as high as the middle of the button
        beside.addStretch(1)
        beside.addWidget(self.thinking)
        row.addLayout(beside)
        end = QHBoxLayout()
        end.setSpacing(theme.GRID * 2)
        end.addWidget(self.gauge)
        end.addWidget(self.attach_button)
        end.addWidget(self.button)
        row.addLayout(end)
        row.setAlignment(end, Qt.AlignmentFlag.AlignBottom)
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 14, 14)
        column.setSpacing(12)
        column.addWidget(self.attachments)
        column.addLayout(row)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._on_text_changed()

    def text(self) -> str:
        """What is written so far."""
        return self.field.toPlainText()

    def set_text(self, text: str) -> None:
        """Replace it, with the cursor at the end."""
        self.field.setPlainText(text)
        cursor = self.field.textCursor()
        cursor.movePosition(cursor.MoveOperation.End)
        self.field.setTextCursor(cursor)

    def show_thinking(self, on: bool | None) -> None:
        """Offer the choice whether the model thinks first, as it is now; None takes it away."""
        self.thinking.setVisible(on is not None)
        self.thinking.setChecked(bool(on))

    def set_busy(self, busy: bool) -> None:
        """While an answer is written the button stops it."""
        self._busy = busy
        self.button.set_text(self.tr("Stop") if busy else self.tr("Send"))
        self.button.setProperty("kind", "secondary" if busy else "primary")
        self.button.set_icon("stop" if busy else "")
        self.button.setToolTip(self.tr("Stop the answer (Esc)") if busy else self.tr("Send (Enter)"))
        repolish(self.button)
        self._on_text_changed()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        self.field.setFocus(Qt.FocusReason.MouseFocusReason)

    def _on_clicked(self) -> None:
        if self._busy:
            self.stop_clicked.emit()
        else:
            self._submit()

    def _submit(self) -> None:
        text = self.text().strip()
        if (text or self.attachments.pictures) and not self._busy:
            self.sent.emit(text)

    def _on_text_changed(self) -> None:
        self.button.setEnabled(self._busy or bool(self.text().strip() or self.attachments.pictures))

    def _show_focus(self, focused: bool) -> None:
        self.setProperty("focus", focused)
        repolish(self)


class _Field(QPlainTextEdit):
    submitted = Signal()
    focused = Signal(bool)
    pictures_given = Signal(object)

    def __init__(self) -> None:
        super().__init__()
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setTabChangesFocus(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.document().setDocumentMargin(0)
        self.document().documentLayout().documentSizeChanged.connect(lambda _size: self._fit())

    def keyPressEvent(self, event: QKeyEvent) -> None:
        enter = event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter)
        if enter and not event.modifiers() & Qt.KeyboardModifier.ShiftModifier:
            self.submitted.emit()
        else:
            super().keyPressEvent(event)

    def canInsertFromMimeData(self, source: QMimeData) -> bool:
        return bool(given(source)) or (super().canInsertFromMimeData(source) and not models_in(source))

    def insertFromMimeData(self, source: QMimeData) -> None:
        if pictures := given(source):
            self.pictures_given.emit(pictures)
        else:
            super().insertFromMimeData(source)

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        self.focused.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        self.focused.emit(False)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() in (QEvent.Type.StyleChange, QEvent.Type.FontChange):
            self._fit()

    def sizeHint(self) -> QSize:
        return QSize(200, self.minimumHeight())

    def _fit(self) -> None:
        """As high as its text, up to MOST_LINES; beyond that it scrolls."""
        lines = max(1, round(self.document().size().height()))  # a plain text document counts lines, not pixels
        spacing = QFontMetricsF(self.font()).lineSpacing()
        height = math.ceil(min(lines, MOST_LINES) * spacing) + 2
        policy = Qt.ScrollBarPolicy.ScrollBarAsNeeded if lines > MOST_LINES else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        self.setVerticalScrollBarPolicy(policy)
        if height != self.minimumHeight() or height != self.maximumHeight():
            self.setFixedHeight(height)
