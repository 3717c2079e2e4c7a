"""A process of its own for one dry run, ready before it is known what for, and its files made from headers."""

from dataclasses import replace
from pathlib import Path

from desktop.engine import LoadOptions, hollow
from desktop.engine.confine import Reach
from desktop.engine.process import Worker
from desktop.errors import EngineCrashed


class Measurer:
    """A process for one dry run: of a model's file, or with a folder in `cache` for files that are made from headers."""

    def __init__(self, model: Path | None, compiled: Path | None, cache: Path | None = None) -> None:
        self.model = model
        try:
            self._scratch = None if model else hollow.scratch(cache)
        except OSError as error:
            raise EngineCrashed(code=error.errno, why=f"no room for temporary files ({error})") from error
        self.folder = Path(self._scratch.name).resolve() if self._scratch else Path()
        reach = Reach.of(LoadOptions(model)) if model else Reach((self.folder,))
        self.worker = Worker(replace(reach, compiled=compiled), cache)

    def end(self) -> None:
        """End it and remove what was made."""
        self.worker.end()
        if self._scratch:
            self._scratch.cleanup()
