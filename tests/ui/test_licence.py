"""The licence view and the panel beside the chat, with the real licences."""

from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QWidget
from pytestqt.qtbot import QtBot

from desktop import offers
from desktop.card import Card
from desktop.licences import GUIDE, Answer, Evidence, Licence
from desktop.texts import Texts
from desktop.ui import verdict
from desktop.ui.bars import Ladder
from desktop.ui.browser import Visit
from desktop.ui.buttons import Button
from desktop.ui.labels import Label
from desktop.ui.licence import LicenceView
from desktop.ui.licence_text import LicenceText
from desktop.ui.model_panel import ModelPanel
from desktop.ui.notice import Notice
from desktop.ui.permissions import Question
from desktop.ui.theme import Theme
from tests.hub_server import HubServer
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


@pytest.mark.parametrize(
    ("model", "said"),
    [
        ("llama-3.1-8b", "700 million monthly users"),
        ("exaone-4.0-1.2b", "commercial"),
        ("llama-4-scout", "based in the European Union"),
        ("qwen3-4b-2507", None),
    ],
)
def test_the_condition_that_matters_most_is_seen_without_opening_anything(qtbot: QtBot, model: str, said: str | None) -> None:
    made = view(qtbot, known().get(model).evidence)  # type: ignore[union-attr]
    notices = [words(n) for n in made.findChildren(Notice) if n.accessibleName() == "The condition that matters most"]
    assert len(notices) == (said is not None)
    assert said is None or said in notices[0]


@pytest.mark.parametrize(
    ("model", "step", "check"),
    [
        ("olmo-2-1b", "Fully open: data and code too", "Yes"),
        ("bloomz-7b1", "Made in the open, but its use is restricted", "In part"),
        ("nemotron-3.5-lightning-30b", "Open weights, free; nearly fully open", "In part"),
        ("qwen3-4b-2507", "Open weights, free", "No"),
    ],
)
def test_how_open_it_is_is_said_in_words_with_links_to_what_is_public(qtbot: QtBot, model: str, step: str, check: str) -> None:
    made = view(qtbot, known().get(model).evidence, wide=True)  # type: ignore[union-attr]
    assert step in words(made).split("\n")
    assert check in words(made.findChildren(Question)[2]).split("\n")
    links = [each for each in made.findChildren(Button) if "See it on" in each.text()]
    assert bool(links) == (check != "No")
    if links:
        with qtbot.waitSignal(made.visit_clicked) as visited:
            links[0].click()
        assert visited.args[0].startswith("https://")


def test_where_it_may_not_be_used_is_said_even_where_something_else_matters_more(qtbot: QtBot) -> None:
    made = view(qtbot, known().get("llama-3.2-3b").evidence, wide=True)  # type: ignore[union-attr]
    assert "Only the models that read pictures are not licensed to people and companies based in the European Union" in words(
        made
    )


def test_the_whole_checklist_is_copied_with_its_wordings(qtbot: QtBot) -> None:
    made = view(qtbot, known().get("llama-3.1-8b").evidence)  # type: ignore[union-attr]
    button(made, "Copy the whole list").click()
    lines = QGuiApplication.clipboard().text().split("\n")
    assert len(lines) == len(law()["llama3.1"].duties)
    assert all(line.startswith("[ ] ") for line in lines)
    assert any("Copyright © Meta Platforms" in line for line in lines)


def test_each_source_is_shown_with_what_it_says(qtbot: QtBot) -> None:
    made = view(qtbot, Evidence(catalogue=("apache-2.0",), hub_card="apache-2.0", file_license="apache-2.0"))
    assert "They agree." in words(made)
    button(made, "What each source says · 3").click()
    assert words(made).count("Apache License 2.0") == 4


def test_the_page_of_a_source_is_one_click_and_a_question_away(qtbot: QtBot) -> None:
    card = Card("some/Model", ("other-terms",), link="https://elsewhere.example/<b>LICENSE</b>")
    made = view(qtbot, Evidence(cards=(card, Card("root/Model", ("mit",)))), wide=True)
    assert "https://elsewhere.example/<b>LICENSE</b>" in words(made)  # shown as it is, never as markup, and no link
    pages = [each for each in made.findChildren(Button) if each.text() == "See the page"]
    with qtbot.waitSignal(made.visit_clicked) as visited:
        pages[0].click()
    assert visited.args[0].startswith("https://huggingface.co/")


@pytest.mark.parametrize(("clause", "said"), [("4, 6", " (Section 4, 6)"), ("Attachment A", " (Attachment A)"), (None, "")])
def test_the_place_in_the_text_is_named_as_it_is(clause: str | None, said: str) -> None:
    assert verdict.because(Answer("yes", "You may.", clause)) == f"You may.{said}"


def test_what_could_not_be_found_out_of_a_base_is_seen_without_opening_anything(qtbot: QtBot) -> None:
    made = view(qtbot, Evidence(cards=(Card("bob/Nova", ("apache-2.0",), base_models=("alice/gone",)),)))
    assert "It was made from alice/gone, of whose licence nothing could be found out" in words(made)


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


def reading(qtbot: QtBot, tmp_path: Path, *licences: Licence, host: str = "") -> LicenceText:
    dialog = LicenceText(licences, Texts(tmp_path / "licences"), host=host)
    qtbot.addWidget(dialog)
    with qtbot.waitExposed(dialog):
        dialog.show()
    return dialog


def test_a_stored_licence_is_read_searched_and_jumped_into(qtbot: QtBot, tmp_path: Path) -> None:
    apache = law()["apache-2.0"]
    dialog = reading(qtbot, tmp_path, apache)
    reader = dialog.page.reader
    assert reader.text.toPlainText() == apache.text_path.read_text("utf-8")  # type: ignore[union-attr]
    button(dialog, "Passing it on: section 4").click()
    assert reader.text.textCursor().block().text().strip().startswith("4. Redistribution.")
    qtbot.keyClicks(reader.field, "trademark")
    count = reader.text.toPlainText().lower().count("trademark")
    assert f"1 of {count}" in words(dialog)
    assert len(reader.text.extraSelections()) == count
    qtbot.keyClick(reader.field, Qt.Key.Key_Return)
    assert f"2 of {count}" in words(dialog)
    assert dialog.isVisible()  # Return in a field presses a dialog's default button
    reader.before.click()
    reader.before.click()
    assert f"{count} of {count}" in words(dialog)
    qtbot.keyClicks(reader.field, "zzz")
    assert "Not found" in words(dialog)
    assert not reader.after.isEnabled()
    button(dialog, "Copy the text").click()
    assert QGuiApplication.clipboard().text() == reader.text.toPlainText()


def test_two_licences_of_one_model_are_two_tabs(qtbot: QtBot, tmp_path: Path) -> None:
    law_of = law().rule(known().get("r1-distill-llama-8b").evidence)  # type: ignore[union-attr]
    dialog = reading(qtbot, tmp_path, *law_of.licences)
    assert dialog.tabs.isVisible()
    assert law_of.licences[0].url in words(dialog)
    assert dialog.copy.isHidden()
    dialog.tabs.choose(1)
    assert "Permission is hereby granted" in dialog.page.reader.text.toPlainText()
    assert dialog.copy.isVisible()


def test_what_is_not_here_is_told_and_can_be_fetched(qtbot: QtBot, tmp_path: Path) -> None:
    llama = law()["llama3.1"]
    dialog = reading(qtbot, tmp_path, llama, host="huggingface.co")
    assert "not on this computer" in words(dialog)
    assert llama.summary in words(dialog)
    assert llama.url in words(dialog)
    with qtbot.waitSignal(dialog.fetch_clicked):
        dialog.fetch.click()
    text = "1. License Rights\n  b. Redistribution.\n2. Additional Commercial Terms. 700 million\n"
    Texts(tmp_path / "licences").keep("llama3.1", text.encode(), "https://huggingface.co/x/LICENSE")
    dialog.show_fetched()
    assert dialog.page.reader.text.toPlainText() == text
    assert "Fetched from https://huggingface.co/x/LICENSE" in words(dialog)
    button(dialog, "Use at work: section 2").click()
    assert "700 million" in dialog.page.reader.text.textCursor().selectedText()


def test_a_missing_text_is_fetched_from_the_hub_and_shown(open_program, qtbot: QtBot, monkeypatch: pytest.MonkeyPatch) -> None:
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        server.add("meta-llama/Llama-3.1-8B-Instruct", {"LICENSE": b"LLAMA 3.1 COMMUNITY LICENSE AGREEMENT"}, license="llama3.1")
        program = open_program()
        program.licensing.read("llama-3.1-8b", program.app.rights.licence("llama-3.1-8b"))
        dialog = program.window.findChild(LicenceText)
        assert dialog.page.content is None
        dialog.fetch.click()
        qtbot.waitUntil(lambda: dialog.page.content is not None)
        assert dialog.page.content.startswith("LLAMA 3.1 COMMUNITY")
        assert dialog.fetch.isHidden()


def test_what_the_hub_does_not_hand_out_is_said(qtbot: QtBot, tmp_path: Path) -> None:
    dialog = reading(qtbot, tmp_path, law()["llama3.1"], host="huggingface.co")
    dialog.show_fetching()
    dialog.show_fetched()
    assert "without the maker's agreement" in words(dialog)
    assert dialog.fetch.isHidden()


def test_the_browser_opens_only_after_a_question(qtbot: QtBot, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    opened: list[str] = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: opened.append(url.toString()))
    dialog = reading(qtbot, tmp_path, law()["llama3.1"])
    dialog.visit.click()
    asked = dialog.findChild(Visit)
    assert asked is not None
    assert law()["llama3.1"].url in words(asked)
    assert not opened
    asked.visit.click()
    assert opened == [law()["llama3.1"].url]


def test_where_nobody_states_a_licence_no_text_is_promised(qtbot: QtBot, tmp_path: Path) -> None:
    made = view(qtbot, Evidence())
    assert "Read the licence" not in [button.text() for button in made.findChildren(Button)]
    said = reading(qtbot, tmp_path, law()["unknown"], host="huggingface.co")
    assert "full text" not in words(said)
    assert "did not say what is allowed" in words(said)
    assert said.fetch.isHidden()


def test_a_summary_is_shown_whole(qtbot: QtBot, tmp_path: Path) -> None:
    for licence in law().values():
        if licence.text_path is None:
            said = reading(qtbot, tmp_path, licence)
            for label in said.findChildren(Label):
                if label.isVisible():
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
