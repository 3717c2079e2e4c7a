import pytest
from pytestqt.qtbot import QtBot

from desktop.ui import metering
from desktop.ui.metering import Metering
from desktop.ui.tasks import Tasks


def test_downloads_wait_only_where_it_matters_to_the_person(qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[bool | None] = [True]
    minds = [False]
    monkeypatch.setattr(metering, "metered", lambda: told[0])
    tasks = Tasks()
    asked = Metering(tasks, lambda: minds[0])
    asked.look()
    assert tasks.get("metered") is None, "the system is not even asked"
    assert not asked.on
    minds[0] = True
    with qtbot.waitSignal(asked.changed):
        asked.look()
    assert asked.on
    told[0] = None  # a system that does not tell
    with qtbot.waitSignal(asked.changed):
        asked.look()
    assert not asked.on
    told[0] = True
    with qtbot.waitSignal(asked.changed):
        asked.look()
    minds[0] = False
    with qtbot.waitSignal(asked.changed):
        asked.look()
    assert not asked.on
    tasks.close()
