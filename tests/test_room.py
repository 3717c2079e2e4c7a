"""Conversations that fill a real model's memory. Its vocabulary spells byte by byte, so a letter is a token."""

from collections.abc import Generator, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from desktop import chat, room
from desktop.conversations import Conversations, Mark, Stored
from desktop.engine import ChatOptions, LoadOptions, Message, Piece, Reply
from desktop.engine.local import LocalEngine
from desktop.errors import AnswerTooLong, ContextFull, EngineCrashed, LastTooLong, NoSummary
from desktop.room import Shortened, Summarising
from tests.engine import models

Result = TypeVar("Result")
CONTEXT = 2048
OPTIONS = ChatOptions(max_tokens=200)
SUMMARY = "We spoke of the fox."
FOX = ["We", " spoke", " of", " the", " fox."]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def engine(folder: Path) -> Iterator[LocalEngine]:
    """Says one sentence, whatever it is asked."""
    engine = LocalEngine()
    end(engine.load(LoadOptions(models.write(folder / "fox.gguf", [*FOX, models.END]), context=CONTEXT)))
    yield engine
    engine.close()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Conversations]:
    conversations = Conversations(tmp_path / "c.sqlite")
    yield conversations
    conversations.close()


class Listening:
    """The real engine, and what it was asked."""

    def __init__(self, engine: LocalEngine) -> None:
        self.load, self.count, self.close = engine.load, engine.count, engine.close
        self._engine = engine
        self.heard: list[Sequence[Message]] = []

    def chat(self, messages: Sequence[Message], options: ChatOptions) -> Generator[Any, None, Reply]:
        self.heard.append(messages)
        return self._engine.chat(messages, options)


def run(steps: Generator[Any, None, Result]) -> tuple[list[Any], Result]:
    items = []
    while True:
        try:
            items.append(next(steps))
        except StopIteration as stop:
            return items, stop.value


def end(steps: Generator[Any, None, Result]) -> Result:
    return run(steps)[1]


def talk(exchanges: int, letters: int = 200, last: int = 40) -> list[Message]:
    """Questions and answers of so many letters in turn, and a last question."""
    said = [Message("system", "Be kind.")]
    for n in range(exchanges):
        said += [Message("user", f"{n}" + "q" * letters), Message("assistant", f"{n}" + "a" * letters)]
    return [*said, Message("user", "z" * last)]


def count(engine: LocalEngine, messages: Sequence[Message]) -> int:
    return end(engine.count(messages, OPTIONS)).tokens


# --- what stays ---------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("exchanges", [4, 5, 9, 30])
def test_as_many_whole_exchanges_stay_as_there_is_room_for(engine: LocalEngine, exchanges: int) -> None:
    said = talk(exchanges)
    shortened = end(room.shorten(said, engine, OPTIONS, "forget"))
    kept = said[shortened.first :]
    assert shortened.summary == ""
    assert kept[0].role == "user"
    assert kept[-1] == said[-1]
    assert count(engine, [said[0], *kept]) <= room.KEPT * CONTEXT
    assert count(engine, [said[0], *said[shortened.first - 2 :]]) > room.KEPT * CONTEXT


def test_a_conversation_with_room_enough_stays_whole(engine: LocalEngine) -> None:
    for how in ("forget", "summarise"):
        assert end(room.shorten(talk(1), engine, OPTIONS, how)) == Shortened(1, "")
        assert end(room.shorten(talk(1)[1:], engine, OPTIONS, how)) == Shortened(0, "")


def test_a_long_last_question_stays_alone(engine: LocalEngine) -> None:
    said = talk(4, last=1500)
    shortened = end(room.shorten(said, engine, OPTIONS, "forget"))
    assert shortened.first == len(said) - 1
    assert end(engine.chat([said[0], said[-1]], OPTIONS)).text == SUMMARY


def test_a_last_question_that_is_too_long_alone_is_told(engine: LocalEngine) -> None:
    for how in ("forget", "summarise"):
        with pytest.raises(LastTooLong) as told:
            end(room.shorten(talk(4, last=2100), engine, OPTIONS, how))
        assert told.value.facts["context"] == CONTEXT
        assert isinstance(told.value.facts["tokens"], int)
        assert told.value.facts["tokens"] > 2100


# --- summaries ----------------------------------------------------------------------------------------------------------------


def test_the_older_part_is_summarised_at_once_where_it_fits(engine: LocalEngine) -> None:
    heard = Listening(engine)
    said = talk(4)
    items, shortened = run(room.shorten(said, heard, OPTIONS, "summarise"))
    (question,) = heard.heard
    assert list(question[:-1]) == said[: shortened.first]  # as the model has it in memory already
    assert "Summarise our conversation" in question[-1].text
    assert shortened.summary == SUMMARY
    told = [item.fraction for item in items if isinstance(item, Summarising)]
    assert told == sorted(told)
    assert told[-1] > 0.5


def test_more_than_the_model_can_hold_is_summarised_in_pieces(engine: LocalEngine) -> None:
    heard = Listening(engine)
    said = talk(12)
    items, shortened = run(room.shorten(said, heard, OPTIONS, "summarise"))
    assert shortened.summary == SUMMARY
    assert len(heard.heard) >= 2
    read = "".join(message.text for question in heard.heard for message in question)
    assert all(message.text in read for message in said[: shortened.first])
    assert all(message.text not in read for message in said[shortened.first : -1])
    for later in heard.heard[1:]:
        assert SUMMARY in later[1].text
    told = [item.fraction for item in items if isinstance(item, Summarising)]
    assert told == sorted(told)
    assert told[-1] <= 1.0


@pytest.mark.parametrize("role", ["user", "assistant"])
def test_a_single_message_that_is_too_long_is_summarised_in_pieces(engine: LocalEngine, role: str) -> None:
    heard = Listening(engine)
    said = talk(2)
    long = Message(role, " ".join(str(n) for n in range(1500)))
    said[1 if role == "user" else 2] = long
    shortened = end(room.shorten(said, heard, OPTIONS, "summarise"))
    assert shortened.summary == SUMMARY
    read = "".join(message.text for question in heard.heard for message in question)
    for number in ("0 1 2", "1497 1498 1499"):
        assert number in read


def test_a_summary_that_does_not_end_is_cut_after_a_sentence(folder: Path) -> None:
    engine = LocalEngine()
    endless = [bytes([letter]) for letter in b"abcdefghijklmnopqrstuvwxyz."]
    end(engine.load(LoadOptions(models.write(folder / "endless.gguf", endless), context=CONTEXT)))
    summary = end(room.shorten(talk(5), engine, OPTIONS, "summarise")).summary
    engine.close()
    assert summary.endswith("z.")
    assert len(summary) <= room._budget(CONTEXT)


def test_a_model_that_writes_nothing_is_told(folder: Path) -> None:
    engine = LocalEngine()
    end(engine.load(LoadOptions(models.write(folder / "mute.gguf", [models.END]), context=CONTEXT)))
    with pytest.raises(NoSummary):
        end(room.shorten(talk(5), engine, OPTIONS, "summarise"))
    engine.close()


def test_a_last_question_that_leaves_no_room_for_a_summary_is_told(engine: LocalEngine) -> None:
    with pytest.raises(NoSummary, match="no room"):
        end(room.shorten(talk(4, last=1900), engine, OPTIONS, "summarise"))


def test_a_summary_goes_with_the_first_question() -> None:
    assert room.with_summary([Message("user", "Hi")], "") == [Message("user", "Hi")]
    label = "[Summary of what was said before: Apples.]"
    assert room.with_summary([Message("user", "Hi")], "Apples.") == [Message("user", f"{label}\n\nHi")]
    answer = Message("assistant", "Hello")
    assert room.with_summary([answer], "Apples.") == [Message("user", label), answer]


def test_how_long_a_summary_takes_is_known_from_the_rates() -> None:
    assert room.summary_s(4096, 10.0, 100.0, in_memory=False) == pytest.approx(4096 / 100 + 400 / 10)
    assert room.summary_s(4096, 10.0, 100.0, in_memory=True) == pytest.approx(0.4 * 4096 / 100 + 400 / 10)
    assert room.summary_s(4096, 0.0, 100.0, in_memory=True) == 0.0


# --- in a stored conversation -------------------------------------------------------------------------------------------------


def stored_talk(store: Conversations, exchanges: int, letters: int = 200, last: int = 40) -> tuple[int, tuple[Stored, ...]]:
    conversation = store.create("t", "m")
    for message in talk(exchanges, letters, last)[1:]:
        store.add(conversation, message.role, message.text, finish="stop" if message.role == "assistant" else "")
    return conversation, store.messages(conversation)


def turn(store: Conversations, conversation: int, engine: Any, **how: Any) -> tuple[list[Any], tuple[Stored, Reply]]:
    return run(chat.turn(store, conversation, engine, OPTIONS, model="m", system="Be kind.", **how))


def test_a_full_conversation_is_not_answered_before_the_person_chose(store: Conversations, engine: LocalEngine) -> None:
    conversation, said = stored_talk(store, 6)
    with pytest.raises(ContextFull):
        turn(store, conversation, engine)
    assert store.messages(conversation) == said
    assert store.mark(conversation) is None


def test_what_is_forgotten_is_not_read_and_stays_to_be_seen(store: Conversations, engine: LocalEngine) -> None:
    conversation, said = stored_talk(store, 6)
    heard = Listening(engine)
    items, (answer, reply) = turn(store, conversation, heard, make_room="forget")
    mark = store.mark(conversation)
    assert mark in items
    assert mark is not None
    read = chat.prompt(said, "Be kind.", mark)
    assert heard.heard == [read]
    assert (read[0].text, read[-1].text) == ("Be kind.", said[-1].text)
    assert store.messages(conversation)[:-1] == said
    assert (answer.text, answer.tokens) == (SUMMARY, reply.prompt_tokens + reply.completion_tokens)
    assert store.tokens(conversation) == answer.tokens
    store.remove_mark(mark.id)
    assert chat.prompt(said, "Be kind.", store.mark(conversation))[1].text == said[0].text


def test_what_stays_is_not_read_again_when_the_oldest_is_forgotten(store: Conversations, engine: LocalEngine) -> None:
    conversation, _ = stored_talk(store, 11, letters=60)
    turn(store, conversation, engine)
    store.add(conversation, "user", "y" * 500)
    items, (_, reply) = turn(store, conversation, engine, when_full="forget")
    assert any(isinstance(item, Mark) for item in items)
    assert reply.prompt_tokens > 750
    assert reply.prompt_tokens - reply.cached_tokens < 600  # the last answer, which is spelled in other tokens, and the question


def test_what_is_summarised_is_read_as_its_summary(store: Conversations, engine: LocalEngine) -> None:
    conversation, _ = stored_talk(store, 6)
    heard = Listening(engine)
    turn(store, conversation, heard, make_room="summarise")
    mark = store.mark(conversation)
    assert mark is not None
    assert mark.summary == SUMMARY
    assert heard.heard[-1][1].text.startswith(f"[Summary of what was said before: {SUMMARY}]\n\n")
    for _ in range(8):  # until it is full again
        store.add(conversation, "user", "q" * 200)
        items, _ = turn(store, conversation, heard, when_full="summarise")
        if any(isinstance(item, Mark) for item in items):
            break
    again = store.mark(conversation)
    assert again is not None
    assert again.message_id > mark.message_id
    assert SUMMARY in heard.heard[-2][1].text  # the first summary is part of what the second one sums up


def test_a_choice_for_every_time_needs_no_question(store: Conversations, engine: LocalEngine) -> None:
    conversation, _ = stored_talk(store, 6)
    items, (answer, _) = turn(store, conversation, engine, when_full="forget")
    assert [item.summary for item in items if isinstance(item, Mark)] == [""]
    assert answer.text == SUMMARY


def test_a_summary_that_is_cancelled_changes_nothing(store: Conversations, engine: LocalEngine) -> None:
    conversation, said = stored_talk(store, 6)
    steps = chat.turn(store, conversation, engine, OPTIONS, model="m", make_room="summarise")
    next(item for item in steps if isinstance(item, Summarising) and item.fraction > 0.5)
    steps.close()
    assert (store.messages(conversation), store.mark(conversation)) == (said, None)


def test_a_crash_in_a_summary_changes_nothing(store: Conversations, folder: Path) -> None:
    engine = LocalEngine()
    end(engine.load(LoadOptions(models.write(folder / "crash.gguf", [*FOX, models.END]), context=CONTEXT)))
    conversation, said = stored_talk(store, 6)
    steps = chat.turn(store, conversation, engine, OPTIONS, model="m", make_room="summarise")
    next(item for item in steps if isinstance(item, Summarising))
    assert engine._worker is not None
    psutil.Process(engine._worker.pid).kill()
    with pytest.raises(EngineCrashed):
        list(steps)
    assert (store.messages(conversation), store.mark(conversation)) == (said, None)
    assert turn(store, conversation, engine, make_room="summarise")[1][0].text == SUMMARY
    engine.close()


def test_an_answer_that_fills_the_memory_goes_on_after_room_is_made(store: Conversations, folder: Path) -> None:
    engine = LocalEngine()
    end(engine.load(LoadOptions(models.write(folder / "alphabet.gguf", models.ALPHABET), context=512)))
    conversation, _ = stored_talk(store, 1, letters=100)
    options = ChatOptions(max_tokens=400)
    answer, _ = end(chat.turn(store, conversation, engine, options, model="m"))
    assert answer.finish == "full"
    items, (longer, _) = run(chat.turn(store, conversation, engine, options, model="m", make_room="forget"))
    assert any(isinstance(item, Mark) for item in items)
    assert longer.id == answer.id
    assert longer.text.startswith(answer.text)
    assert "".join(item.text for item in items if isinstance(item, Piece)) == longer.text[len(answer.text) :]
    assert longer.text in "abcdefghijklmnopqrstuvwxyz" * 40
    assert longer.finish == "full"  # now it fills the memory alone
    with pytest.raises(AnswerTooLong):
        end(chat.turn(store, conversation, engine, options, model="m", make_room="forget"))
    assert store.messages(conversation)[-1] == longer
    engine.close()


def test_an_answer_that_was_long_enough_goes_on_when_asked(store: Conversations, folder: Path) -> None:
    engine = LocalEngine()
    end(engine.load(LoadOptions(models.write(folder / "letters.gguf", models.ALPHABET), context=512)))
    conversation = store.create("t", "m")
    store.add(conversation, "user", "Hi")
    for length in (3, 6):
        answer, _ = end(chat.turn(store, conversation, engine, ChatOptions(max_tokens=3), model="m"))
        assert (answer.text, answer.finish) == ("abcdef"[:length], "length")
    steps = chat.turn(store, conversation, engine, ChatOptions(), model="m")
    next(item for item in steps if isinstance(item, Piece) and item.text)
    steps.close()
    kept = store.messages(conversation)[-1]
    assert kept.text.startswith("abcdefg")
    assert kept.finish == "cancelled"
    engine.close()
