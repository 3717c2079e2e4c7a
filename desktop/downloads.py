"""What was asked for and is not here yet, in the order in which it comes; kept on the disk, so that it outlives the program."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal

import msgspec

from desktop.replacing import replace

State = Literal["waiting", "paused", "failed"]


class Download(msgspec.Struct, frozen=True):
    """One of them, by the model's reference. The first that is "waiting" is the one that runs, if anything may."""

    reference: str
    state: State


class Downloads:
    """One at a time: the first that waits. Every change is on the disk at once, for a program may end at any moment."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._list = _read(path)

    def list(self) -> tuple[Download, ...]:
        """All of them, first to come first."""
        return tuple(self._list)

    def next(self) -> Download | None:
        """The one whose turn it is."""
        return next((each for each in self._list if each.state == "waiting"), None)

    def waiting(self) -> tuple[str, ...]:
        """The references of those that wait or run, in their order."""
        return tuple(each.reference for each in self._list if each.state == "waiting")

    def add(self, reference: str) -> None:
        """Ask for a model, or again for one that was paused: it comes after those that wait already."""
        index = self._find(reference)
        if index is not None and self._list[index].state == "waiting":
            return
        if index is not None:
            del self._list[index]
        last = max((i for i, each in enumerate(self._list) if each.state == "waiting"), default=-1)
        self._list.insert(last + 1, Download(reference, "waiting"))
        self._write()

    def note(self, reference: str) -> None:
        """Of this one a part is here: it is paused, unless it is known already."""
        if self._find(reference) is None:
            self._list.append(Download(reference, "paused"))
            self._write()

    def pause(self, reference: str) -> None:
        """It keeps its place, and does not run."""
        self._set("paused", lambda each: same(each.reference, reference))

    def fail(self, reference: str) -> None:
        """It keeps its place, and is not tried again by itself."""
        self._set("failed", lambda each: same(each.reference, reference))

    def pause_all(self) -> None:
        """Nothing runs any more."""
        self._set("paused", lambda each: each.state == "waiting")

    def resume_all(self) -> None:
        """All that is paused waits for its turn."""
        self._set("waiting", lambda each: each.state == "paused")

    def drop(self, reference: str) -> None:
        """It is here, or nobody wants it any more."""
        if (index := self._find(reference)) is not None:
            del self._list[index]
            self._write()

    def move(self, reference: str, place: int) -> None:
        """Put it at another place, 0 being the first."""
        if (index := self._find(reference)) is not None:
            self._list.insert(max(0, place), self._list.pop(index))
            self._write()

    def _find(self, reference: str) -> int | None:
        return next((i for i, each in enumerate(self._list) if same(each.reference, reference)), None)

    def _set(self, state: State, which: Callable[[Download], bool]) -> None:
        self._list = [Download(each.reference, state) if which(each) else each for each in self._list]
        self._write()

    def _write(self) -> None:
        with suppress(OSError):  # the order is lost with the program then; what has arrived is not
            replace(self._path, msgspec.json.format(msgspec.json.encode(self._list)), own=True)


def without_commit(reference: str) -> str:
    """A reference without the commit that pins a file on the Hub: both mean the same download."""
    return reference.rpartition("@")[0] or reference if reference.startswith("hf:") else reference


def same(one: str, other: str) -> bool:
    """Whether two references mean the same download."""
    return without_commit(one) == without_commit(other)


def _read(path: Path) -> list[Download]:
    """What the file says; nothing where it is missing or broken, for the parts on the disk tell most of it. Why one failed is
    known to the program that saw it fail, so it is paused for the next."""
    try:
        kept = msgspec.json.decode(path.read_bytes(), type=list[Download])
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return []
    return [Download(each.reference, "paused") if each.state == "failed" else each for each in kept]
