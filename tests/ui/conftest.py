"""Every widget test runs in the program's own look, as people see it."""

import pytest
from PySide6.QtWidgets import QApplication

from desktop.ui.theme import Theme


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Qt's platform without a screen says with each window that it has no size hints; that is no fault of ours."""
    for item in items:
        item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support propagateSizeHints"))


@pytest.fixture(scope="session", autouse=True)
def _look(qapp: QApplication) -> None:
    """Light, at the usual text size; a test that changes it puts it back."""
    Theme(qapp, "light", 1.0)
