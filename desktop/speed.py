"""Tokens a second, predicted for any model from what this computer was measured to do, or else from its devices' names.

To write one token, every weight that takes part is read once. So a token takes, on each device,   bytes of weights / its rate
+ a fixed cost per layer + attention over what was said before;   and to choose it, a look at every entry of the vocabulary.
To read a question, many tokens share one reading of the weights, and the multiplications are what takes time.

The processor's figures are measured with the engine (engine.probe); a graphics card's rate is its memory's bandwidth, by name
(desktop.graphics), times what models reach. Every real answer then corrects the device that it spent most of its time on.

The constants for graphics cards are a least-squares fit to the 73 measurements of models wholly on a Radeon RX 7900 XT. To those
on an Apple M4 Pro, a GeForce RTX 2080 and an Arc 140V nothing was fitted but one figure for gemma3n; they are met with 4 % of
median error. Models that lie half in main memory are met with 19 %, and for them the processor's constants were chosen in sight
of the measurements (tests/speeds.py says how blind each is).
"""

import hashlib
import os
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

import msgspec

from desktop import graphics, private
from desktop.hardware import Gpu, Hardware
from desktop.shape import KV_BYTES, Layer, Shape

# A graphics card reads large matrices with this share of its bandwidth, and the small ones of experts with that; each layer costs
# some fifteen kernels to start, a recurrent one more; and then the processor chooses the token from the whole vocabulary.
GPU_EFFICIENCY, EXPERT_EFFICIENCY = 0.83, 0.58
GPU_LAYER_S, GPU_RECURRENT_S = 41e-6, 22e-6
CHOOSE_S = 6.5e-9  # per entry of the vocabulary
BUSY = {"gemma3n": 4.5}  # as many kernels in a layer: it has four streams (5 ms more on both cards measured)
USUAL_GPU_BANDWIDTH = 200e9  # bytes a second where neither the card nor the table tells: that of small cards

# The processor, before it is measured: cautious round figures. Models that lay half on a GeForce RTX 2080 left 42 to 65 GB/s to
# the main memory's 94 (i9-10900X); four of eight cores of a Core Ultra 7 258V took 31 to 36 GB/s.
RAM_EFFICIENCY = 0.55
CORE_BYTES_PER_S = 5e9
CORE_PARAMS = 30e9  # multiplications a second and core while a question is read, with AVX2 or better
LAYER_S, ATTENTION_S = 40e-6, 70e-9  # per layer; per layer, head and earlier token for one thread

# Seconds per byte of each type of weights, beside those of Q4_K, where only those were measured: on a processor with AVX-512, one
# thread, 1 layer of an 8B model. Types that are not here count as 1.5.
UNPACK = {
    "F16": 0.8, "BF16": 0.8, "F32": 0.7, "Q8_0": 0.95, "Q6_K": 0.95, "Q5_K": 1.5, "Q5_0": 1.8, "Q5_1": 1.65, "Q4_K": 1.0,
    "Q4_0": 1.1, "Q4_1": 1.25, "IQ4_NL": 1.15, "IQ4_XS": 1.85, "MXFP4": 1.3, "Q3_K": 1.5, "Q2_K": 1.3, "IQ3_XXS": 3.0,
    "IQ3_S": 2.8, "IQ2_XXS": 5.0, "IQ2_XS": 3.0, "IQ2_S": 2.0,
}  # fmt: skip
STRANGE = 1.5
FLOATS = {"F16", "BF16", "F32"}
FAR = 1.3  # a look back over 1000 tokens against one over the 480 that are measured, of which caches hold more (90 to 65 ns)
KV_SLOWER = {"f16": 1.0, "q8_0": 1.0, "q4_0": 1.1}  # attention, against 16-bit memory
# Mapped weights are neither repacked nor in huge pages: 15 against 25 and 7.9 against 13 tokens a second (0.6B, 1B)
MAPPED_SLOWER = 1.65
STATE_PASSES = 3  # a recurrent layer's state is read, changed and written

# How far off a figure may be, as a share of the time it contributes
MEASURED, LEARNED, BY_NAME, GUESSED = 0.14, 0.08, 0.2, 0.35

LEARN_LEAST_BYTES = 200_000_000  # smaller models stay in the caches and say nothing about memory
LEARN_SHARE = 0.5  # of a new measurement, beside what was known
LEARN_RANGE = 8.0  # a rate so many times off is an accident (a computer that slept), and only counts as that many times
DEEP = 1.5  # times as slow as at first: such an answer tells of the look back more than of the memory's rate
METHOD = 2  # of the self-measurement: another number has it repeated
TRIES = 3  # a computer that is always busy is not measured more often


@dataclass(frozen=True)
class Rates:
    """What this computer does in a second; 0 = not known.

    memory_bytes_per_s: bytes of Q4_K weights that the processor works through; unpack: seconds per byte of other types beside
    those of Q4_K, as far as measured; layer_s, attention_s (per layer, head and earlier token) and params_per_s
    (multiplications while a question is read) are the processor's, too. gpu_bytes_per_s: of the graphics cards together,
    None = not learned. measured, gpu_learned: real answers have corrected it. computer, quiet, tries: what was measured,
    whether it had nothing else to do, and how often that was tried. measured_at: "2026-11-22T03:35:48+00:00".
    """

    memory_bytes_per_s: float = 0.0
    measured: bool = False
    gpu_bytes_per_s: float | None = None
    gpu_learned: bool = False
    unpack: Mapping[str, float] = field(default_factory=dict)
    layer_s: float = LAYER_S
    attention_s: float = ATTENTION_S
    params_per_s: float = 0.0
    gpu_params_per_s: float = 0.0
    computer: str = ""
    measured_at: str = ""
    quiet: bool = False
    tries: int = 0


@dataclass(frozen=True)
class Speed:
    """A prediction: tokens a second that are written, the range it lies in, and tokens of a question read; 0 = not known."""

    tokens_per_s: float = 0.0
    low: float = 0.0
    high: float = 0.0
    prompt_tokens_per_s: float = 0.0


@dataclass(frozen=True)
class _Time:
    """Seconds that one device spends on a token, and by how many they may be off."""

    seconds: float
    doubt_s: float


def load(path: Path) -> Rates:
    """The rates kept in a file; Rates() when there is none that can be read."""
    try:
        return msgspec.json.decode(path.read_bytes(), type=Rates)
    except (OSError, msgspec.MsgspecError):
        return Rates()


def save(rates: Rates, path: Path) -> None:
    """Keep the rates for the next start; a cache that cannot be written is no reason to stop."""
    part = path.with_name(path.name + ".part")
    try:
        private.write(part, msgspec.json.encode(asdict(rates)))
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)


def identity(hardware: Hardware, build: str) -> str:
    """What has to be the same for a measurement to hold: processor, memory, graphics cards, engine and method."""
    gpus = sorted(gpu.name for gpu in hardware.gpus if gpu.used)
    gigabytes = round(hardware.memory.total_bytes / 1e9)
    facts = repr((METHOD, hardware.cpu.name, hardware.cpu.physical_cores, gigabytes, gpus, build))
    return hashlib.sha256(facts.encode()).hexdigest()[:16]


def is_due(rates: Rates, hardware: Hardware, build: str) -> bool:
    """Whether this computer is to be measured: never done, changed since, or something else kept it busy the last times."""
    return rates.computer != identity(hardware, build) or (not rates.quiet and rates.tries < TRIES)


def for_hardware(rates: Rates, hardware: Hardware) -> Rates:
    """The same rates with what the names of the devices promise, where nothing was measured or learned."""
    cores = max(1, hardware.cpu.physical_cores - 1)
    if not rates.computer:
        rates = replace(rates, attention_s=ATTENTION_S / cores)
    if not rates.memory_bytes_per_s:
        memory = graphics.memory_bandwidth(hardware.cpu.name) * RAM_EFFICIENCY
        rates = replace(rates, memory_bytes_per_s=min(memory, CORE_BYTES_PER_S * cores))
    if not rates.params_per_s:
        rates = replace(rates, params_per_s=CORE_PARAMS * cores)
    return for_gpus(rates, hardware.gpus, graphics.memory_bandwidth(hardware.cpu.name))


def for_gpus(rates: Rates, gpus: Iterable[Gpu], main_bytes_per_s: float = graphics.USUAL_MEMORY_BANDWIDTH) -> Rates:
    """The same rates with those of the graphics cards that are used, where none were learned: the slowest decides.

    `main_bytes_per_s` is the bandwidth of the main memory, which integrated graphics without a figure of their own have, too.
    """
    used = [gpu for gpu in gpus if gpu.used]
    if rates.gpu_bytes_per_s or not used:
        return rates
    slowest, gpu = min(((_bandwidth(gpu, main_bytes_per_s), gpu) for gpu in used), key=lambda pair: pair[0])
    return replace(
        rates,
        gpu_bytes_per_s=slowest * GPU_EFFICIENCY,
        gpu_params_per_s=slowest * graphics.params_per_byte(gpu.name, gpu.vendor),
    )


def _bandwidth(gpu: Gpu, main_bytes_per_s: float) -> float:
    usual = main_bytes_per_s if gpu.unified else USUAL_GPU_BANDWIDTH
    return gpu.bandwidth_bytes_per_s or graphics.bandwidth(gpu.name) or usual


def predict(
    shape: Shape, rates: Rates, *, gpu_share: float = 0.0, depth: int = 0, kv_type: str = "f16", load_mode: str = "read"
) -> Speed:
    """How fast a model writes and reads after `depth` tokens, with `gpu_share` of what it reads for a token on graphics cards."""
    cpu, gpu = _times(shape, rates, gpu_share, depth, kv_type, load_mode)
    seconds = cpu.seconds + gpu.seconds
    if not seconds:
        return Speed()
    rate, doubt = 1 / seconds, (cpu.doubt_s + gpu.doubt_s) / seconds
    return Speed(rate, rate / (1 + doubt), rate * (1 + doubt), _read(shape, rates, gpu_share, depth))


def _times(shape: Shape, rates: Rates, gpu_share: float, depth: int, kv_type: str, load_mode: str) -> tuple[_Time, _Time]:
    """Seconds that the processor and the graphics cards spend on a token."""
    nothing = _Time(0.0, 0.0)
    if gpu_share < 1 and not rates.memory_bytes_per_s:
        return nothing, nothing
    cpu = _cpu_time(shape, rates, depth, kv_type, load_mode) if gpu_share < 1 else nothing
    gpu = _gpu_time(shape, rates, depth, kv_type) if gpu_share > 0 else nothing
    choose = CHOOSE_S * shape.vocab_size
    split = GUESSED * gpu_share * cpu.seconds  # how the two get in each other's way is not in here
    share = 1 - gpu_share
    return (
        _Time(share * cpu.seconds + choose, share * cpu.doubt_s + split * share),
        _Time(gpu_share * gpu.seconds, gpu_share * gpu.doubt_s),
    )


def _cpu_time(shape: Shape, rates: Rates, depth: int, kv_type: str, load_mode: str) -> _Time:
    byte_s = (MAPPED_SLOWER if load_mode == "mmap" else 1.0) / rates.memory_bytes_per_s
    weights = strange = 0.0
    for kind, size in shape.active or (("Q4_K", shape.active_bytes),):
        spent = size * byte_s * _unpack(kind, rates)
        weights += spent
        strange += spent if kind != "Q4_K" and kind not in rates.unpack else 0.0
    heads = shape.head_count or max(1, shape.embedding_length // 128)
    seen = sum(_seen(layer, depth) for layer in shape.layers)
    attention = seen * heads * rates.attention_s * FAR * KV_SLOWER[kv_type]
    states = sum(layer.state_bytes for layer in shape.layers) * STATE_PASSES * byte_s
    seconds = weights + attention + states + len(shape.layers) * rates.layer_s
    known = LEARNED if rates.measured else MEASURED if rates.computer else GUESSED
    return _Time(seconds, known * seconds + BY_NAME * (strange + attention + states))


def _unpack(kind: str, rates: Rates) -> float:
    """Seconds per byte beside those of Q4_K; unpacked numbers wait for memory, as those of eight bits do."""
    if kind in FLOATS and "Q8_0" in rates.unpack:
        return rates.unpack["Q8_0"] * UNPACK[kind] / UNPACK["Q8_0"]
    return rates.unpack.get(kind, UNPACK.get(kind, STRANGE))


def _gpu_time(shape: Shape, rates: Rates, depth: int, kv_type: str) -> _Time:
    rate = rates.gpu_bytes_per_s or USUAL_GPU_BANDWIDTH * GPU_EFFICIENCY
    numbers = sum(_seen(layer, depth) * (layer.key_numbers + layer.value_numbers) for layer in shape.layers)
    weights = (shape.active_bytes - shape.expert_bytes) + shape.expert_bytes * GPU_EFFICIENCY / EXPERT_EFFICIENCY
    states = sum(layer.state_bytes for layer in shape.layers) * STATE_PASSES
    recurrent = sum(layer.kind == "recurrent" for layer in shape.layers)
    layers = len(shape.layers) * GPU_LAYER_S * BUSY.get(shape.architecture, 1.0) + recurrent * GPU_RECURRENT_S
    seconds = (weights + numbers * KV_BYTES[kv_type] + states) / rate + layers
    known = LEARNED if rates.gpu_learned else BY_NAME if rates.gpu_bytes_per_s else GUESSED
    return _Time(seconds, known * seconds)


def _seen(layer: Layer, depth: int) -> int:
    """Tokens that a layer looks back at."""
    return min(depth, layer.window) if layer.kind == "sliding" else depth if layer.kind == "full" else 0


def _read(shape: Shape, rates: Rates, gpu_share: float, depth: int) -> float:
    params = shape.active_params or shape.active_bytes * 8 // 5
    params -= min(params // 2, shape.vocab_size * shape.embedding_length)  # the output is only computed for the last token
    cpu = rates.params_per_s or rates.memory_bytes_per_s * CORE_PARAMS / CORE_BYTES_PER_S
    gpu = rates.gpu_params_per_s or USUAL_GPU_BANDWIDTH * 10
    seconds = params * (gpu_share / gpu + ((1 - gpu_share) / cpu if gpu_share < 1 else 0.0))
    heads = shape.head_count or max(1, shape.embedding_length // 128)
    # read in large pieces, attention is some five times as fast as when single tokens are written
    seconds += (1 - gpu_share) * sum(_seen(layer, depth) for layer in shape.layers) * heads * rates.attention_s / 5
    return 1 / max(seconds, 1e-6)


def learn(
    rates: Rates,
    shape: Shape,
    tokens_per_s: float,
    *,
    gpu_share: float = 0.0,
    depth: int = 0,
    kv_type: str = "f16",
    load_mode: str = "read",
) -> Rates:
    """The rates corrected by a real answer that was written at `tokens_per_s`."""
    if tokens_per_s <= 0 or shape.active_bytes < LEARN_LEAST_BYTES or not rates.memory_bytes_per_s:
        return rates
    cpu, gpu = _times(shape, rates, gpu_share, depth, kv_type, load_mode)
    if cpu.seconds + gpu.seconds > DEEP * sum(time.seconds for time in _times(shape, rates, gpu_share, 0, kv_type, load_mode)):
        return rates
    most, rest = max(cpu.seconds, gpu.seconds), min(cpu.seconds, gpu.seconds)
    ratio = min(max(most / max(1 / tokens_per_s - rest, most / LEARN_RANGE), 1 / LEARN_RANGE), LEARN_RANGE)
    if gpu.seconds > cpu.seconds:
        rate = rates.gpu_bytes_per_s or USUAL_GPU_BANDWIDTH * GPU_EFFICIENCY
        share = LEARN_SHARE if rates.gpu_learned else 0.9  # what only a table told counts less than one real answer
        return replace(rates, gpu_bytes_per_s=rate * ratio**share, gpu_learned=True)
    share = LEARN_SHARE if rates.measured or rates.computer else 0.9
    return replace(rates, memory_bytes_per_s=rates.memory_bytes_per_s * ratio**share, measured=True)


def assume_gpu(hardware: Hardware, memory_bytes: int, name: str | None = None) -> tuple[Gpu, ...]:
    """The graphics devices of an imagined computer: one used card with so much free memory, or none for 0.

    Its speed is that of the card called `name`, else of the cards that are here.
    """
    if memory_bytes == 0:
        return ()
    here = max((gpu.bandwidth_bytes_per_s or 0 for gpu in hardware.gpus), default=0)
    bandwidth = (graphics.bandwidth(name) if name else None) or here or USUAL_GPU_BANDWIDTH
    why = "It is only assumed, for this question."
    backend = graphics.backend(name) if name else None
    called, unified = name or "Graphics card", backend == "Metal"
    return (Gpu(called, "assumed", backend, memory_bytes, memory_bytes, True, why, unified, bandwidth_bytes_per_s=bandwidth),)
