"""The licence view and the panel beside the chat, with the real licences."""

from pathlib import Path

import pytest
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QPlainTextEdit, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from desktop import offers
from desktop.licences import GUIDE, Evidence
from desktop.ui.bars import Ladder
from desktop.ui.buttons import Button
from desktop.ui.labels import Label
from desktop.ui.licence import LicenceView, Question
from desktop.ui.licence_text import LicenceText
from desktop.ui.model_panel import ModelPanel
from desktop.ui.theme import Theme
from tests.ui.laptop import LAPTOP, RATES, known, law, library


def words(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


def button(widget: QWidget, text: str) -> QPushButton:
    return next(each for each in widget.findChildren(QPushButton) if text in (each.text(), each.accessibleName()))


def view(qtbot: QtBot, evidence: Evidence, *, wide: bool = False) -> LicenceView:
    made = LicenceView(wide=wide)
    qtbot.addWidget(made)
    made.show_ruling(law().rule(evidence))
    made.resize(260, 600)
    made.show()
    return made


def test_each_model_of_the_catalogue_has_a_licence_to_show(qtbot: QtBot) -> None:
    made = LicenceView()
    qtbot.addWidget(made)
    made.show()
    for model in known().models:
        ruling = law().rule(model.evidence)
        made.show_ruling(ruling)
        said = words(made)
        assert ruling.name in said
        assert ruling.headline in said
        assert len([q for q in made.findChildren(Question) if q.isVisibleTo(made)]) == 3


def test_a_question_opens_the_sentence_that_matters(qtbot: QtBot) -> None:
    made = view(qtbot, known().get("llama-3.1-8b").evidence)  # type: ignore[union-attr]
    question = made.findChildren(Question)[0]
    assert "700 million" not in words(question)
    assert "Yes, if" in words(question)
    question.button.click()
    assert "700 million monthly users" in words(question)
    assert "(Section 2)" in words(question)
    assert question.button.accessibleName() == "May I use it at work? Yes, if …"


def test_the_exact_wording_of_a_duty_is_copied(qtbot: QtBot) -> None:
    made = view(qtbot, known().get("llama-3.1-8b").evidence, wide=True)  # type: ignore[union-attr]
    button(made, "Copy “Built with Llama”").click()
    assert QGuiApplication.clipboard().text() == "Built with Llama"


def test_sources_that_disagree_are_shown_and_the_stricter_decides(qtbot: QtBot) -> None:
    made = view(qtbot, Evidence(catalogue=("llama3.1",), openness="conditions", hub_card="mit"))
    assert "The sources disagree" in words(made)
    assert "MIT License" in words(made)
    assert "Yes, if" in words(made.findChildren(Question)[0])


@pytest.mark.parametrize(
    ("evidence", "step"), [(GUIDE, 3), (Evidence(catalogue=("apache-2.0",), openness="free"), 2), (Evidence(), 0)]
)
def test_the_ladder_has_three_steps(qtbot: QtBot, evidence: Evidence, step: int) -> None:
    made = view(qtbot, evidence)
    ladder = made.findChild(Ladder)
    assert ladder.accessibleName().startswith(f"Step {step} of 3")


def test_nobody_states_a_licence(qtbot: QtBot) -> None:
    made = view(qtbot, Evidence())
    assert "ask its maker" in words(made)
    assert "Not known" in words(made)


def test_reading_a_licence_shows_the_stored_text_or_asks_before_the_browser_opens(qtbot: QtBot) -> None:
    stored = next(licence for licence in law().values() if licence.text_path is not None)
    dialog = LicenceText(stored)
    qtbot.addWidget(dialog)
    assert dialog.findChild(QPlainTextEdit).toPlainText() == stored.text_path.read_text("utf-8")  # type: ignore[union-attr]
    elsewhere = LicenceText(law()["llama3.1"])
    qtbot.addWidget(elsewhere)
    elsewhere.show()
    if law()["llama3.1"].text_path is None:
        assert law()["llama3.1"].url in words(elsewhere)
        assert "Your browser would connect" in words(elsewhere)


def test_where_nobody_states_a_licence_no_text_is_promised(qtbot: QtBot) -> None:
    made = view(qtbot, Evidence())
    assert "Read the licence" not in [button.text() for button in made.findChildren(Button)]
    said = LicenceText(law()["unknown"])
    qtbot.addWidget(said)
    assert "full text" not in words(said)
    assert "did not say what is allowed" in words(said)


def test_a_summary_is_shown_whole(qtbot: QtBot) -> None:
    for licence in law().values():
        if licence.text_path is None:
            said = LicenceText(licence)
            qtbot.addWidget(said)
            with qtbot.waitExposed(said):
                said.show()
            for label in said.findChildren(Label):
                assert label.height() >= label.heightForWidth(label.width()), licence.id


def panel(qtbot: QtBot, model: str, tmp_path: Path) -> ModelPanel:
    found = known().get(model)
    assert found is not None
    offer = offers.variants(found, law(), library(tmp_path), LAPTOP, RATES)[0]
    made = ModelPanel()
    qtbot.addWidget(made)
    made.resize(made.width(), 800)
    made.show()
    made.show_model(offer.model.name, offer.fit, offer.ruling)
    return made


def test_the_panel_of_a_simple_licence_needs_no_scrolling(qtbot: QtBot, tmp_path: Path) -> None:
    made = panel(qtbot, "qwen3-4b-2507", tmp_path)
    qtbot.waitUntil(lambda: made.verticalScrollBar().maximum() == 0)
    assert "Apache License 2.0" in words(made)
    assert "Runs well here" in words(made)


def test_the_memory_bar_follows_the_answers(qtbot: QtBot, tmp_path: Path) -> None:
    made = panel(qtbot, "qwen3-4b-2507", tmp_path)
    made.show_memory(3360, 8192)
    assert "41 %" in words(made)
    made.show_rate(12.0)
    assert "9 words a second" in words(made)
    made.show_memory(None, 8192)
    assert "Conversation memory" not in words(made)


def test_what_is_too_big_has_no_speed(qtbot: QtBot, tmp_path: Path) -> None:
    made = panel(qtbot, "qwen3-4b-2507", tmp_path)
    assert "words a second" in words(made)
    huge = offers.variants(next(m for m in known().models if m.params_total > 2e11), law(), library(tmp_path), LAPTOP, RATES)[-1]
    assert huge.verdict == "too_big"
    made.show_model(huge.model.name, huge.fit, huge.ruling)
    assert "Too big" in words(made)
    assert "words a second" not in words(made)


def test_the_guide_is_called_what_it_is(qtbot: QtBot) -> None:
    made = ModelPanel()
    qtbot.addWidget(made)
    made.show()
    made.show_model("Alcove guide", None, law().rule(GUIDE), guide=True)
    assert "not a real assistant" in words(made)
    assert "Fully open" in words(made)
    with qtbot.waitSignal(made.all_models_clicked):
        next(each for each in made.findChildren(Button) if each.text() == "Choose a real model").click()
    made.show_nothing()
    assert "No model yet" in words(made)


def test_the_panel_grows_with_the_text(qtbot: QtBot, qapp: QApplication, tmp_path: Path) -> None:
    made = panel(qtbot, "qwen3-4b-2507", tmp_path)
    look = Theme(qapp, "light", 1.0)
    width = made.width()
    try:
        look.use("light", 1.5)
        qtbot.waitUntil(lambda: made.width() == round(width * 1.5))
    finally:
        look.use("light", 1.0)
        look.deleteLater()
