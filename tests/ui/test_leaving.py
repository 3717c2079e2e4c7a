"""Closing the window while something is downloaded."""

from collections.abc import Callable, Iterator

import pytest
from PySide6.QtWidgets import QDialog
from pytestqt.qtbot import QtBot

from desktop.downloads import Downloads
from desktop.ui.leaving import LeaveDialog, Leaving
from desktop.ui.program import Program
from desktop.ui.system import System
from tests.hub_server import Fault, HubServer
from tests.test_hub import gguf

REFERENCE = "hf:maker/Small-GGUF/Small-Q4_K_M.gguf"


class Tray(System):
    """A desktop with a place for icons, and one that keeps its notifications."""

    def __init__(self, *, has_tray: bool = True) -> None:
        super().__init__()
        self._has_tray = has_tray
        self.notified: list[str] = []

    @property
    def has_tray(self) -> bool:
        return self._has_tray

    def show_tray(self) -> None:
        """Qt's platform without a screen has no place for it."""

    def notify(self, title: str, sentence: str) -> None:
        self.notified.append(title)


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with HubServer() as hub:
        hub.add("maker/Small-GGUF", {"Small-Q4_K_M.gguf": gguf()})
        hub.faults.append(Fault("hold", bytes=10_000, times=None))
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        yield hub


@pytest.fixture
def program(hub: HubServer, open_program: Callable[[], Program], qtbot: QtBot) -> Program:
    """A download is on its way and does not come to an end."""
    program = open_program()
    program.downloading.start(REFERENCE)
    qtbot.waitUntil(lambda: program.downloading.progress(REFERENCE) is not None)
    return program


def asked(program: Program) -> LeaveDialog:
    dialog = program.window.findChild(LeaveDialog)
    assert dialog is not None
    return dialog


def kept(program: Program) -> list[str]:
    return [each.state for each in Downloads(program.app.paths.downloads).list()]


def test_it_asks_and_does_not_close_meanwhile(program: Program, qtbot: QtBot) -> None:
    program.window.close()
    assert program.window.isVisible()
    dialog = asked(program)
    assert set(dialog.buttons) == {"next_start", "stop"}, "without a tray there is no background"
    program.window.close()
    assert len(program.window.findChildren(LeaveDialog)) == 1
    dialog.reject()
    assert program.window.isVisible()
    assert program.downloading.active == (REFERENCE,)


@pytest.mark.parametrize(("answer", "state"), [("next_start", "waiting"), ("stop", "paused")])
def test_the_answer_decides_about_the_next_start(program: Program, answer: str, state: str) -> None:
    program.window.close()
    asked(program).buttons[answer].click()
    assert not program.window.isVisible()
    assert kept(program) == [state]
    assert program.app.settings.on_close == "ask"


def test_a_ticked_answer_is_remembered(program: Program) -> None:
    program.window.close()
    dialog = asked(program)
    dialog.always.click()
    dialog.buttons["stop"].click()
    assert program.app.settings.on_close == "stop"
    assert program.settings.downloads.on_close.currentText() == "Stop until I resume it"


def test_a_remembered_answer_is_not_asked_for(program: Program) -> None:
    program.app.settings.on_close = "stop"
    program.window.close()
    assert not program.window.isVisible()
    assert kept(program) == ["paused"]


def test_in_the_background_it_goes_on_and_ends_after_the_last(program: Program, hub: HubServer, qtbot: QtBot) -> None:
    tray = Tray()
    leaving = Leaving(program.app, program.window, program.downloading, tray)
    program.window.close()
    asked(program).buttons["background"].click()
    assert not program.window.isVisible()
    assert program.downloading.running == REFERENCE
    tray.open_clicked.emit()
    assert program.window.isVisible()
    assert not leaving.in_background
    program.app.settings.on_close = "background"
    program.window.close()
    assert not program.window.isVisible()
    assert leaving.in_background
    program.system = tray
    (held,) = hub.faults
    held.times = 0
    with qtbot.waitSignal(program.downloading.done):
        held.release.set()
    assert tray.notified == ["Small-Q4_K_M is here."]
    qtbot.waitUntil(lambda: not leaving.in_background)
    with qtbot.waitSignal(program.window.closing):
        leaving._end_unseen()


def test_without_a_tray_the_remembered_background_is_asked_about(program: Program) -> None:
    Leaving(program.app, program.window, program.downloading, Tray(has_tray=False))
    program.app.settings.on_close = "background"
    program.window.close()
    assert asked(program).isVisible()
    asked(program).done(QDialog.DialogCode.Rejected)


def test_nothing_is_asked_when_nothing_is_downloaded(open_program: Callable[[], Program]) -> None:
    program = open_program()
    program.window.close()
    assert not program.window.isVisible()


def test_the_title_and_the_left_column_tell_how_far_it_is(program: Program, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: (program.downloading.fraction() or 0) > 0)
    percent = round((program.downloading.fraction() or 0) * 100)
    assert program.window.windowTitle() == f"{percent} % – Alcove"
    assert f"{percent} % done" in program.window.sidebar.pages["downloads"].accessibleName()
    program.downloading.pause_all()
    assert program.window.windowTitle() == "Alcove"
