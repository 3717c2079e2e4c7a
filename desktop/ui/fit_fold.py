"""How the model of a file would run, folded away below its row until someone asks."""

from itertools import pairwise

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.ui import theme
from desktop.ui.buttons import Button
from desktop.ui.cards import line
from desktop.ui.fit_view import FitView
from desktop.ui.judging import Judges


class FitFold(QWidget):
    """The part that opens; `button`, which opens it, stands wherever the row has room for it.

    `reference` is the file's.
    """

    opened = Signal()
    judged = Signal(object)  # Fit
    wished = Signal(str, object)  # the reference and the Wish
    models_clicked = Signal()
    look_again_clicked = Signal()
    act_clicked = Signal(str, object)

    def __init__(self, judges: Judges, reference: str, name: str) -> None:
        super().__init__()
        self._judges, self._reference = judges, reference
        self.view: FitView | None = None
        self.button = Button(self.tr("How it runs"), "small_link", "chevron-down")
        self.button.setAccessibleName(self.tr("How {name} would run here").format(name=name))
        self.button.setCheckable(True)
        self.button.toggled.connect(self._on_toggled)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, theme.GRID)
        self._column.setSpacing(theme.GRID * 2)
        self.hide()

    def close_view(self) -> None:
        """Fold it away; what is being checked for it stops."""
        self.button.setChecked(False)

    def look_again(self) -> None:
        """The computer was looked at again."""
        if self.view is not None:
            self.view.look_again()

    def _on_toggled(self, on: bool) -> None:
        self.button.set_icon("chevron-up" if on else "chevron-down")
        if on and self.view is None:
            view = self.view = FitView(self._judges)
            view.judged.connect(self.judged)
            view.wished.connect(lambda wish: self.wished.emit(self._reference, wish))
            view.models_clicked.connect(self.models_clicked)
            view.look_again_clicked.connect(self.look_again_clicked)
            view.act_clicked.connect(self.act_clicked)
            self._column.addWidget(line())
            self._column.addWidget(view)
            for before, after in pairwise([self.button, *view.stops()]):
                QWidget.setTabOrder(before, after)
            view.show_model(self._reference, self._judges.wishes(self._reference))
        if on:
            self.opened.emit()
        self.setVisible(on)
