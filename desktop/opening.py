"""A model is opened as it was planned; where memory turns out to be short, once more with less of it, and the person is told."""

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

from desktop import judging, text
from desktop.engine import Loaded, Loading, LoadOptions
from desktop.engine.local import LocalEngine
from desktop.engine.process import NO_ROOM, TICK_S
from desktop.errors import AlcoveError, EngineCrashed, LoadFailed, OutOfMemory, WillNotFit
from desktop.fit import Fit, Plan, Wish
from desktop.judging import Question
from desktop.plan import SHORTEST_CONTEXT

FEWER = 0.75  # of the layers on graphics cards: what is tried when they have less room than they said

Ask = Callable[[Wish], Question]  # about this computer as it is at that moment
Order = Callable[[LoadOptions], LoadOptions]  # the plan's orders with what is not the plan's


class Door:
    """Models are opened one after the other; who waits while another opens the same file sees how far that is."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._path: Path | None = None
        self._step = Loading(0.0)

    def enter(self, path: Path | None) -> Generator[Loading, None, None]:
        """Wait until nothing else is being opened; `leave()` must follow."""
        while not self._lock.acquire(timeout=TICK_S):
            yield self._step if path and self._path == path else Loading(0.0)
        self._path, self._step = path, Loading(0.0)

    def show(self, step: Loading) -> Loading:
        """Let who waits see this step."""
        self._step = step
        return step

    def leave(self) -> None:
        """Let the next one in."""
        self._lock.release()


def opened(engine: LocalEngine, path: Path, ask: Ask, wish: Wish, order: Order) -> Generator[Loading, None, tuple[Loaded, Fit]]:
    """Open a model by the best plan for the wish, and what it was judged to need. Raises WillNotFit and the engine's errors.

    A plan may be wrong about memory: other programs take some meanwhile, and drivers of graphics cards more than they say.
    Then fewer layers on graphics cards are tried, once, and a conversation of half the length, once.
    """
    judged = first = yield from _planned(engine, path, ask(wish))
    smaller = _smaller(ask, wish, first.plan)
    while True:
        try:
            loaded = yield from engine.load(order(judging.options(path, judged)))
            engine.info = replace(loaded, notices=(*loaded.notices, *_told(first.plan, judged.plan)))
            return engine.info, judged
        except (WillNotFit, LoadFailed, EngineCrashed) as error:
            lesser = next(smaller, None) if _lacked_memory(error) else None
            if lesser is None:
                raise
        judged = yield from _planned(engine, path, ask(lesser))


def _planned(engine: LocalEngine, path: Path, question: Question) -> Generator[Loading, None, Fit]:
    """The plan for this computer as it is now. Raises WillNotFit with the step that would help."""
    judged = question.by_formula()
    if judged.close_call:  # half a second well spent
        with closing(question.ask(engine, path)) as steps:
            judged, _ = yield from judging.followed(steps, lambda _: Loading(0.0))
    if judged.verdict == "too_big":  # mapped, it would open, and then bring the computer to a standstill
        step = judged.help[0] if judged.help else "Choose a smaller model."
        raise WillNotFit(needed_bytes=judged.total_bytes, free_bytes=judged.free_bytes, step=step)
    return judged


def _smaller(ask: Ask, wish: Wish, plan: Plan) -> Iterator[Wish]:
    """What to wish for when a plan did not fit after all: each of them once, the second with the first."""
    if plan.gpu_layers:
        now = ask(replace(wish, gpu_layers=None)).by_formula(advise=False).plan  # another program may just have taken the card
        wish = replace(wish, gpu_layers=min(int(plan.gpu_layers * FEWER), now.gpu_layers))
        yield wish
    if plan.context > SHORTEST_CONTEXT:
        yield replace(wish, context=max(SHORTEST_CONTEXT, plan.context // 2))


def _lacked_memory(error: AlcoveError) -> bool:
    return isinstance(error, WillNotFit | OutOfMemory) or bool(NO_ROOM.search(str(error.facts.get("why", ""))))


def _told(first: Plan, last: Plan) -> Iterator[str]:
    """What the person should know of a plan that had to be changed."""
    if last.gpu_layers < first.gpu_layers:
        yield (
            "There was less memory on the graphics card than expected, so the processor does more of the work, "
            "and answers come more slowly."
        )
    if last.context < first.context:
        now, planned = text.in_words(last.context), text.in_words(first.context)
        yield f"There was less memory than expected, so this conversation can be about {now} words long instead of {planned}."
