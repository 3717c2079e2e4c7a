"""One window for a home: whoever starts Alcove once more sees the window that is open."""

import os
from pathlib import Path

from PySide6.QtCore import QFileSystemWatcher, QLockFile, QObject, QSysInfo, Signal

from desktop import private
from desktop.replacing import refused


class Alone(QObject):
    """Whether this is the only window of a home. Where another has it, that one is `called`, and `brought` the file to open.

    `other` is empty, or the computer on which the other window is: a home may lie on a share. Raises NotWritable.
    """

    called = Signal()
    brought = Signal(Path)

    def __init__(self, home: Path, parent: QObject | None = None, file: Path | None = None) -> None:
        super().__init__(parent)
        self.other = ""
        self._bell = home / "window.bell"
        self._lock = QLockFile(str(home / "window.lock"))
        self._lock.setStaleLockTime(0)  # it is held as long as its program lives, however long that is
        is_taken = not self._lock.tryLock(0) and self._lock.error() == QLockFile.LockError.LockFailedError
        private.narrow(home / "window.lock")
        try:
            private.write(self._bell, (os.fsencode(file) if file else b"open") if is_taken else b"")
        except OSError as error:
            raise refused(error, self._bell) from error
        if is_taken:
            self.other = self._lock.getLockInfo()[1]
            return
        self._watcher = QFileSystemWatcher([str(self._bell)], self)
        self._watcher.fileChanged.connect(self._on_bell)

    @property
    def is_elsewhere(self) -> bool:
        """Whether the other window is on another computer, and cannot be called."""
        return self.other not in ("", QSysInfo.machineHostName())

    def end(self) -> None:
        """Let the next one have it."""
        self._lock.unlock()

    def _on_bell(self) -> None:
        said = self._bell.read_bytes() if self._bell.exists() else b""
        if said:
            self._bell.write_bytes(b"")
            self.called.emit()
            if os.path.isabs(os.fsdecode(said)):
                self.brought.emit(Path(os.fsdecode(said)))
