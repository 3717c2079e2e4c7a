from collections.abc import Generator, Iterator, Sequence
from pathlib import Path

import pytest

from desktop import chat
from desktop.conversations import Conversations
from desktop.engine import ChatOptions, Counted, Loaded, Loading, LoadOptions, Message, Piece, Reading, Reply
from desktop.errors import EngineCrashed


class Parrot:
    """An engine that says the last message back, word by word; `fail` ends it in the middle. It stands for any engine: the
    real one is driven in tests/engine and tests/test_app.py."""

    def __init__(self, fail: Exception | None = None) -> None:
        self.fail = fail
        self.heard: list[Message] = []
        self.closed = False

    def load(self, options: LoadOptions) -> Generator[Loading, None, Loaded]:
        yield Loading(1.0)
        return Loaded(options.context, 0.0, "parrot", None, True)

    def chat(self, messages: Sequence[Message], options: ChatOptions) -> Generator[Reading | Piece, None, Reply]:
        self.heard = list(messages)
        words = messages[-1].text.split()
        try:
            yield Reading(0, len(words))
            for word in words:
                yield Piece(word + " ")
            if self.fail:
                raise self.fail
        finally:
            self.closed = True
        return Reply("".join(f"{word} " for word in words), "", "stop", len(words), 0, len(words), 0.1, 10.0)

    def count(self, messages: Sequence[Message], options: ChatOptions) -> Generator[Reading, None, Counted]:
        yield Reading(0, 0)
        return Counted(sum(len(message.text.split()) for message in messages), 1000)

    def close(self) -> None:
        pass


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Conversations]:
    conversations = Conversations(tmp_path / "c.sqlite")
    yield conversations
    conversations.close()


def test_the_answer_is_streamed_and_stored(store: Conversations) -> None:
    conversation = store.create("t", "m")
    store.add(conversation, "user", "one two three")
    turn = chat.answer(store, conversation, Parrot(), ChatOptions(), model="m")
    pieces = list(turn)
    assert [p.text for p in pieces if isinstance(p, Piece)] == ["one ", "two ", "three "]
    assert [(m.text, m.finish, m.model) for m in store.messages(conversation)][1] == ("one two three ", "stop", "m")


def test_a_cancelled_answer_is_kept_as_far_as_it_came(store: Conversations) -> None:
    conversation = store.create("t", "m")
    store.add(conversation, "user", "one two three")
    engine = Parrot()
    turn = chat.answer(store, conversation, engine, ChatOptions(), model="m")
    next(turn)
    next(turn)
    turn.close()
    assert engine.closed
    assert [(m.text, m.finish) for m in store.messages(conversation)][1] == ("one ", "cancelled")


def test_a_crash_keeps_question_and_answer_so_far(store: Conversations) -> None:
    conversation = store.create("t", "m")
    store.add(conversation, "user", "one two")
    with pytest.raises(EngineCrashed):
        list(chat.answer(store, conversation, Parrot(EngineCrashed(code=-9)), ChatOptions(), model="m"))
    assert [(m.text, m.finish) for m in store.messages(conversation)] == [("one two", ""), ("one two ", "crashed")]


def test_the_engine_hears_everything_said_in_turns(store: Conversations) -> None:
    conversation = store.create("t", "m")
    store.add(conversation, "user", "first")
    store.add(conversation, "assistant", "", finish="crashed")  # never began: no turn of its own
    store.add(conversation, "user", "second")
    engine = Parrot()
    list(chat.answer(store, conversation, engine, ChatOptions(), model="m", system="Be brief."))
    assert [(m.role, m.text) for m in engine.heard] == [("system", "Be brief."), ("user", "first\n\nsecond")]


def test_the_engine_hears_what_was_thought(store: Conversations) -> None:
    conversation = store.create("t", "m")
    store.add(conversation, "user", "first")
    answer = store.add(conversation, "assistant", "", finish="writing")
    store.write(answer, "Yes.", "Let me see.", "stop")
    store.add(conversation, "user", "second")
    assert chat.prompt(store.messages(conversation))[1] == Message("assistant", "Yes.", "Let me see.")


def test_titles_are_the_beginning_of_the_question() -> None:
    assert chat.title("  What is\nan open-weight model? ") == "What is an open-weight model?"
    long = chat.title("Could you please write a friendly and short letter to all of our customers about the holidays")
    assert long.endswith("…")
    assert len(long) <= chat.TITLE_LENGTH + 1
    assert chat.title("   ") == "New chat"


def test_pictures_go_to_the_engine_with_their_question(store: Conversations) -> None:
    conversation = store.create("t", "m")
    store.add(conversation, "user", "Look", pictures=(b"1",))
    store.add(conversation, "user", "", pictures=(b"2",))  # nothing was answered between, and it had no words
    parrot = Parrot()
    list(chat.answer(store, conversation, parrot, ChatOptions(), model="m"))
    assert parrot.heard == [Message("user", "Look", pictures=(b"1", b"2"))]
    store.add(conversation, "user", "And now?")
    list(chat.answer(store, conversation, parrot, ChatOptions(), model="m"))
    assert parrot.heard[0].pictures == (b"1", b"2")
    assert parrot.heard[-1] == Message("user", "And now?")
