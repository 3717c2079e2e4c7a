"""The texts of licences on this computer: those that came with Alcove, and those that were fetched with a model and kept."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from desktop import record
from desktop.errors import Corrupt
from desktop.licences import Licence
from desktop.replacing import refused, replace
from desktop.text import plain

LARGEST_BYTES = 1_000_000  # the longest licence of a model has 60 KB


@dataclass(frozen=True)
class Text:
    """The text of one licence. `url` and `fetched` (ISO 8601, UTC) are of one that was fetched; one of ours has neither."""

    id: str
    path: Path
    sha256: str  # of the file's bytes, exactly as they came
    url: str | None = None
    fetched: str | None = None

    def read(self) -> str:
        """Its words, without anything that is unseen or would move what is seen."""
        return plain(self.path.read_bytes().decode(errors="replace"))


class _Kept(msgspec.Struct, frozen=True):
    """What lies beside a text that was fetched."""

    sha256: str
    url: str
    fetched: str


class Texts:
    """The store of licence texts: a folder with those that were fetched, beside the ones that came with the program."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def of(self, licence: Licence) -> Text | None:
        """The text that is here, or None; one of ours goes before one that was fetched."""
        if licence.text_path is not None:
            return Text(licence.id, licence.text_path, hashlib.sha256(licence.text_path.read_bytes()).hexdigest())
        path = self._path(licence.id)
        with suppress(OSError, msgspec.MsgspecError):  # none was fetched, or not all of it
            kept = msgspec.json.decode(record.beside(path).read_bytes(), type=_Kept)
            if hashlib.sha256(path.read_bytes()).hexdigest() == kept.sha256:
                return Text(licence.id, path, kept.sha256, kept.url, kept.fetched)
        return None

    def keep(self, id: str, content: bytes, url: str) -> Text:
        """Keep a text that was fetched from this address. Raises Corrupt for what is no text, NotWritable."""
        _check(content, url)
        path, kept = self._path(id), _Kept(hashlib.sha256(content).hexdigest(), url, record.now())
        try:
            self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            replace(path, content)
        except OSError as error:
            raise refused(error, self.folder) from error
        record.write(record.beside(path), kept)
        return Text(id, path, kept.sha256, kept.url, kept.fetched)

    def __iter__(self) -> Iterator[str]:
        """The ids of those that were fetched."""
        yield from sorted(path.stem for path in self.folder.glob("*.txt"))

    def _path(self, id: str) -> Path:
        return self.folder / f"{record.safe(id)}.txt"


def _check(content: bytes, url: str) -> None:
    """Refuse what is no licence to read: nothing, too much, a web page, or bytes that are no text."""
    if not content.strip():
        raise Corrupt(path=url, why="the licence is empty")
    if len(content) > LARGEST_BYTES:
        raise Corrupt(path=url, why="it is far too long for a licence")
    if b"\x00" in content or re.match(rb"\s*<(!doctype html|html)", content, re.IGNORECASE):
        raise Corrupt(path=url, why="it is not the text of a licence")
    try:
        content.decode()
    except UnicodeDecodeError as error:
        raise Corrupt(path=url, why="it is not the text of a licence") from error
