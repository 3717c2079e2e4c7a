"""The pictures of the message that is being written: from files, the clipboard or another program, made ready for a model."""

from collections.abc import Generator, Sequence
from pathlib import Path

from PySide6.QtCore import QBuffer, QMimeData, QSize, Qt, Signal
from PySide6.QtGui import QImage
from PySide6.QtWidgets import QGridLayout, QWidget

from desktop import picture
from desktop.errors import AlcoveError, NotAPicture
from desktop.ui import icons, theme
from desktop.ui.buttons import IconButton
from desktop.ui.flow import Flow
from desktop.ui.tasks import Tasks
from desktop.ui.thumbnail import Thumbnail

MOST = 10  # pictures with one message; a conversation's memory holds few more

Source = Path | bytes


def given(mime: QMimeData) -> list[Source]:
    """The pictures in what was pasted or dropped; none where there is text as well, for then the text was meant."""
    paths = [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]
    found: list[Source] = [path for path in paths if path.suffix.lower() in picture.SUFFIXES]
    if found or not mime.hasImage() or mime.hasText():
        return found
    image, buffer = QImage(mime.imageData()), QBuffer()
    buffer.open(QBuffer.OpenModeFlag.WriteOnly)
    image.save(buffer, "PNG")  # type: ignore[call-overload]
    return [bytes(buffer.data().data())]


def _prepared(sources: Sequence[Source], pasted: str) -> Generator[bytes | AlcoveError, None, None]:
    """Each picture ready for a model, or why it is not."""
    for source in sources:
        try:
            if isinstance(source, bytes):
                yield picture.prepared(source, pasted)
            else:
                yield picture.prepared(source.read_bytes(), source.name)
        except AlcoveError as error:
            yield error
        except OSError as error:
            yield NotAPicture(path=str(source), why=str(error.strerror or error))


class Attachments(Flow):
    """Small pictures in a row, each with a button that takes it out; hidden while there is none."""

    changed = Signal()
    refused = Signal(str)  # a sentence: why a picture was not taken
    failed = Signal(AlcoveError)  # the same of one that cannot be used

    def __init__(self, tasks: Tasks) -> None:
        super().__init__()
        self._tasks, self._asked = tasks, 0
        self._tiles: list[_Tile] = []
        self.hide()

    @property
    def pictures(self) -> tuple[bytes, ...]:
        """Their files, in order."""
        return tuple(tile.file for tile in self._tiles)

    def show_pictures(self, files: Sequence[bytes]) -> None:
        """These in place of those that were there."""
        for tile in [*self._tiles]:
            self._take_out(tile)
        for file in files:
            self._add(file)

    def take(self, sources: Sequence[Source]) -> None:
        """Make these ready and add them; what is no picture is refused with a sentence, and the others stay."""
        self._asked += 1
        task = self._tasks.start(_prepared(sources, self.tr("The pasted picture")), key=f"pictures {self._asked}")
        task.yielded.connect(self._on_prepared)

    def _on_prepared(self, item: bytes | AlcoveError) -> None:
        if isinstance(item, AlcoveError):
            self.failed.emit(item)
        elif len(self.pictures) == MOST:
            self.refused.emit(self.tr("At most {count} pictures go with one message.").format(count=MOST))
        else:
            self._add(item)

    def _add(self, file: bytes) -> None:
        tile = _Tile(file, self.tr("Picture {number}").format(number=len(self._tiles) + 1))
        tile.away.clicked.connect(lambda: self._take_out(tile))
        self._tiles.append(tile)
        self.add(tile)
        self._on_changed()

    def _take_out(self, tile: "_Tile") -> None:
        self._tiles.remove(tile)
        self.remove(tile)
        self._on_changed()

    def _on_changed(self) -> None:
        self.setVisible(bool(self._tiles))
        self.changed.emit()


class _Tile(QWidget):
    """A small picture with the button that takes it out in its corner."""

    def __init__(self, file: bytes, name: str) -> None:
        super().__init__()
        self.file = file
        self.away = _Away("cross", self.tr("Take this picture out"), "ink")
        self.away.setProperty("kind", "away")
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.addWidget(Thumbnail(file, name), 0, 0)
        grid.addWidget(self.away, 0, 0, Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignRight)


class _Away(IconButton):
    """Small enough for a corner."""

    def _load_icon(self) -> None:
        side = theme.scaled(14)
        self.setIcon(icons.icon(self._icon, self._tone))
        self.setIconSize(QSize(side, side))
        self.setFixedSize(theme.scaled(24), theme.scaled(24))
