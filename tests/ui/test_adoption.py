"""Models of other programs and files that are dragged onto the window."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QDragEnterEvent, QDragLeaveEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLabel, QPushButton
from pytestqt.qtbot import QtBot

from desktop.adopting import Candidate, Looking, Plan
from desktop.elsewhere import Found
from desktop.ui.composer import Composer
from desktop.ui.dropping import DropHint
from desktop.ui.others import Others
from desktop.ui.program import Program
from desktop.ui.tasks import Tasks
from tests import gguf_files
from tests.engine import models as made
from tests.ui.laptop import words

LOCAL = 1  # the tab


def urls(paths: Sequence[Path]) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def hold(program: Program, mime: QMimeData) -> bool:
    """Hold files above the window; whether it would take them."""
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    event = QDragEnterEvent(QPoint(400, 300), Qt.DropAction.CopyAction, mime, buttons, keys)
    event.setAccepted(False)
    QApplication.sendEvent(program.window, event)
    return event.isAccepted()


def let_go(program: Program, mime: QMimeData) -> None:
    hold(program, mime)
    buttons, keys = Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    QApplication.sendEvent(program.window, QDropEvent(QPointF(400, 300), Qt.DropAction.CopyAction, mime, buttons, keys))


def hint(program: Program) -> DropHint:
    (found,) = program.window.findChildren(DropHint)
    return found


def toast(program: Program) -> str:
    return program.window.toast.accessibleName() if program.window.toast.isVisible() else ""


# --- dragging -------------------------------------------------------------------------------------------------------------------


def test_a_model_file_that_is_dropped_is_used_where_it_lies(
    qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path
) -> None:
    path = made.write(tmp_path / "mine.gguf", ["A ", "word."])
    program = open_program()
    mime = urls([path])
    assert hold(program, mime)
    assert hint(program).isVisible()
    assert hint(program).title.text() == "Let go to use it here"
    QApplication.sendEvent(program.window, QDragLeaveEvent())
    assert not hint(program).isVisible()
    let_go(program, mime)
    assert not hint(program).isVisible()
    qtbot.waitUntil(lambda: program.window.chat.reference == "mine")
    model = program.app.library.get("mine")
    assert model is not None
    assert (model.path, model.origin) == (path, "linked")
    program.show_models()
    let_go(program, mime)
    qtbot.waitUntil(lambda: program.window.page == "chat")


def test_several_files_and_a_folder(qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path) -> None:
    for name in ("one", "two"):
        gguf_files.write(tmp_path / f"{name}.gguf", metadata={"general.name": name}, tensors={"token_embd.weight": (8, 8)})
    (tmp_path / "folder").mkdir()
    gguf_files.write(tmp_path / "folder" / "three.gguf", tensors={"token_embd.weight": (8, 16)})
    program = open_program()
    let_go(program, urls([tmp_path / "one.gguf", tmp_path / "two.gguf", tmp_path / "folder"]))
    qtbot.waitUntil(lambda: toast(program) == "3 models can be used here now.")
    assert {model.id for model in program.app.library.list()} == {"guide", "one", "two", "three"}


def test_a_wrong_file_gets_a_sentence(qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path) -> None:
    letter, page = tmp_path / "letter.txt", tmp_path / "page.gguf"
    letter.write_text("Dear reader")
    page.write_text("<html>" * 100)
    program = open_program()
    assert hold(program, urls([letter]))
    assert hint(program).title.text() == "This is no model file"
    let_go(program, urls([letter]))
    qtbot.waitUntil(lambda: "letter.txt is not a GGUF model file" in toast(program))
    let_go(program, urls([page]))
    qtbot.waitUntil(lambda: "page.gguf is not a GGUF model file" in toast(program))
    (tmp_path / "empty").mkdir()
    let_go(program, urls([tmp_path / "empty"]))
    qtbot.waitUntil(lambda: toast(program) == "There is no model file in it.")


def test_words_that_are_dragged_are_not_files(open_program: Callable[[], Program]) -> None:
    program = open_program()
    mime = QMimeData()
    mime.setText("some words")
    assert not hold(program, mime)
    assert not hint(program).isVisible()


def test_the_field_for_the_message_leaves_model_files_to_the_window(qtbot: QtBot, tmp_path: Path) -> None:
    tasks = Tasks()
    composer = Composer(tasks)
    qtbot.addWidget(composer)
    field = composer.field
    assert not field.canInsertFromMimeData(urls([tmp_path / "mine.gguf"]))
    assert field.canInsertFromMimeData(urls([tmp_path / "notes.txt"]))
    assert tasks.close()


# --- the card -------------------------------------------------------------------------------------------------------------------


def candidate(name: str, program: str = "LM Studio", size: int = 4_000_000_000) -> Candidate:
    return Candidate(Found(Path(f"/theirs/{name}.gguf"), program), size)


@pytest.fixture
def card(qtbot: QtBot) -> Others:
    card = Others()
    qtbot.addWidget(card)
    return card


def test_the_card_tells_what_was_found_and_whose(card: Others, qtbot: QtBot) -> None:
    card.show_plan(Plan())
    assert not card.isVisible(), "nothing found is nothing said"
    card.show_plan(Plan((candidate("one"), candidate("two", "Ollama"))))
    assert card.isVisible()
    assert card.title.text() == "Found 2 models of other programs (8.0 GB)"
    assert card.fold is not None
    card.fold.button.click()
    assert {"one", "two"} <= {label.text() for label in card.fold.findChildren(QLabel)}
    assert "4.0 GB, from Ollama" in words(card)
    with qtbot.waitSignal(card.take_clicked) as taken:
        card.take.click()
    assert len(taken.args[0]) == 2
    card.show_plan(Plan((candidate("one"),)))
    assert card.title.text() == "Found a model of LM Studio (4.0 GB)"


def test_the_card_can_be_put_away(card: Others, qtbot: QtBot) -> None:
    card.show_looking(Looking(3, Path("/theirs/big.gguf")))
    assert card.title.text() == "Looking at the models of other programs"
    assert not card.take.isVisible()
    with qtbot.waitSignal(card.stop_clicked):
        card.close_button.click()
    card.show_plan(Plan((candidate("one"),)))
    card.show_looking(Looking(3, Path("/theirs/big.gguf")))
    assert not card.isVisible()


def test_models_of_other_programs_are_offered_and_used(
    qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HOME", "USERPROFILE"):
        monkeypatch.setenv(name, str(tmp_path / "person"))
    for name in ("one", "two"):
        path = tmp_path / "person" / ".lmstudio" / "models" / "maker" / "Small-GGUF" / f"{name}-Q4_K_M.gguf"
        path.parent.mkdir(parents=True, exist_ok=True)
        gguf_files.write(path, metadata={"general.name": name}, tensors={"token_embd.weight": (8, 8)})
    program = open_program()
    first, others = program.first_run.others, program.browse.local.others
    qtbot.waitUntil(lambda: first.isVisible() and first.take.isVisible())
    program.show_models()
    program.browse.show_tab("local")
    assert others.title.text() == first.title.text()
    assert others.title.text().startswith("Found 2 models of other programs")
    others.take.click()
    qtbot.waitUntil(lambda: toast(program) == "2 models can be used here now.")
    assert not others.isVisible()
    assert first.isHidden()
    assert "belongs to LM Studio, and lies there" in words(program.browse.local)
    assert "Usual" in words(program.browse.local)


def test_the_models_folder_is_changed_and_its_models_are_moved(
    qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path
) -> None:
    path = tmp_path / "home" / "models" / "maker" / "tiny" / "tiny-Q4_K_M.gguf"
    path.parent.mkdir(parents=True)
    gguf_files.write(path, tensors={"token_embd.weight": (8, 8)})
    program = open_program()
    folder = program.settings.folder
    program.window.sidebar.page_clicked.emit("settings")
    assert not folder.left.isVisible()
    folder.choose(tmp_path / "disk")
    assert folder.left.isVisible()
    assert program.app.library.get("tiny-Q4_K_M") is not None, "it is still there for the chat"
    folder.move_button.click()
    qtbot.waitUntil(lambda: not folder.left.isVisible())
    moved = program.app.library.get("tiny-Q4_K_M")
    assert moved is not None
    assert moved.path == tmp_path / "disk" / "maker" / "tiny" / "tiny-Q4_K_M.gguf"
    assert program.app.settings.moving_from == ""


def test_what_was_removed_can_be_taken_back_or_deleted_now(
    qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path
) -> None:
    folder = tmp_path / "home" / "models" / "maker" / "tiny"
    folder.mkdir(parents=True)
    for name in ("one", "two"):
        gguf_files.write(folder / f"{name}.gguf", metadata={"general.name": name}, tensors={"token_embd.weight": (64, 64)})
    program = open_program()
    program.show_models()
    program.browse.show_tab("local")
    thrown = program.browse.local.thrown
    assert not thrown.isVisible()
    for name in ("one", "two"):
        program.app.library.remove(name)
    program.browse.show_library()
    assert thrown.isVisible()
    assert "The trash holds 33 KB." in words(thrown)
    assert thrown.fold is not None
    thrown.fold.button.click()
    (back,) = [button for button in thrown.findChildren(QPushButton) if button.accessibleName() == "Take one back"]
    back.click()
    assert (folder / "one.gguf").exists()
    assert "The trash holds 17 KB." in words(thrown)
    thrown.empty.click()
    qtbot.waitUntil(lambda: not thrown.isVisible())
    assert toast(program).startswith("The trash is empty:")
    assert [model.id for model in program.app.library.list()] == ["guide", "one"]
