"""The page About: notices that can be searched, the list of parts, and a report that is read before it is saved."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from pytestqt.qtbot import QtBot

from desktop import parts
from desktop.ui.licence_text import LicenceText
from desktop.ui.program import Program
from desktop.ui.support_report import SupportReport


@pytest.fixture
def program(open_program: Callable[[], Program], monkeypatch: pytest.MonkeyPatch) -> Program:
    told = parts.notices([parts.Part("Qt", "6", "LGPL-3.0-only", texts=("the words of the LGPL",))])
    monkeypatch.setattr(parts, "told_notices", lambda: told)  # making them takes a second; test_supply.py does
    program = open_program()
    program.settings.about_clicked.emit()
    return program


def test_notices_are_searched_and_our_own_licence_is_at_hand(program: Program, qtbot: QtBot) -> None:
    assert program.window.page == "about"
    assert program.window.sidebar.pages["settings"].isChecked()  # from where one came
    qtbot.waitUntil(lambda: program.about.reader is not None)
    reader = program.about.reader
    assert reader is not None
    reader.field.setText("words of the lgpl")
    assert reader.said.text() == "1 of 1"
    assert program.about.report.nextInFocusChain() is reader.field
    program.about.licence_clicked.emit()
    dialog = program.window.findChild(LicenceText)
    assert dialog is not None
    assert "Apache License" in (dialog.page.content or "")
    dialog.close()
    program.about.back.click()
    assert program.window.page == "settings"


def test_the_list_of_parts_is_saved(program: Program, tmp_path: Path, qtbot: QtBot) -> None:
    page = program.about
    page.save_as(tmp_path / "parts.json", lambda: parts.as_json(parts.bill([])))
    qtbot.waitUntil(lambda: (tmp_path / "parts.json").exists() and page.said.text().endswith("parts.json."))
    assert json.loads((tmp_path / "parts.json").read_text())["bomFormat"] == "CycloneDX"
    page.verticalScrollBar().setValue(0)
    page.save_as(tmp_path / "nowhere" / "x", lambda: "")
    qtbot.waitUntil(lambda: page.said.property("tone") == "bad")
    qtbot.waitUntil(lambda: not page.copy_details.visibleRegion().isEmpty())  # it stands below what was seen
    page.copy_details.click()
    assert "not_writable" in QGuiApplication.clipboard().text()


def test_the_report_is_read_before_it_is_saved(program: Program, tmp_path: Path, qtbot: QtBot) -> None:
    page = program.about
    page.report.click()
    qtbot.waitUntil(lambda: page.dialog is not None)
    dialog = page.dialog
    assert isinstance(dialog, SupportReport)
    names = [dialog.names.item(index).text() for index in range(dialog.names.count())]
    assert names[0] == "README.txt"
    assert "logs/alcove.log" in names
    dialog.names.setCurrentRow(names.index("settings.json"))
    shown = dialog.pages.currentWidget().text.toPlainText()
    dialog.save_to(tmp_path / "nowhere" / "report.zip")
    assert dialog.isVisible()
    assert dialog.copy_details.isVisible()
    dialog.save_to(tmp_path / "report.zip")
    assert "report.zip" in page.said_of_report.text()
    with zipfile.ZipFile(tmp_path / "report.zip") as saved:
        assert saved.namelist() == names
        assert saved.read("settings.json").decode() == shown
