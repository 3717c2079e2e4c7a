"""The memory of conversations on the disk: a file for each, so that going on with one reads nothing again.

They are a cache: what is missing, belongs to another model or cannot be used is read again. The least recently used go first when
there are too many. Each belongs to one conversation and goes with it.
"""

import hashlib
import os
import shutil
import struct
import zlib
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

FREE_BYTES = 5 << 30  # of the disk that are left alone
SAMPLES = 64  # places of a model's file that tell it from others
SAMPLE_BYTES = 4096
BLOCK_BYTES = 1 << 20
SEAL = struct.Struct("<6sQI")


@dataclass(frozen=True)
class States:
    """The files in `folder`, at most `limit_bytes` in all; `key` names the model and the settings that they were made with."""

    folder: Path
    limit_bytes: int
    key: str

    def find(self, conversation: str) -> Path | None:
        """The file of a conversation, which counts as used now; None where there is no whole one for this model."""
        path = self._path(conversation)
        with suppress(OSError):
            if _is_whole(path):
                os.utime(path)
                return path
            path.unlink()
        return None

    def save(self, conversation: str, size_bytes: int, write: Callable[[Path], bool]) -> bool:
        """Keep a conversation's memory, of about `size_bytes`, in place of what was kept of it; False when that cannot be."""
        path = self._path(conversation)
        fresh = path.with_suffix(".new")
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            make_room(self.folder, self.limit_bytes - size_bytes)
            if size_bytes > self.limit_bytes or shutil.disk_usage(self.folder).free - size_bytes < FREE_BYTES:
                return False
            fresh.touch(mode=0o600)  # what was said is nobody else's to read
            if not write(fresh):
                return False
            _seal(fresh)
            forget(self.folder, conversation, keep=fresh)
            os.replace(fresh, path)
        except OSError:
            return False
        finally:
            with suppress(OSError):
                fresh.unlink()
        return True

    def _path(self, conversation: str) -> Path:
        return self.folder / f"{conversation}.{self.key}.state"


def _seal(path: Path) -> None:
    """Write at the end what tells whether a file is whole: the engine ends its process on some that are not."""
    seal = _seal_of(path, path.stat().st_size)
    with path.open("ab") as file:
        file.write(seal)


def _is_whole(path: Path) -> bool:
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END) - SEAL.size
        if size < 0:
            return False
        file.seek(size)
        return file.read() == _seal_of(path, size)


def _seal_of(path: Path, size: int) -> bytes:
    """For the first `size` bytes of a file."""
    checksum, block = 0, memoryview(bytearray(BLOCK_BYTES))
    with path.open("rb", buffering=0) as file:
        for start in range(0, size, BLOCK_BYTES):
            count = file.readinto(block[: min(BLOCK_BYTES, size - start)])
            checksum = zlib.crc32(block[:count], checksum)
    return SEAL.pack(b"ALCOVE", size, checksum)


def forget(folder: Path, conversation: str | None, keep: Path | None = None) -> None:
    """Remove what is kept of a conversation, whatever the model; None: of all."""
    for path in folder.rglob(f"{conversation or '*'}.*"):
        if path != keep:
            with suppress(OSError):
                path.unlink()


def keep_only(folder: Path, conversations: Collection[str]) -> None:
    """Remove what is kept of all other conversations."""
    for path in folder.rglob("*.*"):
        if path.name.partition(".")[0] not in conversations:
            with suppress(OSError):
                path.unlink()


def make_room(folder: Path, limit_bytes: int) -> None:
    """Remove the least recently used, of all models, until all together are no larger than `limit_bytes`."""
    found = sorted(((path.stat().st_mtime, path.stat().st_size, path) for path in folder.rglob("*.*")), reverse=True)
    total = 0
    for _, size, path in found:
        total += size
        if total > limit_bytes:
            path.unlink(missing_ok=True)


def of_model(folder: Path, path: Path) -> Path:
    """The folder for one model's files: the process that it runs in reaches no other, and so nothing that was said to others."""
    return folder / hashlib.sha256(str(path.resolve()).encode()).hexdigest()[:16]


def fingerprint(path: Path) -> str:
    """What tells a model's file from another without reading it whole: its size and samples from all over it."""
    size = path.stat().st_size
    found = hashlib.sha256(str(size).encode())
    with path.open("rb", buffering=0) as file:
        for sample in range(SAMPLES):
            file.seek(sample * max(0, size - SAMPLE_BYTES) // (SAMPLES - 1))
            found.update(file.read(SAMPLE_BYTES))
    return found.hexdigest()[:16]
