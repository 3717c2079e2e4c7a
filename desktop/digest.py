"""SHA-256 of files on the disk, read in pieces so that whoever waits sees how far it is and can stop."""

import hashlib
import os
import time
from collections.abc import Generator
from pathlib import Path

PIECE_BYTES = 4 << 20
TICK_S = 0.1  # between two signs of life
END_BYTES = 1 << 20  # looked at, at the beginning and the end, before all of a file is read


def sha256(path: Path) -> Generator[int, None, str]:
    """The hash of a file; yields the bytes that were read so far. Raises OSError."""
    found, done, told = hashlib.sha256(), 0, time.monotonic()
    with path.open("rb", buffering=0) as file:
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
