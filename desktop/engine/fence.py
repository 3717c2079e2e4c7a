"""The fence around chat templates, which are programs by strangers: a few harmless words, little time, little room.

No single step of a template reads or makes more than MOST_TEXT characters or MOST_THINGS values, and all of them together take no
more than CPU_S of the processor and ROOM_BYTES of memory. What gets past all this ends the process after LAST_RESORT_S.
"""

import ctypes
import faulthandler
import functools
import json
import re
import threading
import time
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Sequence, ValuesView
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import psutil
from jinja2 import Undefined, nodes, pass_context, pass_environment
from jinja2.compiler import CodeGenerator, operators
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension
from jinja2.filters import do_indent, make_attrgetter
from jinja2.parser import Parser
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Cycler, Joiner, Namespace

CPU_S = 0.5  # most templates need some hundredths of a second for a long conversation ...
MESSAGE_S = 0.01  # ... and some more, the longer it is
ROOM_BYTES = 256 << 20
LAST_RESORT_S = 1.8
LOOK_S = 0.01  # between two looks at the time and the memory
AGAIN_S = 0.1  # of the processor, for what was told to end to do so
MOST_SOURCE = 64 << 10  # characters of a template; the longest known one has 17,000
MOST_TEXT = 4 << 20  # characters, about a million tokens
MOST_THINGS = 100_000
MOST_BITS = 4096  # of a whole number
MOST_STEPS = 1 << 28  # of a search whose time is the product of two lengths
MOST_WIDTH = 100  # of an indentation


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


# what templates may ask of a value, beside the things of Jinja itself
_METHODS: dict[type | tuple[type, ...], frozenset[str]] = {
    str: _words(
        "capitalize count endswith find format index isalnum isalpha isdigit islower isnumeric isspace isupper join lower lstrip "
        "partition removeprefix removesuffix replace rfind rpartition rsplit rstrip split splitlines startswith strip title "
        "upper"
    ),
    dict: _words("get items keys values"),
    (list, tuple): _words("count index"),
}
_OF_JINJA = (LoopContext, Macro, Namespace, Undefined, Cycler, Joiner)
# filters that look at a value no closer than one step at a time ...
_LIGHT = _words("count d default first float items last length map reject rejectattr reverse select selectattr")
# ... and those that read it whole
_HEAVY = _words("abs capitalize dictsort list lower max min sort string sum title unique upper")
_COMPARING = _words("!= < <= == > >= eq equalto ge greaterthan gt in le lessthan lt ne")


T = TypeVar("T")


class TooMuch(BaseException):
    """A template goes on and on. No `except Exception` on the way may swallow it."""


@contextmanager
def last_resort(messages: int = 0) -> Iterator[None]:
    """End this process, from outside of Python, when what is done inside does not end: for a process that may be lost."""
    faulthandler.dump_traceback_later(LAST_RESORT_S + 4 * messages * MESSAGE_S, exit=True)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()


def run(work: Callable[[], T], messages: int = 0) -> T:
    """Do some work in a thread of its own, which is watched. Raises what the work raises, and TooMuch."""
    results: list[T] = []
    errors: list[BaseException] = []

    def attempt() -> None:
        try:
            results.append(work())
        except BaseException as error:  # also one that struck it
            errors.append(error)

    process = psutil.Process()
    most_s = time.process_time() + CPU_S + messages * MESSAGE_S  # not by the clock: on a busy computer, little may take long
    most_bytes = process.memory_info().rss + ROOM_BYTES
    thread = threading.Thread(target=attempt, daemon=True)
    thread.start()
    thread.join(LOOK_S)
    again_s = 0.0
    while thread.is_alive():
        used_s = time.process_time()
        if used_s > again_s and (used_s > most_s or process.memory_info().rss > most_bytes):
            _strike(thread)
            again_s = used_s + AGAIN_S
        thread.join(LOOK_S)
    if results:
        return results[0]
    raise errors[0] if errors else TooMuch


def _strike(thread: threading.Thread) -> None:
    """Have TooMuch raised in a thread, at its next step in Python."""
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread.ident or 0), ctypes.py_object(TooMuch))


def _weigh(*values: object) -> None:
    """Raise TooMuch for what is too much to be read in one step, however often the same thing is in it."""
    characters, things, waiting = 0, 0, list(values)
    while waiting:
        value = waiting.pop()
        things += 1
        if isinstance(value, str):
            characters += len(value)
        elif isinstance(value, dict):
            waiting += [*value.keys(), *value.values()]
        elif isinstance(value, list | tuple | set | frozenset | ItemsView | KeysView | ValuesView):
            waiting += value
        elif isinstance(value, Namespace):
            waiting.append(value._Namespace__attrs)
        if characters > MOST_TEXT or things + len(waiting) > MOST_THINGS:
            raise TooMuch


def _limit(size: int, most: int = MOST_TEXT) -> None:
    if size > most:
        raise TooMuch


def _weighed(value: Any) -> Any:
    _weigh(value)
    return value


def _joined(parts: Iterable[object]) -> str:
    """The parts as one text."""
    said = [part if isinstance(part, str) else str(_weighed(part)) for part in parts]
    _limit(sum(map(len, said)))
    return "".join(said)


def _check_operation(operator: str, left: object, right: object) -> None:
    """Raise TooMuch where an operation between two values would make something huge, or take very long."""
    if isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length() * abs(right) if operator == "**" else left.bit_length() + right.bit_length()
        _limit(bits, MOST_BITS)
    elif operator == "+" and isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
        _limit(len(left) + len(right), MOST_TEXT if isinstance(left, str) else MOST_THINGS)
    elif operator == "*":
        for many, times in ((left, right), (right, left)):
            if isinstance(many, str | list | tuple) and isinstance(times, int):
                _limit(len(many) * times, MOST_TEXT if isinstance(many, str) else MOST_THINGS)
    elif operator == "%" and isinstance(left, str):
        _check_format(left, right, left.count("%"))


def _check_format(form: str, values: object, fields: int) -> None:
    """Raise TooMuch where a format asks for a large width (also one that is given as a value), or for too much text."""
    if re.search(r"\d{4}|%[^a-zA-Z%]*\*|\{[^{}]*\{", form.replace("{{", "").replace("}}", "")):
        raise TooMuch
    _weigh(values)
    _limit(len(form) + fields * len(str(values)))


def _check_method(text: str, name: str, args: Sequence[Any]) -> None:
    """Raise TooMuch where a method of a text would make a huge one, or search very long."""
    first = args[0] if args else None
    if name == "replace" and isinstance(first, str) and len(args) > 1 and isinstance(args[1], str):
        _limit(len(text) + text.count(first) * len(args[1]))
    elif name == "join" and isinstance(first, list | tuple):
        _limit(sum(len(part) for part in first if isinstance(part, str)) + len(text) * len(first))
    elif isinstance(first, str):
        _limit(len(text) * len(first), MOST_STEPS)


class _Code(CodeGenerator):
    """Writes the Python of a template so that what compares and joins values weighs them first."""

    def visit_Concat(self, node: nodes.Concat, frame: Any) -> None:
        self.write("environment.concat((")
        for part in node.nodes:
            self.visit(part, frame)
            self.write(", ")
        self.write("))")

    def visit_Compare(self, node: nodes.Compare, frame: Any) -> None:
        self.write("(")
        self._operand(node.expr, frame)
        for operand in node.ops:
            self.visit(operand, frame)
        self.write(")")

    def visit_Operand(self, node: nodes.Operand, frame: Any) -> None:
        self.write(f" {operators[node.op]} ")
        self._operand(node.expr, frame)

    def _operand(self, node: nodes.Expr, frame: Any) -> None:
        plain = isinstance(node, nodes.Const)
        self.write("" if plain else "environment.weighed(")
        self.visit(node, frame)
        self.write("" if plain else ")")


class _Generation(Extension):
    """`{% generation %}` marks what a model was trained on; here it means nothing, its body is simply text."""

    tags = {"generation"}

    def parse(self, parser: Parser) -> list[nodes.Node]:
        next(parser.stream)
        return parser.parse_statements(("name:endgeneration",), drop_needle=True)


class Fenced(ImmutableSandboxedEnvironment):
    """Jinja as the makers of models expect it: the extensions, filters and functions of the Transformers library."""

    code_generator_class = _Code
    intercepted_binops = frozenset(ImmutableSandboxedEnvironment.default_binop_table)
    concat = staticmethod(_joined)
    weighed = staticmethod(_weighed)

    def __init__(self) -> None:
        super().__init__(
            trim_blocks=True,
            lstrip_blocks=True,
            optimized=False,  # else some of a template would run while it is translated
            extensions=["jinja2.ext.loopcontrols", _Generation],
            finalize=_shown,
        )
        usual = self.filters
        self.filters = {
            **{name: usual[name] for name in _LIGHT},
            **{name: _weighing(usual[name]) for name in _HEAVY},
            **{name.removeprefix("_"): function for name, function in _OWN_FILTERS.items()},
        }
        self.tests.update({name: _weighing(self.tests[name]) for name in _COMPARING})
        del self.globals["lipsum"]
        self.globals["raise_exception"] = _raise_exception

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        for kind, names in _METHODS.items():
            if isinstance(obj, kind):
                return attr in names
        return isinstance(obj, _OF_JINJA) and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> Callable[..., str] | None:
        wrapped = super().wrap_str_format(value)
        if wrapped is None or value.__name__ != "format":
            return None
        form = str(value.__self__)

        def checked(*args: Any, **kwargs: Any) -> str:
            _check_format(form, (args, kwargs), form.count("{"))
            return wrapped(*args, **kwargs)

        return checked

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        _check_operation(operator, left, right)
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(obj, Macro | LoopContext):  # which are templates themselves
            owner = getattr(obj, "__self__", None)
            _weigh(owner if isinstance(owner, str | list | tuple) else None, args, kwargs)
            if isinstance(owner, str):
                _check_method(owner, obj.__name__, args)
        return super().call(context, obj, *args, **kwargs)


@pass_context  # so that it is not called while a template is translated
def _shown(_: Context, value: Any) -> Any:
    return value if isinstance(value, str) else _weighed(value)


def _weighing(function: Any) -> Any:
    @functools.wraps(function)
    def weighing(*args: Any, **kwargs: Any) -> Any:
        _weigh(*args, kwargs)
        return function(*args, **kwargs)

    return weighing


def _raise_exception(why: object) -> NoReturn:
    raise TemplateError(str(_weighed(why)))


# --- filters that could make much out of little ---------------------------------------------------------------------------------


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(_weighed(value))


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    _weigh(value, separators)
    width = None if indent is None else min(int(indent), MOST_WIDTH)
    separators = (str(separators[0]), str(separators[1])) if separators else None
    return json.dumps(value, ensure_ascii=bool(ensure_ascii), indent=width, separators=separators, sort_keys=bool(sort_keys))


def _trim(value: object, chars: str | None = None) -> str:
    text = _text(value)
    _check_method(text, "strip", (chars,))
    return text.strip(chars)


def _replace(value: object, old: object, new: object, count: int | None = None) -> str:
    text, old, new = _text(value), _text(old), _text(new)
    _check_method(text, "replace", (old, new))
    return text.replace(old, new, -1 if count is None else count)


@pass_environment
def _join(environment: Any, values: Iterable[Any], between: str = "", attribute: str | int | None = None) -> str:
    if attribute is not None:
        values = map(make_attrgetter(environment, attribute), values)
    parts = [_text(part) for part in values]
    _limit(sum(map(len, parts)) + len(between) * len(parts))
    return str(between).join(parts)


def _indent(value: object, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    text, margin = _text(value), width if isinstance(width, str) else " " * min(int(width), MOST_WIDTH)
    _limit(len(text) + (text.count("\n") + 2) * len(margin))
    return do_indent(text, margin, first, blank)


def _format(value: object, *args: Any, **kwargs: Any) -> str:
    text = _text(value)
    _check_format(text, (args, kwargs), text.count("%"))
    return text % (kwargs or args)


def _int(value: Any, default: int = 0) -> int:
    try:
        return int(_weighed(value))
    except (TypeError, ValueError, OverflowError):
        return default


def _round(value: float, precision: int = 0) -> float:
    return round(value, max(-MOST_WIDTH, min(precision, MOST_WIDTH)))


def _safe(value: object) -> str:
    return _text(value)  # nothing is ever escaped here


_OWN_FILTERS: dict[str, Callable[..., Any]] = {
    function.__name__: function for function in (_tojson, _trim, _replace, _join, _indent, _format, _int, _round, _safe)
}
