"""Has the model open before the first message needs it, and asleep when nobody has written for a while."""

import time

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.app import App
from desktop.engine import Loading
from desktop.ui.tasks import Tasks

TASK = "wake"
LOOK_S = 20.0  # how often it is seen whether the model may sleep
SHORT_IDLE_S = 60.0  # so long it is left awake even where memory is short
PATIENCE_S = 0.3  # what is open sooner needs no word


class Waking(QObject):
    """`wake` opens a model in the background where memory allows; `use` says that the engine is at work, or no longer.

    A model that failed or was refused is not tried again before another one, or before the next sleep.
    """

    progressed = Signal(str, float)  # reference, 0 to 1
    over = Signal(str)  # the reference: awake, refused or given up
    slept = Signal()

    def __init__(self, tasks: Tasks, app: App, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks, self._app = tasks, app
        self._tried = ""  # the reference of the model that was woken last
        self._at_work = False
        self._used_s = time.monotonic()
        self.asleep = False  # because nobody wrote
        self._timer = QTimer(self)
        self._timer.setInterval(round(LOOK_S * 1000))
        self._timer.timeout.connect(self.look)
        self._timer.start()

    def wake(self, reference: str) -> None:
        """Open a model now, unless the engine is at work for the person."""
        if self._at_work or reference in ("", self._tried):
            return
        self._tried, self._used_s = reference, time.monotonic()
        task = self._tasks.start(self._app.running.wake(reference), key=TASK)
        task.yielded.connect(lambda step: self._on_yielded(reference, step))
        task.over.connect(lambda: self._on_over(reference))

    def use(self, reference: str) -> None:
        """The engine answers with this model now; "" when that is over. What was being opened instead is given up."""
        self._at_work, self._used_s = bool(reference), time.monotonic()
        if reference:
            if reference != self._tried:
                self._tasks.cancel(TASK)
            self._tried, self.asleep = reference, False

    def sleep(self) -> None:
        """Give the memory back now, unless the engine is at work."""
        if self._at_work:
            return
        self._tried = ""
        task = self._tasks.start(self._app.running.rest(), key=TASK)
        task.done.connect(self._on_slept)

    def look(self) -> None:
        """Let the model sleep if nobody has written for long, or if others need the memory."""
        if self._at_work or self._app.running.opened is None or self._tasks.get(TASK):
            return
        idle_s, most_s = time.monotonic() - self._used_s, self._app.settings.sleep_after_min * 60
        if (most_s and idle_s >= most_s) or (idle_s >= SHORT_IDLE_S and self._app.computer.memory_is_short):
            self.sleep()

    def _on_yielded(self, reference: str, step: Loading | None) -> None:
        if step is not None and time.monotonic() - self._used_s >= PATIENCE_S:
            self.progressed.emit(reference, step.fraction)

    def _on_over(self, reference: str) -> None:
        self._used_s, self.asleep = time.monotonic(), False
        self.over.emit(reference)

    def _on_slept(self) -> None:
        self.asleep = True
        self.slept.emit()
