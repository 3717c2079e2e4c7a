"""The parts together: a turn with the guide in the real engine process, from an empty home."""

from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from desktop.app import App
from desktop.conversations import Stored
from desktop.engine import ChatOptions, Loading, Piece
from desktop.errors import EngineCrashed, NotHere, NotWritable, WillNotFit
from tests import gguf_files

QUESTION = "What is an open-weight model?"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    app = App.open(tmp_path / "home")
    yield app
    app.close()


def test_a_deleted_conversation_is_gone_after_a_restart(tmp_path: Path) -> None:
    first = App.open(tmp_path / "home")
    kept, deleted = first.conversations.create("kept", "guide"), first.conversations.create("deleted", "guide")
    first.conversations.delete(deleted)
    first.close()
    second = App.open(tmp_path / "home")
    assert second.conversations.get(deleted) is None
    assert second.conversations.get(kept) is not None
    second.close()


def test_a_question_is_kept_even_when_the_answer_never_began(app: App) -> None:
    conversation = app.conversations.create("t", "guide")
    app.turn(conversation, QUESTION, "guide").close()
    assert [m.text for m in app.conversations.messages(conversation)] == [QUESTION]


def test_the_offline_switch_holds_where_settings_cannot_be_kept(app: App) -> None:
    app.paths.settings.mkdir()  # nothing can be written in its place
    app.settings.offline = True
    with pytest.raises(NotWritable):
        app.save_settings()
    assert app.network.offline


def ask(app: App, conversation: int, question: str | None) -> tuple[list[object], Stored]:
    items: list[object] = []
    turn = app.turn(conversation, question, "guide", ChatOptions(max_tokens=120))
    try:
        while True:
            items.append(next(turn))
    except StopIteration as end:
        return items, end.value


def worker(app: App) -> psutil.Process:
    (process,) = psutil.Process().children()
    return process


def test_from_an_empty_home_to_a_stored_answer(app: App) -> None:
    conversation = app.conversations.create(QUESTION, "guide")
    items, answer = ask(app, conversation, QUESTION)
    assert any(isinstance(i, Loading) for i in items)
    assert "".join(i.text for i in items if isinstance(i, Piece)) == answer.text
    assert answer.finish == "stop"
    assert [m.text for m in app.conversations.messages(conversation)] == [QUESTION, answer.text]


def test_the_speed_of_this_computer_is_kept(app: App) -> None:
    app.hardware()
    assert app.rates.memory_bytes_per_s > 0
    again = App.open(app.paths.home)
    assert again.rates == app.rates
    again.close()


def test_a_worker_killed_in_mid_answer_keeps_the_text_and_the_next_message_works(app: App) -> None:
    conversation = app.conversations.create("t", "guide")
    turn = app.turn(conversation, QUESTION, "guide")
    said = ""
    while len(said) < 8:
        item = next(turn)
        said += item.text if isinstance(item, Piece) else ""
    worker(app).kill()
    rest: list[object] = []
    with pytest.raises(EngineCrashed):
        rest.extend(turn)
    said += "".join(i.text for i in rest if isinstance(i, Piece))
    kept = app.conversations.messages(conversation)[-1]
    assert (kept.finish, kept.text) == ("crashed", said)
    _, answer = ask(app, conversation, "What is quantisation?")
    assert answer.finish == "stop"
    assert answer.text


def test_the_question_is_stored_even_when_the_model_is_not_here(app: App) -> None:
    conversation = app.conversations.create("t", "qwen3-8b")
    with pytest.raises(NotHere):
        list(app.turn(conversation, "Are you there?", "qwen3-8b"))
    assert [m.text for m in app.conversations.messages(conversation)] == ["Are you there?"]


def test_a_model_too_large_for_this_computer_is_not_even_tried(app: App, tmp_path: Path) -> None:
    file = gguf_files.llama(tmp_path / "endless.gguf", layers=64, width=1024, context=1 << 22)
    with pytest.raises(WillNotFit) as told:
        list(app.open_model(str(file), context=1 << 22))
    needed = told.value.facts["needed_bytes"]
    assert isinstance(needed, int)
    assert needed > psutil.virtual_memory().total
    assert not psutil.Process().children()


def test_any_file_gets_a_ruling_and_an_unknown_one_is_never_free(app: App, tmp_path: Path) -> None:
    file = gguf_files.llama(tmp_path / "mine.gguf", metadata={"general.license": "other"})
    ruling = app.ruling(app.target(str(file)))
    assert (ruling.openness, ruling.commercial.answer) == ("unknown", "unknown")
    stated = gguf_files.llama(tmp_path / "gemma.gguf", metadata={"general.license": "gemma"})
    assert app.ruling(app.target(str(stated))).openness == "conditions"


def test_settings_reach_the_parts_they_concern(app: App) -> None:
    app.settings.offline = True
    app.save_settings()
    assert app.network.offline
    again = App.open(app.paths.home)
    assert again.network.offline
    again.close()
