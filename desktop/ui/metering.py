"""Whether the connection is paid for by its amount, asked now and then as long as the person minds."""

from collections.abc import Callable

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.network import metered
from desktop.ui.tasks import Tasks, once

AGAIN_MS = 60_000


class Metering(QObject):
    """`minds()` says whether it matters at all; `on` is whether downloads should wait, `changed` tells that this has changed."""

    changed = Signal()

    def __init__(self, tasks: Tasks, minds: Callable[[], bool], parent: QObject | None = None) -> None:
        super().__init__(parent)
        self.on = minds()  # until the system has told
        self._tasks, self._minds = tasks, minds
        self._timer = QTimer(self, interval=AGAIN_MS)
        self._timer.timeout.connect(self.look)

    def look(self) -> None:
        """Ask the system, which takes a moment; from now on again every minute."""
        if not self._minds():
            self._timer.stop()
            return self._on_told(False)
        self._timer.start()
        self._tasks.start(once(metered), key="metered").done.connect(self._on_told)

    def _on_told(self, told: bool | None) -> None:
        on = bool(told) and self._minds()
        if on != self.on:
            self.on = on
            self.changed.emit()
