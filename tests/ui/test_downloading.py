"""The queue at work: one download at a time, in the order of the queue, whatever comes in between."""

import threading
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop.downloads import Downloads
from desktop.errors import AlcoveError, Gated, Offline, Unreachable
from desktop.library import LocalModel
from desktop.transfer import Progress
from desktop.ui.downloading import METERED, OFFLINE, Downloading
from desktop.ui.tasks import Tasks

LOCAL = LocalModel("x", Path("x"), "x", 100, "own")


class Line:
    """A network of one's own: each download goes on until it is let go, fails as told, and notes what happened to it."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.finish: dict[str, threading.Event] = {}
        self.errors: dict[str, AlcoveError] = {}

    def get(self, reference: str) -> Generator[Progress, None, LocalModel]:
        self.log.append(f"+{reference}")
        end = self.finish.setdefault(reference, threading.Event())
        try:
            yield Progress(0, 0, 0.0, None, stage="ask")
            if reference in self.errors:
                raise self.errors[reference]
            while not end.wait(0.01):
                yield Progress(10, 100, 1e6, 1.0)
        except GeneratorExit:
            self.log.append(f"-{reference}")
            raise
        return LOCAL


@pytest.fixture
def line() -> Line:
    return Line()


@pytest.fixture
def held() -> list[str]:
    return [""]


@pytest.fixture
def downloading(tmp_path: Path, line: Line, held: list[str]) -> Iterator[Downloading]:
    tasks = Tasks()
    yield Downloading(tasks, line.get, Downloads(tmp_path / "downloads.json"), lambda: held[0])
    assert tasks.close()


def runs(downloading: Downloading, reference: str, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: downloading.running == reference and downloading.progress(reference) is not None)


def test_one_at_a_time_in_the_order_of_the_queue(downloading: Downloading, line: Line, qtbot: QtBot) -> None:
    for reference in "abc":
        downloading.start(reference)
    runs(downloading, "a", qtbot)
    assert (line.log, downloading.active, downloading.fraction()) == (["+a"], ("a", "b", "c"), 0.1)
    line.finish["a"].set()
    runs(downloading, "b", qtbot)
    assert line.log == ["+a", "+b"]
    assert downloading.active == ("b", "c")


def test_those_that_wait_are_told(downloading: Downloading, qtbot: QtBot) -> None:
    told: list[str] = []
    downloading.progressed.connect(lambda reference, progress: told.append(f"{reference} {progress.stage}"))
    downloading.start("a")
    downloading.start("b")
    assert told == ["a queue", "b queue"]


def test_the_one_that_is_put_first_runs_and_the_other_waits_for_it(downloading: Downloading, line: Line, qtbot: QtBot) -> None:
    for reference in "ab":
        downloading.start(reference)
    runs(downloading, "a", qtbot)
    with qtbot.assertNotEmitted(downloading.cancelled):
        downloading.move("b", 0)
        runs(downloading, "b", qtbot)
    assert line.log == ["+a", "-a", "+b"]
    line.finish["b"].set()
    runs(downloading, "a", qtbot)


def test_a_paused_one_makes_way_and_comes_last_when_it_is_resumed(downloading: Downloading, line: Line, qtbot: QtBot) -> None:
    for reference in "abc":
        downloading.start(reference)
    runs(downloading, "a", qtbot)
    with qtbot.waitSignal(downloading.cancelled) as cancelled:
        downloading.cancel("a")
    assert cancelled.args == ["a"]
    runs(downloading, "b", qtbot)
    assert [each.state for each in downloading.queue.list()] == ["paused", "waiting", "waiting"]
    downloading.start("a")
    assert downloading.active == ("b", "c", "a")
    assert line.log == ["+a", "-a", "+b"]


def test_what_had_not_begun_is_forgotten_when_it_is_cancelled(downloading: Downloading, line: Line, qtbot: QtBot) -> None:
    downloading.start("a")
    downloading.start("b")
    with qtbot.waitSignal(downloading.cancelled) as cancelled:
        downloading.cancel("b")
    assert cancelled.args == ["b"]
    assert [each.reference for each in downloading.queue.list()] == ["a"]


def test_paused_and_resumed_before_it_let_go(downloading: Downloading, line: Line, qtbot: QtBot) -> None:
    downloading.start("a")
    runs(downloading, "a", qtbot)
    downloading.cancel("a")
    downloading.start("a")
    qtbot.waitUntil(lambda: line.log == ["+a", "-a", "+a"])
    runs(downloading, "a", qtbot)


def test_pause_all_and_resume_all(downloading: Downloading, line: Line, qtbot: QtBot) -> None:
    for reference in "ab":
        downloading.start(reference)
    runs(downloading, "a", qtbot)
    downloading.pause_all()
    qtbot.waitUntil(lambda: not downloading.running)
    assert (line.log, downloading.active, downloading.fraction()) == (["+a", "-a"], (), None)
    downloading.resume_all()
    assert downloading.active == ("a", "b")
    runs(downloading, "a", qtbot)


def test_one_that_fails_makes_way(downloading: Downloading, line: Line, qtbot: QtBot) -> None:
    line.errors["a"] = Unreachable(host="h", why="x")
    with qtbot.waitSignal(downloading.failed):
        downloading.start("a")
        downloading.start("b")
    runs(downloading, "b", qtbot)
    assert [each.state for each in downloading.queue.list()] == ["failed", "waiting"]
    downloading.try_again(Gated)
    assert downloading.active == ("b",), "nothing has changed about the one that failed"


def test_after_the_token_a_gated_one_goes_on_by_itself(downloading: Downloading, line: Line, qtbot: QtBot) -> None:
    line.errors["a"] = Gated(repo="r", page="p")
    with qtbot.waitSignal(downloading.failed):
        downloading.start("a")
    del line.errors["a"]
    downloading.try_again(Gated)
    runs(downloading, "a", qtbot)


def test_the_next_start_goes_on_with_what_ran(downloading: Downloading, line: Line, tmp_path: Path, qtbot: QtBot) -> None:
    for reference in "ab":
        downloading.start(reference)
    runs(downloading, "a", qtbot)
    downloading.cancel("b")
    downloading.start("c")
    downloading._tasks.close()  # as at quit
    tasks, later = Tasks(), Line()
    again = Downloading(tasks, later.get, Downloads(tmp_path / "downloads.json"))
    told: list[str] = []
    again.progressed.connect(lambda reference, progress: told.append(f"{reference} {progress.stage}"))
    again.begin()
    runs(again, "a", qtbot)
    assert told[:2] == ["a queue", "c queue"]
    assert tasks.close()


def test_offline_nothing_starts_by_itself_and_all_goes_on_afterwards(
    downloading: Downloading, line: Line, held: list[str], qtbot: QtBot
) -> None:
    downloading.start("a")
    downloading.start("b")
    runs(downloading, "a", qtbot)
    held[0] = OFFLINE
    downloading.go_on()
    qtbot.waitUntil(lambda: not downloading.running)
    assert downloading.active == ("a", "b")
    line.errors["a"] = Offline(host="h")
    with qtbot.waitSignal(downloading.failed):  # who asks is told
        downloading.start("c")
    assert not downloading.running
    assert line.log == ["+a", "-a", "+a"]
    held[0] = ""
    del line.errors["a"]
    downloading.try_again(Offline)
    assert downloading.active == ("b", "c", "a")
    runs(downloading, "b", qtbot)


def test_on_a_metered_connection_it_waits_even_when_it_is_asked_for(
    downloading: Downloading, line: Line, held: list[str], qtbot: QtBot
) -> None:
    held[0] = METERED
    downloading.start("a")
    assert (downloading.running, downloading.active) == ("", ("a",))
    held[0] = ""
    downloading.go_on()
    runs(downloading, "a", qtbot)
