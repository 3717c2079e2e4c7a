"""Files with the real header of a model and a hole for the rest, which take no room on the disk: enough for a dry run."""

import os
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path, PurePath
from typing import BinaryIO

import psutil

from desktop.engine import HeaderPart
from desktop.errors import EngineCrashed

SCRATCH = re.compile(r"alcove-(\d{1,9})-\w{8}")  # the number of the process that made it


def written(parts: Sequence[HeaderPart], folder: Path) -> Path:
    """The first of the files of a model, made from their headers in `folder`.

    Raises EngineCrashed where they cannot be made: that says nothing about the model.
    """
    paths = [folder / PurePath(part.name).name for part in parts]
    try:
        for path, part in zip(paths, parts, strict=True):
            with path.open("wb") as file:
                _leave_holes(file)
                file.write(part.raw)
                file.truncate(max(part.size_bytes, len(part.raw)))
    except OSError as error:
        raise EngineCrashed(code=error.errno, why=f"its header could not be laid out ({error})") from error
    return paths[0]


def scratch(place: Path | None = None) -> "tempfile.TemporaryDirectory[str]":
    """A temporary folder in `place`, or where such go; those that a killed Alcove left there are removed. Raises OSError."""
    with suppress(OSError):  # a place may be for writing only
        for left in Path(place or tempfile.gettempdir()).iterdir():
            made_by = SCRATCH.fullmatch(left.name)
            if made_by and not psutil.pid_exists(int(made_by[1])):
                shutil.rmtree(left, ignore_errors=True)
    return tempfile.TemporaryDirectory(prefix=f"alcove-{os.getpid()}-", dir=place, ignore_cleanup_errors=True)


def _leave_holes(file: BinaryIO) -> None:
    """Windows fills files with zeros unless it is told not to."""
    if sys.platform == "win32":
        import ctypes
        import msvcrt
        from ctypes import wintypes

        set_sparse = 0x900C4  # FSCTL_SET_SPARSE
        handle = wintypes.HANDLE(msvcrt.get_osfhandle(file.fileno()))
        ctypes.windll.kernel32.DeviceIoControl(handle, set_sparse, None, 0, None, 0, ctypes.byref(wintypes.DWORD()), None)
