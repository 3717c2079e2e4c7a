"""The page Downloads: what is on its way, what waits, what has come, what failed; also after a restart."""

from pathlib import Path

import msgspec
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel
from pytestqt.qtbot import QtBot

from desktop.downloads import Downloads
from desktop.errors import DiskFull, Gated, KeptOffline, Unreachable
from desktop.library import Library, LocalModel, Provenance
from desktop.transfer import Progress
from desktop.ui.download_row import DownloadRow
from desktop.ui.downloads import DownloadsPage
from desktop.ui.gate import GateSteps
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
def queue(tmp_path: Path) -> Downloads:
    return Downloads(tmp_path / "downloads.json")


@pytest.fixture
def page(qtbot: QtBot, models: Library, removals: Removals, queue: Downloads) -> DownloadsPage:
    page = DownloadsPage(models, lambda reference: f"The model {reference}", removals, queue)
    qtbot.addWidget(page)
    page.resize(1032, 800)
    with qtbot.waitExposed(page):
        page.show()
    page.show_library()
    return page


def words(page: DownloadsPage) -> str:
    return "\n".join(label.text() for label in page.findChildren(QLabel) if label.isVisibleTo(page))


def row(page: DownloadsPage, reference: str = REFERENCE) -> DownloadRow:
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


def test_says_that_there_is_nothing_and_where_models_are(page: DownloadsPage, qtbot: QtBot) -> None:
    assert "Nothing is being downloaded" in words(page)
    with qtbot.waitSignal(page.models_clicked):
        page._empty.button.click()


def test_a_running_download_tells_how_far_it_is_and_can_be_paused(page: DownloadsPage, qtbot: QtBot) -> None:
    page.show_progress(REFERENCE, Progress(1_200_000_000, 2_500_000_000, 12e6, 110.0))
    assert "The model qwen3-8b:Q4_K_M" in words(page)
    assert "1.2 of 2.5 GB · 12 MB/s · 2 min left" in words(page)
    assert "Nothing is being downloaded" not in words(page)
    with qtbot.waitSignal(page.cancel_clicked) as paused:
        row(page).next.click()
    assert paused.args == [REFERENCE]


def test_a_paused_one_says_what_is_here_and_goes_on(page: DownloadsPage, models: Library, qtbot: QtBot) -> None:
    page.show_progress(REFERENCE, Progress(1, 5_000_000, 12e6, 110.0))
    unfinished(models)
    page.show_cancelled(REFERENCE)
    assert "Paused · 2 of 5 MB are here" in words(page)
    with qtbot.waitSignal(page.get_clicked) as resumed:
        row(page).next.click()
    assert resumed.args == [REFERENCE]


def test_a_running_one_can_be_cancelled_and_that_undone(
    page: DownloadsPage, models: Library, removals: Removals, qtbot: QtBot
) -> None:
    part = unfinished(models)
    page.show_progress(REFERENCE, Progress(2_000_000, 5_000_000, 12e6, 110.0))
    assert "Cancel the download" in row(page).remove.accessibleName()
    with qtbot.waitSignal(page.cancel_clicked):
        row(page).remove.click()
    with qtbot.waitSignal(removals.added) as added:
        page.show_cancelled(REFERENCE)
    assert "Nothing is being downloaded" in words(page)
    assert part.exists()
    removals.undo(added.args[0].id)
    assert "Paused · 2 of 5 MB are here" in words(page)
    page.show_progress(REFERENCE, Progress(3_000_000, 5_000_000, 12e6, 110.0))
    row(page).next.click()
    page.show_cancelled(REFERENCE)
    assert "Paused" in words(page), "paused by the person this time"


def test_a_download_that_had_not_begun_leaves_no_row(page: DownloadsPage) -> None:
    page.show_progress(REFERENCE, Progress(0, 0, 0.0, None, stage="ask"))
    assert "Asking …" in words(page)
    page.show_cancelled(REFERENCE)
    assert "Nothing is being downloaded" in words(page)


def test_what_a_restart_left_unfinished_is_listed_as_paused(page: DownloadsPage, models: Library) -> None:
    unfinished(models)
    page.show_library()
    assert row(page).state == "paused"
    assert "Paused · 2 of 5 MB are here" in words(page)


def test_a_finished_one_leads_to_the_chat_and_can_leave_the_list(page: DownloadsPage, qtbot: QtBot) -> None:
    page.show_progress(REFERENCE, Progress(1, 5_000_000, 12e6, 110.0))
    page.show_done(REFERENCE, LocalModel("x", Path("x"), "x", 5_000_000, "own"))
    assert "Here and checked · 5 MB" in words(page)
    with qtbot.waitSignal(page.chat_clicked) as chat:
        row(page).next.click()
    assert chat.args == [REFERENCE]
    row(page).remove.click()
    assert "Nothing is being downloaded" in words(page)


def test_a_failed_one_says_why_and_what_to_do(page: DownloadsPage, qtbot: QtBot) -> None:
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


def test_removing_a_part_can_be_undone(
    page: DownloadsPage, models: Library, removals: Removals, queue: Downloads, qtbot: QtBot
) -> None:
    part = unfinished(models)
    page.show_library()
    row(page).remove.click()
    assert "Nothing is being downloaded" in words(page)
    assert part.exists()
    removals.undo(models.list()[1].id)
    assert "Paused" in words(page)
    removals.due.connect(lambda model: (models.remove(model.id), queue.drop(REFERENCE)))
    with qtbot.waitSignal(removals.due):
        row(page).remove.click()
    assert not part.exists()
    assert "Nothing is being downloaded" in words(page)


def test_a_pinned_reference_is_the_same_download(page: DownloadsPage, models: Library) -> None:
    unfinished(models, "hf:Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf@abc")
    page.show_library()
    page.show_progress("hf:Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q4_K_M.gguf", Progress(3_000_000, 5_000_000, 12e6, 1.0))
    assert len(page._rows) == 1
    assert "3 of 5 MB" in words(page)


# --- the queue ------------------------------------------------------------------------------------------------------------------

WAITS = Progress(0, 0, 0.0, None, stage="queue")


@pytest.fixture
def three(page: DownloadsPage, queue: Downloads) -> DownloadsPage:
    """One runs, two wait."""
    for reference in ("a", "b", "c"):
        queue.add(reference)
        page.show_progress(reference, WAITS)
    page.show_progress("a", Progress(1_000_000, 5_000_000, 12e6, 1.0))
    return page


def order(page: DownloadsPage) -> str:
    """The rows from top to bottom, as a person sees them."""
    return "".join(row.reference for row in sorted(page.findChildren(DownloadRow), key=lambda row: row.y()))


def test_those_that_wait_say_how_many_come_before_them(three: DownloadsPage, queue: Downloads) -> None:
    assert [row(three, each).said.text() for each in "bc"] == ["Waiting: second in the queue", "Waiting: third in the queue"]
    for number in range(4, 9):
        queue.add(str(number))
        three.show_progress(str(number), WAITS)
    assert row(three, "8").said.text() == "Waiting: number 8 in the queue"
    queue.drop("a")
    three.show_done("a", LocalModel("x", Path("x"), "x", 5_000_000, "own"))
    assert row(three, "b").said.text() == "Waiting: next in the queue"
    assert not row(three, "b").top.isVisible()
    assert row(three, "c").said.text() == "Waiting: second in the queue"


def test_what_is_done_stands_below_what_is_to_come(three: DownloadsPage, queue: Downloads) -> None:
    queue.drop("a")
    three.show_done("a", LocalModel("x", Path("x"), "x", 5_000_000, "own"))
    three.widget().layout().activate()
    assert order(three) == "bca"


def test_buttons_and_keys_move_a_row(three: DownloadsPage, queue: Downloads, qtbot: QtBot) -> None:
    three.moved.connect(queue.move)
    three.moved.connect(three.show_queue)
    with qtbot.waitSignal(three.moved) as moved:
        row(three, "c").up.click()
    assert moved.args == ["c", 1]
    three.widget().layout().activate()
    assert order(three) == "acb"
    button = row(three, "b").remove
    button.setFocus()
    qtbot.keyClick(button, Qt.Key.Key_Home, Qt.KeyboardModifier.AltModifier)
    three.widget().layout().activate()
    assert order(three) == "bac"
    assert three.window().focusWidget() is button
    qtbot.keyClick(button, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)
    three.widget().layout().activate()
    assert order(three) == "abc"
    last = row(three, "c").remove
    last.setFocus()
    with qtbot.assertNotEmitted(three.moved):
        qtbot.keyClick(last, Qt.Key.Key_Down, Qt.KeyboardModifier.AltModifier)


def test_the_keyboard_goes_through_the_rows_as_they_stand(three: DownloadsPage, queue: Downloads) -> None:
    queue.move("c", 0)
    three.show_queue()
    following, widget = [], three.pause_all.nextInFocusChain()
    while widget is not three.pause_all:
        following.append(widget)
        widget = widget.nextInFocusChain()
    assert [following.index(row(three, each).next) for each in "cab"] == sorted(
        following.index(row(three, e).next) for e in "abc"
    )


def test_moving_passes_over_what_is_paused(three: DownloadsPage, queue: Downloads, qtbot: QtBot) -> None:
    queue.pause("b")
    three.show_queue()
    with qtbot.waitSignal(three.moved) as moved:
        row(three, "c").up.click()
    assert moved.args == ["c", 0]


def test_all_can_be_paused_and_resumed(three: DownloadsPage, queue: Downloads, qtbot: QtBot) -> None:
    with qtbot.waitSignal(three.pause_all_clicked):
        three.pause_all.click()
    queue.pause_all()
    for reference in "abc":
        three.show_cancelled(reference)
    assert [row(three, each).state for each in "abc"] == ["paused"] * 3
    assert row(three, "b").said.text() == "Paused before it began"
    assert not three.pause_all.isVisible()
    with qtbot.waitSignal(three.resume_all_clicked):
        three.resume_all.click()


def test_why_all_of_them_wait(three: DownloadsPage) -> None:
    three.show_progress("a", WAITS)
    three.show_held("offline")
    assert row(three, "a").said.text() == "Waiting until connections are allowed · 1 of 5 MB"
    assert "when connections are allowed again" in words(three)
    three.show_held("metered")
    assert row(three, "b").said.text() == "Waiting for a connection that is not metered"
    three.show_held("")
    assert row(three, "b").said.text() == "Waiting: second in the queue"


def test_kept_offline_nothing_can_be_resumed(three: DownloadsPage, queue: Downloads) -> None:
    queue.pause_all()
    for reference in "abc":
        three.show_cancelled(reference)
    assert row(three, "a").next.isVisible()
    three.show_held("offline", kept=True)
    three.show_library()
    assert "Your organisation keeps Alcove offline" in words(three)
    three.show_failed("b", KeptOffline(host="h"))
    assert not [each for each in "abc" if row(three, each).next.isVisible()]
    assert not three.resume_all.isVisible()


def test_one_that_had_not_begun_leaves_the_list(three: DownloadsPage, qtbot: QtBot) -> None:
    with qtbot.waitSignal(three.forget_clicked) as forgotten:
        row(three, "b").remove.click()
    assert forgotten.args == ["b"]
    assert "The model b" not in words(three)


def test_of_several_files_it_says_which_one_comes(page: DownloadsPage) -> None:
    page.show_progress(REFERENCE, Progress(1_200_000_000, 2_500_000_000, 12e6, 110.0, file=2, files=3))
    assert "1.2 of 2.5 GB · 12 MB/s · 2 min left · File 2 of 3" in words(page)


def test_a_gated_one_tells_the_steps_and_takes_the_token(page: DownloadsPage, queue: Downloads, qtbot: QtBot) -> None:
    queue.add(REFERENCE)
    page.show_failed(REFERENCE, Gated(repo="google/gemma", page="https://hub.example/google/gemma"))
    for step in ("1. Open the model's page", "2. Accept the terms", "3. Make an access token", "4. Enter the token here"):
        assert step in words(page)
    gate = page.findChild(GateSteps)
    assert gate is not None
    with qtbot.waitSignal(page.page_clicked) as opened:
        gate.open_page.click()
    assert opened.args == ["https://hub.example/google/gemma"]
    qtbot.keyClicks(gate.token, " hf_mine ")
    with qtbot.waitSignal(page.token_entered) as entered:
        gate.use.click()
    assert entered.args == ["hf_mine"]
    assert gate.token.text() == ""
    page.show_progress(REFERENCE, WAITS)
    assert "1. Open" not in words(page)
