"""Closing the window while something is downloaded: asked once, then in the background, at the next start, or not at all."""

from PySide6.QtCore import QObject, Qt, QTimer, Signal
from PySide6.QtWidgets import QApplication, QCheckBox, QDialog, QVBoxLayout, QWidget

from desktop.app import App
from desktop.settings import OnClose
from desktop.ui import theme
from desktop.ui.buttons import Button
from desktop.ui.downloading import Downloading
from desktop.ui.labels import Label
from desktop.ui.system import System
from desktop.ui.window import Window

SEEN_S = 10.0  # a notification stays so long before the program that showed it ends


class LeaveDialog(QDialog):
    """The question. `chosen` carries the answer, and whether it holds for every time."""

    chosen = Signal(str, bool)

    def __init__(self, count: int, parent: QWidget, *, background: bool) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Close Alcove"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setModal(True)
        title = self.tr("A download is not finished") if count == 1 else self.tr("{count} downloads are not finished")
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(theme.GRID * 2)
        column.addWidget(Label(title.format(count=count), "card_title"))
        column.addWidget(Label(self.tr("What has arrived is kept in any case. What should become of the rest?"), "body", "soft"))
        answers: list[tuple[OnClose, str]] = [
            ("background", self.tr("Go on in the background")),
            ("next_start", self.tr("Go on at the next start")),
            ("stop", self.tr("Stop here")),
        ]
        self.buttons: dict[str, Button] = {}
        for answer, words in answers if background else answers[1:]:
            button = self.buttons[answer] = Button(words, "secondary" if self.buttons else "primary")
            button.clicked.connect(lambda _=False, answer=answer: self._on_chosen(answer))
            column.addWidget(button)
        self.always = QCheckBox(self.tr("Do this every time"))
        column.addWidget(self.always)
        cancel = Button(self.tr("Do not close"), "link")
        cancel.clicked.connect(self.reject)
        column.addWidget(cancel, 0, Qt.AlignmentFlag.AlignRight)
        self.setMinimumWidth(theme.scaled(400))
        next(iter(self.buttons.values())).setFocus()

    def _on_chosen(self, answer: str) -> None:
        self.chosen.emit(answer, self.always.isChecked())
        self.accept()


class Leaving(QObject):
    """`may_close` is asked by the window. In the background the window is hidden and the program ends after the last download."""

    remembered = Signal()  # the choice is in the settings now
    going_on = Signal()  # the window is gone, the downloads go on

    def __init__(self, app: App, window: Window, downloading: Downloading, system: System) -> None:
        super().__init__(window)
        self._app, self._window, self._downloading, self._system = app, window, downloading, system
        self._decided = False
        self.in_background = False
        window.may_close = self.may_close
        system.open_clicked.connect(self.come_back)
        system.quit_clicked.connect(self._stop)
        downloading.changed.connect(self._on_changed)

    def may_close(self) -> bool:
        """Whether the window may go now; asks the person first, or goes on without the window, where something is downloaded."""
        qt = QApplication.instance()
        session_ends = isinstance(qt, QApplication) and qt.isSavingSession()
        if self._decided or session_ends or not self._downloading.active or self._app.settings.offline:
            return True
        answer = self._app.settings.on_close
        if answer == "ask" or (answer == "background" and not self._system.has_tray):
            self._ask()
            return False
        return self._carry_out(answer)

    def come_back(self) -> None:
        """Show the window again."""
        self.in_background = False
        self._system.hide_tray()
        self._window.showNormal() if self._window.isMinimized() else self._window.show()
        self._window.raise_()
        self._window.activateWindow()

    def _ask(self) -> None:
        if self._window.findChild(LeaveDialog) is not None:
            return
        dialog = LeaveDialog(len(self._downloading.active), self._window, background=self._system.has_tray)
        dialog.always.setVisible("on_close" not in self._app.policy.locks)
        dialog.chosen.connect(self._on_chosen)
        dialog.open()

    def _on_chosen(self, answer: OnClose, always: bool) -> None:
        if always:
            self._app.settings.on_close = answer
            self.remembered.emit()
        if self._carry_out(answer):
            self.end()

    def _carry_out(self, answer: OnClose) -> bool:
        """Whether the program may end now."""
        if answer == "background":
            self.in_background = True
            self._system.show_tray()
            self._window.hide()
            self.going_on.emit()
            return False
        if answer == "stop":
            self._downloading.queue.pause_all()
        return True

    def _stop(self) -> None:
        self._downloading.queue.pause_all()
        self.end()

    def end(self) -> None:
        """End the program now; what is downloaded goes on at the next start."""
        self._decided = True
        hidden = self._window.isHidden()
        self._window.close()
        if hidden:  # Qt ends the program with the last window that is seen to close
            QApplication.quit()

    def _on_changed(self) -> None:
        if self.in_background and not self._downloading.active:
            self.in_background = False
            QTimer.singleShot(round(SEEN_S * 1000), self, self._end_unseen)

    def _end_unseen(self) -> None:
        if not self._window.isVisible():
            self.end()
