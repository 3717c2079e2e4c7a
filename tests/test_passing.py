"""Passing models on: what has to go along does, what may not is refused before a byte, and what was accepted is carried."""

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from desktop import bundle, mirror, policy, receiving
from desktop.app import App
from desktop.cli.command import finish
from desktop.errors import AlcoveError, Corrupt, NotAccepted, NotAllowed, NotChecked, NotToBePassedOn
from desktop.licences import Answer, Licences
from desktop.policy import Content, Models, Policy, Rule, Source, Verdict
from tests import gguf_files

TERMS = b"Gemma Terms of Use, the whole of them"


@pytest.fixture
def open_app(tmp_path: Path) -> Iterator[Callable[[str], App]]:
    """Opens Alcove on computers of one's own, by their names."""
    opened = []

    def build(name: str) -> App:
        opened.append(App.open(tmp_path / name))
        return opened[-1]

    yield build
    for app in opened:
        app.close()


@pytest.fixture
def app(open_app: Callable[[str], App], tmp_path: Path) -> App:
    """Has a model under Gemma's terms, with their text, and one under a licence that nobody states."""
    app = open_app("ours")
    app.settings.offline = True
    app.save_settings()
    app.library.link(gguf_files.llama(tmp_path / "gemma.gguf", metadata={"general.license": "gemma"}))
    app.library.link(gguf_files.llama(tmp_path / "odd.gguf", metadata={"general.license": "other"}))
    app.texts.keep("gemma", TERMS, "https://example.org/gemma")
    return app


def accepted(app: App) -> None:
    app.consent.acceptances.accept(app.rights.licence("gemma"), "gemma", app.texts)


def test_everything_that_has_to_go_along_lies_beside_the_files(app: App, tmp_path: Path) -> None:
    finish(app.sending.create(tmp_path / "stick", ["gemma"]))
    papers = tmp_path / "stick" / "local" / "gemma" / "LICENCE"
    found = {path.name: path.read_text() for path in papers.iterdir()}
    assert set(found) == {"READ-ME-FIRST.txt", "NOTICE.txt", "CHANGES.txt", "LICENCE-gemma.txt"}
    assert found["LICENCE-gemma.txt"].encode() == TERMS
    assert found["NOTICE.txt"].strip().endswith("ai.google.dev/gemma/terms")
    assert "Alcove has changed nothing" in found["CHANGES.txt"]
    read_me = " ".join(found["READ-ME-FIRST.txt"].split())
    for duty in app.licences["gemma"].duties:
        assert f"- {duty.text}" in read_me
    assert "May I use it at work? Yes, if …" in read_me
    assert "not legal advice" in read_me
    assert max(len(line) for line in found["READ-ME-FIRST.txt"].splitlines()) <= 110
    finish(bundle.verify(tmp_path / "stick"))
    (papers / "NOTICE.txt").write_text("something else")
    with pytest.raises(Corrupt):
        finish(bundle.verify(tmp_path / "stick"))


def test_credit_lines_are_a_file_of_their_own(app: App, tmp_path: Path) -> None:
    app.library.link(gguf_files.llama(tmp_path / "llama.gguf", metadata={"general.license": "llama3.1"}))
    app.texts.keep("llama3.1", b"LLAMA 3.1 COMMUNITY LICENSE AGREEMENT", "https://example.org/l")
    finish(app.sending.create(tmp_path / "stick", ["llama"]))
    assert (tmp_path / "stick" / "local" / "llama" / "LICENCE" / "CREDIT.txt").read_text().strip() == "Built with Llama"


def forbid(app: App) -> None:
    """A licence that lets nothing be passed on."""
    strict = replace(app.licences["gemma"], share=Answer("no", "You may not give it to others.", "7.2"))
    app.rights.licences = Licences([*(x for x in app.licences.values() if x.id != "gemma"), strict])


def forget_text(app: App) -> None:
    (app.texts.folder / "gemma.txt").unlink()


def deny(app: App) -> None:
    app.consent.policy = Policy((Source("/etc/alcove/policy.json", Content(models=Models(deny=(Rule(licence="gemma"),)))),))


@pytest.mark.parametrize(
    ("model", "change", "error", "names"),
    [
        ("gemma", forbid, NotToBePassedOn, "Gemma Terms of Use, Section 7.2"),
        ("gemma", forget_text, NotChecked, "--licence-checked"),
        ("gemma", deny, NotAllowed, "/etc/alcove/policy.json"),
        ("odd", lambda app: None, NotChecked, "No licence stated"),
    ],
)
def test_what_may_not_be_passed_on_is_refused_before_a_byte(
    app: App, tmp_path: Path, model: str, change: Callable[[App], None], error: type[AlcoveError], names: str
) -> None:
    change(app)
    with pytest.raises(error, match=names):
        finish(app.sending.create(tmp_path / "stick", ["guide", model]))
    assert not (tmp_path / "stick").exists()


def test_whoever_has_checked_it_is_named_in_the_bundle(app: App, tmp_path: Path) -> None:
    made = finish(app.sending.create(tmp_path / "one", ["odd", "gemma"], licence_checked=True))
    assert [bool(model.licence_checked) for model in made.models] == [True, False]  # only where it was needed
    assert "--licence-checked" in " ".join((tmp_path / "one/local/odd/LICENCE/READ-ME-FIRST.txt").read_text().split())
    forbid(app)
    with pytest.raises(NotToBePassedOn):  # nobody can vouch for what is forbidden
        finish(app.sending.create(tmp_path / "two", ["gemma"], licence_checked=True))


def test_the_organisations_own_word_is_enough(app: App, tmp_path: Path) -> None:
    word = Verdict(licence="unknown", decision="approved", text="Legal has seen our own models on 2026-03-01.")
    app.consent.policy = Policy((Source("policy.json", Content(licences=(word,))),))
    (model,) = finish(app.sending.create(tmp_path / "stick", ["odd"])).models
    assert model.licence_checked == word.text


def test_what_was_accepted_is_carried_and_said(app: App, open_app: Callable[[str], App], tmp_path: Path) -> None:
    accepted(app)
    finish(app.sending.create(tmp_path / "stick", ["gemma"]))
    other = open_app("theirs")
    taken, told = finish(other.receiving.install(tmp_path / "stick"))
    assert [model.licence for model in taken] == [None]
    assert [(each.licence, each.through, each.user) for each in told] == [
        ("gemma", "bundle", app.consent.acceptances.list()[0].user)
    ]
    assert other.consent.acceptances.list() == tuple(told)
    text = other.texts.of(other.licences["gemma"])
    assert text
    assert text.read() == TERMS.decode()
    assert finish(other.receiving.install(tmp_path / "stick"))[1] == []


def test_what_nobody_accepted_is_asked_for(app: App, open_app: Callable[[str], App], tmp_path: Path) -> None:
    finish(app.sending.create(tmp_path / "stick", ["gemma"]))
    change = mirror.read(tmp_path / "stick").models[0]
    other = open_app("theirs")
    with pytest.raises(NotAccepted, match="bundle install .* --accept-licence"):
        finish(other.receiving.install(tmp_path / "stick"))
    assert [model.id for model in other.library.list()] == ["guide"]
    _, told = finish(other.receiving.install(tmp_path / "stick", accept=True))
    assert [(each.model, each.through) for each in told] == [(change.reference, "")]


def test_a_bundle_brings_in_nothing_that_is_denied(app: App, open_app: Callable[[str], App], tmp_path: Path) -> None:
    accepted(app)
    finish(app.sending.create(tmp_path / "stick", ["gemma"]))
    other = open_app("theirs")
    deny(other)
    with pytest.raises(NotAllowed):
        finish(other.receiving.install(tmp_path / "stick"))
    assert [model.id for model in other.library.list()] == ["guide"]
    assert policy.read(tmp_path) == Policy()


def test_what_a_bundle_claims_is_shown_harmlessly_and_nonsense_is_no_acceptance(
    app: App, open_app: Callable[[str], App], tmp_path: Path
) -> None:
    accepted(app)
    finish(app.sending.create(tmp_path / "stick", ["gemma"]))
    path = tmp_path / "stick" / mirror.NAME
    whole = path.read_text()
    told = json.loads(whole)
    line = told["accepted"][0]
    told["accepted"] = [{**line, "at": "yesterday"}, {**line, "user": 3}, {}, {**line, "user": "\x1b[2Ja\u202elive" + "x" * 9000}]
    path.write_text(json.dumps(told))
    (found,) = finish(open_app("theirs").receiving.install(tmp_path / "stick"))[1]
    assert found.user.startswith("[2Jalivexx")
    assert len(found.user) == receiving.LONGEST
