"""How fast this computer is: made models, opened and run by the engine just as real ones are, in a process of their own.

Three seconds: a small deep model tells what a layer and a look back cost, large flat ones what weights of each type cost (over
200 MB, so that no cache flatters them) and how fast a question is read.
"""

import math
import time
from collections.abc import Generator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psutil

from desktop import speed
from desktop.engine import Benched, LoadOptions, hollow
from desktop.engine.local import LocalEngine
from desktop.engine.made import Made, write
from desktop.errors import AlcoveError
from desktop.hardware import Hardware, cpu
from desktop.shape import Layer, Shape
from desktop.speed import Rates

WHY = "Measuring how fast this computer is, so that the speeds shown are true"
CONTEXT = 1024  # tokens
DEPTH = 480  # tokens that the look back is measured over: 30 MB of conversation memory
DEEP = Made(layers=16, width=64, inner=64, heads=16, key_heads=8, weights="Q8_0")  # 6 MB
PASSES = 3  # of which the best counts: what disturbs a computer only ever makes it slower, so they are as short as can be
# In Q4_K first, since the others are told beside it: layers of an 8B model. The same model in several processes was read at 6.3
# to 10.2 GB/s, steadily in each, and one of 1.3 GB at 9.7: where weights come to lie in the memory matters. Twice the layers were
# no better, and took 4 s. So what is told for large models may be up to a fifth too slow, until an answer corrects it.
FLAT = {
    "Q4_K": Made(2, 4096, 14336, 32, 8, "Q4_K"),
    "Q6_K": Made(1, 4096, 14336, 32, 8, "Q6_K", vocabulary=8192),
    "Q8_0": Made(1, 4096, 14336, 32, 8, "Q8_0"),
}
ON_CARD = Made(8, 4096, 14336, 32, 8, "Q4_K")  # a gigabyte
ENOUGH_S = 2.3  # then no other type of weights is begun
PROMPT = 64  # tokens of a question
OTHERS_SHARE = 0.3  # of one core that other programs may take for the measurement to count as undisturbed


@dataclass(frozen=True)
class Measuring:
    """The measurement goes on: the share done, and why it is made."""

    fraction: float
    text: str = WHY


def measure(hardware: Hardware, rates: Rates, build: str, folder: Path | None = None) -> Generator[Measuring, None, Rates]:
    """Measure this computer, in `folder` or where temporary files go; the better of this and an earlier disturbed measurement.

    Where the engine cannot, or has no room, `rates` come back as they were. `build`: engine.local.build().
    """
    watch = Watch()
    try:
        with hollow.scratch(folder) as scratch, closing(LocalEngine(Path(scratch))) as engine:
            found = yield from _processor(engine, Path(scratch) / "made.gguf")
            quiet = watch.undisturbed()
            now = datetime.now(UTC).isoformat(timespec="seconds")
            found = replace(found, computer=speed.identity(hardware, build), quiet=quiet, tries=1, measured_at=now)
            if any(gpu.used for gpu in hardware.gpus):
                found = yield from _card(engine, Path(scratch) / "made.gguf", speed.for_hardware(found, hardware))
    except (AlcoveError, OSError):
        return rates
    yield Measuring(1.0)
    return _better(found, rates)


def _processor(engine: LocalEngine, path: Path) -> Generator[Measuring, None, Rates]:
    """The rates of the processor."""
    started = time.monotonic()
    yield from _open(engine, DEEP, path, 0.05)
    small_s, _ = yield from _time(engine, 0.1, tokens=4)
    back_s, _ = yield from _time(engine, 0.2, tokens=8, depth=DEPTH, passes=1)
    byte_s: dict[str, float] = {}
    params_per_s = 0.0
    for number, (kind, made) in enumerate(FLAT.items()):
        done = 0.4 + 0.2 * number
        if byte_s and time.monotonic() - started > ENOUGH_S:
            break  # on a slow or busy computer; the rest is then told by what is usual
        yield from _open(engine, made, path, done)
        token_s, _ = yield from _time(engine, done, tokens=1)
        byte_s[kind] = (token_s - made.layers * small_s / DEEP.layers) / made.bytes_read
        if not params_per_s:
            _, read = yield from _time(engine, done, tokens=1, prompt_tokens=PROMPT, passes=1)
            params_per_s = read * made.read_ahead_weights
    return Rates(
        memory_bytes_per_s=1 / byte_s["Q4_K"],
        unpack={kind: seconds / byte_s["Q4_K"] for kind, seconds in byte_s.items()},
        layer_s=small_s / DEEP.layers,
        attention_s=max(0.0, back_s - small_s) / (DEEP.layers * DEEP.heads * DEPTH),
        params_per_s=params_per_s,
    )


def _card(engine: LocalEngine, path: Path, rates: Rates) -> Generator[Measuring, None, Rates]:
    """The same rates with that of the graphics cards, corrected as by a real answer."""
    yield from _open(engine, ON_CARD, path, 0.9, gpu_layers=-1)
    token_s, read = yield from _time(engine, 0.95, tokens=16, prompt_tokens=PROMPT, passes=2)
    learned = speed.learn(rates, _shape(ON_CARD), 1 / token_s, gpu_share=1.0)
    return replace(learned, gpu_params_per_s=read * ON_CARD.read_ahead_weights)


def _shape(made: Made) -> Shape:
    """What the predictions take a made model for."""
    layers = (Layer("full", 128 * made.key_heads, 128 * made.key_heads),) * made.layers
    size = made.bytes_read
    return Shape("llama", size, size, layers, made.width, made.vocabulary, CONTEXT, head_count=made.heads)


def _open(engine: LocalEngine, made: Made, path: Path, done: float, gpu_layers: int = 0) -> Generator[Measuring, None, None]:
    write(made, path)
    yield from _through(engine.load(LoadOptions(path, context=CONTEXT, gpu_layers=gpu_layers, chats=False)), done)


def _time(
    engine: LocalEngine, done: float, tokens: int, prompt_tokens: int = 1, depth: int = 0, passes: int = PASSES
) -> Generator[Measuring, None, tuple[float, float]]:
    """Seconds that the open model takes for a token that it writes, and tokens of a question that it reads in a second."""
    token_s, read = math.inf, 0.0
    for _ in range(passes):
        found: Benched = yield from _through(engine.bench(prompt_tokens, tokens, 3 if depth else 1, depth), done)
        token_s, read = min(token_s, 1 / found.tokens_per_s), max(read, found.prompt_tokens_per_s)
        if prompt_tokens == 1 and not depth:  # to read one token is the same work
            token_s = min(token_s, found.first_token_s)
    return token_s, read


def _through(steps: Generator[Any, None, Any], done: float) -> Generator[Measuring, None, Any]:
    """What a generator returns; each of its steps is one of the measurement."""
    with closing(steps):
        while True:
            try:
                next(steps)
            except StopIteration as end:
                return end.value
            yield Measuring(done)


class Watch:
    """Whether other programs kept the computer busy while it was measured."""

    def __init__(self) -> None:
        self._started, self._before = time.monotonic(), self._others_s()

    def undisturbed(self) -> bool:
        """True when the processor did little beside the measurement; its engine must still be there."""
        spent = time.monotonic() - self._started
        return self._others_s() - self._before < spent * OTHERS_SHARE

    @staticmethod
    def _others_s() -> float:
        """Seconds that all cores have worked for others than this process and its engine."""
        this = psutil.Process()
        ours = [process.cpu_times() for process in (this, *this.children())]
        return cpu.busy_s() - sum(times.user + times.system for times in ours)


def _better(now: Rates, before: Rates) -> Rates:
    """Of two measurements of one computer that were both disturbed, the best of each figure; else the newer."""
    if before.computer != now.computer or now.quiet:
        return now
    return replace(
        now if now.memory_bytes_per_s > before.memory_bytes_per_s else before,
        layer_s=min(now.layer_s, before.layer_s),
        attention_s=min(now.attention_s, before.attention_s),
        params_per_s=max(now.params_per_s, before.params_per_s),
        tries=before.tries + 1,
    )
