"""Which models to offer on this computer, in which order and why; and what a model reference means."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from desktop import fit as fits
from desktop import gguf
from desktop.catalogue import Catalogue, Model, Variant
from desktop.errors import BadReference
from desktop.fit import Fit
from desktop.hardware import Hardware
from desktop.library import Library, LocalModel
from desktop.licences import Evidence, Licences, Ruling
from desktop.speed import Rates

VERDICTS = ("runs_well", "runs_slowly", "close_apps", "too_big")  # best first
USUAL_BITS = 4.9  # bits a weight of Q4_K_M: close to the original at a third of the size
SMALL_PARAMS = 2.5e9  # models below it lose more by few bits and cost little, so they are offered with 8
ROLES = (  # role, lowest tokens a second, largest download: quick feels instant, balanced reads along, best may need patience
    ("quick", 10.0, 3.5e9),
    ("balanced", 6.0, 12e9),
    ("best", 2.0, 200e9),
)


@dataclass(frozen=True)
class Offer:
    """One variant of one model, judged for this computer. `id` is its reference: "qwen3-8b:Q4_K_M"."""

    id: str
    model: Model
    variant: Variant
    fit: Fit
    ruling: Ruling
    role: str | None = None
    local: LocalModel | None = None

    @property
    def reference(self) -> str:
        return self.id

    @property
    def size_bytes(self) -> int:
        return self.variant.size_bytes

    @property
    def verdict(self) -> str:
        return self.fit.verdict

    @property
    def tokens_per_s(self) -> float:
        return self.fit.tokens_per_s

    @property
    def why(self) -> str:
        return self.fit.why


def offer(
    model: Model, variant: Variant, licences: Licences, library: Library, hardware: Hardware, rates: Rates, context: int | None = None
) -> Offer:
    """Judge one variant."""
    return Offer(
        id=f"{model.id}:{variant.quantization}",
        model=model,
        variant=variant,
        fit=fits.fit(model.shape(variant), hardware, rates, context=context),
        ruling=licences.rule(evidence(model)),
        local=on_disk(model, variant, library.list()),
    )


def evidence(model: Model) -> Evidence:
    """What the catalogue knows of a model's licence."""
    return Evidence(catalogue=model.licences, openness=model.openness, links=model.openness_links)


def variants(
    model: Model, licences: Licences, library: Library, hardware: Hardware, rates: Rates, context: int | None = None
) -> tuple[Offer, ...]:
    """Every variant of a model judged, light to powerful."""
    return tuple(offer(model, v, licences, library, hardware, rates, context) for v in model.variants)


def rank(
    catalogue: Catalogue, licences: Licences, library: Library, hardware: Hardware, rates: Rates, context: int | None = None
) -> tuple[Offer, ...]:
    """One offer a model, in the variant that suits this computer, best first. Up to three of those that fit carry a role."""
    ranked = sorted(
        (_suited(variants(m, licences, library, hardware, rates, context)) for m in catalogue.models if m.variants),
        key=lambda o: (VERDICTS.index(o.verdict), -o.model.quality, o.size_bytes),
    )
    return _with_roles(ranked)


def _suited(choices: Sequence[Offer]) -> Offer:
    """Of a model's variants: the best verdict, then the usual precision, rather a little more bits than fewer."""
    wanted = 8.5 if choices[0].model.params_total < SMALL_PARAMS else USUAL_BITS
    return min(choices, key=lambda o: (VERDICTS.index(o.verdict), abs(o.variant.bits - wanted)))


def _with_roles(ranked: Sequence[Offer]) -> tuple[Offer, ...]:
    """Mark the quick, the balanced and the best offer: three different models, each better and slower than the one before."""
    able = [o for o in ranked if o.model.core and o.verdict in ("runs_well", "runs_slowly") and _for_everyone(o.model)]
    by_quality = sorted(able, key=lambda o: (-o.model.quality, o.size_bytes))
    taken: dict[str, str] = {}
    for role, slowest, largest in reversed(ROLES):
        for o in by_quality:
            below = all(o.model.quality < t.model.quality for t in able if t.id in taken)
            if o.id not in taken and below and o.tokens_per_s >= slowest and o.size_bytes <= largest:
                taken[o.id] = role
                break
    return tuple(replace(o, role=taken.get(o.id)) for o in ranked)


def _for_everyone(model: Model) -> bool:
    """Not a specialist for code, and none that thinks for minutes before each answer."""
    return model.thinks != "yes" and "coder" not in model.id


def on_disk(model: Model, variant: Variant, local: Iterable[LocalModel]) -> LocalModel | None:
    """The complete file of this variant in the library, if it is there."""
    for file in local:
        if file.complete and file.file and file.repo in (model.gguf_repo, model.repo) and gguf.quantization(file.file) == variant.quantization:
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


def resolve(reference: str, catalogue: Catalogue, library: Library) -> Target:
    """Read a model reference; asks nobody but the disk. Raises BadReference."""
    wanted = reference.strip()
    if wanted.startswith("hf:"):
        return _hub_target(wanted, catalogue, library)
    if wanted.startswith(("http://", "https://")):
        name = unquote(Path(urlsplit(wanted).path).name)
        if not name.lower().endswith(".gguf"):
            raise BadReference(reference=reference)
        return Target(wanted, Path(name).stem, url=wanted)
    if (local := library.get(wanted)) is not None and local.complete:
        return local_target(local, catalogue)
    name, _, quantization = wanted.partition(":")
    if (model := catalogue.get(name)) is not None:
        return _catalogue_target(wanted, model, quantization, library)
    if wanted.lower().endswith(".gguf") or Path(wanted).is_file():
        path = Path(wanted).expanduser().absolute()
        known = next((m for m in library.list() if m.path == path), None)
        return local_target(known, catalogue) if known else Target(wanted, path.stem, path=path)
    raise BadReference(reference=reference)


def local_target(local: LocalModel, catalogue: Catalogue) -> Target:
    """A model of the library as a target."""
    model = catalogue.by_repo(local.repo) if local.repo else None
    quantization = gguf.quantization(local.file or local.path.name)
    variant = next((v for v in model.variants if v.quantization == quantization), None) if model else None
    return Target(local.id, local.name, local.path, model, variant, local.repo, local.file, local.revision, None, local)


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
    return Target(reference, Path(file).stem, None, model, variant, repo, file, revision)


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
    return Target(reference, model.name, here.path if here else None, model, variant, model.gguf_repo, here.file if here else None, None, None, here)
