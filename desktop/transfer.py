"""One file from a server to the disk: resumed, retried, hashed while it streams, and stopped at once when closed.

`x.gguf.part` holds the bytes so far, `x.gguf.part.json` says whose they are. Both outlive a cancel, an error and a kill -9; the
next download re-hashes the part and asks for the rest. Bytes of two different files are never mixed.
"""

import errno
import hashlib
import os
import queue
import random
import shutil
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import msgspec

from desktop.errors import AlcoveError, Corrupt, DiskFull, FileTooBig, Forbidden, NotGguf, NotWritable, ServerRefused, Unreachable
from desktop.network import Client, Response, refusal

TICK_S = 0.1  # how often progress is told
LOCK_S = 2.0  # how long to wait for another download of the same part to end
WAIT_S = 0.2  # the longest time without a sign of life to whoever iterates
RATE_S = 5.0  # the rate is the average of these last seconds
CHECK_BYTES = 4 << 20  # re-hashed between two looks at the clock
QUEUED = 64  # chunks of at most 64 KB that wait to be written: 4 MB
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


@dataclass(frozen=True)
class Progress:
    """How far it is. `stage`: "check" (a part is hashed again), "download", "wait" (until the next try)."""

    done_bytes: int
    size_bytes: int
    bytes_per_s: float
    left_s: float | None
    resumed_bytes: int = 0
    stage: str = "download"


@dataclass(frozen=True)
class Retry:
    """How patient to be: tries in a row that bring nothing, and the waits between them, doubled each time."""

    tries: int = 6
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0
    longest_asked_s: float = 120.0  # a server that asks for a longer wait is reported instead


def download(
    source: Source, part_path: Path, client: Callable[[], Client], retry: Retry | None = None
) -> Generator[Progress, None, str]:
    """Fetch `source` into `part_path`; returns the SHA-256 of the whole file.

    Raises Offline, Unreachable, ServerRefused, Gated, NotFound, Corrupt (the part is deleted), NotGguf, DiskFull (it is kept),
    NotWritable, and Forbidden when another download of the same file is running.
    """
    retry = retry or Retry()
    with closing(_Part(source, part_path)) as part:
        yield from part.open()
        meter = _Meter(source.size_bytes)
        for _ in part.check():
            yield meter.progress(part.done_bytes, "check")
        meter.resumed_bytes = part.done_bytes
        failed, best = 0, part.done_bytes
        while part.done_bytes < source.size_bytes:
            try:
                yield from _receive(part, client, meter)
            except (Unreachable, ServerRefused) as error:
                failed = 1 if part.done_bytes > best else failed + 1
                best = max(best, part.done_bytes)
                wait_s = _patience(error, failed, retry, heard=part.heard)
                until = time.monotonic() + wait_s
                while (left_s := until - time.monotonic()) > 0:
                    yield meter.progress(part.done_bytes, "wait")
                    time.sleep(min(WAIT_S, left_s))
        yield meter.progress(part.done_bytes)
        return part.finish()


def _patience(error: AlcoveError, failed: int, retry: Retry, *, heard: bool) -> float:
    """Seconds to wait before the next try; raises `error` when there should be none."""
    status, asked = error.facts.get("status"), error.facts.get("wait_s")
    lasting = isinstance(status, int) and status not in (408, 429) and status < 500 and asked is None
    tries = retry.tries if heard else min(retry.tries, 3)  # nobody has answered yet: most likely there is no network
    if lasting or failed >= tries:
        raise error
    if isinstance(asked, float):
        if asked > retry.longest_asked_s:
            raise error
        return asked
    wait_s: float = min(retry.longest_wait_s, retry.first_wait_s * 2.0 ** (failed - 1))
    return wait_s * random.uniform(0.5, 1.5)


def _receive(part: "_Part", client: Callable[[], Client], meter: "_Meter") -> Iterator[Progress]:
    """One request: from where the part ends to the end of the file. Raises Unreachable when it ends earlier."""
    with closing(_Stream(client(), part.source.url, part.request_headers())) as stream:
        told = 0.0
        for item in stream.items():
            if isinstance(item, Response):
                part.begin(item)
            elif item:
                part.write(item)
                meter.add(len(item))
            if (now := time.monotonic()) - told >= TICK_S:
                told = now
                yield meter.progress(part.done_bytes)
    if part.done_bytes < part.source.size_bytes:
        raise Unreachable(host=part.host, why="the connection was cut")


class _Stream:
    """One request, read by a thread of its own, so that whoever waits for it can stop at any moment."""

    def __init__(self, client: Client, url: str, headers: dict[str, str]) -> None:
        self._client = client
        self._items: queue.Queue[Response | bytes | AlcoveError | None] = queue.Queue(QUEUED)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(url, headers), name="transfer", daemon=True)
        self._thread.start()

    def items(self) -> Iterator[Response | bytes]:
        """The response, then its body as it comes in; b"" whenever nothing came for WAIT_S."""
        while True:
            alive = self._thread.is_alive()
            try:
                item = self._items.get(timeout=WAIT_S)
            except queue.Empty:
                if not alive:
                    raise RuntimeError("the thread of a transfer ended without a word") from None
                yield b""
                continue
            chunks: list[bytes] = []
            while isinstance(item, bytes):  # all that is there already, in one piece
                chunks.append(item)
                try:
                    item = self._items.get_nowait()
                except queue.Empty:
                    break
            if chunks:
                yield b"".join(chunks)
            if isinstance(item, Response):
                yield item
            elif isinstance(item, AlcoveError):
                raise item
            elif item is None:
                return

    def close(self) -> None:
        self._stopped.set()
        self._client.abort()
        self._thread.join(timeout=1)  # longer only while it looks up a name or connects; it ends by itself then

    def _read(self, url: str, headers: dict[str, str]) -> None:
        try:
            with self._client, self._client.stream("GET", url, headers=headers) as response:
                self._put(response)
                for chunk in response.iter_raw():
                    self._put(chunk)
                    if self._stopped.is_set():
                        break
        except AlcoveError as error:
            self._put(error)
        else:
            self._put(None)

    def _put(self, item: Response | bytes | AlcoveError | None) -> None:
        while not self._stopped.is_set():
            try:
                return self._items.put(item, timeout=WAIT_S)
            except queue.Full:
                continue


class _Record(msgspec.Struct):
    """part.json: whose bytes a part holds."""

    url: str
    size_bytes: int
    sha256: str | None
    etag: str | None


class _Part:
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

    def open(self) -> Iterator[Progress]:
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
            yield Progress(0, self.source.size_bytes, 0.0, None, stage="wait")
            time.sleep(WAIT_S / 2)

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
                raise ServerRefused(host=self.host, status=200, why=_WEB_PAGE)
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


class _Meter:
    """Bytes received against the clock."""

    def __init__(self, size_bytes: int) -> None:
        self.resumed_bytes = 0
        self._size_bytes = size_bytes
        self._received = 0
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, count: int) -> None:
        self._received += count

    def progress(self, done_bytes: int, stage: str = "download") -> Progress:
        now, seen = time.monotonic(), self._seen
        if stage == "download":
            seen.append((now, self._received))
        while len(seen) > 1 and seen[0][0] < now - RATE_S:
            seen.popleft()
        elapsed_s = now - seen[0][0] if seen else 0.0
        rate = (self._received - seen[0][1]) / elapsed_s if elapsed_s else 0.0
        known = rate and elapsed_s > 1 and stage == "download"  # a first second says too little
        left_s = (self._size_bytes - done_bytes) / rate if known else None
        return Progress(done_bytes, self._size_bytes, rate, left_s, self.resumed_bytes, stage)


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


_WEB_PAGE = "it sent a web page instead of the file; this network may want you to sign in first"
