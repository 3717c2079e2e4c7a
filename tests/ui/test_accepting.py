"""The question before a download whose licence has conditions, in the real window against a Hub on loopback."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from desktop.ui.accepting import TASK
from desktop.ui.licence_text import LicenceText
from desktop.ui.program import Program
from tests import gguf_files
from tests.hub_server import HubServer

LLAMA, OTHER, FREE = (f"hf:maker/{name}-GGUF/{name}-Q8_0.gguf" for name in ("Llama", "Other", "Free"))


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    """Two models under Llama's licence, and a free one."""
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        for name, licence in (("Llama", "llama3.1"), ("Other", "llama3.1"), ("Free", "apache-2.0")):
            stated = {"general.license": licence, "general.name": name}
            whole = gguf_files.llama(tmp_path / f"{name}.gguf", metadata=stated).read_bytes()
            server.add(f"maker/{name}-GGUF", {f"{name}-Q8_0.gguf": whole}, license=licence)
        yield server


@pytest.fixture
def program(open_program: Callable[[], Program], hub: HubServer) -> Program:
    return open_program()


def asked(program: Program, qtbot: QtBot):
    qtbot.waitUntil(lambda: program.accepting.dialog is not None)
    return program.accepting.dialog


def here(program: Program) -> set[str]:
    return {model.id for model in program.app.library.list() if model.complete}


def test_the_person_is_asked_once_and_nothing_comes_before(program: Program, hub: HubServer, qtbot: QtBot) -> None:
    program.browse.get_clicked.emit(LLAMA)
    program.browse.get_clicked.emit(OTHER)
    dialog = asked(program, qtbot)
    assert not [request for request in hub.requests if ".gguf" in request.path]
    assert program.downloading.active == ()
    qtbot.keyClick(dialog, Qt.Key.Key_Return)  # pressed by who wanted the download, not by who has read
    assert program.accepting.dialog is dialog
    qtbot.mouseClick(dialog.decline, Qt.MouseButton.LeftButton)
    second = asked(program, qtbot)  # the other was asked for as well
    assert second is not dialog
    with qtbot.waitSignal(program.downloading.done, timeout=10_000):
        qtbot.mouseClick(second.agree, Qt.MouseButton.LeftButton)
    assert [each.licence for each in program.app.consent.acceptances.list()] == ["llama3.1"]
    with qtbot.waitSignal(program.downloading.done, timeout=10_000):
        program.browse.get_clicked.emit(LLAMA)
    assert program.accepting.dialog is None
    assert len(program.app.consent.acceptances.list()) == 1


def test_a_free_licence_asks_nothing(program: Program, qtbot: QtBot) -> None:
    with qtbot.waitSignal(program.downloading.done, timeout=10_000):
        program.browse.get_clicked.emit(FREE)
    assert program.accepting.dialog is None


def test_one_that_waits_in_the_queue_is_held_up_and_can_be_decided_there(program: Program, qtbot: QtBot) -> None:
    with qtbot.waitSignal(program.downloading.failed, timeout=10_000):
        program.downloading.start(LLAMA)  # as at the next start, when a text has changed meanwhile
    (row,) = program.downloads._rows.values()
    assert row.help.text() == "Read and decide"
    qtbot.mouseClick(row.help, Qt.MouseButton.LeftButton)
    dialog = asked(program, qtbot)
    with qtbot.waitSignal(program.downloading.done, timeout=10_000):
        dialog.accept()
    assert "Llama-Q8_0" in here(program)


def test_the_text_can_be_read_before(program: Program, qtbot: QtBot) -> None:
    program.app.texts.keep("llama3.1", b"LLAMA 3.1 COMMUNITY LICENSE AGREEMENT", "https://example.org/l")
    program.browse.get_clicked.emit(LLAMA)
    dialog = asked(program, qtbot)
    assert dialog.terms.unread == ()
    assert dialog.read.hasFocus()
    qtbot.mouseClick(dialog.read, Qt.MouseButton.LeftButton)
    (text,) = dialog.findChildren(LicenceText)
    assert text.page.content == "LLAMA 3.1 COMMUNITY LICENSE AGREEMENT"
    text.close()
    qtbot.keyClick(dialog, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: program.accepting.dialog is None)
    assert here(program) == {"guide"}


def test_one_that_is_given_up_is_not_asked_about(program: Program, qtbot: QtBot) -> None:
    program.browse.get_clicked.emit(LLAMA)
    program.browse.cancel_clicked.emit(LLAMA)
    qtbot.waitUntil(lambda: program.tasks.get(TASK.format(reference=LLAMA)) is None)
    program.browse.get_clicked.emit(OTHER)
    assert asked(program, qtbot).terms.reference == OTHER
    program.accepting.dialog.reject()


def test_what_cannot_be_noted_is_not_downloaded(program: Program, qtbot: QtBot) -> None:
    program.app.paths.acceptances.mkdir()
    program.browse.get_clicked.emit(LLAMA)
    asked(program, qtbot).accept()
    assert program.window.toast.isVisible()
    assert program.downloading.active == ()
