"""Prose with headings, lists, quotes and links; and the widget for each kind of segment."""

from collections.abc import Callable, Sequence
from itertools import groupby
from typing import Any

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import (
    QFont,
    QPainter,
    QPaintEvent,
    QTextBlockFormat,
    QTextCharFormat,
    QTextCursor,
    QTextFormat,
    QTextListFormat,
)
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.ui import theme
from desktop.ui.cards import line
from desktop.ui.code_view import CodeView
from desktop.ui.markdown import Code, Line, Prose, Rule, Run, Segment, Table
from desktop.ui.table_view import TableView
from desktop.ui.text_view import TextView, char_format

LINE_HEIGHT = 127  # per cent of the face's own height: 23 px for 15 px
QUOTE_STEP = 17  # px from a quote's bar to its text
QUOTE = QTextFormat.Property.UserProperty.value + 1
HEADINGS = {1: 1.27, 2: 1.14, 3: 1.05}  # of the body size


class ProseView(TextView):
    """Paragraphs, headings, lists and quotes."""

    def __init__(self, tone: str = "ink") -> None:
        super().__init__()
        self._lines: Prose = ()
        self._tone = tone
        theme.follow(self._draw_again)

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

    def _draw_again(self) -> None:
        if self._lines:
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


def plain(text: str) -> Sequence[Line]:
    """Text without any Markdown, as it was typed."""
    return tuple(Line((Run(each),) if each else (), tight=True) for each in text.split("\n"))
