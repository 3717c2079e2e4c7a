"""The headers of files on the Hub: read in a few ranges, no further than they go, and kept on the disk for the next time.

A header that is kept is used as long as the Hub names the same bytes (their SHA-256, or the server's ETag), and without a network
whatever the newest is. The raw bytes are part of the answer, for the engine can measure a model by them alone.
"""

import hashlib
import io
import os
import threading
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from desktop import gguf, private
from desktop.bounded import MAX_HEADER_BYTES
from desktop.errors import AlcoveError, NotFound, Truncated
from desktop.hub import Hub
from desktop.network import Client
from desktop.remote import RemoteFile
from desktop.repo import File

WAIT_S = 0.2  # the longest time without a sign of life to whoever iterates
LONGEST_LINE_BYTES = 65_536  # what is written before a header that is kept
KEPT_BYTES, KEPT_FILES = 300_000_000, 300  # on the disk; those that were not used for longest go first


@dataclass(frozen=True)
class Reading:
    """How far it is: which file of how many, as far as is known, and the bytes that came over the network so far."""

    part: int
    parts: int
    done_bytes: int


@dataclass(frozen=True)
class HeaderPart:
    """One file: its name without a folder, its first bytes up to the weights, and how long all of it is."""

    name: str
    raw: bytes
    size_bytes: int


@dataclass(frozen=True)
class RemoteHeader:
    """The header of a model (of all its parts joined), and what it cost. `cached`: no part came from the network."""

    header: gguf.Header
    parts: tuple[HeaderPart, ...]
    bytes_read: int
    cached: bool
    read_at: datetime


@dataclass(frozen=True)
class _One:
    """The header of one file, from the network or the disk."""

    part: HeaderPart
    header: gguf.Header
    bytes_read: int
    read_at: datetime


class Headers:
    """Reads the headers of a Hub's files and keeps them in a folder."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self._hub = hub
        self._kept = _Kept(folder)

    def read(self, file: File) -> Generator[Reading, None, RemoteHeader]:
        """The header of a file, or of all parts of the split model that it belongs to; closing the iterator hangs up.

        Raises NotGguf, Corrupt, Truncated, HeaderTooLarge, NotFound (a part is missing), Gated, Forbidden and NetworkError.
        """
        client = self._hub.client(f"read the header of {file.name}")
        work = _Work(self._hub, self._kept, client, file)
        thread = threading.Thread(target=work.run, name="header", daemon=True)
        thread.start()
        try:
            while thread.is_alive():
                thread.join(WAIT_S)
                yield work.reading
        finally:
            client.abort()
            thread.join(timeout=1)  # longer only while it looks up a name or connects; it ends by itself then
        return work.result()

    def cached(self, repo: str, name: str) -> RemoteHeader | None:
        """What was read of this file the last time, without asking anybody; None when not all of it is here."""
        found: list[_One] = []
        for part in gguf.part_names(name):
            one = self._kept.load(repo, part)
            if one is None:
                return None
            found.append(one)
            if found[0].header.split_count == 1:
                break
        with suppress(AlcoveError):  # parts that were read at different times may not belong together
            return _joined(found)
        return None

    def cached_variant(self, repo: str, quantization: str) -> RemoteHeader | None:
        """As `cached`, of the file in a repository whose name has this quantisation: the one that was used last."""
        for name in self._kept.names(repo):
            if (gguf.quantization(name) or "").lower() == quantization.lower() and (found := self.cached(repo, name)):
                return found
        return None


class _Work:
    """The reading of one model, on a thread of its own so that whoever waits for it can stop at any moment."""

    def __init__(self, hub: Hub, kept: "_Kept", client: Client, file: File) -> None:
        self.reading = Reading(1, 1, 0)
        self._hub, self._kept, self._client, self._file = hub, kept, client, file
        self._result: RemoteHeader | BaseException | None = None

    def run(self) -> None:
        try:
            with self._client:
                self._result = self._read()
        except BaseException as error:  # it is raised again where it is waited for
            self._result = error

    def result(self) -> RemoteHeader:
        if isinstance(self._result, RemoteHeader):
            return self._result
        raise self._result or RuntimeError("the thread that reads a header ended without a word")

    def _read(self) -> RemoteHeader:
        names = gguf.part_names(self._file.name)
        files = [self._file] if self._file.name == names[0] else self._siblings(names)
        found = [self._one(files[0], 1, 1)]
        if found[0].header.split_count > 1 and len(names) > 1:
            files = files if len(files) > 1 else self._siblings(names)
            found += [self._one(file, number, len(files)) for number, file in enumerate(files[1:], 2)]
        return _joined(found)

    def _one(self, file: File, part: int, parts: int) -> _One:
        before = self.reading.done_bytes
        self.reading = Reading(part, parts, before)
        version = file.sha256 or file.etag
        place = file.repo if file.revision else file.url  # elsewhere, a name may occur twice
        if version and (known := self._kept.load(place, file.name, version)):
            return known

        def received(count: int) -> None:
            self.reading = Reading(part, parts, before + count)

        with RemoteFile(self._client, self._hub.source(file), received) as stream:
            header = gguf.read(stream, file.name)
            raw = bytes(stream.kept[: header.data_offset]).ljust(header.data_offset, b"\0")
        if 0 < file.size_bytes < header.size_bytes:
            raise Truncated(path=file.name, size_bytes=file.size_bytes, expected_bytes=header.size_bytes)
        kept = HeaderPart(file.name.rpartition("/")[2], raw, file.size_bytes or header.size_bytes)
        one = _One(kept, header, stream.received_bytes, datetime.now(UTC))
        self._kept.save(place, file.name, version or "", one)
        return one

    def _siblings(self, names: tuple[str, ...]) -> list[File]:
        """All parts of a split model. Raises NotFound with the name of one that is missing."""
        file = self._file
        if not file.revision:  # it lies elsewhere, where nothing can be listed
            return [*self._hub.files_at(file.url)]
        there = {each.name: each for each in self._hub.repo(file.repo, file.revision).files}
        for number, name in enumerate(names, 1):
            if name not in there:
                what = f"file {name} in {file.repo}, part {number} of {len(names)} of this model"
                raise NotFound(what=what, host=self._hub.host)
        return [there[name] for name in names]


def _joined(found: list[_One]) -> RemoteHeader:
    header = gguf.join([one.header for one in found], found[0].part.name)
    bytes_read = sum(one.bytes_read for one in found)
    return RemoteHeader(header, tuple(one.part for one in found), bytes_read, bytes_read == 0, min(one.read_at for one in found))


class _Entry(msgspec.Struct):
    """The first line of a file that is kept; the raw bytes of the header follow."""

    repo: str
    name: str
    version: str
    size_bytes: int
    read_at: datetime
    sha256: str  # of the raw bytes


class _Kept:
    """Headers on the disk, a file for each. What is damaged or cannot be written is as if it were not there."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load(self, repo: str, name: str, version: str | None = None) -> _One | None:
        """The header of a file, if it is here and of these bytes (without `version`: of any)."""
        path = self._path(repo, name)
        try:
            if path.stat().st_size > MAX_HEADER_BYTES + LONGEST_LINE_BYTES:
                return None
            line, _, raw = path.read_bytes().partition(b"\n")
            entry = msgspec.json.decode(line, type=_Entry)
            if (entry.repo, entry.name, entry.sha256) != (repo, name, hashlib.sha256(raw).hexdigest()):
                return None
            if version is not None and entry.version != version:
                return None
            header = gguf.read(io.BytesIO(raw), name)
            os.utime(path)  # it was used now
        except (OSError, msgspec.MsgspecError, AlcoveError):
            return None
        return _One(HeaderPart(name.rpartition("/")[2], raw, entry.size_bytes), header, 0, entry.read_at)

    def names(self, repo: str) -> list[str]:
        """The files of a repository of which headers are here, the one that was used last first; looks at each first line."""
        found = []
        with suppress(OSError):
            for path in self._folder.glob("*.header"):
                with suppress(OSError, msgspec.MsgspecError), path.open("rb") as file:
                    entry = msgspec.json.decode(file.readline(LONGEST_LINE_BYTES), type=_Entry)
                    if entry.repo == repo:
                        found.append((path.stat().st_mtime_ns, entry.name))
        return [name for _, name in sorted(found, reverse=True)]

    def save(self, repo: str, name: str, version: str, one: _One) -> None:
        """Keep a header in place of an older one of the same file."""
        raw, path = one.part.raw, self._path(repo, name)
        entry = _Entry(repo, name, version, one.part.size_bytes, one.read_at, hashlib.sha256(raw).hexdigest())
        unfinished = path.with_suffix(f".{os.getpid()}-{threading.get_ident()}")
        with suppress(OSError):  # a full disk costs a second reading, no more
            self._folder.mkdir(parents=True, exist_ok=True)
            try:
                private.write(unfinished, msgspec.json.encode(entry) + b"\n" + raw)
                os.replace(unfinished, path)
            finally:
                unfinished.unlink(missing_ok=True)
            self._trim()

    def _trim(self) -> None:
        """Remove what was not used for longest, until the rest is within the limits."""
        found = sorted(((path.stat(), path) for path in self._folder.iterdir()), key=lambda each: -each[0].st_mtime_ns)
        total_bytes = 0
        for number, (status, path) in enumerate(found):
            total_bytes += status.st_size
            if number >= KEPT_FILES or total_bytes > KEPT_BYTES:
                path.unlink(missing_ok=True)

    def _path(self, repo: str, name: str) -> Path:
        return self._folder / (hashlib.sha256(f"{repo}/{name}".encode()).hexdigest()[:32] + ".header")
