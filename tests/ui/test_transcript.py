"""The transcript: answers that stream become widgets as whole ones do, cheaply, and the reader is left where they read."""

import time

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QGuiApplication, QTextDocument
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.conversations import Stored
from desktop.ui import theme
from desktop.ui.answer import Answer
from desktop.ui.code_view import CodeView
from desktop.ui.prose import ProseView
from desktop.ui.question import Question
from desktop.ui.table_view import TableView
from desktop.ui.transcript import SHOWN, Transcript

TEXT = """Of course:

> Dear all

```python
text = open("letter.txt").read()
print(len(text.split()))
```

| a | b |
|---|---|
| 1 | 2 |

Done, see [the site](https://example.org)."""


def stored(number: int, role: str, text: str, finish: str = "stop", thinking: str = "") -> Stored:
    return Stored(number, 1, role, text, thinking, "qwen3-4b", "2026-01-01T00:00:00+00:00", finish, 12.0)


@pytest.fixture
def transcript(qtbot: QtBot) -> Transcript:
    made = Transcript(lambda reference: "Qwen3 4B")
    qtbot.addWidget(made)
    made.resize(700, 500)
    with qtbot.waitExposed(made):
        made.show()
    return made


def views(answer: Answer) -> list[object]:
    column = answer.body.layout()
    assert column is not None
    return [column.itemAt(i).widget() for i in range(column.count())]  # type: ignore[union-attr]


def stream(answer: Answer, text: str, step: int = 5) -> None:
    for at in range(0, len(text), step):
        answer.add(text[at : at + step])
        answer.draw()


def test_a_streamed_answer_is_drawn_as_blocks(transcript: Transcript) -> None:
    answer = transcript.add_answer("qwen3-4b")
    stream(answer, TEXT)
    assert [type(v) for v in views(answer)] == [ProseView, CodeView, TableView, ProseView]
    prose, code, table, _ = views(answer)
    assert isinstance(prose, ProseView)
    assert prose.toPlainText() == "Of course:\nDear all"
    assert isinstance(code, CodeView)
    assert code.text.toPlainText() == 'text = open("letter.txt").read()\nprint(len(text.split()))'
    assert isinstance(table, TableView)
    assert "1" in table.toPlainText()
    assert answer.text() == TEXT


def test_code_is_coloured_and_copied_as_it_is(qtbot: QtBot, transcript: Transcript) -> None:
    answer = transcript.add_answer("qwen3-4b")
    answer.finish(stored(1, "assistant", TEXT))
    code = next(v for v in views(answer) if isinstance(v, CodeView))
    formats = code.text.document().firstBlock().layout().formats()
    assert theme.colour("warning") in [part.format.foreground().color() for part in formats]  # the string
    QTest.mouseClick(code.copy_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == 'text = open("letter.txt").read()\nprint(len(text.split()))'
    assert code.copy_button.text() == "Copied"


def test_settled_blocks_are_not_drawn_again(transcript: Transcript) -> None:
    answer = transcript.add_answer("qwen3-4b")
    stream(answer, TEXT[: TEXT.index("| a")])
    first, code = views(answer)[:2]
    stream(answer, TEXT[TEXT.index("| a") :])
    assert views(answer)[:2] == [first, code]


def test_a_long_name_of_a_model_takes_no_more_than_the_column(qtbot: QtBot) -> None:
    name = "A model with a very long name indeed, made by a company whose name is long as well - Instruct Q4_K_M " * 2
    narrow = Transcript(lambda reference: name)
    qtbot.addWidget(narrow)
    narrow.resize(400, 300)
    with qtbot.waitExposed(narrow):
        narrow.show()
    answer = narrow.add_answer("long")
    answer.add("hello")
    answer.draw()
    qtbot.waitUntil(lambda: 0 < answer.width() <= narrow.viewport().width())
    assert answer.name.toolTip() == name


def test_five_thousand_words_are_drawn_in_little_time(qtbot: QtBot, transcript: Transcript) -> None:
    text = (
        "Some **words** of an answer that goes on for a while.\n\n" * 9 + "```python\nfor i in x:\n    print(i)\n```\n\n"
    ) * 45
    answer = transcript.add_answer("qwen3-4b")
    began_s, draws = time.perf_counter(), 0
    for at in range(0, len(text), 500):
        answer.add(text[at : at + 500])
        answer.draw()
        QGuiApplication.processEvents()
        draws += 1
    assert (time.perf_counter() - began_s) / draws < 0.05  # 20 a second, on a machine that does much else


def test_pictures_are_named_and_never_loaded(transcript: Transcript) -> None:
    answer = transcript.add_answer("qwen3-4b")
    answer.finish(stored(1, "assistant", "![a cat](https://example.org/cat.png)"))
    (prose,) = views(answer)
    assert isinstance(prose, ProseView)
    assert prose.toPlainText() == "[a cat]"
    assert prose.document().resource(QTextDocument.ResourceType.ImageResource, "https://example.org/cat.png") is None


def test_a_link_is_only_told_after_a_click(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.show_messages([stored(1, "assistant", "[site](https://example.org)")])
    answer = transcript.last_answer()
    assert answer is not None
    (prose,) = views(answer)
    assert isinstance(prose, ProseView)
    qtbot.waitUntil(lambda: prose.anchorAt(QPoint(12, 12)) != "")
    with qtbot.waitSignal(transcript.link_clicked) as clicked:
        QTest.mouseClick(prose.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(12, 12))
    assert clicked.args == ["https://example.org"]


def test_all_of_a_long_question_is_shown(qtbot: QtBot, transcript: Transcript) -> None:
    question = transcript.add_question(stored(1, "user", "Can you make this much shorter and friendlier? " * 6 + "\nThanks"))
    qtbot.waitUntil(lambda: question.bubble.width() <= question.width() * 0.75)
    qtbot.waitUntil(lambda: question.text.height() >= question.text.document().size().height() > 60)
    assert question.text.verticalScrollBar().value() == 0


def test_thoughts_are_folded(transcript: Transcript) -> None:
    answer = transcript.add_answer("qwen3-4b")
    answer.add("The user wants", thinking=True)
    answer.draw()
    assert answer.state.words.text() == "Thinking… 1 s"
    answer.add("Yes.")
    answer.draw()
    assert answer.fold is not None
    assert answer.fold.button.text().startswith("Thought for")
    answer.fold.button.click()
    shown = answer.fold.findChild(ProseView)
    assert isinstance(shown, ProseView)
    assert shown.toPlainText() == "The user wants"


def test_how_long_it_thought_is_known_when_it_is_shown_again(transcript: Transcript) -> None:
    answer = transcript.add_answer("qwen3-4b")
    answer.add("The user wants", thinking=True, at_s=1000.0)
    answer.add("Yes.", at_s=1025.0)
    answer.draw()
    assert answer.fold is not None
    assert answer.fold.button.text() == "Thought for 25 s"


@pytest.mark.parametrize(
    ("finish", "text", "said"),
    [
        ("crashed", "You are wel", "This answer was cut off"),
        ("crashed", "", "There was no answer"),
        ("cancelled", "", "You stopped this answer before its first word."),
        ("length", "Long", "The answer reached its greatest length"),
    ],
)
def test_how_an_answer_ended_is_told_with_the_next_step(
    qtbot: QtBot, transcript: Transcript, finish: str, text: str, said: str
) -> None:
    transcript.show_messages([stored(1, "user", "q"), stored(2, "assistant", text, finish)])
    answer = transcript.last_answer()
    assert answer is not None
    assert answer.notice is not None
    assert said in (answer.notice.title.text(), answer.notice.sentence.text())
    with qtbot.waitSignal(transcript.act):
        QTest.mouseClick(answer.notice.button, Qt.MouseButton.LeftButton)


def test_it_follows_only_a_reader_who_is_at_the_end(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.show_messages([stored(1, "user", "q")])
    answer = transcript.add_answer("qwen3-4b")
    bar = transcript.verticalScrollBar()
    stream(answer, "A paragraph.\n\n" * 60, step=200)
    qtbot.waitUntil(lambda: bar.maximum() > 300 and bar.value() == bar.maximum())
    bar.setValue(40)
    assert transcript.jump_button.isVisible()
    stream(answer, "More.\n\n" * 40, step=200)
    qtbot.wait(20)
    assert bar.value() == 40
    QTest.mouseClick(transcript.jump_button, Qt.MouseButton.LeftButton)
    assert bar.value() == bar.maximum()
    assert not transcript.jump_button.isVisible()


def test_a_long_conversation_shows_its_end_first(qtbot: QtBot, transcript: Transcript) -> None:
    transcript.show_messages([stored(n, "user" if n % 2 else "assistant", f"message {n}") for n in range(1, SHOWN + 21)])
    questions = [q.message.id for q in transcript.findChildren(Question)]
    assert min(questions) > 20
    transcript.earlier_button.click()
    assert min(q.message.id for q in transcript.findChildren(Question)) == 1
    assert not transcript.earlier_button.isVisible()
