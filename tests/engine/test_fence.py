"""Templates that mean harm end in a sentence, and the process that ran them goes on; a test that takes long has found a hole."""

import subprocess
import sys

import pytest

from desktop.engine import Message
from desktop.engine.template import BROKEN, CHATML, NONE, Template, of
from desktop.errors import LoadFailed

TALK = [Message("system", "Be kind."), Message("user", "Hi"), Message("assistant", "Hello!"), Message("user", "Bye")]
MANY = "{% for i in range(99999) %}"
END = "{% endfor %}"
GROWING = "{% set ns = namespace(s='xy', l=[1, 2], n=3) %}" + MANY
LAUGHS = "{% set ns = namespace(a=[1], b=[1]) %}{% for i in range(60) %}"
LAUGHS += "{% set ns.a = [ns.a, ns.a] %}{% set ns.b = [ns.b, ns.b] %}{% endfor %}"
LARGE = "{% set s = 'a' * 4000000 %}"

ENDLESS = {
    "loops": MANY * 3 + END * 3,
    "loops that write": MANY * 2 + "x" + END * 2,
    "a macro that doubles": "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}{% endmacro %}{{ m(90) }}",
    "a recursive loop": "{% for a in [range(9999)] * 9999 recursive %}{{ loop(a) if a is iterable else '' }}{% endfor %}",
    "filters": MANY + "{{ range(99999) | map('string') | map('upper') | select('equalto', 1) | list }}" + END,
    "a macro in itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
    "calls in calls": "{% macro m() %}{{ caller() }}{% endmacro %}"
    "{% macro n() %}{% call m() %}{{ n() }}{% endcall %}{% endmacro %}{{ n() }}",
}
HUGE = {
    "repeated text": "{{ 'a' * 10 ** 10 }}",
    "repeated list": "{{ [0] * 10 ** 10 }}",
    "powers": "{{ 10 ** (10 ** 10) }}",
    "squares": GROWING + "{% set ns.n = ns.n * ns.n %}" + END,
    "a division": "{{ ('9' * 4000) | int // 3 }}{{ (7 ** 999999) % 11 }}",
    "doubled text": GROWING + "{% set ns.s = ns.s + ns.s %}" + END,
    "joined text": GROWING + "{% set ns.s = ns.s ~ ns.s %}" + END,
    "much joined": LARGE + "{{ s" + " ~ s" * 2000 + " }}",
    "doubled list": GROWING + "{% set ns.l = ns.l + ns.l %}" + END,
    "replaced": GROWING + "{% set ns.s = ns.s | replace('x', 'xxxx') %}" + END,
    "replaced by a method": GROWING + "{% set ns.s = ns.s.replace('x', 'xxxx') %}" + END,
    "replaced nothing": LARGE + "{{ s.replace('', s) }}",
    "joined by a method": LARGE + "{{ s.join(['a'] * 9999) }}",
    "joined by a filter": LARGE + "{{ (['a'] * 9999) | join(s) }}",
    "a filter": "{{ 'a' | center(1000000000) }}",
    "a method": "{{ 'a'.ljust(1000000000) }}",
    "tabs": "{{ '\\t'.expandtabs(1000000000) }}",
    "percent": "{{ '%1000000000d' % 1 }}",
    "percent star": "{{ '%*d' % (1000000000, 1) }}",
    "percent filter": "{{ '%1000000000d' | format(1) }}",
    "many percents": LARGE + "{{ ('%s' * 1000) % ((s,) * 1000) }}",
    "format": "{{ '{:1000000000}'.format(1) }}",
    "format inside": "{{ '{:{w}}'.format(1, w=1000000000) }}",
    "many formats": LARGE + "{{ ('{0}' * 1000000).format(s) }}",
    "indentation": LARGE + "{{ ('a\\n' * 1000000) | indent(s) }}",
    "batch": "{{ [1] | batch(1000000000, 'x') | list }}",
    "slice": "{{ [1] | slice(1000000000) | list }}",
    "lipsum": "{{ lipsum(1000000) }}",
    "bytes": "{{ (1).to_bytes(10000000000, 'big') }}",
    "a sum of lists": "{{ ([[1]] * 99999) | sum(start=[]) }}",
    "rounding": "{{ 1.5 | round(1000000000, 'ceil') }}",
    "json": LARGE + "{{ ([s] * 99999) | tojson }}",
    "laughs": LAUGHS + "{{ ns.a }}",
    "laughs in json": LAUGHS + "{{ {'a': ns.a} | tojson }}",
    "laughs compared": LAUGHS + "{{ ns.a == ns.b }}",
    "laughs selected": LAUGHS + "{{ [ns.a] | select('equalto', ns.b) | list }}",
    "laughs sought": LAUGHS + "{{ [ns.a].index(ns.b) }}",
    "laughs joined": LAUGHS + "{{ ns.a | join }}",
    "laughs in a text": LAUGHS + "{{ 'a' ~ ns.a }}",
    "laughs in a name": "{% set ns = namespace(a=1) %}"
    + MANY
    + "{% set ns.a = namespace(x=ns.a, y=ns.a) %}"
    + END
    + "{{ ns.a }}",
    "a search": LARGE + "{{ s.rfind('ab' + s) }}",
    "a trim": LARGE + "{{ s | trim('b' * 4000000 ~ 'a') }}",
    "the output": LARGE + MANY + "{{ s }}" + END,
    "a block": LARGE + "{% set all %}" + MANY + "{{ s }}" + END + "{% endset %}",
    "kept copies": "{% set ns = namespace(l=[]) %}{% set s = 'é€' * 2000000 %}" + MANY + "{% set ns.l = ns.l + [s[1:]] %}" + END,
    "a date": "{{ strftime_now('%Y' * 1000000) }}",
}
TRICKS = {
    "classes": "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "classes by index": "{{ ''['__class__']['__mro__'] }}",
    "classes by filter": "{{ '' | attr('__class__') }}",
    "classes by map": "{{ ([''] | map(attribute='__class__') | first).mro() }}",
    "classes by format": "{{ '{0.__class__.__mro__}'.format('') }}",
    "classes by format_map": "{{ '{a.__class__}'.format_map({'a': 1}) }}",
    "globals of a function": "{{ raise_exception.__globals__['json'] }}",
    "globals of a method": "{{ strftime_now.__self__._source.upper() }}",
    "globals of a class": "{{ cycler.__init__.__globals__.os.system('true') }}{{ joiner.__init__.__globals__.os }}",
    "namespace": "{% set ns = namespace() %}{{ ns.__init__.__globals__ }}",
    "the loop": "{% for m in messages %}{{ loop.__init__.__globals__ }}{% endfor %}",
    "an undefined thing": "{{ nothing.__class__.__init__.__globals__ }}",
    "its code": "{{ raise_exception.__code__.co_consts }}",
    "a macro": "{% macro m() %}{% endmacro %}{{ m._func.__globals__ }}",
    "the context": "{{ self.__init__ }}{{ self._TemplateReference__context.environment }}",
    "a change": "{{ messages.append('more') }}",
    "another change": "{% set _ = messages[0].update({'role': 'x'}) %}{{ _ }}",
    "another file": "{% include '/etc/passwd' %}",
    "another template": "{% extends 'base' %}",
    "an import": "{% import 'os' as os %}{{ os.system }}",
    "an encoder": "{{ 1 | tojson(cls=namespace) }}",
}
BROKEN_ONES = {
    "half a loop": "{% for m in messages %}",
    "an unknown tag": "{% solve %}",
    "an unknown filter": "{{ 1 | solve }}",
    "a division": "{{ 1 / 0 }}",
    "nothing there": "{{ messages[99].content.text }}",
    "a refusal": "{{ raise_exception('never content') }}",
    "a long refusal": "{{ raise_exception('no' * 1000000) }}",
    "deep brackets": "{{ " + "(" * 9000 + "1" + ")" * 9000 + " }}",
    "deep lists": "{{ " + "[" * 9000 + "]" * 9000 + " }}",
    "deep blocks": "{% if 1 %}" * 300 + "{% endif %}" * 300,
    "deep loops": "{% for a in [1] %}" * 60 + "{% endfor %}" * 60,
    "long sums": "{{ 1" + " + 1" * 20000 + " }}",
    "much of it": "{{ 1 }}" * 9000,
    "very long": "x" * (1 << 20),
    "a deep list": "{% set ns = namespace(l=[]) %}{% for i in range(5000) %}{% set ns.l = [ns.l] %}{% endfor %}{{ ns.l }}",
    "a strange date": "{{ strftime_now('\\ud800') }}{{ strftime_now('\\x00') }}",
    "no words": "Hello.",
    "empty": "",
}
KINDS = {
    "endless": (ENDLESS, "too much time or memory"),
    "huge": (HUGE, "too much time or memory|unsafe|No filter|undefined|arguments"),
    "trick": (TRICKS, "unsafe|No filter|no loader|unexpected keyword|no attribute"),
    "broken": (BROKEN_ONES, ""),
}
ALL = [(kind, name) for kind, (sources, _) in KINDS.items() for name in sources]


@pytest.mark.parametrize(("kind", "name"), ALL, ids=[f"{kind}: {name}" for kind, name in ALL])
def test_a_template_that_misbehaves_is_refused(kind: str, name: str) -> None:
    sources, why = KINDS[kind]
    with pytest.raises(LoadFailed, match=rf"chat template does not work.*({why})") as refused:
        Template(sources[name], "<s>", "</s>", "m.gguf")
    assert refused.value.facts["path"] == "m.gguf"
    assert len(str(refused.value)) < 400


def test_one_that_misbehaves_later_is_refused_then() -> None:
    source = "{% if messages | length > 3 %}" + ENDLESS["loops"] + "{% endif %}{{ messages[0].content }}"
    template = Template(source, "<s>", "</s>", "m.gguf")
    assert template.render(TALK[:2]) == "Be kind."
    with pytest.raises(LoadFailed, match="too much time"):
        template.render(TALK)


def test_a_common_one_stands_in() -> None:
    common = of(BROKEN_ONES["a refusal"], "<s>", "</s>", "m.gguf")
    assert (common.notices, common.stop) == ((BROKEN,), ("<|im_end|>",))
    assert common.render(TALK) == of(None, "", "", "").render(TALK) == Template(CHATML, "", "", "").render(TALK)
    assert of(None, "", "", "").notices == (NONE,)
    assert of(CHATML, "", "", "").notices == ()


def test_a_long_conversation_is_no_harm() -> None:
    source = (
        "{% for m in messages %}{% for n in messages %}{% if m is sameas n %}{{ m.content }}{% endif %}{% endfor %}{% endfor %}"
    )
    talk = [Message(("user", "assistant")[n % 2], "word " * 500) for n in range(301)]
    assert Template(source, "", "", "").render(talk) == "word " * 500 * 301


def test_the_last_resort_ends_the_process() -> None:
    """Where a step does not come back to Python, nothing inside could."""
    lines = ("import time; from desktop.engine import limits; limits.LAST_RESORT_S = 0.1",)
    code = "\n".join([*lines, "with limits.last_resort(): time.sleep(60)"])
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=30).returncode == 1
