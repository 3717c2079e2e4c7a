"""How fast an open model reads and writes: meaningless tokens through the very steps of a chat."""

import random
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from desktop.engine import Benched, BenchStep, ChatOptions, sampling, wire
from desktop.engine.llama import llama
from desktop.engine.model import Model, Tell
from desktop.engine.recall import READ_LEAST
from desktop.engine.threads import Counts, Threads
from desktop.errors import ContextFull
from desktop.shape import BATCH

WRITTEN = 8  # writing a token takes about as long as reading so many: for the progress only


def bench(model: Model, order: wire.Bench, tell: Tell) -> Benched:
    """Read `prompt_tokens` and write `tokens`, both after `depth` others, `repeats` times. Raises ContextFull.

    The conversation in the model's memory is given up.
    """
    needed = order.depth + max(order.prompt_tokens, order.tokens)
    if needed > model.limit:
        raise ContextFull(tokens=needed, context=model.limit)
    chance = random.Random(needed)  # the same tokens every time
    prompt = [chance.randrange(model.words.size) for _ in range(order.depth + order.prompt_tokens)]
    before = prompt[: order.depth]
    each = order.prompt_tokens + WRITTEN * order.tokens
    reading, writing = [], []
    with _threads(model, order.threads) as threads:
        model.recall.keep(0)
        if order.prompt_tokens >= BATCH:
            model.recall.decode(prompt[:BATCH])  # for the peak of memory: only a full batch touches the whole workspace
        else:
            model.recall.read(prompt[:READ_LEAST])  # the first computation after loading is slow
        for repeat in range(order.repeats):

            def progress(tokens: int, repeat: int = repeat) -> None:
                tell(BenchStep((repeat * each + tokens) / (order.repeats * each)))

            _go_back(model, before)
            started = time.perf_counter()
            model.recall.read(prompt, lambda tokens: progress(tokens - order.depth))
            reading.append(time.perf_counter() - started)
            _go_back(model, before)
            writing.append(_write(model, order.tokens, lambda tokens: progress(order.prompt_tokens + WRITTEN * tokens)))
        model.recall.keep(0)
    first_token_s = statistics.median(reading)
    return Benched(
        prompt_tokens_per_s=order.prompt_tokens / first_token_s,
        tokens_per_s=order.tokens / statistics.median(writing),
        first_token_s=first_token_s,
        threads=threads.writing,
        peak_bytes=model.peak_bytes,
        batch_tokens=model.recall.batch_tokens,
    )


def _go_back(model: Model, before: list[int]) -> None:
    """Leave only the tokens `before` in memory; those that it could not go back to (recurrent layers) are read again."""
    if not model.recall.keep(len(before)):
        model.recall.read(before)


def _write(model: Model, count: int, progress: Callable[[int], None]) -> float:
    """Seconds that it takes to write `count` tokens, choosing each as a chat does."""
    sampler = model.sampler(sampling.choose(ChatOptions(seed=0), lambda _: None), [])
    try:
        token = 0
        started = time.perf_counter()
        for done in range(count):
            model.recall.decode([token])
            token = llama.llama_sampler_sample(sampler, model.context, -1)
            progress(done + 1)
        return time.perf_counter() - started
    finally:
        llama.llama_sampler_free(sampler)


@contextmanager
def _threads(model: Model, wanted: Counts | None) -> Iterator[Threads]:
    """Compute with as many threads as wanted, for a while; else with the fastest number."""
    usual = model.recall.threads
    if wanted:
        model.recall.threads = Threads(wanted, lambda write, read: llama.llama_set_n_threads(model.context, write, read))
    try:
        model.tune()
        yield model.recall.threads
    finally:
        model.recall.threads = usual
