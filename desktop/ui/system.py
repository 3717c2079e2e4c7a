"""What the desktop around the window shows of downloads: progress on the program's icon, notifications, an icon in the tray."""

import shutil
import sys

from PySide6.QtCore import QObject, QProcess, Signal
from PySide6.QtDBus import QDBusConnection, QDBusMessage
from PySide6.QtGui import QIcon
from PySide6.QtWidgets import QMenu, QSystemTrayIcon

from desktop.ui import icons

LAUNCHER = ("/com/canonical/unity/launcherentry/1", "com.canonical.Unity.LauncherEntry", "Update")
ENTRY = "application://alcove.desktop"  # as Qt is told the program is called (setDesktopFileName)


class System(QObject):
    """Each system does what it can; Qt has no progress for the taskbar of Windows and the dock of macOS."""

    open_clicked = Signal()  # in the tray
    quit_clicked = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._percent: int | None = None
        self._tray: QSystemTrayIcon | None = None
        self._menu: QMenu | None = None

    @property
    def has_tray(self) -> bool:
        """Whether an icon can stay where the window is gone."""
        return QSystemTrayIcon.isSystemTrayAvailable()

    def show_progress(self, fraction: float | None) -> None:
        """How far it is, on the program's icon in docks that speak LauncherEntry (GNOME's, KDE's); None when there is nothing."""
        percent = None if fraction is None else round(fraction * 100)
        if percent == self._percent:
            return
        self._percent = percent
        if self._tray is not None:
            words = self.tr("Alcove") if percent is None else self.tr("Alcove: {percent} % downloaded").format(percent=percent)
            self._tray.setToolTip(words)
        if sys.platform.startswith("linux") and (bus := QDBusConnection.sessionBus()).isConnected():
            shown = QDBusMessage.createSignal(*LAUNCHER)
            shown.setArguments([ENTRY, {"progress": (percent or 0) / 100, "progress-visible": percent is not None}])
            bus.send(shown)

    def notify(self, title: str, sentence: str) -> None:
        """A notification of the desktop's; one is enough, whichever way there is."""
        if self._tray is not None and self._tray.supportsMessages():
            self._tray.showMessage(title, sentence, self._tray.icon())
        elif sys.platform.startswith("linux") and (program := shutil.which("notify-send")):
            QProcess.startDetached(program, ["--app-name=Alcove", "--icon=alcove", "--", title, sentence])
        elif self.has_tray:
            self.show_tray()
            self.notify(title, sentence)

    def show_tray(self) -> None:
        """An icon that brings the window back."""
        if self._tray is not None:
            return
        self._menu = QMenu()
        self._menu.addAction(self.tr("Open Alcove")).triggered.connect(self.open_clicked)
        self._menu.addAction(self.tr("Stop downloading and quit")).triggered.connect(self.quit_clicked)
        self._tray = QSystemTrayIcon(QIcon(icons.pixmap("download", "accent", 64)), self)
        self._tray.setToolTip(self.tr("Alcove"))
        self._tray.setContextMenu(self._menu)
        self._tray.activated.connect(self._on_activated)
        self._tray.messageClicked.connect(self.open_clicked)
        self._tray.show()

    def hide_tray(self) -> None:
        """Take the icon away again."""
        if self._tray is not None and self._menu is not None:
            self._tray.hide()
            self._tray.deleteLater()
            self._menu.deleteLater()
            self._tray = self._menu = None

    def _on_activated(self, reason: QSystemTrayIcon.ActivationReason) -> None:
        if reason != QSystemTrayIcon.ActivationReason.Context:
            self.open_clicked.emit()
