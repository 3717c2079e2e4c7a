"""Talking with a model: it is opened when needed, and what its answers show of this computer is learned."""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, replace

from desktop import chat, judging
from desktop.conversations import Conversations, Stored
from desktop.engine import ChatOptions, Loaded, Loading
from desktop.room import How
from desktop.running import Running
from desktop.settings import Settings
from desktop.targets import Targets

SAID_ENOUGH = 24  # tokens of an answer, from which its speed is worth keeping


@dataclass(frozen=True)
class Talking:
    """The conversations and the model that answers in them."""

    targets: Targets
    running: Running
    conversations: Conversations
    settings: Settings
    save: Callable[[], None]  # the settings

    def turn(
        self,
        conversation_id: int,
        question: str | None,
        reference: str,
        options: ChatOptions | None = None,
        *,
        pictures: Sequence[bytes] = (),
        make_room: How | None = None,
    ) -> Generator[Loading | Loaded | chat.Step, None, Stored]:
        """Ask in a conversation: the model is loaded when needed, the answer streamed. With no question, answer what was asked
        last, or go on with the answer that was given last.

        The question is saved by the call itself, so that it is kept even when nobody takes the first step. pictures: files as
        picture.prepared() gives them; a model that cannot see leaves them out. make_room: let the model read less first. Raises
        as Running.open does, and as chat.turn.
        """
        if question is not None:
            self.conversations.add(conversation_id, "user", question, pictures=pictures)
        return self._answer(conversation_id, reference, options or ChatOptions(), make_room)

    def _answer(
        self, conversation_id: int, reference: str, options: ChatOptions, make_room: How | None
    ) -> Generator[Loading | Loaded | chat.Step, None, Stored]:
        yield Loading(0.0)
        yield (yield from self.running.open(reference))
        if options.thinking is None:
            options = replace(options, thinking=self.thinking(reference))
        options = replace(options, conversation=str(conversation_id) if self.settings.keep_ready else "")
        answer, reply = yield from chat.turn(
            self.conversations,
            conversation_id,
            self.running.engine,
            options,
            model=reference,
            make_room=make_room,
            when_full=self.settings.when_full,
        )
        opened = self.running.opened
        if opened and reply.completion_tokens >= SAID_ENOUGH:
            self.running.computer.learn(opened, reply)
        return answer

    def thinking(self, reference: str) -> bool | None:
        """Whether a model is to think before it answers; None where it has no choice, or was never open. Raises BadReference."""
        return self.settings.thinking.get(judging.settings_key(self.targets.of(reference)))

    def choose_thinking(self, reference: str, on: bool) -> None:
        """Have a model think before it answers, or not, from now on. Raises BadReference, NotWritable."""
        self.settings.thinking[judging.settings_key(self.targets.of(reference))] = on
        self.save()

    def delete_conversation(self, conversation_id: int) -> None:
        """Put a conversation in the trash, from where the store takes it back; what models have read of it goes at once."""
        self.conversations.delete(conversation_id)
        self.running.forget(str(conversation_id))
