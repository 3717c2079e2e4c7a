"""The whole window over the real App and the real engine process: from an empty home to a streamed answer."""

import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QWidget
from pytestqt.exceptions import capture_exceptions
from pytestqt.qtbot import QtBot

from desktop.app import App
from desktop.errors import NotWritable, Unreachable
from desktop.library import Provenance
from desktop.network import Network
from desktop.ui import crash
from desktop.ui.advice import Advice
from desktop.ui.answer import Answer
from desktop.ui.crash import CrashDialog
from desktop.ui.program import Program
from tests.engine import models
from tests.ui.conftest import link
from tests.ui.laptop import words

ANSWER = ["An ", "open ", "model ", "is ", "one ", "you ", "can ", "run ", "yourself."]


def type_message(program: Program, text: str) -> None:
    program.window.chat.focus_message()
    QTest.keyClicks(program.window.chat.composer.field, text)
    QTest.keyClick(program.window.chat.composer.field, Qt.Key.Key_Return)


def last_answer(program: Program) -> Answer:
    answer = program.window.chat.transcript.last_answer()
    assert answer is not None
    return answer


def test_an_empty_home_opens_on_the_first_page_with_offers(qtbot: QtBot, open_program: Callable[[], Program]) -> None:
    program = open_program()
    assert program.window.page == "first_run"
    qtbot.waitUntil(lambda: bool(program.first_run._cards), timeout=20_000)
    assert "llama_cpp" not in sys.modules


def test_a_question_is_answered_and_is_there_after_a_restart(
    qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path
) -> None:
    link(tmp_path, [*ANSWER, models.END])
    program = open_program()
    assert program.window.page == "chat"
    type_message(program, "What is an open model?")
    qtbot.waitUntil(lambda: last_answer(program).message is not None, timeout=30_000)
    assert last_answer(program).text() == "".join(ANSWER)
    program.window.close()
    again = open_program()
    (conversation,) = again.app.conversations.list()
    again.open_conversation(conversation.id)
    assert last_answer(again).text() == "".join(ANSWER)


def test_the_panel_keeps_what_was_measured_of_each_chat(
    qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path
) -> None:
    link(tmp_path, [*ANSWER, models.END])
    app = App.open(tmp_path / "home")
    old = app.conversations.create("A letter", "reciter")
    app.conversations.add(old, "user", "hello")
    app.close()
    program = open_program()
    panel = program.window.panel
    qtbot.waitUntil(lambda: program.advice.hardware is not None, timeout=20_000)
    type_message(program, "What is an open model?" * 100)
    qtbot.waitUntil(lambda: last_answer(program).message is not None, timeout=30_000)
    conversation, measured = program.window.chat.conversation_id, panel._writes.value.text()
    used = panel._memory.value.text()
    assert used != "0 %"
    assert conversation is not None
    with qtbot.waitSignal(program.advice.described):
        program.open_conversation(old)
    assert panel._memory.isHidden()  # nobody has counted it yet
    with qtbot.waitSignal(program.advice.described):
        program.open_conversation(conversation)
    assert panel._memory.value.text() == used
    assert panel._writes.value.text() == measured


def test_the_panel_says_only_the_name_of_what_is_not_known_yet(
    qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    link(tmp_path, [*ANSWER, models.END])
    with monkeypatch.context() as patch:
        patch.setattr(Advice, "describe", lambda self, reference: None)  # it takes its time
        program = open_program()
        panel = program.window.panel
        assert words(panel).strip() == "reciter"
        assert panel._choose.isHidden()
    program.chat_with("guide")
    qtbot.waitUntil(lambda: not panel.licence.isHidden(), timeout=20_000)
    program.window.chat.chooser.chosen.emit(next(model.id for model in program.app.library.list() if model.id != "guide"))
    assert panel._name.text() == "reciter"
    assert panel.licence.isHidden()  # which was the guide's
    qtbot.waitUntil(lambda: not panel.licence.isHidden(), timeout=20_000)


def test_the_panel_shows_no_licence_for_a_model_that_is_gone(
    qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path
) -> None:
    link(tmp_path, [*ANSWER, models.END])
    app = App.open(tmp_path / "home")
    old = app.conversations.create("A letter", "lost")
    app.conversations.add(old, "user", "hello")
    app.close()
    program = open_program()
    panel = program.window.panel
    qtbot.waitUntil(lambda: not panel.licence.isHidden(), timeout=20_000)
    with qtbot.waitSignal(program.advice.undescribed):
        program.open_conversation(old)
    assert panel._name.text() == "lost"
    assert "not on this computer any more" in panel._about.text()
    assert panel.licence.isHidden()
    with qtbot.waitSignal(program.advice.described):
        program.new_chat()
    assert not panel.licence.isHidden()


def test_a_killed_engine_keeps_the_text_and_the_next_try_works(
    qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path
) -> None:
    link(tmp_path, list(models.WORDS), layers=40)
    program = open_program()
    type_message(program, "Tell me more")
    qtbot.waitUntil(lambda: "word3" in last_answer(program).text(), timeout=30_000)
    for process in psutil.Process().children():
        process.kill()
    qtbot.waitUntil(lambda: last_answer(program).notice is not None, timeout=10_000)
    answer = last_answer(program)
    assert answer.notice is not None
    assert answer.notice.title.text() == "The engine stopped by itself"
    assert "word3" in answer.text()
    QTest.mouseClick(answer.notice.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: "word3" in last_answer(program).text() and last_answer(program) is not answer, timeout=30_000)
    QTest.keyClick(program.window, Qt.Key.Key_Escape)
    qtbot.waitUntil(lambda: last_answer(program).message is not None, timeout=10_000)
    message = last_answer(program).message
    assert message is not None
    assert message.finish == "cancelled"


def test_deleting_can_be_undone(qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path) -> None:
    link(tmp_path, [*ANSWER, models.END])
    app = App.open(tmp_path / "home")
    conversation = app.conversations.create("A letter", "reciter")
    app.conversations.add(conversation, "user", "hello")
    app.close()
    program = open_program()
    program.open_conversation(conversation)
    program.window.sidebar.list.setFocus()
    QTest.keyClick(program.window.sidebar.list, Qt.Key.Key_Delete)
    assert program.app.conversations.list() == ()
    assert program.window.chat.conversation_id is None
    assert program.window.toast.isVisible()
    QTest.mouseClick(program.window.toast.button, Qt.MouseButton.LeftButton)
    assert [c.title for c in program.app.conversations.list()] == ["A letter"]
    assert program.window.chat.conversation_id == conversation


def test_tab_goes_from_the_examples_to_the_message(qtbot: QtBot, open_program: Callable[[], Program]) -> None:
    program = open_program()
    program.chat_with("guide")
    chat = program.window.chat
    following, widget = [], chat.start.link.nextInFocusChain()
    while widget is not chat.composer.field:
        following.append(widget)
        widget = widget.nextInFocusChain()
    assert [each for each in following if each in chat.start.cards] == chat.start.cards
    assert program.window.panel._choose not in following


def test_a_download_that_fails_is_told_on_other_pages(qtbot: QtBot, open_program: Callable[[], Program]) -> None:
    program = open_program()
    program.chat_with("guide")
    program.downloading.failed.emit("qwen3-0.6b:Q8_0", Unreachable(host="huggingface.co", why="there is no network connection"))
    assert program.window.toast.isVisible()
    QTest.mouseClick(program.window.toast.button, Qt.MouseButton.LeftButton)
    assert program.window.page == "downloads"


def test_a_download_without_a_connection_offers_one(
    qtbot: QtBot, open_program: Callable[[], Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    program = open_program()
    program.show_models()
    program.settings.offline.click()
    with qtbot.waitSignal(program.downloading.failed):
        program.downloading.start("qwen3-0.6b:Q8_0")
    button, again = program.window.toast.button, []
    assert button.text() == "Allow connections"
    monkeypatch.setattr(program.downloading, "start", again.append)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)
    assert not program.app.network.offline
    assert again == ["qwen3-0.6b:Q8_0"]


def test_a_long_sentence_is_shown_whole_at_the_foot(qtbot: QtBot, open_program: Callable[[], Program]) -> None:
    program = open_program()
    toast = program.window.toast
    toast.say("Short.", "Undo")
    qtbot.waitUntil(lambda: toast.height() > 20)
    short = toast.height()
    toast.say("/a/long/path/model.gguf is not what it should be. Remove it, and get it again or choose another one. " * 2, "Undo")
    text = toast._text
    qtbot.waitUntil(lambda: text.height() >= text.heightForWidth(text.width()) > 2 * text.fontMetrics().height())
    assert toast.height() > short
    assert program.window.rect().contains(toast.geometry())
    toast.say("Short.", "Undo")
    qtbot.waitUntil(lambda: toast.height() == short)


def test_a_toast_stays_while_the_keyboard_is_at_it(qtbot: QtBot, open_program: Callable[[], Program]) -> None:
    program = open_program()
    toast = program.window.toast
    program.window.activateWindow()
    qtbot.waitUntil(program.window.isActiveWindow)
    toast.say("It is deleted.", "Undo", seconds=0.02)
    toast.button.setFocus()
    with qtbot.waitSignal(toast._timer.timeout):
        pass
    assert toast.isVisible()
    program.window.sidebar.search_field.setFocus()
    qtbot.waitUntil(lambda: not toast.isVisible())


@pytest.mark.parametrize("page", ["chat", "downloads", "settings"])
def test_a_toast_lies_over_nothing(qtbot: QtBot, open_program: Callable[[], Program], page: str) -> None:
    program = open_program()
    window = program.window
    program.theme.use("light", 1.5)
    window.resize(1280, 800)
    window.show_page(page)
    before = window.stack.height()
    window.toast.say("/a/long/path/model.gguf cannot be written. Choose another folder in Settings. " * 3, "Copy details")
    qtbot.waitUntil(lambda: window.stack.height() < before)
    others = (window.stack, window.sidebar, window.panel)
    assert not any(each.isVisible() and each.geometry().intersects(window.toast.geometry()) for each in others)
    window.toast.hide()
    qtbot.waitUntil(lambda: window.stack.height() == before)


def test_the_privacy_line_says_what_the_network_does(qtbot: QtBot, open_program: Callable[[], Program]) -> None:
    program = open_program()
    sidebar, network = program.window.sidebar, program.app.network
    assert isinstance(network, Network)
    assert sidebar.privacy.text() == "Nothing leaves this computer"
    exchange = network.begin("huggingface.co", "download a model")
    program.window.show_privacy()
    assert sidebar.privacy.text() == "Downloading from huggingface.co"
    exchange.end()
    program.settings.offline.click()
    assert sidebar.privacy.text() == "Offline: nothing can leave"
    assert program.app.network.offline
    QTest.mouseClick(sidebar.privacy, Qt.MouseButton.LeftButton)
    assert program.window.page == "activity"


def test_a_narrow_window_folds_the_panel_and_a_wide_one_remembers(
    qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path
) -> None:
    link(tmp_path, [*ANSWER, models.END])
    program = open_program()
    window = program.window
    window.resize(1280, 800)
    assert window.panel.isVisible()
    window.resize(853, 533)
    qtbot.waitUntil(lambda: not window.panel.isVisible())
    QTest.mouseClick(window.chat.panel_button, Qt.MouseButton.LeftButton)
    assert window.panel.isVisible()
    window.resize(1280, 800)
    QTest.mouseClick(window.chat.panel_button, Qt.MouseButton.LeftButton)
    assert not window.panel.isVisible()
    window.close()
    assert not open_program().window.panel.isVisible()


def test_every_control_has_a_name_for_those_who_listen(qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path) -> None:
    link(tmp_path, [*ANSWER, models.END])
    program = open_program()
    qtbot.waitUntil(lambda: program.advice.hardware is not None, timeout=20_000)
    buttons = [b for b in program.window.findChildren(QPushButton) if not b.isHidden()]
    assert len(buttons) > 20
    assert not [b for b in buttons if not (b.accessibleName() or b.text())]


@pytest.mark.parametrize("keys", ["Ctrl+N", "Ctrl+K", "Ctrl+L"])
def test_shortcuts_put_the_cursor_where_they_say(
    qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path, keys: str
) -> None:
    link(tmp_path, [*ANSWER, models.END])
    program = open_program()
    window = program.window
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    program.show_models()
    letter = Qt.Key(getattr(Qt.Key, f"Key_{keys[-1]}"))
    QTest.keyClick(window, letter, Qt.KeyboardModifier.ControlModifier)
    field: QWidget = window.sidebar.search_field if keys == "Ctrl+K" else window.chat.composer.field
    assert QApplication.focusWidget() is field


def test_a_bug_shows_a_report_without_a_word_that_was_written(qtbot: QtBot, open_program: Callable[[], Program]) -> None:
    program = open_program()

    def bug() -> None:
        raise ValueError("my secret letter")

    try:
        bug()
    except ValueError as error:
        program.window.show_crash(error)
    dialog = program.window.findChild(CrashDialog)
    assert isinstance(dialog, CrashDialog)
    assert "test_window.py" in dialog.report
    assert "ValueError" in dialog.report
    assert "secret" not in dialog.report
    assert str(Path.home()) not in dialog.report
    dialog.close()


@pytest.mark.parametrize("asked", ["qwen3-8b:Q4_K_M", "hf:maker/model/x.gguf@main"])
def test_what_is_fetched_again_is_not_removed(qtbot: QtBot, open_program: Callable[[], Program], asked: str) -> None:
    program = open_program()
    program.app.network.offline = True
    library = program.app.library
    part = library.begin(Provenance(repo="maker/model", file="x.gguf", size_bytes=100, reference="qwen3-8b:Q4_K_M"))
    part.write_bytes(b"GGUF")
    (unfinished,) = (model for model in library.list() if not model.complete)
    program.removals.add(unfinished)
    with qtbot.waitSignal(program.downloading.failed):
        program.downloading.start(asked)
    assert not program.removals.holds(unfinished.id)


def test_a_stated_error_of_a_click_is_told_and_is_no_bug(qtbot: QtBot, open_program: Callable[[], Program]) -> None:
    program = open_program()
    program.chat_with("guide")
    qtbot.keyClicks(program.window.chat.composer.field, "Hello")
    program.app.conversations._db.execute("PRAGMA query_only = ON")  # as on a disk that became read-only
    with capture_exceptions() as uncaught:
        qtbot.keyClick(program.window.chat.composer.field, Qt.Key.Key_Return)
    ((_, error, _),) = uncaught
    assert isinstance(error, NotWritable)
    program.window.show_crash(error)
    assert program.window.findChild(CrashDialog) is None
    assert program.window.toast.isVisible()
    assert program.window.chat.composer.text() == "Hello"
    program.app.conversations._db.execute("PRAGMA query_only = OFF")


def test_uncaught_exceptions_reach_the_window(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "excepthook", sys.excepthook)
    shown: list[BaseException] = []
    crash.install(shown.append)
    sys.excepthook(KeyError, KeyError("x"), None)
    sys.excepthook(KeyboardInterrupt, KeyboardInterrupt(), None)
    assert [type(error) for error in shown] == [KeyError]


def test_a_model_that_always_thinks_says_so(qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path) -> None:
    app = App.open(tmp_path / "home")
    app.library.link(models.write_thinker(tmp_path / "thinker.gguf", models.CHATML + "<think>"))
    app.close()
    program = open_program()
    qtbot.waitUntil(lambda: program.advice.hardware is not None, timeout=20_000)
    words = program.window.panel._thinks
    type_message(program, "Is it?")
    qtbot.waitUntil(lambda: not words.isHidden(), timeout=30_000)
    assert not program.window.chat.composer.thinking.isVisible()
    qtbot.waitUntil(lambda: last_answer(program).message is not None, timeout=30_000)


def test_a_model_thinks_first_where_that_is_wished(qtbot: QtBot, open_program: Callable[[], Program], tmp_path: Path) -> None:
    app = App.open(tmp_path / "home")
    app.library.link(models.write_thinker(tmp_path / "thinker.gguf"))
    app.close()
    program = open_program()
    chip = program.window.chat.composer.thinking
    assert not chip.isVisible()  # only the model can tell
    type_message(program, "Is it?")
    qtbot.waitUntil(lambda: last_answer(program).message is not None, timeout=30_000)
    assert last_answer(program).fold is not None
    assert chip.isVisible()
    assert chip.isChecked()
    chip.click()
    type_message(program, "Is it now?")
    qtbot.waitUntil(lambda: last_answer(program).message is not None, timeout=30_000)
    assert last_answer(program).fold is None
    assert last_answer(program).text() == "It is"
    program.window.close()
    again = open_program()
    chip = again.window.chat.composer.thinking
    assert chip.isVisible()
    assert not chip.isChecked()
