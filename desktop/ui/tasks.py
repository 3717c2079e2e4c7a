"""The one place in the window that starts threads: a Task runs an iterator, Tasks owns them all."""

import logging
import threading
import time
from collections.abc import Callable, Generator, Iterator
from typing import Any, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

from desktop.errors import AlcoveError
from desktop.logs import told

log = logging.getLogger(__name__)
T = TypeVar("T")


def once(function: Callable[..., T], *arguments: Any) -> Generator[None, None, T]:
    """A plain function as an iterator with nothing to yield, for slow calls that cannot tell how far they are."""
    yield
    return function(*arguments)


class Task(QObject):
    """One iterator on one thread. All signals arrive in the UI thread; after `cancel()` nothing more is yielded."""

    yielded = Signal(object)
    done = Signal(object)  # what the iterator returned
    failed = Signal(AlcoveError)
    cancelled = Signal()
    over = Signal()  # after any of the three above
    crashed = Signal(object)  # an exception that nobody stated: a bug; `failed` follows
    _arrived = Signal(str, object)

    def __init__(self, iterator: Iterator[Any], after: "Task | None" = None) -> None:
        super().__init__()
        self._iterator = iterator
        self._after = after
        self._cancel = threading.Event()
        self.running = True
        self.silent = False  # at quit: whoever listened may be gone
        self._arrived.connect(self._on_arrived, Qt.ConnectionType.QueuedConnection)
        self._thread = threading.Thread(target=self._run, name="task", daemon=True)

    def start(self) -> None:
        """Begin. Called by Tasks once the signals are connected to it."""
        self._thread.start()

    def cancel(self) -> None:
        """Close the iterator at its next step; `cancelled` follows when it has let go of everything."""
        self._cancel.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until the thread has ended; False when the time was too short."""
        if self._thread.ident is not None:
            self._thread.join(seconds)
        return not self._thread.is_alive()

    def _run(self) -> None:
        if self._after is not None:  # two of the same key never overlap: the one before closes first
            self._after.wait()
            self._after = None
        try:
            kind, value = self._exhaust()
        except AlcoveError as error:
            log.warning("a task was refused: %s", told(error))
            kind, value = "failed", error
        except Exception as error:
            log.exception("a task ended in a bug")
            kind, value = "crashed", error
        self._tell(kind, value)

    def _exhaust(self) -> tuple[str, Any]:
        try:
            while not self._cancel.is_set():
                try:
                    item = next(self._iterator)
                except StopIteration as end:
                    return "done", end.value
                self._tell("yielded", item)
            return "cancelled", None
        finally:
            if close := getattr(self._iterator, "close", None):
                close()

    def _tell(self, kind: str, value: Any) -> None:
        try:
            self._arrived.emit(kind, value)
        except RuntimeError:  # the window is gone already: nobody is left to tell
            log.debug("a task outlived the window")

    def _on_arrived(self, kind: str, value: Any) -> None:
        if self.silent:
            return
        if kind == "yielded":
            if not self._cancel.is_set():
                self.yielded.emit(value)
            return
        self.running = False
        if self._cancel.is_set() and kind == "done":  # cancelled too late to matter, but nobody waits for it any more
            kind = "cancelled"
        if kind == "done":
            self.done.emit(value)
        elif kind == "cancelled":
            self.cancelled.emit()
        else:
            if kind == "crashed":
                self.crashed.emit(value)
            self.failed.emit(value if isinstance(value, AlcoveError) else AlcoveError())
        self.over.emit()


class Tasks(QObject):
    """Owns every running task. `start` with the key of a running one cancels that first and waits for it to let go."""

    crashed = Signal(object)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._running: list[tuple[str, Task]] = []
        self._closed = False

    def start(self, iterator: Iterator[Any], *, key: str) -> Task:
        """Run an iterator. Connect to the task's signals right after: they arrive later, in the event loop."""
        before = self.get(key)
        if before is not None:
            before.cancel()
        task = Task(iterator, after=before)
        self._running.append((key, task))
        task.crashed.connect(self.crashed)
        task.over.connect(lambda: self._forget(task))
        if self._closed:  # something asked for it while the window was going
            task.cancel()
            task.silent = True
        task.start()
        return task

    def get(self, key: str) -> Task | None:
        """The latest task of this key, if it still runs."""
        return next((task for k, task in reversed(self._running) if k == key), None)

    def cancel(self, key: str) -> None:
        """Cancel the task of this key, if there is one."""
        if (task := self.get(key)) is not None:
            task.cancel()

    def close(self, wait_s: float = 3.0) -> bool:
        """Cancel all and wait a moment for them, at quit; nothing is told any more. False when one did not let go in time."""
        self._closed = True
        end_s = time.monotonic() + wait_s
        for _, task in self._running:
            task.cancel()
            task.silent = True
        waited = [task.wait(max(0.05, end_s - time.monotonic())) for _, task in self._running]
        return all(waited)

    def _forget(self, task: Task) -> None:
        self._running = [(k, t) for k, t in self._running if t is not task]
