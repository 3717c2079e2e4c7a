"""The worker process as its parent sees it: started, asked, told to stop, and ended without a trace."""

import os
import re
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator
from contextlib import suppress
from dataclasses import replace
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import psutil

from desktop.engine import Piece, wire
from desktop.engine.confine import Reach
from desktop.errors import BreaksEngine, CardFailed, EngineCrashed, EngineHung, OutOfMemory

TICK_S = 0.1  # something is yielded at least this often: a cancel is heard no later
CANCEL_S = 2.0  # a worker that has not heard a cancel by then is ended
GIVE_UP_S = 0.2  # and one that opens a model by then: it may be deep in a long reading, and has nothing to keep
GONE_S = 5.0  # the killed may be held by a disk that does not answer: the system ends them when it does
# One that neither says, computes, reads nor writes anything for so long hangs; the slowest card needs less for a first batch.
STILL_S = 30.0
HEAR_S = 10.0  # nor does a message wait so long to be heard
SILENT_S = 3600.0  # nor does any batch take an hour, on any processor: what still computes then goes round in circles
FAULTS = {-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGFPE, 3, 0xC0000005, 0xC0000094, 0xC0000409}  # the latter on Windows
if sys.platform != "win32":
    FAULTS.add(-signal.SIGBUS)
NO_ROOM = re.compile(
    r"bad_alloc|MemoryError|out ?of ?(device ?)?memory|to allocate|allocate memory|mem_buffer != NULL|returned -2",
    re.I,
)
OF_CARD = re.compile(r"\b(CUDA|ROCm) error|no device code compatible|\bvk::|VK_ERROR")  # as ggml and its drivers end a process
SECRET = re.compile(r"TOKEN|SECRET|PASS|CREDENTIAL|API_?KEY|PROXY", re.I)  # names of variables that are no engine's business
WORKER_ARGUMENT = "--engine-worker"  # a frozen program is its own worker


class Worker:
    """A running worker process and the pipe to it; what it prints is kept, in `folder`, only to tell why it died."""

    def __init__(self, reach: Reach | None = None, folder: Path | None = None) -> None:
        self.reach = reach or Reach()
        self.reach.make_folders()
        self._log = _scratch(folder)
        self._sending = threading.Lock()
        self._oom_kills = _oom_kills()
        try:
            ours, theirs = Pipe()
            with theirs:
                self._process = _start(theirs.fileno(), self._log)
        except OSError as error:  # the system opens no more files, or starts no more processes
            self._log.close()
            raise EngineCrashed(code=error.errno, why=str(error)) from error
        self._connection: Connection[Any, Any] = ours
        _send_in_time(ours)
        with suppress(OSError):  # it is gone already, which the first order finds
            self._connection.send(self.reach)

    @property
    def alive(self) -> bool:
        """Whether the process runs."""
        return self._process.poll() is None

    @property
    def pid(self) -> int:
        """The number of the process."""
        return self._process.pid

    def tell(self, order: wire.Forget) -> None:
        """Say something that has no answer."""
        with suppress(OSError), self._sending:  # a worker that is gone has nothing to forget
            self._connection.send(order)

    def ask(self, order: wire.Order, idle: Any) -> Generator[Any, None, Any]:
        """Give an order; yields what comes, or the last progress again while nothing does; returns the last word."""
        try:
            with self._sending:
                self._connection.send(order)
            pulse = _Pulse(self.pid)
            while True:
                if not self._connection.poll(TICK_S):
                    if pulse.stopped():
                        self._process.kill()
                        raise self._crashed(order, hung=True)
                    yield idle
                    continue
                said = self._connection.recv()
                pulse = _Pulse(self.pid)
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
            raise self._crashed(order, hung=isinstance(gone, BlockingIOError)) from gone

    def _cancel(self, patience_s: float) -> None:
        """Stop the order at work; what still comes of it is dropped, and a worker that does not answer is ended."""
        try:
            with self._sending:
                self._connection.send(wire.Cancel())
            while self._connection.poll(patience_s):
                if isinstance(self._connection.recv(), wire.LAST):
                    return
        except (EOFError, OSError):
            pass  # it died meanwhile
        self.end()

    def _crashed(self, order: wire.Order, hung: bool = False) -> EngineCrashed:
        """What is known about a process that hung up, or had to be ended."""
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(1)
        self.kill()  # hung up but still there: not ours any more
        code = self._process.returncode
        self._log.seek(max(0, self._log.seek(0, os.SEEK_END) - 2000))
        why = self._log.read().decode("utf-8", "replace").strip()
        killed_for_memory = sys.platform == "linux" and code == -signal.SIGKILL and _oom_kills() > self._oom_kills
        self.end()
        if hung:
            return EngineHung(code=code, why=why)
        if killed_for_memory or NO_ROOM.search(why):
            return OutOfMemory(code=code, why=why)
        if OF_CARD.search(why):
            return CardFailed(code=code, why=why)
        if isinstance(order, wire.Load | wire.Measure) and code in FAULTS:
            return BreaksEngine(path=str(order.options.path), code=code, why=why)
        return EngineCrashed(code=code, why=why)

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
        with suppress(subprocess.TimeoutExpired):
            self._process.wait(GONE_S)

    def end(self) -> None:
        """End the process and leave nothing behind."""
        self.kill()
        self._connection.close()
        self._log.close()


class _Pulse:
    """Tells a worker that stands still from one that takes long. Counts looks, not seconds: a computer may sleep meanwhile."""

    def __init__(self, pid: int) -> None:
        self._pid = pid
        self._silent = self._still = 0
        self._work: tuple[float, ...] = ()

    def stopped(self) -> bool:
        """To be asked after each tick without a word."""
        work = self._done()
        self._silent += 1
        self._still = self._still + 1 if work and work == self._work else 0
        self._work = work
        return self._still * TICK_S >= STILL_S or self._silent * TICK_S >= SILENT_S

    def _done(self) -> tuple[float, ...]:
        """What it has computed, read and written since its start; () where the system does not tell."""
        with suppress(psutil.Error, OSError):
            process = psutil.Process(self._pid)
            times = process.cpu_times()
            moved = process.io_counters() if hasattr(process, "io_counters") else None
            return times.user, times.system, *((moved.read_bytes, moved.write_bytes) if moved else ())
        return ()


def _send_in_time(connection: "Connection[Any, Any]") -> None:
    """Let a message fail that the worker, who has an ear for nothing else, does not take off the pipe."""
    if sys.platform != "win32":  # whose pipes know no such limit
        with socket.socket(fileno=os.dup(connection.fileno())) as pipe:
            pipe.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", *divmod(int(HEAR_S * 1e6), 1_000_000)))


def _oom_kills() -> int:
    """How many programs this Linux has ended so far because memory had run out; 0 where it does not count them."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/vmstat").read_text().partition("\noom_kill ")[2].split()[0])
    return 0


def _scratch(folder: Path | None) -> Any:
    """A file for last words, without a name; one that forgets where no temporary file can be made."""
    try:
        return tempfile.TemporaryFile(dir=folder)
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
        # How long a thread of GNU's OpenMP spins for the others before it sleeps: about a millisecond. By itself it spins for 17,
        # and with one busy program beside as many threads as cores a token then takes seconds. Idle, it made no difference that
        # could be told from noise (0.6B, 1,000 to 30,000 and the usual).
        "GOMP_SPINCOUNT": "20000",
        **{name: value for name, value in os.environ.items() if not SECRET.search(name)},
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
