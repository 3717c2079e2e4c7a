"""Chat templates are programs by strangers: the usual ones work, the others are refused in a sentence."""

import pytest

from desktop.engine import Message
from desktop.engine.template import CHATML, Template
from desktop.errors import LoadFailed
from tests.engine import models

TALK = [Message("system", "Be kind."), Message("user", "Hi"), Message("assistant", "Hello!"), Message("user", "Bye")]


def render(source: str, messages: list[Message] = TALK, thinking: bool | None = None) -> str:
    return Template(source, "<s>", "</s>", "m.gguf").render(messages, thinking)


def test_the_usual_template() -> None:
    expected = (
        "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\nHi<|im_end|>\n"
        "<|im_start|>assistant\nHello!<|im_end|>\n<|im_start|>user\nBye<|im_end|>\n<|im_start|>assistant\n"
    )
    assert render(CHATML) == render(models.CHATML) == expected


def test_a_template_without_system_role_gets_it_with_the_question() -> None:
    source = (
        "{{ bos_token }}{% if messages[0].role == 'system' %}{{ raise_exception('no system role') }}{% endif %}"
        "{% for m in messages %}[{{ m.role }}] {{ m.content | trim }}{{ eos_token }}{% endfor %}"
    )
    assert render(source) == "<s>[user] Be kind.\n\nHi</s>[assistant] Hello!</s>[user] Bye</s>"


def test_a_template_that_insists_on_turns() -> None:
    source = (
        "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}"
        "{{ raise_exception('take turns') }}{% endif %}{{ m.content }};{% endfor %}"
    )
    assert render(source, [Message("user", "One"), Message("user", "Two")]) == "One\n\nTwo;"


def test_what_the_makers_of_templates_rely_on() -> None:
    source = (
        "    {% set ns = namespace(n=0) %}\n"
        "{% for m in messages %}\n{% if loop.index > 2 %}{% break %}{% endif %}\n{% set ns.n = ns.n + 1 %}\n{% endfor %}\n"
        "{{ ns.n }} {{ {'é': [1, none]} | tojson }} {{ strftime_now('%Y') | length }} {{ tools is none }} "
        "{% generation %}{{ messages[-1]['content'].strip() }}{% endgeneration %}"
    )
    assert render(source) == '2 {"é": [1, null]} 4 True Bye'


def test_thinking_can_be_switched_where_the_template_offers_it() -> None:
    source = "{{ 'on' if enable_thinking is not defined else enable_thinking }}"
    assert [render(source, thinking=wish) for wish in (None, True, False)] == ["on", "True", "False"]


@pytest.mark.parametrize("answer", ["Hello", "im_end", " and  then\n\n", "<|im_end|>"])
def test_an_answer_that_is_to_go_on_ends_the_prompt(answer: str) -> None:
    talk = [*TALK, Message("assistant", answer)]
    assert render(CHATML, talk) == render(models.CHATML, talk) == render(CHATML) + answer
    source = (
        "{% for m in messages %}{% if m.role == 'assistant' %}[final]{{ m.content | trim }}{% else %}{{ m.content }}{% endif %}"
        "[end]{% endfor %}{% if add_generation_prompt %}[answer]{% endif %}"
    )
    assert render(source, talk) == f"Be kind.[end]Hi[end][final]Hello![end]Bye[end][final]{answer.lstrip()}"


def test_an_answer_goes_on_where_the_template_swallows_it() -> None:
    source = "{% for m in messages if m.role == 'user' %}{{ m.content }};{% endfor %}"
    assert render(source, [Message("user", "Hi"), Message("assistant", "Hel")]) == "Hi;Hel"


@pytest.mark.parametrize(
    "source",
    [
        "{{ messages.__class__.__mro__ }}",
        "{{ ''.__class__.__base__.__subclasses__() }}",
        "{{ raise_exception.__globals__['json'] }}",
        "{{ messages.append('more') }}",
        "{{ strftime_now.__code__.co_consts }}",
        "{% include '/etc/passwd' %}",
        "{% for i in range(10000000) %}x{% endfor %}",
        "{% for m in messages %}",
        "{{ 1 / 0 }}",
        "{{ messages[99].content.text }}",
        "{{ raise_exception('never content') }}",
    ],
)
def test_a_template_that_misbehaves_is_refused(source: str) -> None:
    with pytest.raises(LoadFailed, match="chat template does not work") as refused:
        render(source)
    assert refused.value.facts["path"] == "m.gguf"
