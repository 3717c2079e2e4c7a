"""Cards: a rounded surface for what belongs together, one that can be chosen, and a fold for details."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QKeyEvent, QMouseEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QVBoxLayout, QWidget

from desktop.ui import theme
from desktop.ui.buttons import Button
from desktop.ui.labels import repolish


class Card(QFrame):
    """A rounded surface; put things into `.body`, a vertical layout. `selected` draws the accent's frame round it."""

    def __init__(self, padding: int = 20, spacing: int = theme.GRID) -> None:
        super().__init__()
        self.setProperty("kind", "card")
        self.body = QVBoxLayout(self)
        self.body.setContentsMargins(padding, padding, padding, padding)
        self.body.setSpacing(spacing)

    def set_selected(self, selected: bool) -> None:
        """Mark it as the chosen or suggested one."""
        self.setProperty("selected", selected)
        repolish(self)


class ChoiceCard(Card):
    """A card that can be clicked as a whole, or opened with Space or Return. `name` is what a screen reader says."""

    clicked = Signal()

    def __init__(self, name: str, padding: int = 20, spacing: int = theme.GRID) -> None:
        super().__init__(padding, spacing)
        self.setProperty("choice", True)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.clicked.emit()
        event.accept()

    def mousePressEvent(self, event: QMouseEvent) -> None:
        event.accept()  # else the release never comes here

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Return, Qt.Key.Key_Enter, Qt.Key.Key_Space):
            self.clicked.emit()
        else:
            super().keyPressEvent(event)


class Fold(QWidget):
    """A line that opens and closes what is below it; put things into `.body`."""

    opened = Signal(bool)

    def __init__(self, text: str, *, open_: bool = False, kind: str = "action") -> None:
        super().__init__()
        self.button = Button(text, kind, "chevron-right")
        self.button.setCheckable(True)
        self.button.toggled.connect(self._on_toggled)
        self._inside = QWidget()
        self.body = QVBoxLayout(self._inside)
        self.body.setContentsMargins(0, theme.GRID, 0, 0)
        self.body.setSpacing(theme.GRID)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._inside)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        self._inside.setVisible(open_)
        self.button.setChecked(open_)

    def _on_toggled(self, on: bool) -> None:
        self._inside.setVisible(on)
        self.button.set_icon("chevron-down" if on else "chevron-right")
        self.opened.emit(on)


def line() -> QFrame:
    """A thin line across."""
    made = QFrame()
    made.setProperty("kind", "line")
    made.setFixedHeight(theme.line_width())
    return made
