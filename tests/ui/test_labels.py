"""Names and sentences from files, from the Hub and from models are text, wherever they are shown."""

from collections.abc import Callable

import pytest
from PySide6.QtGui import Qt, QTextDocument
from pytestqt.qtbot import QtBot

from desktop.ui.buttons import IconButton
from desktop.ui.conversation_list import ConversationList
from desktop.ui.download_row import DownloadRow
from desktop.ui.gate import GateSteps
from desktop.ui.labels import ElidedLabel, Label, hint

EVIL = "a <img src='//evil.example/share/x.png'> & <b>b</b>"


def seen(tool_tip: str) -> str:
    """A tool tip as Qt would draw it."""
    document = QTextDocument()
    document.setHtml(tool_tip) if Qt.mightBeRichText(tool_tip) else document.setPlainText(tool_tip)
    return document.toPlainText()


def _elided(qtbot: QtBot) -> str:
    label = ElidedLabel(EVIL)
    qtbot.addWidget(label)
    label.resize(40, 20)
    label.show()
    return label.toolTip()


def _icon_button(qtbot: QtBot) -> str:
    button = IconButton("trash", EVIL)
    qtbot.addWidget(button)
    return button.toolTip()


def _conversation(qtbot: QtBot) -> str:
    shown = ConversationList("Conversations")
    qtbot.addWidget(shown)
    shown.add(1, EVIL)
    return shown.item(0).toolTip()


@pytest.mark.parametrize("tool_tip", [_elided, _icon_button, _conversation])
def test_a_tool_tip_shows_names_as_they_are(qtbot: QtBot, tool_tip: Callable[[QtBot], str]) -> None:
    assert seen(tool_tip(qtbot)) == EVIL


def test_the_tool_tip_of_a_download(qtbot: QtBot) -> None:
    row = DownloadRow("hf:maker/model/x.gguf", EVIL)
    qtbot.addWidget(row)
    assert EVIL in seen(row.remove.toolTip())


def test_a_plain_hint_stays_as_it_is() -> None:
    assert hint("Chat & copy, 2 < 3") == "Chat & copy, 2 < 3"


LONG = "Meta_Llama_3.1_8B_Instruct_abliterated_v3_Q4_K_M_imatrix"


def test_a_long_name_without_spaces_is_broken_and_widens_nothing(qtbot: QtBot) -> None:
    label = Label(LONG, "card_title")
    qtbot.addWidget(label)
    assert label.text() == LONG
    assert label.minimumSizeHint().width() <= 120
    assert label.heightForWidth(240) >= 2 * label.fontMetrics().height()


def test_what_can_be_copied_is_what_was_said(qtbot: QtBot) -> None:
    label = Label(LONG, selectable=True)
    qtbot.addWidget(label)
    label.setSelection(0, len(LONG))
    assert label.selectedText() == LONG
    assert label.minimumSizeHint().width() <= 120


def test_what_stands_in_one_line_stands_at_one_height(qtbot: QtBot) -> None:
    gate = GateSteps("https://hub.example/maker/model")
    qtbot.addWidget(gate)
    gate.resize(600, 200)
    gate.show()
    middles = [control.geometry().center().y() for control in (gate.token, gate.use)]
    assert abs(middles[0] - middles[1]) <= 1
