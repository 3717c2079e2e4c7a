"""The chat page over the real store: asking, stopping, answering again, changing a question, and going elsewhere meanwhile."""

import threading
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.conversations import Conversations, Stored
from desktop.engine import Loaded, Loading, Piece, Reading
from desktop.errors import AlcoveError, EngineCrashed
from desktop.room import How
from desktop.ui.answer import Answer
from desktop.ui.chat import ChatPage
from desktop.ui.chooser import ModelChoice, ModelChooser
from desktop.ui.notice import Notice
from desktop.ui.question import Question
from desktop.ui.tasks import Tasks


class Reciting:
    """Stands where Talking.turn stands: answers "answer N to QUESTION", in pieces, as far as `go` lets it."""

    def __init__(self, store: Conversations) -> None:
        self.store = store
        self.go = threading.Event()
        self.go.set()
        self.error: AlcoveError | None = None
        self.loaded = Loaded(4096, 0.1, "llama", None, True)
        self.asked: list[tuple[str | None, str]] = []

    def turn(
        self,
        conversation_id: int,
        question: str | None,
        reference: str,
        *,
        pictures: tuple[bytes, ...] = (),
        make_room: How | None = None,
    ) -> Generator[Loading | Loaded | Reading | Piece, None, Stored]:
        self.asked.append((question, reference))
        if question is not None:
            self.store.add(conversation_id, "user", question, pictures=pictures)
        return self.answer(conversation_id, reference)

    def answer(self, conversation_id: int, reference: str) -> Generator[Loading | Loaded | Reading | Piece, None, Stored]:
        yield Loading(0.6)
        yield self.loaded
        yield Reading(40, 100)
        message = self.store.add(conversation_id, "assistant", "", model=reference, finish="writing")
        text = ""
        try:
            for part in (f"answer {len(self.asked)} ", "to ", str(self.store.messages(conversation_id)[-2].text)):
                text += part
                yield Piece(part)
                while not self.go.wait(0.02):
                    yield Piece("")
            if self.error is not None:
                raise self.error
        except GeneratorExit:
            self.store.write(message, text, "", "cancelled")
            raise
        except AlcoveError:
            self.store.write(message, text, "", "crashed")
            raise
        self.store.write(message, text, "", "stop", 12.0)
        return self.store.message(message)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Conversations]:
    made = Conversations(tmp_path / "conversations.sqlite")
    yield made
    made.close()


@pytest.fixture
def engine(store: Conversations) -> Reciting:
    return Reciting(store)


@pytest.fixture
def page(qtbot: QtBot, store: Conversations, engine: Reciting) -> Iterator[ChatPage]:
    tasks = Tasks()
    made = ChatPage(tasks, store, engine.turn, lambda reference: {"guide": "Guide", "qwen": "Qwen3 4B"}.get(reference, reference))
    qtbot.addWidget(made)
    made.resize(800, 600)
    with qtbot.waitExposed(made):
        made.show()
    made.start_new("qwen")
    yield made
    engine.go.set()
    assert tasks.close()


def type_message(page: ChatPage, text: str) -> None:
    QTest.keyClicks(page.composer.field, text)
    QTest.keyClick(page.composer.field, Qt.Key.Key_Return)


def idle(qtbot: QtBot, page: ChatPage) -> None:
    qtbot.waitUntil(lambda: page._live is None)


def said(page: ChatPage) -> list[str]:
    """What is on the screen."""
    column = page.transcript._column
    widgets = [column.itemAt(i).widget() for i in range(1, column.count() - 1)]
    return [w.message.text if isinstance(w, Question) else w.text() for w in widgets if isinstance(w, Question | Answer)]


def test_a_first_message_makes_a_conversation_named_after_it(qtbot: QtBot, page: ChatPage, store: Conversations) -> None:
    assert page.conversation_id is None
    type_message(page, "What is open?")
    idle(qtbot, page)
    (conversation,) = store.list()
    assert conversation.title == "What is open?" == page.title.label.text()
    assert said(page) == ["What is open?", "answer 1 to What is open?"]
    assert page.composer.text() == ""


def test_an_example_is_asked_by_a_click(qtbot: QtBot, page: ChatPage, engine: Reciting) -> None:
    assert page.stack.currentWidget() is page.start
    QTest.mouseClick(page.start.cards[0], Qt.MouseButton.LeftButton)
    idle(qtbot, page)
    assert engine.asked[0][0] == page.start.cards[0].accessibleName()


def test_what_happens_before_the_first_word_is_told(qtbot: QtBot, page: ChatPage) -> None:
    words: list[str] = []
    page.answering.connect(lambda _: None)
    type_message(page, "q")
    answer = page.transcript.last_answer()
    assert answer is not None
    answer_wait = answer.wait
    answer.wait = lambda text, fraction=None: (words.append(text), answer_wait(text, fraction))  # type: ignore[method-assign,assignment,func-returns-value]
    idle(qtbot, page)
    assert words[:2] == ["Waking up Qwen3 4B… 60 %", "Reading your message… 40 %"]


def test_stop_keeps_what_was_written(qtbot: QtBot, page: ChatPage, engine: Reciting, store: Conversations) -> None:
    engine.go.clear()
    type_message(page, "q")
    qtbot.waitUntil(lambda: "answer" in said(page)[-1])
    assert page.composer.button.accessibleName() == "Stop"
    QTest.mouseClick(page.composer.button, Qt.MouseButton.LeftButton)
    idle(qtbot, page)
    assert page.conversation_id is not None
    assert store.messages(page.conversation_id)[-1].finish == "cancelled"
    assert said(page) == ["q", "answer 1 "]
    assert page.composer.button.accessibleName() == "Send"


def test_an_error_is_told_below_what_was_written_and_try_again_answers_again(
    qtbot: QtBot, page: ChatPage, engine: Reciting
) -> None:
    engine.error = EngineCrashed(code=-9)
    type_message(page, "q")
    idle(qtbot, page)
    answer = page.transcript.last_answer()
    assert answer is not None
    assert answer.notice is not None
    assert answer.notice.title.text() == "The engine stopped by itself"
    assert answer.text() == "answer 1 to q"
    engine.error = None
    QTest.mouseClick(answer.notice.button, Qt.MouseButton.LeftButton)
    idle(qtbot, page)
    assert said(page) == ["q", "answer 2 to q"]


def test_regenerate_can_be_undone_while_it_is_answered(
    qtbot: QtBot, page: ChatPage, engine: Reciting, store: Conversations
) -> None:
    type_message(page, "q")
    idle(qtbot, page)
    engine.go.clear()
    with qtbot.waitSignal(page.undoable) as undoable:
        page.transcript.regenerate_clicked.emit(page.transcript.last_answer().message)  # type: ignore[union-attr]
    qtbot.waitUntil(lambda: said(page)[-1] == "answer 2 ")
    assert page._live is not None
    with qtbot.waitSignal(page._live.task.cancelled):
        undoable.args[1]()
    assert said(page) == ["q", "answer 1 to q"]
    assert page.conversation_id is not None
    assert [message.text for message in store.messages(page.conversation_id)] == ["q", "answer 1 to q"]


def test_undo_leaves_the_answer_of_another_conversation_alone(qtbot: QtBot, page: ChatPage, engine: Reciting) -> None:
    type_message(page, "q")
    idle(qtbot, page)
    with qtbot.waitSignal(page.undoable) as undoable:
        page.transcript.regenerate_clicked.emit(page.transcript.last_answer().message)  # type: ignore[union-attr]
    idle(qtbot, page)
    page.start_new("qwen")
    engine.go.clear()
    type_message(page, "other")
    qtbot.waitUntil(lambda: "answer 3 " in said(page))
    undoable.args[1]()
    engine.go.set()
    idle(qtbot, page)
    assert said(page) == ["other", "answer 3 to other"]


def test_it_tells_which_conversation_was_read_and_which_model_answered(qtbot: QtBot, page: ChatPage) -> None:
    read: list[tuple[int, int]] = []
    page.read.connect(lambda conversation_id, tokens: read.append((conversation_id, tokens)))
    with qtbot.waitSignal(page.answered) as answered:
        type_message(page, "q")
    idle(qtbot, page)
    assert answered.args == ["qwen", 12.0]
    assert page.conversation_id is not None
    assert read == [(page.conversation_id, 100), (page.conversation_id, 103)]


def test_regenerate_can_be_undone(qtbot: QtBot, page: ChatPage) -> None:
    type_message(page, "q")
    idle(qtbot, page)
    answer = page.transcript.last_answer()
    assert answer is not None
    with qtbot.waitSignal(page.undoable) as undoable:
        QTest.mouseClick(answer.regenerate_button, Qt.MouseButton.LeftButton)
    idle(qtbot, page)
    assert said(page) == ["q", "answer 2 to q"]
    undoable.args[1]()
    assert said(page) == ["q", "answer 1 to q"]


def test_a_changed_question_sets_aside_what_followed(qtbot: QtBot, page: ChatPage) -> None:
    for question in ("first", "second"):
        type_message(page, question)
        idle(qtbot, page)
    answer = page.transcript.findChildren(Answer)[0]
    QTest.mouseClick(answer.edit_button, Qt.MouseButton.LeftButton)
    assert page.composer.text() == "first"
    assert page.hint.isVisible()
    page.composer.set_text("other")
    with qtbot.waitSignal(page.undoable) as undoable:
        QTest.keyClick(page.composer.field, Qt.Key.Key_Return)
    idle(qtbot, page)
    assert said(page) == ["other", "answer 3 to other"]
    undoable.args[1]()
    assert said(page) == ["first", "answer 1 to first", "second", "answer 2 to second"]


def test_leaving_the_change_keeps_the_question(qtbot: QtBot, page: ChatPage) -> None:
    type_message(page, "first")
    idle(qtbot, page)
    QTest.mouseClick(page.transcript.findChildren(Answer)[0].edit_button, Qt.MouseButton.LeftButton)
    assert page.leave_edit()
    assert page.composer.text() == ""
    assert not page.hint.isVisible()
    assert not page.leave_edit()


def test_an_answer_goes_on_while_another_conversation_is_read(
    qtbot: QtBot, page: ChatPage, engine: Reciting, store: Conversations
) -> None:
    engine.go.clear()
    type_message(page, "q")
    first = page.conversation_id
    assert first is not None
    qtbot.waitUntil(lambda: "answer" in said(page)[-1])
    page.start_new("guide")
    assert page.composer.button.accessibleName() == "Send"
    assert "q" in page.hint.text()
    page.open(first)
    assert said(page) == ["q", "answer 1 "]
    page.start_new("guide")
    engine.go.set()
    idle(qtbot, page)
    page.open(first)
    assert said(page) == ["q", "answer 1 to q"]
    assert store.messages(first)[-1].finish == "stop"


def test_drafts_are_kept_for_each_conversation(qtbot: QtBot, page: ChatPage) -> None:
    type_message(page, "q")
    idle(qtbot, page)
    first = page.conversation_id
    assert first is not None
    page.composer.set_text("half a thought")
    page.start_new("qwen")
    assert page.composer.text() == ""
    page.composer.set_text("another")
    page.open(first)
    assert page.composer.text() == "half a thought"
    page.start_new("qwen")
    assert page.composer.text() == "another"


def test_a_question_without_an_answer_offers_to_try_again(qtbot: QtBot, page: ChatPage, store: Conversations) -> None:
    conversation = store.create("t", "qwen")
    store.add(conversation, "user", "left alone")
    page.open(conversation)
    answer = page.transcript.last_answer()
    assert answer is not None
    assert answer.notice is not None
    QTest.mouseClick(answer.notice.button, Qt.MouseButton.LeftButton)
    idle(qtbot, page)
    assert said(page) == ["left alone", "answer 1 to left alone"]


def test_the_title_is_changed_in_place(qtbot: QtBot, page: ChatPage, store: Conversations) -> None:
    type_message(page, "q")
    idle(qtbot, page)
    page.title.setFocus()
    QTest.keyClick(page.title, Qt.Key.Key_F2)
    page.title.field.setText("A better title")
    QTest.keyClick(page.title.field, Qt.Key.Key_Return)
    assert store.list()[0].title == "A better title"
    page.title.edit()
    page.title.field.setText("Never")
    QTest.keyClick(page.title.field, Qt.Key.Key_Escape)
    assert page.title.label.text() == "A better title"


def test_the_chooser_cuts_a_name_to_the_room_there_is(qtbot: QtBot) -> None:
    name = "Meta_Llama_3.1_8B_Instruct_abliterated_v3_Q4_K_M_imatrix"
    chooser = ModelChooser()
    qtbot.addWidget(chooser)
    chooser.show_current("x", name)
    with qtbot.waitExposed(chooser):
        chooser.show()
    for width in (chooser.sizeHint().width(), 150):
        chooser.resize(width, 40)
        assert "…" in chooser.text()
        assert chooser.fontMetrics().horizontalAdvance(chooser.text()) < width - 16
        assert chooser.toolTip() == name
    chooser.show_current("x", "Qwen")
    chooser.resize(chooser.sizeHint())
    assert chooser.text() == "Qwen"


def test_the_chooser_lists_what_is_here_and_the_conversation_remembers(
    qtbot: QtBot, page: ChatPage, engine: Reciting, store: Conversations
) -> None:
    page.set_models((ModelChoice("qwen", "Qwen3 4B", "Runs well"), ModelChoice("guide", "Guide", "Runs well")))
    type_message(page, "q")
    idle(qtbot, page)
    menu = page.chooser.menu_of_models()
    names = [action.text() for action in menu.actions() if action.text()]
    assert names == ["Qwen3 4B\tRuns well", "Guide\tRuns well", "Get another model…"]
    menu.actions()[1].trigger()
    assert page.reference == "guide"
    assert store.list()[0].model == "guide"
    type_message(page, "more")
    idle(qtbot, page)
    assert engine.asked[-1] == ("more", "guide")


def notices(page: ChatPage) -> list[str]:
    return [notice.sentence.text() for notice in page.transcript.findChildren(Notice) if notice.isVisible()]


def test_what_is_special_about_a_model_is_said_once(qtbot: QtBot, page: ChatPage, engine: Reciting) -> None:
    engine.loaded = Loaded(4096, 0.1, "llama", None, True, notices=("It is old.", "It is slow."))
    engine.go.clear()
    type_message(page, "First")
    qtbot.waitUntil(lambda: notices(page) == ["It is old. It is slow."])
    first = page.conversation_id
    assert first is not None
    page.start_new("qwen")
    page.open(first)  # which is still being answered
    qtbot.waitUntil(lambda: notices(page) == ["It is old. It is slow."])
    engine.go.set()
    idle(qtbot, page)
    type_message(page, "Second")
    idle(qtbot, page)
    qtbot.waitUntil(lambda: notices(page) == ["It is old. It is slow."])  # above the first answer
    engine.loaded = Loaded(4096, 0.1, "llama", None, True, notices=("It is new.",))
    type_message(page, "Third")
    idle(qtbot, page)
    qtbot.waitUntil(lambda: notices(page) == ["It is old. It is slow.", "It is new."])


def test_thinking_first_is_offered_where_there_is_the_choice(qtbot: QtBot, page: ChatPage) -> None:
    chip = page.composer.thinking
    assert not chip.isVisible()
    page.show_thinking(True)
    assert chip.isVisible()
    assert chip.isChecked()
    with qtbot.waitSignal(page.thinking_chosen) as chosen:
        QTest.keyClick(chip, Qt.Key.Key_Space)
    assert chosen.args == ["qwen", False]
    with qtbot.assertNotEmitted(page.thinking_chosen):
        page.show_thinking(True)
        page.show_thinking(None)
    assert not chip.isVisible()
