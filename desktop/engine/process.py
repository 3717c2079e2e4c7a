"""The worker process as its parent sees it: started, asked, told to stop, and ended without a trace."""

import os
import subprocess
import sys
import tempfile
from collections.abc import Generator
from contextlib import suppress
from dataclasses import replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from desktop.engine import Piece, wire
from desktop.errors import EngineCrashed

TICK_S = 0.2  # something is yielded at least this often
CANCEL_S = 2.0  # a worker that has not heard a cancel by then is ended
GIVE_UP_S = 0.2  # and one that opens a model by then: it may be deep in a long reading, and has nothing to keep
WORKER_ARGUMENT = "--engine-worker"  # a frozen program is its own worker


class Worker:
    """A running worker process and the pipe to it; what it prints is kept only to tell why it died."""

    def __init__(self) -> None:
        self._log = _scratch()
        self._connection: Connection[Any, Any]
        self._connection, theirs = Pipe()
        try:
            with theirs:
                self._process = _start(theirs.fileno(), self._log)
        except OSError as error:  # the system starts no more processes
            self._connection.close()
            self._log.close()
            raise EngineCrashed(code=error.errno, why=str(error)) from error

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def ask(self, order: wire.Order, idle: Any) -> Generator[Any, None, Any]:
        """Give an order; yields what comes, or the last progress again while nothing does; returns the last word."""
        try:
            self._connection.send(order)
            while True:
                if not self._connection.poll(TICK_S):
                    yield idle
                    continue
                said = self._connection.recv()
                if isinstance(said, wire.Failed):
                    raise said.error(**said.facts)
                if isinstance(said, wire.LAST):
                    return said
                idle = replace(said, text="") if isinstance(said, Piece) else said
                yield said
        except (GeneratorExit, KeyboardInterrupt):  # Ctrl+C in a terminal strikes here, where it waits
            self._cancel(GIVE_UP_S if isinstance(order, wire.Load) else CANCEL_S)
            raise
        except (EOFError, OSError) as gone:
            raise self._crashed() from gone

    def _cancel(self, patience_s: float) -> None:
        """Stop the order at work; what still comes of it is dropped, and a worker that does not answer is ended."""
        try:
            self._connection.send(wire.Cancel())
            while self._connection.poll(patience_s):
                if isinstance(self._connection.recv(), wire.LAST):
                    return
        except (EOFError, OSError):
            pass  # it died meanwhile
        self.end()

    def _crashed(self) -> EngineCrashed:
        """What is known about a process that hung up."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self._process.kill()  # hung up but still there: not ours any more
        code = self._process.wait()
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - 2000))
        last_words = self._log.read().decode("utf-8", "replace").strip()
        self.end()
        return EngineCrashed(code=code, why=last_words)

    def private_bytes(self) -> int | None:
        """Main memory that the process holds for itself, mapped files aside; None where the system does not tell."""
        with suppress(psutil.Error):
            held = psutil.Process(self.pid).memory_info()
            if sys.platform == "linux":
                return int(held.rss - held.shared)
            return int(held.private) if sys.platform == "win32" else None
        return None

    def kill(self) -> None:
        """End the process, at once and for certain."""
        self._process.kill()
        self._process.wait()

    def end(self) -> None:
        """End the process and leave nothing behind."""
        self.kill()
        self._connection.close()
        self._log.close()


def _scratch() -> Any:
    """A file for last words, without a name; one that forgets where no temporary file can be made."""
    try:
        return tempfile.TemporaryFile()
    except OSError:
        return open(os.devnull, "r+b")


def _start(handle: int, log: Any) -> "subprocess.Popen[bytes]":
    """Start a worker that inherits the pipe's other end and nothing else."""
    if getattr(sys, "frozen", False):
        command = [sys.executable, WORKER_ARGUMENT, str(handle)]
    else:
        command = [sys.executable, "-P", "-m", "desktop.engine.worker", str(handle)]
    home = str(Path(__file__).resolve().parents[2])
    known = os.environ.get("PYTHONPATH")
    environment = {
        # How long a thread of GNU's OpenMP spins for the others before it sleeps: about a millisecond. By itself it spins for 17, and
        # with one busy program beside as many threads as cores a token then takes seconds. With 1,000, writing was 6 % slower.
        "GOMP_SPINCOUNT": "20000",
        **os.environ,
        "PYTHONPATH": f"{home}{os.pathsep}{known}" if known else home,
        "GGML_NO_BACKTRACE": "1",  # llama.cpp would call a debugger to its death bed
        # Weights in huge pages: on most Linux systems malloc gets them only when it asks. Writing was 7 to 24 % faster here (4B,
        # 0.6B), loading 0.4 s slower. Other systems and C libraries do not know the variable.
        "GLIBC_TUNABLES": ":".join(filter(None, (os.environ.get("GLIBC_TUNABLES"), "glibc.malloc.hugetlb=1"))),
    }
    options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "env": environment}
    if sys.platform == "win32":
        os.set_handle_inheritable(handle, True)
        startup = subprocess.STARTUPINFO(lpAttributeList={"handle_list": [handle]})
        flags = subprocess.BELOW_NORMAL_PRIORITY_CLASS | subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        return subprocess.Popen(command, startupinfo=startup, creationflags=flags, **options)
    # a session of its own, so that Ctrl+C in a terminal reaches the chat and not the worker
    return subprocess.Popen(command, pass_fds=(handle,), start_new_session=True, **options)
