"""Will a model run here, how, how fast, and what would help: weights, conversation memory and workspace against what is free."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass, replace

from desktop import speed, text
from desktop.hardware import Gpu, Hardware
from desktop.shape import BATCH, Layer, Shape
from desktop.speed import Rates

__all__ = ["DEFAULT_CONTEXT", "DeviceUse", "Fit", "Layer", "Shape", "fit"]

DEFAULT_CONTEXT = 8192  # tokens of conversation memory when nobody chose: about 6000 words of talk
SHORT_CONTEXT = 4096  # what the default shrinks to where only that fits
SHORTEST_CONTEXT = 2048  # the shortest that is proposed as help
SLOW_TOKENS_PER_S = 4.0  # three words a second; people read about four

# Beside what llama.cpp allocates for the model: the engine's own process with its vocabulary (100 to 200 MB), and per graphics
# card the driver's share (about 300 MB with CUDA)
ENGINE_BYTES = 150_000_000
GPU_DRIVER_BYTES = 300_000_000
# What must stay free beside a running model, so that the computer is not slowed by a page file: a margin for what this
# program cannot foresee, and for "runs if you close other apps" also what the system itself needs
MARGIN_SHARE, MARGIN_BYTES = 0.03, 250_000_000
SYSTEM_BYTES, SYSTEM_SHARE = 2_000_000_000, 0.25  # two gigabytes, but not more than a quarter of a small computer

VERDICTS = ("runs_well", "runs_slowly", "close_apps", "too_big")  # best first


@dataclass(frozen=True)
class DeviceUse:
    """What one device would hold."""

    name: str
    weights_bytes: int
    kv_bytes: int
    compute_bytes: int

    @property
    def total_bytes(self) -> int:
        return self.weights_bytes + self.kv_bytes + self.compute_bytes


@dataclass(frozen=True)
class Fit:
    """The answer to "will it run here": verdict is "runs_well", "runs_slowly", "close_apps" or "too_big"."""

    architecture: str
    context: int  # tokens
    weights_bytes: int
    kv_bytes: int
    compute_bytes: int
    total_bytes: int
    devices: tuple[DeviceUse, ...]  # the processor's memory first
    free_bytes: int  # on all of them, now
    verdict: str
    why: str
    help: tuple[str, ...]
    method: str
    tokens_per_s: float
    prompt_tokens_per_s: float
    gpu_layers: int
    gpu_share: float = 0.0  # of the weights that are read for a token: those on graphics cards


@dataclass(frozen=True)
class _Plan:
    """One way to lay a model out: how much lies where, and how much may."""

    context: int
    gpu_layers: int
    devices: tuple[DeviceUse, ...]
    gpu_short_bytes: int  # by how much the graphics cards lack room for what was asked of them
    gpu_share: float  # of the weights

    @property
    def total_bytes(self) -> int:
        return sum(device.total_bytes for device in self.devices)


def fit(
    shape: Shape,
    hardware: Hardware,
    rates: Rates,
    *,
    context: int | None = None,
    kv_type: str = "f16",
    gpu_layers: int | None = None,
) -> Fit:
    """Judge a model for this computer as it is now.

    context: tokens; None = DEFAULT_CONTEXT, or SHORT_CONTEXT where only that fits. gpu_layers: None = as many as fit.
    """
    most = shape.context_length or DEFAULT_CONTEXT
    if context is not None:
        return _judge(shape, hardware, rates, min(context, most), kv_type, gpu_layers)
    usual = _judge(shape, hardware, rates, min(DEFAULT_CONTEXT, most), kv_type, gpu_layers)
    if usual.verdict in ("runs_well", "runs_slowly") or most <= SHORT_CONTEXT:
        return usual
    short = _judge(shape, hardware, rates, SHORT_CONTEXT, kv_type, gpu_layers)
    return short if VERDICTS.index(short.verdict) < VERDICTS.index(usual.verdict) else usual


def _judge(shape: Shape, hardware: Hardware, rates: Rates, context: int, kv_type: str, gpu_layers: int | None) -> Fit:
    gpus = [gpu for gpu in hardware.gpus if gpu.used]
    plan = _plan(shape, gpus, context, kv_type, gpu_layers)
    rates = speed.for_gpus(rates, gpus)
    on_gpu = round(shape.active_bytes * plan.gpu_share)
    tokens_per_s = speed.predict(shape.active_bytes - on_gpu, on_gpu, rates)
    params = shape.active_params or shape.active_bytes * 8 // 5
    verdict = _verdict(plan, hardware, gpus, tokens_per_s)
    judged = Fit(
        architecture=shape.architecture,
        context=context,
        weights_bytes=shape.weights_bytes,
        kv_bytes=sum(device.kv_bytes for device in plan.devices),
        compute_bytes=sum(device.compute_bytes for device in plan.devices),
        total_bytes=plan.total_bytes,
        devices=plan.devices,
        free_bytes=_free_bytes(hardware, gpus),
        verdict=verdict,
        why="",
        help=(),
        method="formula",
        tokens_per_s=tokens_per_s,
        prompt_tokens_per_s=speed.predict_prompt(params, plan.gpu_share, hardware.cpu, rates),
        gpu_layers=plan.gpu_layers,
        gpu_share=plan.gpu_share,
    )
    asked = gpu_layers is not None and plan.gpu_short_bytes > 0
    why = _why(judged, hardware, plan, gpus)
    return replace(judged, why=why, help=_help(judged, shape, hardware, gpus, kv_type, asked))


def _plan(shape: Shape, gpus: Sequence[Gpu], context: int, kv_type: str, gpu_layers: int | None) -> _Plan:
    """Lay the layers out as llama.cpp does: the last ones on the cards, the output with them, the input table never."""
    most = len(shape.layers) + 1 if gpus else 0  # the output counts as one
    if gpu_layers is not None:
        return _lay_out(shape, gpus, context, kv_type, min(gpu_layers, most))
    counts = range(most + 1)
    too_many = bisect_left(counts, 1, key=lambda count: _lay_out(shape, gpus, context, kv_type, count).gpu_short_bytes)
    return _lay_out(shape, gpus, context, kv_type, too_many - 1)


def _lay_out(shape: Shape, gpus: Sequence[Gpu], context: int, kv_type: str, gpu_layers: int) -> _Plan:
    first = max(0, len(shape.layers) + 1 - gpu_layers)
    weights = _layer_weights(shape)
    memory = [layer.memory_bytes(context, kv_type) for layer in shape.layers]
    output_bytes = shape.output_bytes // 2 if gpu_layers else 0  # the input table stays; a shared one is copied, which is as much
    gpu_weights, gpu_memory = sum(weights[first:]) + output_bytes, sum(memory[first:])
    work = shape.compute_bytes(context)
    whole = gpu_layers > len(shape.layers)
    inputs = min(work, 8 * BATCH * shape.embedding_length + 2 * BATCH * context)
    cpu_work = ENGINE_BYTES + (inputs if whole else work)
    cpu = DeviceUse("CPU", shape.weights_bytes - gpu_weights, sum(memory) - gpu_memory, cpu_work)
    if not gpu_layers:
        return _Plan(context, 0, (cpu,), 0, 0.0)
    frees = [_room(gpu) for gpu in gpus]
    together = sum(frees)
    uses = []
    for gpu, free in zip(gpus, frees, strict=True):
        part = free / together if together else 1 / len(gpus)
        uses.append(DeviceUse(gpu.name, round(gpu_weights * part), round(gpu_memory * part), work + GPU_DRIVER_BYTES))
    short = sum(max(0, use.total_bytes - free) for use, free in zip(uses, frees, strict=True))
    return _Plan(context, gpu_layers, (cpu, *uses), short, gpu_weights / shape.weights_bytes if shape.weights_bytes else 0.0)


def _room(gpu: Gpu) -> int:
    return max(0, round((gpu.memory_free_bytes or 0) * (1 - MARGIN_SHARE)))


def _layer_weights(shape: Shape) -> list[int]:
    """Bytes of each layer; an equal share of what is not in the tables where they are not known."""
    known = [layer.weights_bytes for layer in shape.layers]
    if any(known) or not known:
        return known
    inside = max(0, shape.weights_bytes - shape.output_bytes)
    return [inside // len(known)] * len(known)


def _unified(gpus: Sequence[Gpu]) -> bool:
    return any(gpu.unified for gpu in gpus)


def _free_bytes(hardware: Hardware, gpus: Sequence[Gpu]) -> int:
    """What is free now for a model on all devices together; a card that shares the main memory adds none."""
    separate = sum(gpu.memory_free_bytes or 0 for gpu in gpus if not gpu.unified)
    return hardware.memory.available_bytes + separate


def _main_bytes(plan: _Plan, gpus: Sequence[Gpu]) -> int:
    """What of a plan lies in the main memory."""
    shared = {gpu.name for gpu in gpus if gpu.unified}
    return plan.devices[0].total_bytes + sum(device.total_bytes for device in plan.devices[1:] if device.name in shared)


def _with_margin(needed_bytes: int) -> int:
    return needed_bytes + max(MARGIN_BYTES, round(needed_bytes * MARGIN_SHARE))


def _at_most_bytes(hardware: Hardware) -> int:
    """The main memory that a model could have if no other program ran."""
    total = hardware.memory.total_bytes
    system = 0 if hardware.memory.limited_by == "cgroup" else min(SYSTEM_BYTES, round(total * SYSTEM_SHARE))
    return max(total - system, hardware.memory.available_bytes)


def _verdict(plan: _Plan, hardware: Hardware, gpus: Sequence[Gpu], tokens_per_s: float) -> str:
    needed = _with_margin(_main_bytes(plan, gpus))
    if plan.gpu_short_bytes or needed > _at_most_bytes(hardware):
        return "too_big"
    if needed > hardware.memory.available_bytes:
        return "close_apps"
    return "runs_slowly" if 0 < tokens_per_s < SLOW_TOKENS_PER_S else "runs_well"


def _why(judged: Fit, hardware: Hardware, plan: _Plan, gpus: Sequence[Gpu]) -> str:
    """One plain sentence with the figures that decided."""
    needed, free = text.size(judged.total_bytes), text.size(judged.free_bytes)
    rate = text.about_words_per_second(judged.tokens_per_s)
    if plan.gpu_short_bytes:
        return f"The graphics card lacks {text.size(plan.gpu_short_bytes)} for as many layers as were asked for."
    if judged.verdict == "too_big":
        return f"It needs {needed}, and this computer has {text.size(_most_bytes(hardware, gpus))} that a model could use."
    if judged.verdict == "close_apps":
        little = "" if judged.total_bytes > judged.free_bytes else ", too little to leave a margin"
        return f"It needs {needed} and {free} are free now{little}; without other programs it would fit."
    where = _where(judged, gpus, plan)
    if judged.verdict == "runs_slowly":
        return f"It fits: it needs {needed} and {free} are free. But it would write only {rate}{where}."
    told = f" It writes {rate}{where}." if judged.tokens_per_s else ""
    return f"It needs {needed} and {free} are free.{told}"


def _where(judged: Fit, gpus: Sequence[Gpu], plan: _Plan) -> str:
    if not judged.gpu_layers:
        return ""
    name = gpus[0].name if len(gpus) == 1 else "the graphics cards"
    return f" on {name}" if plan.gpu_share > 0.9 or _unified(gpus) else f", {round(plan.gpu_share * 100)} % of it on {name}"


def _most_bytes(hardware: Hardware, gpus: Sequence[Gpu]) -> int:
    """What a model could have on all devices without other programs, less the margin."""
    main = _at_most_bytes(hardware)
    main = min(main - MARGIN_BYTES, round(main / (1 + MARGIN_SHARE)))
    return max(0, main) + sum(_room(gpu) for gpu in gpus if not gpu.unified)


def _help(judged: Fit, shape: Shape, hardware: Hardware, gpus: Sequence[Gpu], kv_type: str, asked: bool) -> tuple[str, ...]:
    """Which changes would make it run well, each a whole sentence."""
    if judged.verdict == "runs_well":
        return ()
    if asked:
        return ("Let the program choose how much goes on the graphics card.",)
    if judged.verdict == "runs_slowly":
        most = round(shape.weights_bytes * judged.tokens_per_s / SLOW_TOKENS_PER_S)
        return (f"Choose a lighter version or a smaller model: one of up to {text.size(most)} writes as fast as one reads here.",)
    main = sum(d.total_bytes for d in judged.devices if d.name == "CPU" or any(g.unified and g.name == d.name for g in gpus))
    lacking = _with_margin(main) - hardware.memory.available_bytes
    steps = []
    if judged.verdict == "close_apps":
        steps.append(f"Close other programs that use {text.size(lacking)} together.")
    shorter = _shorter(judged, shape, hardware, gpus, kv_type)
    if shorter:
        saved = text.size(judged.total_bytes - shorter.total_bytes)
        words = round(shorter.context * text.WORDS_PER_TOKEN, -2)
        length = f"{shorter.context} tokens (about {words:.0f} words)"
        steps.append(f"Shorten the conversation memory to {length}, which saves {saved}.")
    lighter = shape.weights_bytes - lacking
    if lighter > shape.weights_bytes // 5:  # below two bits a weight there is no lighter version
        steps.append(f"Choose a lighter version of up to {text.size(lighter)}.")
    return tuple(steps) or (f"Choose a smaller model: one that needs up to {text.size(judged.free_bytes)} in all.",)


def _shorter(judged: Fit, shape: Shape, hardware: Hardware, gpus: Sequence[Gpu], kv_type: str) -> _Plan | None:
    """The plan with the longest conversation memory, of halves of the present one, that fits now."""
    context = judged.context // 2
    while context >= SHORTEST_CONTEXT:
        plan = _plan(shape, gpus, context, kv_type, None)
        if _verdict(plan, hardware, gpus, 0.0) == "runs_well":
            return plan
        context //= 2
    return None
