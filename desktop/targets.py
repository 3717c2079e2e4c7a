"""What a model reference means: a catalogue entry, a file on the Hub or at another address, or a file on this computer."""

import os
import re
from collections.abc import Collection, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from desktop import gguf, record
from desktop.catalogue import Catalogue, Model, Variant
from desktop.errors import BadReference, NotFound
from desktop.hub import Hub
from desktop.library import Library, LocalModel
from desktop.local import size_of
from desktop.repo import File

USUAL_BITS = 4.9  # bits a weight of Q4_K_M: close to the original at a third of the size


def reference_to(model: Model, variant: Variant) -> str:
    """What names this variant: "qwen3-8b:Q5_K_M"."""
    return f"{model.id}:{variant.quantization}"


def on_disk(model: Model, variant: Variant, local: Iterable[LocalModel]) -> LocalModel | None:
    """The complete file of this variant in the library, if it is there."""
    for file in local:
        if (
            file.complete
            and file.file
            and file.repo in (variant.repo or model.gguf_repo, model.repo)
            and gguf.quantization(file.file) == variant.quantization
        ):
            return file
    return None


@dataclass(frozen=True)
class Target:
    """What a model reference means. Exactly one of the ways to the file is set when nothing is on disk yet.

    `path` is set when the file is on this computer; `model` with `variant` when the catalogue knows it; `repo` with `file` (and
    `revision`) for a file on the Hub; `url` for another address.
    """

    reference: str
    name: str
    path: Path | None = None
    model: Model | None = None
    variant: Variant | None = None
    repo: str | None = None
    file: str | None = None
    revision: str | None = None
    url: str | None = None
    local: LocalModel | None = None


@dataclass(frozen=True)
class Targets:
    """What references mean here, and the files on the Hub behind them."""

    catalogue: Catalogue
    library: Library
    hub: Hub

    def of(self, reference: str) -> Target:
        """What a model reference means, from what is on this computer. Raises BadReference."""
        return resolve(reference, self.catalogue, self.library)

    def of_local(self, model: LocalModel) -> Target:
        """A model of the library as a target."""
        return local_target(model, self.catalogue)

    def files(self, target: Target) -> tuple[File, ...]:
        """The files on the Hub that a target means, the model's own first. Raises NotFound and the network's errors."""
        if target.url:
            return self.hub.files_at(target.url)
        assert target.repo is not None
        if target.file:
            return self.hub.set_of(target.repo, target.file, target.revision)
        assert target.variant is not None
        repo = self.hub.repo(target.repo)
        found = repo.variant(target.variant.quantization)
        if found is None:
            raise NotFound(what=f"{target.variant.quantization} file in {target.repo}", host=self.hub.host)
        return repo.set_of(found)

    def file(self, target: Target) -> File:
        """The first of these files."""
        return self.files(target)[0]


def unproved(target: Target, shared: Collection[Path]) -> Target | None:
    """A file without its folder's name and its record, where these prove nothing of where it comes from: somebody put it there
    by hand, or took it from another program's folder. None where a download is on record, or others keep the folder.

    shared: the folders of models for all, which is what counts where files have no owners.
    """
    local = target.local
    if local is None or target.path is None or local.origin == "guide":
        return None
    if local.origin == "own" and local.fetched and record.read(record.beside(local.path)).size_bytes == size_of([local.path]):
        return None
    if local.origin == "linked" and local.reference:  # of a bundle, which says so as a mirror does
        return None
    if local.origin == "shared" and (_is_others(local.path.parent) if os.name == "posix" else local.root in shared):
        return None
    return Target(target.reference, target.path.stem, path=target.path)


def _is_others(folder: Path) -> bool:
    """Whether a folder is kept by somebody else than the person, unless that is the administrator."""
    person = os.geteuid()
    with suppress(OSError):  # it has gone meanwhile
        return person == 0 or (os.stat(folder).st_uid != person and not os.access(folder, os.W_OK))
    return False


def name_of(target: Target) -> str:
    """What people call it: the catalogue's name where it has one."""
    return target.model.name if target.model is not None else target.name


def public_name(target: Target, *, private: bool = False) -> str:
    """What a model is called where everybody has it from; a file of the person's own may be called after anything, and so may
    one of a `private` repository, which a model that is here knows of its own.

    Only what came from the Hub has a revision: the repository of other files is the folder that they lie in, or a host.
    """
    if target.local is not None and target.local.origin == "guide":
        return target.local.id
    if target.model is not None and target.variant is not None:
        return reference_to(target.model, target.variant)
    private = private or (target.local is not None and target.local.private)
    if target.repo and not private and (target.local is None or (target.local.revision and target.local.origin != "linked")):
        return f"hf:{target.repo}/{target.file}" if target.file else f"hf:{target.repo}"
    return "a file of the person's own"


def resolve(reference: str, catalogue: Catalogue, library: Library) -> Target:
    """Read a model reference; asks nobody but the disk. Raises BadReference."""
    wanted = reference.strip()
    if wanted.startswith("hf:"):
        return _hub_target(wanted, catalogue, library)
    if wanted.startswith(("http://", "https://")):
        return _web_target(wanted)
    if (local := library.get(wanted)) is not None:
        if local.complete or local.missing:
            return local_target(local, catalogue)
        if local.reference and local.reference != wanted:  # unfinished: what was asked for then
            return resolve(local.reference, catalogue, library)
    name, _, quantization = wanted.partition(":")
    if (model := catalogue.get(name)) is not None:
        return _catalogue_target(wanted, model, quantization, library)
    if wanted.lower().endswith(".gguf") or os.path.isfile(wanted):  # unlike Path's, False for what can be no path
        path = Path(os.path.expanduser(wanted)).absolute()
        known = next((m for m in library.list() if m.path == path), None)
        return local_target(known, catalogue) if known else Target(wanted, path.stem, path=path)
    raise BadReference(reference=reference)


def local_target(local: LocalModel, catalogue: Catalogue) -> Target:
    """A model of the library as a target."""
    model = catalogue.by_repo(local.repo) if local.repo else None
    quantization = gguf.quantization(local.file or local.path.name)
    variant = next((v for v in model.variants if v.quantization == quantization), None) if model else None
    return Target(local.id, local.name, local.path, model, variant, local.repo, local.file, local.revision, None, local)


def _web_target(reference: str) -> Target:
    try:
        parts = urlsplit(reference)
        host = (parts.hostname or "").encode("idna")  # as it is looked up: a part of more than 63 letters is none
    except ValueError as error:
        raise BadReference(reference=reference) from error
    name = unquote(Path(parts.path).name)
    if not host or not name.lower().endswith(".gguf"):
        raise BadReference(reference=reference)
    return Target(reference, gguf.part_stem(name), url=reference)


def _hub_target(reference: str, catalogue: Catalogue, library: Library) -> Target:
    match = re.fullmatch(r"hf:([\w.-]+/[\w.-]+)/(.+\.gguf)(?:@([\w./-]+))?", reference, re.IGNORECASE)
    if not match:
        raise BadReference(reference=reference)
    repo, file, revision = match.groups()
    local = library.find(repo, file)
    if local is not None and local.complete:
        return replace(local_target(local, catalogue), reference=reference)
    model = catalogue.by_repo(repo)
    variant = next((v for v in model.variants if v.quantization == gguf.quantization(file)), None) if model else None
    return Target(reference, gguf.part_stem(Path(file).name), None, model, variant, repo, file, revision)


def _catalogue_target(reference: str, model: Model, quantization: str, library: Library) -> Target:
    local = library.list()
    found = {v.quantization: on_disk(model, v, local) for v in model.variants}
    if quantization:
        variant = next((v for v in model.variants if v.quantization.lower() == quantization.lower()), None)
        if variant is None:
            raise BadReference(reference=reference)
    else:  # one that is here already, else the usual one
        variant = next((v for v in model.variants if found[v.quantization]), None) or min(
            model.variants, key=lambda v: abs(v.bits - USUAL_BITS)
        )
    here = found[variant.quantization]
    return Target(
        reference,
        model.name,
        here.path if here else None,
        model,
        variant,
        model.gguf_repo,
        here.file if here else None,
        None,
        None,
        here,
    )
