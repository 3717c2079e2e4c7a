"""The ring round what the keyboard's focus is on: 3 px, the same for every control, not shown for clicks."""

from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QApplication, QComboBox, QFocusFrame, QWidget

from desktop.ui import theme
from desktop.ui.cards import ChoiceCard

WIDTH = 3  # px
RINGED = (QAbstractButton, QAbstractSlider, QComboBox, ChoiceCard)  # fields show their focus with their own frame


class FocusRing(QFocusFrame):
    """Follows the application's focus."""

    def __init__(self, app: QApplication) -> None:
        super().__init__()
        app.focusChanged.connect(self._on_focus_changed)

    def _on_focus_changed(self, _old: QWidget | None, now: QWidget | None) -> None:
        self.setWidget(now if isinstance(now, RINGED) else None)  # type: ignore[arg-type]

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("accent"), WIDTH))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        inset = WIDTH / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), 11, 11)
