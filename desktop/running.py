"""The open model: opened for the best plan, measured, put to rest and woken."""

import logging
from collections.abc import Generator
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path

from desktop import fit, gguf, judging, opening, text
from desktop.engine import BenchStep, Loaded, Loading, LoadOptions, states
from desktop.engine.local import LocalEngine
from desktop.errors import AlcoveError, EngineCrashed, NotHere
from desktop.estimates import Estimates
from desktop.fit import Wish
from desktop.judging import BenchReport, Opened
from desktop.projector import Projector
from desktop.rights import Rights
from desktop.settings import Settings
from desktop.shape import BATCH
from desktop.targets import Target, public_name

log = logging.getLogger(__name__)
TOO_MUCH = ("close_apps", "too_big")
NO_ROOM_TO_SEE = "There is not enough free memory for this model to see pictures as well, so it reads only words for now."
CANNOT_SEE = "The file that lets this model see pictures cannot be used, so it reads only words."


class Running:
    """What the engine has open, one model at a time. `states`: the folder with what models have read."""

    def __init__(self, estimates: Estimates, rights: Rights, engine: LocalEngine, settings: Settings, states: Path) -> None:
        self.engine, self.computer = engine, estimates.computer
        self._targets, self._estimates, self._rights = estimates.targets, estimates, rights
        self._settings, self._states = settings, states
        self._door = opening.Door()
        self._opened: Opened | None = None  # the last that the engine opened

    @property
    def opened(self) -> Opened | None:
        """What the engine has open now."""
        return self._opened if self.engine.is_open else None

    def sees(self, reference: str) -> bool:
        """Whether a model takes pictures: as it is open, else as far as its files tell."""
        target = self._targets.of(reference)
        if self.opened and self.opened.path == target.path and self.engine.info:
            return self.engine.info.sees
        return self._estimates.eyes(target) is not None

    def open(
        self,
        reference: str,
        *,
        context: int | None = None,
        threads: int | None = None,
        wish: Wish | None = None,
        chats: bool = True,
    ) -> Generator[Loading, None, Loaded]:
        """Load the model on this computer that a reference means, by the best plan for it, unless it is open so.

        wish: in place of what the person chose for this model. chats: False opens also what has no vocabulary, to be measured.
        Raises NotHere, NotAllowed, NotAModel, WillNotFit and the engine's errors.
        """
        target = self._targets.of(reference)
        if target.path is None:
            raise NotHere(name=target.name, reference=reference)
        self._rights.check(target)
        wish = wish or self._estimates.wish(target, context)
        yield from self._door.enter(target.path)
        try:
            opened, info = self.opened, self.engine.info
            if opened and info and (opened.path, opened.wish) == (target.path, wish) and threads is None:
                return info  # what is free now no longer counts: it has its memory
            shape = self._estimates.known(target, gguf.read_file(target.path))
            kept = states.of_model(self._states, target.path) if self._settings.keep_ready else None
            order = partial(replace, chats=chats, states=kept, **({"threads": threads} if threads else {}))
            eyes = self._estimates.eyes(target) if chats else None
            with closing(self._open(target, shape, wish, order, eyes)) as steps:
                loaded, judged = yield from judging.followed(steps, self._door.show)
            self._opened = Opened(reference, target.path, wish, shape, judged)
            where = ", ".join(f"{text.size(device.total_bytes)} on {device.name}" for device in loaded.memory)
            words = "the engine opened %s for %d tokens in %.1f s: %s"
            log.info(words, public_name(target), loaded.context, loaded.load_s, where or "where is not known")
        finally:
            self._door.leave()
        if target.local is not None:
            self._targets.library.used(target.local.id)
        if chats:
            self._note_thinking(target, loaded)
        return loaded

    def _open(
        self, target: Target, shape: fit.Shape, wish: Wish, order: opening.Order, eyes: Projector | None
    ) -> Generator[Loading, None, tuple[Loaded, fit.Fit]]:
        """Open a model with eyes where there is room for them and they can be used, else without, and say so."""
        assert target.path is not None
        notice = ""
        if eyes and self._ask(target, shape, wish, eyes).by_formula(advise=False).verdict in TOO_MUCH:
            eyes, notice = None, NO_ROOM_TO_SEE
        try:
            ask, seeing = partial(self._ask, target, shape, eyes=eyes), partial(_with_eyes, order, eyes)
            found = yield from opening.opened(self.engine, target.path, ask, wish, seeing)
        except AlcoveError as error:
            if eyes is None or not (isinstance(error, EngineCrashed) or error.facts.get("path") == str(eyes.path)):
                raise
            notice = CANNOT_SEE
            found = yield from opening.opened(self.engine, target.path, partial(self._ask, target, shape), wish, order)
        loaded, judged = found
        if notice:
            self.engine.info = loaded = replace(loaded, notices=(*loaded.notices, notice))
        return loaded, judged

    def _ask(self, target: Target, shape: fit.Shape, wish: Wish, eyes: Projector | None = None) -> judging.Question:
        question = self._estimates.question(target, shape, self.computer.hardware(), wish)
        return replace(question, projector_bytes=eyes.total_bytes if eyes else 0)

    def _note_thinking(self, target: Target, loaded: Loaded) -> None:
        """Only the engine can tell whether a model offers the choice: what it said holds until the model is opened again."""
        key = judging.settings_key(target)
        if loaded.thinks == "choice":
            self._settings.thinking.setdefault(key, loaded.thinks_unasked)
        else:
            self._settings.thinking.pop(key, None)

    def bench(
        self,
        reference: str,
        *,
        context: int | None = None,
        kv_type: str | None = None,
        gpu_layers: int | None = None,
        load_mode: str | None = None,
        threads: int | None = None,
        depth: int = 0,
    ) -> Generator[Loading | BenchStep, None, BenchReport]:
        """Open a model and measure its speed and memory here; what was predicted goes into the record beside it.

        depth: tokens said before. Raises as open does, and ContextFull.
        """
        wish = replace(self._estimates.wish(self._targets.of(reference), context, kv_type, gpu_layers), load_mode=load_mode)
        loaded = yield from self.open(reference, wish=wish, threads=threads, chats=False)
        opened = self._opened
        assert opened is not None
        predicted = opened.speed(self.computer.rates, self.computer.hardware(), depth)
        benched = yield from self.engine.bench(depth=depth, threads=threads)
        peak_bytes = benched.peak_bytes if benched.batch_tokens >= BATCH else 0
        self.computer.note(opened, peak_bytes, predicted if threads is None else 0.0, benched.tokens_per_s)
        return BenchReport(loaded.load_s, benched, opened.fit, predicted)

    def wake(self, reference: str) -> Generator[Loading, None, bool]:
        """Open a model before anything is asked of it, where it is here, runs well and leaves room; whether it was opened.

        One that the engine died of the last time is left alone until somebody asks for it. Raises as open.
        """
        target = self._targets.of(reference)
        if target.path is None or self.engine.crashes.times(target.path):
            return False
        judged = self._estimates.of(target, hardware=self.computer.hardware())
        if judged.verdict != "runs_well" or judged.close_call:
            return False
        yield from self.open(reference)
        return True

    def rest(self) -> Generator[None, None, None]:
        """Give the open model's memory back, when it is not at work; the next message opens it again."""
        with closing(self._door.enter(None)) as steps:
            for _ in steps:
                yield
        try:
            yield from self.engine.rest()
            log.info("the engine rests")
        finally:
            self._door.leave()

    def forget(self, conversation: str | None) -> None:
        """Let nothing be kept of what models have read of a conversation, or of all."""
        self.engine.forget(conversation)
        states.forget(self._states, conversation)


def _with_eyes(order: opening.Order, eyes: Projector | None, options: LoadOptions) -> LoadOptions:
    return replace(order(options), projector=eyes.path if eyes else None)
