"""The downloads of the window: started, followed and stopped here, whatever page shows them."""

from collections.abc import Callable, Generator

from PySide6.QtCore import QObject, Signal

from desktop.errors import AlcoveError
from desktop.library import LocalModel
from desktop.transfer import Progress
from desktop.ui.tasks import Tasks

Get = Callable[[str], Generator[Progress, None, LocalModel]]


class Downloading(QObject):
    """Needs `get` (App.get). Every signal begins with the model's reference."""

    started = Signal(str)
    progressed = Signal(str, object)  # Progress
    done = Signal(str, object)  # LocalModel
    failed = Signal(str, AlcoveError)
    cancelled = Signal(str)
    changed = Signal()  # after any of them

    def __init__(self, tasks: Tasks, get: Get, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks, self._get = tasks, get
        self.running: dict[str, Progress | None] = {}

    def start(self, reference: str) -> None:
        """Get a model; nothing happens when it is on its way already."""
        if reference in self.running:
            return
        self.running[reference] = None
        task = self._tasks.start(self._get(reference), key=_key(reference))
        task.yielded.connect(lambda progress: self._on_progressed(reference, progress))
        task.done.connect(lambda local: self._end(reference, lambda: self.done.emit(reference, local)))
        task.failed.connect(lambda error: self._end(reference, lambda: self.failed.emit(reference, error)))
        task.cancelled.connect(lambda: self._end(reference, lambda: self.cancelled.emit(reference)))
        self.started.emit(reference)
        self.changed.emit()

    def cancel(self, reference: str) -> None:
        """Stop it; what has arrived is kept."""
        self._tasks.cancel(_key(reference))

    def fraction(self) -> float | None:
        """How far all running downloads are together; None when there is none."""
        if not self.running:
            return None
        known = [progress for progress in self.running.values() if progress is not None and progress.size_bytes]
        whole = sum(progress.size_bytes for progress in known)
        return sum(progress.done_bytes for progress in known) / whole if whole else 0.0

    def _on_progressed(self, reference: str, progress: Progress) -> None:
        self.running[reference] = progress
        self.progressed.emit(reference, progress)
        self.changed.emit()

    def _end(self, reference: str, tell: Callable[[], None]) -> None:
        self.running.pop(reference, None)
        tell()
        self.changed.emit()


def _key(reference: str) -> str:
    return f"download {reference}"
