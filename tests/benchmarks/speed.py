"""Predicted beside measured speeds of writing:  python -m tests.benchmarks.speed [FILE.gguf ...]

First what the names of devices predict for 160 measurements of others (tests/data/speeds.json), then this computer: it is
measured as at a first start, and each file and some made models in several types are run at two lengths of conversation. Leave
the computer alone meanwhile.
"""

import statistics
import sys
import tempfile
import time
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import Any, TypeVar

from desktop import gguf, hardware, speed
from desktop.engine import LoadOptions, probe
from desktop.engine.local import LocalEngine, build, report
from desktop.engine.made import Made, write
from desktop.shape import Shape
from tests import speeds

T = TypeVar("T")
DEPTHS = (0, 1024)  # tokens
MADE = {  # about the shapes of Qwen3 0.6B, Llama 3.2 1B and Qwen3 4B
    "0.6B Q4_K": Made(28, 1024, 3072, 16, 8, "Q4_K", 151936, 2048),
    "0.6B Q8_0": Made(28, 1024, 3072, 16, 8, "Q8_0", 151936, 2048),
    "0.6B F16": Made(28, 1024, 3072, 16, 8, "F16", 151936, 2048),
    "1B Q6_K": Made(16, 2048, 8192, 16, 4, "Q6_K", 128256, 2048),
    "1B Q8_0": Made(16, 2048, 8192, 16, 4, "Q8_0", 128256, 2048),
    "4B Q4_K": Made(36, 2560, 9728, 20, 10, "Q4_K", 151936, 2048),
}


def main(files: list[str]) -> None:
    """Print both tables."""
    others()
    with tempfile.TemporaryDirectory() as folder:
        here([Path(name) for name in files], Path(folder))


def others() -> None:
    rows = speeds.rows()
    print(f"{'device':34} {'model':46} {'where':9} measured  predicted      range  error")
    for row in rows:
        told = row.predicted
        figures = f"{told.tokens_per_s:10.1f} {told.low:5.0f}-{told.high:4.0f}" if told else " " * 8 + "not known   "
        print(f"{row.device[:34]:34} {row.model[-46:]:46} {row.where:9} {row.measured:8.1f} {figures} {row.error:6.0%}")
    print("\n160 measurements by", *sorted({row.device for row in rows}), sep="\n  ")
    for name, some in (
        ("all", rows),
        (f"{speeds.FITTED}, wholly on it", [r for r in rows if r.device == speeds.FITTED and r.where == "graphics"]),
        ("held out", [r for r in rows if r.held_out]),
        ("all other devices", [r for r in rows if r.device != speeds.FITTED]),
        ("partly in main memory", [r for r in rows if r.where == "split"]),
    ):
        errors = [row.error for row in some]
        near = sum(error <= 0.35 for error in errors) / len(errors)
        print(f"{name:40} {len(errors):4} median error {statistics.median(errors):4.0%}, within 35 %: {near:4.0%}")


def here(files: list[Path], folder: Path) -> None:
    found = hardware.detect(report(folder))
    started = time.monotonic()
    rates = _last(probe.measure(found, speed.Rates(), build() or ""))
    print(f"\nthis computer, measured in {time.monotonic() - started:.1f} s: {rates}")
    if not rates.quiet:
        print("It was busy meanwhile: the figures are not to be trusted.")
    engine, errors = LocalEngine(), []
    for name, path in _models(files, folder):
        shape = Shape.from_header(gguf.read_file(path))
        _last(engine.load(LoadOptions(path, context=2048, chats=False)))
        for depth in DEPTHS:
            ran = _last(engine.bench(256 if depth == 0 else 1, 12, 1 if depth else 3, depth))
            told = speed.predict(shape, speed.for_hardware(rates, found), depth=depth)
            error = told.tokens_per_s / ran.tokens_per_s - 1
            errors.append(abs(error))
            read = f", reads {ran.prompt_tokens_per_s:6.1f}, predicted {told.prompt_tokens_per_s:6.1f}" if depth == 0 else ""
            rate = f"writes {ran.tokens_per_s:6.2f} tokens/s, predicted {told.tokens_per_s:6.2f} ({told.low:.1f}-{told.high:.1f})"
            print(f"{name:22} after {depth:5}: {rate} {error:+5.0%}{read}", flush=True)
    engine.close()
    print(f"writing: median error {statistics.median(errors):.0%}, worst {max(errors):.0%}")


def _models(files: list[Path], folder: Path) -> Iterator[tuple[str, Path]]:
    for path in files:
        yield path.name, path
    for name, made in MADE.items():
        write(made, folder / "made.gguf")
        yield name, folder / "made.gguf"


def _last(steps: Generator[Any, None, T]) -> T:
    while True:
        try:
            next(steps)
        except StopIteration as end:
            result: T = end.value
            return result


if __name__ == "__main__":
    main(sys.argv[1:])
