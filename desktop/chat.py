"""One turn of a conversation: the question is saved before the engine is asked, the answer as it comes, whatever happens."""

import time
from collections.abc import Generator, Sequence

from desktop.conversations import Conversations, Stored
from desktop.engine import ChatOptions, Engine, Message, Piece, Reading, Reply

SAVE_EVERY_S = 1.0  # of an answer that streams: what a power cut may cost
TITLE_LENGTH = 48


def title(question: str) -> str:
    """A conversation's first title: the beginning of its first question."""
    line = " ".join(question.split())
    if len(line) <= TITLE_LENGTH:
        return line or "New chat"
    return line[:TITLE_LENGTH].rsplit(" ", 1)[0].rstrip(",;:.-") + "…"


def answer(
    conversations: Conversations, conversation_id: int, engine: Engine, options: ChatOptions, *, model: str, system: str = ""
) -> Generator[Reading | Piece, None, tuple[Stored, Reply]]:
    """Stream and save an answer to what has been said so far; returns it as saved, and as the engine gave it.

    When it is closed or fails, the text so far is kept.
    """
    said = prompt(conversations.messages(conversation_id), system)
    message_id = conversations.add(conversation_id, "assistant", "", model=model, finish="writing")
    draft = _Draft(conversations, message_id)
    try:
        reply = yield from draft.follow(engine.chat(said, options))
    except GeneratorExit:
        draft.save("cancelled")
        raise
    except BaseException:
        draft.save("crashed")
        raise
    conversations.write(message_id, reply.text, reply.thinking, reply.finish, reply.tokens_per_s)
    return conversations.message(message_id), reply


def prompt(messages: Sequence[Stored], system: str = "") -> list[Message]:
    """What the engine is to read: the system text, then questions and answers in turn.

    Thoughts go with their answers; the model's chat template decides whether it reads them again. Answers that never began are
    left out, and questions that then follow each other become one: many templates refuse two turns of the same side in a row.
    """
    said = [Message("system", system)] if system else []
    for message in messages:
        if message.text and said and said[-1].role == message.role:
            said[-1] = Message(message.role, f"{said[-1].text}\n\n{message.text}")
        elif message.text:
            said.append(Message(message.role, message.text, message.thinking))
    return said


class _Draft:
    """An answer while it streams: collected, and saved about once a second."""

    def __init__(self, conversations: Conversations, message_id: int) -> None:
        self._conversations, self._message_id = conversations, message_id
        self._text: list[str] = []
        self._thinking: list[str] = []

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

    def save(self, finish: str) -> None:
        self._conversations.write(self._message_id, "".join(self._text), "".join(self._thinking), finish)
