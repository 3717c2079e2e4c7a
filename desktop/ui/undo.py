"""Removing with time to think: a removal waits some seconds for its undo before anybody carries it out."""

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.library import LocalModel

UNDO_S = 8.0


class Removals(QObject):
    """What is about to be removed. `due` is emitted when the time is over; `changed` whenever something came or went."""

    added = Signal(object)  # LocalModel: the moment to offer the undo
    due = Signal(object)  # LocalModel: to be removed now
    changed = Signal()

    def __init__(self, parent: QObject | None = None, seconds: float = UNDO_S) -> None:
        super().__init__(parent)
        self.seconds = seconds
        self._waiting: dict[str, tuple[LocalModel, QTimer]] = {}

    def add(self, model: LocalModel) -> None:
        """Remove this one in a while, unless `undo` is called."""
        timer = QTimer(self)
        timer.setSingleShot(True)
        timer.timeout.connect(lambda: self._carry_out(model.id))
        self._waiting[model.id] = (model, timer)
        timer.start(round(self.seconds * 1000))
        self.added.emit(model)
        self.changed.emit()

    def undo(self, id: str) -> None:
        """Keep it after all."""
        if (waiting := self._waiting.pop(id, None)) is not None:
            waiting[1].stop()
            self.changed.emit()

    def holds(self, id: str) -> bool:
        """Whether this one is about to go."""
        return id in self._waiting

    def settle(self) -> None:
        """Carry out what still waits, at quit."""
        for id in list(self._waiting):
            self._carry_out(id)

    def _carry_out(self, id: str) -> None:
        if (waiting := self._waiting.pop(id, None)) is not None:
            waiting[1].stop()
            self.due.emit(waiting[0])
            self.changed.emit()
