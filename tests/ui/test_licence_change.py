"""Another licence than the one on disk: said in the panel, asked before the download; the organisation's word beside ours."""

import pytest
from pytestqt.qtbot import QtBot

from desktop.licences import Evidence
from desktop.policy import Verdict
from desktop.ui.buttons import Button
from desktop.ui.licence import LicenceView
from desktop.ui.licence_change import LicenceChange
from desktop.ui.program import Program
from desktop.versions import Change
from tests import gguf_files
from tests.hub_server import HubServer
from tests.ui.laptop import law, words

WAS, NOW = (law().rule(Evidence(hub_card=tag)) for tag in ("mit", "qwen-research"))
CHANGE = Change("Chat 8B", WAS, NOW)
REPO = "maker/Chat-GGUF"


@pytest.fixture
def view(qtbot: QtBot) -> LicenceView:
    made = LicenceView()
    qtbot.addWidget(made)
    made.resize(256, 900)
    made.show()
    return made


def test_the_panel_says_what_was_what_is_and_what_changes(view: LicenceView, qtbot: QtBot) -> None:
    view.show_ruling(WAS, CHANGE)
    said = words(view)
    assert "A newer version has another licence" in said
    assert WAS.name in said
    assert NOW.name in said
    assert "May I use it at work? It was yes, it becomes no." in said
    with qtbot.waitSignal(view.change_clicked) as compared:
        next(each for each in view.findChildren(Button) if each.text() == "Compare the two").click()
    assert compared.args == [CHANGE]


@pytest.mark.parametrize(("decision", "title"), [("approved", "approved this licence"), ("refused", "refused this licence")])
def test_the_organisations_word_is_told_as_its_own(view: LicenceView, decision: str, title: str) -> None:
    view.show_ruling(
        WAS, said=Verdict(licence="mit", decision=decision, text="Legal looked at it.", by="Legal", date="2026-03-01")
    )
    said = words(view)
    assert f"Your organisation {title}" in said
    assert "“Legal looked at it.” Legal · 2026-03-01" in said
    assert "Free for work" in said  # ours stays beside it


def test_it_is_asked_before_the_download(open_program, qtbot: QtBot, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = gguf_files.llama(tmp_path / "x.gguf").read_bytes()
    files = {"Chat-Q4_K_M.gguf": file, "Chat-Q8_0.gguf": file}
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        server.add(REPO, files, license="mit")
        program: Program = open_program()
        small, large = (f"hf:{REPO}/{name}" for name in files)
        with qtbot.waitSignal(program.downloading.done):
            program.browse.get_clicked.emit(small)
        server.add(REPO, files, license="openmdw-1.1")
        program.browse.get_clicked.emit(large)
        qtbot.waitUntil(lambda: program.window.findChild(LicenceChange) is not None)
        dialog = program.window.findChild(LicenceChange)
        assert "OpenMDW" in words(dialog)
        dialog.reject()
        assert not program.downloading.active
        qtbot.waitUntil(lambda: program.window.findChild(LicenceChange) is None)
        program.browse.get_clicked.emit(large)
        qtbot.waitUntil(lambda: program.window.findChild(LicenceChange) is not None)
        with qtbot.waitSignal(program.downloading.done) as done:
            program.window.findChild(LicenceChange).get.click()
        assert done.args[0] == large
