"""Which models to offer on this computer, in which order and why; and what a model reference means."""

import math
import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import unquote, urlsplit

from desktop import fit as fits
from desktop import gguf
from desktop.catalogue import Catalogue, Model, Variant
from desktop.errors import BadReference
from desktop.fit import VERDICTS, Fit
from desktop.hardware import Hardware
from desktop.library import Library, LocalModel
from desktop.licences import Licences, Ruling
from desktop.speed import Rates

RUNS = VERDICTS[:2]
USUAL_BITS = 4.9  # bits a weight of Q4_K_M: close to the original at a third of the size
SMALL_PARAMS = 2.5e9  # models below it lose more by few bits and cost little, so they are offered with 8
LOW_BITS = 3.9  # below, answers suffer visibly: only where nothing else fits, and never recommended
QUICK_TOKENS_PER_S, QUICK_BYTES = 10.0, 4.5e9  # feels instant, and is soon here
BALANCED_TOKENS_PER_S, BALANCED_BYTES = 6.0, 12e9  # writes as fast as one reads
BEST_TOKENS_PER_S = 2.0  # with some patience


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
    def worth(self) -> float:
        """The model's quality, less what few bits cost: below the usual precision, half the bytes count as half the model."""
        return self.model.quality + min(0.0, math.log2(self.variant.bits / USUAL_BITS))

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


def reference_to(model: Model, variant: Variant) -> str:
    """What names this variant: "qwen3-8b:Q5_K_M"."""
    return f"{model.id}:{variant.quantization}"


def variants(
    model: Model, licences: Licences, library: Library, hardware: Hardware, rates: Rates, context: int | None = None
) -> tuple[Offer, ...]:
    """Every variant of a model judged, light to powerful."""
    return _judged(model, licences, library.list(), hardware, rates, context)


def _judged(
    model: Model, licences: Licences, local: Sequence[LocalModel], hardware: Hardware, rates: Rates, context: int | None
) -> tuple[Offer, ...]:
    ruling = licences.rule(model.evidence)
    return tuple(
        Offer(
            id=reference_to(model, variant),
            model=model,
            variant=variant,
            fit=fits.fit(model.shape(variant), hardware, rates, context=context),
            ruling=ruling,
            local=on_disk(model, variant, local),
        )
        for variant in model.variants
    )


def rank(
    catalogue: Catalogue, licences: Licences, library: Library, hardware: Hardware, rates: Rates, context: int | None = None
) -> tuple[Offer, ...]:
    """One offer a model, in the variant that suits this computer, best first. Up to three of those that fit carry a role."""
    local = library.list()
    ranked = sorted(
        (_suited(_judged(m, licences, local, hardware, rates, context)) for m in catalogue.models if m.variants),
        key=lambda o: (VERDICTS.index(o.verdict), o.variant.bits < LOW_BITS, not o.model.core, -o.worth, o.size_bytes),
    )
    return _with_roles(ranked)


def _suited(choices: Sequence[Offer]) -> Offer:
    """Of a model's variants: one that runs, not of few bits, the best verdict, and then the usual precision."""
    wanted = 8.5 if choices[0].model.params_total < SMALL_PARAMS else USUAL_BITS
    return min(
        choices,
        key=lambda o: (o.verdict not in RUNS, o.variant.bits < LOW_BITS, VERDICTS.index(o.verdict), abs(o.variant.bits - wanted)),
    )


def _with_roles(ranked: Sequence[Offer]) -> tuple[Offer, ...]:
    """Mark the quick, the balanced and the best offer: three different models, each better than the one before.

    On a slow computer nothing reaches the speed that a role asks for; then quick is what is fastest there.
    """
    able = [o for o in ranked if o.model.core and o.verdict in RUNS and o.variant.bits >= LOW_BITS and _for_everyone(o.model)]
    if not able:
        return tuple(ranked)
    patient = [o for o in able if o.tokens_per_s >= BEST_TOKENS_PER_S]
    best = max(patient, key=lambda o: o.worth, default=max(able, key=lambda o: o.tokens_per_s))
    roles = {best.id: "best"}
    lesser = sorted((o for o in able if o.worth < best.worth), key=lambda o: o.worth)
    if lesser:
        humbler = lesser[:-1] or lesser  # leaves one for the middle
        fast = [o for o in humbler if o.tokens_per_s >= QUICK_TOKENS_PER_S and o.size_bytes <= QUICK_BYTES]
        quick = max(fast, key=_pace, default=max(humbler, key=lambda o: o.tokens_per_s))
        roles[quick.id] = "quick"
        between = [o for o in lesser if o.worth > quick.worth]
        # Neither slower nor larger than the best: else why not take that one?
        between = [o for o in between if o.tokens_per_s >= best.tokens_per_s and o.size_bytes <= best.size_bytes] or between
        handy = [o for o in between if o.size_bytes <= BALANCED_BYTES] or between
        fluent = [o for o in handy if o.tokens_per_s >= BALANCED_TOKENS_PER_S] or handy
        if fluent:
            roles[max(fluent, key=_pace).id] = "balanced"
    return tuple(replace(o, role=roles.get(o.id)) for o in ranked)


def _pace(o: Offer) -> float:
    """Worth and speed together: four times as fast counts as half a generation."""
    return o.worth + 0.25 * math.log2(o.tokens_per_s or 0.01)


def _for_everyone(model: Model) -> bool:
    """One that talks, is no specialist for code, and does not think for minutes before each answer."""
    return model.chats and model.thinks != "yes" and "coder" not in model.id


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
    return Target(reference, Path(name).stem, url=reference)


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
