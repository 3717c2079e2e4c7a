"""Whatever happens to the engine's process, the window lives, says it in a sentence with the next step, and goes on."""

import signal
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.app import App
from desktop.engine import process
from desktop.engine.crashes import MOST
from desktop.ui.notice import Notice
from desktop.ui.program import Program
from tests.engine import models
from tests.ui.conftest import link
from tests.ui.test_window import last_answer, type_message

LONG_S = 30_000  # ms, on a busy machine


@pytest.fixture
def program(qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path) -> Program:
    """With a model that never stops by itself, takes a moment to open, and a smaller one."""
    link(tmp_path, list(models.WORDS), layers=12, width=512)
    app = App.open(tmp_path / "home")
    app.library.link(models.write(tmp_path / "little.gguf", ["Here", " I", " am.", models.END]))
    app.settings.last_model = "reciter"
    app.save_settings()
    app.close()
    opened = open_program()
    qtbot.waitUntil(lambda: opened.advice.hardware is not None, timeout=LONG_S)
    opened.advice.stop_measuring()
    return opened


def worker(program: Program) -> psutil.Process:
    assert program.app.engine._worker is not None
    return psutil.Process(program.app.engine._worker.pid)


def writing(qtbot: QtBot, program: Program) -> None:
    qtbot.waitUntil(lambda: "word1" in last_answer(program).text(), timeout=LONG_S)


def noticed(qtbot: QtBot, program: Program) -> Notice:
    """What the window says when the answer has ended."""
    qtbot.waitUntil(lambda: program.window.chat._live is None, timeout=LONG_S)
    notice = last_answer(program).notice
    assert notice is not None
    return notice


def stop(qtbot: QtBot, program: Program) -> None:
    program.window.chat.stop()
    qtbot.waitUntil(lambda: program.window.chat._live is None, timeout=LONG_S)


def test_killed_while_it_opens_the_model(qtbot: QtBot, program: Program) -> None:
    type_message(program, "Are you there?")
    qtbot.waitUntil(lambda: program.app.engine._worker is not None, timeout=LONG_S)
    worker(program).kill()
    notice = noticed(qtbot, program)
    assert notice.title.text() == "The engine stopped by itself"
    QTest.mouseClick(notice.button, Qt.MouseButton.LeftButton)
    writing(qtbot, program)
    stop(qtbot, program)


def test_killed_between_two_messages(qtbot: QtBot, program: Program) -> None:
    type_message(program, "Are you there?")
    writing(qtbot, program)
    stop(qtbot, program)
    worker(program).kill()
    psutil.wait_procs([worker(program)], timeout=5)
    type_message(program, "And now?")
    writing(qtbot, program)
    stop(qtbot, program)
    questions = [m.text for m in program.app.conversations.messages(program.window.chat.conversation_id or 0) if m.role == "user"]
    assert questions == ["Are you there?", "And now?"]


def test_hung_in_mid_answer(qtbot: QtBot, program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    type_message(program, "Are you there?")
    writing(qtbot, program)
    monkeypatch.setattr(process, "STILL_S", 3 * process.TICK_S)
    worker(program).suspend()
    notice = noticed(qtbot, program)
    assert notice.title.text() == "The engine had stopped answering"
    assert last_answer(program).text().startswith("word0 word1")
    monkeypatch.undo()
    QTest.mouseClick(notice.button, Qt.MouseButton.LeftButton)
    writing(qtbot, program)
    stop(qtbot, program)


def test_again_and_again_until_a_smaller_model_is_offered(qtbot: QtBot, program: Program) -> None:
    type_message(program, "Are you there?")
    for _ in range(MOST):
        writing(qtbot, program)
        kept = last_answer(program).text
        worker(program).send_signal(signal.SIGSEGV)
        notice = noticed(qtbot, program)
        assert kept().startswith("word0 word1")
        if notice.title.text() == "The engine stopped by itself":
            QTest.mouseClick(notice.button, Qt.MouseButton.LeftButton)
    assert notice.title.text() == "The engine keeps stopping with this model"
    assert "“little” is smaller, and it is on this computer." in notice.sentence.text()
    type_message(program, "And now?")
    notice = noticed(qtbot, program)  # it is not even started
    assert notice.title.text() == "The engine keeps stopping with this model"
    QTest.mouseClick(notice.others[0], Qt.MouseButton.LeftButton)  # try it all the same
    writing(qtbot, program)
    for _ in range(MOST):
        writing(qtbot, program)
        worker(program).kill()
        notice = noticed(qtbot, program)
        if notice.title.text() == "The engine stopped by itself":
            QTest.mouseClick(notice.button, Qt.MouseButton.LeftButton)
    assert notice.button.text() == "Go on with little"
    QTest.mouseClick(notice.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: last_answer(program).message is not None, timeout=LONG_S)
    assert last_answer(program).text() == "Here I am."
    assert program.window.chat.reference == "little"
