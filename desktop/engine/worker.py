"""The engine's own process: shuts itself in, takes orders over a pipe, runs llama.cpp, and sends pieces as they come.

It ends by itself, at once and whatever it is doing, when its parent is gone; it may crash without harm to its parent.
"""

import ctypes
import os
import queue
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from desktop.engine import Reply, wire
from desktop.engine.confine import Reach, confine
from desktop.errors import AlcoveError, LoadFailed

SAVE_AFTER_S = 20.0  # without an order, what was read is kept on the disk


def main(argv: Sequence[str]) -> NoReturn:
    """Serve the parent at the other end of the pipe whose handle is argv[0], until it hangs up."""
    connection = _connect(int(argv[0]))
    _be_modest()
    reach = _reach(connection)
    ears, broken = _Ears(connection), ""
    try:
        from desktop.engine import llama
        from desktop.engine.model import Model
        from desktop.engine.recall import Stopped
    except (ImportError, OSError, RuntimeError) as error:
        broken = f"llama-cpp-python is missing or broken; install Alcove again ({error})"
    confined = confine(reach)  # before there is another thread, which it would not hold, and before any file of a stranger's
    threading.Thread(target=ears.listen, daemon=True).start()
    if broken:
        _apologise(connection, ears, broken)
    log = llama.Log()
    model: Model | None = None
    while True:
        order = ears.next_order(SAVE_AFTER_S if model else None)
        if order is None:
            if model:
                model.save()
            order = ears.next_order(None)
        try:
            match order:
                case wire.Describe():
                    last: object = replace(llama.describe(), confined=confined)
                case wire.Load():
                    if model:
                        model.save()
                        model.close()
                    model = None  # its memory is needed for the next one
                    model = Model(order, ears.stop, log, connection.send)
                    last = model.loaded
                case wire.Chat():
                    assert model, "asked to chat before a model was open"
                    last = model.chat(order, connection.send)
                case wire.Count():
                    assert model, "asked to count before a model was open"
                    last = model.count(order)
                case wire.Bench():
                    from desktop.engine import bench  # rarely asked

                    assert model, "asked to measure before a model was open"
                    last = bench.bench(model, order, connection.send)
                case wire.Save():
                    if model:
                        model.save()
                    last = wire.Saved()
                case wire.Forget():
                    if model:
                        model.forget(order.conversation)
                    continue
                case wire.Measure():
                    from desktop.engine import dry_run

                    last = dry_run.measure(order.options, log)
        except Stopped:
            last = wire.Cancelled()
        except AlcoveError as error:
            last = wire.Failed(type(error), error.facts)
        except MemoryError:
            _say_last("MemoryError")
            raise
        connection.send(last)
        if model and isinstance(order, wire.Chat) and isinstance(last, Reply):
            with ears.until_next_order(), suppress(Stopped, AlcoveError):
                model.settle(order, last)


def _reach(connection: "Connection[object, Any]") -> Reach:
    """The first that the parent says."""
    try:
        reach: Reach = connection.recv()
    except (EOFError, OSError):
        sys.exit(0)
    return reach


class _Ears:
    """Hears orders while llama.cpp computes; `stop` is set by a cancel, and by any order during work that nobody waits for."""

    def __init__(self, connection: "Connection[object, Any]") -> None:
        self.stop = ctypes.c_int(False)  # as llama.stop_callback needs it
        self._connection = connection
        self._orders: queue.SimpleQueue[wire.Order] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._cancelled = self._resting = False

    def listen(self) -> NoReturn:
        """Until the parent is gone: then leave at once, whatever goes on. A worker that no longer hears anything leaves, too."""
        code = 1
        try:
            while True:
                order = self._connection.recv()
                with self._lock:
                    if isinstance(order, wire.Cancel):
                        self._cancelled = True
                    else:
                        self._cancelled = self._cancelled and isinstance(order, wire.Forget)
                        self._orders.put(order)
                    self.stop.value = self._cancelled or self._resting
        except (EOFError, OSError):
            code = 0
        except MemoryError:
            _say_last("MemoryError")
        except Exception:
            traceback.print_exc()
        finally:
            os._exit(code)

    def next_order(self, patience_s: float | None) -> wire.Order | None:
        """The next order; None when there was none for so long."""
        with suppress(queue.Empty):
            return self._orders.get(timeout=patience_s)
        return None

    @contextmanager
    def until_next_order(self) -> Iterator[None]:
        """Work that the next order stops."""
        with self._lock:
            self._resting = True
            self.stop.value = not self._orders.empty()
        try:
            yield
        finally:
            with self._lock:
                self._resting = False
                self.stop.value = self._cancelled


def _say_last(words: str) -> None:
    """Leave word to the parent without the memory that a traceback takes."""
    with suppress(OSError):
        os.write(2, words.encode())


def _apologise(connection: "Connection[object, Any]", ears: _Ears, why: str) -> NoReturn:
    """Answer every order with the reason why there is no engine."""
    while True:
        order = ears.next_order(None)
        path = str(order.options.path) if isinstance(order, wire.Load | wire.Measure) else "any model"
        connection.send(wire.Failed(LoadFailed, {"path": path, "why": why}))


def _connect(handle: int) -> "Connection[object, Any]":
    if sys.platform == "win32":
        from multiprocessing.connection import PipeConnection

        return PipeConnection(handle)
    return Connection(handle)


def _be_modest() -> None:
    """Give way to other programs, be the one that goes when memory runs out, and leave nothing of the chat behind then."""
    if sys.platform != "win32":  # there, the parent has set it
        os.nice(5)
    for note, value in (("oom_score_adj", "800"), ("coredump_filter", "0")):  # the second: a picture of memory without memory
        with suppress(OSError):
            Path("/proc/self", note).write_text(value)


if __name__ == "__main__":
    main(sys.argv[1:])
