"""A picture made small: in the message that is being written, and at the question it was shown with. A click shows it larger."""

from PySide6.QtCore import QByteArray, QRect, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QImage, QPainter, QPainterPath, QPen, QPixmap
from PySide6.QtWidgets import QDialog, QLabel, QPushButton, QVBoxLayout, QWidget

from desktop.ui import theme

HEIGHT, NARROWEST, WIDEST = 72, 48, 144  # px
VIEW_SHARE = 0.85  # of the window that a picture shown larger may take


class Thumbnail(QPushButton):
    """One picture, cut to a sensible shape; `name` is what a screen reader says."""

    def __init__(self, file: bytes, name: str) -> None:
        super().__init__()
        self.file = file
        self.setProperty("kind", "thumbnail")
        self.setAccessibleName(name)
        self.setToolTip(self.tr("Show it larger"))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        image = QImage.fromData(QByteArray(file))
        height = theme.scaled(HEIGHT)
        width = round(height * image.width() / max(1, image.height()))
        width = min(max(width, theme.scaled(NARROWEST)), theme.scaled(WIDEST))
        self.setIcon(QIcon(_rounded(image, QSize(width, height), self.devicePixelRatioF())))
        self.setIconSize(QSize(width, height))
        self.setFixedSize(width, height)
        self.clicked.connect(self._show_larger)

    def _show_larger(self) -> None:
        PictureView(self.file, self.accessibleName(), self.window()).show()


class PictureView(QDialog):
    """One picture as large as there is room for; Esc closes it, and so does a click."""

    def __init__(self, file: bytes, name: str, around: QWidget) -> None:
        super().__init__(around)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(name)
        room = (QSize(around.width(), around.height()) * VIEW_SHARE).expandedTo(QSize(200, 200))
        pixmap = QPixmap.fromImage(QImage.fromData(QByteArray(file)))
        ratio = self.devicePixelRatioF()
        if pixmap.width() > room.width() * ratio or pixmap.height() > room.height() * ratio:
            kept = Qt.AspectRatioMode.KeepAspectRatio, Qt.TransformationMode.SmoothTransformation
            pixmap = pixmap.scaled(room * ratio, *kept)
        pixmap.setDevicePixelRatio(ratio)
        picture = QLabel()
        picture.setPixmap(pixmap)
        picture.setAccessibleName(name)
        picture.setAlignment(Qt.AlignmentFlag.AlignCenter)
        column = QVBoxLayout(self)
        column.setContentsMargins(theme.GRID * 2, theme.GRID * 2, theme.GRID * 2, theme.GRID * 2)
        column.addWidget(picture)

    def mousePressEvent(self, _: object) -> None:
        self.close()


def _rounded(image: QImage, size: QSize, ratio: float) -> QPixmap:
    """The middle of a picture in this size, with round corners."""
    pixmap = QPixmap(size * ratio)
    pixmap.fill(Qt.GlobalColor.transparent)
    whole = QRectF(pixmap.rect())
    edge = QPainterPath()
    edge.addRoundedRect(whole, 10 * ratio, 10 * ratio)
    painter = QPainter(pixmap)
    painter.setRenderHints(QPainter.RenderHint.Antialiasing | QPainter.RenderHint.SmoothPixmapTransform)
    painter.setClipPath(edge)
    expanded = Qt.AspectRatioMode.KeepAspectRatioByExpanding, Qt.TransformationMode.SmoothTransformation
    filled = image.scaled(pixmap.size(), *expanded)
    corner = (filled.width() - pixmap.width()) // 2, (filled.height() - pixmap.height()) // 2
    painter.drawImage(whole, filled, QRectF(QRect(*corner, pixmap.width(), pixmap.height())))
    painter.setClipping(False)
    painter.setPen(QPen(theme.colour("line"), 2 * theme.line_width() * ratio))  # of which the inner half is seen
    painter.drawPath(edge)
    painter.end()
    pixmap.setDevicePixelRatio(ratio)
    return pixmap
