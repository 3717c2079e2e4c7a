"""Copy details: wherever an error is shown, one button puts what support asks for onto the clipboard, without what is private."""

import re
from pathlib import Path

import pytest
from PySide6.QtCore import Qt, QTimer
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QMessageBox, QWidget
from pytestqt.qtbot import QtBot

import desktop.ui
from desktop.errors import AlcoveError, Corrupt, DiskFull, Unreachable
from desktop.settings import Settings
from desktop.ui.answer import Answer
from desktop.ui.details import CopyDetails, details
from desktop.ui.download_row import DownloadRow
from desktop.ui.folder_settings import FolderSettings
from desktop.ui.getting import Getting
from desktop.ui.network_settings import NetworkSettings
from desktop.ui.notice import Notice, Toast

ERROR = Unreachable(host="huggingface.co", why="the proxy http://anna:secret@proxy:8080 said no")


def test_kind_sentence_facts_and_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_verysecret")
    told = details(Corrupt(path=str(Path.home() / "x.gguf"), why="with hf_verysecret in it " + "x" * 9000))
    first, second, *facts = told.splitlines()
    assert first.startswith("Alcove 0")
    assert "Qt 6" in first
    assert second.startswith("corrupt: ")
    assert facts[0].endswith("path: ~/x.gguf")
    assert "hf_verysecret" not in told
    assert str(Path.home()) not in told
    assert len(told) < 20_000
    elsewhere = Path(tmp_path.anchor, "mandant-schulze", "models", "x.gguf")
    told = details(Corrupt(path=str(elsewhere), why=f"{elsewhere} ends too early"))
    assert "schulze" not in told
    assert "x.gguf is not what it should be" in told
    assert "free_bytes: 3" in details(DiskFull(needed_bytes=5, free_bytes=3, folder="/"))


def show(widget: QWidget, error: AlcoveError) -> None:
    match widget:
        case Notice():
            widget.about(error)
        case FolderSettings() | DownloadRow() | Getting():
            widget.show_failed(error)
        case NetworkSettings():
            widget.show_not_connected(error)


@pytest.mark.parametrize(
    "place",
    [
        lambda: Notice("It failed", "Because."),
        lambda: FolderSettings(Settings(), Path("/")),
        lambda: DownloadRow("qwen3-8b", "Qwen3 8B"),
        lambda: Getting("Get it", "Qwen3 8B"),
        lambda: NetworkSettings(Settings(), "huggingface.co"),
    ],
    ids=["notice", "folder", "download", "getting", "network"],
)
def test_each_place_offers_them_to_the_keyboard(place: type[QWidget], qtbot: QtBot) -> None:
    widget = place()
    qtbot.addWidget(widget)
    widget.show()
    copies = widget.findChildren(CopyDetails)
    assert not any(copy.isVisible() for copy in copies)
    show(widget, ERROR)
    (copy,) = [copy for copy in copies if copy.isVisible()]
    assert copy.focusPolicy() & Qt.FocusPolicy.TabFocus
    copy.setFocus()
    qtbot.keyClick(copy, Qt.Key.Key_Space)
    assert "unreachable: " in QGuiApplication.clipboard().text()
    assert "secret" not in QGuiApplication.clipboard().text()
    assert copy.text() == "Details are copied"


def test_they_go_with_the_error(qtbot: QtBot) -> None:
    row = DownloadRow("qwen3-8b", "Qwen3 8B")
    qtbot.addWidget(row)
    row.show()
    row.show_failed(ERROR)
    row.show_paused()
    assert not row.copy_details.isVisible()


def test_an_answer_that_failed_offers_them(qtbot: QtBot) -> None:
    from desktop.ui.messages import explain

    answer = Answer("Guide")
    qtbot.addWidget(answer)
    answer.show()
    answer.show_notice(explain(ERROR), error=ERROR)
    assert answer.notice is not None
    assert not answer.notice.copy.isHidden()


def test_a_toast_offers_them(qtbot: QtBot) -> None:
    toast = Toast()
    qtbot.addWidget(toast)
    toast.tell(ERROR)
    assert toast.button.text() == "Copy details"
    toast.button.click()
    assert QGuiApplication.clipboard().text().startswith("Alcove ")


def test_what_keeps_the_window_from_opening_can_be_copied(
    tmp_path: Path, qapp: QApplication, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("desktop.ui.application.Application", lambda: qapp)  # Qt has one for each process
    (tmp_path / "home").write_text("no folder")
    told = []

    def answer() -> None:
        box = QApplication.activeModalWidget()
        assert isinstance(box, QMessageBox)
        told.append(box.text())
        next(button for button in box.buttons() if button.text() == "Copy details").click()

    QTimer.singleShot(0, answer)
    assert desktop.ui.run(tmp_path / "home") == 1
    assert "cannot be written" in told[0]
    assert "not_writable" in QGuiApplication.clipboard().text()


def test_whoever_explains_an_error_offers_its_details() -> None:
    """A page that learns to show an error must not forget them."""
    exempt = {"messages.py", "details.py", "adoption.py"}  # the words themselves; a toast has the details of what was not adopted
    explaining = [
        path
        for path in Path(desktop.ui.__file__).parent.glob("*.py")
        if path.name not in exempt and re.search(r"\bexplain(_remote)?\(", path.read_text(encoding="utf-8"))
    ]
    offers = re.compile(r"\.show_for\((error|refused)\)|\.about\(error\)|toast\.tell\b|details\(error\)")
    assert len(explaining) > 10
    assert [path.name for path in explaining if not offers.search(path.read_text(encoding="utf-8"))] == []
