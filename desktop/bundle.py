"""Carrying models to computers without a network: a folder with a list of hashes, made here, checked there, taken in from there.

The same folder handed out by a plain web server is a mirror (see mirror.py).
"""

import os
from collections.abc import Generator, Sequence
from dataclasses import dataclass
from hashlib import sha256 as hash_of
from pathlib import Path

import msgspec

from desktop import digest, gguf, mirror, passing, record
from desktop.errors import AlcoveError, Corrupt, DiskFull, Forbidden, NotFound
from desktop.keeping import Pace
from desktop.library import RESERVE_BYTES, Library, LocalModel, Provenance, room_bytes
from desktop.mirror import NAME, Bundle, Entry, Model, Text
from desktop.passing import Passed
from desktop.replacing import refused
from desktop.transfer import Progress

PAPERS = "LICENCE"  # the folder beside a model's files, for people


@dataclass(frozen=True)
class Item:
    """One model that is to go into a bundle, with what is known of it."""

    local: LocalModel
    reference: str
    passed: Passed
    catalogue: dict[str, object] | None = None


@dataclass(frozen=True)
class Checked:
    """Whether a model of a bundle is what the list says; `why` tells which file is not, and what to do."""

    model: Model
    ok: bool
    why: str


def create(folder: Path, items: Sequence[Item]) -> Generator[Progress, None, Bundle]:
    """Write models into a folder with the list of them; those of a bundle that is there already stay in it.

    Raises DiskFull before the first byte, NotWritable, Corrupt for a file here that is not what it was.
    """
    bundle = mirror.read(folder) if (folder / NAME).exists() else Bundle()
    plans = [_model(item, folder) for item in items]
    there = {entry.path: entry for model in bundle.models for entry in model.files}
    missing = [entry for model, _ in plans for entry in model.files if _size(folder / entry.path) != entry.size_bytes]
    needed_bytes = sum(entry.size_bytes for entry in missing) + RESERVE_BYTES
    if (free_bytes := room_bytes(folder)) < needed_bytes:
        raise DiskFull(needed_bytes=needed_bytes, free_bytes=free_bytes, folder=str(folder))
    pace = Pace(sum(model.size_bytes for model, _ in plans))
    made: list[Model] = []
    for model, sources in plans:
        entries = []
        for entry, source in zip(model.files, sources, strict=True):
            entries.append((yield from _put(folder, entry, source, there.get(entry.path), pace)))
        made.append(msgspec.structs.replace(model, files=tuple(entries)))
    references = {(model.repo, model.files[0].name) for model in made}
    kept = [model for model in bundle.models if (model.repo, model.files[0].name) not in references]
    texts = {each.id: each for each in bundle.licences} | _write_texts(folder, items, [model.repo for model in made])
    known = {str(entry.get("id")): entry for entry in (*bundle.catalogue, *(item.catalogue for item in items if item.catalogue))}
    accepted = [msgspec.to_builtins(each) for item in items for each in item.passed.accepted]
    bundle = Bundle(
        created=record.now(),
        models=(*kept, *made),
        licences=tuple(texts.values()),
        catalogue=tuple(known.values()),
        accepted=(*bundle.accepted, *(each for each in accepted if each not in bundle.accepted)),
    )
    record.write(folder / NAME, bundle)
    return bundle


def digest_of(folder: Path) -> str:
    """The SHA-256 of a bundle's list, which vouches for all that is in it. Raises NotFound."""
    mirror.read(folder)
    return hash_of((folder / NAME).read_bytes()).hexdigest()


def verify(folder: Path) -> Generator[Progress, None, list[Checked]]:
    """Read every file of a bundle and compare it with the list. Raises NotFound, Corrupt for the list itself."""
    bundle = mirror.read(folder)
    pace = Pace(sum(model.size_bytes for model in bundle.models))
    checked = []
    for model in bundle.models:
        why = ""
        for entry in model.files:
            began_bytes = pace.done_bytes
            try:
                yield from _check(folder, entry, pace)
            except AlcoveError as error:
                why = why or str(error)
            pace.done_bytes = began_bytes + entry.size_bytes
        checked.append(Checked(model, not why, why or "every file is what the list says"))
    for paper in bundle.licences:
        path = inside(folder, paper.path)
        if not path.is_file() or hash_of(path.read_bytes()).hexdigest() != paper.sha256:
            raise Corrupt(path=str(path), why="this licence is not what the list says; get the bundle again")
    return checked


def install(folder: Path, library: Library, *, in_place: bool = False) -> Generator[Progress, None, list[LocalModel]]:
    """Take every model of a bundle into the library, its files compared with the list while they are copied.

    in_place: use them where they are, and copy nothing. What is here already with the same hash is left alone. Raises Corrupt and
    keeps nothing of a file that is not what the list says, NotFound for one that is missing, DiskFull, Forbidden, NotWritable.
    """
    bundle = mirror.read(folder)
    models = [(model, _here(library, model)) for model in bundle.models]
    wanted = [entry for model, here in models if here is None for entry in model.files]
    for entry in wanted:  # what is wrong with the whole is said before anything is copied
        present(folder, entry)
    if not in_place:
        library.check_space(sum(entry.size_bytes for entry in wanted))
    pace = Pace(sum(entry.size_bytes for entry in wanted))
    taken = []
    for model, here in models:
        if here is None:
            here = yield from (_link(folder, library, model, pace) if in_place else _take(folder, library, model, pace))
        taken.append(here)
    return taken


def _here(library: Library, model: Model) -> LocalModel | None:
    """A model of a bundle that is here already, as the same bytes."""
    found = library.find(model.repo, model.files[0].name)
    if found is None or not found.complete:
        return None
    files = [*found.files, *found.projectors]
    hashes = {library.known_hash(found, path) for path in files}
    return found if {entry.sha256 for entry in model.files} <= hashes else None


def _take(folder: Path, library: Library, model: Model, pace: Pace) -> Generator[Progress, None, LocalModel]:
    for entry in model.files:
        origin = _provenance(model, entry)
        part = library.begin(origin)
        try:
            found = yield from pace.follow(digest.copy(present(folder, entry), part), folder / entry.path, "copy")
            if found != entry.sha256:
                part.unlink()
                raise _damaged(folder, entry, found)
            library.adopt(part, origin)
        except OSError as error:
            raise refused(error, error.filename or part) from error
        finally:
            library.end(part)
    taken = library.find(model.repo, model.files[0].name)
    assert taken is not None
    return taken


def _link(folder: Path, library: Library, model: Model, pace: Pace) -> Generator[Progress, None, LocalModel]:
    for entry in model.files:
        yield from _check(folder, entry, pace)
    first = model.files[0]
    known = _provenance(model, first)
    return library.link(present(folder, first), msgspec.structs.replace(known, sha256=known.sha256 if _is_one(model) else None))


def _provenance(model: Model, entry: Entry) -> Provenance:
    return Provenance(
        repo=model.repo,
        revision=model.revision,
        file=entry.name,
        size_bytes=entry.size_bytes,
        whole_bytes=0 if _is_one(model) else sum(each.size_bytes for each in model.files if _is_part(each)),
        sha256=entry.sha256,
        licence=model.licence,
        base_models=model.base_models,
        cards=model.cards,
        reference=model.reference,
    )


def _is_part(entry: Entry) -> bool:
    return gguf.named_kind(entry.name) != "mmproj"


def _is_one(model: Model) -> bool:
    return sum(_is_part(entry) for entry in model.files) == 1


def _model(item: Item, folder: Path) -> tuple[Model, list[Path]]:
    """What the list says of a model that is here, and its files."""
    local = item.local
    repo = local.repo if local.repo and local.repo.count("/") == 1 else f"local/{record.safe(local.id).replace('%', '_')}"
    sources = [*local.files, *local.projectors]
    parent = (local.file or "").rpartition("/")[0] if local.repo else ""
    entries = []
    for source in sources:
        name = source.name if source.name.lower().endswith(".gguf") else f"{local.id}.gguf"  # Ollama's have none
        name = f"{parent}/{name}" if parent else name
        path = record.place(folder, repo, name).relative_to(folder).as_posix()
        entries.append(Entry(name=name, path=path, size_bytes=_size(source), sha256="0" * 64))
    return (
        Model(
            repo=repo,
            reference=item.reference if local.repo else f"hf:{repo}/{entries[0].name}",
            files=tuple(entries),
            revision=local.revision or "main",
            licence=local.licence,
            licence_id=item.passed.ruling.licence,
            licence_checked=item.passed.checked,
            base_models=local.base_models,
            cards=local.cards,
            fetched=local.fetched or "",
        ),
        sources,
    )


def _put(folder: Path, entry: Entry, source: Path, there: Entry | None, pace: Pace) -> Generator[Progress, None, Entry]:
    """Copy one file into a bundle, unless it is there; returns its entry with its hash."""
    target = folder / entry.path
    try:
        if there is not None and _size(target) == entry.size_bytes == there.size_bytes:
            known = yield from pace.follow(digest.sha256(source), source)
            if known == there.sha256:
                return there
            pace.done_bytes -= entry.size_bytes
        target.parent.mkdir(parents=True, exist_ok=True)
        new = target.with_name(target.name + ".new")
        sha256 = yield from pace.follow(digest.copy(source, new), source, "copy")
        expected = record.read(record.beside(source)).sha256
        if expected and expected != sha256:
            new.unlink()
            raise Corrupt(path=str(source), why="it is no longer what it was when it came; check it with: alcove verify")
        os.replace(new, target)
    except OSError as error:
        raise refused(error, error.filename or target) from error
    return msgspec.structs.replace(entry, sha256=sha256)


def _write_texts(folder: Path, items: Sequence[Item], repos: Sequence[str]) -> dict[str, Text]:
    """Write the licences, once each for programs, and for people beside the files of each model."""
    written: dict[str, tuple[Path, bytes]] = {}
    for item, repo in zip(items, repos, strict=True):
        for id, whole in item.passed.texts.items():
            written[id] = folder / "licences" / f"{record.safe(id)}.txt", whole.path.read_bytes()
        for name, content in passing.papers(item.local, item.passed).items():
            written[f"{repo}/{name}"] = record.place(folder, repo, "x.gguf").parent / PAPERS / name, content
    found = {}
    for id, (target, content) in written.items():
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
        except OSError as error:
            raise refused(error, target) from error
        found[id] = Text(id=id, path=target.relative_to(folder).as_posix(), sha256=hash_of(content).hexdigest())
    return found


def _check(folder: Path, entry: Entry, pace: Pace) -> Generator[Progress, None, None]:
    """Compare one file with the list. Raises NotFound, Corrupt, Forbidden."""
    path = present(folder, entry)
    try:
        found = yield from pace.follow(digest.sha256(path), path)
    except OSError as error:
        raise Corrupt(path=str(path), why=f"it cannot be read ({error.strerror}); copy the bundle again") from error
    if found != entry.sha256:
        raise _damaged(folder, entry, found)


def present(folder: Path, entry: Entry) -> Path:
    """Where a file of the list lies. Raises NotFound, Corrupt for another size, Forbidden for one that leads outside."""
    path = inside(folder, entry.path)
    if not path.is_file():
        raise NotFound(what=f"{entry.path} in {folder}, though the list names it", host="This computer")
    if _size(path) != entry.size_bytes:
        why = f"it has {_size(path)} bytes where the list says {entry.size_bytes}; copy the bundle again"
        raise Corrupt(path=str(path), why=why)
    return path


def inside(folder: Path, name: str) -> Path:
    """Where something that a list names lies. Raises Forbidden for what leads outside."""
    path = folder / name
    if not mirror.stays_inside(name) or not path.resolve().is_relative_to(folder.resolve()):
        raise Forbidden(what=f"Using {name}", rule="it leads out of the bundle's folder")
    return path


def _damaged(folder: Path, entry: Entry, found: str) -> Corrupt:
    why = f"its SHA-256 is {found[:12]}… where the list says {entry.sha256[:12]}…; it was not taken, copy the bundle again"
    return Corrupt(path=str(folder / entry.path), why=why)


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else -1
