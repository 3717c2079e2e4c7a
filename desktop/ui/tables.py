"""Tables to read: rows of words under heads, nothing to edit, columns as wide as what stands in them."""

from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, Qt
from PySide6.QtWidgets import QAbstractItemView, QFrame, QHeaderView, QTableView

from desktop.ui import theme

Row = TypeVar("Row")
WIDEST = 400  # px at scale 1, of a column


class TableModel(QAbstractTableModel, Generic[Row]):
    """Rows under `heads`; what stands in a cell, say the models made of this."""

    def __init__(self, heads: Sequence[str]) -> None:
        super().__init__()
        self.rows: Sequence[Row] = ()
        self._heads = tuple(heads)

    def show_rows(self, rows: Sequence[Row]) -> None:
        """Show these. A list of the same length only changes in its cells, so scrolling stays."""
        if len(rows) == len(self.rows) and rows:
            self.rows = rows
            self.dataChanged.emit(self.index(0, 0), self.index(len(rows) - 1, len(self._heads) - 1))
            return
        self.beginResetModel()
        self.rows = rows
        self.endResetModel()

    def rowCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008  (Qt's signature)
        return 0 if parent.isValid() else len(self.rows)

    def columnCount(self, parent: QModelIndex | QPersistentModelIndex = QModelIndex()) -> int:  # noqa: B008  (Qt's signature)
        return 0 if parent.isValid() else len(self._heads)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return self._heads[section]
        if role == Qt.ItemDataRole.TextAlignmentRole:
            return Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter
        return None


def table(model: QAbstractTableModel, name: str, wide: Iterable[int]) -> QTableView:
    """A quiet table of this model; the columns `wide` share what the others leave."""
    made = QTableView()
    made.setModel(model)
    made.setAccessibleName(name)
    made.setFrameShape(QFrame.Shape.NoFrame)
    made.setShowGrid(False)
    made.setWordWrap(False)
    made.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
    made.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
    made.setTabKeyNavigation(False)
    made.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
    made.verticalHeader().hide()
    made.verticalHeader().setDefaultSectionSize(theme.scaled(36))
    head = made.horizontalHeader()
    head.setHighlightSections(False)
    head.setDefaultAlignment(Qt.AlignmentFlag.AlignLeft | Qt.AlignmentFlag.AlignVCenter)
    head.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
    head.setMaximumSectionSize(theme.scaled(WIDEST))
    for column in wide:
        head.setSectionResizeMode(column, QHeaderView.ResizeMode.Stretch)
    return made
