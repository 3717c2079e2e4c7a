"""The line in a conversation above which the model no longer reads."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop.conversations import Mark
from desktop.ui import theme
from desktop.ui.buttons import Button
from desktop.ui.cards import Fold, line
from desktop.ui.labels import Label
from desktop.ui.prose import ProseView, plain


class Divider(QWidget):
    """Says so, shows the summary that the model reads instead, if there is one, and can be undone."""

    undo_clicked = Signal(object)  # Mark

    def __init__(self, mark: Mark) -> None:
        super().__init__()
        self.mark = mark
        words = self.tr("The model no longer reads what is above.")
        if mark.summary:
            words = self.tr("The model no longer reads what is above, but a summary of it.")
        self.setAccessibleName(words)
        self.words = Label(words, "small", "soft")
        self.undo = Button(self.tr("Undo"), "small_link")
        self.undo.setToolTip(self.tr("Let the model read it again"))
        self.undo.setAccessibleDescription(self.undo.toolTip())
        self.undo.clicked.connect(lambda: self.undo_clicked.emit(mark))
        row = QHBoxLayout()
        row.setSpacing(theme.GRID * 2)
        row.addWidget(self.words, 1)
        row.addWidget(self.undo, 0, Qt.AlignmentFlag.AlignTop)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID)
        column.addWidget(line())
        column.addLayout(row)
        self.fold: Fold | None = None
        if mark.summary:
            self.fold = Fold(self.tr("The summary"))
            text = ProseView("soft")
            text.show_segment(tuple(plain(mark.summary)))
            self.fold.body.addWidget(text)
            column.addWidget(self.fold)
