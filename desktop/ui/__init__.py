"""The window: pages, the widgets they share, and run(), which shows them."""

import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from desktop.errors import AlcoveError


def run(home: Path | None = None, file: Path | None = None) -> int:
    """Open the window, with a model file in it, and stay until it is closed.

    What keeps it from opening is told in a window, and returns 1.
    """
    from PySide6.QtCore import QLibraryInfo, QLocale, QTimer, QTranslator

    from desktop.app import App
    from desktop.errors import AlcoveError
    from desktop.ui import crash, icons
    from desktop.ui.alone import Alone
    from desktop.ui.application import Application
    from desktop.ui.program import Program

    qt = Application()
    qt.setApplicationName("Alcove")
    qt.setDesktopFileName("alcove")
    qt.setWindowIcon(icons.of_program())
    words = QTranslator(qt)  # Qt's own: the menus of fields and the file dialog
    if words.load(QLocale(), "qtbase", "_", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        qt.installTranslator(words)
    try:
        app = App.open(home, "the window")
        alone = Alone(app.paths.home, qt, file)
        if alone.other:
            app.close()
            return _already_open(alone.other if alone.is_elsewhere else "")
        program = Program(app, qt)
    except AlcoveError as error:
        print(error, file=sys.stderr)
        _refuse(error)
        return 1
    crash.install(program.window.show_crash)
    alone.called.connect(program.leaving.come_back)
    alone.brought.connect(program.open_model)
    qt.brought.connect(program.open_model)
    # Ctrl+C in the terminal closes the window; Python sees the signal only while it runs, so the timer lets it run.
    signal.signal(signal.SIGINT, lambda *_: program.window.close())
    awake = QTimer(qt)
    awake.timeout.connect(lambda: None)
    awake.start(300)
    program.begin()
    if file:
        program.open_model(file)
    try:
        status = qt.exec()
    finally:
        alone.end()
    if program.starts_again:
        _start_again(app.paths.home)
    return status


def _start_again(home: Path) -> None:
    """Another process of this program, which stays when this one is gone."""
    from PySide6.QtCore import QProcess

    from desktop.paths import FROZEN

    QProcess.startDetached(sys.executable, [*([] if FROZEN else ["-m", "desktop"]), "--home", str(home)])


def _refuse(error: "AlcoveError") -> None:
    """Nothing of ours can be drawn yet, so it is told in the system's way."""
    from PySide6.QtCore import QCoreApplication
    from PySide6.QtGui import QGuiApplication
    from PySide6.QtWidgets import QMessageBox

    from desktop.ui.details import details

    box = QMessageBox(QMessageBox.Icon.Critical, "Alcove", str(error), QMessageBox.StandardButton.Close)
    copy = box.addButton(QCoreApplication.translate("CopyDetails", "Copy details"), QMessageBox.ButtonRole.ActionRole)
    copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(details(error)))
    box.exec()


def _already_open(elsewhere: str) -> int:
    """Another window has this home: it comes to the front, unless it is on another computer."""
    from PySide6.QtWidgets import QMessageBox

    if not elsewhere:
        print("Alcove is open already; its window comes to the front.", file=sys.stderr)
        return 0
    said = f"Alcove is open on {elsewhere} with the same folder of chats and models. Close it there first."
    print(said, file=sys.stderr)
    QMessageBox.information(None, "Alcove", said)
    return 1
