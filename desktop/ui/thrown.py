"""What was removed in the last days: to take back, or to delete now where the room is needed."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout, QWidget

from desktop import text
from desktop.trash import DAYS, Removed
from desktop.ui import theme
from desktop.ui.buttons import Button
from desktop.ui.cards import Card, Fold
from desktop.ui.labels import ElidedLabel, Label


class Thrown(Card):
    """Hidden while the trash is empty. `restore_clicked` carries a model's id."""

    restore_clicked = Signal(str)
    empty_clicked = Signal()

    def __init__(self) -> None:
        super().__init__(padding=16)
        self._shown: tuple[Removed, ...] = ()
        self.said = Label("", "small", "soft")
        self.empty = Button(self.tr("Delete now"), "danger")
        self.empty.clicked.connect(self.empty_clicked)
        head = QHBoxLayout()
        head.setSpacing(theme.GRID * 2)
        head.addWidget(self.said, 1)
        head.addWidget(self.empty)
        self.body.addLayout(head)
        self.fold: Fold | None = None
        self.hide()

    def show_removed(self, removed: Sequence[Removed]) -> None:
        """Show what can be taken back, the latest first."""
        if tuple(removed) == self._shown:
            return
        self._shown = tuple(removed)
        was_open = self.fold is not None and self.fold.button.isChecked()
        if self.fold is not None:
            self.fold.hide()
            self.fold.deleteLater()
            self.fold = None
        self.setVisible(bool(removed))
        if not removed:
            return
        size = text.size(sum(each.size_bytes for each in removed))
        words = self.tr("The trash holds {size}. It is deleted after {days} days, or when a download needs the room.")
        self.said.setText(words.format(size=size, days=DAYS))
        self.fold = Fold(self.tr("What was removed"), open_=was_open)
        for each in removed:
            self.fold.body.addWidget(self._row(each))
        self.body.addWidget(self.fold)

    def _row(self, removed: Removed) -> QWidget:
        row = QWidget()
        restore = Button(self.tr("Take back"), "quiet", "undo")
        restore.setAccessibleName(self.tr("Take {name} back").format(name=removed.name))
        restore.clicked.connect(lambda: self.restore_clicked.emit(removed.id))
        line = QHBoxLayout(row)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(theme.GRID * 2)
        line.addWidget(ElidedLabel(removed.name, "small"), 1)
        line.addWidget(Label(text.size(removed.size_bytes), "small", "soft", wrap=False))
        line.addWidget(restore)
        return row
