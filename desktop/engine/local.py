"""llama.cpp on this computer, at arm's length: in a worker process that may crash, hang or be killed without harm."""

import hashlib
import importlib.util
import logging
import platform
import threading
import time
from collections.abc import Generator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import msgspec
import psutil

from desktop import __version__, gguf, private
from desktop.engine import (
    Benched,
    BenchStep,
    ChatOptions,
    Counted,
    HeaderPart,
    Loaded,
    Loading,
    LoadOptions,
    Message,
    Piece,
    Reading,
    Reply,
    hollow,
    wire,
)
from desktop.engine.confine import Reach
from desktop.engine.crashes import Crashes
from desktop.engine.measurer import Measurer
from desktop.engine.process import TICK_S, Worker
from desktop.engine.threads import counts
from desktop.errors import AlcoveError, EngineCrashed, LoadFailed
from desktop.hardware import EngineReport, cpu
from desktop.logs import told
from desktop.shape import DeviceMemory

log = logging.getLogger(__name__)
REPORT_S = 20.0  # a worker that has not described itself by then is broken
MEASURE_S = 30.0  # a dry run takes well under a second; starting the driver of a graphics card may take some


class LocalEngine:
    """One model at a time in one worker, which starts when it is needed and starts again when it is gone.

    `loaded` is the model that answers, or that will be opened again for the next message; `info` is what it turned out
    to be, None while it is not open. `crashes` knows what it died of, also before, and is kept in `cache`, as is what the drivers
    of graphics devices compile, and what is needed for a moment.
    """

    def __init__(self, cache: Path | None = None) -> None:
        self.loaded: LoadOptions | None = None
        self.info: Loaded | None = None
        self.crashes = Crashes(cache / "crashes.json" if cache else None)
        self._cache, self._compiled = cache, cache / "drivers" if cache else None
        self._worker: Worker | None = None
        self._measurer: Measurer | None = None
        self._busy = threading.Lock()

    @property
    def is_open(self) -> bool:
        """Whether a model is open now: nothing has to be loaded before it answers."""
        worker = self._worker
        return self.info is not None and worker is not None and worker.alive

    def load(self, options: LoadOptions) -> Generator[Loading, None, Loaded]:
        """Open a model, giving up the one before.

        Raises NotFound, NotGguf, Truncated, UnknownArchitecture, WillNotFit, LoadFailed, EngineCrashed.
        """
        yield from self._wait(Loading(0.0))
        try:
            gguf.read_file(options.path)  # tells a bad file by its header, before any process or the model before is at risk
            if options.projector:
                gguf.read_file(options.projector)
            self.loaded = self.info = None
            info = yield from self._open(options)
            self.loaded = options
            return info
        finally:
            self._busy.release()

    def chat(self, messages: Sequence[Message], options: ChatOptions) -> Generator[Reading | Piece, None, Reply]:
        """Answer the last message; a worker that is gone is first started again.

        Raises ContextFull, EngineCrashed, and what load() raises.
        """
        reply: Reply = yield from self._ask(wire.Chat(tuple(messages), options), Reading(0, 0))
        words = "an answer: %.1f s to its first token, then %.1f tokens a second with %d threads"
        log.info(words, reply.first_token_s, reply.tokens_per_s, reply.threads)
        return reply

    def count(self, messages: Sequence[Message], options: ChatOptions) -> Generator[Reading, None, Counted]:
        """Count the tokens of what chat() would read. Raises EngineCrashed, and what load() raises."""
        counted: Counted = yield from self._ask(wire.Count(tuple(messages), options), Reading(0, 0))
        return counted

    def bench(
        self, prompt_tokens: int = 512, tokens: int = 32, repeats: int = 3, depth: int = 0, threads: int | None = None
    ) -> Generator[BenchStep, None, Benched]:
        """Measure how fast the open model reads and writes after `depth` tokens; what it remembers of the chat is given up.

        Raises ContextFull, EngineCrashed, and what load() raises.
        """
        order = wire.Bench(prompt_tokens, tokens, repeats, depth, counts(cpu.read(), threads) if threads else None)
        benched: Benched = yield from self._ask(order, BenchStep(0.0))
        return benched

    def prepare_measure(self, model: Path | None = None) -> None:
        """Start the process of the next measure() now, so that it is ready when the header has been read.

        `model`: its file; None where there will be only headers. Raises EngineCrashed.
        """
        ready, self._measurer = self._measurer, None
        if ready is not None and not (ready.model == model and ready.worker.alive):
            ready.end()
            ready = None
        self._measurer = ready or Measurer(model, self._compiled, self._cache)

    def measure(
        self, model: Path | Sequence[HeaderPart], options: LoadOptions
    ) -> Generator[None, None, tuple[DeviceMemory, ...]]:
        """What opening a model would allocate on each device, the processor's first, found by the engine in a dry run.

        `model` is its file (of a split one the first part), or the headers of its files, which then need not be here;
        `options.path` is not used. The model that is open is not touched. Raises UnknownArchitecture, WillNotFit, LoadFailed,
        EngineCrashed.
        """
        self.prepare_measure(model if isinstance(model, Path) else None)
        measurer, self._measurer = self._measurer, None
        assert measurer is not None
        give_up_at = time.monotonic() + MEASURE_S
        name = model.name if isinstance(model, Path) else model[0].name
        try:
            path = model if isinstance(model, Path) else hollow.written(model, measurer.folder)
            steps = measurer.worker.ask(wire.Measure(replace(options, path=path)), None)
            while time.monotonic() < give_up_at:
                yield
                next(steps)
        except StopIteration as end:
            measured: wire.Measured = end.value
            return measured.memory
        except AlcoveError as error:
            raise type(error)(**{**error.facts, "path": name}) from error
        finally:
            measurer.end()
        raise EngineCrashed(code=None, why=f"it had not laid out {name} after {MEASURE_S:.0f} seconds")

    def held_bytes(self) -> dict[str, int]:
        """Bytes on each device, main memory ("CPU") first, that come free when the open model is given up; {} without one."""
        info, worker, options = self.info, self._worker, self.loaded
        if info is None or worker is None or options is None or not self.is_open:
            return {}
        held = {device.name: device.total_bytes for device in info.memory}
        private = worker.private_bytes()
        if private is not None:
            return {"CPU": private, **{name: size for name, size in held.items() if name != "CPU"}}
        if info.memory and options.load_mode == "mmap":
            held["CPU"] -= info.memory[0].weights_bytes
        return held

    def rest(self) -> Generator[None, None, None]:
        """Keep what the model has read of its conversation, then give all its memory back; the next message opens it again."""
        yield from self._wait(None)
        try:
            worker = self._worker
            if worker is not None and self.is_open:
                with suppress(EngineCrashed):
                    yield from worker.ask(wire.Save(), None)
            self._worker = self.info = None
            if worker is not None:
                worker.end()
        finally:
            self._busy.release()

    def forget(self, conversation: str | None) -> None:
        """Have the worker drop what it has read of a conversation, and keep nothing of it; None: of any."""
        worker = self._worker
        if worker is not None and worker.alive:
            worker.tell(wire.Forget(conversation))

    def close(self) -> None:
        """End the worker and free its memory; a chat after this would start it again."""
        measurer, self._measurer = self._measurer, None
        if measurer is not None:
            measurer.end()
        worker, self._worker, self.info = self._worker, None, None
        if worker is None:
            return
        worker.kill()
        if self._busy.acquire(blocking=False):  # else the generator at work finds it dead, and tidies up
            worker.end()
            self._busy.release()

    def _wait(self, idle: Any) -> Generator[Any, None, None]:
        while not self._busy.acquire(timeout=TICK_S):
            yield idle

    def _ask(self, order: wire.Order, idle: Any) -> Generator[Any, None, Any]:
        """Ask something of the model that was chosen, opening it again first where it is not open."""
        yield from self._wait(idle)
        try:
            if self.loaded is None:
                raise LoadFailed(path="the model", why="none has been chosen yet")
            if not self.is_open:
                with closing(self._open(self.loaded)) as steps:
                    for _ in steps:
                        yield idle
            assert self._worker is not None
            return (yield from self._follow(self._worker, order, idle))
        finally:
            self._busy.release()

    def _follow(self, worker: Worker, order: wire.Order, idle: Any) -> Generator[Any, None, Any]:
        """Ask, and count what the model did to the engine."""
        assert self.loaded is not None
        path = self.loaded.path
        try:
            answer = yield from worker.ask(order, idle)
        except EngineCrashed as crash:
            if worker is not self._worker:  # it was ended by close()
                raise
            log.error("the engine ended by itself: %s", told(crash))
            raise self.crashes.add(path, crash) from crash
        if isinstance(order, wire.Chat):
            self.crashes.forget(path)
        return answer

    def _open(self, options: LoadOptions) -> Generator[Loading, None, Loaded]:
        """In a process that can reach this model and no other. Raises KeepsCrashing when it has died of it too often."""
        self.info = None
        with self.crashes.opening(options.path):
            reach = Reach.of(options, self._compiled)
            worker = self._worker
            if worker is not None and worker.alive and worker.reach != reach:
                with suppress(EngineCrashed):
                    yield from worker.ask(wire.Save(), Loading(0.0))
            if worker is None or worker.reach != reach or not worker.alive:
                if worker is not None:
                    worker.end()
                worker = self._worker = Worker(reach, self._cache)
            order = wire.Load(options, counts(cpu.read(), options.threads))
            info: Loaded = yield from worker.ask(order, Loading(0.0))
        self.info = info
        return info


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
    found = build()
    if found is None:
        return EngineReport("llama.cpp", "missing", (), False)
    current = f"{found} {__version__} {platform.release()}"  # what confines it depends on us and the system
    path = cache / "engine.json"
    with suppress(OSError, msgspec.DecodeError):
        known = msgspec.json.decode(path.read_bytes(), type=_Remembered)
        cards = known.report.gpu_offload or addons()  # an add-on that finds no driver may find one after the next start
        same_start = not cards or abs(known.booted_s - psutil.boot_time()) < 60
        if known.build == current and same_start:
            return known.report
    try:
        answer = _ask_for_report(cache)
    except (EngineCrashed, LoadFailed, OSError):
        return EngineReport("llama.cpp", "broken", (), False)
    with suppress(OSError):  # a home that cannot be written only means asking again
        cache.mkdir(parents=True, exist_ok=True)
        private.write(path, msgspec.json.encode(_Remembered(current, psutil.boot_time(), answer)))
    return answer


def build() -> str | None:
    """What tells one build of the engine from another, found without loading it; None where there is no engine."""
    if importlib.util.find_spec("llama_cpp") is None:
        return None
    stamps = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in _libraries()]
    return hashlib.sha256(repr(stamps).encode()).hexdigest()[:16]


def addons() -> frozenset[str]:
    """The add-ons for graphics cards that lie beside the engine, whether or not they find their driver: "CUDA", "Vulkan"."""
    names = {library.name.split(".")[0].removeprefix("lib") for library in _libraries()}
    return frozenset(name for name in ("CUDA", "Vulkan") if f"ggml-{name.lower()}" in names)


def _libraries() -> list[Path]:
    """The files of the engine; a frozen program has no other file of the package."""
    package = importlib.util.find_spec("llama_cpp")
    return sorted(Path(package.origin).parent.glob("lib/*")) if package and package.origin else []


def _ask_for_report(cache: Path) -> EngineReport:
    worker = Worker(Reach(compiled=cache / "drivers"), cache)
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
