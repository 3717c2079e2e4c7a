"""The downloads of the window: one at a time in the order of the queue, followed and stopped here, whatever page shows them."""

from collections.abc import Callable, Generator
from dataclasses import replace

from PySide6.QtCore import QObject, Signal

from desktop.downloads import Downloads, same
from desktop.errors import AlcoveError
from desktop.library import LocalModel
from desktop.transfer import Progress
from desktop.ui.tasks import Tasks

Get = Callable[[str], Generator[Progress, None, LocalModel]]
TASK = "download"
OFFLINE, METERED = "offline", "metered"
WAITS = Progress(0, 0, 0.0, None, stage="queue")


class Downloading(QObject):
    """Needs `get` (Getting.get). `held()` says why none may run now, or "": OFFLINE or METERED.

    Every signal begins with a reference. `progressed` with the stage "queue" says that one waits for its turn; `cancelled`,
    that it neither runs nor waits any more.
    """

    started = Signal(str)  # asked for: now, or when its turn comes
    progressed = Signal(str, object)  # Progress
    done = Signal(str, object)  # LocalModel
    failed = Signal(str, AlcoveError)
    cancelled = Signal(str)
    changed = Signal()  # after any of them, and when the order has changed

    def __init__(
        self, tasks: Tasks, get: Get, queue: Downloads, held: Callable[[], str] = lambda: "", parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._tasks, self._get = tasks, get
        self.queue, self.held = queue, held
        self.running = ""  # the reference of the one that is on its way, also while it is being stopped
        self._progress: dict[str, Progress] = {}  # how far each was when it was seen last
        self._errors: dict[str, AlcoveError] = {}  # of those that failed

    @property
    def active(self) -> tuple[str, ...]:
        """Those that run or wait, in their order."""
        return self.queue.waiting()

    def begin(self) -> None:
        """Go on with what ran or waited when the program was ended."""
        self._show_waiting()
        self.go_on()

    def start(self, reference: str) -> None:
        """Get a model as soon as it is its turn."""
        self.queue.add(reference)
        self._errors.pop(reference, None)
        self.started.emit(reference)
        self._show_waiting()
        self.go_on(asked=True)

    def cancel(self, reference: str) -> None:
        """Stop it, or let it wait no longer; what has arrived is kept, and what had not begun is forgotten."""
        if reference in self._progress:
            self.queue.pause(reference)
        else:
            self.queue.drop(reference)
        self._let_go(reference)

    def forget(self, reference: str) -> None:
        """Nobody wants it any more."""
        self.queue.drop(reference)
        self._let_go(reference)

    def move(self, reference: str, place: int) -> None:
        """Put it at another place; the one that is first now runs, and the one that ran waits again."""
        self.queue.move(reference, place)
        self.go_on()

    def pause_all(self) -> None:
        """Stop what runs, and let nothing wait."""
        stopped = self.active
        self.queue.pause_all()
        for reference in stopped:
            self._let_go(reference)

    def resume_all(self) -> None:
        """Go on with all that is paused."""
        self.queue.resume_all()
        self._show_waiting()
        self.go_on(asked=True)

    def try_again(self, *kinds: type[AlcoveError]) -> None:
        """What stood in the way is gone: go on with those that failed because of it, and with what waits."""
        for reference, error in list(self._errors.items()):
            if isinstance(error, kinds):
                self.start(reference)
        self.go_on()

    def go_on(self, *, asked: bool = False) -> None:
        """Have the one run whose turn it is, if any may. asked: by the person just now."""
        following, held = self.queue.next(), self.held()
        if asked and held == OFFLINE:
            held = ""  # it fails at once, with the words and the button for it
        if self.running:
            if following is None or held or not same(following.reference, self.running):
                self._tasks.cancel(TASK)  # `_on_cancelled` goes on
        elif following is not None and not held:
            self._run(following.reference)
        self.changed.emit()

    def fraction(self) -> float | None:
        """How far all that run or wait are together, as far as their sizes are known; None when there is none."""
        if not self.active:
            return None
        known = [each for reference in self.active if (each := self._progress.get(reference)) is not None]
        whole = sum(progress.size_bytes for progress in known)
        return sum(progress.done_bytes for progress in known) / whole if whole else 0.0

    def progress(self, reference: str) -> Progress | None:
        """How far it was when it was seen last."""
        return self._progress.get(reference)

    def _run(self, reference: str) -> None:
        self.running = reference
        task = self._tasks.start(self._get(reference), key=TASK)
        task.yielded.connect(lambda progress: self._on_progressed(reference, progress))
        task.done.connect(lambda local: self._on_done(reference, local))
        task.failed.connect(lambda error: self._on_failed(reference, error))
        task.cancelled.connect(lambda: self._on_cancelled(reference))

    def _on_progressed(self, reference: str, progress: Progress) -> None:
        if progress.done_bytes or progress.size_bytes:
            self._progress[reference] = progress
        self.progressed.emit(reference, progress)
        self.changed.emit()

    def _on_done(self, reference: str, local: LocalModel) -> None:
        self.running = ""
        self._progress.pop(reference, None)
        self.queue.drop(reference)
        self.done.emit(reference, local)
        self.go_on()

    def _on_failed(self, reference: str, error: AlcoveError) -> None:
        self.running = ""
        self._errors[reference] = error
        self.queue.fail(reference)
        self.failed.emit(reference, error)
        self.go_on()

    def _on_cancelled(self, reference: str) -> None:
        self.running = ""
        if any(same(each, reference) for each in self.active):  # only another one's turn
            self._show_waiting()
        else:
            self.cancelled.emit(reference)
        self.go_on()

    def _let_go(self, reference: str) -> None:
        """It is to run or wait no longer; of the one that runs, `_on_cancelled` tells."""
        self._errors.pop(reference, None)
        if not same(self.running, reference):
            self.cancelled.emit(reference)
        self.go_on()

    def _show_waiting(self) -> None:
        """Tell of each that waits, that it does."""
        for reference in self.active:
            if not same(reference, self.running):
                last = self._progress.get(reference, WAITS)
                self.progressed.emit(reference, replace(last, stage="queue", bytes_per_s=0.0, left_s=None))
