"""How many threads compute: as many as are fastest, and never more than other programs leave cores for.

A step of a computation ends when its last thread has ended. One that has to share its core makes all others wait, and they wait
by spinning: with as many threads as cores and one busy program beside them, llama.cpp writes at a tenth of the speed of one
thread. So what other programs take is looked at four times a second, and the count follows at once. Among the counts that are
left the fastest is found by trying them: at load in a moment, later in the work itself.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

import psutil

from desktop.hardware import Cpu, cpu

LOOK_S = 0.25  # so often it is looked at what other programs take
PAUSE_S = 0.1  # after so long without work, what others took meanwhile says little about now ...
BLINKS, BLINK_S = 3, 0.001  # ... and is made sure of: who computes is found running each time,
GLANCE_S = 0.03  # which takes longer to find out where the system does not tell who runs
NOTABLE = 0.65  # cores that others must have begun or ceased to take for it to count
AGAIN_S = 120.0  # what was found is then tried again: a computer also becomes hot, or is unplugged
SLOW, SLOW_IN_A_ROW = 1.5, 4  # so many times what was expected, so often: it is tried again at once
HOPELESS = 1.25  # so much slower than the best, one piece of work is trial enough
TRIED = 3  # pieces of work for a trial, of which the fastest counts, since what disturbs only ever makes it slower
LEAST_READ = 32  # tokens: to read fewer at once costs each of them more
AS_FAST, AS_FAST_ON_BATTERY = 1.01, 1.1  # so much slower, fewer threads are preferred


@dataclass(frozen=True)
class Counts:
    """Numbers of threads that are worth a trial, in rising order, and the one that is likely the best."""

    writing: tuple[int, ...]
    reading: tuple[int, ...]
    likely: int


def counts(processor: Cpu, wanted: int | None) -> Counts:
    """The numbers of threads to try on this processor; only one where a person has chosen it.

    A second thread on a core brings nothing. Writing waits for the memory more than for the cores, so that fewer than all may be
    as fast; reading keeps all busy. Of two kinds of cores the slow ones may hold up the fast.
    """
    most = max(1, processor.physical_cores)
    fast = processor.fast_cores or most
    if wanted:
        most = fast = min(wanted, max(1, processor.logical_cores))
        return Counts((most,), (most,), most)
    fewer = {max(1, fast * part // 4) for part in (1, 2, 3)} | {1}
    return Counts(tuple(sorted({most, fast} | fewer)), tuple(sorted({most, fast})), fast)


class Others:
    """How many cores other programs keep busy: what the computer has worked, less what this process has."""

    def __init__(self, now: float, busy_s: float, own_s: float) -> None:
        self.cores = 0
        self._last = now, busy_s, own_s

    def look(self, now: float, busy_s: float, own_s: float) -> None:
        """Take note of three clocks: of the wall, of all cores together, of this process."""
        wall, busy, own = (new - old for new, old in zip((now, busy_s, own_s), self._last, strict=True))
        self._last = now, busy_s, own_s
        taken = max(0.0, busy - own) / wall
        if abs(taken - self.cores) >= NOTABLE:
            self.cores = round(taken)


class Search:
    """The fastest of several counts, each tried as it comes; fewer threads are preferred where that hardly costs anything."""

    def __init__(self, tries: tuple[int, ...], start: int, now: float, as_fast: float = AS_FAST) -> None:
        self._counts, self._started, self._as_fast = tries, now, as_fast
        self._trials: dict[int, list[float]] = {count: [] for count in tries}
        self._expected = 0.0  # seconds, once all is known
        self._slow = 0
        self.count = max((count for count in tries if count <= start), default=tries[0])

    @property
    def done(self) -> bool:
        """Whether nothing is left to be tried."""
        return self._next() is None

    def stale(self, now: float) -> bool:
        """Whether what was found may no longer be true."""
        return len(self._counts) > 1 and (self._slow >= SLOW_IN_A_ROW or now - self._started > AGAIN_S)

    def note(self, seconds: float) -> None:
        """A piece of work was done with `count` threads in this time; `count` may change."""
        if len(self._counts) == 1:
            return
        if self._expected:
            self._slow = self._slow + 1 if seconds > SLOW * self._expected else 0
            self._expected += (min(seconds, SLOW * self._expected) - self._expected) / 16  # it grows with the conversation
            return
        trial = self._trials[self.count]
        trial.append(seconds)
        if self._hopeless(seconds):
            trial += [seconds] * TRIED
        if len(trial) < TRIED:
            return
        following = self._next()
        self.count = self._best() if following is None else following
        if following is None:
            self._expected = min(self._trials[self.count])

    def _known(self) -> dict[int, float]:
        """Seconds of each count that was tried."""
        return {count: min(trial) for count, trial in self._trials.items() if len(trial) >= TRIED}

    def _hopeless(self, seconds: float) -> bool:
        return seconds > HOPELESS * min(self._known().values(), default=seconds)

    def _best(self) -> int:
        """The lowest count that is about as fast as the fastest."""
        known = self._known()
        fastest = min(known.values())
        return min(count for count, seconds in known.items() if seconds <= fastest * self._as_fast)

    def _next(self) -> int | None:
        """The count to try: the first, then the neighbours of the best, the lower one first; None when all is known."""
        if len(self._counts) == 1:
            return None
        if len(self._trials[self.count]) < TRIED:
            return self.count
        at = self._counts.index(self._best())
        beside = (*self._counts[max(0, at - 1) : at], *self._counts[at + 1 : at + 2])
        return next((count for count in beside if len(self._trials[count]) < TRIED), None)


class Pace:
    """One kind of work, reading or writing: what was found is remembered for each number of cores that others leave free."""

    def __init__(self, tries: tuple[int, ...], likely: int, now: float) -> None:
        self._tries, self._likely = tries, likely
        self._searches: dict[int, Search] = {}
        self.current = self._search(tries[-1], now)

    def count(self, free: int, now: float) -> int:
        """How many threads are to work while so many cores are free."""
        self.current = self._search(max(1, min(free, self._tries[-1])), now)
        return self.current.count

    def _search(self, most: int, now: float) -> Search:
        known = self._searches.get(most)
        if known is None or known.stale(now):
            tries = tuple(sorted({count for count in self._tries if count < most} | {most}))
            start = known.count if known else self._likely
            known = self._searches[most] = Search(tries, start, now, AS_FAST_ON_BATTERY if _on_battery() else AS_FAST)
        return known


def _on_battery() -> bool:
    with suppress(OSError, AttributeError, psutil.Error):  # not every system tells
        battery = psutil.sensors_battery()
        return battery is not None and battery.power_plugged is False
    return False


class Threads:
    """Sets the number of threads before each computation (`use` takes those for writing and for reading) and learns from it."""

    def __init__(self, tries: Counts, use: Callable[[int, int], None]) -> None:
        self._looked = self._ended = now = time.perf_counter()
        self._writing, self._reading = Pace(tries.writing, tries.likely, now), Pace(tries.reading, tries.reading[-1], now)
        self._chosen, self._most = len(tries.writing) == 1, tries.writing[-1]
        self._use, self._used = use, (0, 0)
        self.others = Others(now, cpu.busy_s(), time.process_time())

    @property
    def writing(self) -> int:
        """The number of threads that write."""
        return self._writing.current.count

    @property
    def settled(self) -> bool:
        """Whether the best number of threads for writing has been found."""
        return self._writing.current.done

    def before(self) -> None:
        """Something is computed next: see to it that it is with the right number of threads."""
        now = time.perf_counter()
        if not self._chosen and now - self._looked >= LOOK_S:
            self.others.look(now, cpu.busy_s(), time.process_time())
            if self.others.cores and now - self._ended > PAUSE_S:  # they worked while we did not; do they still?
                now = self._make_sure()
            self._looked = now
        free = self._most - self.others.cores
        wanted = self._writing.count(free, now), self._reading.count(free, now)
        if wanted != self._used:
            self._used = wanted
            self._use(*wanted)

    def _make_sure(self) -> float:
        """Look at what others do now; returns the time."""
        for _ in range(BLINKS):
            if cpu.running() == 1:
                self.others.cores = 0
                return time.perf_counter()
            time.sleep(BLINK_S)
        time.sleep(GLANCE_S)
        now = time.perf_counter()
        self.others.look(now, cpu.busy_s(), time.process_time())
        return now

    def after(self, tokens: int, seconds: float) -> None:
        """So many tokens took so long, until now."""
        self._ended = time.perf_counter()
        if tokens == 1:
            self._writing.current.note(seconds)
        elif tokens >= LEAST_READ:
            self._reading.current.note(seconds / tokens)
