"""How one model would run: the slider, the goals, what would help, and where the figures are from."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QWidget
from pytestqt.qtbot import QtBot

from desktop import text
from desktop.errors import HeaderTooLarge, NotGguf, UnknownArchitecture, Unreachable
from desktop.fit import Change, Wish
from desktop.hardware import Gpu, Hardware, Memory
from desktop.ui import goals, verdict
from desktop.ui.fit_view import FitView, lengths
from desktop.ui.goals import GOALS
from desktop.ui.help_rows import button_words, sentence
from desktop.ui.memory_view import stores
from desktop.ui.tasks import Tasks
from tests.ui.laptop import LAPTOP, Desk, words

LLAMA = "llama-3.1-8b:Q4_K_M"
QWEN = "qwen3-4b-2507:Q4_K_M"
HUB = "hf:maker/model-GGUF/model-Q4_K_M.gguf"
CARD = Gpu(
    "NVIDIA GeForce RTX 3050", "NVIDIA", "CUDA", 6_000_000_000, 5_300_000_000, True, "it is used", bandwidth_bytes_per_s=192e9
)


def with_free(free_bytes: int) -> Hardware:
    return replace(LAPTOP, memory=Memory(16_600_000_000, free_bytes))


@pytest.fixture
def tasks() -> Iterator[Tasks]:
    tasks = Tasks()
    yield tasks
    assert tasks.close()


@pytest.fixture
def desk(tasks: Tasks) -> Desk:
    return Desk(tasks)


@pytest.fixture
def view(qtbot: QtBot, desk: Desk) -> FitView:
    view = FitView(desk.judges)
    qtbot.addWidget(view)
    view.resize(860, 700)
    with qtbot.waitExposed(view):
        view.show()
    return view


def show(view: FitView, reference: str = LLAMA, wish: Wish | None = None) -> None:
    view.show_model(reference, wish or Wish())


# --- at once, and then for certain ----------------------------------------------------------------------------------------------


def test_the_slider_moves_the_bar_at_once_and_the_engine_is_asked_once_when_it_rests(
    view: FitView, desk: Desk, qtbot: QtBot
) -> None:
    show(view)
    assert "Conversation memory 1.1 GB" in words(view)  # 8192 tokens x 32 layers x 2 x 8 heads x 128 numbers x 2 bytes
    assert "about 6,000 words" in words(view)
    for place in (3, 4, 5):
        view.slider.setValue(place)
        assert view.fit is not None
        assert view.fit.context == view.context() == 2048 << place
    assert "Conversation memory 8.6 GB" in words(view)
    assert not desk.asked
    assert view.checked.said.text() == "Calculated"
    with qtbot.waitSignal(view._judging.settled):
        pass
    assert desk.asked == [(LLAMA, Wish(context=65536))]
    assert view.checked.said.text() == "Checked against the file on huggingface.co · Our last 12 estimates were within 3 %."
    assert view.context() == 65536


def test_another_length_gives_up_the_check_before(view: FitView, desk: Desk, qtbot: QtBot) -> None:
    desk.hold = True
    show(view)
    qtbot.waitUntil(lambda: view.checked.said.text() == "Checking …")
    view.slider.setValue(0)
    qtbot.waitUntil(lambda: desk.closed == [Wish()])
    desk.hold = False
    qtbot.waitUntil(lambda: view.checked.said.text().startswith("Checked"))
    assert desk.asked[-1] == (LLAMA, Wish(context=2048))


def test_a_check_stops_when_nobody_looks_and_goes_on_when_somebody_does(view: FitView, desk: Desk, qtbot: QtBot) -> None:
    desk.hold = True
    show(view)
    qtbot.waitUntil(lambda: bool(desk.asked))
    view.hide()
    qtbot.waitUntil(lambda: len(desk.closed) == 1)
    desk.hold = False
    with qtbot.waitSignal(view._judging.settled):
        view.show()
    assert len(desk.asked) == 2


def test_without_a_network_it_says_that_nothing_was_checked_and_offers_to(view: FitView, desk: Desk, qtbot: QtBot) -> None:
    desk.source = "catalogue"
    with qtbot.waitSignal(view._judging.settled):
        show(view)
    assert view.checked.said.text().startswith("From the catalogue, not checked")
    desk.source = "hub"
    with qtbot.waitSignal(view._judging.settled):
        qtbot.mouseClick(view.checked.again, Qt.MouseButton.LeftButton)
    assert view.checked.said.text().startswith("Checked against the file on huggingface.co")
    assert view.checked.again.isHidden()


@pytest.mark.parametrize(
    ("error", "title"),
    [
        (UnknownArchitecture(path="x", architecture="newkind"), "The engine does not know this kind of model"),
        (NotGguf(path="x"), "This file seems to be damaged"),
        (HeaderTooLarge(path="x", limit_bytes=64 << 20), "This file seems to be damaged"),
        (Unreachable(host="huggingface.co", why="there is no network connection"), "huggingface.co could not be reached"),
    ],
)
def test_what_keeps_a_file_from_being_checked_is_said_with_a_next_step(
    view: FitView, desk: Desk, qtbot: QtBot, error: Exception, title: str
) -> None:
    desk.error = error  # type: ignore[assignment]
    show(view, HUB)
    qtbot.waitUntil(lambda: not view.notice.isHidden())
    assert view.notice.title.text() == title
    assert "Remove it" not in view.notice.sentence.text()  # there is nothing to remove
    assert view.notice.button.text()
    assert not view.pill.isVisibleTo(view)  # nothing is known of it
    assert view.checked.said.text() == "Not checked"
    if view.notice.button.text() == "Try again":
        desk.error = None
        with qtbot.waitSignal(view._judging.settled):
            view.notice.button.click()
        assert view.notice.isHidden()
        assert view.pill.isVisibleTo(view)


def test_an_estimate_does_not_stay_beside_a_file_that_cannot_run(view: FitView, desk: Desk, qtbot: QtBot) -> None:
    desk.error = UnknownArchitecture(path="x", architecture="newkind")
    show(view)
    assert view.pill.isVisibleTo(view)
    qtbot.waitUntil(lambda: not view.notice.isHidden())
    assert not view.pill.isVisibleTo(view)
    desk.error = Unreachable(host="huggingface.co", why="there is no network connection")
    view.show_model(QWEN, Wish())
    qtbot.waitUntil(lambda: not view.notice.isHidden())
    assert view.pill.isVisibleTo(view)  # the network says nothing against it


# --- goals ----------------------------------------------------------------------------------------------------------------------


def test_a_goal_sets_the_length_and_is_told(view: FitView, desk: Desk, qtbot: QtBot) -> None:
    show(view, QWEN)
    view.slider.setValue(0)
    long = view.goals.buttons.button(GOALS.index("long"))
    with qtbot.waitSignal(view.wished) as wished:
        qtbot.mouseClick(long, Qt.MouseButton.LeftButton)
    assert wished.args == [Wish(goal="long")]
    assert view.context() > 8192
    assert view.fit is not None
    assert view.fit.verdict == "runs_well"
    assert "Beside balanced" in words(view.goals)
    assert "more memory" in words(view.goals)
    with qtbot.waitSignal(view._judging.settled):
        pass
    assert desk.asked[-1] == (QWEN, Wish(goal="long"))


def test_the_line_and_the_sentence_tell_the_same_speed(desk: Desk) -> None:
    """A range in one of them and a single figure in the other would be two answers."""
    fit = desk.estimate(QWEN, Wish())
    assert fit is not None
    assert "words a second" in verdict.pace(fit)
    assert verdict.pace(fit) in fit.why


def test_a_kept_copy_is_not_told_as_the_file_on_the_hub(view: FitView, desk: Desk, qtbot: QtBot) -> None:
    """Without a network, what was read the last time is all there is; where the Hub said that it is the same, it is the file."""
    desk.source, desk.note = "cache", "As it was read on 22.11.2026, not checked again."
    show(view)
    with qtbot.waitSignal(view._judging.settled):
        pass
    assert view.checked.said.text() == desk.note.rstrip(".")
    assert not view.checked.again.isHidden()
    desk.note = ""
    with qtbot.waitSignal(view._judging.settled):
        view.checked.again.click()
    assert view.checked.said.text().startswith("Checked against the file on huggingface.co")
    assert view.checked.again.isHidden()


def test_a_check_that_finds_more_is_no_effect_of_the_goal(view: FitView, desk: Desk, qtbot: QtBot) -> None:
    """The engine's figure beside a calculated one would tell how far these are apart."""
    desk.more_bytes = 500_000_000
    show(view, QWEN, Wish(goal="quality"))
    with qtbot.waitSignal(view._judging.settled):
        pass
    assert "is the same as balanced" in words(view.goals)


def test_what_was_wished_before_is_shown_again(view: FitView) -> None:
    show(view, wish=Wish(context=4096, goal="speed"))
    assert view.goals.buttons.checkedId() == GOALS.index("speed")
    assert view.context() == 4096


def test_an_effect_is_told_in_words(view: FitView, desk: Desk) -> None:
    usual, longer = desk.estimate(LLAMA, Wish()), desk.estimate(LLAMA, Wish(context=16384))
    assert usual is not None
    assert longer is not None
    assert goals.effect(usual, usual) == "For this model, on this computer, that is the same as balanced."
    assert goals.effect(longer, usual) == "Beside balanced: 1.1 GB more memory, remembers 12,000 words instead of 6,000 words."
    faster = replace(usual, tokens_per_s=usual.tokens_per_s + 4)
    assert goals.effect(faster, usual) == "Beside balanced: about 3 words a second faster."


# --- what would help ------------------------------------------------------------------------------------------------------------


def test_a_row_of_help_does_what_it_says(view: FitView, desk: Desk, qtbot: QtBot) -> None:
    desk.hardware = with_free(6_300_000_000)
    show(view, wish=Wish(context=8192))
    assert view.fit is not None
    assert view.fit.verdict == "close_apps"
    row = next(row for row in view.help.rows if row.isVisibleTo(view) and row.button.text() == "Do this")
    with qtbot.waitSignal(view.wished) as wished:
        row.button.click()
    (wish,) = wished.args
    assert (wish.context or 8192) < 8192 or wish.kv_type == "q8_0"
    assert view.fit.verdict == "runs_well"
    assert view.help.isHidden()


def test_a_row_without_anything_to_do_has_no_button() -> None:
    def change(kind: str) -> Change:
        return Change(kind, "x.", "runs_well", 1)

    assert button_words(change("lighter"), "") == ""
    assert button_words(change("lighter"), "Light · 4.4 GB") == "Show me"
    assert button_words(change("shorter+lighter"), "") == ""
    assert button_words(change("close_apps"), "") == "Look again"
    assert button_words(change("smaller_model"), "") == "See other models"
    assert button_words(change("smaller_memory"), "") == "Do this"


def test_help_is_told_without_words_for_experts() -> None:
    both = Change("shorter+lighter", "to 2048 tokens and Q4_K_M", "runs_well", 1, context=2048, max_size_bytes=5_000_000_000)
    assert sentence(both, "Light · 4.4 GB") == (
        "Shorten the conversation to about 1,500 words and choose the version “Light · 4.4 GB”."
    )
    assert sentence(both, "").endswith("and choose a lighter version of up to 5.0 GB.")
    told = Change("smaller_model", "Choose a smaller model: one that needs up to 3.9 GB in all.", "runs_well", 1)
    assert sentence(told, "") == told.sentence


# --- the bars -------------------------------------------------------------------------------------------------------------------


def test_one_bar_for_the_memory_and_one_for_a_card_that_takes_part(view: FitView, desk: Desk) -> None:
    show(view)
    assert [bar.head.name.text() for bar in view.memory.bars] == ["Memory"]
    desk.hardware = replace(LAPTOP, gpus=(CARD,))
    view.look_again()
    assert [bar.head.name.text() for bar in view.memory.bars] == ["Main memory", "Graphics card · NVIDIA GeForce RTX 3050"]
    assert "of 5.3 GB that are free" in words(view.memory.bars[1])
    fit = view.fit
    assert fit is not None
    assert 0 < fit.plan.gpu_layers < fit.layers  # a part of it
    view.details.button.click()
    assert f"{fit.plan.gpu_layers} of {fit.layers}" in words(view.plan)
    assert "8,192 tokens, in its exact form" in words(view.plan)


def test_the_parts_of_all_bars_are_the_sum_and_shared_memory_is_one_bar(desk: Desk) -> None:
    for gpu in (CARD, replace(CARD, name="Apple M4", unified=True, memory_total_bytes=12_000_000_000)):
        desk.hardware = replace(LAPTOP, gpus=(gpu,))
        fit = desk.estimate(LLAMA, Wish())
        assert fit is not None
        found = stores(fit)
        assert sum(store.needed_bytes for store in found) == fit.total_bytes
        assert len(found) == (1 if gpu.unified else 2)
        assert found[0].others_bytes == LAPTOP.memory.total_bytes - LAPTOP.memory.available_bytes


@pytest.mark.parametrize("free_bytes", [4_900_000_000, 11_200_000_000])
def test_what_is_missing_counts_the_margin(view: FitView, desk: Desk, free_bytes: int) -> None:
    desk.hardware = with_free(free_bytes)
    show(view, wish=Wish(context=8192))
    assert view.fit is not None
    left = free_bytes - view.fit.total_bytes
    said = f"Free {text.size(left)}" if left > 0 else f"Missing {text.size(view.fit.margin_bytes - left)}"
    assert said in words(view)


@pytest.mark.parametrize("free_bytes", [5_730_000_000, 6_010_000_000, 6_300_000_000, 6_440_000_000])
def test_what_is_missing_is_what_other_programs_should_give_back(view: FitView, desk: Desk, free_bytes: int) -> None:
    desk.hardware = with_free(free_bytes)
    show(view, wish=Wish(context=8192))
    assert view.fit is not None
    close = next(change for change in view.fit.changes if change.kind == "close_apps")
    assert f"Missing {text.size(close.close_bytes)}" in words(view.memory)
    assert f"use {text.size(close.close_bytes)} together" in words(view.help)
    heard = view.memory.bars[0].bar.accessibleDescription()
    assert heard.endswith(f"Missing {text.size(close.close_bytes)}")


def test_more_than_is_free_is_not_told_as_a_part_of_it(view: FitView, desk: Desk) -> None:
    desk.hardware = with_free(4_900_000_000)
    show(view, wish=Wish(context=8192))
    (bar,) = view.memory.bars
    assert view.fit is not None
    assert bar.head.value.text() == f"needs {text.size(view.fit.total_bytes)}, 4.9 GB are free"


def test_everything_can_be_reached_and_has_a_name(view: FitView, desk: Desk, qtbot: QtBot) -> None:
    desk.hardware = with_free(6_300_000_000)
    show(view, wish=Wish(context=8192))
    assert len(view.help.rows) > 1
    reached: list[QWidget] = []
    widget = view.slider.nextInFocusChain()
    while widget is not view.slider:
        reached.append(widget)
        widget = widget.nextInFocusChain()
    stops = view.stops()[1:]
    assert [widget for widget in (view.slider, *reached) if widget in stops] == stops  # in the order that they are read
    assert view.slider.accessibleName()
    assert view.slider.accessibleDescription() == "6,000 words"
    assert "Memory: takes" in view.memory.bars[0].bar.accessibleName()
    assert "Model 4.9 GB" in view.memory.bars[0].bar.accessibleDescription()
    view.slider.setFocus()
    qtbot.keyClick(view.slider, Qt.Key.Key_Right)
    assert view.context() == 16384


def test_the_lengths_double_up_to_what_the_model_was_made_for() -> None:
    assert lengths(40960) == (2048, 4096, 8192, 16384, 32768, 40960)
    assert lengths(40960, 20480) == (2048, 4096, 8192, 16384, 20480, 32768, 40960)
    assert lengths(2048) == (2048,)
    assert lengths(512) == (512,)
