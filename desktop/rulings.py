"""What the licence of one model allows, from all that is known of it on this computer: catalogue, page, and its own file."""

from dataclasses import replace

from desktop import gguf
from desktop.licences import GUIDE as GUIDE_EVIDENCE
from desktop.licences import Evidence, Licences, Ruling
from desktop.paths import GUIDE
from desktop.targets import Target


def of(target: Target, licences: Licences) -> Ruling:
    """The ruling on a target. Raises as gguf.read_file."""
    if target.path == GUIDE:
        return licences.rule(GUIDE_EVIDENCE)
    known = target.model.evidence if target.model else Evidence()
    bases: tuple[str, ...] = ()
    if target.local is not None:
        bases = target.local.base_models
        known = replace(known, hub_card=target.local.licence)
    if target.path is not None:
        header = gguf.read_file(target.path)
        bases += _base_models(header)
        known = replace(known, file_license=_licence(header))
    return licences.rule(replace(known, file_base_models=bases))


def repos(target: Target) -> tuple[str, ...]:
    """The repositories that a target comes from, the original one first."""
    bases = target.local.base_models if target.local else ()
    known = (target.model.repo if target.model else None, *bases, target.repo)
    return tuple(dict.fromkeys(repo for repo in known if repo))


def _licence(header: gguf.Header) -> str | None:
    """What a GGUF says of its licence: the tag, or the name where the tag is "other"."""
    tag, name = (header.metadata.get(f"general.license{key}") for key in ("", ".name"))
    return str(name) if name and tag in (None, "", "other") else str(tag) if tag else None


def _base_models(header: gguf.Header) -> tuple[str, ...]:
    """The addresses of what a model was made from, as its GGUF tells them."""
    count = header.metadata.get("general.base_model.count", 0)
    keys = [f"general.base_model.{i}.repo_url" for i in range(min(count, 16) if isinstance(count, int) else 0)]
    return tuple(str(header.metadata[key]) for key in keys if key in header.metadata)
