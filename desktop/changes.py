"""Which change would make a model run well here: each is judged before it is proposed."""

from bisect import bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

from desktop import text
from desktop.need import MARGIN_BYTES, MARGIN_SHARE, SLOW_TOKENS_PER_S, Judge, Need, scaled
from desktop.plan import CONTEXT_STEP, SHORTEST_CONTEXT

Amount = TypeVar("Amount")

LIGHTEST = 0.2  # of the present size: below two bits a weight there is no lighter version
SIZE_STEPS = 40  # in which a lighter version is searched
ENDS = {
    "runs_well": "runs well",
    "runs_slowly": "runs, but slowly",
    "close_apps": "fits without other programs",
}


@dataclass(frozen=True)
class Change:
    """One thing a person could do, and what it leads to; what is None stays as it is.

    kind: "close_apps", "shorter" (conversation memory), "smaller_memory" (its form), "lighter" (a version of fewer bits),
    "auto_gpu" (let the program choose the layers), "smaller_model", or several of them joined with "+".
    """

    kind: str
    sentence: str
    verdict: str  # what it becomes
    needed_bytes: int  # in all, then
    saves_bytes: int = 0  # against now
    context: int | None = None
    kv_type: str | None = None
    gpu_layers: int | None = None
    max_size_bytes: int | None = None  # of the lighter version's file, at most
    close_bytes: int = 0  # of memory that other programs must give back
    variant: str | None = None  # the name of the lighter version, where the caller knows them

    def __str__(self) -> str:
        return self.sentence


@dataclass(frozen=True)
class _Try:
    """A change before it is told: what it does, as a sentence begins, and what of the settings it changes."""

    kind: str
    does: str
    context: int | None = None
    kv_type: str | None = None
    size_bytes: int | None = None
    close_bytes: int = 0
    variant: str | None = None


@dataclass(frozen=True)
class _Case:
    """The model as it stands: what is not changed by a try stays like this."""

    judge: Judge
    now: Need
    gpu_layers: int | None  # None: as many as fit, after each change anew

    def need(self, change: _Try) -> Need:
        judge, plan = self.judge, self.now.plan
        if change.size_bytes is not None:
            judge = replace(judge, shape=scaled(judge.shape, change.size_bytes))
        if change.close_bytes:
            memory = judge.hardware.memory
            freed = replace(memory, available_bytes=memory.available_bytes + change.close_bytes)
            judge = replace(judge, hardware=replace(judge.hardware, memory=freed))
        return judge.need(change.context or plan.context, change.kv_type or plan.kv_type, self.gpu_layers)


def proposals(judge: Judge, now: Need, asked_layers: int | None, sizes: Mapping[str, int]) -> tuple[Change, ...]:
    """What would give a better verdict than `now`: single changes, or two together where no setting alone makes it run well.

    sizes: name -> bytes of the file of the model's other versions, where they are known.
    """
    if now.verdict == "runs_well":
        return ()
    case = _Case(replace(judge, measured=None), now, asked_layers)
    if asked_layers is not None and now.gpu_short_bytes:
        case = replace(case, gpu_layers=None)
        auto = _Try("auto_gpu", "Let the program choose how much goes on the graphics card")
        if (need := case.need(auto)).rank < now.rank:
            return (_told(auto, need, now),)
    found = _better(case, _single(case, sizes), now.rank)
    reached = min((need.rank for change, need in found if change.kind != "close_apps"), default=now.rank)
    if reached:  # not everyone can close enough
        found += _better(case, _double(case, sizes), reached)
    return tuple(_told(change, need, now) for change, need in found) or (_smaller(judge, now),)


def _better(case: _Case, changes: Iterable[_Try | None], than: int) -> list[tuple[_Try, Need]]:
    judged = [(change, case.need(change)) for change in changes if change is not None]
    return [(change, need) for change, need in judged if need.rank < than]


def _single(case: _Case, sizes: Mapping[str, int]) -> Iterator[_Try | None]:
    yield _close(case)
    yield _shorter(case, None)
    yield _smaller_memory(case)
    yield _lighter(case, None, sizes)


def _double(case: _Case, sizes: Mapping[str, int]) -> Iterator[_Try | None]:
    yield _shorter(case, "q8_0") if _shrinks(case) else None
    yield _lighter(case, SHORTEST_CONTEXT, sizes) if case.now.plan.context > SHORTEST_CONTEXT else None


def _close(case: _Case) -> _Try | None:
    """Close other programs: rounded up to what can be said in two figures, so that what is said is enough."""
    now, room = case.now, case.judge.room
    lacking = now.main_bytes + now.margin_bytes - room.available_bytes
    if lacking <= 0 or now.verdict != "close_apps":
        return None
    most = min(room.at_most_bytes - room.available_bytes, lacking + -lacking % _step(lacking))
    return _Try("close_apps", f"Close other programs that use {text.size(most)} together", close_bytes=most)


def _shorter(case: _Case, kv_type: str | None) -> _Try | None:
    """The longest conversation memory, in steps of a thousand tokens, with the best verdict that a shorter one can reach."""
    lengths = range(SHORTEST_CONTEXT, case.now.plan.context, CONTEXT_STEP)[::-1]

    def change(context: int) -> _Try:
        start = "Keep the conversation memory in a smaller form and shorten it" if kv_type else "Shorten the conversation memory"
        does = f"{start} to {_words(context)}"
        return _Try("smaller_memory+shorter" if kv_type else "shorter", does, context, kv_type)

    return _mildest(case, lengths, change)


def _shrinks(case: _Case) -> bool:
    """Whether conversation memory has a smaller form yet."""
    return case.now.plan.kv_type == "f16" and not case.judge.shape.only_f16


def _smaller_memory(case: _Case) -> _Try | None:
    if not _shrinks(case):
        return None
    return _Try("smaller_memory", "Keep the conversation memory in a smaller form, hardly less exact", kv_type="q8_0")


def _lighter(case: _Case, context: int | None, sizes: Mapping[str, int]) -> _Try | None:
    """The largest lighter version with the best verdict that a lighter one can reach: by name where the versions are known."""
    present = case.judge.shape.weights_bytes
    smaller = sorted(((size, name) for name, size in sizes.items() if size < present), reverse=True)
    if not sizes:
        step = max(1, present // SIZE_STEPS)
        smaller = [(_down(each), "") for each in range(present - step, round(present * LIGHTEST), -step)]

    def change(lighter: tuple[int, str]) -> _Try:
        size_bytes, name = lighter
        start = f"Shorten the conversation memory to {_words(context)} and choose" if context else "Choose"
        version = (
            f"the lighter version {name} ({text.size(size_bytes)})"
            if name
            else f"a lighter version of up to {text.size(size_bytes)}"
        )
        does = f"{start} {version}"
        return _Try("shorter+lighter" if context else "lighter", does, context, None, size_bytes, 0, name or None)

    return _mildest(case, smaller, change)


def _mildest(case: _Case, amounts: Sequence[Amount], change: Callable[[Amount], _Try]) -> _Try | None:
    """The change by the first of amounts, given from mild to strong, that reaches the best verdict the strongest reaches."""
    if not amounts:
        return None
    reach = case.need(change(amounts[-1])).rank
    return change(amounts[bisect_left(amounts, True, key=lambda amount: case.need(change(amount)).rank <= reach)])


def _words(context: int) -> str:
    """So many tokens as people count."""
    return f"about {round(context * text.WORDS_PER_TOKEN, -2):,.0f} words"


def _told(change: _Try, need: Need, now: Need) -> Change:
    then = "" if change.kind == "close_apps" else f"needs {text.size(need.total_bytes)} and "
    return Change(
        kind=change.kind,
        sentence=f"{change.does}: then it {then}{ENDS[need.verdict]}.",
        verdict=need.verdict,
        needed_bytes=need.total_bytes,
        saves_bytes=max(0, now.total_bytes - need.total_bytes),
        context=change.context,
        kv_type=change.kv_type,
        gpu_layers=need.plan.gpu_layers if change.kind == "auto_gpu" else None,
        max_size_bytes=change.size_bytes,
        close_bytes=change.close_bytes,
        variant=change.variant,
    )


def _smaller(judge: Judge, now: Need) -> Change:
    """Nothing helps but another model: one that fits what is free now, or that is read fast enough."""
    if now.verdict == "runs_slowly":
        most = _down(round(judge.shape.weights_bytes * now.tokens_per_s / SLOW_TOKENS_PER_S))
        does = f"Choose a smaller model: one of up to {text.size(most)} writes as fast as one reads here."
        return Change("smaller_model", does, "runs_well", most, max_size_bytes=most)
    room = judge.room
    main = room.available_bytes - max(MARGIN_BYTES, round(room.available_bytes * MARGIN_SHARE))
    pairs = zip(room.gpus, room.gpu_room_bytes, strict=True)
    most = max(0, main) + sum(free for gpu, free in pairs if not gpu.unified)
    does = f"Choose a smaller model: one that needs up to {text.size(most)} in all."
    return Change("smaller_model", does, "runs_well", most)


def _step(size_bytes: int) -> int:
    """The last figure of a size as it is shown."""
    return 100_000_000 if size_bytes > 950_000_000 else 10_000_000


def _down(size_bytes: int) -> int:
    return size_bytes - size_bytes % _step(size_bytes)
