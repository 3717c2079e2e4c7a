"""The program's icon for every system, drawn from resources/icons/program/alcove.svg: python installers/app/icons.py FOLDER.

Leaves alcove-16.png to alcove-512.png, alcove.ico and alcove.icns in the folder.
"""

import os
import sys
from pathlib import Path

os.environ["QT_QPA_PLATFORM"] = "offscreen"

from PIL import Image
from PySide6.QtCore import QRectF, Qt
from PySide6.QtGui import QGuiApplication, QImage, QPainter
from PySide6.QtSvg import QSvgRenderer

DRAWING = Path(__file__).resolve().parents[2] / "resources" / "icons" / "program" / "alcove.svg"
SIDES = (16, 24, 32, 48, 64, 128, 256, 512)


def main(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    application = QGuiApplication([])
    pictures = [_drawn(side) for side in SIDES]
    for side, picture in zip(SIDES, pictures, strict=True):
        picture.save(folder / f"alcove-{side}.png", optimize=True)
    ours = [picture for picture in pictures if picture.width <= 256]
    ours[-1].save(folder / "alcove.ico", sizes=[picture.size for picture in ours], append_images=ours[:-1])
    pictures[-1].save(folder / "alcove.icns", append_images=pictures[:-1])
    del application


def _drawn(side: int) -> Image.Image:
    image = QImage(side, side, QImage.Format.Format_RGBA8888)
    image.fill(Qt.GlobalColor.transparent)
    with QPainter(image) as painter:
        QSvgRenderer(str(DRAWING)).render(painter, QRectF(0, 0, side, side))
    return Image.frombytes("RGBA", (side, side), bytes(image.constBits()))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
