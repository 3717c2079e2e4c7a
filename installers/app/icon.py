"""Draw the icon for Windows or macOS from the one drawing: python installers/app/icon.py build/icon/alcove.ico (or .icns)."""

import os
import sys
from io import BytesIO
from pathlib import Path

from PIL import Image
from PySide6.QtCore import QBuffer, QIODevice
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

DRAWING = Path(__file__).resolve().parents[2] / "resources" / "icons" / "program" / "alcove.svg"
EDGES = {".ico": (16, 20, 24, 32, 40, 48, 64, 128, 256), ".icns": (16, 32, 64, 128, 256, 512, 1024)}


def main(out: Path) -> None:
    """Every size is drawn by itself, so that no small one is blurred."""
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    qt = QGuiApplication.instance() or QGuiApplication([])
    assert qt
    edges = EDGES[out.suffix]
    pictures = [drawn(edge) for edge in edges]
    out.parent.mkdir(parents=True, exist_ok=True)
    pictures[-1].save(out, sizes=[(edge, edge) for edge in edges], append_images=pictures[:-1])


def drawn(edge: int) -> Image.Image:
    """The drawing as a square of `edge` points."""
    image = QImage(edge, edge, QImage.Format.Format_ARGB32)
    image.fill(0)
    painter = QPainter(image)
    QSvgRenderer(str(DRAWING)).render(painter)
    painter.end()
    buffer = QBuffer()
    buffer.open(QIODevice.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")
    return Image.open(BytesIO(buffer.data().data())).convert("RGBA")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
