"""One turn of a conversation: the question is saved before the engine is asked, the answer as it comes, whatever happens."""

import time
from collections.abc import Generator, Mapping, Sequence
from functools import partial
from types import MappingProxyType

from desktop import room
from desktop.conversations import Conversations, Mark, Stored
from desktop.engine import ChatOptions, Engine, Message, Piece, Reading, Reply
from desktop.errors import ContextFull
from desktop.room import How, Summarising
from desktop.settings import WhenFull

Step = Reading | Piece | Summarising | Mark

SAVE_EVERY_S = 1.0  # of an answer that streams: what a power cut may cost
TITLE_LENGTH = 48
NO_PICTURES: Mapping[int, tuple[bytes, ...]] = MappingProxyType({})


def title(question: str) -> str:
    """A conversation's first title: the beginning of its first question."""
    line = " ".join(question.split())
    if len(line) <= TITLE_LENGTH:
        return line or "New chat"
    return line[:TITLE_LENGTH].rsplit(" ", 1)[0].rstrip(",;:.-") + "…"


def turn(
    conversations: Conversations,
    conversation_id: int,
    engine: Engine,
    options: ChatOptions,
    *,
    model: str,
    system: str = "",
    make_room: How | None = None,
    when_full: WhenFull = "ask",
) -> Generator[Step, None, tuple[Stored, Reply]]:
    """As `answer`, with room made before, or as often as the conversation memory is full, unless the person is to be asked.

    Yields the Mark whenever the model begins to read less. Raises as `answer` and `room.shorten` do.
    """
    shorten = partial(_make_room, conversations, conversation_id, engine, options, system)
    if make_room:
        yield from shorten(make_room)
    while True:
        try:
            stored, reply = yield from answer(conversations, conversation_id, engine, options, model=model, system=system)
        except ContextFull:
            if when_full == "ask" or not (yield from shorten(when_full)):
                raise
        else:
            if stored.finish != "full" or when_full == "ask" or not (yield from shorten(when_full)):
                return stored, reply


def answer(
    conversations: Conversations, conversation_id: int, engine: Engine, options: ChatOptions, *, model: str, system: str = ""
) -> Generator[Reading | Piece, None, tuple[Stored, Reply]]:
    """Stream and save an answer to what has been said so far; returns it as saved, and as the engine gave it.

    An answer that was the last thing said is gone on with. When it is closed or fails, the text so far is kept.
    """
    stored = conversations.messages(conversation_id)
    said = prompt(stored, system, conversations.mark(conversation_id), conversations.pictures(conversation_id))
    begun = stored[-1] if said[-1].role == "assistant" else None
    message_id = begun.id if begun else conversations.add(conversation_id, "assistant", "", model=model, finish="writing")
    draft = _Draft(conversations, message_id, begun)
    try:
        reply = yield from draft.follow(engine.chat(said, options))
    except GeneratorExit:
        draft.save("cancelled")
        raise
    except ContextFull as full:
        if begun:
            draft.save("full")
        else:
            conversations.replace_from(conversation_id, message_id)  # it never began
        raise room.closer(full, said) from full
    except BaseException:
        draft.save("crashed")
        raise
    draft.save(reply.finish, reply)
    return conversations.message(message_id), reply


def prompt(
    messages: Sequence[Stored],
    system: str = "",
    mark: Mark | None = None,
    pictures: Mapping[int, tuple[bytes, ...]] = NO_PICTURES,
) -> list[Message]:
    """What the engine is to read: the system text, then questions and answers in turn, from the mark on.

    pictures: by the message's id.
    """
    said = [message for _, message in _turns(messages, mark, pictures)]
    return [*([Message("system", system)] if system else []), *room.with_summary(said, mark.summary if mark else "")]


def _turns(messages: Sequence[Stored], mark: Mark | None, pictures: Mapping[int, tuple[bytes, ...]]) -> list[tuple[int, Message]]:
    """The turns that are read, each with the id of the message that it begins with.

    Thoughts go with their answers; the model's chat template decides whether it reads them again. Answers that never began are
    left out, and questions that then follow each other become one: many templates refuse two turns of the same side in a row.
    """
    turns: list[tuple[int, Message]] = []
    for message in messages:
        shown = pictures.get(message.id, ())
        if not (message.text or shown) or (mark and message.id <= mark.message_id):
            continue
        if turns and turns[-1][1].role == message.role:
            first_id, before = turns[-1]
            text = "\n\n".join(filter(None, (before.text, message.text)))
            turns[-1] = first_id, Message(message.role, text, pictures=before.pictures + shown)
        else:
            turns.append((message.id, Message(message.role, message.text, message.thinking, shown)))
    return turns


def _make_room(
    conversations: Conversations, conversation_id: int, engine: Engine, options: ChatOptions, system: str, how: How
) -> Generator[Reading | Summarising | Mark, None, bool]:
    """Let the model read less from now on; False where there is nothing to leave out. Until all is known nothing changes."""
    stored, mark = conversations.messages(conversation_id), conversations.mark(conversation_id)
    pictures = conversations.pictures(conversation_id)
    said = prompt(stored, system, mark, pictures)
    shortened = yield from room.shorten(said, engine, options, how)
    turns = _turns(stored, mark, pictures)
    first_id, _ = turns[shortened.first - (len(said) - len(turns))]
    left_out = [message.id for message in stored if message.id < first_id]
    if not left_out or left_out[-1] == (mark and mark.message_id):
        return False
    yield conversations.set_mark(left_out[-1], shortened.summary)
    return True


class _Draft:
    """An answer while it streams: collected, and saved about once a second. `begun` is what there is of it already."""

    def __init__(self, conversations: Conversations, message_id: int, begun: Stored | None = None) -> None:
        self._conversations, self._message_id = conversations, message_id
        self._text = [begun.text] if begun else []
        self._thinking = [begun.thinking] if begun else []

    def follow(self, pieces: Generator[Reading | Piece, None, Reply]) -> Generator[Reading | Piece, None, Reply]:
        saved_s = time.monotonic()
        try:
            while True:
                piece = next(pieces)
                if isinstance(piece, Piece):
                    (self._thinking if piece.thinking else self._text).append(piece.text)
                    if time.monotonic() - saved_s > SAVE_EVERY_S:
                        self.save("writing")
                        saved_s = time.monotonic()
                yield piece
        except StopIteration as end:
            reply: Reply = end.value
            return reply
        finally:
            pieces.close()

    def save(self, finish: str, reply: Reply | None = None) -> None:
        rate, tokens = (reply.tokens_per_s, reply.prompt_tokens + reply.completion_tokens) if reply else (None, 0)
        self._conversations.write(self._message_id, "".join(self._text), "".join(self._thinking), finish, rate, tokens)
