"""Two windows on one home: the second brings the first to the front."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from pytestqt.qtbot import QtBot

from desktop.ui.alone import Alone
from desktop.ui.program import Program
from desktop.ui.start import GUIDE
from tests.engine import models
from tests.ui.conftest import link


def test_the_second_calls_the_first_and_is_told_so(qtbot: QtBot, tmp_path: Path) -> None:
    first = Alone(tmp_path)
    assert not first.other
    for _ in range(2):
        with qtbot.waitSignal(first.called):
            second = Alone(tmp_path)
        assert second.other
        assert not second.is_elsewhere
    first.end()
    assert not Alone(tmp_path).other


@pytest.mark.skipif(os.name != "posix", reason="files have no such rights here")
def test_others_do_not_read_which_file_was_opened(tmp_path: Path) -> None:
    umask = os.umask(0o022)
    try:
        alone = Alone(tmp_path, file=tmp_path / "model.gguf")
    finally:
        os.umask(umask)
    assert {path.name: path.stat().st_mode & 0o077 for path in tmp_path.iterdir()} == {"window.bell": 0, "window.lock": 0}
    alone.end()


def test_a_window_that_was_killed_holds_nothing(tmp_path: Path) -> None:
    code = "import sys, pathlib, desktop.ui.alone as a\nkept = a.Alone(pathlib.Path(sys.argv[1]))\nprint(flush=True)\ninput()"
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
        assert other.stdout is not None
        other.stdout.readline()
        assert Alone(tmp_path).other
        os.kill(other.pid, signal.SIGKILL)
    assert not Alone(tmp_path).other


def test_a_start_from_elsewhere_is_told_where(tmp_path: Path) -> None:
    (tmp_path / "window.lock").write_text("1\nAlcove\nother-computer\n", encoding="ascii")
    alone = Alone(tmp_path)
    assert (alone.other, alone.is_elsewhere) == ("other-computer", True)


def test_starting_again_ends_at_once_and_shows_the_window(
    open_program: Callable[[], Program], qtbot: QtBot, tmp_path: Path
) -> None:
    program = open_program()
    first = Alone(tmp_path / "home")
    first.called.connect(program.leaving.come_back)
    program.window.hide()
    with qtbot.waitSignal(first.called, timeout=20_000):
        again = subprocess.run(
            [sys.executable, "-m", "desktop", "--home", str(tmp_path / "home")], capture_output=True, text=True
        )
    assert (again.returncode, again.stdout) == (0, "")
    assert "comes to the front" in again.stderr
    log = (tmp_path / "home" / "logs" / "alcove.log").read_text()
    assert (log.count("Alcove 0"), log.count("Alcove ends")) == (2, 1)  # the second one, in good order
    assert log.count("starts as the window on") == 1
    assert program.window.isVisible()
    first.end()


def test_a_file_opened_from_outside_comes_to_the_open_window(
    open_program: Callable[[], Program], qtbot: QtBot, tmp_path: Path
) -> None:
    """As a file manager asks for it."""
    program = open_program()
    first = Alone(tmp_path / "home")
    first.brought.connect(program.open_model)
    program.window.show_page("settings")
    file = models.write(tmp_path / "my mödel.gguf", ["Hello"])
    again = subprocess.run(
        [sys.executable, "-m", "desktop", "--home", str(tmp_path / "home"), os.path.relpath(file)], capture_output=True
    )
    assert again.returncode == 0
    qtbot.waitUntil(lambda: program.name_of(program.window.chat.reference) == file.stem, timeout=20_000)
    assert program.window.page == "chat"
    first.end()


def test_a_file_that_is_used_already_is_opened_too(open_program: Callable[[], Program], qtbot: QtBot, tmp_path: Path) -> None:
    link(tmp_path, ["Hello"])
    program = open_program()
    program.window.chat.start_new(GUIDE)
    program.open_model(tmp_path / "reciter.gguf")
    qtbot.waitUntil(lambda: program.window.chat.reference == "reciter")


def test_a_file_that_the_system_hands_to_the_application_is_brought() -> None:
    code = (
        "from PySide6.QtGui import QFileOpenEvent\n"
        "from desktop.ui.application import Application\n"
        "qt = Application()\n"
        "qt.brought.connect(lambda path: print(path.name))\n"
        "print(qt.sendEvent(qt, QFileOpenEvent('/models/a model.gguf')))"
    )
    quiet = {**os.environ, "QT_QPA_PLATFORM": "offscreen"}
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=quiet)
    assert told.stdout.split("\n")[:2] == ["a model.gguf", "True"], told.stderr
