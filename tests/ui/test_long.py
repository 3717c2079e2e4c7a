"""A conversation that becomes too long, in the whole window over the real engine, whose every letter is a token."""

from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.app import App
from desktop.ui.answer import Answer
from desktop.ui.buttons import Button
from desktop.ui.divider import Divider
from desktop.ui.program import Program
from desktop.ui.prose import ProseView
from desktop.ui.question import Question
from tests.engine import models
from tests.ui.conftest import link

FOX = ["We", " spoke", " of", " the", " fox.", models.END]
SUMMARY = "We spoke of the fox."
OPEN = Callable[[], Program]


def prepare(tmp_path: Path, script: list[str] | list[bytes], exchanges: int, *, context: int = 2048, layers: int = 1) -> int:
    """A model with this memory, and a conversation of so many exchanges of 400 letters; returns its id."""
    link(tmp_path, script, layers=layers)  # type: ignore[arg-type]
    app = App.open(tmp_path / "home")
    app.settings.context = context
    app.save_settings()
    conversation = app.conversations.create("A letter", "reciter")
    for n in range(exchanges):
        app.conversations.add(conversation, "user", f"{n}" + "q" * 199)
        answer = app.conversations.add(conversation, "assistant", "", model="reciter")
        app.conversations.write(answer, f"{n}" + "a" * 199, "", "stop", 9.0, 450 * (n + 1))
    app.close()
    return conversation


def opened(qtbot: QtBot, open_program: OPEN, conversation: int) -> Program:
    program = open_program()
    qtbot.waitUntil(lambda: program.advice.hardware is not None, timeout=20_000)
    program.open_conversation(conversation)
    qtbot.waitUntil(lambda: program._fit is not None, timeout=20_000)
    return program


def ask(qtbot: QtBot, program: Program, question: str) -> None:
    program.window.chat.composer.set_text(question)
    QTest.keyClick(program.window.chat.composer.field, Qt.Key.Key_Return)
    idle(qtbot, program)


def idle(qtbot: QtBot, program: Program) -> None:
    qtbot.waitUntil(lambda: program.window.chat._live is None, timeout=30_000)


def last(program: Program) -> Answer:
    answer = program.window.chat.transcript.last_answer()
    assert answer is not None
    return answer


def choices(program: Program) -> dict[str, Button]:
    notice = last(program).notice
    assert notice is not None
    return {button.accessibleName(): button for button in (notice.button, *notice.others)}


def press(button: Button) -> None:
    """By the keyboard."""
    button.setFocus(Qt.FocusReason.TabFocusReason)
    QTest.keyClick(button, Qt.Key.Key_Space)


def divider(program: Program) -> Divider | None:
    return next((widget for widget in widgets(program) if isinstance(widget, Divider)), None)


def widgets(program: Program) -> list[object]:
    """What stands in the transcript, in order."""
    column = program.window.chat.transcript._column
    return [column.itemAt(index).widget() for index in range(1, column.count() - 1)]  # type: ignore[union-attr]


def shown(program: Program) -> list[str]:
    """The same as the first letters of what was said, and a line for the divider."""
    letters = {Question: lambda w: w.message.text[:1], Answer: lambda w: w.text()[:1], Divider: lambda _: "-"}
    return [letters[type(widget)](widget) for widget in widgets(program)]  # type: ignore[no-untyped-call]


def test_the_person_sees_it_coming_before_the_model_is_loaded(qtbot: QtBot, open_program: OPEN, tmp_path: Path) -> None:
    conversation = prepare(tmp_path, FOX, 4)
    program = opened(qtbot, open_program, conversation)
    chat, gauge = program.window.chat, program.window.chat.composer.gauge
    qtbot.waitUntil(gauge.isVisible)
    assert program.app.running.opened is None
    assert gauge.accessibleDescription() == "This conversation fills 88 % of what the model can keep in mind."
    assert gauge.toolTip() == gauge.accessibleDescription()
    assert chat.hint.isVisible()
    assert chat.hint.text().startswith("This conversation fills 88 %")
    assert program.window.panel._memory.value.text() == "88 %"
    program.new_chat()
    assert not gauge.isVisible()
    assert not chat.hint.isVisible()


def test_a_short_conversation_is_no_cause_for_words(qtbot: QtBot, open_program: OPEN, tmp_path: Path) -> None:
    program = opened(qtbot, open_program, prepare(tmp_path, FOX, 1))
    qtbot.waitUntil(program.window.chat.composer.gauge.isVisible)
    assert not program.window.chat.hint.isVisible()


def test_when_it_is_full_the_person_chooses_and_can_undo(qtbot: QtBot, open_program: OPEN, tmp_path: Path) -> None:
    conversation = prepare(tmp_path, FOX, 4)
    program = opened(qtbot, open_program, conversation)
    store = program.app.conversations
    ask(qtbot, program, "z" * 300)
    assert list(choices(program)) == ["Summarise the older part", "Forget the oldest part", "Start a new chat"]
    assert "The summary takes about" in last(program).notice.sentence.text()  # type: ignore[union-attr]
    assert program.window.panel._memory.value.text() == "100 %"
    assert divider(program) is None
    press(choices(program)["Forget the oldest part"])
    idle(qtbot, program)
    assert last(program).text() == SUMMARY
    line = divider(program)
    assert line is not None
    assert shown(program) == ["0", "0", "1", "1", "2", "2", "-", "3", "3", "z", "W"]
    assert line.fold is None
    assert line.accessibleName() == "The model no longer reads what is above."
    assert not program.window.toast.isVisible()  # the line says it
    assert program.window.chat._share == pytest.approx(0.36, abs=0.06)
    press(line.undo)
    assert divider(program) is None
    assert store.mark(conversation) is None
    assert len(store.messages(conversation)) == 10


def test_a_summary_stands_where_the_model_stopped_reading(qtbot: QtBot, open_program: OPEN, tmp_path: Path) -> None:
    conversation = prepare(tmp_path, FOX, 4)
    program = opened(qtbot, open_program, conversation)
    ask(qtbot, program, "z" * 300)
    told: list[str] = []
    program.window.chat.transcript.add_answer = _listening(program, told)  # type: ignore[method-assign,assignment]
    press(choices(program)["Summarise the older part"])
    idle(qtbot, program)
    assert any(words.startswith("Summarising the older part… ") for words in told)
    program.window.close()
    again = opened(qtbot, open_program, conversation)
    line = divider(again)
    assert line is not None
    assert line.fold is not None
    press(line.fold.button)
    text = line.fold.findChild(ProseView)
    assert isinstance(text, ProseView)
    assert text.isVisible()
    assert text.toPlainText() == SUMMARY


def _listening(program: Program, told: list[str]) -> Callable[[str], Answer]:
    """The same as add_answer; keeps what the answers say while they wait."""
    add = program.window.chat.transcript.add_answer

    def listening(reference: str) -> Answer:
        answer = add(reference)
        show = answer.state.show_as
        answer.state.show_as = lambda words, fraction: (told.append(words), show(words, fraction))  # type: ignore[method-assign,assignment,func-returns-value]
        return answer

    return listening


def test_a_summary_can_be_stopped(qtbot: QtBot, open_program: OPEN, tmp_path: Path) -> None:
    conversation = prepare(tmp_path, FOX, 4, layers=30)
    program = opened(qtbot, open_program, conversation)
    ask(qtbot, program, "z" * 300)
    press(choices(program)["Summarise the older part"])
    qtbot.waitUntil(lambda: last(program).state.words.text().startswith("Summarising"), timeout=30_000)
    QTest.keyClick(program.window, Qt.Key.Key_Escape)
    idle(qtbot, program)
    assert program.app.conversations.mark(conversation) is None
    assert divider(program) is None
    assert list(choices(program)) == ["Try again"]
    press(choices(program)["Try again"])
    idle(qtbot, program)
    assert "Forget the oldest part" in choices(program)


def test_an_answer_that_fills_the_memory_goes_on_after_the_choice(qtbot: QtBot, open_program: OPEN, tmp_path: Path) -> None:
    conversation = prepare(tmp_path, list(models.ALPHABET), 1, context=1024)
    program = opened(qtbot, open_program, conversation)
    ask(qtbot, program, "z" * 50)
    first = last(program).text()
    notice = last(program).notice
    assert notice is not None
    assert notice.title.text() == "The conversation memory is full, so the answer stops here"
    assert "The summary takes about" in notice.sentence.text()
    press(choices(program)["Forget the oldest part"])
    idle(qtbot, program)
    longer = last(program).text()
    assert len(longer) > len(first)
    assert longer in "abcdefghijklmnopqrstuvwxyz" * 40
    assert shown(program) == ["0", "0", "-", "z", "a"]
    press(choices(program)["Forget the oldest part"])  # now it fills the memory alone
    idle(qtbot, program)
    assert list(choices(program)) == ["Give it more memory", "Start a new chat"]
    assert last(program).text() == longer


def test_a_message_that_is_too_long_alone_can_be_changed_or_given_room(qtbot: QtBot, open_program: OPEN, tmp_path: Path) -> None:
    program = opened(qtbot, open_program, prepare(tmp_path, FOX, 1))
    ask(qtbot, program, "z" * 2100)
    press(choices(program)["Forget the oldest part"])
    idle(qtbot, program)
    assert list(choices(program)) == ["Change the message", "Give it more memory"]
    assert divider(program) is None
    program.new_chat()
    ask(qtbot, program, "z" * 2100)
    assert list(choices(program)) == ["Change the message", "Give it more memory"]  # at once, where there is nothing to leave out
    press(choices(program)["Give it more memory"])
    assert program.window.page == "settings"
    qtbot.waitUntil(program.settings.context.hasFocus)
    program.window.show_page("chat")
    press(choices(program)["Change the message"])
    assert program.window.chat.composer.text() == "z" * 2100
    ask(qtbot, program, "z" * 20)
    assert last(program).text() == SUMMARY


def test_an_answer_of_the_greatest_length_goes_on(qtbot: QtBot, open_program: OPEN, tmp_path: Path) -> None:
    conversation = prepare(tmp_path, list(models.ALPHABET), 0)
    app = App.open(tmp_path / "home")
    app.conversations.add(conversation, "user", "z")
    answer = app.conversations.add(conversation, "assistant", "abc", model="reciter")
    app.conversations.write(answer, "abc", "", "length", 9.0, 40)
    app.close()
    program = opened(qtbot, open_program, conversation)
    press(choices(program)["Go on"])
    qtbot.waitUntil(lambda: len(last(program).text()) > 10, timeout=30_000)
    other = program.app.conversations.create("Other", "reciter")
    program.open_conversation(other)
    program.open_conversation(conversation)  # while it is written
    assert shown(program) == ["z", "a"]
    QTest.keyClick(program.window, Qt.Key.Key_Escape)
    idle(qtbot, program)
    text = last(program).text()
    assert text.startswith("abcdefghij")
    assert text in "abcdefghijklmnopqrstuvwxyz" * 90
    assert [m.text for m in program.app.conversations.messages(conversation)] == ["z", text]


def test_what_was_a_question_once_is_only_told_later(qtbot: QtBot, open_program: OPEN, tmp_path: Path) -> None:
    conversation = prepare(tmp_path, FOX, 0)
    app = App.open(tmp_path / "home")
    for text, finish in (("long", "length"), ("full", "full"), ("cut", "crashed")):
        app.conversations.add(conversation, "user", "z")
        app.conversations.write(app.conversations.add(conversation, "assistant", ""), text, "", finish)
    app.close()
    program = opened(qtbot, open_program, conversation)
    answers = program.window.chat.transcript.findChildren(Answer)
    assert [answer.notice is not None for answer in answers] == [False, False, True]
    ask(qtbot, program, "z")
    assert [answer.notice is not None for answer in answers] == [False, False, False]


def test_a_choice_for_every_time_asks_nothing(qtbot: QtBot, open_program: OPEN, tmp_path: Path) -> None:
    conversation = prepare(tmp_path, FOX, 4)
    program = opened(qtbot, open_program, conversation)
    press(program.settings.when_full._group.button(2))  # type: ignore[arg-type]
    ask(qtbot, program, "z" * 300)
    assert last(program).text() == SUMMARY
    assert divider(program) is not None
    assert program.window.toast._text.text() == "The oldest part was forgotten."
    QTest.mouseClick(program.window.toast.button, Qt.MouseButton.LeftButton)
    assert divider(program) is None
    program.window.close()
    assert App.open(tmp_path / "home").settings.when_full == "forget"
