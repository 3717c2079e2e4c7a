"""What is nobody else's to read, whatever the folder around it allows: files and folders with rights for their owner only.

On Windows nothing changes: there a file has the rights of the folder that it is made in, and those of a person's own folders keep
others out.
"""

import os
import stat
from contextlib import suppress
from functools import partial
from pathlib import Path

FOLDER = 0o700
opener = partial(os.open, mode=0o600)  # for open(): a file that is not there yet is made for its owner only


def touch(path: Path) -> None:
    """Make an empty file, where there is none, for others to fill. Raises OSError."""
    if not path.exists():  # SQLite loses its locks where somebody else closes its file
        path.touch(mode=0o600)


def write(path: Path, content: bytes) -> None:
    """Write a whole file. Raises OSError."""
    with open(path, "wb", opener=opener) as file:
        file.write(content)


def narrow(path: Path) -> None:
    """Take from others what they may do with a file or a folder that is there.

    What belongs to somebody else, or lies on a disk that knows no rights, stays as it is.
    """
    if os.name == "posix":
        with suppress(OSError):
            mode = stat.S_IMODE(path.stat().st_mode)
            if mode & 0o077:
                path.chmod(mode & ~0o077)
