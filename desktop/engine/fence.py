"""The fence around chat templates: Jinja with a few harmless words, each of which is held to the limits."""

import functools
import json
from collections.abc import Callable, Iterable
from typing import Any, NoReturn

from jinja2 import Undefined, nodes, pass_context, pass_environment
from jinja2.compiler import CodeGenerator, operators
from jinja2.exceptions import TemplateError
from jinja2.ext import Extension
from jinja2.filters import do_indent, make_attrgetter
from jinja2.parser import Parser
from jinja2.runtime import Context, LoopContext, Macro
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jinja2.utils import Cycler, Joiner, Namespace

from desktop.engine import limits


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
    concat = staticmethod(limits.joined)
    weighed = staticmethod(limits.weighed)

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
            limits.check_format(form, (args, kwargs), form.count("{"))
            return wrapped(*args, **kwargs)

        return checked

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        limits.check_operation(operator, left, right)
        return super().call_binop(context, operator, left, right)

    def call(self, context: Context, obj: Any, /, *args: Any, **kwargs: Any) -> Any:
        if not isinstance(obj, Macro | LoopContext):  # which are templates themselves
            owner = getattr(obj, "__self__", None)
            limits.weigh(owner if isinstance(owner, str | list | tuple) else None, args, kwargs)
            if isinstance(owner, str):
                limits.check_method(owner, obj.__name__, args)
        return super().call(context, obj, *args, **kwargs)


@pass_context  # so that it is not called while a template is translated
def _shown(_: Context, value: Any) -> Any:
    return value if isinstance(value, str) else limits.weighed(value)


def _weighing(function: Any) -> Any:
    @functools.wraps(function)
    def weighing(*args: Any, **kwargs: Any) -> Any:
        limits.weigh(*args, kwargs)
        return function(*args, **kwargs)

    return weighing


def _raise_exception(why: object) -> NoReturn:
    raise TemplateError(str(limits.weighed(why)))


# --- filters that could make much out of little ---------------------------------------------------------------------------------


def _text(value: object) -> str:
    return value if isinstance(value, str) else str(limits.weighed(value))


def _tojson(
    value: Any,
    ensure_ascii: bool = False,
    indent: int | None = None,
    separators: tuple[str, str] | None = None,
    sort_keys: bool = False,
) -> str:
    limits.weigh(value, separators)
    width = None if indent is None else min(int(indent), limits.MOST_WIDTH)
    separators = (str(separators[0]), str(separators[1])) if separators else None
    return json.dumps(value, ensure_ascii=bool(ensure_ascii), indent=width, separators=separators, sort_keys=bool(sort_keys))


def _trim(value: object, chars: str | None = None) -> str:
    text = _text(value)
    limits.check_method(text, "strip", (chars,))
    return text.strip(chars)


def _replace(value: object, old: object, new: object, count: int | None = None) -> str:
    text, old, new = _text(value), _text(old), _text(new)
    limits.check_method(text, "replace", (old, new))
    return text.replace(old, new, -1 if count is None else count)


@pass_environment
def _join(environment: Any, values: Iterable[Any], between: str = "", attribute: str | int | None = None) -> str:
    if attribute is not None:
        values = map(make_attrgetter(environment, attribute), values)
    parts = [_text(part) for part in values]
    limits.limit(sum(map(len, parts)) + len(between) * len(parts))
    return str(between).join(parts)


def _indent(value: object, width: int | str = 4, first: bool = False, blank: bool = False) -> str:
    text, margin = _text(value), width if isinstance(width, str) else " " * min(int(width), limits.MOST_WIDTH)
    limits.limit(len(text) + (text.count("\n") + 2) * len(margin))
    return do_indent(text, margin, first, blank)


def _format(value: object, *args: Any, **kwargs: Any) -> str:
    text = _text(value)
    limits.check_format(text, (args, kwargs), text.count("%"))
    return text % (kwargs or args)


def _int(value: Any, default: int = 0) -> int:
    try:
        return int(limits.weighed(value))
    except (TypeError, ValueError, OverflowError):
        return default


def _round(value: float, precision: int = 0) -> float:
    return round(value, max(-limits.MOST_WIDTH, min(precision, limits.MOST_WIDTH)))


def _safe(value: object) -> str:
    return _text(value)  # nothing is ever escaped here


_OWN_FILTERS: dict[str, Callable[..., Any]] = {
    function.__name__: function for function in (_tojson, _trim, _replace, _join, _indent, _format, _int, _round, _safe)
}
