"""A small drawing beside words."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QIcon, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QStyle, QWidget

from desktop.ui import icons, theme


class Sign(QWidget):
    """An icon in a named colour, of so many pixels at scale 1. Drawn at each paint, it follows the look by itself."""

    def __init__(self, icon: str = "", tone: str = "soft", side: int = 16) -> None:
        super().__init__()
        self._side = side
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)  # a click is meant for what it stands in
        self.setSizePolicy(QSizePolicy.Policy.Minimum, QSizePolicy.Policy.Minimum)
        self.show_icon(icon, tone)

    def show_icon(self, icon: str, tone: str) -> None:
        """Draw another one."""
        self._icon, self._tone = icon, tone
        self.update()

    def sizeHint(self) -> QSize:
        side = theme.scaled(self._side)
        return QSize(side, side)

    def paintEvent(self, event: QPaintEvent) -> None:
        middle = Qt.AlignmentFlag.AlignCenter
        box = QStyle.alignedRect(self.layoutDirection(), middle, self.sizeHint(), self.rect())
        mode = QIcon.Mode.Normal if self.isEnabled() else QIcon.Mode.Disabled
        with QPainter(self) as painter:
            icons.icon(self._icon, self._tone).paint(painter, box, middle, mode)
