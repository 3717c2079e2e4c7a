"""Linux's Landlock: which folders and files this process may still open, whatever the person may."""

import ctypes
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

CREATE, ADD, RESTRICT = 444, 445, 446  # numbers of the system calls, the same on all machines
WRITE_FILE, READ_FILE, READ_DIR, TRUNCATE, IOCTL = 1 << 1, 1 << 2, 1 << 3, 1 << 14, 1 << 15
OF_FILES = 1 | WRITE_FILE | READ_FILE | TRUNCATE | IOCTL  # the rights that a rule on a file may give
FILES = (0, 13, 14, 15, 15, 16)  # how many rights on files each version of Landlock knows; later ones as the last
READ, USE = READ_FILE | READ_DIR, READ_FILE | WRITE_FILE | TRUNCATE | READ_DIR | IOCTL
NO_TCP, NO_SIGNALS_OUT = 3, 3  # neither bind nor connect; no abstract sockets of others either


class _Ruleset(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scope", ctypes.c_uint64))


class _Beneath(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("parent", ctypes.c_int32))


def restrict(readable: Iterable[Path], usable: Iterable[Path], writable: Iterable[Path]) -> bool:
    """Leave only these to be opened: to read, to read and write what is there, to do all with that is not running a program.

    For this thread and those it starts later, for good. False where the system has no Landlock; its older versions hold less.
    """
    if sys.platform != "linux":
        return False
    version = _call(CREATE, None, 0, 1)
    if version < 1:
        return False
    every = (1 << FILES[min(version, len(FILES) - 1)]) - 1
    wanted = _Ruleset(every, NO_TCP if version >= 4 else 0, NO_SIGNALS_OUT if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _call(CREATE, ctypes.addressof(wanted), size, 0)
    if ruleset < 0:
        return False
    try:
        for paths, rights in ((readable, READ), (usable, USE), (writable, every & ~1)):
            for path in paths:
                _allow(ruleset, path, rights & every)
        return _call(RESTRICT, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: Path, rights: int) -> None:
    """What is not there needs no rule."""
    assert sys.platform == "linux"
    with suppress(OSError):
        place = os.open(path, os.O_PATH | os.O_CLOEXEC)
        try:
            rule = _Beneath(rights if path.is_dir() else rights & OF_FILES, place)
            _call(ADD, ruleset, 1, ctypes.addressof(rule), 0)
        finally:
            os.close(place)


def _call(number: int, *arguments: int | None) -> int:
    libc = ctypes.CDLL(None)
    libc.syscall.restype = ctypes.c_long
    return int(libc.syscall(*(ctypes.c_long(each or 0) for each in (number, *arguments))))
