"""What was removed and can still come back: a folder beside the models, so that it costs one rename a file and no copy."""

import os
import shutil
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import msgspec

from desktop import record
from desktop.errors import Forbidden, NotFound
from desktop.replacing import refused

FOLDER = ".trash"
DAYS = 7  # after which it is gone


class Removed(msgspec.Struct, frozen=True, kw_only=True):
    """One model in the trash: its files by their paths below the models' folder, which are kept there."""

    id: str
    name: str
    files: tuple[str, ...]
    size_bytes: int
    removed: Annotated[datetime, msgspec.Meta(tz=True)]


def put(root: Path, id: str, name: str, paths: Sequence[Path]) -> Removed:
    """Take files out of a models' folder, the records last. All of them, or none: raises NotWritable."""
    present = [path for path in paths if path.exists()]
    names = tuple(path.relative_to(root).as_posix() for path in present)
    size_bytes = sum(path.stat().st_size for path in present if path.suffix != ".json")
    entry = Removed(id=id, name=name, files=names, size_bytes=size_bytes, removed=datetime.now(UTC))
    place = next(root / FOLDER / each for each in record.numbered(record.safe(id)) if not (root / FOLDER / each).exists())
    record.write(_label(place), entry)
    moved: list[tuple[Path, Path]] = []
    try:
        for path, relative in zip(present, names, strict=True):
            target = place / "files" / relative
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, target)
            moved.append((path, target))
    except OSError as error:
        for path, target in moved:
            os.replace(target, path)
        shutil.rmtree(place, ignore_errors=True)
        raise refused(error, error.filename or paths[0]) from error
    for path in present:
        record.prune(path.parent, root)
    return entry


def listed(root: Path) -> list[tuple[Path, Removed]]:
    """What is in the trash, the latest first, each with its place."""
    found = []
    for place in (root / FOLDER).glob("*/removed.json"):
        with suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
            found.append((place.parent, msgspec.json.decode(place.read_bytes(), type=Removed)))
    return sorted(found, key=lambda each: each[1].removed, reverse=True)


def restore(root: Path, id: str) -> Removed:
    """Put back what was removed last under this id. Raises NotFound, Forbidden where its place is taken, NotWritable."""
    place, entry = next(((place, each) for place, each in listed(root) if each.id == id), (None, None))
    names = entry.files if entry else ()
    pairs = [(place / "files" / name, root / name) for name in names] if place else []
    pairs = [(kept, back) for kept, back in pairs if kept.exists() and _is_inside(back, root)]
    if place is None or entry is None or not pairs:
        raise NotFound(what=f"model {id} in the trash", host="This computer")
    if taken := next((back for _, back in pairs if back.exists()), None):
        raise Forbidden(what=f"Putting back {entry.name}", rule=f"{taken} is there already")
    try:
        for kept, back in pairs:
            back.parent.mkdir(parents=True, exist_ok=True)
            os.replace(kept, back)
    except OSError as error:
        raise refused(error, error.filename or root) from error
    _forget(place)
    return entry


def empty(root: Path, days: float = DAYS, id: str | None = None) -> int:
    """Delete what has been in the trash for so many days, or one model of it; returns the bytes that are free again."""
    before = datetime.now(UTC) - timedelta(days=days)
    freed_bytes = 0
    for place, entry in listed(root):
        if id in (None, entry.id) and entry.removed <= before:
            freed_bytes += entry.size_bytes
            _forget(place)
    return freed_bytes


def _forget(place: Path) -> None:
    shutil.rmtree(place, ignore_errors=True)
    with suppress(OSError):  # something else is still in it
        place.parent.rmdir()


def _label(place: Path) -> Path:
    return place / "removed.json"


def _is_inside(path: Path, root: Path) -> bool:
    """Whether a path that was read from a file stays in the folder."""
    return Path(os.path.normpath(path)).is_relative_to(root) and path != root
