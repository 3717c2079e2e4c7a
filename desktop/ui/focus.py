"""The ring round what the keyboard's focus is on: 3 px, the same for every control, not shown for clicks."""

from PySide6.QtCore import QEvent, QObject, QPoint, QRect, QRectF, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QAbstractButton, QAbstractSlider, QApplication, QComboBox, QScrollArea, QWidget
from shiboken6 import isValid

from desktop.ui import theme
from desktop.ui.cards import ChoiceCard

WIDTH = 3  # px
ROOM = WIDTH + 2  # px from the control's edge to the ring's outer one
RINGED = (QAbstractButton, QAbstractSlider, QComboBox, ChoiceCard)  # fields show their focus with their own frame
MOVES = (QEvent.Type.Move, QEvent.Type.Resize, QEvent.Type.Show, QEvent.Type.Hide)


class FocusRing(QObject):
    """Follows the application's focus with one ring at a time, once the keyboard is used and until the mouse is."""

    def __init__(self, app: QApplication) -> None:
        super().__init__(app)
        self.ring: Ring | None = None
        self._by_keyboard = False
        app.focusChanged.connect(self._on_focus_changed)

    def watch(self, window: QWidget) -> None:
        """Tell keys from clicks in this window. The system's own window hears each once; its widgets would hear far more."""
        window.winId()  # makes the handle
        if (handle := window.windowHandle()) is not None:
            handle.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in (QEvent.Type.KeyPress, QEvent.Type.MouseButtonPress):
            self._by_keyboard = event.type() == QEvent.Type.KeyPress
            self._on_focus_changed(None, QApplication.focusWidget())
        return super().eventFilter(watched, event)

    def _on_focus_changed(self, _old: QWidget | None, now: QWidget | None) -> None:
        if self.ring is not None and isValid(self.ring) and self.ring.control is now and self._by_keyboard:
            return
        if self.ring is not None and isValid(self.ring):  # it goes with its surroundings when these are taken away
            self.ring.hide()
            self.ring.deleteLater()
        self.ring = None
        if self._by_keyboard and isinstance(now, RINGED) and now.isEnabled() and not now.isWindow():
            self.ring = Ring(now)


class Ring(QWidget):
    """Stands in the surface that scrolls with its control, or in the window, so that it is cut and moved with it."""

    def __init__(self, control: QWidget) -> None:
        self.control, self._watched = control, [control]
        around = control.parentWidget()
        while around is not None and not around.isWindow() and not _scrolls(around):
            self._watched.append(around)
            around = around.parentWidget()
        super().__init__(around)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        for each in self._watched:
            each.installEventFilter(self)
        self._place()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() in MOVES:
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        around = self.parentWidget()
        if around is None:
            return
        box = QRect(self.control.mapTo(around, QPoint(0, 0)), self.control.size())
        self.setGeometry(box.adjusted(-ROOM, -ROOM, ROOM, ROOM))
        self.setVisible(self.control.isVisible())
        self.raise_()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.colour("accent"), WIDTH))
        painter.setBrush(Qt.BrushStyle.NoBrush)
        inset = WIDTH / 2
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(inset, inset, -inset, -inset), 13, 13)


def _scrolls(widget: QWidget) -> bool:
    """Whether this is what a scroll area moves."""
    viewport = widget.parentWidget()
    area = viewport.parentWidget() if viewport is not None else None
    return isinstance(area, QScrollArea) and area.widget() is widget
