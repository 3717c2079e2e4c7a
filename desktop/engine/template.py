"""A conversation as the one text that a model reads, by the Jinja template in its file: foreign code, fenced in."""

import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.exceptions import SecurityError

from desktop.engine import Message, fence, limits
from desktop.engine.thinking import TAGS, opened, switched
from desktop.errors import LoadFailed

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{{ '<|im_start|>assistant\\n' }}"
)
CHATML_END = "<|im_end|>"
BROKEN = "The chat template in this file does not work, so a common one is used; answers may be odd."
NONE = "This file has no chat template, so a common one is used; answers may be odd."
PICTURE = "<__media__>"  # stands for a picture in a prompt, as in llama.cpp

LAST_WORD = "\ufdd0"  # a character that no text has: marks where an answer ends

# what a template can raise: Jinja's errors, those of its own Python-like expressions, and of Python's compiler
_BROKEN = (
    *(TemplateError, TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RecursionError),
    *(AssertionError, MemoryError, SyntaxError, limits.TooMuch),
)
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")  # what thoughts are called in a message
_IN_PARTS = "block['type'] == 'thinking'"  # Ministral takes them as a part of the content
_TRIMMED = "You have access to the following functions in JSONSchema format"  # StepFun loops where a message ends in a blank
_WHY_LENGTH = 200
_PROBE = "2c4b7e"  # a text that no template writes by itself
_HELLO = [Message("user", "Hello")]


def of(source: str | None, bos: str, eos: str, path: str) -> "Template":
    """The template of a file, or the most common one where it has none (None) or a broken one, which its `notices` then say."""
    if source is not None:
        with suppress(LoadFailed):
            return Template(source, bos, eos, path)
    common = Template(CHATML, bos, eos, path)
    common.stop, common.notices = (CHATML_END,), (NONE if source is None else BROKEN,)
    return common


class Template:
    """One file's template. Raises LoadFailed when it is broken, reaches over its fence, or refuses a conversation.

    It gets the conversation as llama.cpp would give it: `now` tells what time it is. `thinks` and `thinks_unasked` are as in
    Loaded; `stop` are texts that end an answer.
    """

    notices: tuple[str, ...] = ()
    stop: tuple[str, ...] = ()

    def __init__(self, source: str, bos: str, eos: str, path: str, now: Callable[[], datetime] = datetime.now) -> None:
        self._source, self._path, self._now = source, path, now
        self._known = {"bos_token": bos, "eos_token": eos, "add_generation_prompt": True}
        self._typed = False  # it wants the content of a message as a list of parts
        self._system = True  # it knows the role
        if len(source) > limits.MOST_SOURCE:
            self._refuse(ValueError("it is too long"))
        environment = fence.Fenced()
        environment.globals["strftime_now"] = self._time
        try:
            self._template = limits.run(lambda: environment.from_string(source))
            self._find_content()
            self._system = _PROBE in self._try([Message("system", _PROBE), *_HELLO])
            self._find_thinking()
        except _BROKEN as error:
            self._refuse(error)

    def render(self, messages: Sequence[Message], thinking: bool | None = None) -> str:
        """The whole prompt, ready for the answer; `thinking` is for templates that offer the choice.

        Each picture has the text PICTURE in its place, and nothing else has. One that ends with an answer is to be gone on
        with: the prompt then ends where that does.
        """
        if messages[-1].role == "assistant":
            return self._up_to_answer(messages, thinking)
        return self._whole(messages, thinking)

    def _up_to_answer(self, messages: Sequence[Message], thinking: bool | None) -> str:
        """The template puts the answer where it belongs; what it writes after its last word is left out."""
        *before, answer = messages
        marked = [*before, replace(answer, text=answer.text + LAST_WORD)]
        prompt, found, _ = self._whole(marked, thinking, ask=False).rpartition(LAST_WORD)
        return prompt if found else self._whole(before, thinking) + answer.text

    def _whole(self, messages: Sequence[Message], thinking: bool | None, *, ask: bool = True) -> str:
        """ask: with what begins an answer."""
        wish = thinking if self.thinks == "choice" else None
        said = list(messages) if self._system else _without_system(messages)
        simpler = _in_turns(_without_system(messages))  # many templates insist that the two sides take turns
        try:
            prompt = (self._try(said, wish, ask=ask) if simpler != said else "") or self._render(simpler, wish, ask=ask)
        except _BROKEN as error:
            self._refuse(error)
        pictures = sum(len(message.pictures) for message in messages)
        if pictures and prompt.count(PICTURE) != pictures:
            self._refuse(ValueError("it loses pictures"))
        return prompt

    def _find_content(self) -> None:
        """Whether the content of a message is a text or a list of parts. Raises what says that it is neither."""
        probe = [Message("user", _PROBE)]
        if _PROBE in self._try(probe):
            return
        self._typed = True
        if _PROBE in self._try(probe):
            return
        self._typed = False
        self._render(probe)
        raise ValueError("it leaves out what is said")

    def _find_thinking(self) -> None:
        on, off, unasked = (self._try(_HELLO, wish) for wish in (True, False, None))
        closed = unasked.rstrip().endswith(tuple(TAGS.values()))
        self.thinks, self.thinks_unasked = "no", False
        if on and off and on != off:
            self.thinks, self.thinks_unasked = "choice", unasked != off
        elif opened(unasked) or (not closed and any(tag in self._source for tag in TAGS)):
            self.thinks = "always"

    def _try(self, messages: Sequence[Message], thinking: bool | None = None, *, ask: bool = True) -> str:
        """As `_render`; "" for a conversation that it refuses. Raises what tells of a bad will."""
        try:
            return self._render(messages, thinking, ask=ask)
        except (SecurityError, limits.TooMuch, MemoryError, RecursionError):
            raise
        except _BROKEN:
            return ""

    def _render(self, messages: Sequence[Message], thinking: bool | None = None, *, ask: bool = True) -> str:
        now = self._now()
        known: dict[str, Any] = {"date_string": now.strftime("%d %b %Y"), "datetime": now.strftime("%b %d %Y"), **self._known}
        known |= {} if thinking is None else switched(self._source, thinking)
        known |= {} if ask else {"add_generation_prompt": False}
        known["messages"] = [self._plain(message) for message in messages]
        return limits.run(lambda: self._template.render(known), len(messages))

    def _plain(self, message: Message) -> dict[str, Any]:
        text = message.text.strip() if _TRIMMED in self._source else message.text
        content: Any = PICTURE * len(message.pictures) + text.replace(PICTURE, "")
        parts = [{"type": "text", "text": content}]
        if message.thinking and _IN_PARTS in self._source:
            content = [{"type": "thinking", "thinking": message.thinking}, *parts]
        elif self._typed:
            content = parts
        thoughts = {name: message.thinking for name in _THOUGHTS if message.thinking}
        return {"role": message.role, "content": content, **thoughts}

    def _time(self, form: str) -> str:
        if len(form) > limits.MOST_WIDTH:
            raise limits.TooMuch
        return self._now().strftime(form.replace("%-", "%#") if sys.platform == "win32" else form)

    def _refuse(self, error: BaseException) -> NoReturn:
        told = " ".join(str(error).split())[:_WHY_LENGTH]
        why = "it takes too much time or memory" if isinstance(error, limits.TooMuch | MemoryError | RecursionError) else told
        raise LoadFailed(path=self._path, why=f"its chat template does not work ({why})") from error


def _without_system(messages: Sequence[Message]) -> list[Message]:
    """The same words with no system role: they begin the next message."""
    said: list[Message] = []
    waiting = ""
    for message in messages:
        if message.role == "system":
            waiting += f"{message.text}\n"
        else:
            said.append(replace(message, text=waiting + message.text))
            waiting = ""
    return [*said, Message("user", waiting)] if waiting else said


def _in_turns(messages: Sequence[Message]) -> list[Message]:
    """The same words with neighbours of one role joined."""
    said: list[Message] = []
    for message in messages:
        if said and said[-1].role == message.role:
            before = said[-1]
            text, pictures = f"{before.text}\n\n{message.text}", (*before.pictures, *message.pictures)
            said[-1] = replace(before, text=text, pictures=pictures)
        else:
            said.append(message)
    return said
