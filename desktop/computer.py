"""This computer: what it has and how fast it is, as measured once and as every answer tells anew."""

from collections.abc import Generator, Mapping
from contextlib import closing
from functools import cached_property
from pathlib import Path

from desktop import fit, judging, speed
from desktop.accuracy import Entry, Record
from desktop.engine import Reply, probe
from desktop.engine.local import LocalEngine, build, report
from desktop.hardware import Hardware, detect, memory
from desktop.judging import Opened, Step
from desktop.need import MARGIN_BYTES, MARGIN_SHARE
from desktop.shape import BATCH
from desktop.speed import Rates


class Computer:
    """`rates`: how fast it is; `record`: how right that was; both are kept in the folder `cache`."""

    def __init__(self, engine: LocalEngine, cache: Path) -> None:
        self._engine, self._cache = engine, cache
        self.rates = speed.load(cache / "rates.json")
        self.record = Record(cache / "accuracy.json")
        self.found: Hardware | None = None  # as it was last seen
        self.held: Mapping[str, int] = fit.NOTHING  # what would come free with the open model, then
        self._noted_of: Opened | None = None
        self._noted: set[str] = set()  # which figures of that are in the record

    def hardware(self) -> Hardware:
        """This computer as it is now. The first call ever asks the engine's process what it can use, which takes a second."""
        found = self.found = detect(report(self._cache))
        self.held = self._engine.held_bytes()  # of the same moment, for what is free now depends on it
        return found

    @property
    def memory_is_short(self) -> bool:
        """Whether so little is left that other programs could do with the model's."""
        left = memory.read()
        return left.available_bytes < max(MARGIN_BYTES, left.total_bytes * MARGIN_SHARE)

    @property
    def measure_due(self) -> bool:
        """Whether this computer was never measured as it is now, with this engine: `measure` is worth its seconds."""
        return self.found is not None and speed.is_due(self.rates, self.found, self._build)

    def measure(self) -> Generator[Step, None, Rates]:
        """Measure how fast this computer reads and writes, in some three seconds, and keep it."""
        with closing(probe.measure(self.hardware(), self.rates, self._build, self._cache)) as steps:
            self.rates = yield from judging.followed(steps, lambda step: Step("measure", step.fraction, step.text))
        speed.save(self.rates, self._cache / "rates.json")
        return self.rates

    @property
    def accuracy(self) -> str:
        """How right the estimates were on this computer, as a sentence; empty while nothing was measured."""
        return self.record.sentence()

    def note(self, opened: Opened, peak_bytes: int, predicted: float, tokens_per_s: float) -> None:
        """Keep predicted beside measured. Bytes 0: the workspace was not used whole; a graphics card may hold a part, too."""
        judged = opened.fit
        whole = peak_bytes if not judged.gpu_layers else 0
        if not self.rates.computer or opened.shape.active_bytes < speed.LEARN_LEAST_BYTES:
            predicted = 0.0  # it was a guess by name, or of a model that stays in the processor's caches
        self.record.add(Entry(opened.reference, judged.total_bytes, whole, predicted, tokens_per_s))

    def learn(self, opened: Opened, reply: Reply) -> None:
        """Let a real answer correct the predictions for this computer; each opening of a model goes into the record once."""
        plan, depth = opened.fit.plan, reply.prompt_tokens + reply.completion_tokens // 2
        here = self.found or self.hardware()
        if self._noted_of is not opened:
            self._noted_of, self._noted = opened, set()
        new = {"speed", *(["memory"] if reply.batch_tokens >= BATCH else [])} - self._noted
        predicted = opened.speed(self.rates, here, depth) if "speed" in new else 0.0
        self.note(opened, reply.peak_bytes if "memory" in new else 0, predicted, reply.tokens_per_s)
        self._noted |= new
        self.rates = speed.learn(
            speed.for_hardware(self.rates, here),
            opened.shape,
            reply.tokens_per_s,
            gpu_share=opened.fit.gpu_share,
            depth=depth,
            kv_type=plan.kv_type,
            load_mode=plan.load_mode,
        )
        speed.save(self.rates, self._cache / "rates.json")

    @cached_property
    def _build(self) -> str:
        return build() or ""
