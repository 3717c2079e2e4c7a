"""Models of other programs, as the window looks for them and takes them: two tasks, and what they found as signals."""

from collections.abc import Generator, Sequence
from pathlib import Path

from PySide6.QtCore import QObject, Signal

from desktop import adopting
from desktop.adopting import Candidate, Looking, Plan, Skipped
from desktop.errors import AlcoveError
from desktop.library import Library, LocalModel
from desktop.ui.messages import explain
from desktop.ui.tasks import Tasks


class Adoption(QObject):
    """`look` finds what could be used, once; `take` uses it; `take_files` does both with files that the person chose."""

    looking = Signal(object)  # Looking
    found = Signal(object)  # Plan
    taken = Signal(object, object)  # list[LocalModel], list[Skipped]
    failed = Signal(AlcoveError)

    def __init__(self, tasks: Tasks, library: Library, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks, self._library = tasks, library
        self._looked = False

    def look(self) -> None:
        """Look at the folders of other programs, the first time that somebody wants to know."""
        if self._looked:
            return
        self._looked = True
        task = self._tasks.start(adopting.plan(self._library), key="models of other programs")
        task.yielded.connect(self.looking)
        task.done.connect(self.found)
        task.failed.connect(lambda _: self.found.emit(Plan()))

    def stop(self) -> None:
        """Look no further."""
        self._tasks.cancel("models of other programs")

    def take(self, candidates: Sequence[Candidate]) -> None:
        """Use these from now on."""
        self._start(self._take(Plan(tuple(candidates))))

    def take_files(self, paths: Sequence[Path]) -> None:
        """Use what these files and folders hold."""
        self._start(self._take_files(paths))

    def _start(self, work: Generator[Looking, None, tuple[list[LocalModel], list[Skipped]]]) -> None:
        task = self._tasks.start(work, key="take models")
        task.done.connect(lambda result: self.taken.emit(*result))
        task.failed.connect(self.failed)

    def _take_files(self, paths: Sequence[Path]) -> Generator[Looking, None, tuple[list[LocalModel], list[Skipped]]]:
        found = yield from adopting.plan(self._library, paths)
        return (yield from self._take(found))

    def _take(self, plan: Plan) -> Generator[Looking, None, tuple[list[LocalModel], list[Skipped]]]:
        models: list[LocalModel] = []
        skipped = list(plan.skipped)
        for each in adopting.adopt(self._library, plan.candidates):
            yield Looking(len(models))
            if isinstance(each, Skipped):
                skipped.append(each)
            else:
                models.append(each)
        return models, skipped

    def why(self, skipped: Skipped) -> str:
        """Why a file is not used, as a sentence."""
        if skipped.error is not None:
            return explain(skipped.error).sentence
        if skipped.twin:
            return self.tr("{name} is used here already, as {twin}.").format(name=skipped.path.name, twin=skipped.twin)
        return self.tr("{path} may not be read. Ask whoever it belongs to.").format(path=skipped.path)
