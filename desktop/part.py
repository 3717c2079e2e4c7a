"""An unfinished file on the disk: the bytes that have arrived, in their places, and the record of whose they are.

`x.gguf.part` holds the bytes, `x.gguf.part.json` says whose they are and which of them are safe. Both outlive a cancel, an error,
a kill -9 and a power cut. Bytes of two different files are never mixed, and a part is given up only for bytes of the right file.
"""

import errno
import os
import shutil
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

import msgspec

from desktop.errors import AlcoveError, DiskFull, FileTooBig, Forbidden, NotGguf, NotWritable
from desktop.locks import lock
from desktop.record import beside
from desktop.replacing import FULL, replace
from desktop.spans import Spans

TICK_S = 0.1  # how often progress is told
LOCK_S = 2.0  # how long to wait for another download of the same part to end
RECORD_ROOM = 64 << 10  # bytes, more than any file system takes for a record
MAGIC = b"GGUF"


@dataclass(frozen=True)
class Source:
    """Where a file comes from and what it must be; `page` is where the maker asks for consent, if anyone does."""

    url: str
    headers: dict[str, str]
    size_bytes: int
    sha256: str | None
    name: str
    repo: str = ""
    page: str = ""

    def headers_to(self, url: str) -> dict[str, str]:
        """What a request for the file carries. What the source must be shown, a token perhaps, is no business of another host."""
        shown = self.headers if urlsplit(url)[:2] == urlsplit(self.url)[:2] else {}
        return {**shown, "Accept-Encoding": "identity"}


class _Record(msgspec.Struct):
    """part.json: whose bytes a part holds, and which of them are safely on the disk (None: all that are in the file)."""

    url: str
    size_bytes: int
    sha256: str | None
    etag: str | None
    spans: list[tuple[int, int]] | None = None


class Part:
    """The unfinished file; after `open` and `load`, bytes are written and read from any thread.

    `spans` are the bytes that have arrived, `written_bytes` counts those of this session; `etag` is what the server calls this
    edition of the file, None before the first byte.
    """

    def __init__(self, source: Source, path: Path) -> None:
        self.source = source
        self.written_bytes = 0
        self.spans = Spans()
        self.etag: str | None = None
        self._path = path
        self._record_path = beside(path)
        self._lock = threading.Lock()
        self._file: IO[bytes] | None = None

    def open(self) -> Iterator[None]:
        """Open the part for us alone; waits a moment for a download of it that is just being cancelled."""
        until = time.monotonic() + LOCK_S
        while self._file is None:
            try:
                self._path.parent.mkdir(parents=True, exist_ok=True)
                handle = os.open(self._path, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o600)
            except OSError as error:
                raise self._explain(error) from error
            file = os.fdopen(handle, "r+b", buffering=0)
            if lock(file) and _is_at(file, self._path):  # it may have been removed by whoever had it
                self._file = file
                return
            file.close()
            if time.monotonic() > until:
                raise Forbidden(what=f"A second download of {self.source.name} at the same time", rule="one is running already")
            yield
            time.sleep(TICK_S)

    def load(self) -> None:
        """Go on with what is there already, or start over if it is not of this file."""
        size, record = os.fstat(self._out.fileno()).st_size, _record(self._record_path)
        if record is None or not self._is_of_source(record) or size > self.source.size_bytes:
            if size:
                self.restart()
            return
        self.etag = record.etag or ""
        self.spans = Spans([(0, size)] if record.spans is None else record.spans)
        self.spans.remove(size, self.source.size_bytes)  # what a record may say of a file that somebody has cut

    @property
    def done_bytes(self) -> int:
        """How many bytes have arrived."""
        with self._lock:
            return self.spans.total

    @property
    def frontier(self) -> int:
        """The first byte that has not."""
        with self._lock:
            return self.spans.frontier

    def free(self, taken: Spans) -> tuple[int, int] | None:
        """The first gap of which nothing is in `taken`."""
        with self._lock:
            both = Spans((*self.spans, *taken))
        return next(both.gaps(self.source.size_bytes), None)

    def write(self, start: int, piece: bytes | memoryview) -> None:
        """Put bytes in their place. Raises NotGguf, DiskFull, FileTooBig, NotWritable; what fitted is kept."""
        if start == 0 and not MAGIC.startswith(bytes(piece[:4])):
            raise NotGguf(path=self.source.name)
        view = memoryview(piece)
        while view:
            try:
                count = self._write_at(start, view)
            except OSError as error:
                raise self._explain(error) from error
            with self._lock:
                self.spans.add(start, start + count)
                self.written_bytes += count
            start, view = start + count, view[count:]

    def read(self, start: int, into: memoryview) -> int:
        """Read what is in the file from `start`, as much as there is room for; returns how many bytes, fewer at its end."""
        try:
            if hasattr(os, "preadv"):
                return os.preadv(self._out.fileno(), [into], start)
            with self._lock:
                self._out.seek(start)
                piece = self._out.read(len(into))
            into[: len(piece)] = piece
            return len(piece)
        except OSError as error:
            raise self._explain(error) from error

    def begin(self, etag: str) -> None:
        """The bytes that come next are of this edition of the file, of which there is nothing yet."""
        self.etag = etag
        self.sync()

    def sync(self) -> None:
        """Put what has arrived safely on the disk, and then note that it is there."""
        with self._lock:
            spans = list(self.spans)
        try:
            _settle(self._out.fileno())
            record = _Record(self.source.url, self.source.size_bytes, self.source.sha256, self.etag, spans)
            replace(self._record_path, msgspec.json.encode(record))
        except OSError as error:
            raise self._explain(error) from error

    def keep(self) -> None:
        """As sync, when nothing is being written: on a full disk the last bytes make room for the record of the others."""
        try:
            return self.sync()
        except DiskFull:
            end = max((end for _, end in self.spans), default=0)
            kept = max(0, end - RECORD_ROOM)
        with suppress(OSError):
            self._out.truncate(kept)
            self.spans.remove(kept, end)
        self.sync()

    def restart(self) -> None:
        """Throw away the bytes so far; first the record, so that a crash in between mixes nothing."""
        self._record_path.unlink(missing_ok=True)
        self.etag = None
        try:
            self._out.truncate(0)
        except OSError as error:
            if error.errno != errno.EINVAL:  # a device file cannot be cut and need not be
                raise self._explain(error) from error
        with self._lock:
            self.spans = Spans()

    def doubt(self) -> None:
        """Have every byte fetched again; those on the disk stay there until better ones have come."""
        with self._lock:
            self.spans = Spans()
        self.sync()

    def discard(self) -> None:
        """Keep nothing of bytes that are wrong."""
        self.close()
        self._remove()

    def close(self) -> None:
        """Let go of the file; one without bytes is not left behind."""
        if self._file is None:  # never ours
            return
        empty = not os.fstat(self._file.fileno()).st_size
        self._file.close()
        self._file = None
        if empty:
            self._remove()

    @property
    def _out(self) -> IO[bytes]:
        assert self._file is not None
        return self._file

    def _write_at(self, start: int, view: memoryview) -> int:
        if hasattr(os, "pwrite"):
            return os.pwrite(self._out.fileno(), view, start)
        with self._lock:
            self._out.seek(start)
            return self._out.write(view)

    def _is_of_source(self, record: _Record) -> bool:
        source = self.source
        by_hash = record.sha256 is not None and record.sha256 == source.sha256
        return record.size_bytes == source.size_bytes and (by_hash or (record.url == source.url and not source.sha256))

    def _remove(self) -> None:
        self._path.unlink(missing_ok=True)
        self._record_path.unlink(missing_ok=True)

    def _explain(self, error: OSError) -> AlcoveError:
        folder = self._path.parent
        if error.errno == errno.EFBIG:
            return FileTooBig(size_bytes=self.source.size_bytes, folder=str(folder))
        if error.errno in FULL:
            needed_bytes = self.source.size_bytes - self.done_bytes
            return DiskFull(needed_bytes=needed_bytes, free_bytes=shutil.disk_usage(folder).free, folder=str(folder))
        return NotWritable(path=str(self._path))


def arrived_bytes(path: Path) -> int:
    """How many bytes an unfinished file holds, by its record; 0 where there is none. Raises FileNotFoundError."""
    size, record = path.stat().st_size, _record(beside(path))
    if record is None or record.spans is None:
        return size
    return sum(max(0, min(end, size) - start) for start, end in record.spans)


def _record(path: Path) -> _Record | None:
    try:
        return msgspec.json.decode(path.read_bytes(), type=_Record)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _settle(handle: int) -> None:
    """Wait until a file's bytes are on the disk; a device that cannot tell is believed."""
    try:
        getattr(os, "fdatasync", os.fsync)(handle)
    except OSError as error:
        if error.errno != errno.EINVAL:
            raise


def is_running(path: Path) -> bool:
    """Whether a download is at work on this part, in this program or another one."""
    try:
        with path.open("r+b") as file:
            return not lock(file)
    except OSError:
        return False


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


OTHER_PART = "it sent another part of the file than the one asked for"
WEB_PAGE = "it sent a web page instead of the file; this network may want you to sign in first"
