"""Tables over the whole width."""

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QFont,
    QTextBlockFormat,
    QTextCursor,
    QTextFrameFormat,
    QTextLength,
    QTextTableFormat,
)

from desktop.ui import theme
from desktop.ui.markdown import Table
from desktop.ui.text_view import TextView, char_format

ALIGNMENTS = {
    "left": Qt.AlignmentFlag.AlignLeft,
    "center": Qt.AlignmentFlag.AlignHCenter,
    "right": Qt.AlignmentFlag.AlignRight,
}


class TableView(TextView):
    """A table over the whole width; cells wrap."""

    def __init__(self) -> None:
        super().__init__()
        self._table: Table | None = None
        theme.follow(self._draw_again)

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

    def _draw_again(self) -> None:
        if self._table:
            self.show_segment(self._table)
