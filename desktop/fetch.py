"""Getting a model: room on the disk, download, verify, keep. The same for the window and the command line."""

from collections.abc import Generator, Iterator, Sequence
from dataclasses import replace
from functools import partial

import msgspec

from desktop.connections import Limit
from desktop.errors import NotFound, NotGguf
from desktop.hub import Hub
from desktop.library import Library, LocalModel, Provenance
from desktop.network import Network
from desktop.part import arrived_bytes
from desktop.repo import File
from desktop.transfer import Progress, Retry, download


def fetch(
    files: Sequence[File],
    hub: Hub,
    library: Library,
    network: Network,
    *,
    catalogue_id: str | None = None,
    retry: Retry | None = None,
    limit: Limit | None = None,
) -> Generator[Progress, None, LocalModel]:
    """Download the files of one model, its own first, into the library and verify them; closing keeps what has arrived.

    What is here already is not fetched again, and a model of one file under no other name either.

    `catalogue_id` ("qwen3-8b:Q5_K_M") is what was asked for, else the file's own reference is kept. Raises DiskFull, NotWritable,
    Offline, Unreachable, ServerRefused, Gated, NotFound, Corrupt, NotGguf, NotAModel, Forbidden.
    """
    first = files[0]
    for file in files:
        if not file.name.lower().endswith(".gguf"):
            raise NotGguf(path=file.name)
    if len(files) == 1 and (same := library.with_hash(first.sha256)):
        return library.note_cards(same, first.cards)
    origins = [_origin(file, files, catalogue_id) for file in files]
    missing = [not _is_here(origin, library) for origin in origins]
    library.check_space(sum(_left_bytes(origin, library) for origin, wanted in zip(origins, missing, strict=True) if wanted))
    size_bytes, done_bytes = sum(file.size_bytes for file in files), 0
    for number, (file, origin, wanted) in enumerate(zip(files, origins, missing, strict=True), 1):
        if wanted:
            for step in _fetch(file, origin, hub, library, network, retry, limit):
                done = done_bytes + step.done_bytes
                left_s = (size_bytes - done) / step.bytes_per_s if step.left_s is not None else None
                yield replace(step, done_bytes=done, size_bytes=size_bytes, left_s=left_s, file=number, files=len(files))
        done_bytes += file.size_bytes
    found = library.find(first.repo, origins[0].file or first.name)
    if found is None:  # somebody has tidied up meanwhile
        raise NotFound(what=f"file {first.name}", host="This computer")
    return found


def _fetch(
    file: File, origin: Provenance, hub: Hub, library: Library, network: Network, retry: Retry | None, limit: Limit | None
) -> Iterator[Progress]:
    """Fetch one file and give it its place."""
    part = library.begin(origin)
    try:
        client = partial(network.client, f"download {file.name}")
        sha256 = yield from download(hub.source(file), part, client, retry, limit)
        library.adopt(part, msgspec.structs.replace(origin, sha256=sha256))
    finally:
        library.end(part)


def _origin(file: File, files: Sequence[File], catalogue_id: str | None) -> Provenance:
    """The record of a file. The eyes of a model lie beside it, wherever they lie on the Hub."""
    first, name = files[0], file.name
    if file.kind == "mmproj":
        name = f"{first.name.rpartition('/')[0]}/{name.rpartition('/')[2]}".lstrip("/")
    parts = [each for each in files if each.kind == "split"]
    return Provenance(
        repo=file.repo,
        revision=file.revision or None,
        file=name,
        size_bytes=file.size_bytes,
        whole_bytes=sum(each.size_bytes for each in parts) if file in parts else 0,
        sha256=file.sha256,
        url=file.url,
        licence=file.licence,
        base_models=file.base_models,
        cards=first.cards,
        private=file.private,
        reference=catalogue_id or (f"hf:{first.repo}/{first.name}@{first.revision}" if first.revision else first.url),
    )


def _is_here(origin: Provenance, library: Library) -> bool:
    """Whether the file on disk is the one on the Hub, by hash, or by size where one of them has no hash."""
    known = library.kept(origin.repo or "", origin.file or "")
    if known is None:
        return False
    if known.sha256 and origin.sha256:
        return known.sha256 == origin.sha256
    return known.size_bytes == origin.size_bytes


def _left_bytes(origin: Provenance, library: Library) -> int:
    """What of a file is still to come."""
    part = library.part_path(origin.repo or "", origin.file or "")
    return origin.size_bytes - (arrived_bytes(part) if part.exists() else 0)
