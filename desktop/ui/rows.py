"""A long list of cards that is built as one scrolls, and keeps what it has built."""

from collections.abc import Callable, Hashable, Sequence
from typing import Generic, TypeVar

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QScrollBar, QVBoxLayout, QWidget

from desktop.ui import theme

Item = TypeVar("Item")
Row = TypeVar("Row", bound=QWidget)

FIRST = 8  # cards built at once: about a screen
STEP = 3  # cards built between two frames: some 20 ms
AHEAD = 1600  # px above the end at which the next ones are built


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
        self._builder = QTimer(self)
        self._builder.setInterval(0)
        self._builder.timeout.connect(self._build)
        scroll.valueChanged.connect(self._on_scrolled)
        scroll.rangeChanged.connect(self._on_scrolled)

    def show_items(self, items: Sequence[Item]) -> None:
        """Show these, from the first. Cards that were built already are used again."""
        while (place := self._column.takeAt(0)) is not None:
            if (widget := place.widget()) is not None:
                widget.hide()
        self._items, self._shown = items, 0
        self._more(FIRST)
        self._builder.start()

    def forget(self) -> None:
        """Throw all cards away: what they show has changed."""
        for row in self._built.values():
            row.hide()
            row.deleteLater()
        self._built.clear()
        self._builder.stop()
        self._items, self._shown = (), 0

    def built(self) -> list[Row]:
        """The cards there are so far, shown or not."""
        return list(self._built.values())

    def get(self, key: Hashable) -> Row | None:
        """The card of an item, if it was built."""
        return self._built.get(key)

    def _on_scrolled(self) -> None:
        if self._wants_more():
            self._builder.start()

    def _wants_more(self) -> bool:
        near = self._scroll.value() > self._scroll.maximum() - AHEAD
        return near and self._shown < len(self._items) and self.isVisible()

    def _build(self) -> None:
        """Some cards between two frames, until there are enough below what is seen."""
        if self._wants_more():
            self._more(STEP)
        else:
            self._builder.stop()

    def _more(self, count: int) -> None:
        for item in self._items[self._shown : self._shown + count]:
            key = self._key(item)
            row = self._built.get(key)
            if row is None:
                row = self._built[key] = self._make(item)
            self._column.addWidget(row)
            row.show()
        self._shown = min(len(self._items), self._shown + count)
