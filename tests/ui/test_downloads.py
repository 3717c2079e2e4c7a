"""The page Downloads: what is on its way, what waits, what has come, what failed; also after a restart."""

from pathlib import Path

import msgspec
import pytest
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from desktop.errors import DiskFull, Unreachable
from desktop.library import Library, LocalModel, Provenance
from desktop.transfer import Progress
from desktop.ui.download_row import DownloadRow
from desktop.ui.downloads import Downloads
from desktop.ui.reference import same
from desktop.ui.undo import Removals
from tests.ui.laptop import library

REFERENCE = "qwen3-8b:Q4_K_M"


@pytest.fixture
def models(tmp_path: Path) -> Library:
    return library(tmp_path)


@pytest.fixture
def removals() -> Removals:
    return Removals(seconds=0.1)


@pytest.fixture
def page(qtbot: QtBot, models: Library, removals: Removals) -> Downloads:
    page = Downloads(models, lambda reference: f"The model {reference}", removals)
    qtbot.addWidget(page)
    page.resize(1032, 800)
    with qtbot.waitExposed(page):
        page.show()
    page.show_library()
    return page


def words(page: Downloads) -> str:
    return "\n".join(label.text() for label in page.findChildren(QLabel) if label.isVisibleTo(page))


def row(page: Downloads, reference: str = REFERENCE) -> DownloadRow:
    return page._rows[reference]


def unfinished(models: Library, reference: str = REFERENCE) -> Path:
    """A part of an earlier day."""
    folder = models.folder / "Qwen--Qwen3-8B-GGUF"
    folder.mkdir(parents=True)
    part = folder / "Qwen3-8B-Q4_K_M.gguf.part"
    with part.open("wb") as out:
        out.truncate(2_000_000)
    facts = Provenance(repo="Qwen/Qwen3-8B-GGUF", file="Qwen3-8B-Q4_K_M.gguf", size_bytes=5_000_000, reference=reference)
    (folder / "Qwen3-8B-Q4_K_M.gguf.json").write_bytes(msgspec.json.encode(facts))
    return part


def test_says_that_there_is_nothing_and_where_models_are(page: Downloads, qtbot: QtBot) -> None:
    assert "Nothing is being downloaded" in words(page)
    with qtbot.waitSignal(page.models_clicked):
        page._empty.button.click()


def test_a_running_download_tells_how_far_it_is_and_can_be_paused(page: Downloads, qtbot: QtBot) -> None:
    page.show_progress(REFERENCE, Progress(1_200_000_000, 2_500_000_000, 12e6, 110.0))
    assert "The model qwen3-8b:Q4_K_M" in words(page)
    assert "1.2 of 2.5 GB · 12 MB/s · 2 min left" in words(page)
    assert "Nothing is being downloaded" not in words(page)
    with qtbot.waitSignal(page.cancel_clicked) as paused:
        row(page).next.click()
    assert paused.args == [REFERENCE]


def test_a_paused_one_says_what_is_here_and_goes_on(page: Downloads, models: Library, qtbot: QtBot) -> None:
    page.show_progress(REFERENCE, Progress(1, 5_000_000, 12e6, 110.0))
    unfinished(models)
    page.show_cancelled(REFERENCE)
    assert "Paused · 2 of 5 MB are here" in words(page)
    with qtbot.waitSignal(page.get_clicked) as resumed:
        row(page).next.click()
    assert resumed.args == [REFERENCE]


def test_a_download_that_had_not_begun_leaves_no_row(page: Downloads) -> None:
    page.show_progress(REFERENCE, Progress(0, 0, 0.0, None, stage="ask"))
    assert "Asking the Hub" in words(page)
    page.show_cancelled(REFERENCE)
    assert "Nothing is being downloaded" in words(page)


def test_what_a_restart_left_unfinished_is_listed_as_paused(page: Downloads, models: Library) -> None:
    unfinished(models)
    page.show_library()
    assert row(page).state == "paused"
    assert "Paused · 2 of 5 MB are here" in words(page)


def test_a_finished_one_leads_to_the_chat_and_can_leave_the_list(page: Downloads, qtbot: QtBot) -> None:
    page.show_progress(REFERENCE, Progress(1, 5_000_000, 12e6, 110.0))
    page.show_done(REFERENCE, LocalModel("x", Path("x"), "x", 5_000_000, "own"))
    assert "Here and checked · 5 MB" in words(page)
    with qtbot.waitSignal(page.chat_clicked) as chat:
        row(page).next.click()
    assert chat.args == [REFERENCE]
    row(page).remove.click()
    assert "Nothing is being downloaded" in words(page)


def test_a_failed_one_says_why_and_what_to_do(page: Downloads, qtbot: QtBot) -> None:
    page.show_failed(REFERENCE, Unreachable(host="huggingface.co", why="there is no network connection"))
    assert "There is no network connection" in words(page)
    with qtbot.waitSignal(page.get_clicked):
        row(page).next.click()
    full = DiskFull(needed_bytes=5_000_000_000, free_bytes=2_000_000_000, folder="/somewhere")
    page.show_failed(REFERENCE, full)
    assert "This needs 5.0 GB and 2.0 GB are free" in words(page)
    with qtbot.waitSignal(page.act_clicked) as act:
        row(page).help.click()
    assert act.args == ["settings", full]


def test_removing_a_part_can_be_undone(page: Downloads, models: Library, removals: Removals, qtbot: QtBot) -> None:
    part = unfinished(models)
    page.show_library()
    row(page).remove.click()
    assert "Nothing is being downloaded" in words(page)
    assert part.exists()
    removals.undo(models.list()[1].id)
    assert "Paused" in words(page)
    removals.due.connect(lambda model: models.remove(model.id))
    with qtbot.waitSignal(removals.due):
        row(page).remove.click()
    assert not part.exists()
    assert "Nothing is being downloaded" in words(page)


def test_a_pinned_reference_is_the_same_download(page: Downloads, models: Library) -> None:
    assert same("hf:Qwen/Qwen3-8B-GGUF/a.gguf", "hf:Qwen/Qwen3-8B-GGUF/a.gguf@abc")
    assert not same("hf:Qwen/Qwen3-8B-GGUF/a.gguf", "hf:Qwen/Qwen3-8B-GGUF/b.gguf@abc")
    unfinished(models, "hf:Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf@abc")
    page.show_library()
    page.show_progress("hf:Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf", Progress(3_000_000, 5_000_000, 12e6, 1.0))
    assert len(page._rows) == 1
    assert "3 of 5 MB" in words(page)
