"""The page that puts two licences side by side, and the field in which the other one is found."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from desktop.ui.buttons import Button
from desktop.ui.compare import ComparePage
from desktop.ui.licence_text import LicenceText
from desktop.ui.side_chooser import Choice
from tests.ui.laptop import known, law, words

CHOICES = [Choice("gemma-3-4b", "Gemma 3 4B", "can be downloaded"), Choice("mit", "MIT License", "licence")]


@pytest.fixture
def page(qtbot: QtBot) -> ComparePage:
    made = ComparePage()
    qtbot.addWidget(made)
    made.resize(1000, 800)
    with qtbot.waitExposed(made):
        made.show()
    made.set_choices(CHOICES)
    made.show_first("Llama 3.1 8B", law().rule(known().get("llama-3.1-8b").evidence))  # type: ignore[union-attr]
    return made


def test_it_says_what_to_do_before_the_second_is_chosen(page: ComparePage) -> None:
    assert "Choose what to compare with" in words(page)
    assert page.only.isHidden()
    assert page.comparison is None


def test_the_other_is_found_by_typing_a_part_of_its_name(page: ComparePage, qtbot: QtBot) -> None:
    field = page.choosers[1]
    qtbot.keyClicks(field, "mit lic")
    popup = field.completer().popup()
    qtbot.waitUntil(popup.isVisible)
    assert popup.model().rowCount() == 1
    with qtbot.waitSignal(page.chosen) as chosen:
        qtbot.keyClick(popup, Qt.Key.Key_Down)
        qtbot.keyClick(popup, Qt.Key.Key_Return)
    assert chosen.args == [1, "mit", "MIT License"]
    assert field.text() == "MIT License"


def test_differences_are_marked_in_words(page: ComparePage) -> None:
    page.show_side(1, "MIT License", law().describe("mit"))
    assert page.comparison is not None
    differing, points = len(page.comparison.differing), len(page.comparison.points)
    said = words(page)
    assert f"They differ in {differing} of {points} points." in said
    assert "Only here" in said
    assert said.split("\n").count("Different") == differing
    page.show_side(1, "Gemma 3 4B", law().rule(known().get("gemma-3-4b").evidence))  # type: ignore[union-attr]
    assert "Both with conditions, but not the same ones" in words(page)
    assert "The same" in words(page)
    page.only.click()
    assert "The same" not in words(page)


def test_in_a_narrow_window_they_stand_below_each_other(page: ComparePage, qtbot: QtBot) -> None:
    page.show_side(1, "MIT License", law().describe("mit"))
    left, right = page.choosers
    assert left.mapTo(page, left.rect().topLeft()).y() == right.mapTo(page, right.rect().topLeft()).y()
    page.resize(520, 800)
    qtbot.waitUntil(lambda: left.mapTo(page, left.rect().bottomLeft()).y() < right.mapTo(page, right.rect().topLeft()).y())
    assert page.horizontalScrollBar().maximum() == 0


def test_the_panel_leads_to_the_comparison_and_back(open_program, qtbot: QtBot, tmp_path: Path) -> None:
    program = open_program()
    program.chat_with("guide")
    qtbot.waitUntil(lambda: program.window.panel.licence.isVisibleTo(program.window.panel))
    qtbot.waitUntil(lambda: "Compare with another" in [b.text() for b in _buttons(program.window.panel)])
    next(b for b in _buttons(program.window.panel) if b.text() == "Compare with another").click()
    page = program.licensing.page
    assert program.window.page == "compare"
    page.choosers[1].choose("llama3.1")
    qtbot.waitUntil(lambda: page.comparison is not None)
    assert page.comparison.left.openness == "full"
    assert page.comparison.right.licence == "llama3.1"
    page.back.click()
    assert program.window.page == "chat"
    next(b for b in _buttons(program.window.panel) if b.text() == "Read the licence").click()
    assert program.window.findChild(LicenceText).page.content


def _buttons(widget):
    return widget.findChildren(Button)
