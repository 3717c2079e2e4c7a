"""What lies in a home is its owner's to read, also where the home itself was made by somebody who let others in."""

import os
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from desktop import speed
from desktop.app import App
from desktop.conversations import Conversations
from desktop.network.activity import Activity
from desktop.paths import Paths
from desktop.replacing import replace, save

pytestmark = pytest.mark.skipif(os.name != "posix", reason="files have no such rights here")
OTHERS = 0o077


@pytest.fixture(autouse=True)
def _usual_umask() -> Iterator[None]:
    """As most systems have it: what is made by itself, everybody may read."""
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder that was there before Alcove, and that everybody may look into."""
    folder = tmp_path / "shown"
    folder.mkdir(mode=0o755)
    return folder


def rights(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def open_to_others(home: Path) -> list[str]:
    return sorted(str(path.relative_to(home)) for path in home.rglob("*") if rights(path) & OTHERS)


def test_nothing_that_is_written_into_an_open_home_is_open(home: Path) -> None:
    app = App.open(home)
    app.conversations.create("What the doctor said", "guide")
    app.settings.theme = "dark"
    app.save_settings()
    app.downloads.add("qwen3-8b")
    app.network.record.keep(Activity(datetime.now(UTC), "huggingface.co", "search"))
    app.computer.hardware()  # asks the engine, and keeps the answer
    speed.save(app.computer.rates, home / "cache" / "speed.json")
    assert {"conversations.sqlite", "conversations.sqlite-wal", "conversations.sqlite-shm"} <= set(os.listdir(home))
    assert open_to_others(home) == []
    app.close()
    assert {"settings.json", "downloads.json", "logs"} <= set(os.listdir(home))
    assert {"alcove.log", "network.jsonl"} <= set(os.listdir(home / "logs"))
    assert open_to_others(home) == []
    assert rights(home) == 0o755  # which was somebody's decision


def test_what_was_open_is_closed_at_the_next_start_and_models_are_not(home: Path) -> None:
    Conversations(home / "conversations.sqlite").close()
    names = ("conversations.sqlite-wal", "settings.json", "settings.unreadable.json", "acceptances.jsonl", "window.bell")
    for name in names:
        (home / name).touch()
    for folder in ("models", "logs", "cache", "states", "licences"):
        (home / folder).mkdir(mode=0o755)
        (home / folder / "in it").touch()
    (home / "conversations.sqlite").chmod(0o644)
    (home / "somebody else's").touch()
    Paths(home).create()
    closed = {path.name for path in home.iterdir() if not rights(path) & OTHERS}
    assert closed == {"conversations.sqlite", *names, "logs", "cache", "states", "licences"}
    assert rights(home / "models") == 0o755
    assert not rights(home / "logs" / "in it") & OTHERS


def test_a_disk_without_rights_stops_nobody(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home / "settings.json").touch()

    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(1, "Operation not permitted")  # as FAT says it

    monkeypatch.setattr(os, "chmod", refuse)
    monkeypatch.setattr(Path, "chmod", refuse)
    Paths(home).create()
    assert (home / "logs").is_dir()


def test_what_a_person_saves_somewhere_is_as_any_other_file(tmp_path: Path) -> None:
    save(tmp_path / "report.zip", b"")
    replace(tmp_path / "own.json", b"", own=True)
    assert (rights(tmp_path / "report.zip"), rights(tmp_path / "own.json")) == (0o644, 0o600)
