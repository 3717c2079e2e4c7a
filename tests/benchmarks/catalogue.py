"""What the formula costs: the whole catalogue judged, one estimate, one with help. Run: python tests/benchmarks/catalogue.py"""

import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from desktop.catalogue import load
from desktop.fit import fit
from desktop.hardware import Cpu, EngineReport, Gpu, Hardware, Memory
from desktop.speed import Rates

GB = 10**9
REPEATS = 7


def computer(total_gb: int, free_gb: int, *gpus: Gpu) -> Hardware:
    memory = Memory(total_gb * GB, free_gb * GB)
    return Hardware(memory, Cpu("Benchmark", 8, 16, ("AVX2",)), gpus, EngineReport("llama.cpp", "b", ("CPU",), bool(gpus)))


def card(gigabytes: int, name: str = "Card") -> Gpu:
    return Gpu(name, "NVIDIA", "CUDA", gigabytes * GB, gigabytes * GB, True, "", bandwidth_bytes_per_s=400e9)


COMPUTERS = {
    "16 GB, no card": computer(16, 11),
    "16 GB, card of 8 GB": computer(16, 11, card(8)),
    "64 GB, two cards of 24 GB": computer(64, 55, card(24, "A"), card(24, "B")),
}


def milliseconds(act: Callable[[], object]) -> float:
    """Of the middle one of several runs."""
    spent = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        act()
        spent.append(time.perf_counter() - started)
    return statistics.median(spent) * 1000


def main() -> None:
    catalogue, rates = load(), Rates(30e9)
    pairs = [(model, variant) for model in catalogue.models for variant in model.variants]
    print(f"{len(catalogue.models)} models in {len(pairs)} variants, medians of {REPEATS} runs, milliseconds")
    print(f"{'computer':<28}{'catalogue':>10}{'one':>8}{'one with help':>15}{'slowest':>9}")
    for name, here in COMPUTERS.items():
        whole = milliseconds(lambda here=here: [fit(m.shape(v), here, rates, advise=False) for m, v in pairs])  # type: ignore[misc]
        spent = [milliseconds(lambda m=m, v=v, here=here: fit(m.shape(v), here, rates)) for m, v in pairs[::5]]  # type: ignore[misc]
        print(f"{name:<28}{whole:>10.0f}{whole / len(pairs):>8.2f}{statistics.median(spent):>15.1f}{max(spent):>9.1f}")


if __name__ == "__main__":
    main()
