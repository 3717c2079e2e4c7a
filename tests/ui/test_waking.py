"""The model is awake before the first message, and asleep when nobody writes: the whole window over the real engine."""

import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.computer import Computer
from desktop.hardware import Hardware
from desktop.ui import waking
from desktop.ui.program import Program
from tests.engine import models
from tests.ui.conftest import link

ANSWER = ["An ", "open ", "model.", models.END]
LAST = "reciter"


@pytest.fixture(autouse=True)
def _computer_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    """It was measured at an earlier start, as on most days."""
    monkeypatch.setattr(Computer, "measure_due", False)


def awake(program: Program) -> bool:
    return program.app.running.opened is not None and program.waking._tasks.get(waking.TASK) is None


def type_letters(program: Program, text: str) -> None:
    QTest.keyClicks(program.window.chat.composer.field, text)


def send(program: Program, text: str) -> None:
    type_letters(program, text)
    QTest.keyClick(program.window.chat.composer.field, Qt.Key.Key_Return)


def said(program: Program) -> str:
    answer = program.window.chat.transcript.last_answer()
    return answer.text() if answer is not None else ""


def answered(program: Program) -> bool:
    answer = program.window.chat.transcript.last_answer()
    return answer is not None and answer.message is not None


def test_the_last_model_is_open_before_the_first_message(
    qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path
) -> None:
    link(tmp_path, ANSWER)
    program = open_program()
    qtbot.waitUntil(lambda: awake(program), timeout=30_000)
    assert program.app.running.opened is not None
    assert program.app.running.opened.reference == LAST
    process = psutil.Process().children()
    send(program, "What is an open model?")
    qtbot.waitUntil(lambda: answered(program), timeout=30_000)
    assert psutil.Process().children() == process


def test_a_message_in_the_middle_of_waking_up_goes_on_from_there(
    qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(waking, "PATIENCE_S", 0.0)
    link(tmp_path, list(models.WORDS), layers=60)
    program = open_program()
    chat, shown = program.window.chat, []
    with qtbot.waitSignal(program.waking.progressed, timeout=30_000, check_params_cb=lambda _, fraction: fraction > 0):
        pass
    assert chat.waking.isVisible()
    assert chat.waking.text().startswith("Waking up… ")
    process = psutil.Process().children()
    send(program, "Hello")
    assert not chat.waking.isVisible()  # the transcript tells it now
    task = program.tasks.get("answer")
    assert task is not None
    task.yielded.connect(shown.append)
    qtbot.waitUntil(lambda: "word0" in said(program), timeout=30_000)
    assert psutil.Process().children() == process
    fractions = [step.fraction for step in shown if isinstance(step, waking.Loading)]
    assert fractions[1:] == sorted(fractions[1:])  # the first says that it was asked
    QTest.keyClick(program.window, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: answered(program), timeout=10_000)


def test_nothing_is_woken_where_memory_is_short(
    qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link(tmp_path, ANSWER)
    look = Computer.hardware

    def short(computer: Computer) -> Hardware:
        found = look(computer)
        return replace(found, memory=replace(found.memory, available_bytes=200_000_000))

    monkeypatch.setattr(Computer, "hardware", short)
    program = open_program()
    with qtbot.waitSignal(program.waking.over, timeout=30_000):
        pass
    assert program.app.running.opened is None


def test_a_model_that_is_chosen_is_woken_in_place_of_the_other(
    qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path
) -> None:
    link(tmp_path, ANSWER)
    program = open_program()
    qtbot.waitUntil(lambda: awake(program), timeout=30_000)
    program.window.chat.chooser.chosen.emit("guide")
    qtbot.waitUntil(lambda: awake(program) and program.app.running.opened.reference == "guide", timeout=30_000)  # type: ignore[union-attr]


def test_a_message_to_another_model_goes_before_waking_up(
    qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path
) -> None:
    link(tmp_path, list(models.WORDS), layers=60)
    program = open_program()
    with qtbot.waitSignal(program.advice.settled, timeout=30_000):
        pass
    program.window.chat.use_model("guide")  # as an older conversation with it does
    send(program, "What is an open-weight model?")
    qtbot.waitUntil(lambda: answered(program), timeout=30_000)
    assert awake(program)
    assert program.app.running.opened is not None
    assert program.app.running.opened.reference == "guide"


def test_when_nobody_writes_the_model_sleeps_and_the_first_letter_wakes_it(
    qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path
) -> None:
    link(tmp_path, ANSWER)
    program = open_program()
    panel = program.window.panel
    qtbot.waitUntil(lambda: awake(program), timeout=30_000)
    program.waking.look()
    assert awake(program)
    assert panel._asleep.isHidden()
    program.waking._used_s = time.monotonic() - 30 * 60
    with qtbot.waitSignals([program.waking.slept, program.advice.described], timeout=10_000):
        program.waking.look()
    assert psutil.Process().children() == []
    qtbot.waitUntil(lambda: not panel._asleep.isHidden())
    type_letters(program, "W")
    qtbot.waitUntil(lambda: awake(program), timeout=30_000)
    qtbot.waitUntil(panel._asleep.isHidden)


def test_never_is_never_unless_memory_is_short(
    qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link(tmp_path, ANSWER)
    program = open_program()
    program.app.settings.sleep_after_min = 0
    qtbot.waitUntil(lambda: awake(program), timeout=30_000)
    program.waking._used_s = time.monotonic() - 24 * 60 * 60
    program.waking.look()
    assert awake(program)
    monkeypatch.setattr(Computer, "memory_is_short", True)
    with qtbot.waitSignal(program.waking.slept, timeout=10_000):
        program.waking.look()


def test_an_answer_is_never_put_to_sleep(qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path) -> None:
    link(tmp_path, list(models.WORDS), layers=40)
    program = open_program()
    send(program, "Tell me more")
    qtbot.waitUntil(lambda: "word1" in said(program), timeout=30_000)
    program.waking._used_s = time.monotonic() - 24 * 60 * 60
    program.waking.look()
    program.waking.sleep()
    assert program.tasks.get(waking.TASK) is None
    QTest.keyClick(program.window, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: answered(program), timeout=10_000)
    assert program.app.running.opened is not None


def test_a_model_that_is_removed_is_not_held(qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path) -> None:
    link(tmp_path, ANSWER)
    program = open_program()
    qtbot.waitUntil(lambda: awake(program), timeout=30_000)
    model = program.app.library.get(LAST)
    assert model is not None
    with qtbot.waitSignal(program.waking.slept, timeout=10_000):
        program._remove(model)
    assert program.app.running.opened is None
