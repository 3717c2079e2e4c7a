"""The models on this computer: the guide, what was downloaded, what was linked from elsewhere, and parts of unfinished downloads.

    models/owner--name/model-Q4_K_M.gguf             a file of the repository owner/name
    models/owner--name/model-Q4_K_M.gguf.json        its sidecar: where it came from, its hash, its licence, when it was last used
    models/owner--name/model-Q4_K_M.gguf.part        what has arrived of an unfinished one (with a .part.json, see part.py)
    models/linked/model.gguf.json                    a sidecar alone: a file somewhere else, opened there and never copied

The files are the truth. A sidecar adds to it; a missing or broken one hides nothing. A GGUF put there by hand is listed.
"""

import os
import re
import shutil
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import msgspec

from desktop import gguf
from desktop.errors import DiskFull, Forbidden, NotFound, NotWritable
from desktop.part import arrived_bytes, is_running

RESERVE_BYTES = 500_000_000  # left free on the disk, for everything else that the computer does
LINKED = "linked"


@dataclass(frozen=True)
class LocalModel:
    """A model on this computer. `size_bytes` is that of the whole file, `done_bytes` what of it is here.

    `origin` is "own", "guide" or "linked". `licence` and `base_models` are what the maker's page said when it was fetched;
    `reference` is what was asked for then ("qwen3-8b:Q5_K_M"). `missing`: a linked file that is no longer where it was.
    """

    id: str
    path: Path
    name: str
    size_bytes: int
    origin: str
    licence: str | None = None
    sha256: str | None = None
    repo: str | None = None
    revision: str | None = None
    file: str | None = None
    reference: str | None = None
    last_used: str | None = None
    complete: bool = True
    done_bytes: int = 0
    missing: bool = False
    url: str | None = None
    base_models: tuple[str, ...] = ()
    fetched: str | None = None


class Provenance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A sidecar: where a file came from. Times in ISO 8601, UTC."""

    repo: str | None = None
    revision: str | None = None
    file: str | None = None
    size_bytes: int = 0
    sha256: str | None = None
    url: str | None = None
    licence: str | None = None
    base_models: tuple[str, ...] = ()
    reference: str | None = None
    fetched: str | None = None
    last_used: str | None = None
    path: str | None = None  # of a linked file
    id: str | None = None  # kept, so that another file of the same name does not take it over


class Library:
    """A folder of models, and the guide that came with the program."""

    def __init__(self, folder: Path, guide: Path) -> None:
        self.folder = folder
        self._guide = guide

    def list(self) -> tuple[LocalModel, ...]:
        """Every model, the guide first, then by path; unfinished ones with complete=False."""
        found = (*self._guides(), *self._own(), *self._linked())
        kept = {model.id for model in found}
        taken: set[str] = set()
        named = []
        for model in found:
            if not model.id or model.id in taken:  # none was kept, or a sidecar was copied by hand
                model = replace(model, id=next(id for id in _numbered(model.path.stem) if id not in taken | kept))
            taken.add(model.id)
            named.append(model)
        return tuple(named)

    def get(self, id: str) -> LocalModel | None:
        """A model by its id, or None."""
        return next((model for model in self.list() if model.id == id), None)

    def find(self, repo: str, file: str) -> LocalModel | None:
        """A file of a repository, finished or not, or None."""
        return next((model for model in self.list() if (model.repo, model.file) == (repo, file)), None)

    def free_bytes(self) -> int:
        """Room on the disk of the folder."""
        return room_bytes(self.folder)

    def check_space(self, needed_bytes: int) -> None:
        """Raise DiskFull unless that many bytes and a reserve fit on the disk."""
        free_bytes = self.free_bytes()
        if free_bytes < needed_bytes + RESERVE_BYTES:
            raise DiskFull(needed_bytes=needed_bytes + RESERVE_BYTES, free_bytes=free_bytes, folder=str(self.folder))

    def part_path(self, repo: str, file: str) -> Path:
        """Where the bytes of an unfinished file are kept. No name, however odd, leads out of the folder."""
        owner_name = "--".join(_safe(part) for part in repo.split("/") if part)
        parts = [_safe(part) for part in file.split("/") if part]
        return self.folder.joinpath(owner_name, *parts[:-1], parts[-1] + ".part")

    def begin(self, provenance: Provenance) -> Path:
        """Note what is about to be fetched, so that an unfinished file can be named and resumed; returns its part's path.

        Raises NotWritable.
        """
        part = self.part_path(provenance.repo or "", provenance.file or "")
        if not _whole(part).exists():  # an older edition keeps its sidecar until the new one has come
            _write(_sidecar(_whole(part)), msgspec.structs.replace(provenance, id=self._id_for(_whole(part))))
        return part

    def end(self, part: Path) -> None:
        """Forget a download that began and of which nothing is here."""
        if not part.exists() and not _whole(part).exists():
            with suppress(OSError):
                _sidecar(_whole(part)).unlink(missing_ok=True)
            self._prune(part.parent)

    def adopt(self, part: Path, provenance: Provenance) -> LocalModel:
        """Give a finished and verified part its name, in one step. Raises NotFound, NotWritable."""
        path = _whole(part)
        try:
            facts = {"id": self._id_for(path), "size_bytes": part.stat().st_size, "fetched": _now()}
        except FileNotFoundError as error:  # someone has tidied up meanwhile
            raise NotFound(what=f"file {part}", host="This computer") from error
        _write(_sidecar(path), msgspec.structs.replace(provenance, **facts))
        try:
            os.replace(part, path)
            part.with_name(part.name + ".json").unlink(missing_ok=True)
        except OSError as error:
            raise NotWritable(path=str(path)) from error
        _settle(path.parent)
        return next(model for model in self.list() if model.path == path)

    def link(self, path: Path) -> LocalModel:
        """Use a GGUF where it lies, without copying it. Raises as gguf.read_file, and NotWritable."""
        path = Path(os.path.expanduser(path)).absolute()
        gguf.read_file(path)
        if known := next((model for model in self.list() if model.path == path), None):
            return known
        id = self._id_for(path)
        sidecar = self.folder / LINKED / f"{_safe(id)}.gguf.json"
        _write(sidecar, Provenance(path=str(path), file=path.name, size_bytes=path.stat().st_size, fetched=_now(), id=id))
        return next(model for model in self.list() if model.id == id)

    def remove(self, id: str) -> int:
        """Delete a model or its part, or forget a linked one; returns the bytes freed.

        Raises NotFound, Forbidden, NotWritable.
        """
        model = self.get(id)
        if model is None:
            raise NotFound(what=f"model {id}", host="This computer")
        if model.origin == "guide":
            raise Forbidden(what="Removing the guide", rule="it is a part of Alcove")
        if model.origin == "linked":
            doomed = [self._sidecar_of(model)]
        else:
            part = model.path.with_name(model.path.name + ".part")
            if is_running(part):
                raise Forbidden(what=f"Removing {model.name}", rule="it is being downloaded; stop that first")
            doomed = [model.path, part, part.with_name(part.name + ".json"), _sidecar(model.path)]
        try:
            freed = sum(path.stat().st_size for path in doomed[:2] if path.exists() and model.origin == "own")
            for path in doomed:
                path.unlink(missing_ok=True)
        except OSError as error:
            raise NotWritable(path=str(error.filename or model.path)) from error
        self._prune(doomed[0].parent)
        return freed

    def used(self, id: str) -> None:
        """Note that a model was used now."""
        model = self.get(id)
        if model is None or model.origin == "guide":
            return
        sidecar = self._sidecar_of(model)
        # In a folder that is shared and read-only the date is not kept, and that is no reason not to chat.
        with suppress(NotWritable):
            _write(sidecar, msgspec.structs.replace(_read(sidecar), last_used=_now(), id=model.id))

    def _prune(self, folder: Path) -> None:
        """Remove a folder of ours and those around it, as far as they are empty."""
        with suppress(OSError):  # other files are in it
            while folder != self.folder and folder.is_relative_to(self.folder):
                folder.rmdir()
                folder = folder.parent

    def _id_for(self, path: Path) -> str:
        """The id of a file that is known already, or a free one for a new file."""
        ids = {model.path: model.id for model in self.list()}
        return ids.get(path) or next(id for id in _numbered(path.stem) if id not in ids.values())

    def _sidecar_of(self, model: LocalModel) -> Path:
        return self.folder / LINKED / f"{_safe(model.id)}.gguf.json" if model.origin == "linked" else _sidecar(model.path)

    def _guides(self) -> Iterator[LocalModel]:
        if self._guide.is_file():
            size = self._guide.stat().st_size
            yield LocalModel("guide", self._guide, "Alcove guide", size, "guide", licence="apache-2.0", done_bytes=size)

    def _own(self) -> Iterator[LocalModel]:
        """Files and parts below the folder, by path."""
        paths = set()
        for folder, _, names in os.walk(self.folder):
            if Path(folder) != self.folder / LINKED:
                found = (name.removesuffix(".part") for name in names if name.lower().endswith((".gguf", ".gguf.part")))
                paths |= {Path(folder, name) for name in found if _is_model(name)}
        for path in sorted(paths):
            with suppress(FileNotFoundError):  # removed or renamed while we look; the next look tells
                yield self._own_model(path)

    def _own_model(self, path: Path) -> LocalModel:
        complete = path.exists()
        done = path.stat().st_size if complete else arrived_bytes(path.with_name(path.name + ".part"))
        known = _read(_sidecar(path))
        first, *rest = path.relative_to(self.folder).parts
        owner, dashes, name = first.partition("--")
        repo = known.repo or (f"{unquote(owner)}/{unquote(name)}" if dashes and rest else None)
        return LocalModel(
            id=known.id or "",
            path=path,
            name=path.stem,
            size_bytes=done if complete else max(done, known.size_bytes),
            origin="own",
            licence=known.licence,
            sha256=known.sha256,
            repo=repo,
            revision=known.revision,
            file=known.file or ("/".join(unquote(part) for part in rest) if repo else None),
            reference=known.reference,
            last_used=known.last_used,
            complete=complete,
            done_bytes=done,
            url=known.url,
            base_models=known.base_models,
            fetched=known.fetched,
        )

    def _linked(self) -> Iterator[LocalModel]:
        for sidecar in sorted((self.folder / LINKED).glob("*.gguf.json")):
            known = _read(sidecar)
            if known.path is None:
                continue
            path = Path(known.path)
            here = os.path.isfile(path)  # unlike Path's, False for what lies in a folder that may not be entered
            size = path.stat().st_size if here else known.size_bytes
            yield LocalModel(
                id=known.id or "",
                path=path,
                name=path.stem,
                size_bytes=size,
                origin="linked",
                last_used=known.last_used,
                complete=here,
                done_bytes=size if here else 0,
                missing=not here,
                fetched=known.fetched,
            )


def room_bytes(folder: Path) -> int:
    """Room on the disk of a folder, which need not be there yet; 0 where the disk itself is gone (a drive on Windows)."""
    existing = next((each for each in (folder, *folder.parents) if os.path.exists(each)), None)
    return shutil.disk_usage(existing).free if existing else 0


def _is_model(name: str) -> bool:
    """Not the eyes of a model, not a maker's tool, and of a split one the first part."""
    lower = name.lower()
    return "mmproj" not in lower and "imatrix" not in lower and (gguf.split_part(name) or (1, 1))[0] == 1


_UNSAFE = re.compile(r'[<>:"/\\|?*%\x00-\x1f]|^\.+$|[. ]$|^(?=(?:con|prn|aux|nul|com\d|lpt\d)(?:\.|$)).', re.IGNORECASE)


def _safe(name: str) -> str:
    """One part of a path that every system takes and that is no path itself; unquote() gives the name back."""
    return _UNSAFE.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode()), name)


def _numbered(stem: str) -> Iterator[str]:
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1


def _whole(part: Path) -> Path:
    return part.with_name(part.name.removesuffix(".part"))


def _sidecar(path: Path) -> Path:
    return path.with_name(path.name + ".json")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def _read(sidecar: Path) -> Provenance:
    """A sidecar, or an empty one where it is missing or broken."""
    try:
        return msgspec.json.decode(sidecar.read_bytes(), type=Provenance)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return Provenance()


def _write(sidecar: Path, provenance: Provenance) -> None:
    """Replace a sidecar in one step. Raises NotWritable."""
    new = sidecar.with_name(sidecar.name + ".new")
    try:
        sidecar.parent.mkdir(parents=True, exist_ok=True)
        with new.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(provenance)))
            file.flush()
            os.fsync(file.fileno())
        os.replace(new, sidecar)
    except OSError as error:
        raise NotWritable(path=str(sidecar.parent)) from error


def _settle(folder: Path) -> None:
    """Make a rename survive a power cut, where the system can."""
    with suppress(OSError):  # Windows opens no folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
