"""Text that takes the height it needs: prose with headings, lists, quotes and links; tables; and code with its colours."""

from collections.abc import Callable, Iterable, Sequence
from itertools import groupby
from typing import Any

from PySide6.QtCore import QEvent, QMimeData, QRectF, QSize, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import (
    QFont,
    QFontMetricsF,
    QGuiApplication,
    QPainter,
    QPaintEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFormat,
    QTextFrameFormat,
    QTextLayout,
    QTextLength,
    QTextListFormat,
    QTextOption,
    QTextTableFormat,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPlainTextEdit, QSizePolicy, QTextBrowser, QVBoxLayout, QWidget

from desktop.ui import theme
from desktop.ui.buttons import Button
from desktop.ui.cards import line
from desktop.ui.labels import Label
from desktop.ui.markdown import Code, Line, Prose, Rule, Run, Segment, Table

LINE_HEIGHT = 127  # per cent of the face's own height: 23 px for 15 px
QUOTE_STEP = 17  # px from a quote's bar to its text
QUOTE = QTextFormat.Property.UserProperty.value + 1
HEADINGS = {1: 1.27, 2: 1.14, 3: 1.05}  # of the body size
COPIED_MS = 1500
COLOURED_LENGTH = 60_000  # characters of code; beyond it colouring would cost more than it helps


class TextView(QTextBrowser):
    """Selectable text as high as it needs to be. Never loads anything; `link_clicked` has the address that was clicked."""

    link_clicked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._heights: dict[int, int] = {}
        self._plain_width: int | None = None
        self.setOpenLinks(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.document().setDocumentMargin(0)
        self.document().setIndentWidth(theme.scaled(28))
        self.document().setUndoRedoEnabled(False)
        self.verticalScrollBar().valueChanged.connect(self._stay)
        self.anchorClicked.connect(lambda url: self.link_clicked.emit(url.toString()))
        self.highlighted.connect(lambda url: self.viewport().setToolTip(url.toString()))

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        """Nothing: no picture, no style sheet, no file."""
        return None

    def _stay(self, value: int) -> None:
        """All of the text is always shown; before a layout has made room for it, Qt would scroll to the cursor."""
        if value:
            self.verticalScrollBar().setValue(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        if width not in self._heights:  # layouts ask often, and laying text out is what costs
            document = self.document()
            drawn_at = document.textWidth()
            document.setTextWidth(width)
            self._heights[width] = round(document.size().height() + 0.49)
            if drawn_at != width:
                document.setTextWidth(drawn_at)
        return self._heights[width]

    def plain_width(self) -> int:
        """The width in pixels that the text would take without wrapping."""
        if self._plain_width is None:
            document = self.document()
            drawn_at = document.textWidth()
            document.setTextWidth(-1)
            self._plain_width = round(document.idealWidth() + 0.49)
            document.setTextWidth(drawn_at)
        return self._plain_width

    def changed(self) -> None:
        """The text is another one: what was measured no longer holds."""
        self._heights.clear()
        self._plain_width = None
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(320), self.heightForWidth(max(64, self.width())))

    def minimumSizeHint(self) -> QSize:
        return QSize(64, theme.px("body"))

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # the transcript scrolls, never the text in it

    def createMimeDataFromSelection(self) -> QMimeData:
        copied = QMimeData()  # plain: colours and faces of this window are no use elsewhere
        copied.setText(self.textCursor().selectedText().replace("\u2029", "\n").replace("\u2028", "\n"))
        return copied


class ProseView(TextView):
    """Paragraphs, headings, lists and quotes."""

    def __init__(self, tone: str = "ink") -> None:
        super().__init__()
        self._lines: Prose = ()
        self._tone = tone

    def show_segment(self, lines: Prose) -> None:
        """Draw these lines."""
        self._lines = lines
        document = self.document()
        document.clear()
        document.setDefaultFont(self.font())
        cursor = QTextCursor(document)
        cursor.beginEditBlock()
        lists: dict[int, Any] = {}
        for index, each in enumerate(lines):
            if index:
                cursor.insertBlock(QTextBlockFormat(), QTextCharFormat())
            self._write(cursor, each, index)
            lists = {depth: made for depth, made in lists.items() if depth <= each.depth}
            if each.marker:
                lists[each.depth] = _mark(cursor, each, lists.get(each.depth))
        cursor.endEditBlock()
        has_links = any(run.link for each in lines for run in each.runs)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus if has_links else Qt.FocusPolicy.ClickFocus)
        self.changed()

    def _write(self, cursor: QTextCursor, each: Line, index: int) -> None:
        shape = QTextBlockFormat()
        shape.setLineHeight(LINE_HEIGHT, QTextBlockFormat.LineHeightTypes.ProportionalHeight.value)
        shape.setTopMargin(0 if not index else (theme.scaled(4) if each.tight else theme.scaled(18 if each.heading else 10)))
        if each.depth and not each.marker:
            shape.setIndent(each.depth)
        if each.quote:
            shape.setLeftMargin(each.quote * QUOTE_STEP)
            shape.setProperty(QUOTE, each.quote)
        cursor.setBlockFormat(shape)
        for run in each.runs:
            cursor.insertText(run.text.replace("\n", "\u2028"), self._face(run, each))

    def _face(self, run: Run, each: Line) -> QTextCharFormat:
        face = char_format(run, self._tone if not each.quote else "soft")
        if each.heading:
            face.setFontWeight(QFont.Weight.DemiBold)
            face.setProperty(QTextFormat.Property.FontPixelSize, round(theme.px("body") * HEADINGS.get(each.heading, 1.0)))
        return face

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and self._lines:
            self.show_segment(self._lines)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        quoted = [line_ for line_ in self._lines if line_.quote]
        if quoted:
            self._paint_quotes()

    def _paint_quotes(self) -> None:
        """The bar at the left of a quote, over all its lines and the space between them."""
        painter = QPainter(self.viewport())
        layout = self.document().documentLayout()
        blocks = []
        block = self.document().begin()
        while block.isValid():
            blocks.append((block.blockFormat().intProperty(QUOTE), layout.blockBoundingRect(block)))
            block = block.next()
        for quoted, group in groupby(blocks, key=lambda entry: entry[0] > 0):
            boxes = [box for _, box in group]
            if quoted:
                top = boxes[0].top()
                painter.fillRect(QRectF(0, top, 3, boxes[-1].bottom() - top), theme.colour("line"))


def char_format(run: Run, tone: str = "ink") -> QTextCharFormat:
    """How one run looks."""
    face = QTextCharFormat()
    face.setForeground(theme.colour(tone))
    face.setFontWeight(QFont.Weight.DemiBold if run.bold else QFont.Weight.Normal)
    face.setFontItalic(run.italic)
    face.setFontStrikeOut(run.strike)
    if run.code:
        mono = theme.mono_font()
        face.setFontFamilies([mono.family()])
        face.setProperty(QTextFormat.Property.FontPixelSize, mono.pixelSize())
        face.setBackground(theme.colour("hover"))
    if run.link:
        face.setAnchor(True)
        face.setAnchorHref(run.link)
        face.setForeground(theme.colour("accent"))
        face.setFontUnderline(True)
    return face


def _mark(cursor: QTextCursor, each: Line, known: Any) -> Any:
    """Make the cursor's block an item: of the list that is open at its depth, or of a new one."""
    if known is not None:
        known.add(cursor.block())
        return known
    kind = QTextListFormat()
    kind.setIndent(each.depth)
    if each.marker == "•":
        kind.setStyle(QTextListFormat.Style.ListDisc if each.depth % 2 else QTextListFormat.Style.ListCircle)
    else:
        kind.setStyle(QTextListFormat.Style.ListDecimal)
        kind.setStart(int(each.marker.rstrip(".")))
    return cursor.createList(kind)


class TableView(TextView):
    """A table over the whole width; cells wrap."""

    def __init__(self) -> None:
        super().__init__()
        self._table: Table | None = None

    def show_segment(self, table: Table) -> None:
        """Draw this table."""
        self._table = table
        document = self.document()
        document.clear()
        document.setDefaultFont(self.font())
        columns = max(1, len(table.aligns))
        shape = QTextTableFormat()
        shape.setCellPadding(theme.scaled(7))
        shape.setCellSpacing(0)
        shape.setBorderCollapse(True)
        shape.setBorder(theme.line_width())
        shape.setBorderStyle(QTextFrameFormat.BorderStyle.BorderStyle_Solid)
        shape.setBorderBrush(theme.colour("line"))
        shape.setHeaderRowCount(1)
        shape.setWidth(QTextLength(QTextLength.Type.PercentageLength, 100))
        grid = QTextCursor(document).insertTable(len(table.rows), columns, shape)
        for row, cells in enumerate(table.rows):
            for column, runs in enumerate(cells[:columns]):
                cursor = grid.cellAt(row, column).firstCursorPosition()
                aligned = QTextBlockFormat()
                aligned.setAlignment(ALIGNMENTS[table.aligns[column]])
                cursor.setBlockFormat(aligned)
                for run in runs:
                    face = char_format(run)
                    if not row:
                        face.setFontWeight(QFont.Weight.DemiBold)
                    cursor.insertText(run.text, face)
        self.changed()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange and self._table:
            self.show_segment(self._table)


ALIGNMENTS = {
    "left": Qt.AlignmentFlag.AlignLeft,
    "center": Qt.AlignmentFlag.AlignHCenter,
    "right": Qt.AlignmentFlag.AlignRight,
}


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


class RuleView(QWidget):
    """A line across."""

    def __init__(self) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 8, 0, 8)
        column.addWidget(line())

    def show_segment(self, rule: Rule) -> None:
        """Nothing to tell it."""


def view_for(segment: Segment) -> ProseView | TableView | CodeView | RuleView:
    """An empty widget that can show this kind of segment."""
    kinds: dict[type, Callable[[], ProseView | TableView | CodeView | RuleView]] = {
        tuple: ProseView,
        Table: TableView,
        Code: CodeView,
        Rule: RuleView,
    }
    return kinds[type(segment)]()


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


def plain(text: str) -> Sequence[Line]:
    """Text without any Markdown, as it was typed."""
    return tuple(Line((Run(each),) if each else (), tight=True) for each in text.split("\n"))
