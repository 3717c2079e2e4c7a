"""What a model would need, from the window down to the real engine and a real server, and what is done with a person's wishes."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from desktop import settings
from desktop.errors import UnknownArchitecture
from desktop.fit import Wish
from desktop.ui.fit_view import FitView
from desktop.ui.goals import GOALS
from desktop.ui.program import Program
from tests.engine import models
from tests.hub_server import HubServer
from tests.ui.conftest import link

ANSWER = ["An ", "open ", "model."]
Open = Callable[[], Program]


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with HubServer() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        yield hub


def ready(program: Program, qtbot: QtBot) -> None:
    """The computer was looked at, and the list is there."""
    qtbot.waitUntil(lambda: bool(program.browse.recommended._offers), timeout=30_000)
    program.show_models()


def local_view(program: Program, qtbot: QtBot) -> FitView:
    """How the file that is here would run, folded out."""
    program.browse.show_tab("local")
    row = program.browse.local._rows["reciter"]
    qtbot.mouseClick(row.fold.button, Qt.MouseButton.LeftButton)
    view = row.fold.view
    assert view is not None
    return view


def keep(program: Program, reference: str, wish: Wish) -> None:
    """As a page does when something was chosen."""
    program.browse.wished.emit(reference, wish)


def settled(view: FitView) -> bool:
    return view._settled


def test_a_file_that_is_here_is_checked_with_the_engine(qtbot: QtBot, open_program: Open, tmp_path: Path) -> None:
    link(tmp_path, [*ANSWER, models.END])
    program = open_program()
    ready(program, qtbot)
    view = local_view(program, qtbot)
    qtbot.waitUntil(lambda: settled(view), timeout=20_000)
    assert view.checked.said.text() == "Checked with the engine"
    assert view.fit is not None
    assert view.fit.method == "engine"


def test_a_goal_is_kept_and_the_model_is_opened_for_it(qtbot: QtBot, open_program: Open, tmp_path: Path) -> None:
    link(tmp_path, [*ANSWER, models.END])
    program = open_program()
    ready(program, qtbot)
    view = local_view(program, qtbot)
    qtbot.mouseClick(view.goals.buttons.button(GOALS.index("quality")), Qt.MouseButton.LeftButton)
    assert settings.load(program.app.paths.settings).goals == {"reciter": "quality"}
    assert program.wishes.of("reciter") == Wish(goal="quality")
    program.chat_with("reciter")
    QTest.keyClicks(program.window.chat.composer.field, "Hello")
    QTest.keyClick(program.window.chat.composer.field, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: program.app.running.opened is not None, timeout=30_000)
    opened = program.app.running.opened
    assert opened is not None
    assert opened.wish.goal == "quality"
    qtbot.waitUntil(lambda: program.tasks.get("answer") is None, timeout=30_000)
    program.show_models()
    qtbot.mouseClick(view.goals.buttons.button(0), Qt.MouseButton.LeftButton)
    assert settings.load(program.app.paths.settings).goals == {}


def test_a_length_is_kept_too_and_a_goal_gives_it_up(qtbot: QtBot, open_program: Open, tmp_path: Path) -> None:
    link(tmp_path, [*ANSWER, models.END])
    program = open_program()
    keep(program, "reciter", Wish(context=4096, kv_type="q8_0", goal="speed"))
    kept = settings.load(program.app.paths.settings)
    assert (kept.contexts, kept.kv_types, kept.goals) == ({"reciter": 4096}, {"reciter": "q8_0"}, {"reciter": "speed"})
    keep(program, "reciter", Wish(goal="long"))
    kept = settings.load(program.app.paths.settings)
    assert (kept.contexts, kept.kv_types, kept.goals) == ({}, {}, {"reciter": "long"})


def test_a_catalogue_model_is_told_from_the_catalogue_without_a_network(qtbot: QtBot, open_program: Open) -> None:
    program = open_program()
    program.settings.offline.click()
    ready(program, qtbot)
    program.browse.open_model(program.browse.recommended._offers[0])
    assert program.browse._detail is not None
    view = program.browse._detail.fit
    assert view.pill.text()  # at once
    qtbot.waitUntil(lambda: settled(view), timeout=20_000)
    assert view.checked.said.text() == "From the catalogue, not checked"


def test_a_notice_in_a_model_leads_back_to_the_list(qtbot: QtBot, open_program: Open) -> None:
    """The button that offers other models must show them."""
    program = open_program()
    ready(program, qtbot)
    program.browse.open_model(program.browse.recommended._offers[0])
    assert program.browse._detail is not None
    view = program.browse._detail.fit
    view._judging.leave()
    view._on_failed(UnknownArchitecture(architecture="strange", path="a.gguf"))
    qtbot.mouseClick(view.notice.button, Qt.MouseButton.LeftButton)
    assert program.browse._detail is None
    assert program.browse.recommended.isVisible()


def test_a_file_on_the_hub_is_judged_by_its_first_part(qtbot: QtBot, open_program: Open, tmp_path: Path, hub: HubServer) -> None:
    content = models.write(tmp_path / "served.gguf", [*ANSWER, models.END], layers=4).read_bytes()
    hub.add("maker/model-GGUF", {"model-Q8_0.gguf": content, "broken-Q4_0.gguf": b"GGUF" + b"\xff" * 5000})
    program = open_program()
    ready(program, qtbot)
    program.browse.show_tab("hub")
    program.browse.hub.field.setText("model")
    program.browse.hub.ask()
    qtbot.waitUntil(lambda: bool(program.browse.hub._cards), timeout=10_000)
    program.browse.hub._cards[0].opener.click()
    rows = program.browse.hub._cards[0]._files
    qtbot.waitUntil(lambda: bool(rows), timeout=10_000)
    good = rows["hf:maker/model-GGUF/model-Q8_0.gguf"]
    good.fold.button.click()
    qtbot.waitUntil(lambda: good.fold.view is not None and settled(good.fold.view), timeout=20_000)
    assert good.fold.view is not None
    assert good.fold.view.checked.said.text() == "Checked against the file on 127.0.0.1"
    assert good.fits.text().startswith("Runs well · ")
    bad = rows["hf:maker/model-GGUF/broken-Q4_0.gguf"]
    bad.fold.button.click()
    qtbot.waitUntil(lambda: bad.fold.view is not None and not bad.fold.view.notice.isHidden(), timeout=20_000)
    assert bad.fold.view is not None
    assert bad.fold.view.notice.title.text() == "This file seems to be damaged"
    assert "should fit" in bad.fits.text()  # still only a guess


def test_the_computer_is_measured_in_a_step_that_can_be_skipped(qtbot: QtBot, open_program: Open) -> None:
    program = open_program()
    card = program.first_run.computer
    qtbot.waitUntil(lambda: not card.measuring.isHidden(), timeout=30_000)
    assert program.first_run._cards  # the offers do not wait for it
    assert program.app.computer.measure_due
    qtbot.mouseClick(card.skip, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: card.measuring.isHidden(), timeout=10_000)
    assert program.tasks.get("measure") is None
    with qtbot.waitSignal(program.advice.offers_ranked, timeout=20_000):
        program.advice.judge()
    qtbot.waitUntil(lambda: program.tasks.get("choices") is None, timeout=10_000)
    assert program.tasks.get("measure") is None  # at the next start


def test_an_estimate_looks_nothing_up_twice(qtbot: QtBot, open_program: Open) -> None:
    """What the slider asks for, many times a second: a target that is remembered, and arithmetic."""
    program = open_program()
    ready(program, qtbot)
    reference = program.browse.recommended._offers[0].reference
    program.wishes.estimate(reference, Wish())
    target = program.wishes._targets[reference]
    for step in range(8):
        assert program.wishes.estimate(reference, Wish(context=2048 << step)) is not None
    assert program.wishes._targets[reference] is target
