"""What an organisation does not allow, as people meet it in the window: with the reason, and without a way around it."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from desktop import policy
from desktop.app import App
from desktop.ui.notice import Notice
from desktop.ui.program import Program
from tests import gguf_files
from tests.hub_server import HubServer

REASON = "Legal has not read it yet."
RULES = {"models": {"deny": [{"licence": "llama*", "reason": REASON}, {"maker": "Alibaba", "reason": REASON}]}}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        whole = gguf_files.llama(tmp_path / "x.gguf").read_bytes()
        server.add("maker/Tuned-GGUF", {"Tuned-Q8_0.gguf": whole}, license="llama3.1")
        yield server


@pytest.fixture
def program(open_program: Callable[[], Program], hub: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Program:
    """Two models are here, of which the one used last is denied."""
    app = App.open(tmp_path / "home")
    for name, licence in (("denied", "llama3.1"), ("free", "mit")):
        app.library.link(gguf_files.llama(tmp_path / f"{name}.gguf", metadata={"general.license": licence}))
    app.settings.last_model = "denied"
    app.save_settings()
    app.close()
    monkeypatch.setattr(policy, "POLICY", tmp_path / "etc")
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "policy.json").write_text(json.dumps(RULES))
    return open_program()


def test_one_that_is_here_is_seen_and_not_opened(program: Program, qtbot: QtBot) -> None:
    assert program.window.chat.reference == "free"  # a new chat begins with one that may be used
    local = program.browse.local
    local.show_library()
    qtbot.waitUntil(lambda: REASON in local._rows["denied"].refused.text())
    assert not local._rows["denied"].getting.isVisibleTo(local)
    assert local._rows["denied"].remove.isVisibleTo(local)
    program.chat_with("denied")
    panel = program.window.panel
    qtbot.waitUntil(lambda: panel._refused.isVisibleTo(panel))
    assert REASON in panel._refused.sentence.text()
    chat = program.window.chat
    chat.say("Hello")
    qtbot.waitUntil(lambda: any(REASON in notice.sentence.text() for notice in chat.findChildren(Notice)), timeout=10_000)
    assert program.app.running.opened is None


def test_it_is_offered_nowhere_and_says_why(program: Program, hub: HubServer, qtbot: QtBot) -> None:
    qtbot.waitUntil(lambda: bool(program._offers), timeout=20_000)
    refused = [offer for offer in program._offers if offer.refused]
    assert {offer.model.maker for offer in refused} >= {"Meta", "Alibaba (Qwen)"}
    assert not [offer for offer in refused if offer.role]
    program.show_models()
    program.browse.open_model(refused[0])
    detail = program.browse._detail
    assert detail is not None
    assert not detail.getting.isVisibleTo(detail)
    program.browse.show_tab("hub")
    program.browse.hub.field.setText("tuned")
    qtbot.waitUntil(lambda: bool(program.browse.hub._cards), timeout=10_000)
    (card,) = program.browse.hub._cards
    assert REASON in card.refused
    qtbot.mouseClick(card.opener, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(card._files), timeout=10_000)
    (row,) = card._files.values()
    assert not row.getting.isVisibleTo(card)
    with qtbot.waitSignal(program.downloading.failed, timeout=10_000) as failed:
        program.browse.get_clicked.emit(row.reference)
    assert failed.args is not None
    assert failed.args[1].kind == "not_allowed"
    assert not [request for request in hub.requests if ".gguf" in request.path]
