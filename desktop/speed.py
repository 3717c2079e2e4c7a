"""How fast this computer moves weights, and the tokens per second that follow from it.

To write one token every weight that takes part is read once, so   seconds = bytes on the processor / its rate
+ bytes on the graphics card / its rate + a fixed overhead.   The rates are measured (a short copy of memory) or, for a graphics
card, its memory's bandwidth times what models have been seen to reach; every real answer then corrects them.
"""

import ctypes
import json
import os
import threading
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

from desktop.hardware import Cpu, Gpu, Hardware

# Of 57 answers measured by others on a Radeon RX 7900 XT (800 GB/s), an Apple M4 Pro (273 GB/s) and a GeForce RTX 2080
# (448 GB/s), community measurements of llmfit, August 2026: least squares give 0.81, 0.90 and 0.85 of the bandwidth and 1.8,
# 2.2 and 1.2 ms a token (mean error 9 %); these are the medians.
GPU_EFFICIENCY = 0.85
OVERHEAD_S = 0.0018
USUAL_GPU_BANDWIDTH = 200e9  # bytes a second where a card does not tell: that of small cards
COPY_TRAFFIC = 2.0  # a copied byte is read and written; weights are only read
CPU_EFFICIENCY = 0.7  # unpacking weights costs time beside reading them: cautious, since real answers correct it
CORE_BYTES_PER_S = 6e9  # what one core unpacks of 4-bit weights, a round figure (4 GB/s were seen on a busy shared server core)

PROBE_BYTES = 72 << 20  # more than most caches hold, and copied in some 20 ms
PROBE_PASSES = 3
PROBE_THREADS = 8  # more do not copy faster on the computers of most people
PROBE_WAIT_S = 0.1  # then no other pass is begun

LEARN_LEAST_BYTES = 200_000_000  # smaller models stay in the caches and say nothing about memory
LEARN_SHARE = 0.5  # of a new measurement, beside what was known
LEARN_RANGE = 8.0  # a rate so many times off is an accident (a computer that slept), and only counts as that many times

# Weights times tokens a second and core while a question is read: an estimate from published llama.cpp measurements of 7 and
# 8 billion weights in 4 bits (30 to 80 tokens a second on 6 to 8 cores with AVX2), taken low
CORE_PARAMS = (("AVX512", 30e9), ("AVX2", 20e9), ("DOTPROD", 20e9), ("NEON", 10e9))
PLAIN_CORE_PARAMS = 4e9
GPU_PARAMS_PER_BYTE = 10.0  # the same for graphics cards, per byte of bandwidth: 11 (M4 Pro) to 23 (RTX 2080) were published


@dataclass(frozen=True)
class Rates:
    """What this computer moves, in bytes of weights a second; 0 = not known. `measured`: real answers have corrected it."""

    memory_bytes_per_s: float = 0.0
    measured: bool = False
    gpu_bytes_per_s: float | None = None


def load(path: Path) -> Rates:
    """The rates kept in a file; Rates() when there is none that can be read."""
    try:
        kept = json.loads(path.read_text("utf-8"))
        gpu = kept.get("gpu_bytes_per_s")
        return Rates(float(kept["memory_bytes_per_s"]), bool(kept["measured"]), None if gpu is None else float(gpu))
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return Rates()


def save(rates: Rates, path: Path) -> None:
    """Keep the rates for the next start; a cache that cannot be written is no reason to stop."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_text(json.dumps(asdict(rates)), "utf-8")
        os.replace(part, path)
    except OSError:
        part.unlink(missing_ok=True)


def probe(hardware: Hardware) -> Rates:
    """Measure this computer for less than 0.15 s."""
    cores = max(1, hardware.cpu.physical_cores - 1)
    copied = copy_bytes_per_s(min(cores, PROBE_THREADS))
    return Rates(min(copied * COPY_TRAFFIC * CPU_EFFICIENCY, CORE_BYTES_PER_S * cores))


def copy_bytes_per_s(threads: int) -> float:
    """Bytes that `threads` threads copy in a second from memory to memory, outside the caches; the best of a few passes."""
    end = time.perf_counter() + PROBE_WAIT_S
    size = PROBE_BYTES // 2 // threads
    buffers = [(bytearray(size), bytearray(size)) for _ in range(threads)]
    pairs = [tuple((ctypes.c_char * size).from_buffer(buffer) for buffer in pair) for pair in buffers]
    best = 0.0
    for _ in range(PROBE_PASSES):
        workers = [threading.Thread(target=ctypes.memmove, args=(target, source, size)) for source, target in pairs]
        start = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        now = time.perf_counter()
        best = max(best, size * threads / (now - start))
        if now > end:
            break
    return best


def for_gpus(rates: Rates, gpus: Iterable[Gpu]) -> Rates:
    """The same rates with one for the graphics cards that are used, where none was learned yet: the slowest decides."""
    used = [gpu.bandwidth_bytes_per_s or USUAL_GPU_BANDWIDTH for gpu in gpus if gpu.used]
    if rates.gpu_bytes_per_s or not used:
        return rates
    return replace(rates, gpu_bytes_per_s=min(used) * GPU_EFFICIENCY)


def predict(active_bytes_cpu: int, active_bytes_gpu: int, rates: Rates) -> float:
    """Tokens per second of a short conversation; 0 when the rate of memory is not known."""
    if not rates.memory_bytes_per_s:
        return 0.0
    gpu_rate = rates.gpu_bytes_per_s or USUAL_GPU_BANDWIDTH * GPU_EFFICIENCY
    return 1 / (OVERHEAD_S + active_bytes_cpu / rates.memory_bytes_per_s + active_bytes_gpu / gpu_rate)


def predict_prompt(active_params: int, gpu_share: float, cpu: Cpu, rates: Rates) -> float:
    """Tokens per second that are read of a question: bound by computing, an estimate. `gpu_share` of the weights is on a card."""
    core = next((params for feature, params in CORE_PARAMS if feature in cpu.features), PLAIN_CORE_PARAMS)
    cores = max(1, cpu.physical_cores - 1)
    card = (rates.gpu_bytes_per_s or USUAL_GPU_BANDWIDTH * GPU_EFFICIENCY) / GPU_EFFICIENCY * GPU_PARAMS_PER_BYTE
    return 1 / max(active_params * ((1 - gpu_share) / (core * cores) + gpu_share / card), 1e-6)


def learn(rates: Rates, active_bytes: int, tokens_per_s: float, active_bytes_gpu: int = 0) -> Rates:
    """The rates corrected by a real answer: per token, `active_bytes` were read by the processor, `active_bytes_gpu` by cards."""
    if tokens_per_s <= 0 or active_bytes + active_bytes_gpu < LEARN_LEAST_BYTES or not rates.memory_bytes_per_s:
        return rates
    gpu_rate = rates.gpu_bytes_per_s or USUAL_GPU_BANDWIDTH * GPU_EFFICIENCY
    expected_s = active_bytes / rates.memory_bytes_per_s + active_bytes_gpu / gpu_rate
    spent_s = max(1 / tokens_per_s - OVERHEAD_S, expected_s / LEARN_RANGE)
    ratio = min(max(expected_s / spent_s, 1 / LEARN_RANGE), LEARN_RANGE)
    factor = ratio ** (LEARN_SHARE if rates.measured else 0.9)  # what was only probed counts less than one real answer
    if active_bytes / rates.memory_bytes_per_s >= active_bytes_gpu / gpu_rate:
        return replace(rates, memory_bytes_per_s=rates.memory_bytes_per_s * factor, measured=True)
    return replace(rates, gpu_bytes_per_s=gpu_rate * factor, measured=True)


def assume_gpu(hardware: Hardware, memory_bytes: int) -> tuple[Gpu, ...]:
    """The graphics devices of an imagined computer: one used card with so much free memory, or none for 0."""
    if memory_bytes == 0:
        return ()
    bandwidth = max((gpu.bandwidth_bytes_per_s or 0 for gpu in hardware.gpus), default=0) or USUAL_GPU_BANDWIDTH
    why = "It is only assumed, for this question."
    return (Gpu("Graphics card", "assumed", None, memory_bytes, memory_bytes, True, why, bandwidth_bytes_per_s=bandwidth),)
