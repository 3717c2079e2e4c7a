"""Getting a model: room on the disk, download, verify, keep. The same for the window and the command line."""

from collections.abc import Generator
from functools import partial

from msgspec.structs import replace

from desktop.connections import Limit
from desktop.hub import File, Hub
from desktop.library import Library, LocalModel, Provenance
from desktop.network import Network
from desktop.transfer import Progress, Retry, download


def fetch(
    file: File,
    hub: Hub,
    library: Library,
    network: Network,
    *,
    catalogue_id: str | None = None,
    retry: Retry | None = None,
    limit: Limit | None = None,
) -> Generator[Progress, None, LocalModel]:
    """Download `file` into the library and verify it; at once when it is here already. Closing keeps the part for next time.

    `catalogue_id` ("qwen3-8b:Q5_K_M") is what was asked for, else the file's own reference is kept. Raises DiskFull, NotWritable,
    Offline, Unreachable, ServerRefused, Gated, NotFound, Corrupt, NotGguf, Forbidden.
    """
    known = library.find(file.repo, file.name)
    if known is not None and known.complete and _same(known, file):
        return known
    arrived_bytes = known.done_bytes if known is not None and not known.complete else 0
    library.check_space(file.size_bytes - arrived_bytes)
    origin = Provenance(
        repo=file.repo,
        revision=file.revision or None,
        file=file.name,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        url=file.url,
        licence=file.licence,
        base_models=file.base_models,
        reference=catalogue_id or (f"hf:{file.repo}/{file.name}@{file.revision}" if file.revision else file.url),
    )
    part = library.begin(origin)
    source = hub.source(file)
    try:
        sha256 = yield from download(source, part, partial(network.client, f"download {file.name}"), retry, limit)
        return library.adopt(part, replace(origin, sha256=sha256))
    finally:
        library.end(part)


def _same(known: LocalModel, file: File) -> bool:
    """Whether the file on disk is the one on the Hub, by hash, or by size where one of them has no hash."""
    if known.sha256 and file.sha256:
        return known.sha256 == file.sha256
    return known.size_bytes == file.size_bytes
