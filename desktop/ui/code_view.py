"""Code on a surface of its own: its language, its colours, and a button that copies it."""

from collections.abc import Iterable
from typing import Any

from PySide6.QtCore import QEvent, Qt, QTimer
from PySide6.QtGui import (
    QFont,
    QFontMetricsF,
    QGuiApplication,
    QTextCharFormat,
    QTextCursor,
    QTextLayout,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QSizePolicy, QVBoxLayout

from desktop.ui import theme
from desktop.ui.buttons import Button
from desktop.ui.cards import line
from desktop.ui.labels import Label
from desktop.ui.markdown import Code

COPIED_MS = 1500
COLOURED_LENGTH = 60_000  # characters of code; beyond it colouring would cost more than it helps
# What Pygments calls a token, the colour's name, and whether it is bold. The first that contains the token decides.
TOKENS: tuple[tuple[str, str, bool], ...] = (
    ("Comment", "soft", False),
    ("Keyword", "accent", True),
    ("Name.Function", "ink", True),
    ("Name.Class", "ink", True),
    ("Name.Decorator", "warning", False),
    ("Name.Tag", "accent", True),
    ("Name.Attribute", "warning", False),
    ("Literal.String", "warning", False),
    ("Literal.Number", "bad", False),
    ("Operator.Word", "accent", True),
    ("Generic.Deleted", "bad", False),
    ("Generic.Inserted", "accent", False),
    ("Generic.Heading", "ink", True),
)


class CodeView(QFrame):
    """Code on a surface of its own, with its language and a button that copies it."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "code")
        self._code = Code("")
        self._language = Label("", "small", "soft", wrap=False)
        self.copy_button = Button(self.tr("Copy"), "quiet", "copy")
        self.copy_button.clicked.connect(self._on_copy_clicked)
        self.text = _CodeText()
        head = QHBoxLayout()
        head.setContentsMargins(14, 3, 6, 3)
        head.addWidget(self._language, 1)
        head.addWidget(self.copy_button)
        inside = QVBoxLayout()
        inside.setContentsMargins(14, 12, 6, 12)
        inside.addWidget(self.text)
        self._column = QVBoxLayout(self)
        self._column.setSpacing(0)
        self._column.addLayout(head)
        self._column.addWidget(line())
        self._column.addLayout(inside)
        self._column.setContentsMargins(0, 0, 0, 0)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def show_segment(self, code: Code) -> None:
        """Draw this code; what is there already is kept when it only grew."""
        same_language = code.language == self._code.language
        self._code = code
        if not same_language or not self._language.text():
            self._language.setText(language_name(code.language) or self.tr("Text"))
            self.text.setAccessibleName(self.tr("Code, {language}").format(language=self._language.text()))
        self.text.show_code(code.text, code.language)

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self.text.show_code(self._code.text, self._code.language)

    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self._code.text)
        self.copy_button.set_text(self.tr("Copied"))
        self.copy_button.set_icon("check")
        QTimer.singleShot(COPIED_MS, self, self._show_copy)

    def _show_copy(self) -> None:
        self.copy_button.set_text(self.tr("Copy"))
        self.copy_button.set_icon("copy")


class _CodeText(QPlainTextEdit):
    def __init__(self) -> None:
        super().__init__()
        self.setReadOnly(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setLineWrapMode(QPlainTextEdit.LineWrapMode.NoWrap)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.document().setDocumentMargin(0)
        self.setUndoRedoEnabled(False)
        self.viewport().setAutoFillBackground(False)

    def show_code(self, code: str, language: str) -> None:
        mono = theme.mono_font()
        if self.font() != mono:
            self.setFont(mono)
        shown = self.toPlainText()
        if shown != code and code.startswith(shown):
            cursor = QTextCursor(self.document())
            cursor.movePosition(QTextCursor.MoveOperation.End)
            cursor.insertText(code[len(shown) :])
        elif shown != code:
            self.setPlainText(code)
        self._colour(code, language)
        self._fit()

    def _colour(self, code: str, language: str) -> None:
        block = self.document().begin()
        for ranges in coloured(code, language) if len(code) <= COLOURED_LENGTH else ():
            if not block.isValid():
                break
            block.layout().setFormats(ranges)
            block = block.next()
        self.document().markContentsDirty(0, self.document().characterCount())

    def _fit(self) -> None:
        metrics = QFontMetricsF(self.font())
        longest = max((metrics.horizontalAdvance(each) for each in self.toPlainText().split("\n")), default=0.0)
        bar = self.horizontalScrollBar().sizeHint().height() if longest > self.viewport().width() - 4 else 0
        height = round(self.blockCount() * metrics.lineSpacing() + 2) + bar
        if height != self.height() or height != self.minimumHeight():
            self.setFixedHeight(height)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self._fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        if abs(event.angleDelta().x()) > abs(event.angleDelta().y()):
            super().wheelEvent(event)
        else:
            event.ignore()


def coloured(code: str, language: str) -> Iterable[list[QTextLayout.FormatRange]]:
    """For each line of the code, the ranges of it that have a colour."""
    from pygments.lexers import get_lexer_by_name
    from pygments.token import string_to_tokentype
    from pygments.util import ClassNotFound

    lines: list[list[QTextLayout.FormatRange]] = [[]]
    try:
        lexer = get_lexer_by_name(language or "text", stripnl=False, ensurenl=False)
    except ClassNotFound:
        return lines * (code.count("\n") + 1)
    faces = [(string_to_tokentype(name), _face(colour, bold)) for name, colour, bold in TOKENS]
    column = 0
    for kind, value in lexer.get_tokens(code):
        face = next((face for known, face in faces if kind in known), None)  # type: ignore[comparison-overlap]
        for index, part in enumerate(value.split("\n")):
            if index:
                lines.append([])
                column = 0
            if face is not None and part:
                lines[-1].append(_range(column, len(part), face))
            column += len(part)
    return lines


def _face(colour: str, bold: bool) -> QTextCharFormat:
    face = QTextCharFormat()
    face.setForeground(theme.colour(colour))
    if bold:
        face.setFontWeight(QFont.Weight.DemiBold)
    return face


def _range(start: int, length: int, face: QTextCharFormat) -> QTextLayout.FormatRange:
    made = QTextLayout.FormatRange()
    made.start, made.length, made.format = start, length, face
    return made


def language_name(language: str) -> str:
    """How a language is called: "py" -> "Python"; as given when nobody knows it."""
    from pygments.lexers import get_lexer_by_name
    from pygments.util import ClassNotFound

    if not language:
        return ""
    try:
        return str(get_lexer_by_name(language).name)
    except ClassNotFound:
        return language
