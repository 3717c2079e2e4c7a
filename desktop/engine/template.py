"""A conversation as the one text that a model reads, by the Jinja template in its file: foreign code, fenced in."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NoReturn

from jinja2 import Environment, TemplateError, nodes
from jinja2.exceptions import SecurityError
from jinja2.ext import Extension
from jinja2.parser import Parser
from jinja2.sandbox import ImmutableSandboxedEnvironment

from desktop.engine import Message
from desktop.errors import LoadFailed

CHATML = (
    "{% for message in messages %}"
    "{{ '<|im_start|>' + message.role + '\\n' + message.content + '<|im_end|>\\n' }}"
    "{% endfor %}"
    "{{ '<|im_start|>assistant\\n' }}"
)
CHATML_END = "<|im_end|>"

LAST_WORD = "\ufdd0"  # a character that no text has: marks where an answer ends

# what a template's own Python-like expressions can raise beside Jinja's errors
_BROKEN = (TemplateError, TypeError, ValueError, AttributeError, LookupError, ArithmeticError, RecursionError)


class _Generation(Extension):
    """`{% generation %}` marks what a model was trained on; here it means nothing, its body is simply text."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class Template:
    """One file's template. Raises LoadFailed when it is broken, reaches over its fence, or refuses a conversation."""

    def __init__(self, source: str, bos: str, eos: str, path: str) -> None:
        self._path = path
        self._known = {"bos_token": bos, "eos_token": eos, "add_generation_prompt": True, "tools": None}
        try:
            self._template = _environment().from_string(source)
        except _BROKEN as error:
            self._refuse(error)

    def render(self, messages: Sequence[Message], thinking: bool | None = None) -> str:
        """The whole prompt, ready for the answer; `thinking` is for templates that offer the choice.

        A conversation that ends with an answer is to be gone on with: the prompt then ends where that does.
        """
        if messages[-1].role == "assistant":
            return self._render_up_to_answer(messages, thinking)
        return self._render(messages, thinking)

    def _render_up_to_answer(self, messages: Sequence[Message], thinking: bool | None) -> str:
        """The template puts the answer where it belongs; what it writes after its last word is left out."""
        *before, answer = messages
        marked = [*before, replace(answer, text=answer.text + LAST_WORD)]
        prompt, found, _ = self._render(marked, thinking, add_generation_prompt=False).rpartition(LAST_WORD)
        return prompt if found else self._render(before, thinking) + answer.text

    def _render(self, messages: Sequence[Message], thinking: bool | None, **others: bool) -> str:
        known = {**self._known, **others} if thinking is None else {**self._known, "enable_thinking": thinking, **others}
        try:
            return self._template.render(messages=_plain(messages), **known)
        except SecurityError as error:
            self._refuse(error)
        except _BROKEN as error:
            simpler = _simplified(messages)
            if simpler == list(messages):
                self._refuse(error)
        try:  # many templates know no system role, or insist that the two sides take turns
            return self._template.render(messages=_plain(simpler), **known)
        except _BROKEN as error:
            self._refuse(error)

    def _refuse(self, error: Exception) -> NoReturn:
        raise LoadFailed(path=self._path, why=f"its chat template does not work ({error})") from error


def _environment() -> Environment:
    """Jinja as the makers of models expect it: the extensions, filters and functions of the Transformers library."""
    environment = ImmutableSandboxedEnvironment(
        trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols", _Generation]
    )
    environment.filters["tojson"] = _to_json
    environment.globals["raise_exception"] = _raise_exception
    environment.globals["strftime_now"] = lambda form: datetime.now().strftime(form)
    return environment


def _to_json(value: Any, ensure_ascii: bool = False, indent: int | None = None, **others: Any) -> str:
    return json.dumps(value, ensure_ascii=ensure_ascii, indent=indent, **others)


def _raise_exception(why: str) -> NoReturn:
    raise TemplateError(why)


def _plain(messages: Sequence[Message]) -> list[dict[str, str]]:
    return [{"role": message.role, "content": message.text} for message in messages]


def _simplified(messages: Sequence[Message]) -> list[Message]:
    """The same words with no system role, and with neighbours of one role joined."""
    simpler: list[Message] = []
    for message in messages:
        role = "user" if message.role == "system" else message.role
        if simpler and simpler[-1].role == role:
            simpler[-1] = Message(role, f"{simpler[-1].text}\n\n{message.text}")
        else:
            simpler.append(Message(role, message.text))
    return simpler
