"""Pictures in the window: added, taken out, sent, seen again, and what is said where the model reads only words."""

import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image
from PySide6.QtCore import QMimeData, QPointF, Qt, QUrl
from PySide6.QtGui import QColor, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog
from pytestqt.qtbot import QtBot

from desktop.app import App
from desktop.ui.answer import Answer
from desktop.ui.program import Program
from desktop.ui.question import Question
from desktop.ui.thumbnail import PictureView
from tests.engine import seeing


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    made = [tmp_path / "blue.png", tmp_path / "lime.jpg"]
    for file in made:
        Image.new("RGB", (400, 300), file.stem).save(file)
    return made


@pytest.fixture
def program(qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path) -> Program:
    """The program with a model that sees."""
    folder = tmp_path / "eyes"
    folder.mkdir()
    seeing.projector(folder / "mmproj.gguf")
    app = App.open(tmp_path / "home")
    app.library.link(seeing.model(folder / "seeing.gguf", metadata={"general.sampling.temp": 0.0}))
    app.close()
    program = open_program()
    qtbot.waitUntil(lambda: program.window.chat._sees is True, timeout=20_000)
    return program


def take(qtbot: QtBot, program: Program, mime: QMimeData) -> None:
    count = len(program.window.chat.composer.attachments.pictures)
    program.window.chat.composer.field.insertFromMimeData(mime)
    qtbot.waitUntil(lambda: len(program.window.chat.composer.attachments.pictures) > count)


def of_files(*files: Path) -> QMimeData:
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(file)) for file in files])
    return mime


def test_a_picture_is_sent_without_words_answered_and_there_after_a_restart(
    qtbot: QtBot, program: Program, open_program: Callable[[], Program], files: list[Path]
) -> None:
    chat = program.window.chat
    take(qtbot, program, of_files(files[0]))
    assert chat.composer.button.isEnabled()
    QTest.mouseClick(chat.composer.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: any(each.message is not None for each in chat.transcript.findChildren(Answer)), timeout=30_000)
    assert chat.transcript.findChildren(Answer)[-1].text() == "blue"
    assert chat.composer.attachments.pictures == ()
    assert chat.composer.attachments.isHidden()
    conversation = chat.conversation_id
    program.window.close()
    again = open_program()
    assert conversation is not None
    again.open_conversation(conversation)
    (question,) = again.window.chat.transcript.findChildren(Question)
    assert [picture.accessibleName() for picture in question.pictures] == ["Picture 1"]
    assert question.bubble.isHidden()
    QTest.mouseClick(question.pictures[0], Qt.MouseButton.LeftButton)
    (view,) = again.window.findChildren(PictureView)
    QTest.keyClick(view, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: not again.window.findChildren(PictureView))


def test_pictures_come_from_the_dialog_the_clipboard_and_another_program(
    qtbot: QtBot, program: Program, files: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    chat = program.window.chat
    monkeypatch.setattr(QFileDialog, "getOpenFileNames", lambda *_: ([str(file) for file in files], ""))
    QTest.mouseClick(chat.composer.attach_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(chat.composer.attachments.pictures) == 2)
    copied = QImage(50, 40, QImage.Format.Format_RGB32)
    copied.fill(QColor("red"))
    mime = QMimeData()
    mime.setImageData(copied)
    take(qtbot, program, mime)
    dragged = of_files(files[0])  # the event only points to it
    action, buttons = Qt.DropAction.CopyAction, Qt.MouseButton.LeftButton
    chat.dropEvent(QDropEvent(QPointF(5, 5), action, dragged, buttons, Qt.KeyboardModifier.NoModifier))
    qtbot.waitUntil(lambda: len(chat.composer.attachments.pictures) == 4)
    sizes = [Image.open(io.BytesIO(file)).size for file in chat.composer.attachments.pictures]
    assert sizes == [(400, 300), (400, 300), (50, 40), (400, 300)]


def test_one_is_taken_out_with_the_keyboard(qtbot: QtBot, program: Program, files: list[Path]) -> None:
    attachments = program.window.chat.composer.attachments
    take(qtbot, program, of_files(files[0]))
    take(qtbot, program, of_files(files[1]))
    kept = attachments.pictures[1]
    tile = attachments._tiles[0]
    assert tile.away.accessibleName() == "Take this picture out"
    tile.away.setFocus()
    QTest.keyClick(tile.away, Qt.Key.Key_Space)
    assert attachments.pictures == (kept,)


def test_text_that_is_pasted_stays_text(program: Program) -> None:
    mime = QMimeData()
    mime.setText("file:///picture.png")
    program.window.chat.composer.field.insertFromMimeData(mime)
    assert program.window.chat.composer.text() == "file:///picture.png"


def test_what_is_no_picture_is_said_and_the_others_stay(
    qtbot: QtBot, program: Program, files: list[Path], tmp_path: Path
) -> None:
    bad = tmp_path / "bad.png"
    bad.write_text("no picture")
    take(qtbot, program, of_files(bad, files[0]))
    chat = program.window.chat
    assert len(chat.composer.attachments.pictures) == 1
    assert "“bad.png” cannot be shown to a model" in chat.hint.text()
    assert not chat.hint.isHidden()


def test_a_draft_keeps_its_pictures(qtbot: QtBot, program: Program, files: list[Path]) -> None:
    other = program.app.conversations.create("other", "guide")
    take(qtbot, program, of_files(files[0]))
    program.open_conversation(other)
    assert program.window.chat.composer.attachments.pictures == ()
    program.new_chat()
    assert len(program.window.chat.composer.attachments.pictures) == 1


def test_a_model_that_reads_only_words_says_so_and_shows_those_that_see(
    qtbot: QtBot, open_program: Callable[[], Program], files: list[Path]
) -> None:
    program = open_program()
    program.chat_with("guide")
    chat = program.window.chat
    qtbot.waitUntil(lambda: chat._sees is False, timeout=20_000)
    assert chat.hint.isHidden()
    QTest.mouseClick(chat.composer.attach_button, Qt.MouseButton.LeftButton)
    assert chat.hint.text() == "Alcove guide cannot see pictures. Choose a model that reads pictures."
    assert not chat.seeing_button.isHidden()
    QTest.mouseClick(chat.seeing_button, Qt.MouseButton.LeftButton)
    assert program.window.page == "models"
    assert program.browse.recommended.chips["pictures"].isChecked()


def test_a_conversation_with_pictures_goes_on_with_words_alone(
    qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path, files: list[Path]
) -> None:
    app = App.open(tmp_path / "home")
    conversation = app.conversations.create("t", "guide")
    app.conversations.add(conversation, "user", "Which?", pictures=(files[0].read_bytes(),))
    app.close()
    program = open_program()
    program.open_conversation(conversation)
    chat = program.window.chat
    qtbot.waitUntil(lambda: not chat.hint.isHidden(), timeout=20_000)
    assert chat.hint.text() == "Alcove guide cannot see the pictures in this conversation, and answers from the words alone."
    QTest.keyClicks(chat.composer.field, "What is a licence?")
    QTest.keyClick(chat.composer.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: any(each.message is not None for each in chat.transcript.findChildren(Answer)), timeout=30_000)
    assert chat.transcript.findChildren(Answer)[-1].text()
