"""The engine's own process: takes orders over a pipe, runs llama.cpp, and sends pieces as they come.

It ends by itself, at once and whatever it is doing, when its parent is gone; it may crash without harm to its parent.
"""

import ctypes
import os
import queue
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, NoReturn

from desktop.engine import wire
from desktop.errors import AlcoveError, LoadFailed


def main(argv: Sequence[str]) -> NoReturn:
    """Serve the parent at the other end of the pipe whose handle is argv[0], until it hangs up."""
    connection = _connect(int(argv[0]))
    orders: queue.SimpleQueue[wire.Order] = queue.SimpleQueue()
    stop = ctypes.c_bool(False)
    threading.Thread(target=_listen, args=(connection, orders, stop), daemon=True).start()
    _be_modest()
    try:
        from desktop.engine import bench, dry_run, llama
        from desktop.engine.model import Model, Stopped
    except (ImportError, OSError, RuntimeError) as error:
        _apologise(connection, orders, f"llama-cpp-python is missing or broken; install Alcove again ({error})")
    log = llama.Log()
    model: Model | None = None
    while True:
        order = orders.get()
        try:
            match order:
                case wire.Describe():
                    last: object = llama.describe()
                case wire.Load():
                    if model:
                        model.close()
                    model = None  # its memory is needed for the next one
                    model = Model(order.options, stop, log, connection.send)
                    last = model.loaded
                case wire.Chat():
                    assert model, "asked to chat before a model was open"
                    last = model.chat(order, connection.send)
                case wire.Bench():
                    assert model, "asked to measure before a model was open"
                    last = bench.bench(model, order, connection.send)
                case wire.Measure():
                    last = dry_run.measure(order.options, log)
        except Stopped:
            last = wire.Cancelled()
        except AlcoveError as error:
            last = wire.Failed(type(error), error.facts)
        connection.send(last)


def _apologise(connection: "Connection[object, Any]", orders: "queue.SimpleQueue[wire.Order]", why: str) -> NoReturn:
    """Answer every order with the reason why there is no engine."""
    while True:
        order = orders.get()
        path = str(order.options.path) if isinstance(order, wire.Load | wire.Measure) else "any model"
        connection.send(wire.Failed(LoadFailed, {"path": path, "why": why}))


def _connect(handle: int) -> "Connection[object, Any]":
    if sys.platform == "win32":
        from multiprocessing.connection import PipeConnection

        return PipeConnection(handle)
    return Connection(handle)


def _listen(connection: "Connection[object, Any]", orders: "queue.SimpleQueue[wire.Order]", stop: ctypes.c_bool) -> None:
    """Hear a cancel while llama.cpp computes, and leave at once when the parent is gone."""
    with suppress(EOFError, OSError):
        while True:
            order = connection.recv()
            stop.value = isinstance(order, wire.Cancel)
            if not stop.value:
                orders.put(order)
    os._exit(0)


def _be_modest() -> None:
    """Give way to other programs, and be the one that goes when the machine runs out of memory."""
    if sys.platform != "win32":  # there, the parent has set it
        os.nice(5)
    with suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text("800")


if __name__ == "__main__":
    main(sys.argv[1:])
