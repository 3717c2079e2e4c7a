"""In which order a list stands: a button that says it, with a menu of the others."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QActionGroup
from PySide6.QtWidgets import QMenu

from desktop.ui.buttons import Chip


class Order(Chip):
    """Stands at the end of a line of chips. `chosen` has the index in the names."""

    chosen = Signal(int)

    def __init__(self, names: Sequence[str]) -> None:
        super().__init__("")
        self._names = tuple(names)
        self.setCheckable(False)
        menu = QMenu(self)
        group = QActionGroup(menu)
        for index, name in enumerate(names):
            action = menu.addAction(name)
            action.setCheckable(True)
            action.triggered.connect(lambda _=False, index=index: self.choose(index))
            group.addAction(action)
        self.setMenu(menu)
        self._index = 0
        self._show()

    def choose(self, index: int) -> None:
        """Choose one; emits `chosen` when it was another."""
        if index != self._index:
            self._index = index
            self._show()
            self.chosen.emit(index)

    def current(self) -> int:
        """The chosen one."""
        return self._index

    def _show(self) -> None:
        self.setText(self.tr("Order: {name}").format(name=self._names[self._index]))
        self.setAccessibleName(self.text())
        self.menu().actions()[self._index].setChecked(True)
