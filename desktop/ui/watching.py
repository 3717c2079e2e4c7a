"""Whether the organisation has changed its rules while the window is open: nobody gets past them by leaving it so."""

import time

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication

from desktop import policy
from desktop.app import App
from desktop.policy import Policy
from desktop.ui.tasks import Tasks, once

TASK = "watch the rules"
LOOK_MS = 300_000  # between two looks
RECENT_S = 30.0  # whoever comes back to the window so soon after a look causes no other
AGAIN_MS = 2_000  # after a look that found other rules, which somebody may just be writing


class Watching(QObject):
    """Rules that were read twice as others than those that hold are put in their place; then `changed` is emitted."""

    changed = Signal()

    def __init__(self, tasks: Tasks, app: App, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks, self._app = tasks, app
        self._seen: Policy | None = None  # other rules, as the last look found them
        self._looked_s = time.monotonic()
        self.timer = QTimer(self)
        self.timer.timeout.connect(self.look)
        self.timer.start(LOOK_MS)
        qt = QGuiApplication.instance()
        assert isinstance(qt, QGuiApplication)
        qt.applicationStateChanged.connect(self._on_state)

    def look(self) -> None:
        """Read the rules anew."""
        self._looked_s = time.monotonic()
        if self._tasks.get(TASK) is None:
            self._tasks.start(once(policy.read), key=TASK).done.connect(self._on_read)

    def _on_state(self, state: Qt.ApplicationState) -> None:
        if state == Qt.ApplicationState.ApplicationActive and time.monotonic() - self._looked_s >= RECENT_S:
            self.look()

    def _on_read(self, rules: Policy) -> None:
        if rules == self._app.policy:
            self._seen = None
        elif rules == self._seen:
            self._seen = None
            self._app.follow(rules)
            self.changed.emit()
        else:
            self._seen = rules
            QTimer.singleShot(AGAIN_MS, self, self.look)
