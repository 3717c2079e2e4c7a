"""SHA-256 of files on the disk, read in pieces so that whoever waits sees how far it is and can stop."""

import hashlib
import os
import time
from collections.abc import Generator
from pathlib import Path

PIECE_BYTES = 4 << 20
TICK_S = 0.1  # between two signs of life
END_BYTES = 1 << 20  # looked at, at the beginning and the end, before all of a file is read


def sha256(path: Path, *, drop: bool = False) -> Generator[int, None, str]:
    """The hash of a file; yields the bytes that were read so far. drop: from the disk, not from memory, where that can be asked.

    Raises OSError.
    """
    found, done, told = hashlib.sha256(), 0, time.monotonic()
    with path.open("rb", buffering=0) as file:
        if drop and hasattr(os, "posix_fadvise"):
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
        while piece := file.read(PIECE_BYTES):
            found.update(piece)
            done += len(piece)
            if (now := time.monotonic()) - told >= TICK_S:
                told = now
                yield done
    return found.hexdigest()


def ends(path: Path) -> bytes:
    """A hash of a file's size, beginning and end: two files with different ones are different. Raises OSError."""
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        found = hashlib.sha256(f"{size}:".encode() + file.read(END_BYTES))
        file.seek(max(0, size - END_BYTES))
        found.update(file.read(END_BYTES))
    return found.digest()


def copy(source: Path, target: Path) -> Generator[int, None, str]:
    """Copy a file and put it safely on the disk; yields the bytes so far, returns the hash of what was read. Raises OSError.

    What is copied of a file is gone when the iterator is closed before its end.
    """
    found, done, told = hashlib.sha256(), 0, time.monotonic()
    finished = False
    try:
        with source.open("rb", buffering=0) as file, target.open("wb", buffering=0) as out:
            while piece := file.read(PIECE_BYTES):
                found.update(piece)
                view = memoryview(piece)
                while view:
                    view = view[out.write(view) :]
                done += len(piece)
                if (now := time.monotonic()) - told >= TICK_S:
                    told = now
                    yield done
            os.fsync(out.fileno())
        finished = True
        return found.hexdigest()
    finally:
        if not finished:
            target.unlink(missing_ok=True)
