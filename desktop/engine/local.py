"""llama.cpp on this computer, at arm's length: in a worker process that may crash, hang or be killed without harm."""

import hashlib
import importlib.util
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

import msgspec
import psutil

from desktop import gguf
from desktop.engine import ChatOptions, Loaded, Loading, LoadOptions, Message, Piece, Reading, Reply, wire
from desktop.errors import EngineCrashed, LoadFailed
from desktop.hardware import EngineReport

TICK_S = 0.2  # something is yielded at least this often
CANCEL_S = 2.0  # a worker that has not heard a cancel by then is ended
REPORT_S = 20.0  # a worker that has not described itself by then is broken
WORKER_ARGUMENT = "--engine-worker"  # a frozen program is its own worker

Step = TypeVar("Step", Loading, Reading | Piece)


class LocalEngine:
    """One model at a time in one worker, which starts when it is needed and starts again when it is gone.

    `loaded` is the model that answers, or that will be opened again for the next message; `info` is what it turned out
    to be, None while it is not open.
    """

    def __init__(self) -> None:
        self.loaded: LoadOptions | None = None
        self.info: Loaded | None = None
        self._worker: Worker | None = None
        self._busy = threading.Lock()

    def load(self, options: LoadOptions) -> Generator[Loading, None, Loaded]:
        """Open a model, giving up the one before.

        Raises NotFound, NotGguf, Truncated, UnknownArchitecture, WillNotFit, LoadFailed, EngineCrashed.
        """
        yield from self._wait(Loading(0.0))
        try:
            self.loaded = self.info = None
            gguf.read_file(options.path)  # tells a bad file by its header before any process is at risk
            info = yield from self._open(options)
            self.loaded = options
            return info
        finally:
            self._busy.release()

    def chat(self, messages: Sequence[Message], options: ChatOptions) -> Generator[Reading | Piece, None, Reply]:
        """Answer the last message; a worker that is gone is first started again.

        Raises ContextFull, EngineCrashed, and what load() raises.
        """
        yield from self._wait(Reading(0, 0))
        try:
            if self.loaded is None:
                raise LoadFailed(path="the model", why="none has been chosen yet")
            if self.info is None or self._worker is None or not self._worker.alive:
                with closing(self._open(self.loaded)) as steps:
                    for _ in steps:
                        yield Reading(0, 0)
                assert self._worker is not None
            reply: Reply = yield from self._worker.ask(wire.Chat(tuple(messages), options), Reading(0, 0))
            return reply
        finally:
            self._busy.release()

    def close(self) -> None:
        """End the worker and free its memory; a chat after this would start it again."""
        worker, self._worker, self.info = self._worker, None, None
        if worker is None:
            return
        worker.kill()
        if self._busy.acquire(blocking=False):  # else the generator at work finds it dead, and tidies up
            worker.end()
            self._busy.release()

    def _wait(self, idle: Step) -> Generator[Step, None, None]:
        while not self._busy.acquire(timeout=TICK_S):
            yield idle

    def _open(self, options: LoadOptions) -> Generator[Loading, None, Loaded]:
        self.info = None
        if self._worker is None or not self._worker.alive:
            self._worker = Worker()
        threads = _threads(options.threads)
        info: Loaded = yield from self._worker.ask(wire.Load(replace(options, threads=threads)), Loading(0.0))
        self.info = info
        return info


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
            self._cancel()
            raise
        except (EOFError, OSError) as gone:
            raise self._crashed() from gone

    def _cancel(self) -> None:
        """Stop the order at work; what still comes of it is dropped, and a worker that does not answer is ended."""
        try:
            self._connection.send(wire.Cancel())
            while self._connection.poll(CANCEL_S):
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
        **os.environ,
        "PYTHONPATH": f"{home}{os.pathsep}{known}" if known else home,
        "GGML_NO_BACKTRACE": "1",  # llama.cpp would call a debugger to its death bed
    }
    options: dict[str, Any] = {"stdin": subprocess.DEVNULL, "stdout": log, "stderr": log, "env": environment}
    if sys.platform == "win32":
        os.set_handle_inheritable(handle, True)
        startup = subprocess.STARTUPINFO(lpAttributeList={"handle_list": [handle]})
        flags = subprocess.BELOW_NORMAL_PRIORITY_CLASS | subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP
        return subprocess.Popen(command, startupinfo=startup, creationflags=flags, **options)
    # a session of its own, so that Ctrl+C in a terminal reaches the chat and not the worker
    return subprocess.Popen(command, pass_fds=(handle,), start_new_session=True, **options)


def _threads(wanted: int | None) -> int:
    """As many threads as asked for, or as cores, but one core stays free: else llama.cpp mostly waits for itself."""
    usable = len(os.sched_getaffinity(0)) if sys.platform == "linux" else psutil.cpu_count() or 2
    physical = psutil.cpu_count(logical=False) or usable
    return max(1, min(wanted or physical - 1, usable - 1))


@dataclass(frozen=True)
class _Remembered:
    """The last report, and what has to be the same for it to hold."""

    build: str
    booted_s: float
    report: EngineReport


def report(cache: Path) -> EngineReport:
    """What the engine is and which devices it sees, asked once and remembered in `cache`/engine.json.

    Asked again for another build and, where there is a graphics device, after the next start of the computer. Never
    raises: the version is "missing" without an engine and "broken" when it does not start.
    """
    build = _build()
    if build is None:
        return EngineReport("llama.cpp", "missing", (), False)
    path = cache / "engine.json"
    with suppress(OSError, msgspec.DecodeError):
        known = msgspec.json.decode(path.read_bytes(), type=_Remembered)
        same_start = not known.report.gpu_offload or abs(known.booted_s - psutil.boot_time()) < 60
        if known.build == build and same_start:
            return known.report
    try:
        answer = _ask_for_report()
    except (EngineCrashed, LoadFailed, OSError):
        return EngineReport("llama.cpp", "broken", (), False)
    with suppress(OSError):  # a home that cannot be written only means asking again
        cache.mkdir(parents=True, exist_ok=True)
        path.write_bytes(msgspec.json.encode(_Remembered(build, psutil.boot_time(), answer)))
    return answer


def _build() -> str | None:
    """What tells one build of the engine from another, found without loading it; None where there is no engine."""
    package = importlib.util.find_spec("llama_cpp")
    if package is None or package.origin is None:
        return None
    files = [Path(package.origin), *sorted(Path(package.origin).parent.glob("lib/*"))]
    stamps = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files]
    return hashlib.sha256(repr(stamps).encode()).hexdigest()[:16]


def _ask_for_report() -> EngineReport:
    worker = Worker()
    give_up_at = time.monotonic() + REPORT_S
    try:
        with closing(worker.ask(wire.Describe(), None)) as steps:
            while time.monotonic() < give_up_at:
                next(steps)
    except StopIteration as end:
        described: EngineReport = end.value
        return described
    finally:
        worker.end()
    raise EngineCrashed(code=None, why="it did not answer")
