"""The exact answer before anything is downloaded: the plan by the formula, then the engine's own figures for it."""

from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TypeVar

from desktop import fit as fits
from desktop import gguf, speed
from desktop.engine import Benched, HeaderPart, LoadOptions
from desktop.engine.local import LocalEngine
from desktop.errors import EngineCrashed, Gated, NetworkError, NotAModel, NotFound, WillNotFit
from desktop.fit import DeviceMemory, Fit, Shape, Wish
from desktop.hardware import Gpu, Hardware
from desktop.headers import Headers, RemoteHeader
from desktop.repo import File
from desktop.settings import Settings
from desktop.speed import Rates
from desktop.targets import Target

Result = TypeVar("Result")
Seen = TypeVar("Seen")
Told = TypeVar("Told")

FROM_CATALOGUE = "From the catalogue, not checked."
ASSUMED = "The graphics card is only assumed, so these figures are calculated."
NOT_ASKED = "The engine could not be asked, so these figures are calculated."
ROUNDS = 3  # in which a plan is corrected by what the engine says of it
OTHER_KINDS = {
    "projector": "it is the part of a model that sees pictures or hears, and goes beside the model's own file",
    "adapter": "it only changes another model a little, and goes on top of that model's file",
    "vocabulary": "it has a vocabulary but no weights",
    "imatrix": "it is a maker's tool for making models smaller",
    "part": "it is a later part of a model in several files; name the first one, which ends in -00001-of-…",
}


@dataclass(frozen=True)
class Step:
    """What is going on: stage "header" (it is read), "engine" (it is asked) or "measure" (this computer is measured)."""

    stage: str
    fraction: float = 0.0
    text: str = ""


@dataclass(frozen=True)
class Judgement:
    """A fit and where it comes from: source "file", "hub", "cache" (of headers) or "catalogue"; note is a sentence, or empty."""

    fit: Fit
    header_bytes_read: int  # over the network
    took_s: float
    source: str
    note: str = ""


@dataclass(frozen=True)
class Question:
    """A model, by its shape, and the computer that it is to run on."""

    shape: Shape
    hardware: Hardware
    rates: Rates
    wish: Wish
    held: Mapping[str, int]
    projector_bytes: int = 0
    sizes: Mapping[str, int] = field(default_factory=dict)

    def by_formula(self, *, advise: bool = True) -> Fit:
        """The answer without the engine: at once."""
        return self._fit(self.hardware, advise=advise)

    def ask(self, engine: LocalEngine, model: Path | Sequence[HeaderPart]) -> Generator[Step, None, tuple[Fit, str]]:
        """The plan with the engine's own figures, and a note where it could not tell.

        Raises UnknownArchitecture and LoadFailed: what the engine would not open, it says before a download as well.

        Where the engine needs so much more or less than the formula says that the verdict changes, it is planned again.
        """
        planned_on = self.hardware
        for round in range(ROUNDS):
            planned = self._fit(planned_on, advise=False)
            if planned.plan.gpu_layers and any(gpu.used and gpu.device is None for gpu in self.hardware.gpus):
                return self.by_formula(), ASSUMED  # the engine does not have it
            try:
                measured = yield from _measured(engine, model, planned)
            except (EngineCrashed, WillNotFit, OSError):  # or no room for the headers
                return self.by_formula(), NOT_ASKED
            exact = self._fit(self.hardware, planned, measured)
            if exact.verdict == planned.verdict or round == ROUNDS - 1:
                break
            planned_on = _tightened(self.hardware, planned, exact)
        return exact, ""

    def _fit(
        self,
        hardware: Hardware,
        planned: Fit | None = None,
        measured: tuple[DeviceMemory, ...] | None = None,
        *,
        advise: bool = True,
    ) -> Fit:
        wish = self.wish
        return fits.fit(
            self.shape,
            hardware,
            self.rates,
            context=wish.context,
            kv_type=wish.kv_type,
            gpu_layers=wish.gpu_layers,
            goal=wish.goal,
            load_mode=wish.load_mode,
            plan=planned.plan if planned else None,
            measured=measured,
            held=self.held,
            projector_bytes=self.projector_bytes,
            sizes=self.sizes,
            advise=advise,
        )


def _measured(
    engine: LocalEngine, model: Path | Sequence[HeaderPart], planned: Fit
) -> Generator[Step, None, tuple[DeviceMemory, ...]]:
    yield Step("engine")
    path = model if isinstance(model, Path) else Path(model[0].name)
    with closing(engine.measure(model, options(path, planned))) as steps:
        return (yield from followed(steps, lambda _: Step("engine")))


def options(path: Path, judged: Fit) -> LoadOptions:
    """The orders for the engine that carry a plan out."""
    plan = judged.plan
    return LoadOptions(path, plan.context, plan.gpu_layers, None, plan.kv_type, plan.load_mode)


def _tightened(hardware: Hardware, planned: Fit, exact: Fit) -> Hardware:
    """The same computer with as much less memory as the engine needs more than was planned.

    Every card loses as much as that one which lacks most: the engine deals the layers out by itself, and gives none alone fewer.
    """
    more = [now.total_bytes - before.total_bytes for now, before in zip(exact.devices, planned.devices, strict=False)]
    in_main = sum(extra for extra, use in zip(more, exact.devices, strict=False) if use.shares_main)
    memory = replace(hardware.memory, available_bytes=max(0, hardware.memory.available_bytes - more[0] - in_main))
    most = max(more[1:], default=0)
    return replace(hardware, memory=memory, gpus=tuple(_with_less(gpu, most) for gpu in hardware.gpus))


def _with_less(gpu: Gpu, less_bytes: int) -> Gpu:
    if gpu.unified:  # what the system lets it have counts there
        return replace(gpu, memory_total_bytes=max(0, (gpu.memory_total_bytes or 0) - less_bytes))
    return replace(gpu, memory_free_bytes=max(0, (gpu.memory_free_bytes or 0) - less_bytes))


def refuse_other_kinds(header: gguf.Header, name: str) -> None:
    """Raises NotAModel, which says what a file is for that is not a model by itself."""
    if header.kind != "model":
        raise NotAModel(path=name, why=OTHER_KINDS.get(header.kind, "it holds something else"))


@dataclass(frozen=True)
class Known:
    """What could be found out about a model: its header and what the engine can be shown; neither, for the catalogue's facts."""

    header: gguf.Header | None
    model: Path | Sequence[HeaderPart] | None
    bytes_read: int
    source: str
    note: str = ""


def read(target: Target, find: Callable[[Target], File], headers: Headers) -> Generator[Step, None, Known]:
    """The header of a target's file: from the disk, else from the Hub, else from the cache of headers, else there is only the
    catalogue. Raises as gguf.read_file, and NotFound, Gated and the network's errors for what the catalogue does not know."""
    yield Step("header")
    if target.path is not None:
        return Known(gguf.read_file(target.path), target.path, 0, "file")
    try:
        with closing(headers.read(find(target))) as steps:
            remote = yield from followed(steps, lambda _: Step("header"))
    except (NotFound, Gated) as error:
        if target.file or target.url:  # it was meant, and no other
            raise
        return Known(None, None, 0, "catalogue", f"{FROM_CATALOGUE} {error}")
    except NetworkError:
        kept = _kept(target, headers)
        if kept is None and not (target.model and target.variant):
            raise
        if kept is None:
            return Known(None, None, 0, "catalogue", FROM_CATALOGUE)
        return Known(kept.header, kept.parts, 0, "cache", f"As it was read on {kept.read_at:%d.%m.%Y}, not checked again.")
    return Known(remote.header, remote.parts, remote.bytes_read, "cache" if remote.cached else "hub")


def _kept(target: Target, headers: Headers) -> RemoteHeader | None:
    """What was read of a target's file the last time; of a catalogue model only its repository and variant are known now."""
    if target.repo and target.file:
        return headers.cached(target.repo, target.file)
    return headers.cached_variant(target.repo, target.variant.quantization) if target.repo and target.variant else None


def followed(steps: Generator[Seen, None, Result], shown: Callable[[Seen], Told]) -> Generator[Told, None, Result]:
    """The same work, each of its steps shown as another."""
    try:
        while True:
            yield shown(next(steps))
    except StopIteration as end:
        result: Result = end.value
        return result


def end(steps: Generator[object, None, Result]) -> Result:
    """What an iterator returns, where nobody watches."""
    try:
        while True:
            next(steps)
    except StopIteration as end:
        result: Result = end.value
        return result


def settings_key(target: Target) -> str:
    """The name under which the person's choices for a model are kept."""
    return target.model.id if target.model else target.name


def wish(target: Target, chosen: Settings, now: Wish) -> Wish:
    """What is asked for now, else what the person chose for this model; a goal goes before the length for all models."""
    key = settings_key(target)
    goal = now.goal or chosen.goals.get(key)
    context = now.context or chosen.contexts.get(key) or (None if goal else chosen.context) or None
    return replace(now, context=context, kv_type=now.kv_type or chosen.kv_types.get(key), goal=goal)


@dataclass(frozen=True)
class Opened:
    """What the engine has open: the file, what was wished and planned for it."""

    reference: str
    path: Path
    wish: Wish
    shape: Shape
    fit: Fit

    def speed(self, rates: Rates, hardware: Hardware, depth: int) -> float:
        """Tokens a second that are predicted for it after `depth` tokens."""
        plan, known = self.fit.plan, speed.for_hardware(rates, hardware)
        told = speed.predict(
            self.shape, known, gpu_share=self.fit.gpu_share, depth=depth, kv_type=plan.kv_type, load_mode=plan.load_mode
        )
        return told.tokens_per_s


@dataclass(frozen=True)
class BenchReport:
    """A model measured on this computer beside what was predicted. load_s: seconds to open it; memory: `fit.total_bytes`."""

    load_s: float
    benched: Benched
    fit: Fit
    predicted_tokens_per_s: float  # at the depth that was measured
