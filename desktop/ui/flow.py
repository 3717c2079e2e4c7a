"""A row of widgets that goes on in the next line where there is no room."""

from PySide6.QtCore import QEvent, QPoint, QRect, QSize
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.ui import theme


class Flow(QWidget):
    """Lines of widgets from left to right, each as wide as it wants to be.

    A widget, not a QLayout: PySide drops a reference to None whenever a layout written in Python answers "no such item".
    """

    def __init__(self, gap: int = theme.GRID) -> None:
        super().__init__()
        self._widgets: list[QWidget] = []
        self._gap = gap
        policy = QSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Minimum)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def add(self, widget: QWidget) -> None:
        """Put a widget at the end."""
        widget.setParent(self)
        self._widgets.append(widget)
        widget.show()
        self.updateGeometry()

    def remove(self, widget: QWidget) -> None:
        """Take a widget out and away."""
        self._widgets.remove(widget)
        widget.hide()
        widget.setParent(None)
        widget.deleteLater()
        self._place(self.width(), move=True)
        self.updateGeometry()

    def heightForWidth(self, width: int) -> int:
        return self._place(width, move=False)

    def sizeHint(self) -> QSize:
        width = max(self.width(), self.minimumSizeHint().width())
        return QSize(width, self._place(width, move=False))

    def minimumSizeHint(self) -> QSize:
        widths = [widget.sizeHint().width() for widget in self._widgets]
        return QSize(max(widths, default=0), 0)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place(event.size().width(), move=True)

    def event(self, event: QEvent) -> bool:
        if event.type() == QEvent.Type.LayoutRequest:  # a widget wants another size
            self._place(self.width(), move=True)
            self.updateGeometry()
        return super().event(event)

    def _place(self, width: int, *, move: bool) -> int:
        """Put every widget in its place, those of one line at one height, or only tell the height that all need."""
        top = 0
        for line in self._lines(width):
            left, tallest = 0, max(size.height() for _, size in line)
            for widget, size in line:
                if move:
                    widget.setGeometry(QRect(QPoint(left, top + (tallest - size.height()) // 2), size))
                left += size.width() + self._gap
            top += tallest + self._gap
        return max(0, top - self._gap)

    def _lines(self, width: int) -> list[list[tuple[QWidget, QSize]]]:
        lines: list[list[tuple[QWidget, QSize]]] = []
        left = 0
        for widget in self._widgets:
            if widget.isHidden():
                continue
            size = widget.sizeHint().expandedTo(widget.minimumSize())
            if not lines or left + size.width() > width:
                lines.append([])
                left = 0
            lines[-1].append((widget, size))
            left += size.width() + self._gap
        return lines
