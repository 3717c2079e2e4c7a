"""A file replaced in one step: a crash, a kill or a full disk leaves the old content or the new, and never half of it."""

import errno
import os
import shutil
from contextlib import suppress
from pathlib import Path

from desktop import private
from desktop.errors import NoRoomLeft, NotWritable

FULL = (errno.ENOSPC, errno.EDQUOT)


def replace(path: Path, content: bytes, *, own: bool = False) -> None:
    """Put `content` in a file, which only its owner may read if it is the person's `own`; its folder has to be there.

    Raises OSError, and leaves nothing else behind.
    """
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")  # another program at the same file has another number
    try:
        with open(fresh, "wb", opener=private.opener if own else None) as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except OSError:
        with suppress(OSError):
            fresh.unlink()
        raise


def save(path: Path, content: bytes, *, own: bool = False) -> None:
    """The same, also in a place that a person chose. Raises NotWritable."""
    try:
        replace(path, content, own=own)
    except OSError as error:
        raise refused(error, path) from error


def refused(error: OSError, path: Path | str) -> NotWritable:
    """The stated error for what a disk did not take: it is full, or this may not be written there."""
    return no_room(Path(path)) if error.errno in FULL else NotWritable(path=str(path))


def no_room(path: Path) -> NoRoomLeft:
    """The stated error for a file that the full disk did not take."""
    folder = next(each for each in path.absolute().parents if each.is_dir())
    return NoRoomLeft(path=str(path), free_bytes=shutil.disk_usage(folder).free, folder=str(folder))
