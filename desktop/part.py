"""An unfinished file on the disk: its bytes, their running hash, and the record of whose they are.

`x.gguf.part` holds the bytes so far, `x.gguf.part.json` says whose they are. Both outlive a cancel, an error and a kill -9.
Bytes of two different files are never mixed, and a part is given up only for bytes of the right file.
"""

import errno
import hashlib
import os
import shutil
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from desktop.errors import AlcoveError, Corrupt, DiskFull, FileTooBig, Forbidden, NotGguf, NotWritable, ServerRefused, Unreachable
from desktop.network import Response, refusal

TICK_S = 0.1  # how often progress is told
LOCK_S = 2.0  # how long to wait for another download of the same part to end
CHECK_BYTES = 4 << 20  # re-hashed between two looks at the clock
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


class _Record(msgspec.Struct):
    """part.json: whose bytes a part holds."""

    url: str
    size_bytes: int
    sha256: str | None
    etag: str | None


class Part:
    """The unfinished file: its bytes, their running hash, and the record of whose they are."""

    def __init__(self, source: Source, path: Path) -> None:
        self.source = source
        self.done_bytes = 0
        self.heard = False  # whether a server has answered at all
        self.host = ""
        self._path = path
        self._record_path = path.with_name(path.name + ".json")
        self._hash = hashlib.sha256()
        self._ranges = True  # until a server answers one wrongly
        self._fresh: str | None = None  # the ETag of what comes next, if that is the file's beginning
        self._etag: str | None = None
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
            if _lock(file) and _is_at(file, self._path):  # it may have been removed by whoever had it
                self._file = file
                return
            file.close()
            if time.monotonic() > until:
                raise Forbidden(what=f"A second download of {self.source.name} at the same time", rule="one is running already")
            yield
            time.sleep(TICK_S)

    def check(self) -> Iterator[None]:
        """Hash what is there already, or start over if it is not of this file."""
        self._etag = self._read_etag()
        size = os.fstat(self._out.fileno()).st_size
        if self._etag is None or size > self.source.size_bytes:
            if size:
                self._restart()
            return
        told = time.monotonic()
        while data := self._out.read(CHECK_BYTES):
            self._hash.update(data)
            self.done_bytes += len(data)
            if (now := time.monotonic()) - told >= TICK_S:
                told = now
                yield

    def request_headers(self) -> dict[str, str]:
        """The headers of the next request: from the first byte that is missing, if the file is still the same."""
        headers = {**self.source.headers, "Accept-Encoding": "identity"}
        if self.done_bytes and self._ranges:
            headers["Range"] = f"bytes={self.done_bytes}-"
            if self._etag and not self._etag.startswith("W/"):
                headers["If-Range"] = self._etag
        return headers

    def begin(self, response: Response) -> None:
        """Judge the answer before its first byte is taken. A part is given up only for the right file."""
        self.heard, self.host = True, response.url.host
        source, etag = self.source, response.headers.get("ETag", "")
        if response.status_code == 206:
            expected = f"bytes {self.done_bytes}-{source.size_bytes - 1}/{source.size_bytes}"
            if response.headers.get("Content-Range") != expected:
                self._ranges = False
                raise Unreachable(host=self.host, why="it sent another part of the file than the one asked for")
            if etag != self._etag:
                self._restart()
                raise Unreachable(host=self.host, why="the file was replaced there while it was being fetched")
        elif response.status_code == 200:
            length = response.headers.get("Content-Length")
            if "text/html" in response.headers.get("Content-Type", ""):
                raise ServerRefused(host=self.host, status=200, why=WEB_PAGE)
            if length and int(length) != source.size_bytes:
                raise Corrupt(path=source.name, why=f"{self.host} sends {length} bytes where {source.size_bytes} were announced")
            self._fresh = etag
        elif response.status_code == 416:
            self._restart()
            raise Unreachable(host=self.host, why="it has no more of the file than has arrived")
        else:
            raise refusal(response, what=f"file {source.name}", repo=source.repo or source.name, page=source.page)

    def write(self, data: bytes) -> None:
        """Add bytes at the end. Raises NotGguf, Corrupt, DiskFull, FileTooBig."""
        if self._fresh is not None:
            if not MAGIC.startswith(data[:4]):
                raise NotGguf(path=self.source.name)
            self._restart()
            self._remember(self._fresh)
            self._fresh = None
        if self.done_bytes + len(data) > self.source.size_bytes:
            self._discard()
            raise Corrupt(path=self.source.name, why=f"{self.host} sent more bytes than were announced; get it again")
        view = memoryview(data)
        while view:
            try:
                count = self._out.write(view)
            except OSError as error:
                raise self._explain(error) from error
            self._hash.update(view[:count])
            self.done_bytes += count
            view = view[count:]

    def finish(self) -> str:
        """Put the bytes safely on the disk and return their SHA-256. Raises Corrupt; the bad file is gone then."""
        found, wanted = self._hash.hexdigest(), self.source.sha256
        if wanted and found != wanted:
            self._discard()
            why = f"its SHA-256 is {found[:12]}… instead of {wanted[:12]}…; it was deleted, get it again"
            raise Corrupt(path=self.source.name, why=why)
        try:
            os.fsync(self._out.fileno())
        except OSError as error:
            raise self._explain(error) from error
        return found

    def close(self) -> None:
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

    def _read_etag(self) -> str | None:
        """The ETag that the part's bytes came with ("" for none), or None when they are not of this file."""
        try:
            record = msgspec.json.decode(self._record_path.read_bytes(), type=_Record)
        except (OSError, msgspec.MsgspecError):
            return None
        source = self.source
        by_hash = record.sha256 is not None and record.sha256 == source.sha256
        if record.size_bytes != source.size_bytes or not (by_hash or (record.url == source.url and not source.sha256)):
            return None
        return record.etag or ""

    def _remember(self, etag: str) -> None:
        self._etag = etag
        record = _Record(self.source.url, self.source.size_bytes, self.source.sha256, etag)
        new = self._record_path.with_name(self._record_path.name + ".new")
        try:
            new.write_bytes(msgspec.json.encode(record))
            os.replace(new, self._record_path)
        except OSError as error:
            raise self._explain(error) from error

    def _restart(self) -> None:
        """Throw away the bytes so far; first the record, so that a crash in between mixes nothing."""
        self._record_path.unlink(missing_ok=True)
        self._etag = None
        self._out.seek(0)
        try:
            self._out.truncate()
        except OSError as error:
            if error.errno != errno.EINVAL:  # a device file cannot be cut and need not be
                raise self._explain(error) from error
        self._hash = hashlib.sha256()
        self.done_bytes = 0

    def _discard(self) -> None:
        """Keep nothing of bytes that are wrong."""
        self.close()
        self._remove()

    def _remove(self) -> None:
        self._path.unlink(missing_ok=True)
        self._record_path.unlink(missing_ok=True)

    def _explain(self, error: OSError) -> AlcoveError:
        folder = self._path.parent
        if error.errno == errno.EFBIG:
            return FileTooBig(size_bytes=self.source.size_bytes, folder=str(folder))
        if error.errno in (errno.ENOSPC, errno.EDQUOT):
            needed_bytes = self.source.size_bytes - self.done_bytes
            return DiskFull(needed_bytes=needed_bytes, free_bytes=shutil.disk_usage(folder).free, folder=str(folder))
        return NotWritable(path=str(self._path))


def is_running(path: Path) -> bool:
    """Whether a download is at work on this part, in this program or another one."""
    try:
        with path.open("r+b") as file:
            return not _lock(file)
    except OSError:
        return False


def _is_at(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _lock(file: IO[bytes]) -> bool:
    """Take the operating system's lock on an open file; it goes with the process, even with a killed one."""
    if sys.platform == "win32":
        import msvcrt

        position = file.tell()
        file.seek(1 << 62)  # a place without bytes: there a lock keeps nobody from reading
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            file.seek(position)
        return True
    import fcntl

    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks: the hash at the end still guards the file
        return True
    return True


WEB_PAGE = "it sent a web page instead of the file; this network may want you to sign in first"
