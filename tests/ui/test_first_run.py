"""The first page: three offers for this computer, by mouse and by keyboard, and a download in the card."""

from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from desktop.errors import Unreachable
from desktop.hardware import Memory
from desktop.library import LocalModel
from desktop.offers import Offer
from desktop.transfer import Progress
from desktop.ui.buttons import Button
from desktop.ui.first_run import FirstRun
from desktop.ui.offer_card import BlankCard, OfferCard
from tests.ui.laptop import LAPTOP, library, ranked


def words(widget: QWidget) -> str:
    """All that can be read in a widget now."""
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def cards(page: FirstRun) -> list[OfferCard]:
    return [card for card in page.findChildren(OfferCard) if card.isVisibleTo(page)]


@pytest.fixture
def offers(tmp_path: Path) -> tuple[Offer, ...]:
    return ranked(library(tmp_path))


@pytest.fixture
def page(qtbot: QtBot, offers: tuple[Offer, ...]) -> FirstRun:
    page = FirstRun("huggingface.co")
    qtbot.addWidget(page)
    page.resize(1032, 800)
    with qtbot.waitExposed(page):
        page.show()
    page.show_hardware(LAPTOP)
    page.show_offers(offers)
    return page


def test_waits_quietly_and_keeps_its_height(qtbot: QtBot, offers: tuple[Offer, ...]) -> None:
    page = FirstRun("huggingface.co")
    qtbot.addWidget(page)
    page.resize(1032, 800)
    with qtbot.waitExposed(page):
        page.show()
    blank = [card.height() for card in page.findChildren(BlankCard)]
    assert len(blank) == 3
    page.show_hardware(LAPTOP)
    page.show_offers(offers)
    qtbot.waitUntil(lambda: [card.height() for card in cards(page)] == blank)


def test_three_offers_that_fit_and_the_balanced_one_is_chosen(page: FirstRun) -> None:
    assert [card.offer.role for card in cards(page)] == ["quick", "balanced", "best"]
    assert all(card.offer.verdict in ("runs_well", "runs_slowly") for card in cards(page))
    assert [card.property("selected") for card in cards(page)] == [False, True, False]
    said = words(cards(page)[1])
    assert "of 11.2 GB" in said
    assert "words a second" in said
    assert cards(page)[1].offer.reason in said
    assert "Get it and chat" in cards(page)[1].getting.button.text()


def test_every_device_is_listed_with_its_reason(page: FirstRun) -> None:
    assert "would not be faster" not in words(page)
    page.computer.found.click()
    assert "AMD Radeon Graphics: it shares the memory of the processor and would not be faster" in words(page)
    assert "11.2 GB are free now" in words(page)


def test_arrows_move_and_return_starts(page: FirstRun, qtbot: QtBot) -> None:
    quick, balanced, best = cards(page)
    balanced.setFocus()
    qtbot.keyClick(balanced, Qt.Key.Key_Right)
    assert best.hasFocus()
    assert best.property("selected")
    assert not balanced.property("selected")
    qtbot.keyClick(best, Qt.Key.Key_Right)
    assert quick.hasFocus()
    with qtbot.waitSignal(page.get_clicked) as got:
        qtbot.keyClick(quick, Qt.Key.Key_Return)
    assert got.args == [quick.offer.reference]


def test_a_download_shows_in_its_card_and_teaches_the_others_their_time(page: FirstRun, qtbot: QtBot) -> None:
    quick, balanced, _ = cards(page)
    page.show_progress(balanced.offer.reference, Progress(0, 0, 0.0, None, stage="ask"))
    page.show_progress(balanced.offer.reference, Progress(1_000_000_000, 4_000_000_000, 10e6, 300.0))
    assert "25 % · 10 MB/s · 5 min left" in words(balanced)
    assert "talk to the small guide meanwhile" in words(page)
    assert "min" in words(quick).split("Download")[1].splitlines()[1]
    with qtbot.waitSignal(page.cancel_clicked) as cancelled:
        balanced.getting.cancel.click()
    assert cancelled.args == [balanced.offer.reference]
    page.show_cancelled(balanced.offer.reference)
    assert "Get it and chat" in balanced.getting.button.text()
    assert "meanwhile" not in words(page)


def test_a_finished_download_offers_the_chat(page: FirstRun, qtbot: QtBot) -> None:
    card = cards(page)[0]
    page.show_done(card.offer.reference, LocalModel("x", Path("x"), "x", 1, "own"))
    with qtbot.waitSignal(page.chat_clicked) as chat:
        card.getting.button.click()
    assert chat.args == [card.offer.reference]


def test_a_failure_is_a_sentence_in_the_card_with_a_next_step(page: FirstRun, qtbot: QtBot) -> None:
    card = cards(page)[0]
    page.show_failed(card.offer.reference, Unreachable(host="huggingface.co", why="there is no network connection"))
    assert "there is no network connection" in words(card).lower()
    with qtbot.waitSignal(page.get_clicked):
        card.getting.button.click()


def test_the_same_offers_again_leave_a_running_download_alone(page: FirstRun, offers: tuple[Offer, ...]) -> None:
    card = cards(page)[1]
    page.show_progress(card.offer.reference, Progress(1, 4, 10e6, 3.0))
    page.show_offers(offers)
    assert cards(page)[1] is card
    assert "25 %" in words(card)


def test_says_plainly_that_nothing_fits(page: FirstRun, tmp_path: Path, qtbot: QtBot) -> None:
    small = replace(LAPTOP, memory=Memory(1_000_000_000, 100_000_000))
    page.show_offers(ranked(library(tmp_path / "small"), small))
    assert not cards(page)
    assert "No model fits" in words(page)
    with qtbot.waitSignal(page.guide_clicked):
        page._nothing.button.click()


def test_offline_says_what_to_do(page: FirstRun, qtbot: QtBot) -> None:
    page.show_offline(True)
    assert "Alcove is set to offline" in words(page)
    with qtbot.waitSignal(page.online_clicked):
        page._offline.button.click()


def test_kept_offline_only_what_works_is_offered(qtbot: QtBot, offers: tuple[Offer, ...]) -> None:
    page = FirstRun("huggingface.co")
    qtbot.addWidget(page)
    page.resize(1032, 800)
    page.show_offline(True, "/etc/alcove/policy.json")
    with qtbot.waitExposed(page):
        page.show()
    page.show_hardware(LAPTOP)
    page.show_offers(offers)
    assert page._kept is not None
    below = [page._kept, page._ways, *cards(page)]
    shown = [button for each in below for button in each.findChildren(Button) if button.isVisibleTo(page)]
    assert [button.text() for button in shown] == ["Talk to the guide", "Add a model file …"]
    said = words(page)
    assert "Your organisation keeps Alcove offline" in said
    assert "Set by your organisation" in said
    assert "Choose one to start" not in said
    assert "No model fits" not in said
    with qtbot.waitSignals([page.guide_clicked, page.open_file_clicked]):
        for button in shown:
            button.click()
    page.show_offers([replace(offer, local=LocalModel("x", Path("x"), "x", 1, "shared")) for offer in offers])
    assert [card.getting.button.text() for card in cards(page)] == ["Chat"] * 3


def test_return_starts_nothing_that_is_on_its_way(page: FirstRun, qtbot: QtBot) -> None:
    card = cards(page)[1]
    page.show_progress(card.offer.reference, Progress(1, 4, 1.0, 3.0))
    with qtbot.assertNotEmitted(page.get_clicked):
        qtbot.keyClick(card, Qt.Key.Key_Return)


def test_cards_stand_below_each_other_in_a_narrow_window(page: FirstRun, qtbot: QtBot) -> None:
    assert len({card.y() for card in cards(page)}) == 1
    page.resize(600, 533)
    qtbot.waitUntil(lambda: len({card.y() for card in cards(page)}) == 3)
    assert all(card.width() <= page.viewport().width() for card in cards(page))


def test_measuring_is_a_step_that_says_why_and_can_be_skipped(page: FirstRun, qtbot: QtBot) -> None:
    assert page.computer.measuring.isHidden()
    page.show_measuring(0.4)
    assert "so that the speeds below are its own" in words(page)
    assert len(cards(page)) == 3  # nobody waits for it
    with qtbot.waitSignal(page.skip_clicked):
        page.computer.skip.click()
    page.show_measured()
    assert page.computer.measuring.isHidden()
    assert "11.2 GB are free now. Models of up to about" in words(page)


def test_speeds_that_are_known_better_are_shown_in_the_same_cards(page: FirstRun, offers: tuple[Offer, ...]) -> None:
    card = cards(page)[1]
    page.show_progress(card.offer.reference, Progress(1, 4, 10e6, 3.0))
    fit = replace(card.offer.fit, tokens_per_s=40.0, tokens_per_s_low=36.0, tokens_per_s_high=44.0)
    page.show_offers([replace(offer, fit=fit) if offer.role == "balanced" else offer for offer in offers])
    assert cards(page)[1] is card
    assert "about 30 words a second" in words(card)
    assert "25 %" in words(card)


def test_two_offers_share_the_whole_row(page: FirstRun, offers: tuple[Offer, ...], qtbot: QtBot) -> None:
    page.show_offers([offer for offer in offers if offer.role != "quick"])
    qtbot.waitUntil(lambda: len(cards(page)) == 2)
    qtbot.waitUntil(lambda: cards(page)[0].width() > page.viewport().width() * 0.4)
