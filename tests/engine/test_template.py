"""Chat templates are programs by strangers; what the usual ones rely on is there. The others: test_fence."""

import pytest

from desktop.engine import Message
from desktop.engine.template import CHATML, PICTURE, Template
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
    assert render(source) == "<s>[user] Be kind.\nHi</s>[assistant] Hello!</s>[user] Bye</s>"


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
        "{{ ns.n }} {{ {'é': [1, none]} | tojson }} {{ strftime_now('%Y') | length }} {{ tools is defined }} "
        "{% generation %}{{ messages[-1]['content'].strip() }}{% endgeneration %}"
    )
    assert render(source) == '2 {"é": [1, null]} 4 False Bye'


def test_thinking_can_be_switched_where_the_template_offers_it() -> None:
    source = "{{ messages[0].content }} {{ 'usual' if enable_thinking is not defined else enable_thinking }}"
    hello = [Message("user", "Hello")]
    assert [render(source, hello, wish) for wish in (None, True, False)] == ["Hello usual", "Hello True", "Hello False"]


HELLO = "{{ messages[0].content }}"
SWITCH = HELLO + "{% if enable_thinking is not defined or enable_thinking %}<think>{% else %}<think></think>{% endif %}"


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
    ("source", "thinks", "unasked"),
    [
        (HELLO, "no", False),
        (HELLO + "<think>\n", "always", False),
        ("{{ '<think>' if 0 }}" + HELLO, "always", False),
        (HELLO + "<think></think>", "no", False),
        (SWITCH, "choice", True),
        (SWITCH.replace("is not defined or", "is defined and"), "choice", False),
        (HELLO + "{{ raise_exception('?') if enable_thinking is defined }}", "no", False),
    ],
)
def test_whether_a_model_thinks(source: str, thinks: str, unasked: bool) -> None:
    template = Template(source, "", "", "")
    assert (template.thinks, template.thinks_unasked) == (thinks, unasked)


def test_a_system_role_that_is_passed_over_is_put_before_the_question() -> None:
    source = "{% for m in messages if m.role != 'system' %}[{{ m.content }}]{% endfor %}"
    assert render(source) == "[Be kind.\nHi][Hello!][Bye]"


def test_a_template_that_takes_parts_only() -> None:
    source = "{% for m in messages %}{% for part in m.content if part.type == 'text' %}{{ part.text }};{% endfor %}{% endfor %}"
    assert render(source) == "Be kind.;Hi;Hello!;Bye;"


def test_thoughts_go_back_where_the_template_wants_them() -> None:
    talk = [Message("user", "Hi"), Message("assistant", "Hello!", thinking="Hm."), Message("user", "Bye")]
    for name in ("reasoning_content", "thinking", "reasoning"):
        source = "{% for m in messages %}{% if m." + name + " %}({{ m." + name + " }}){% endif %}{{ m.content }}{% endfor %}"
        assert render(source, talk) == "Hi(Hm.)Hello!Bye"


@pytest.mark.parametrize("content", ["m.content", "m.content[0].text"])
def test_each_picture_has_its_place(content: str) -> None:
    source = "{% for m in messages %}[{{ " + content + " }}]{% endfor %}"
    talk = [
        Message("user", f"Two? {PICTURE}", pictures=(b"1", b"2")),
        Message("assistant", "Two."),
        Message("user", "", pictures=(b"3",)),
    ]
    assert render(source, talk) == f"[{PICTURE}{PICTURE}Two? ][Two.][{PICTURE}]"
    with pytest.raises(LoadFailed, match="loses pictures"):
        render(source.replace("messages", "messages[:1]"), talk)
