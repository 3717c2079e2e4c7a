"""The application to the system: macOS says to it, and to no window, which file was opened with it."""

import sys
from pathlib import Path

from PySide6.QtCore import QEvent, Signal
from PySide6.QtGui import QFileOpenEvent
from PySide6.QtWidgets import QApplication


class Application(QApplication):
    """A QApplication; `brought` is a file that the system hands over, at the start or later."""

    brought = Signal(Path)

    def __init__(self) -> None:
        super().__init__(sys.argv[:1])

    def event(self, event: QEvent) -> bool:
        if not isinstance(event, QFileOpenEvent) or not event.file():
            return super().event(event)
        self.brought.emit(Path(event.file()))
        return True
