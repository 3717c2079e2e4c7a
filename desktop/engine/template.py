"""A conversation as the one text that a model reads, by the Jinja template in its file: foreign code, fenced in."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import TemplateError
from jinja2.exceptions import SecurityError

from desktop.engine import Message, fence
from desktop.engine.thinking import TAGS, opened, switched
from desktop.errors import LoadFailed

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{{ '<|im_start|>assistant\\n' }}"
)
CHATML_END = "<|im_end|>"
PICTURE = "<__media__>"  # stands for a picture in a prompt, as in llama.cpp

# what a template can raise: Jinja's errors, those of its own Python-like expressions, and of Python's compiler
_BROKEN = (
    *(TemplateError, TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RecursionError),
    *(AssertionError, MemoryError, SyntaxError, fence.TooMuch),
)
_THOUGHTS = ("reasoning_content", "reasoning", "thinking")  # what thoughts are called in a message
_IN_PARTS = "block['type'] == 'thinking'"  # Ministral takes them as a part of the content
_TRIMMED = "You have access to the following functions in JSONSchema format"  # StepFun loops where a message ends in a blank
_WHY_LENGTH = 200
_PROBE = "2c4b7e"  # a text that no template writes by itself


class Template:
    """One file's template. Raises LoadFailed when it is broken, reaches over its fence, or refuses a conversation.

    It gets the conversation as llama.cpp would give it: `now` is what time it is.
    """

    def __init__(self, source: str, bos: str, eos: str, path: str, now: Callable[[], datetime] = datetime.now) -> None:
        self._source, self._path, self._now = source, path, now
        self._known = {"bos_token": bos, "eos_token": eos, "add_generation_prompt": True}
        if len(source) > fence.MOST_SOURCE:
            self._refuse(ValueError("it is too long"))
        environment = fence.Fenced()
        environment.globals["strftime_now"] = self._time
        try:
            self._template = environment.from_string(source)
        except _BROKEN as error:
            self._refuse(error)
        self._typed = False  # it wants the content of a message as a list of parts
        self._system = True  # it knows the role
        self._find_out()

    def render(self, messages: Sequence[Message], thinking: bool | None = None) -> str:
        """The whole prompt, ready for the answer; `thinking` is for templates that offer the choice.

        Each picture has the text PICTURE in its place, and nothing else has.
        """
        said = list(messages) if self._system else _without_system(messages)
        try:
            prompt = self._render(said, thinking)
        except (SecurityError, fence.TooMuch) as error:
            self._refuse(error)
        except _BROKEN as error:  # many templates insist that the two sides take turns
            simpler = _in_turns(_without_system(messages))
            if simpler == said:
                self._refuse(error)
            try:
                prompt = self._render(simpler, thinking)
            except _BROKEN as worse:
                self._refuse(worse)
        pictures = sum(len(message.pictures) for message in messages)
        if pictures and prompt.count(PICTURE) != pictures:
            self._refuse(ValueError("it loses pictures"))
        return prompt

    @property
    def thinks(self) -> str:
        """Whether its model thinks before it answers: "no", "always" or "choice"."""
        asked = [Message("user", "Hello")]
        if self.render(asked, True) != self.render(asked, False):
            return "choice"
        prompt = self.render(asked)
        if opened(prompt):
            return "always"
        closed = prompt.rstrip().endswith(tuple(TAGS.values()))
        return "always" if not closed and any(tag in self._source for tag in TAGS) else "no"

    def _find_out(self) -> None:
        """What the template takes: texts or lists of parts, and a system role."""
        probe = [Message("user", _PROBE)]
        try:
            text = self._render(probe)
        except _BROKEN as error:
            text, reason = "", error
        else:
            reason = ValueError("it leaves out what is said")
        if _PROBE not in text:
            self._typed = True
            try:
                text = self._render(probe)
            except _BROKEN:
                text = ""
        if _PROBE not in text:
            self._refuse(reason)
        try:
            self._system = _PROBE in self._render([Message("system", _PROBE), Message("user", "Hello")])
        except _BROKEN:
            self._system = False

    def _render(self, messages: Sequence[Message], thinking: bool | None = None) -> str:
        now = self._now()
        known = {"date_string": now.strftime("%d %b %Y"), "datetime": now.strftime("%b %d %Y"), **self._known}
        known |= {} if thinking is None else switched(self._source, thinking)
        return fence.render(self._template, {**known, "messages": [self._plain(message) for message in messages]})

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
        if len(form) > fence.MOST_WIDTH:
            raise fence.TooMuch
        return self._now().strftime(form.replace("%-", "%#") if sys.platform == "win32" else form)

    def _refuse(self, error: BaseException) -> NoReturn:
        told = " ".join(str(error).split())[:_WHY_LENGTH]
        why = "it takes too much time or memory" if isinstance(error, fence.TooMuch | MemoryError | RecursionError) else told
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
