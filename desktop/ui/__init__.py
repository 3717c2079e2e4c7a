"""The window: pages, the widgets they share, and run(), which shows them."""

import signal
import sys
from pathlib import Path


def run(home: Path | None = None) -> int:
    """Open the window and stay until it is closed. Raises NotWritable when the home folder cannot be written."""
    from PySide6.QtCore import QLibraryInfo, QLocale, QTimer, QTranslator
    from PySide6.QtWidgets import QApplication

    from desktop.app import App
    from desktop.ui import crash
    from desktop.ui.program import Program

    app = App.open(home)
    qt = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(qt, QApplication)
    qt.setApplicationName("Alcove")
    qt.setDesktopFileName("alcove")
    words = QTranslator(qt)  # Qt's own: the menus of fields and the file dialog
    if words.load(QLocale(), "qtbase", "_", QLibraryInfo.path(QLibraryInfo.LibraryPath.TranslationsPath)):
        qt.installTranslator(words)
    program = Program(app, qt)
    crash.install(program.window.show_crash)
    # Ctrl+C in the terminal closes the window; Python sees the signal only while it runs, so the timer lets it run.
    signal.signal(signal.SIGINT, lambda *_: program.window.close())
    awake = QTimer(qt)
    awake.timeout.connect(lambda: None)
    awake.start(300)
    program.begin()
    return qt.exec()
