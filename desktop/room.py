"""Room in a conversation that has become too long for its model: what stays word for word, and a summary of the rest.

Works on the messages that the engine reads; the system text and the last exchange always stay.
"""

import re
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Literal

from desktop.engine import ROOM, ChatOptions, Counted, Engine, Message, Reading
from desktop.errors import AnswerTooLong, ContextFull, LastTooLong, NoSummary

How = Literal["summarise", "forget"]

KEPT = 0.4  # of the conversation memory: what the exchanges that stay may take, the last one aside
SHORTEST, LONGEST = 48, 400  # tokens of a summary
LABEL = 32  # tokens, at most, of the words around it
SHORT = 200  # characters of a message that is not divided any more

INSTRUCTION = (
    "Summarise our conversation up to here in at most {words} words, in the language that we speak in it. Keep names, figures, "
    "dates, what was decided, what I asked for and how I want it, and what is still open. Write nothing but the summary."
)
SUMMARY = "[Summary of what was said before: {summary}]"
SENTENCE_END = re.compile(r".*[.!?…。！？]", re.DOTALL)


@dataclass(frozen=True)
class Summarising:
    """The older part is being summarised: `fraction` from 0 to 1."""

    fraction: float


@dataclass(frozen=True)
class Shortened:
    """What is left of a conversation: its messages from index `first` on, and a summary of those before ("" = forgotten)."""

    first: int
    summary: str


def shorten(
    messages: Sequence[Message], engine: Engine, options: ChatOptions, how: How
) -> Generator[Reading | Summarising, None, Shortened]:
    """Leave out the oldest exchanges, so that there is room for more; nothing is left out where there is room enough.

    Raises LastTooLong where the last exchange does not fit alone, NoSummary, and what the engine raises.
    """
    first, last = yield from _first_kept(messages, engine, options)
    begin = len(_head(messages))
    if how == "forget" or first == begin:
        return Shortened(first, "")
    budget = min(_budget(last.context), last.context - last.tokens - ROOM - LABEL)
    if budget < SHORTEST:
        raise NoSummary(why="the last message leaves no room for it")
    summary = yield from _Summary(_head(messages), engine, options, budget).of(messages[begin:first])
    return Shortened(first, summary)


def closer(full: ContextFull, messages: Sequence[Message]) -> ContextFull:
    """The same error, told as that of the last exchange where there is no other that could be left out."""
    if sum(message.role == "user" for message in messages) > 1:
        return full
    return (AnswerTooLong if messages[-1].role == "assistant" else LastTooLong)(**full.facts)


def with_summary(messages: Sequence[Message], summary: str) -> list[Message]:
    """The messages with the summary of what came before in the first question: every chat template takes it there."""
    if not summary:
        return list(messages)
    words = SUMMARY.format(summary=summary)
    if messages and messages[0].role == "user":
        return [replace(messages[0], text=f"{words}\n\n{messages[0].text}"), *messages[1:]]
    return [Message("user", words), *messages]


def summary_s(context: int, tokens_per_s: float, prompt_tokens_per_s: float, *, in_memory: bool) -> float:
    """Seconds, about, until a conversation that filled the memory goes on after a summary; 0 where the rates are not known.

    `in_memory`: the older part needs no reading, because the model has just been talking of it.
    """
    if not tokens_per_s or not prompt_tokens_per_s:
        return 0.0
    read = KEPT * context if in_memory else context
    return read / prompt_tokens_per_s + _budget(context) / tokens_per_s


def _budget(context: int) -> int:
    return max(SHORTEST, min(LONGEST, context // 8))


def _head(messages: Sequence[Message]) -> list[Message]:
    return [message for message in messages[:1] if message.role == "system"]


def _first_kept(
    messages: Sequence[Message], engine: Engine, options: ChatOptions
) -> Generator[Reading, None, tuple[int, Counted]]:
    """Where the longest end begins that starts with a question and takes KEPT at most; and the count of the last exchange."""
    starts = [index for index, message in enumerate(messages) if message.role == "user"]
    last = yield from engine.count([*_head(messages), *messages[starts[-1] :]], options)
    if not last.fits:
        raise closer(ContextFull(tokens=last.tokens, context=last.context), messages[starts[-1] :])
    low, high = 0, len(starts) - 1
    while low < high:
        middle = (low + high) // 2
        counted = yield from engine.count([*_head(messages), *messages[starts[middle] :]], options)
        low, high = (low, middle) if counted.tokens <= KEPT * counted.context else (middle + 1, high)
    return starts[high], last


class _Summary:
    """Asks the model for a summary, of as much at once as it can hold: what it has written so far stands for what was before."""

    def __init__(self, head: list[Message], engine: Engine, options: ChatOptions, budget: int) -> None:
        self._head, self._engine, self._budget = head, engine, budget
        self._options = replace(options, thinking=False)
        self._instruction = INSTRUCTION.format(words=budget * 3 // 5)

    def of(self, older: Sequence[Message]) -> Generator[Reading | Summarising, None, str]:
        """The whole summary. Raises NoSummary, ContextFull where not even the beginning of a message fits."""
        left, summary = list(older), ""
        whole, done = max(1, sum(len(message.text) for message in left)), 0
        while left:
            count, tokens, context = yield from self._fitting(left, summary)
            if not count:
                left[:1] = _halves(left[0], tokens, context)
                continue
            part, left = left[:count], left[count:]
            size = sum(len(message.text) for message in part)
            options = replace(self._options, max_tokens=max(self._budget, context - tokens))
            answering = self._asked(self._question(part, summary), options)
            summary = yield from _scaled(answering, done / whole, size / whole)
            done += size
        return summary

    def _question(self, part: Sequence[Message], summary: str) -> list[Message]:
        said = with_summary(part, summary)
        if said[-1].role == "user":
            return [*self._head, *said[:-1], replace(said[-1], text=f"{said[-1].text}\n\n{self._instruction}")]
        return [*self._head, *said, Message("user", self._instruction)]

    def _fitting(self, left: list[Message], summary: str) -> Generator[Reading, None, tuple[int, int, int]]:
        """How many messages fit at once, what they are then as a question, in tokens, and the memory's length."""
        low, high, tried = 0, len(left), len(left)
        found = 0
        while True:
            counted = yield from self._engine.count(self._question(left[:tried], summary), self._options)
            if counted.tokens + self._budget <= counted.context:
                low, found = tried, counted.tokens
            else:
                high = tried - 1
            if low >= high:
                return low, found or counted.tokens, counted.context
            tried = (low + high + 1) // 2

    def _asked(self, question: list[Message], options: ChatOptions) -> Generator[float, None, str]:
        text: list[str] = []
        with closing(self._engine.chat(question, options)) as steps:
            for step in steps:
                if isinstance(step, Reading):
                    yield step.done_tokens / step.total_tokens / 2 if step.total_tokens else 0.0
                    continue
                if step.text and not step.thinking:
                    text.append(step.text)
                if len(text) > self._budget:  # a piece is about a token
                    break
                yield 0.5 + 0.5 * min(1.0, len(text) / self._budget)
        summary = "".join(text).strip()
        if len(text) > self._budget and (whole := SENTENCE_END.match(summary)):
            summary = whole.group()
        if not summary:
            raise NoSummary(why="the model wrote nothing")
        return summary


def _scaled(steps: Generator[float, None, str], done: float, share: float) -> Generator[Summarising, None, str]:
    """The progress of a part as that of the whole."""
    with closing(steps):
        while True:
            try:
                yield Summarising(done + share * next(steps))
            except StopIteration as end:
                text: str = end.value
                return text


def _halves(message: Message, tokens: int, context: int) -> list[Message]:
    """A message that is too long to be read at once, as two. Raises ContextFull when it cannot be the message."""
    text = message.text
    if len(text) < SHORT:
        raise ContextFull(tokens=tokens, context=context)
    middle = text.find(" ", len(text) // 2, len(text) // 2 + SHORT // 2)
    middle = len(text) // 2 if middle < 0 else middle
    return [replace(message, text=text[:middle]), Message(message.role, text[middle:])]
