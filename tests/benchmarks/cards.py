"""The engine on graphics cards, with an engine that is built for them:

    python -m tests.benchmarks.cards [--tools DIR] [SHAPE ...]

Which cards there are and what shuts the engine's process in; then whether the dry run says to the byte what a model takes, for
small models of nine kinds and the made ones (tests/benchmarks/made.py), whole and in part on the card, and what the driver
takes beside it; then how fast the made ones read and write, beside llama-bench from DIR, and how soon a long chat is opened
again; and what happens when another program takes the card's memory between the plan and the opening.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pynvml

from desktop import fit, gguf, hardware, judging, opening
from desktop.engine import ChatOptions, Loaded, LoadOptions, Message
from desktop.engine.local import LocalEngine, report
from desktop.fit import Shape, Wish
from desktop.hardware import Hardware
from desktop.shape import DeviceMemory
from desktop.speed import Rates
from tests.benchmarks import made
from tests.engine import shapes
from tests.engine.test_local import run

MB = 10**6
SETTINGS = ((4096, "f16", "read"), (1000, "q8_0", "mmap"), (99999, "q4_0", "read"))
CONTEXT, DEEP = 8192, 4096  # tokens
LEFT_BYTES = 1500 * MB  # that another program leaves of the card


def main() -> None:
    """Print all of it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tools", type=Path)
    parser.add_argument("shapes", nargs="*", default=["0.6B", "4B"], choices=[[], *made.SHAPES])
    wanted = parser.parse_args()
    pynvml.nvmlInit()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        computer = hardware.detect(report(place))
        show(computer)
        small = [write(place / f"{name}.gguf") for name, write in shapes.SHAPES.items()]
        large = [made.write(name, place / f"{name}.gguf") for name in wanted.shapes]
        for path in large:
            pace(path, wanted.tools)
        squeezed(large[-1], computer)
        compare([*large, *small])


def show(computer: Hardware) -> None:
    """What is here."""
    for gpu in computer.gpus:
        print(f"{gpu.name}, {gpu.backend}, {(gpu.memory_total_bytes or 0) / MB:.0f} MB, driver {gpu.driver}: {gpu.why}")
    print(f"The engine's process is held by {', '.join(computer.engine.confined)}.\n", flush=True)


def compare(models: Sequence[Path]) -> None:
    """The dry run beside the open model: a line for each, of all SETTINGS with all layers or half of them on the card."""
    for path in models:
        layers = len(Shape.from_header(gguf.read_file(path)).layers) + 1
        plans = [(count, *setting) for count in (-1, layers // 2) for setting in SETTINGS]
        found = [_compared(path, *plan) for plan in plans]
        same = sum(told == took for told, took, _ in found)
        drivers = sorted(beside for _, _, beside in found)
        print(
            f"{path.stem:10} told to the byte {same} of {len(found)} times; "
            f"the driver takes {drivers[0] / MB:.0f} to {drivers[-1] / MB:.0f} MB beside it",
            flush=True,
        )
        for plan, (told, took, _) in zip(plans, found, strict=True):
            if told != took:
                print(f"  {plan}: told {told}, took {took}", flush=True)


def _compared(
    path: Path, layers: int, context: int, kv_type: str, mode: str
) -> tuple[tuple[DeviceMemory, ...], tuple[DeviceMemory, ...], int]:
    """What the dry run told of one plan, what opening the model took, and what else is gone from the card then."""
    options = LoadOptions(path, context=context, gpu_layers=layers, kv_type=kv_type, load_mode=mode, chats=False)
    engine = LocalEngine()
    try:
        told: tuple[DeviceMemory, ...] = run(engine.measure(path, options))[1]
        before = _used_bytes()
        info: Loaded = run(engine.load(options))[1]
        run(engine.bench(prompt_tokens=600, tokens=2, repeats=1))
        beside = _used_bytes() - before - sum(device.total_bytes for device in info.memory if device.name != "CPU")
    finally:
        engine.close()
    return told, info.memory, beside


def pace(path: Path, tools: Path | None) -> None:
    """Reading and writing, from the beginning and deep in a conversation; and a chat that goes on after a new start."""
    engine = LocalEngine()
    try:
        loaded = run(engine.load(LoadOptions(path, context=CONTEXT, gpu_layers=-1, chats=False)))[1]
        print(f"{path.stem}: opened in {loaded.load_s:.2f} s, {loaded.peak_bytes / MB:.0f} MB of main memory at most")
        for depth in (0, DEEP):
            ours = run(engine.bench(prompt_tokens=512, tokens=64, repeats=3, depth=depth))[1]
            line = f"  after {depth}: reads {ours.prompt_tokens_per_s:.0f}, writes {ours.tokens_per_s:.1f} tokens/s"
            if tools:
                reads, writes = _llama_bench(tools, path, depth)
                ratios = ours.prompt_tokens_per_s / reads, ours.tokens_per_s / writes
                line += f"; llama-bench {reads:.0f} and {writes:.1f}: {ratios[0]:.2f}x, {ratios[1]:.2f}x"
            print(line, flush=True)
    finally:
        engine.close()
    reopened(path)


def reopened(path: Path) -> None:
    """The first token of a long conversation, cold and after a new start."""
    question = [Message("user", "x" * DEEP)]
    options = ChatOptions(max_tokens=32, seed=1, temperature=0.0, conversation="long")
    with tempfile.TemporaryDirectory() as states:
        order = LoadOptions(path, context=CONTEXT, gpu_layers=-1, states=Path(states))
        firsts, said = [], []
        for _ in range(2):
            engine = LocalEngine()
            try:
                run(engine.load(order))
                reply = run(engine.chat(question, options))[1]
                firsts.append((reply.first_token_s, reply.cached_tokens))
                said.append(reply.text)
                writes = reply.tokens_per_s
                run(engine.rest())
            finally:
                engine.close()
    (cold, _), (again, cached) = firsts
    alike = "the same answer" if said[0] == said[1] else "another answer"
    print(f"  a chat of {DEEP} tokens: first token {cold:.3f} s, writes {writes:.1f} tokens/s;"
          f" opened again {again:.3f} s with {cached} tokens kept, {alike}\n", flush=True)  # fmt: skip


def squeezed(path: Path, planned: Hardware) -> None:
    """Open a model whose plan is for the whole card, when another program has meanwhile taken all but LEFT_BYTES of it."""
    card = next(gpu for gpu in planned.gpus if gpu.used)
    shape = Shape.from_header(gguf.read_file(path))
    seen = iter((planned,))

    def ask(wish: Wish) -> judging.Question:
        return judging.Question(shape, next(seen, None) or hardware.detect(planned.engine), Rates(), wish, fit.NOTHING)

    engine = LocalEngine()
    try:
        with _other_program((card.memory_free_bytes or 0) - LEFT_BYTES):
            info, judged = run(opening.opened(engine, path, ask, Wish(CONTEXT), lambda order: order))[1]
            reply = run(engine.chat([Message("user", "hello")], ChatOptions(max_tokens=16, seed=1)))[1]
    finally:
        engine.close()
    print(f"Another program left {LEFT_BYTES / MB:.0f} MB of the card: {judged.plan.gpu_layers} of {judged.layers} layers there.")
    print(f"  {' '.join(info.notices)}\n  {reply.completion_tokens} tokens, {reply.tokens_per_s:.1f} a second.", flush=True)


class _other_program:
    """A program that holds so many bytes of the first card."""

    def __init__(self, taken_bytes: int) -> None:
        self._code = (
            "import ctypes, sys\ncuda = ctypes.CDLL('libcuda.so.1')\ncontext, place = ctypes.c_void_p(), ctypes.c_uint64()\n"
            "ok = cuda.cuInit(0), cuda.cuDevicePrimaryCtxRetain(ctypes.byref(context), 0), cuda.cuCtxSetCurrent(context)\n"
            f"held = cuda.cuMemAlloc_v2(ctypes.byref(place), ctypes.c_size_t({taken_bytes}))\n"
            "print(ok, held, flush=True)\nsys.stdin.read()"
        )

    def __enter__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", self._code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        assert self._process.stdout is not None
        said = self._process.stdout.readline()
        assert said.strip() == "(0, 0, 0) 0", said

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()


def _used_bytes() -> int:
    return int(pynvml.nvmlDeviceGetMemoryInfo(pynvml.nvmlDeviceGetHandleByIndex(0)).used)


def _llama_bench(tools: Path, path: Path, depth: int) -> tuple[float, float]:
    """Tokens a second that llama-bench reads and writes, with the memory that ours has."""
    command = [str(tools / "llama-bench"), "-m", str(path), "-o", "json", "-r", "3", "-p", "512", "-n", "64", "-d", str(depth)]
    found = json.loads(subprocess.run([*command, "-ngl", "99", "-fa", "1"], capture_output=True, text=True, check=True).stdout)
    reads, writes = (next(row["avg_ts"] for row in found if row[key]) for key in ("n_prompt", "n_gen"))
    return reads, writes


if __name__ == "__main__":
    main()
