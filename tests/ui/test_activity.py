"""The page Network activity, with real requests to a Hub on this computer's own address."""

from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel
from pytestqt.qtbot import QtBot

from desktop.errors import AlcoveError
from desktop.network import Activity, Network
from desktop.ui.activity import ActivityPage
from tests.hub_server import HubServer


@pytest.fixture
def network(tmp_path: Path) -> Network:
    return Network(log_path=tmp_path / "network.jsonl")


@pytest.fixture
def page(qtbot: QtBot, network: Network) -> ActivityPage:
    page = ActivityPage(network)
    qtbot.addWidget(page)
    page.resize(1032, 800)
    with qtbot.waitExposed(page):
        page.show()
    return page


def words(page: ActivityPage) -> str:
    return "\n".join(label.text() for label in page.findChildren(QLabel) if label.isVisibleTo(page))


def cell(page: ActivityPage, row: int, column: int) -> str:
    return str(page.model.index(row, column).data())


def test_nothing_has_left_yet(page: ActivityPage) -> None:
    assert "Nothing leaves this computer now." in words(page)
    assert "Nothing has left this computer since Alcove was started" in words(page)
    assert not page.table.isVisible()


def test_each_request_is_a_row_with_its_host_reason_and_result(page: ActivityPage, network: Network, qtbot: QtBot) -> None:
    with HubServer() as hub:
        hub.add("owner/name", {"a.gguf": b"GGUF"})
        with network.client("look up models") as client:
            client.get(f"{hub.endpoint}/api/models/owner/name")
            client.get(f"{hub.endpoint}/api/models/owner/none")
    qtbot.waitUntil(lambda: page.model.rowCount() == 2)  # the page looks by itself
    assert page.table.isVisible()
    assert [cell(page, 1, column) for column in (1, 2, 5)] == ["127.0.0.1", "look up models", "done"]
    assert cell(page, 0, 5).startswith("refused (4")
    assert "B" in cell(page, 1, 3)
    assert "B" in cell(page, 1, 4)
    page.copy.click()
    assert "127.0.0.1\tlook up models" in QGuiApplication.clipboard().text()


def test_the_reason_of_a_failure_can_be_read_in_its_column(page: ActivityPage) -> None:
    table, why = page.table, "the connection was cut"
    table.show()
    page.model.show_requests((Activity(datetime.now(UTC), "cdn.example.org", "look up models", error=why, open=False),))
    QApplication.processEvents()
    assert table.columnWidth(5) >= table.fontMetrics().horizontalAdvance(why) + 16
    assert min(table.columnWidth(1), table.columnWidth(2)) > table.fontMetrics().horizontalAdvance("look up models")


def test_a_refused_request_is_listed_with_its_reason(page: ActivityPage, network: Network) -> None:
    network.offline = True
    with network.client("look up models") as client, pytest.raises(AlcoveError):
        client.get("https://huggingface.co/api/models")
    page.look()
    assert cell(page, 0, 1) == "huggingface.co"
    assert "offline" in cell(page, 0, 5)
    assert page.model.index(0, 5).data(Qt.ItemDataRole.ForegroundRole) is not None
    assert "Alcove is set to offline" in words(page)


def test_the_whole_record_is_saved_with_earlier_sessions(page: ActivityPage, network: Network, tmp_path: Path) -> None:
    (tmp_path / "network.old.jsonl").write_text('{"host":"earlier.example"}\n')
    with HubServer() as hub, network.client("look up models") as client:
        client.get(f"{hub.endpoint}/api/models")
    page.save_record(tmp_path / "record.jsonl")
    first, second = (tmp_path / "record.jsonl").read_text().splitlines()
    assert "earlier.example" in first
    assert '"host": "127.0.0.1"' in second
    assert "2 requests, of earlier sessions too, are in record.jsonl." in words(page)
    page.save_record(tmp_path / "none" / "record.jsonl")
    assert "cannot be written" in words(page)


def test_the_switch_says_what_was_chosen_and_follows(page: ActivityPage, qtbot: QtBot) -> None:
    with qtbot.waitSignal(page.offline_toggled) as toggled:
        page.offline.click()
    assert toggled.args == [True]
    with qtbot.assertNotEmitted(page.offline_toggled):
        page.show_offline(False)
    assert not page.offline.isChecked()


def test_it_looks_only_while_it_is_shown(page: ActivityPage) -> None:
    assert page._timer.isActive()
    page.hide()
    assert not page._timer.isActive()
