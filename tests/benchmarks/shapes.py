"""How near our formula is to the engine's own dry run, for every shape of tests/architectures.json:

    python -m tests.benchmarks.shapes [--all]

One line for each: weights, conversation memory with states, workspace with output (the engine's, in MiB) and how far ours is off,
for 8192 tokens or as many as it was made for; with --all, for six lengths and types, of which the worst is shown. Then the worst
and the median of all, and what counting one shape and the whole catalogue takes.
"""

import statistics
import sys
import tempfile
import time
from pathlib import Path

from desktop import catalogue
from desktop.shape import DeviceMemory, Shape
from tests import architectures

MIB = 1 << 20
SETTINGS = ((256, "f16"), (2048, "f16"), (8192, "f16"), (32768, "f16"), (8192, "q8_0"), (16384, "q4_0"))
RUNS = 11


def kept(device: DeviceMemory) -> int:
    """All but workspace and output."""
    return device.weights_bytes + device.kv_bytes + device.state_bytes


def off(ours: int, engine: int) -> float:
    """By how much ours is off, in percent."""
    return 100 * (ours / engine - 1)


def compare(settings: tuple[tuple[int, str], ...]) -> None:
    """Print the table."""
    models = architectures.models()
    jobs = [(name, min(c, model["metadata"]["context_length"]), kv) for name, model in models.items() for c, kv in settings]
    engine = architectures.measure(dict.fromkeys(jobs))
    print(f"{'shape':22} {'architecture':15} {'weights':>8} {'memory':>8} {'off':>7} {'workspace':>9} {'total off':>9}")
    kept_off, total_off = [], []
    with tempfile.TemporaryDirectory() as folder:
        for name, model in models.items():
            shape = Shape.from_header(architectures.header(Path(folder), name))
            rows = [
                (engine[job], shape.lay_out(job[1], job[2])[0]) for job in dict.fromkeys(jobs) if job[0] == name and job in engine
            ]
            theirs, ours = max(rows, key=lambda row: abs(off(row[1].total_bytes, row[0].total_bytes)))
            kept_off.append(max(abs(off(kept(b), kept(a))) for a, b in rows))
            total_off.append(abs(off(ours.total_bytes, theirs.total_bytes)))
            memory, work = (theirs.kv_bytes + theirs.state_bytes) / MIB, (theirs.compute_bytes + theirs.output_bytes) / MIB
            print(
                f"{name:22} {model['architecture']:15} {theirs.weights_bytes / MIB:8.1f} {memory:8.1f} "
                f"{off(kept(ours), kept(theirs)):+6.2f}% {work:9.1f} {off(ours.total_bytes, theirs.total_bytes):+8.2f}%"
            )
    count = len({model["architecture"] for model in models.values()})
    print(f"\n{len(models)} shapes of {count} architectures, {len(engine)} comparisons")
    print(f"weights and memory: off by {max(kept_off):.3f} % at worst, {statistics.median(kept_off):.4f} % in the middle")
    print(f"all together:       off by {max(total_off):.2f} % at worst, {statistics.median(total_off):.2f} % in the middle")


def clock() -> None:
    """Print what counting takes."""
    with tempfile.TemporaryDirectory() as folder:
        header = architectures.header(Path(folder), "qwen3-8b")
    models = catalogue.load().models
    one, laid, whole = [], [], []
    for _ in range(RUNS):
        started = time.perf_counter()
        shape = Shape.from_header(header)
        one.append(time.perf_counter() - started)
        started = time.perf_counter()
        shape.lay_out(8192, "q8_0", 20)
        laid.append(time.perf_counter() - started)
        started = time.perf_counter()
        count = sum(len(model.shape(variant).lay_out(8192)) for model in models for variant in model.variants)
        whole.append(time.perf_counter() - started)
    one_ms, laid_ms, whole_ms = (1000 * statistics.median(times) for times in (one, laid, whole))
    print(
        f"header to shape {one_ms:.1f} ms, shape to memory {laid_ms:.2f} ms, the catalogue's {count} variants {whole_ms:.0f} ms"
    )


if __name__ == "__main__":
    compare(SETTINGS if "--all" in sys.argv else ((8192, "f16"),))
    clock()
