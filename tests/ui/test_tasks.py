"""Tasks: what an iterator gives arrives in the UI thread, once, and cancelling closes it."""

import threading
from collections.abc import Iterator

import pytest
from pytestqt.qtbot import QtBot

from desktop.errors import AlcoveError, Offline
from desktop.ui.tasks import Task, Tasks, once


@pytest.fixture
def tasks(qtbot: QtBot) -> Iterator[Tasks]:
    made = Tasks()
    yield made
    assert made.close()


class Heard:
    """Every signal of a task, in order, with the thread it arrived in."""

    def __init__(self, task: Task) -> None:
        self.all: list[tuple[str, object]] = []
        self.threads: set[threading.Thread] = set()
        task.yielded.connect(lambda item: self._note("yielded", item))
        task.done.connect(lambda result: self._note("done", result))
        task.failed.connect(lambda error: self._note("failed", error))
        task.cancelled.connect(lambda: self._note("cancelled", None))

    def _note(self, name: str, value: object) -> None:
        self.all.append((name, value))
        self.threads.add(threading.current_thread())


def counting(last: int) -> Iterator[int]:
    yield from range(last)
    return "counted"


def endless(closed: threading.Event, step: threading.Event) -> Iterator[int]:
    number = 0
    try:
        while True:
            yield number
            number += 1
            step.wait(0.05)
    finally:
        closed.set()


def test_items_then_the_result_arrive_in_the_ui_thread(qtbot: QtBot, tasks: Tasks) -> None:
    task = tasks.start(counting(3), key="count")
    heard = Heard(task)
    with qtbot.waitSignal(task.over):
        pass
    assert heard.all == [("yielded", 0), ("yielded", 1), ("yielded", 2), ("done", "counted")]
    assert heard.threads == {threading.main_thread()}
    assert tasks.get("count") is None


def test_a_stated_error_fails_the_task(qtbot: QtBot, tasks: Tasks) -> None:
    def failing() -> Iterator[int]:
        yield 1
        raise Offline(host="example.org")

    task = tasks.start(failing(), key="fail")
    heard = Heard(task)
    with qtbot.waitSignal(task.over), qtbot.assertNotEmitted(tasks.crashed):
        pass
    assert [name for name, _ in heard.all] == ["yielded", "failed"]
    assert isinstance(heard.all[1][1], Offline)


def test_a_bug_is_told_to_the_window_and_the_page_sees_a_failure(
    qtbot: QtBot, tasks: Tasks, caplog: pytest.LogCaptureFixture
) -> None:
    def broken() -> int:
        raise ZeroDivisionError

    with qtbot.waitSignal(tasks.crashed) as crashed:
        heard = Heard(tasks.start(once(broken), key="bug"))
    assert isinstance(crashed.args[0], ZeroDivisionError)
    qtbot.waitUntil(lambda: len(heard.all) == 1 + 1)
    assert heard.all[-1][0] == "failed"
    assert type(heard.all[-1][1]) is AlcoveError


def test_cancelling_closes_the_iterator_and_nothing_is_yielded_any_more(qtbot: QtBot, tasks: Tasks) -> None:
    closed, step = threading.Event(), threading.Event()
    task = tasks.start(endless(closed, step), key="endless")
    heard = Heard(task)
    qtbot.waitUntil(lambda: len(heard.all) > 1)
    task.cancel()
    so_far = len(heard.all)
    with qtbot.waitSignal(task.over):
        step.set()
    assert closed.is_set()
    assert heard.all[so_far:] == [("cancelled", None)]


def test_the_same_key_cancels_the_one_before_and_waits_for_it_to_let_go(qtbot: QtBot, tasks: Tasks) -> None:
    closed, step = threading.Event(), threading.Event()
    first = tasks.start(endless(closed, step), key="search")
    heard = Heard(first)
    qtbot.waitUntil(lambda: bool(heard.all))
    second = tasks.start(once(closed.is_set), key="search")
    with qtbot.waitSignal(second.done) as done:
        step.set()
    assert done.args == [True]
    assert heard.all[-1] == ("cancelled", None)


def test_a_result_that_comes_after_the_cancel_is_not_told(qtbot: QtBot, tasks: Tasks) -> None:
    begun, go = threading.Event(), threading.Event()

    def slow() -> str:
        begun.set()
        go.wait(5)
        return "late"

    task = tasks.start(once(slow), key="slow")
    heard = Heard(task)
    assert begun.wait(5)
    task.cancel()
    with qtbot.waitSignal(task.over):
        go.set()
    assert [name for name, _ in heard.all if name != "yielded"] == ["cancelled"]


def test_quitting_cancels_all_and_waits_until_they_have_let_go(qtbot: QtBot) -> None:
    tasks, closed, step = Tasks(), threading.Event(), threading.Event()
    heard = Heard(tasks.start(endless(closed, step), key="endless"))
    qtbot.waitUntil(lambda: bool(heard.all))
    assert tasks.close(5)
    assert closed.is_set()


def test_what_is_started_while_the_window_goes_is_never_told(qtbot: QtBot) -> None:
    tasks = Tasks()
    assert tasks.close()
    late = tasks.start(iter([1, 2]), key="late")
    heard = Heard(late)
    assert late.wait(5)
    qtbot.wait(1)  # let what is queued arrive
    assert heard.all == []
