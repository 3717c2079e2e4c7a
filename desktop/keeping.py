"""What is done with models that are here and takes a while: their hashes are checked, and their folder moves to another disk."""

import errno
import os
import re
import shutil
import time
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from desktop import digest, gguf, local, record, trash
from desktop.errors import AlcoveError, Corrupt, DiskFull, Forbidden, NotFound
from desktop.library import RESERVE_BYTES, Library, LocalModel, room_bytes
from desktop.part import is_running
from desktop.paths import check_name
from desktop.replacing import refused
from desktop.transfer import Progress

UNFINISHED = ".moving"  # what a file that is being copied is called
OURS = re.compile(r"\.gguf(\.part)?(\.json)?$|^\.used\.json$", re.IGNORECASE)


@dataclass(frozen=True)
class Verified:
    """Whether a model's files are what they were; `why` says which is not, or how it was judged, `step` what to do by command."""

    id: str
    ok: bool
    why: str
    step: str = ""


@dataclass(frozen=True)
class Moved:
    """What a move did: files moved and their bytes."""

    files: int
    size_bytes: int


class Pace:
    """How far a work of several files is, and how fast it goes."""

    def __init__(self, size_bytes: int) -> None:
        self.size_bytes, self.done_bytes = size_bytes, 0
        self._began_s = time.monotonic()
        self._read_bytes = 0

    def progress(self, stage: str) -> Progress:
        rate = self._read_bytes / max(0.001, time.monotonic() - self._began_s)
        left_s = (self.size_bytes - self.done_bytes) / rate if rate else None
        return Progress(self.done_bytes, self.size_bytes, rate, left_s, stage=stage)

    def follow(self, work: Generator[int, None, str], path: Path, stage: str = "verify") -> Generator[Progress, None, str]:
        """Tell how far the reading of one file is; returns its hash."""
        began_bytes, began_read = self.done_bytes, self._read_bytes
        try:
            while True:
                done = next(work)
                self.done_bytes, self._read_bytes = began_bytes + done, began_read + done
                yield self.progress(stage)
        except StopIteration as end:
            size = _size(path)
            self.done_bytes, self._read_bytes = began_bytes + size, began_read + size
            sha256: str = end.value
            return sha256
        finally:
            work.close()


def verify(library: Library, ids: Sequence[str] = ()) -> Generator[Progress, None, list[Verified]]:
    """Read every file of these models again, or of all that are complete, and compare its hash with the one in its record.

    A hash that was not known is noted, for the next time. Raises NotFound for an id that no model has.
    """
    models = [model for model in library.list() if (model.id in ids if ids else model.complete)]
    if unknown := set(ids) - {model.id for model in models}:
        raise NotFound(what=f"model {min(unknown)}", host="This computer")
    pace = Pace(sum(model.done_bytes for model in models))
    verified = []
    for model in models:
        verified.append((yield from _verify(library, model, pace)))
    return verified


def _verify(library: Library, model: LocalModel, pace: Pace) -> Generator[Progress, None, Verified]:
    bad = partial(Verified, model.id, False)
    if model.missing:
        return bad(f"{model.path} is no longer there.", f"Put it back, or forget it with: alcove remove {model.id}")
    if not model.complete:
        return bad("It is not here as a whole yet.", f"Go on with: alcove get {model.reference or model.id}")
    try:
        gguf.read_file(model.path)
    except AlcoveError as error:
        return bad(str(error), _again(model))
    why = "as it was when it came"
    for path in (*model.files, *model.projectors):
        known = library.known_hash(model, path)
        try:
            found = yield from pace.follow(digest.sha256(path), path)
        except OSError as error:
            return bad(f"{path.name} cannot be read: {error.strerror}.", "The disk may be failing, so copy what matters to you.")
        if known and found != known:
            return bad(f"{path.name} is damaged: its SHA-256 is {found[:12]}… instead of {known[:12]}…", _again(model))
        if not known:
            noted = library.note_hash(model, path, found)
            why = "its hash was not known; it is noted now, for the next time" if noted else "it can be read; no hash is known"
    return Verified(model.id, True, why)


def _again(model: LocalModel) -> str:
    if model.origin == "linked":
        return f"Get it again with {model.program or 'the program that it belongs to'}."
    if model.origin in ("guide", "shared"):
        return "Get a complete copy of Alcove." if model.origin == "guide" else "Tell whoever keeps the shared folder."
    again = f", then: alcove get {model.reference}" if model.reference else ", and get it again"
    return f"Remove it with: alcove remove {model.id} --now{again}"


def move(source: Path, target: Path) -> Generator[Progress, None, Moved]:
    """Move everything in a folder of models to another one: a rename on the same disk, else a copy that is read again and
    compared before the original goes.

    What is there already with the same bytes is not copied again, so that a move which was broken off, even by a kill, goes on.
    Raises DiskFull before the first byte, Forbidden, NotWritable, Corrupt.
    """
    source, target = _checked(source, target)
    files = _files(source)
    same_disk = _on_one_disk(source, target)
    whole_bytes = sum(path.stat().st_size for path in files)
    if not same_disk:
        arrived_bytes = sum(_size(target / path.relative_to(source)) for path in files)
        needed_bytes = whole_bytes - arrived_bytes + RESERVE_BYTES
        if (free_bytes := room_bytes(target)) < needed_bytes:
            raise DiskFull(needed_bytes=needed_bytes, free_bytes=free_bytes, folder=str(target))
    pace = Pace(whole_bytes)
    yield pace.progress("move")
    in_the_way: list[Path] = []
    for path in files:
        to = target / path.relative_to(source)
        try:
            to.parent.mkdir(parents=True, exist_ok=True)
            if not (same_disk and _rename(path, to, pace)) and not (yield from _carry(path, to, pace)):
                in_the_way.append(to)
        except OSError as error:
            raise refused(error, error.filename or to) from error
        record.prune(path.parent, source)
        yield pace.progress("move")
    if in_the_way:
        raise Forbidden(what=f"Moving {in_the_way[0].name}", rule=f"another file lies at {in_the_way[0]}; all others were moved")
    return Moved(len(files), whole_bytes)


def is_unfinished(source: Path) -> bool:
    """Whether a move from this folder has left something there."""
    return bool(_files(source))


def _checked(source: Path, target: Path) -> tuple[Path, Path]:
    """Both folders without links. Raises Forbidden, NotWritable, OddName."""
    check_name(target)
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise refused(error, target) from error
    source, target = source.resolve(), target.resolve()
    if source == target:
        raise Forbidden(what=f"Moving the models to {target}", rule="they are there already")
    if target.is_relative_to(source) or source.is_relative_to(target):
        raise Forbidden(what=f"Moving {source} to {target}", rule="one of the two folders lies in the other")
    if any(is_running(part) for part in source.rglob("*.part")):
        raise Forbidden(what="Moving the models", rule="a download is running; stop that first")
    return source, target


def _files(folder: Path) -> list[Path]:
    """Every file of ours, its record after it. What else a person keeps in the folder stays there."""
    ours = [path for path in folder.rglob("*") if OURS.search(path.name) and path.is_file()]
    thrown = [path for path in (folder / trash.FOLDER).rglob("*") if path.is_file() and not path.name.endswith(UNFINISHED)]
    return sorted({*ours, *thrown})


def _rename(path: Path, to: Path, pace: Pace) -> bool:
    """Move a file on one disk; False where that needs a copy. A link is made anew, for it may tell a place near by."""
    if to.exists():
        return False
    if path.is_symlink():
        to.symlink_to(path.resolve())
        path.unlink()
        return True
    size = _size(path)
    try:
        os.replace(path, to)
    except OSError as error:
        if error.errno == errno.EXDEV:  # two disks that look like one
            return False
        raise
    pace.done_bytes += size
    return True


def _carry(path: Path, to: Path, pace: Pace) -> Generator[Progress, None, bool]:
    """Copy a file, read the copy again, and only then let go of the original; False where another file has its place.

    Raises OSError, Corrupt.
    """
    began_bytes, size = pace.done_bytes, path.stat().st_size
    if _size(to) != size or not (yield from _same(path, to, pace)):
        pace.done_bytes = began_bytes
        if to.exists() and to.suffix.lower() == ".gguf":
            pace.done_bytes += size
            return False
        new = to.with_name(to.name + UNFINISHED)
        sha256 = yield from pace.follow(digest.copy(path, new), path, "move")
        pace.done_bytes = began_bytes
        copied = yield from pace.follow(digest.sha256(new, drop=True), path)
        if copied != sha256:
            with suppress(OSError):
                new.unlink()
            raise Corrupt(path=str(new), why="the disk gives back other bytes than were written; the original was kept")
        shutil.copystat(path, new)
        os.replace(new, to)
        record.settle(to.parent)
    pace.done_bytes = began_bytes + size
    path.unlink()
    return True


def _same(one: Path, other: Path, pace: Pace) -> Generator[Progress, None, bool]:
    """Whether two files of one size hold the same bytes."""
    began_bytes = pace.done_bytes
    first = yield from pace.follow(digest.sha256(one), one)
    pace.done_bytes = began_bytes
    second = yield from pace.follow(digest.sha256(other), other)
    return first == second


def _on_one_disk(source: Path, target: Path) -> bool:
    return source.stat().st_dev == target.stat().st_dev


def _size(path: Path) -> int:
    return local.size_of([path])
