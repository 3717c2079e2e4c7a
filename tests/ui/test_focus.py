"""The focus ring: there for those who use the keyboard, away for those who click."""

from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QPushButton, QVBoxLayout, QWidget
from pytestqt.qtbot import QtBot

from desktop.ui.focus import FocusRing


def test_keys_show_the_ring_and_clicks_hide_it(qtbot: QtBot, qapp: QApplication) -> None:
    window, one, two = QWidget(), QPushButton("One"), QPushButton("Two")
    column = QVBoxLayout(window)
    column.addWidget(one)
    column.addWidget(two)
    qtbot.addWidget(window)
    rings = FocusRing(qapp)
    rings.watch(window)
    window.show()
    window.activateWindow()
    qtbot.waitUntil(lambda: QApplication.activeWindow() is window)
    one.setFocus()
    assert rings.ring is None
    handle = window.windowHandle()
    QTest.keyClick(handle, Qt.Key.Key_Tab)
    assert QApplication.focusWidget() is two
    assert rings.ring is not None
    assert rings.ring.control is two
    QTest.mouseClick(handle, Qt.MouseButton.LeftButton, pos=one.geometry().center())
    assert rings.ring is None
    qapp.focusChanged.disconnect(rings._on_focus_changed)
