"""How much a chat template may do, which is a program by a stranger.

No single step of it reads or makes more than MOST_TEXT characters or MOST_THINGS values, and all of them together take no more
than CPU_S of the processor and ROOM_BYTES of memory. What gets past all this ends the process after LAST_RESORT_S.
"""

import ctypes
import faulthandler
import re
import threading
import time
from collections.abc import Callable, ItemsView, Iterable, Iterator, KeysView, Sequence, ValuesView
from contextlib import contextmanager
from typing import Any, TypeVar

import psutil

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


def weigh(*values: object) -> None:
    """Raise TooMuch for what is too much to be read in one step, however often the same thing is in it."""
    from jinja2.utils import Namespace  # late, as all of Jinja in the worker

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


def limit(size: int, most: int = MOST_TEXT) -> None:
    """Raise TooMuch for what would become longer than that."""
    if size > most:
        raise TooMuch


def weighed(value: Any) -> Any:
    """The same value, which is not too much."""
    weigh(value)
    return value


def joined(parts: Iterable[object]) -> str:
    """The parts as one text."""
    said = [part if isinstance(part, str) else str(weighed(part)) for part in parts]
    limit(sum(map(len, said)))
    return "".join(said)


def check_operation(operator: str, left: object, right: object) -> None:
    """Raise TooMuch where an operation between two values would make something huge, or take very long."""
    if isinstance(left, int) and isinstance(right, int):
        bits = left.bit_length() * abs(right) if operator == "**" else left.bit_length() + right.bit_length()
        limit(bits, MOST_BITS)
    elif operator == "+" and isinstance(left, str | list | tuple) and isinstance(right, str | list | tuple):
        limit(len(left) + len(right), MOST_TEXT if isinstance(left, str) else MOST_THINGS)
    elif operator == "*":
        for many, times in ((left, right), (right, left)):
            if isinstance(many, str | list | tuple) and isinstance(times, int):
                limit(len(many) * times, MOST_TEXT if isinstance(many, str) else MOST_THINGS)
    elif operator == "%" and isinstance(left, str):
        check_format(left, right, left.count("%"))


def check_format(form: str, values: object, fields: int) -> None:
    """Raise TooMuch where a format asks for a large width (also one that is given as a value), or for too much text."""
    if re.search(r"\d{4}|%[^a-zA-Z%]*\*|\{[^{}]*\{", form.replace("{{", "").replace("}}", "")):
        raise TooMuch
    weigh(values)
    limit(len(form) + fields * len(str(values)))


def check_method(text: str, name: str, args: Sequence[Any]) -> None:
    """Raise TooMuch where a method of a text would make a huge one, or search very long."""
    first = args[0] if args else None
    if name == "replace" and isinstance(first, str) and len(args) > 1 and isinstance(args[1], str):
        limit(len(text) + text.count(first) * len(args[1]))
    elif name == "join" and isinstance(first, list | tuple):
        limit(sum(len(part) for part in first if isinstance(part, str)) + len(text) * len(first))
    elif isinstance(first, str):
        limit(len(text) * len(first), MOST_STEPS)
