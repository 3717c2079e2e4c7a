"""A model on this computer, and what a folder of models holds: files, parts of files, and records of files elsewhere."""

import os
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote

from desktop import gguf, record, text, trash
from desktop.card import Card
from desktop.part import arrived_bytes
from desktop.record import LINKED, Provenance


@dataclass(frozen=True)
class LocalModel:
    """A model on this computer. `size_bytes` is that of the whole, `done_bytes` what of it is here.

    `path` is its file, the first of `files` where it is split into several. `projectors` came with it and go with it. `origin` is
    "own", "shared", "guide" or "linked"; `program` whose file a linked one is. `licence` and `base_models` are what the maker's
    page said when it was fetched, the first of `cards`; `reference` is what was asked for then ("qwen3-8b:Q5_K_M"). `missing`: a
    linked file that is no longer where it was.
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
    cards: tuple[Card, ...] = ()
    fetched: str | None = None
    program: str | None = None
    files: tuple[Path, ...] = ()
    projectors: tuple[Path, ...] = ()
    root: Path | None = None  # the models' folder that it lies in
    private: bool = False  # its repository is shown to some only


def models_in(root: Path, origin: str) -> list[LocalModel]:
    """The models of a folder by path, a split one once, unfinished ones with complete=False; ids as far as they are noted."""
    found: dict[Path, tuple[Path, ...]] = {}
    for folder, folders, names in os.walk(root):
        here = Path(folder)
        if here == root:
            folders[:] = [name for name in folders if name not in (LINKED, trash.FOLDER)]
        named = [name for name in names if text.valid(f"{folder}/{name}") == f"{folder}/{name}"]  # others cannot be noted
        ours = {name.removesuffix(".part") for name in named if name.lower().endswith((".gguf", ".gguf.part"))}
        eyes = tuple(here / name for name in sorted(ours) if gguf.named_kind(name) == "mmproj" and f"{name}.json" in names)
        found |= {here / gguf.part_names(name)[0]: eyes for name in ours if gguf.named_kind(name) in ("model", "split")}
    models = []
    for first, eyes in sorted(found.items()):
        with suppress(FileNotFoundError):  # removed or renamed while we look; the next look tells
            models.append(model_of(gguf.parts(first), root, origin, eyes))
    return models


def model_of(files: Sequence[Path], root: Path, origin: str, projectors: tuple[Path, ...] = ()) -> LocalModel:
    """The model in these files of a folder, of which some may be unfinished or not begun. Raises FileNotFoundError."""
    records = [record.read(record.beside(path)) for path in files]
    wholes = [_size(path) for path in files]
    parts = [_arrived(record.part_of(path)) if whole is None else None for path, whole in zip(files, wholes, strict=True)]
    if all(size is None for size in (*wholes, *parts)):
        raise FileNotFoundError(files[0])
    done = sum(size or 0 for size in (*wholes, *parts))
    size = sum(
        whole if whole is not None else max(part or 0, known.size_bytes)
        for whole, part, known in zip(wholes, parts, records, strict=True)
    )
    known = next((each for each in records if each.id or each.repo), records[0])
    repo, file = _place(files[0].relative_to(root))
    return LocalModel(
        id=known.id or "",
        path=files[0],
        name=gguf.part_stem(files[0].name),
        size_bytes=max(size, *(each.whole_bytes for each in records)),
        origin=origin,
        licence=known.licence,
        sha256=known.sha256 if len(files) == 1 else None,
        repo=known.repo or repo,
        revision=known.revision,
        file=gguf.part_names(known.file)[0] if known.file else file,
        reference=known.reference,
        last_used=known.last_used,
        complete=None not in wholes,
        done_bytes=done,
        url=known.url,
        base_models=known.base_models,
        cards=known.cards,
        fetched=known.fetched,
        files=tuple(files),
        projectors=projectors,
        root=root,
        private=known.private,
    )


def linked_in(root: Path) -> Iterator[LocalModel]:
    """The files elsewhere that a folder has records of."""
    for path in sorted((root / LINKED).glob("*.gguf.json")):
        known = record.read(path)
        if known.path is not None:
            yield _linked(known, root)


def _linked(known: Provenance, root: Path) -> LocalModel:
    path = Path(known.path or "")
    files = gguf.parts(path)
    here = all(os.path.isfile(each) for each in files)  # unlike Path's, False for what lies in a folder that may not be entered
    size = size_of(files) if here else known.size_bytes
    return LocalModel(
        id=known.id or "",
        path=path,
        name=known.name or gguf.part_stem(path.name),
        size_bytes=size,
        origin="linked",
        licence=known.licence,
        sha256=known.sha256,
        repo=known.repo,
        revision=known.revision,
        file=known.file,
        reference=known.reference,
        last_used=known.last_used,
        complete=here,
        done_bytes=size if here else 0,
        missing=not here,
        base_models=known.base_models,
        cards=known.cards,
        fetched=known.fetched,
        program=known.program,
        files=files,
        root=root,
    )


def link_record(root: Path, id: str) -> Path:
    """Where the record of a file elsewhere lies."""
    return root / LINKED / f"{record.safe(id)}.gguf.json"


def size_of(files: Sequence[Path]) -> int:
    """The bytes of files together, as far as they are there."""
    return sum(_size(path) or 0 for path in files)


def _size(path: Path) -> int | None:
    try:
        return path.stat().st_size
    except OSError:
        return None


def _arrived(part: Path) -> int | None:
    try:
        return arrived_bytes(part)
    except OSError:
        return None


def _place(path: Path) -> tuple[str | None, str | None]:
    """The repository and file that a path tells: OWNER/REPO/FILE, in an earlier version OWNER--REPO/FILE."""
    first, *rest = path.parts
    owner, dashes, name = first.partition("--")
    if dashes and rest:
        rest = [name, *rest]
    elif len(rest) >= 2:
        owner = first
    else:
        return None, None
    return f"{unquote(owner)}/{unquote(rest[0])}", "/".join(unquote(part) for part in rest[1:])
