"""The field for a message: its keys, its height, and what its button does."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop.ui.composer import MOST_LINES, Composer
from desktop.ui.tasks import Tasks


@pytest.fixture
def composer(qtbot: QtBot) -> Composer:
    made = Composer(Tasks())
    qtbot.addWidget(made)
    made.resize(500, 80)
    with qtbot.waitExposed(made):
        made.show()
    return made


def test_enter_sends_and_the_text_stays_until_it_is_stored(qtbot: QtBot, composer: Composer) -> None:
    QTest.keyClicks(composer.field, " Hello ")
    with qtbot.waitSignal(composer.sent) as sent:
        QTest.keyClick(composer.field, Qt.Key.Key_Return)
    assert sent.args == ["Hello"]
    assert composer.text() == " Hello "


def test_shift_and_enter_breaks_the_line(qtbot: QtBot, composer: Composer) -> None:
    with qtbot.assertNotEmitted(composer.sent):
        QTest.keyClicks(composer.field, "one")
        QTest.keyClick(composer.field, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
        QTest.keyClicks(composer.field, "two")
    assert composer.text() == "one\ntwo"


def test_nothing_is_sent_when_there_is_nothing_to_say(qtbot: QtBot, composer: Composer) -> None:
    composer.set_text("  \n ")
    assert not composer.button.isEnabled()
    with qtbot.assertNotEmitted(composer.sent):
        QTest.keyClick(composer.field, Qt.Key.Key_Return)


def test_it_grows_with_the_text_up_to_eight_lines(composer: Composer) -> None:
    heights = []
    for lines in range(1, MOST_LINES + 3):
        composer.set_text("\n".join("word" for _ in range(lines)))
        heights.append(composer.field.height())
    assert heights[:MOST_LINES] == sorted(set(heights))
    assert heights[MOST_LINES - 1] == heights[-1]
    composer.set_text("")
    assert composer.field.minimumHeight() == heights[0]


def test_while_busy_the_button_stops_and_enter_keeps_the_text(qtbot: QtBot, composer: Composer) -> None:
    composer.set_text("next question")
    composer.set_busy(True)
    with qtbot.assertNotEmitted(composer.sent):
        QTest.keyClick(composer.field, Qt.Key.Key_Return)
    with qtbot.waitSignal(composer.stop_clicked):
        QTest.mouseClick(composer.button, Qt.MouseButton.LeftButton)
    composer.set_busy(False)
    assert composer.text() == "next question"
    assert composer.button.accessibleName() == "Send"
