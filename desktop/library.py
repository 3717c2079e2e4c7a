"""The models on this computer: the guide, what was downloaded, what was linked from elsewhere, and parts of unfinished downloads.

    models/OWNER/REPO/model-Q4_K_M.gguf              a file of the repository OWNER/REPO
    models/OWNER/REPO/model-Q4_K_M.gguf.json         its record: where it came from, its hash, its licence, when it was last used
    models/OWNER/REPO/model-Q4_K_M.gguf.part         what has arrived of an unfinished one (with a .part.json, see part.py)
    models/linked/model.gguf.json                    a record alone: a file somewhere else, opened there and never copied
    models/.trash/                                   what was removed in the last days (see trash.py)

The files are the truth. A record adds to it; a missing or broken one hides nothing. A GGUF put there by hand is listed. Other
folders of this form may be read as well; one that is shared by the users of a machine is never written.
"""

import os
import shutil
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import msgspec

from desktop import gguf, local, record, trash
from desktop.card import Card, joined
from desktop.errors import DiskFull, Forbidden, NotFound, NotWritable
from desktop.local import LocalModel
from desktop.part import is_running
from desktop.record import Provenance
from desktop.replacing import refused

__all__ = ["Library", "LocalModel", "Provenance", "room_bytes"]

RESERVE_BYTES = 500_000_000  # left free on the disk, for everything else that the computer does
USED = ".used.json"  # when the files of folders that may not be written were last used


class Library:
    """A folder of models, others that are read as well, and the guide that came with the program.

    `more` are folders of the same person, unless only others may write there; `shared` those that are only read.
    """

    def __init__(self, folder: Path, guide: Path, more: Sequence[Path] = (), shared: Sequence[Path] = ()) -> None:
        self.folder = folder
        self.more, self.shared = tuple(more), tuple(shared)
        self._guide = guide

    def list(self) -> tuple[LocalModel, ...]:
        """Every model, the guide first, then by folder and path; unfinished ones with complete=False."""
        found = [*self._guides(), *(model for root in self._roots() for model in local.models_in(root, "own"))]
        for root in self._read_only():
            uses = self._uses()
            found += [replace(model, last_used=uses.get(str(model.path))) for model in local.models_in(root, "shared")]
        found += [model for root in self._roots() for model in local.linked_in(root)]
        kept = {model.id for model in found}
        taken: set[str] = set()
        named = []
        for model in found:
            if not model.id or model.id in taken:  # none was kept, or a record was copied by hand
                stem = gguf.part_stem(model.path.name)
                model = replace(model, id=next(id for id in record.numbered(stem) if id not in taken | kept))
            taken.add(model.id)
            named.append(model)
        return tuple(named)

    def get(self, id: str) -> LocalModel | None:
        """A model by its id, or None."""
        return next((model for model in self.list() if model.id == id), None)

    def find(self, repo: str, file: str) -> LocalModel | None:
        """The model that a file of a repository is, or is a part of, finished or not; or None."""
        names = gguf.part_names(file)
        return next((model for model in self.list() if model.repo == repo and model.file in names), None)

    def kept(self, repo: str, file: str) -> Provenance | None:
        """The record of a file of a repository that lies here whole, with its true size; or None."""
        for root in (self.folder, *self.more, *self.shared):
            path = record.place(root, repo, file)
            with suppress(OSError):
                return msgspec.structs.replace(record.read(record.beside(path)), size_bytes=path.stat().st_size)
        return None

    def with_hash(self, sha256: str | None) -> LocalModel | None:
        """The complete model whose only file has this SHA-256, under whatever name, or None."""
        here = (model for model in self.list() if model.complete and model.sha256)
        return next((model for model in here if model.sha256 == sha256), None)

    def free_bytes(self) -> int:
        """Room on the disk of the folder."""
        return room_bytes(self.folder)

    def check_space(self, needed_bytes: int) -> None:
        """Raise DiskFull unless that many bytes and a reserve fit on the disk; the trash makes room first."""
        needed_bytes += RESERVE_BYTES
        if self.free_bytes() < needed_bytes and self.free_bytes() + self.trash_bytes() >= needed_bytes:
            trash.empty(self.folder, days=0)
        free_bytes = self.free_bytes()
        if free_bytes < needed_bytes:
            raise DiskFull(needed_bytes=needed_bytes, free_bytes=free_bytes, folder=str(self.folder))

    # --- downloads ------------------------------------------------------------------------------------------------------------

    def part_path(self, repo: str, file: str) -> Path:
        """Where the bytes of an unfinished file are kept. No name, however odd, leads out of the folder."""
        return record.part_of(record.place(self.folder, repo, file))

    def begin(self, provenance: Provenance) -> Path:
        """Note what is about to be fetched, so that an unfinished file can be named and resumed; returns its part's path.

        Raises NotWritable.
        """
        part = self.part_path(provenance.repo or "", provenance.file or "")
        path = record.whole_of(part)
        if not path.exists():  # an older edition keeps its record until the new one has come
            record.write(record.beside(path), msgspec.structs.replace(provenance, id=self._id_for(path)))
        return part

    def end(self, part: Path) -> None:
        """Forget a download that began and of which nothing is here."""
        path = record.whole_of(part)
        if not part.exists() and not path.exists():
            with suppress(OSError):
                record.beside(path).unlink(missing_ok=True)
            record.prune(part.parent, self.folder)

    def adopt(self, part: Path, provenance: Provenance) -> LocalModel:
        """Give a finished and verified part its name, in one step; returns the model that it is a file of, or the file alone.

        Raises NotFound, NotWritable.
        """
        path = record.whole_of(part)
        try:
            facts = {"id": self._id_for(path), "size_bytes": part.stat().st_size, "fetched": record.now()}
        except FileNotFoundError as error:  # someone has tidied up meanwhile
            raise NotFound(what=f"file {part}", host="This computer") from error
        record.write(record.beside(path), msgspec.structs.replace(provenance, **facts))
        try:
            os.replace(part, path)
            part.with_name(part.name + ".json").unlink(missing_ok=True)
        except OSError as error:
            raise refused(error, path) from error
        record.settle(path.parent)
        whole = next((model for model in self.list() if path in model.files), None)
        return whole or local.model_of((path,), self.folder, "own")

    # --- files elsewhere ------------------------------------------------------------------------------------------------------

    def link(self, path: Path, known: Provenance | None = None) -> LocalModel:
        """Use a GGUF where it lies, without copying it. `known`: what is known of it already, its name as `file` and `id`.

        Raises as gguf.read_file, and NotWritable.
        """
        path = Path(os.path.expanduser(path)).absolute()
        path = gguf.parts(path)[0] if gguf.parts(path)[0].exists() else path
        gguf.read_file(path)
        if listed := next((model for model in self.list() if model.path == path), None):
            return listed
        known = known or Provenance()
        stem = known.id or gguf.part_stem(path.name)
        ids = {model.id for model in self.list()}
        id = next(id for id in record.numbered(stem) if id not in ids)
        facts = {"path": str(path), "file": known.file or path.name, "size_bytes": local.size_of(gguf.parts(path)), "id": id}
        record.write(local.link_record(self.folder, id), msgspec.structs.replace(known, fetched=record.now(), **facts))
        return next(model for model in self.list() if model.id == id)

    # --- removing -------------------------------------------------------------------------------------------------------------

    def remove(self, id: str, *, now: bool = False) -> int:
        """Put a model, all its files or its part, into the trash; or forget a linked one. Returns the bytes that it takes up.

        now: delete it at once. Raises NotFound, Forbidden, NotWritable.
        """
        model = self.get(id)
        if model is None:
            raise NotFound(what=f"model {id}", host="This computer")
        if model.origin == "guide":
            raise Forbidden(what="Removing the guide", rule="it is a part of Alcove")
        if model.origin == "shared":
            raise Forbidden(what=f"Removing {model.name}", rule="it is shared by all users of this computer")
        root = model.root or self.folder
        if model.origin == "linked":
            doomed = [local.link_record(root, model.id)]
        else:
            if any(is_running(record.part_of(path)) for path in model.files):
                raise Forbidden(what=f"Removing {model.name}", rule="it is being downloaded; stop that first")
            doomed = sorted((path for file in (*model.files, *self._eyes_of(model)) for path in _all_of(file)), key=_is_record)
        removed = trash.put(root, model.id, model.name, doomed)
        if now:
            trash.empty(root, days=0, id=model.id)
        return removed.size_bytes

    def restore(self, id: str) -> LocalModel:
        """Take back what was removed. Raises NotFound, Forbidden where another file has its place, NotWritable."""
        root = next((root for root in self._roots() if any(entry.id == id for _, entry in trash.listed(root))), self.folder)
        back = {root / name for name in trash.restore(root, id).files}
        models = ((model, (*model.files, *map(record.part_of, model.files), self._record_of(model))) for model in self.list())
        return next(model for model, paths in models if not back.isdisjoint(paths))

    def removed(self) -> tuple[trash.Removed, ...]:
        """What is in the trash, the latest first; forgotten files of other programs are not worth a line."""
        found = [entry for root in self._roots() for _, entry in trash.listed(root) if entry.size_bytes]
        return tuple(sorted(found, key=lambda entry: entry.removed, reverse=True))

    def empty_trash(self) -> int:
        """Delete at once what is in the trash; returns the bytes that are free again."""
        return sum(trash.empty(root, days=0) for root in self._roots())

    def trash_bytes(self) -> int:
        """What the trash of the folder takes up."""
        return sum(entry.size_bytes for _, entry in trash.listed(self.folder))

    def tidy(self) -> None:
        """At start: what was removed long ago goes, and the folders of an earlier version get their new names."""
        for root in self._roots():
            trash.empty(root)
        with suppress(OSError):
            for old in [each for each in self.folder.iterdir() if "--" in each.name and each.is_dir()]:
                owner, _, name = old.name.partition("--")
                if owner and name and not any(is_running(part) for part in old.rglob("*.part")):
                    _move_over(old, self.folder / owner / name)

    def used(self, id: str) -> None:
        """Note that a model was used now."""
        model = self.get(id)
        if model is None or model.origin == "guide":
            return
        if model.origin == "shared":
            uses = {**self._uses(), str(model.path): record.now()}
            with suppress(NotWritable):
                record.write(self.folder / USED, uses)
            return
        path = self._record_of(model)
        # In a folder that is read-only the date is not kept, and that is no reason not to chat.
        with suppress(NotWritable):
            record.write(path, msgspec.structs.replace(record.read(path), last_used=record.now(), id=model.id))

    def known_hash(self, model: LocalModel, path: Path) -> str | None:
        """The SHA-256 that a file of a model should have, as far as it is noted."""
        return record.read(self._record_of(model, path)).sha256

    def note_hash(self, model: LocalModel, path: Path, sha256: str) -> bool:
        """Remember the hash of a file, where records may be written and there is one for each file; whether that was done."""
        if model.origin in ("guide", "shared") or (model.origin == "linked" and len(model.files) > 1):
            return False
        place = self._record_of(model, path)
        with suppress(NotWritable):
            record.write(place, msgspec.structs.replace(record.read(place), sha256=sha256))
            return True
        return False

    def note_cards(self, model: LocalModel, told: tuple[Card, ...]) -> LocalModel:
        """Remember what another page says of a file that is here, where records may be written; returns the model."""
        cards = joined(model.cards or (Card(model.repo or model.name),), told)
        if model.origin in ("guide", "shared") or cards == model.cards or not told:
            return model
        place = self._record_of(model)
        with suppress(NotWritable):
            record.write(place, msgspec.structs.replace(record.read(place), cards=cards))
        return self.get(model.id) or model

    def _record_of(self, model: LocalModel, path: Path | None = None) -> Path:
        """Where a model's record lies, or that of one of its files."""
        if model.origin == "linked":
            return local.link_record(model.root or self.folder, model.id)
        return record.beside(path or model.path)

    # --- looking --------------------------------------------------------------------------------------------------------------

    def _roots(self) -> tuple[Path, ...]:
        return tuple(dict.fromkeys((self.folder, *(root for root in self.more if os.access(root, os.W_OK)))))

    def _read_only(self) -> tuple[Path, ...]:
        return (*(root for root in self.more if not os.access(root, os.W_OK)), *self.shared)

    def _id_for(self, path: Path) -> str:
        """The id of a file that is known already, or a free one for a new file."""
        ids = {file: model.id for model in self.list() for file in model.files}
        return ids.get(path) or next(id for id in record.numbered(gguf.part_stem(path.name)) if id not in ids.values())

    def _eyes_of(self, model: LocalModel) -> Iterable[Path]:
        """The projectors that go with a model: not while another model of their folder stays."""
        others = (other for other in self.list() if other.path.parent == model.path.parent and other.id != model.id)
        return () if any(others) else model.projectors

    def _guides(self) -> Iterator[LocalModel]:
        if self._guide.is_file():
            size = self._guide.stat().st_size
            yield LocalModel(
                "guide", self._guide, "Alcove guide", size, "guide", licence="apache-2.0", done_bytes=size, files=(self._guide,)
            )

    def _uses(self) -> dict[str, str]:
        """When the files of shared folders were last used here."""
        try:
            return msgspec.json.decode((self.folder / USED).read_bytes(), type=dict[str, str])
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return {}


def room_bytes(folder: Path) -> int:
    """Room on the disk of a folder, which need not be there yet; 0 where the disk itself is gone (a drive on Windows)."""
    existing = next((each for each in (folder, *folder.parents) if os.path.exists(each)), None)
    return shutil.disk_usage(existing).free if existing else 0


def _all_of(file: Path) -> tuple[Path, ...]:
    """A file, its unfinished part, and what is noted of both."""
    part = record.part_of(file)
    return file, part, record.beside(part), record.beside(file)


def _is_record(path: Path) -> bool:
    return path.suffix == ".json"


def _move_over(old: Path, new: Path) -> None:
    """Give a folder its new name; where one of that name is there, move what it has not. Raises OSError."""
    if not new.exists():
        new.parent.mkdir(parents=True, exist_ok=True)
        os.replace(old, new)
        return
    for path in sorted(path for path in old.rglob("*") if path.is_file()):
        target = new / path.relative_to(old)
        if not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            os.replace(path, target)
        record.prune(path.parent, old.parent)
