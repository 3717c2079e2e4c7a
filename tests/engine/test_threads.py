"""engine.threads: which numbers of threads are tried, what is learnt from a trial, and how others make it fewer."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from desktop.engine import ChatOptions, LoadOptions, Message, threads
from desktop.engine.local import LocalEngine
from desktop.engine.threads import AGAIN_S, SLOW_IN_A_ROW, TRIED, Counts, Others, Pace, Search, Threads, counts
from desktop.hardware import Cpu
from tests.engine import models
from tests.engine.test_local import run

LAPTOP = Cpu("Test", 8, 16)
HYBRID = Cpu("Test", 14, 20, fast_cores=6)


def settle(search: Search, seconds: Callable[[int], float]) -> list[int]:
    """Work until nothing is left to be tried, at these speeds; the counts that were tried."""
    tried = []
    while not search.done:
        tried.append(search.count)
        search.note(seconds(search.count))
    return tried


def test_what_is_tried_depends_on_the_processor() -> None:
    assert counts(LAPTOP, None) == Counts((1, 2, 4, 6, 8), (8,), 8)
    assert counts(HYBRID, None) == Counts((1, 3, 4, 6, 14), (6, 14), 6)
    assert counts(Cpu("Test", 2, 2), None) == Counts((1, 2), (2,), 2)
    assert counts(Cpu("Test", 1, 2), None) == Counts((1,), (1,), 1)


def test_what_a_person_chose_is_not_tried_but_taken() -> None:
    assert counts(LAPTOP, 3) == Counts((3,), (3,), 3)
    assert counts(LAPTOP, 10_000).writing == (16,)


def test_the_fastest_is_found_and_what_lies_beyond_it_is_not_tried() -> None:
    search = Search((1, 2, 4, 6, 8), 8, 0.0)
    tried = settle(search, lambda count: {8: 1.2, 6: 1.0, 4: 1.1}[count])  # the memory is the limit
    assert search.count == 6
    assert tried == [8] * TRIED + [6] * TRIED + [4] * TRIED


def test_slow_cores_that_help_are_found_from_the_fast_ones() -> None:
    search = Search((1, 3, 4, 6, 14), 6, 0.0)
    settle(search, lambda count: 1 / count)
    assert search.count == 14


def test_fewer_threads_are_preferred_where_more_bring_nothing() -> None:
    def flat(count: int) -> float:
        return 1.0 if count > 4 else 1.05 if count > 1 else 4.0

    plugged, unplugged = Search((1, 2, 4, 6, 8), 8, 0.0), Search((1, 2, 4, 6, 8), 8, 0.0, threads.AS_FAST_ON_BATTERY)
    settle(plugged, flat)
    settle(unplugged, flat)
    assert (plugged.count, unplugged.count) == (6, 2)


def test_one_hiccup_does_not_decide() -> None:
    search = Search((1, 2), 2, 0.0)
    for seconds in (9.0, 1.0, 1.0):
        search.note(seconds)
    for _ in range(TRIED):
        search.note(1.5)
    assert search.count == 2


def test_what_is_far_slower_costs_one_token_only() -> None:
    search = Search((1, 2), 2, 0.0)
    for seconds in (1.0,) * TRIED:
        search.note(seconds)
    assert search.count == 1
    search.note(1.9)
    assert (search.count, search.done) == (2, True)


def test_it_is_tried_again_when_the_pace_falls_and_after_a_while() -> None:
    search = Search((1, 2), 2, 0.0)
    settle(search, lambda count: 1 / count)
    for _ in range(SLOW_IN_A_ROW):
        assert not search.stale(1.0)
        search.note(0.9)
    assert search.stale(1.0)
    fresh = Search((1, 2), 2, 0.0)
    assert fresh.stale(AGAIN_S + 1)


def test_a_conversation_that_grows_is_no_reason_to_try_again() -> None:
    search = Search((1, 2), 2, 0.0)
    settle(search, lambda count: 1 / count)
    for step in range(1000):
        search.note(0.5 + step / 500)
    assert not search.stale(1.0)


def test_each_number_of_free_cores_has_its_own_best_and_remembers_it() -> None:
    pace = Pace((1, 2, 4, 6, 8), 8, 0.0)
    assert pace.count(8, 0.0) == 8
    settle(pace.current, lambda count: 1 / count)
    assert pace.count(7, 1.0) == 7  # between the steps of the ladder
    assert pace.count(3, 1.0) == 3
    assert pace.count(-2, 1.0) == 1
    assert pace.count(8, 1.0) == 8
    assert pace.current.done


def test_others_are_what_the_computer_does_beside_us() -> None:
    others = Others(0.0, 100.0, 10.0)
    others.look(1.0, 102.0, 11.0)
    assert others.cores == 1
    others.look(2.0, 103.5, 12.0)  # half a core less is no change yet
    assert others.cores == 1
    others.look(3.0, 104.6, 13.0)
    assert others.cores == 0
    others.look(4.0, 104.5, 13.1)  # clocks that are not read at the same moment
    assert others.cores == 0


def test_threads_follow_what_others_take(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clocks are set by hand: one second of the wall, so many of the cores."""
    clocks = {"wall": 0.0, "busy": 0.0, "own": 0.0}
    monkeypatch.setattr(threads.time, "perf_counter", lambda: clocks["wall"])
    monkeypatch.setattr(threads.time, "process_time", lambda: clocks["own"])
    monkeypatch.setattr(threads.cpu, "busy_s", lambda: clocks["busy"])

    def pass_second(others: float) -> None:
        clocks["wall"] += 1.0
        clocks["own"] += 4.0
        clocks["busy"] += 4.0 + others

    used: list[tuple[int, int]] = []
    at_work = Threads(Counts((1, 2, 4, 8), (8,), 8), lambda write, read: used.append((write, read)))
    for others in (0.0, 0.0, 3.0, 3.1, 9.0, 0.1):
        pass_second(others)
        at_work.after(0, 1.0)
        at_work.before()
    assert used == [(8, 8), (5, 5), (1, 1), (8, 8)]
    chosen = Threads(Counts((8,), (8,), 8), lambda write, read: used.append((write, read)))
    pass_second(9.0)
    chosen.before()
    assert used[-1] == (8, 8)
    assert chosen.settled


@pytest.mark.parametrize("tells", [True, False])
def test_what_others_did_while_nothing_was_computed_is_made_sure_of(monkeypatch: pytest.MonkeyPatch, tells: bool) -> None:
    clocks = {"wall": 0.0, "busy": 0.0, "others": 0.0}

    def sleep(seconds: float) -> None:
        clocks["wall"] += seconds
        clocks["busy"] += seconds * clocks["others"]

    monkeypatch.setattr(threads.time, "perf_counter", lambda: clocks["wall"])
    monkeypatch.setattr(threads.time, "process_time", lambda: 0.0)
    monkeypatch.setattr(threads.time, "sleep", sleep)
    monkeypatch.setattr(threads.cpu, "busy_s", lambda: clocks["busy"])
    monkeypatch.setattr(threads.cpu, "running", lambda: 1 + int(clocks["others"]) if tells else None)
    used: list[tuple[int, int]] = []
    at_work = Threads(Counts((1, 2, 4), (4,), 4), lambda write, read: used.append((write, read)))
    for clocks["others"], wanted in ((0.0, 4), (3.0, 1)):
        clocks["wall"] += 60.0
        clocks["busy"] += 180.0  # three cores, for the last minute
        at_work.before()
        assert used[-1] == (wanted, wanted)


def test_llama_cpp_is_told_to_stop_without_python() -> None:
    program = (
        "import ctypes; from desktop.engine.llama import stop_callback\n"
        "stop = ctypes.c_int(0); ask, of_what = stop_callback(stop)\n"
        "asked = [ask(of_what)]; stop.value = True; print(*asked, ask(of_what))"
    )
    told = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["False", "True"]


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many processes that do nothing, as fast as they can."""
    spinning = [subprocess.Popen([sys.executable, "-S", "-c", "while True: pass"]) for _ in range(count)]
    try:
        yield
    finally:
        for process in spinning:
            process.kill()
            process.wait()


@pytest.mark.skipif((psutil.cpu_count() or 1) < 2, reason="one core has one thread at any time")
def test_a_busy_computer_gets_fewer_threads(engine: LocalEngine, tmp_path: Path) -> None:
    path = models.write(tmp_path / "endless.gguf", models.WORDS, layers=8)
    with busy(psutil.cpu_count() or 1):
        assert run(engine.load(LoadOptions(path)))[1].threads >= 1
        reply = run(engine.chat([Message("user", "Hello")], ChatOptions(max_tokens=400)))[1]
    assert reply.threads == 1


def test_a_chosen_number_stays(engine: LocalEngine, tmp_path: Path) -> None:
    path = models.write(tmp_path / "endless.gguf", models.WORDS)
    assert run(engine.load(LoadOptions(path, threads=1)))[1].threads == 1
    most = psutil.cpu_count() or 1
    assert run(engine.bench(prompt_tokens=40, tokens=2, repeats=1, threads=10_000))[1].threads == most
    assert run(engine.bench(prompt_tokens=40, tokens=2, repeats=1))[1].threads == 1
