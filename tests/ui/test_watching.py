"""The organisation changes its rules while the window is open: they hold for it too, and it says so."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop import policy
from desktop.app import App
from desktop.ui import watching
from desktop.ui.locking import Strip
from desktop.ui.notice import Notice
from desktop.ui.program import Program
from tests import gguf_files

REASON = "Legal has not read it yet."
DENIED = {"models": {"deny": [{"licence": "llama*", "reason": REASON}]}}
CHANGED = "Your organisation has changed its rules. Some of them hold only after a new start of Alcove."


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The file of the organisation's, which is not there yet."""
    monkeypatch.setattr(policy, "POLICY", tmp_path / "etc")
    monkeypatch.setattr(watching, "AGAIN_MS", 0)
    (tmp_path / "etc").mkdir()
    return tmp_path / "etc" / "policy.json"


@pytest.fixture
def program(rules: Path, tmp_path: Path, open_program: Callable[[], Program]) -> Program:
    """The window with a model that is allowed at its start."""
    app = App.open(tmp_path / "home")
    app.library.link(gguf_files.llama(tmp_path / "tuned.gguf", metadata={"general.license": "llama3.1"}))
    app.close()
    return open_program()


def strips(program: Program) -> list[str]:
    return [strip.words.text() for strip in program.window.findChildren(Strip)]


def look(program: Program, qtbot: QtBot) -> None:
    with qtbot.waitSignal(program.watching.changed, timeout=20_000):
        program.watching.look()


def test_a_stricter_rule_holds_for_the_open_window(program: Program, rules: Path, qtbot: QtBot) -> None:
    rules.write_text(json.dumps({**DENIED, "locked": {"offline": True}, "pictures": False, "banner": "Internal use only."}))
    look(program, qtbot)
    assert strips(program) == [CHANGED, "Internal use only."]
    assert program.window.sidebar.privacy.text() == "Offline by your organisation"
    assert not program.window.chat.composer.attach_button.isVisible()
    program.chat_with("tuned")
    chat = program.window.chat
    chat.say("Hello")
    qtbot.waitUntil(lambda: any(REASON in notice.sentence.text() for notice in chat.findChildren(Notice)), timeout=20_000)
    assert program.app.running.opened is None
    rules.unlink()
    look(program, qtbot)
    assert strips(program) == []  # as at the start
    assert not program.app.network.offline


def test_rules_that_are_just_being_written_change_nothing(program: Program, rules: Path, qtbot: QtBot) -> None:
    program.watching.changed.connect(lambda: pytest.fail("what was read once is not enough"))
    for half in ("{", '{"banner": tru }'):
        rules.write_text(half)
        program.watching._on_read(policy.read())
    rules.unlink()
    program.watching._on_read(policy.read())
    assert not program.app.policy.broken


def test_rules_that_can_be_read_no_more_allow_nothing_and_come_back(program: Program, rules: Path, qtbot: QtBot) -> None:
    rules.write_text("{")
    look(program, qtbot)
    assert len(strips(program)) == 1
    assert "cannot be read, so Alcove stays offline" in strips(program)[0]
    assert program.app.network.offline
    rules.write_text("{}")
    look(program, qtbot)
    assert strips(program) == [CHANGED]
    assert not program.app.network.offline


def test_whoever_comes_back_to_the_window_has_the_rules_looked_at(
    program: Program, rules: Path, qtbot: QtBot, qapp: QApplication
) -> None:
    rules.write_text('{"banner": "Internal use only."}')
    qapp.applicationStateChanged.emit(Qt.ApplicationState.ApplicationActive)
    assert program.tasks.get(watching.TASK) is None  # it was looked at just now
    program.watching._looked_s -= watching.RECENT_S
    with qtbot.waitSignal(program.watching.changed, timeout=20_000):
        qapp.applicationStateChanged.emit(Qt.ApplicationState.ApplicationActive)
    assert "Internal use only." in strips(program)


def test_they_are_looked_at_now_and_then(program: Program, rules: Path, qtbot: QtBot) -> None:
    assert program.watching.timer.isActive()
    assert program.watching.timer.interval() <= 600_000
    rules.write_text('{"banner": "Internal use only."}')
    with qtbot.waitSignal(program.watching.changed, timeout=20_000):
        program.watching.timer.timeout.emit()


def test_one_click_starts_the_window_again(program: Program, rules: Path, qtbot: QtBot) -> None:
    rules.write_text("{}")
    look(program, qtbot)
    (strip,) = program.window.findChildren(Strip)
    assert strip.button.focusPolicy() & Qt.FocusPolicy.TabFocus
    qtbot.mouseClick(strip.button, Qt.MouseButton.LeftButton)
    assert program.starts_again
    assert not program.window.isVisible()


STARTED = """
import sys
from pathlib import Path
from PySide6.QtCore import QLockFile, QProcess, QTimer
from desktop import ui
from desktop.ui.program import Program

home, begin = Path(sys.argv[1]), Program.begin

def begin_and_start_again(program):
    begin(program)
    QTimer.singleShot(0, program, program.start_again)

def start(program, arguments):
    print(program == sys.executable, *arguments, QLockFile(str(home / "window.lock")).tryLock(0))

Program.begin, QProcess.startDetached = begin_and_start_again, start
sys.exit(ui.run(home))
"""


def test_the_new_window_starts_when_the_old_one_has_let_go(tmp_path: Path) -> None:
    home = tmp_path / "home"
    quiet = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    done = subprocess.run([sys.executable, "-c", STARTED, str(home)], capture_output=True, text=True, env=quiet)
    assert (done.returncode, done.stdout) == (0, f"True -m desktop --home {home} True\n"), done.stderr
