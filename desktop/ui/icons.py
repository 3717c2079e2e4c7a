"""The icons: line drawings of one family in resources/icons, coloured when they are loaded."""

from functools import lru_cache

from PySide6.QtCore import QByteArray, QRectF, QSize, Qt
from PySide6.QtGui import QIcon, QImage, QPainter, QPixmap
from PySide6.QtSvg import QSvgRenderer

from desktop.paths import resource
from desktop.ui import theme

SIZE = 20  # px, where nothing else is said


def icon(name: str, colour: str = "ink") -> QIcon:
    """The icon resources/icons/<name>.svg in a named colour. Ask again when the look changes, by theme.follow."""
    return _drawn(name, theme.colour(colour).name())


def pixmap(name: str, colour: str = "ink", size: int = SIZE, ratio: float = 1.0) -> QPixmap:
    """The same as a picture of `size` logical pixels, sharp at a screen's device pixel ratio."""
    return icon(name, colour).pixmap(QSize(size, size), ratio)


def of_program() -> QIcon:
    """Alcove's own, for its windows and the lists of them."""
    return _drawn("program/alcove", "", (16, 24, 32, 48, 64, 128, 256))


@lru_cache(maxsize=256)
def _drawn(name: str, colour: str, sides: tuple[int, ...] = (16, 20, 24, 32, 40, 48, 64, 80)) -> QIcon:
    drawing = resource(f"icons/{name}.svg").read_text(encoding="utf-8").replace("currentColor", colour)
    renderer = QSvgRenderer(QByteArray(drawing.encode()))
    made = QIcon()
    for side in sides:
        image = QImage(side, side, QImage.Format.Format_ARGB32_Premultiplied)
        image.fill(Qt.GlobalColor.transparent)
        with QPainter(image) as painter:
            renderer.render(painter, QRectF(0, 0, side, side))
        made.addPixmap(QPixmap.fromImage(image))
    return made
