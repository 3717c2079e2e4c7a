"""A long text to read: with search in it, and marks that one can jump to."""

from collections.abc import Sequence

from PySide6.QtCore import Qt
from PySide6.QtGui import QKeySequence, QShortcut, QTextCharFormat, QTextCursor, QTextDocument
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QPlainTextEdit, QTextEdit, QVBoxLayout, QWidget

from desktop.ui import theme
from desktop.ui.buttons import Button, IconButton
from desktop.ui.flow import Flow
from desktop.ui.labels import Label

MOST = 999  # places that are counted and marked


class Reader(QWidget):
    """`marks` are buttons above the text: the words of each, what a screen reader says, and the place it leads to."""

    def __init__(self, content: str, name: str, marks: Sequence[tuple[str, str, int]] = ()) -> None:
        super().__init__()
        self.text = QPlainTextEdit(content)
        self.text.setReadOnly(True)
        self.text.setPlaceholderText(self.tr("There is nothing in it."))
        self.text.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.text.setFont(theme.mono_font())
        self.text.setAccessibleName(name)
        self.field = QLineEdit()
        self.field.setPlaceholderText(self.tr("Search in the text"))
        self.field.setAccessibleName(self.tr("Search in the text"))
        self.field.setClearButtonEnabled(True)
        self.field.textChanged.connect(self._on_words_changed)
        self.field.returnPressed.connect(self.go_next)
        self.said = Label("", "small", "soft", wrap=False)
        self.before, self.after = (
            IconButton("chevron-up", self.tr("The place before")),
            IconButton("chevron-down", self.tr("The next place")),
        )
        self.before.clicked.connect(self.go_back)
        self.after.clicked.connect(self.go_next)
        self._found: list[QTextCursor] = []
        self._place = 0
        theme.follow(self._mark)
        self._build(marks)
        for keys, act in ((QKeySequence.StandardKey.Find, self.field.setFocus), (QKeySequence("Shift+Return"), self.go_back)):
            QShortcut(keys, self, context=Qt.ShortcutContext.WindowShortcut).activated.connect(act)
        self._show_count()

    def _build(self, marks: Sequence[tuple[str, str, int]]) -> None:
        row = QHBoxLayout()
        row.setSpacing(theme.GRID)
        row.addWidget(self.field, 1)
        for widget in (self.said, self.before, self.after):
            row.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID)
        column.addLayout(row)
        if marks:
            jumps = Flow(gap=theme.GRID * 2)
            for words, heard, place in marks:
                jump = Button(words, "small_link", "arrow-down")
                jump.setAccessibleName(heard)
                jump.clicked.connect(lambda _=False, place=place: self.go_to(place))
                jumps.add(jump)
            column.addWidget(jumps)
        column.addWidget(self.text, 1)

    def go_to(self, place: int) -> None:
        """Show a place at the top, with its line marked."""
        cursor = QTextCursor(self.text.document())
        cursor.setPosition(place)
        cursor.movePosition(QTextCursor.MoveOperation.EndOfBlock, QTextCursor.MoveMode.KeepAnchor)
        self.text.setTextCursor(cursor)
        self.text.verticalScrollBar().setValue(cursor.block().firstLineNumber())
        self.text.setFocus()

    def go_next(self) -> None:
        """The next place where the words stand; after the last comes the first."""
        self._go(self._place + 1)

    def go_back(self) -> None:
        """The place before."""
        self._go(self._place - 1)

    def _on_words_changed(self, words: str) -> None:
        self._found, self._place = [], 0
        cursor = QTextCursor(self.text.document())
        while words.strip() and len(self._found) < MOST:
            cursor = self.text.document().find(words, cursor, QTextDocument.FindFlag(0))
            if cursor.isNull():
                break
            self._found.append(cursor)
        self._go(0)

    def _go(self, place: int) -> None:
        if self._found:
            self._place = place % len(self._found)
            self.text.setTextCursor(self._found[self._place])
            self.text.centerCursor()
        self._mark()
        self._show_count()

    def _show_count(self) -> None:
        count = len(self._found)
        words = self.tr("{place} of {count}").format(place=self._place + 1, count=count) if count else self.tr("Not found")
        self.said.setText(words if self.field.text().strip() else "")
        for button in (self.before, self.after):
            button.setEnabled(count > 1)

    def _mark(self) -> None:
        """Every place in a tint, the one that is looked at in the colour of a choice."""
        marked = []
        for index, cursor in enumerate(self._found):
            face = QTextCharFormat()
            face.setBackground(theme.colour("accent" if index == self._place else "warning_soft"))
            if index == self._place:
                face.setForeground(theme.colour("on_accent"))
            selection = QTextEdit.ExtraSelection()
            selection.cursor, selection.format = QTextCursor(cursor), face
            marked.append(selection)
        self.text.setExtraSelections(marked)
