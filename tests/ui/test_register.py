"""The page of licences in the real window: what is listed, found, and saved."""

import csv
from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from desktop.app import App
from desktop.ui.program import Program
from desktop.ui.register import STATED
from tests import gguf_files


def cells(program: Program) -> list[list[str]]:
    model = program.register.model
    return [[str(model.index(row, column).data()) for column in range(model.columnCount())] for row in range(model.rowCount())]


def test_an_empty_computer_says_what_will_stand_here(open_program: Callable[[], Program], qtbot: QtBot) -> None:
    program = open_program()
    program._on_page_clicked("settings")
    program.settings.register_clicked.emit()
    qtbot.waitUntil(lambda: program.register._empty.isVisible())
    assert not program.register.search.isVisible()
    qtbot.mouseClick(program.register.back, Qt.MouseButton.LeftButton)
    assert program.window.page == "settings"


def test_models_are_found_by_licence_and_saved(open_program: Callable[[], Program], tmp_path: Path, qtbot: QtBot) -> None:
    app = App.open(tmp_path / "home")
    for name, licence in (("one", "gemma"), ("two", "mit"), ("three", "")):
        app.library.link(gguf_files.llama(tmp_path / f"{name}.gguf", metadata={"general.license": licence}))
    app.consent.acceptances.accept(app.rights.licence("gemma"), "one", app.texts)
    (accepted,) = app.consent.acceptances.list()
    app.close()
    program = open_program()
    page = program.register
    program.browse.local.register_clicked.emit()
    qtbot.waitUntil(lambda: len(cells(program)) == 4)
    rows = {row[0]: row for row in cells(program)}
    assert rows["one"][1] == "Gemma Terms of Use"
    assert rows["one"][3].endswith(f"by {accepted.user}")
    assert (rows["two"][3], rows["three"][3]) == ("Not needed", "–")
    page.search.setText("gemma")
    assert [row[0] for row in cells(program)] == ["one"]
    page.search.setText("nothing of this")
    assert page._none.isVisible()
    page.save_to(tmp_path / "list.csv")
    with (tmp_path / "list.csv").open(encoding="utf-8", newline="") as file:
        assert {line["model"] for line in csv.DictReader(file)} == {"guide", "one", "two", "three"}, (
            "all of them, whatever is searched"
        )
    page.save_to(tmp_path / "list.json")
    assert (tmp_path / "list.json").read_bytes().startswith(b"{")
    page.save_to(tmp_path / "gone" / "list.csv")
    assert page.said.property("tone") == "bad"
    page.search.clear()
    program.window.resize(640, 600)
    qtbot.waitUntil(lambda: page.table.isColumnHidden(STATED))
