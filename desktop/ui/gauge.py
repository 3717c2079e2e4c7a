"""How full the conversation memory is: a ring beside the message field."""

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.ui import theme

NEARLY_FULL = 0.75  # of the conversation memory, from which on it is told
SIDE, STROKE = 20, 3  # px at scale 1
TURN = 16  # units of Qt in a degree


class Gauge(QWidget):
    """Hidden while nothing is known."""

    def __init__(self) -> None:
        super().__init__()
        self.share = 0.0
        self.setAccessibleName(self.tr("Conversation memory"))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.hide()

    def show_share(self, share: float | None) -> None:
        """From 0 to 1; None where it is not known."""
        self.setVisible(share is not None)
        if share is None:
            return
        self.share = min(1.0, share)
        words = self.tr("This conversation fills {percent} % of what the model can keep in mind.")
        told = words.format(percent=round(self.share * 100))
        self.setToolTip(told)
        self.setAccessibleDescription(told)
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(SIDE), theme.scaled(SIDE))

    def paintEvent(self, event: QPaintEvent) -> None:
        side, stroke = theme.scaled(SIDE), theme.scaled(STROKE)
        ring = QRectF((self.width() - side) / 2, (self.height() - side) / 2, side, side)
        ring.adjust(stroke / 2, stroke / 2, -stroke / 2, -stroke / 2)
        with QPainter(self) as painter:
            painter.setRenderHint(QPainter.RenderHint.Antialiasing)
            track = "soft" if theme.line_width() > 1 else "track"  # in high contrast the track is a thin line
            painter.setPen(QPen(theme.colour(track), stroke if track == "track" else 1))
            painter.drawEllipse(ring)
            pen = QPen(theme.colour("warning" if self.share >= NEARLY_FULL else "accent"), stroke)
            pen.setCapStyle(Qt.PenCapStyle.FlatCap)
            painter.setPen(pen)
            painter.drawArc(ring, 90 * TURN, -round(self.share * 360 * TURN))
