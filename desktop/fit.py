"""Will a model run here, how, how fast, and what would help: what it needs on each device against what is free."""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from desktop import text
from desktop.changes import Change, proposals
from desktop.hardware import Hardware
from desktop.need import MARGIN_BYTES, MARGIN_SHARE, VERDICTS, DeviceUse, Judge, Need, Plan
from desktop.plan import DEFAULT_CONTEXT, SHORT_CONTEXT, Wish, choose
from desktop.shape import DeviceMemory, Layer, Shape
from desktop.speed import Rates

__all__ = [
    "DEFAULT_CONTEXT", "SHORT_CONTEXT", "VERDICTS", "Change", "DeviceMemory", "DeviceUse", "Fit", "Layer", "Plan", "Shape",
    "Wish", "fit",
]  # fmt: skip

NOTHING: Mapping[str, int] = MappingProxyType({})


@dataclass(frozen=True)
class Fit:
    """The answer to "will it run here": verdict is "runs_well", "runs_slowly", "close_apps" or "too_big"."""

    architecture: str
    context: int  # tokens
    weights_bytes: int
    kv_bytes: int  # with the state of recurrent layers
    compute_bytes: int  # with the output table
    total_bytes: int  # with process_bytes and projector_bytes
    devices: tuple[DeviceUse, ...]  # the processor's memory first
    free_bytes: int  # on all of them, now, with what the open model gives back
    verdict: str
    why: str
    help: tuple[str, ...]
    method: str  # "engine" (it said so itself) or "formula"
    tokens_per_s: float
    prompt_tokens_per_s: float
    gpu_layers: int
    plan: Plan
    gpu_share: float = 0.0  # of the weights that are read for a token: those on graphics cards
    state_bytes: int = 0  # of kv_bytes
    process_bytes: int = 0  # the engine's process and the drivers' share
    projector_bytes: int = 0
    margin_bytes: int = 0  # to be left free beside total_bytes
    tokens_per_s_low: float = 0.0
    tokens_per_s_high: float = 0.0
    close_call: bool = False  # so near to another verdict that the formula alone should not decide
    layers: int = 0  # of the model, the output counted as one
    context_length: int = 0  # tokens that it was made for; 0 = not known
    changes: tuple[Change, ...] = ()  # what `help` says, for buttons

    @property
    def main_bytes(self) -> int:
        """What lies in the main memory."""
        return sum(device.total_bytes for number, device in enumerate(self.devices) if not number or device.shares_main)


def fit(
    shape: Shape,
    hardware: Hardware,
    rates: Rates,
    *,
    context: int | None = None,
    kv_type: str | None = None,
    gpu_layers: int | None = None,
    goal: str | None = None,
    load_mode: str | None = None,
    plan: Plan | None = None,
    measured: tuple[DeviceMemory, ...] | None = None,
    held: Mapping[str, int] = NOTHING,
    projector_bytes: int = 0,
    sizes: Mapping[str, int] = NOTHING,
    advise: bool = True,
) -> Fit:
    """Judge a model for this computer as it is now, under the best plan for `goal` (None, "speed", "quality" or "long").

    context: tokens; None = DEFAULT_CONTEXT, or SHORT_CONTEXT where only that fits. gpu_layers: None = as many as fit.
    plan: this one and no other, of which the engine has said `measured`. held: bytes per device that come free with the model
    that is open. sizes: the files of the model's other versions. advise: False leaves help out, which takes longest.
    """
    judge = Judge(shape, hardware, rates, held, projector_bytes, load_mode, measured)
    if plan is not None:
        need = judge.need(plan.context, plan.kv_type, plan.gpu_layers)
    else:
        need = choose(judge, Wish(context, kv_type, gpu_layers, goal))
    changes = proposals(judge, need, gpu_layers, sizes) if advise else ()
    uses = need.devices
    return Fit(
        architecture=shape.architecture,
        context=need.plan.context,
        weights_bytes=sum(use.weights_bytes for use in uses),
        kv_bytes=sum(use.kv_bytes for use in uses),
        compute_bytes=sum(use.compute_bytes for use in uses),
        total_bytes=need.total_bytes,
        devices=uses,
        free_bytes=judge.room.free_bytes,
        verdict=need.verdict,
        why=_why(need, judge),
        help=tuple(change.sentence for change in changes),
        method="formula" if measured is None else "engine",
        tokens_per_s=need.tokens_per_s,
        prompt_tokens_per_s=need.prompt_tokens_per_s,
        gpu_layers=need.plan.gpu_layers,
        plan=need.plan,
        gpu_share=need.gpu_share,
        state_bytes=sum(use.state_bytes for use in uses),
        process_bytes=sum(use.process_bytes for use in uses),
        projector_bytes=sum(use.projector_bytes for use in uses),
        margin_bytes=need.margin_bytes,
        tokens_per_s_low=need.tokens_per_s_low,
        tokens_per_s_high=need.tokens_per_s_high,
        close_call=need.close_call,
        layers=len(shape.layers) + 1,
        context_length=shape.context_length,
        changes=changes,
    )


def _why(need: Need, judge: Judge) -> str:
    """One or two plain sentences with the figures that decided."""
    total, free = text.size(need.total_bytes), text.size(judge.room.free_bytes)
    if need.gpu_short_bytes:
        return f"The graphics card lacks {text.size(need.gpu_short_bytes)} for as many layers as were asked for."
    if need.verdict == "too_big":
        return f"It needs {total}, and this computer has {text.size(_most_bytes(judge))} that a model could use."
    margin = f"{total} and a margin of {text.size(need.margin_bytes)}"
    if need.verdict == "close_apps":
        return f"It needs {margin}; {free} are free now. Without other programs it would fit."
    rate, where = text.about_pace(need.tokens_per_s, need.tokens_per_s_low, need.tokens_per_s_high), _where(need, judge)
    if need.verdict == "runs_slowly":
        only = "" if rate.startswith("less") else "only "
        return f"It fits: it needs {margin}; {free} are free. But it would write {only}{rate}{where}."
    told = f" It writes {rate}{where}." if need.tokens_per_s else ""
    return f"It needs {margin}; {free} are free.{told}"


def _where(need: Need, judge: Judge) -> str:
    """What does the work, where it is not the processor alone."""
    if not need.plan.gpu_layers:
        return ""
    gpus = judge.room.gpus
    name = gpus[0].name if len(gpus) == 1 else "the graphics cards"
    shared = any(gpu.unified for gpu in gpus)
    return f" on {name}" if need.gpu_share > 0.9 or shared else f", {round(need.gpu_share * 100)} % of it on {name}"


def _most_bytes(judge: Judge) -> int:
    """What a model could have on all devices without other programs, less the margin."""
    room = judge.room
    main = min(room.at_most_bytes - MARGIN_BYTES, round(room.at_most_bytes / (1 + MARGIN_SHARE)))
    pairs = zip(room.gpus, room.gpu_room_bytes, strict=True)
    return max(0, main) + sum(free for gpu, free in pairs if not gpu.unified)
