"""The left column: conversations by day, search in all of them, renaming, and the privacy line."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit
from pytestqt.qtbot import QtBot

from desktop.conversations import Conversations
from desktop.ui.conversation_list import HIT, ID, SECTION, SNIPPET
from desktop.ui.sidebar import Sidebar
from desktop.ui.tasks import Tasks


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Conversations]:
    made = Conversations(tmp_path / "conversations.sqlite")
    for title, words in (("Holiday letter", "closing from December"), ("Invoice", "a friendly reminder"), ("Lists", "sort them")):
        made.add(made.create(title, "guide"), "user", words)
    yield made
    made.close()


@pytest.fixture
def sidebar(qtbot: QtBot, store: Conversations) -> Iterator[Sidebar]:
    tasks = Tasks()
    made = Sidebar(tasks, store)
    qtbot.addWidget(made)
    made.resize(248, 700)
    with qtbot.waitExposed(made):
        made.show()
    yield made
    assert tasks.close()


def rows(sidebar: Sidebar) -> list[str]:
    return [sidebar.list.item(row).text() for row in range(sidebar.list.count())]


def test_conversations_stand_under_their_day(sidebar: Sidebar) -> None:
    assert rows(sidebar) == ["Today", "Lists", "Invoice", "Holiday letter"]


@pytest.mark.parametrize(
    ("days", "section"),
    [(0, "Today"), (1, "Yesterday"), (2, "Previous 7 days"), (7, "Previous 7 days"), (40, "May"), (400, "May 2025")],
)
def test_the_heading_follows_the_last_use(sidebar: Sidebar, days: int, section: str) -> None:
    noon = datetime(2026, 6, 20, 12).astimezone()
    updated = (noon - timedelta(days=days)).astimezone(UTC).isoformat()
    assert sidebar.section_of(updated, date(2026, 6, 20)) == section


def test_search_shows_where_words_were_said_as_one_types(qtbot: QtBot, sidebar: Sidebar) -> None:
    QTest.keyClicks(sidebar.search_field, "remin")
    qtbot.waitUntil(lambda: rows(sidebar) == ["1 found", "Invoice"])
    item = sidebar.list.item(1)
    assert item.data(SECTION) == HIT
    assert "\x02reminder\x03" in item.data(SNIPPET)
    with qtbot.waitSignal(sidebar.opened) as opened:
        QTest.keyClick(sidebar.search_field, Qt.Key.Key_Return)
    assert opened.args == [item.data(ID)]
    QTest.keyClick(sidebar.search_field, Qt.Key.Key_Escape)
    assert rows(sidebar)[0] == "Today"


def test_a_search_that_finds_more_than_it_shows_says_so(qtbot: QtBot, sidebar: Sidebar, store: Conversations) -> None:
    for n in range(60):
        store.add(store.create(f"Letter {n}", "guide"), "user", "a quick brown fox")
    QTest.keyClicks(sidebar.search_field, "fox")
    qtbot.waitUntil(lambda: rows(sidebar)[:2] == ["The best 50", "Letter 59"])


def test_a_search_without_result_says_so(qtbot: QtBot, sidebar: Sidebar) -> None:
    QTest.keyClicks(sidebar.search_field, "zebra")
    qtbot.waitUntil(lambda: rows(sidebar) == ["Nothing found"])


def test_the_list_works_with_the_keyboard_alone(qtbot: QtBot, sidebar: Sidebar) -> None:
    sidebar.list.setFocus()
    sidebar.list.go_to_first()
    first = sidebar.list.item(1).data(ID)
    with qtbot.waitSignal(sidebar.opened) as opened:
        QTest.keyClick(sidebar.list, Qt.Key.Key_Return)
    assert opened.args == [first]
    with qtbot.waitSignal(sidebar.delete_clicked) as deleted:
        QTest.keyClick(sidebar.list, Qt.Key.Key_Delete)
    assert deleted.args == [first]


def test_f2_renames(qtbot: QtBot, sidebar: Sidebar) -> None:
    sidebar.list.setFocus()
    sidebar.list.go_to_first()
    QTest.keyClick(sidebar.list, Qt.Key.Key_F2)
    field = sidebar.list.findChild(QLineEdit)
    assert isinstance(field, QLineEdit)
    field.setText("  Sorted \n lists ")
    with qtbot.waitSignal(sidebar.renamed) as renamed:
        QTest.keyClick(field, Qt.Key.Key_Return)
    assert renamed.args == [sidebar.list.item(1).data(ID), "Sorted lists"]


def test_two_hundred_conversations_are_listed_at_once(sidebar: Sidebar, store: Conversations) -> None:
    for n in range(200):
        store.create(f"A conversation with quite a long title, number {n}", "guide")
    sidebar.refresh()
    assert sidebar.list.count() == 204


def test_an_empty_list_says_so(qtbot: QtBot, tmp_path: Path) -> None:
    store = Conversations(tmp_path / "empty.sqlite")
    made = Sidebar(Tasks(), store)
    qtbot.addWidget(made)
    assert rows(made) == ["No conversations yet"]
    store.close()


def test_downloads_show_a_badge_and_how_far_they_are(sidebar: Sidebar) -> None:
    button = sidebar.pages["downloads"]
    sidebar.show_downloads(2, 0.4)
    assert button.accessibleName() == "Downloads, 40 % done"
    sidebar.show_downloads(0, None)
    assert button.accessibleName() == "Downloads"


def test_the_privacy_line_opens_the_activity(qtbot: QtBot, sidebar: Sidebar) -> None:
    sidebar.show_privacy("Downloading from huggingface.co", "good", "globe")
    assert sidebar.privacy.text() == "Downloading from huggingface.co"
    with qtbot.waitSignal(sidebar.privacy_clicked):
        QTest.mouseClick(sidebar.privacy, Qt.MouseButton.LeftButton)
