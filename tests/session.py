"""A whole session of the window, carried out by itself: python -m tests.session HOME, beside which it needs no one.

A chat with the guide, every page, then offline: a search of the Hub, a download, the settings, a second question.
"""

import sys
import time
from collections.abc import Callable

from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from desktop.app import App
from desktop.errors import Offline
from desktop.ui.program import Program

WAIT_S = 60.0
PAGES = ("models", "downloads", "settings", "activity")


def turn(milliseconds: int) -> None:
    """Let the window go on for so long. QTest's own waiting keeps all other threads from it."""
    loop = QEventLoop()
    QTimer.singleShot(milliseconds, loop.quit)
    loop.exec()


def wait(program: Program, what: str, done: Callable[[], object]) -> None:
    """Let the window go on until that is so."""
    end_s = time.monotonic() + WAIT_S
    while not done():
        if time.monotonic() > end_s:
            program.window.close()
            raise SystemExit(f"it took too long: {what}")
        turn(20)


def ask(program: Program, question: str) -> None:
    """Write to the guide and wait for its answer."""
    chat = program.window.chat
    chat.focus_message()
    QTest.keyClicks(chat.composer.field, question)
    QTest.keyClick(chat.composer.field, Qt.Key.Key_Return)
    wait(program, question, lambda: (answer := chat.transcript.last_answer()) and answer.message is not None and answer.text())


def show_all(program: Program) -> None:
    for page in PAGES:
        program.window.sidebar.page_clicked.emit(page)
        turn(50)  # for what a page looks up once it is seen


def search(program: Program) -> list[Exception]:
    """Look for models on the Hub as a task of the window; what went wrong."""
    failed: list[Exception] = []
    task = program.tasks.start(iter(program.app.hub.search("qwen")), key="session")
    task.failed.connect(failed.append)
    wait(program, "the search", lambda: not task.running)
    return failed


def main(home: str) -> None:
    qt = QApplication([])
    program = Program(App.open(home), qt)
    program.begin()
    wait(program, "a look at the computer", lambda: program.advice.hardware is not None)
    program.first_run.guide_clicked.emit()
    ask(program, "What is an open-weight model?")
    show_all(program)
    program.settings.offline.click()
    assert program.app.network.offline
    assert [type(error) for error in search(program)] == [Offline]
    refused: list[object] = []
    program.downloading.failed.connect(lambda reference, error: refused.append(error))
    program.downloading.start("qwen3-8b")
    wait(program, "the download", lambda: refused)
    assert isinstance(refused[0], Offline), refused
    show_all(program)
    program.new_chat()
    ask(program, "What is a quantisation?")
    program.window.close()
    print("the session is over")


if __name__ == "__main__":
    main(sys.argv[1])
