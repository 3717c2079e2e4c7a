"""Will a model run here: by the formula at once, or by the engine's own figures; before it is downloaded, too."""

import time
from collections.abc import Generator
from contextlib import suppress
from dataclasses import replace

from desktop import fit, gguf, judging, projector
from desktop.computer import Computer
from desktop.engine.local import LocalEngine
from desktop.errors import AlcoveError, EngineCrashed, NotHere
from desktop.fit import Wish
from desktop.hardware import Hardware
from desktop.headers import Headers
from desktop.judging import Judgement, Step
from desktop.projector import Projector
from desktop.settings import Settings
from desktop.speed import Rates
from desktop.targets import Target, Targets


class Estimates:
    """The shape in a header that was read is remembered: a slider asks many times a second."""

    def __init__(self, targets: Targets, headers: Headers, computer: Computer, engine: LocalEngine, settings: Settings) -> None:
        self.targets, self.computer = targets, computer
        self._headers, self._engine, self._settings = headers, engine, settings
        self.pictures = True  # whether models may see at all
        self._shapes: dict[str, fit.Shape] = {}  # by _key

    def of(
        self,
        target: Target | str,
        header: gguf.Header | None = None,
        hardware: Hardware | None = None,
        *,
        context: int | None = None,
        kv_type: str | None = None,
        gpu_layers: int | None = None,
        goal: str | None = None,
        rates: Rates | None = None,
    ) -> fit.Fit:
        """Will it run here, by the formula, in milliseconds: from this header, the one that was read last, or the catalogue.

        hardware: None is this computer as it was last seen. Asks neither the disk nor the network for a Target that was judged
        before, or that the catalogue knows. Raises NotHere for a file that nothing is known of.
        """
        target = self.targets.of(target) if isinstance(target, str) else target
        shape = fit.Shape.from_header(header) if header else self._shapes.get(_key(target))
        if shape is None and target.path is not None:
            shape = self.known(target, gguf.read_file(target.path))
        if shape is None and not (target.model and target.variant):
            raise NotHere(name=target.name, reference=target.reference)
        shape = shape or _shape(target)
        wish = self.wish(target, context, kv_type, gpu_layers, goal)
        hardware = hardware or self.computer.found or self.computer.hardware()
        return self.question(target, shape, hardware, wish, rates).by_formula()

    def judge(
        self,
        reference: Target | str,
        *,
        context: int | None = None,
        kv_type: str | None = None,
        gpu_layers: int | None = None,
        goal: str | None = None,
        hardware: Hardware | None = None,
        rates: Rates | None = None,
        projector_bytes: int = 0,
    ) -> Generator[Step, None, Judgement]:
        """Will it run here, by the engine's own figures, whether or not the file is here: its header is enough.

        projector_bytes: of a projector that is to be counted in; one that lies beside the model's file is anyway.
        Raises NotAModel, UnknownArchitecture, what gguf.read_file raises, and the network's errors where the catalogue does not
        know the model.
        """
        started_s = time.monotonic()
        target = self.targets.of(reference) if isinstance(reference, str) else reference
        with suppress(EngineCrashed):  # it is told where the engine is asked
            self._engine.prepare_measure(target.path)  # it starts while the header is read
        known = yield from judging.read(target, self.targets.file, self._headers)
        shape = self.known(target, known.header) if known.header else _shape(target)
        wish = self.wish(target, context, kv_type, gpu_layers, goal)
        question = self.question(target, shape, hardware or self.computer.hardware(), wish, rates)
        if projector_bytes:
            question = replace(question, projector_bytes=projector_bytes)
        if known.model is None:
            judged, note = question.by_formula(), known.note
        else:
            judged, note = yield from question.ask(self._engine, known.model)
        took_s = time.monotonic() - started_s
        return Judgement(judged, known.bytes_read, took_s, known.source, note or known.note)

    def header(self, target: Target) -> gguf.Header | None:
        """The header of a target's file: from the disk, or the first bytes of a named file on the Hub or elsewhere.

        None for a catalogue model that is not here: the catalogue's facts stand for it. Raises as gguf.read_file, and the
        network's errors.
        """
        if target.path is not None:
            return gguf.read_file(target.path)
        if target.file or target.url:
            return judging.end(self._headers.read(self.targets.file(target))).header
        return None

    def known(self, target: Target, header: gguf.Header) -> fit.Shape:
        """The shape in a header, kept for the next estimate. Raises NotAModel."""
        judging.refuse_other_kinds(header, target.name)
        shape = self._shapes[_key(target)] = fit.Shape.from_header(header)
        return shape

    def question(
        self, target: Target, shape: fit.Shape, hardware: Hardware, wish: Wish, rates: Rates | None = None
    ) -> judging.Question:
        """What is to be judged of a model that is to run as wished."""
        held = self.computer.held if hardware is self.computer.found else fit.NOTHING
        sizes = {v.quantization: v.size_bytes for v in target.model.variants} if target.model else fit.NOTHING
        eyes = self.eyes(target)
        seeing = eyes.total_bytes if eyes else 0
        return judging.Question(shape, hardware, rates or self.computer.rates, wish, held, projector_bytes=seeing, sizes=sizes)

    def eyes(self, target: Target) -> Projector | None:
        """What lets a model on this computer see pictures."""
        if not self.pictures:
            return None
        with suppress(AlcoveError):  # a file that cannot be read is told where it is opened
            return projector.beside(target.path, gguf.read_file(target.path)) if target.path else None
        return None

    def wish(
        self,
        target: Target,
        context: int | None = None,
        kv_type: str | None = None,
        gpu_layers: int | None = None,
        goal: str | None = None,
    ) -> Wish:
        """What is asked for now, else what the person chose for this model; a goal goes before the length for all models."""
        return judging.wish(target, self._settings, Wish(context, kv_type, gpu_layers, goal))


def _key(target: Target) -> str:
    """What tells one file from another in memory."""
    return str(target.path or target.url or f"{target.repo}/{target.file or target.variant}")


def _shape(target: Target) -> fit.Shape:
    """What decides memory and speed, by the catalogue's facts."""
    assert target.model is not None
    assert target.variant is not None
    return target.model.shape(target.variant)
