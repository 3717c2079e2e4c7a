"""Predicted against measured: `python -m tests.benchmarks.memory MODEL.gguf ...` opens each model and prints its process's peak.

The prediction is the engine's dry run plus the engine's own process: its code and buffers, and its vocabulary. Both ways to
open a file are tried. The model reads 1,100 tokens and writes 8, so that workspace and conversation memory are really used.
"Opened" is the peak up to the open model, "peak" up to the end, each at most 1.05 times what the engine says it has allocated,
and 60 MB; the last column is the share of that.
"""

import sys
from pathlib import Path

from desktop import gguf
from desktop.engine import Loaded, LoadOptions
from desktop.engine.local import LocalEngine
from desktop.shape import DeviceMemory
from tests.engine.test_local import run

MB = 10**6
PROCESS_BYTES, TOKEN_BYTES, MERGE_BYTES = 50 * MB, 203, 145  # the engine's process: itself, and its vocabulary
CONTEXT = 2048


def main() -> None:
    """A line for each model and load mode."""
    print(
        f"{'model':24} {'mode':5} {'laid out':>9} {'process':>8} {'together':>9} {'opened':>9} {'peak':>9} {'private':>9}"
        "   MB, together : peak, peak : limit"
    )
    for path in map(Path, sys.argv[1:]):
        header = gguf.read_file(path)
        words, merges = (_count(header.get(f"tokenizer.ggml.{name}")) for name in ("tokens", "merges"))
        process = PROCESS_BYTES + TOKEN_BYTES * words + MERGE_BYTES * merges
        for mode in ("read", "mmap"):
            engine = LocalEngine()
            try:
                options = LoadOptions(path, context=CONTEXT, load_mode=mode, chats=False)
                measured: tuple[DeviceMemory, ...] = run(engine.measure(path, options))[1]
                loaded = run(engine.load(options))[1]
                peak = run(engine.bench(prompt_tokens=1100, tokens=8, repeats=1))[1].peak_bytes
                held = engine.held_bytes()["CPU"]
            finally:
                engine.close()
            laid_out = measured[0].total_bytes
            sizes = laid_out, process, laid_out + process, loaded.peak_bytes, peak, held
            columns = " ".join(f"{size / MB:{width}.1f}" for size, width in zip(sizes, (9, 8, 9, 9, 9, 9), strict=True))
            told = f"{(laid_out + process) / peak - 1:+.1%} {peak / limit(loaded):7.1%}"
            print(f"{path.stem:24} {mode:5} {columns}   {told}", flush=True)


def limit(loaded: Loaded) -> float:
    """The most main memory that the process may have: a little more than weights, conversation memory and workspace."""
    return 1.05 * loaded.memory[0].total_bytes + 60 * MB


def _count(value: object) -> int:
    """Of an array that the header's reader has only counted, or built."""
    return value if isinstance(value, int) else len(value) if isinstance(value, tuple) else 0


if __name__ == "__main__":
    main()
