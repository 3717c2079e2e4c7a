"""Which models the engine died of, one time after the other without a whole answer between, also before the last start."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from desktop.errors import EngineCrashed, KeepsCrashing
from desktop.replacing import replace

MOST = 3  # in a row, then it is not started again by itself


class Crashes:
    """Counts them by the model's file, in a file of its own or in memory only.

    `way_out` may give more facts for the error that a model is not opened again: what to do about it.
    """

    def __init__(self, path: Path | None = None) -> None:
        self.way_out: Callable[[Path], Mapping[str, object]] = lambda model: {}
        self._path = path
        self._times: dict[str, int] = {}
        if path is not None:
            with suppress(OSError, msgspec.MsgspecError):
                known = msgspec.json.decode(path.read_bytes(), type=dict[str, int])
                self._times = {model: min(times, MOST - 1) for model, times in known.items()}  # a new start, another try

    def times(self, model: Path) -> int:
        """How often in a row; 0 for a model that one may open unasked."""
        return self._times.get(str(model), 0)

    def add(self, model: Path, crash: EngineCrashed) -> EngineCrashed:
        """Count one; returns what is to be told of it."""
        self._set(model, self.times(model) + 1)
        return self._told(model, crash.facts) if self.times(model) >= MOST else crash

    def forget(self, model: Path) -> None:
        """It has answered, or is to be tried all the same."""
        self._set(model, 0)

    @contextmanager
    def opening(self, model: Path) -> Iterator[None]:
        """While a model is opened: counted before, since it may end more than the engine. Raises KeepsCrashing."""
        before = self.times(model)
        if before >= MOST:
            raise self._told(model, {"code": None, "why": ""})
        self._set(model, before + 1)
        try:
            yield
        except EngineCrashed as crash:
            self._set(model, before)
            raise self.add(model, crash) from crash
        except BaseException:
            self._set(model, before)
            raise
        self._set(model, before)

    def _told(self, model: Path, facts: dict[str, object]) -> KeepsCrashing:
        return KeepsCrashing(**{**facts, "path": str(model), "times": self.times(model), **self.way_out(model)})

    def _set(self, model: Path, times: int) -> None:
        if times == self.times(model):
            return
        self._times.pop(str(model), None)
        if times:
            self._times[str(model)] = times
        if self._path is not None:
            with suppress(OSError):  # a home that cannot be written only means that it is forgotten
                replace(self._path, msgspec.json.encode(self._times), own=True)
