"""Files with the real header of a model and a hole for the rest, which take no room on the disk: enough for a dry run."""

import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePath
from typing import BinaryIO

from desktop.engine import HeaderPart
from desktop.errors import EngineCrashed


@contextmanager
def written(model: Path | Sequence[HeaderPart]) -> Iterator[Path]:
    """The file of a model that is here, or hollow files made from its headers, which are gone afterwards.

    Raises EngineCrashed where they cannot be made: that says nothing about the model.
    """
    if isinstance(model, Path):
        yield model
        return
    try:
        folder = tempfile.TemporaryDirectory(prefix="alcove-", ignore_cleanup_errors=True)
    except OSError as error:
        raise EngineCrashed(code=error.errno, why=f"no room for temporary files ({error})") from error
    with folder as name:
        paths = [Path(name) / PurePath(part.name).name for part in model]
        try:
            for path, part in zip(paths, model, strict=True):
                with path.open("wb") as file:
                    _leave_holes(file)
                    file.write(part.raw)
                    file.truncate(max(part.size_bytes, len(part.raw)))
        except OSError as error:
            raise EngineCrashed(code=error.errno, why=f"its header could not be laid out ({error})") from error
        yield paths[0]


def _leave_holes(file: BinaryIO) -> None:
    """Windows fills files with zeros unless it is told not to."""
    if sys.platform == "win32":
        import ctypes
        import msvcrt
        from ctypes import wintypes

        set_sparse = 0x900C4  # FSCTL_SET_SPARSE
        handle = wintypes.HANDLE(msvcrt.get_osfhandle(file.fileno()))
        ctypes.windll.kernel32.DeviceIoControl(handle, set_sparse, None, 0, None, 0, ctypes.byref(wintypes.DWORD()), None)
