"""A long list of cards that is built as one scrolls, and keeps what it has built."""

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from PySide6.QtWidgets import QScrollBar, QVBoxLayout, QWidget

from desktop.ui import theme

Item = TypeVar("Item")
Row = TypeVar("Row", bound=QWidget)

STEP = 16  # cards built at a time: about two screens
AHEAD = 1200  # px above the end at which the next ones are built


class Rows(QWidget, Generic[Item, Row]):
    """Shows `items`, each as the card that `make(item)` builds when it is about to be seen. `key` tells items apart."""

    def __init__(self, make: Callable[[Item], Row], key: Callable[[Item], Hashable], scroll: QScrollBar) -> None:
        super().__init__()
        self._make, self._key, self._scroll = make, key, scroll
        self._items: Sequence[Item] = ()
        self._built: dict[Hashable, Row] = {}
        self._shown = 0
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.GRID + 2)
        scroll.valueChanged.connect(self._on_scrolled)
        scroll.rangeChanged.connect(self._on_scrolled)

    def show_items(self, items: Sequence[Item]) -> None:
        """Show these, from the first. Cards that were built already are used again."""
        while (place := self._column.takeAt(0)) is not None:
            if (widget := place.widget()) is not None:
                widget.hide()
        self._items, self._shown = items, 0
        self._more()

    def forget(self) -> None:
        """Throw all cards away: what they show has changed."""
        for row in self._built.values():
            row.hide()
            row.deleteLater()
        self._built.clear()
        self._items, self._shown = (), 0

    def built(self) -> list[Row]:
        """The cards there are so far, shown or not."""
        return list(self._built.values())

    def get(self, key: Hashable) -> Row | None:
        """The card of an item, if it was built."""
        return self._built.get(key)

    def _on_scrolled(self) -> None:
        if self.isVisible() and self._scroll.value() > self._scroll.maximum() - AHEAD:
            self._more()

    def _more(self) -> None:
        for item in self._items[self._shown : self._shown + STEP]:
            key = self._key(item)
            row = self._built.get(key)
            if row is None:
                row = self._built[key] = self._make(item)
            self._column.addWidget(row)
            row.show()
        self._shown = min(len(self._items), self._shown + STEP)
