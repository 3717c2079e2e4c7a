"""Every widget test runs in the program's own look, as people see it."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from desktop.app import App
from desktop.ui.program import Program
from desktop.ui.theme import Theme
from tests.engine import models


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Qt's platform without a screen says of what it cannot do to windows; that is no fault of ours."""
    for item in items:
        item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support (propagateSizeHints|raise|grabbing)"))


@pytest.fixture(scope="session", autouse=True)
def _look(qapp: QApplication) -> None:
    """Light, at the usual text size; a test that changes it puts it back."""
    Theme(qapp, "light", 1.0)


@pytest.fixture
def open_program(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> Iterator[Callable[[], Program]]:
    """Opens the program on the test's home; each is ended afterwards, as closing its window does."""
    opened: list[Program] = []

    def build() -> Program:
        program = Program(App.open(tmp_path / "home"), qapp)
        opened.append(program)
        qtbot.addWidget(program.window, before_close_func=lambda _: None)
        program.begin()
        qtbot.waitExposed(program.window)
        return program

    yield build
    for program in opened:
        program.app.settings.on_close = "next_start"
        program.window.close()
        program.theme.use("light", 1.0)
        program.theme.setParent(None)


def link(tmp_path: Path, script: list[str], *, layers: int = 1, width: int = 512) -> None:
    """Put a model that recites into the test's home."""
    path = models.write(tmp_path / "reciter.gguf", script, layers=layers, width=width)
    app = App.open(tmp_path / "home")
    app.library.link(path)
    app.close()
