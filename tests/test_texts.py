"""Texts of licences: which are here, what is kept of one that was fetched, and what is refused."""

import hashlib
import os
from dataclasses import replace
from pathlib import Path

import pytest

from desktop import licences
from desktop.app import App
from desktop.card import read
from desktop.cards import trace
from desktop.errors import Corrupt, Offline
from desktop.judging import end
from desktop.record import Provenance
from desktop.texts import Texts
from tests import gguf_files
from tests.hub_server import HubServer

GEMMA = "https://ai.google.dev/gemma/terms"


@pytest.fixture
def texts(tmp_path) -> Texts:
    return Texts(tmp_path / "licences")


@pytest.fixture(scope="module")
def known() -> licences.Licences:
    return licences.load()


def test_ours_need_no_fetching(texts: Texts, known: licences.Licences) -> None:
    text = texts.of(known["apache-2.0"])
    assert text
    assert (text.url, text.fetched) == (None, None)
    assert text.sha256 == hashlib.sha256(text.path.read_bytes()).hexdigest()
    assert texts.of(known["gemma"]) is None


def test_what_was_fetched_is_kept_with_its_hash(texts: Texts, known: licences.Licences) -> None:
    kept = texts.keep("gemma", b"Gemma Terms of Use\r\n", GEMMA)
    again = Texts(texts.folder).of(known["gemma"])
    assert again == kept
    assert (again.url, again.sha256) == (GEMMA, hashlib.sha256(b"Gemma Terms of Use\r\n").hexdigest())
    assert again.fetched
    assert list(texts) == ["gemma"]


def test_a_text_that_was_changed_on_the_disk_is_none(texts: Texts, known: licences.Licences) -> None:
    texts.keep("gemma", b"Gemma Terms of Use", GEMMA).path.write_bytes(b"Do as you like")
    assert texts.of(known["gemma"]) is None


def test_an_id_leads_nowhere_else(texts: Texts, known: licences.Licences) -> None:
    text = texts.keep("../../escape", b"words", GEMMA)
    assert text.path.parent == texts.folder
    assert texts.of(replace(known["gemma"], id="../../escape")) == text


@pytest.mark.parametrize(
    "content",
    [b"", b" \n", b"x" * 1_000_001, b"GGUF\x00\x00", b"\xff\xfe licence", b"<!DOCTYPE html><title>Log in</title>", b"<html>"],
)
def test_what_is_no_licence_is_refused(texts: Texts, content: bytes) -> None:
    with pytest.raises(Corrupt):
        texts.keep("gemma", content, GEMMA)
    assert not texts.folder.exists()


def test_markup_and_control_characters_are_only_text(texts: Texts) -> None:
    text = texts.keep("gemma", "One\x1b[31m\r\n<b>Two</b>\u202e\ttab\x07".encode(), GEMMA)
    assert text.read() == "One[31m\n<b>Two</b>\ttab"


LLAMA = "meta-llama/Llama-3.1-8B-Instruct"


@pytest.fixture
def app(tmp_path, monkeypatch) -> App:
    with HubServer() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        app = App.open(tmp_path)
        app.test_hub = hub
        yield app
        app.close()


def copy_of(app: App, path: Path, **card: str) -> str:
    """A model here that was made from LLAMA, as a download left it; returns its id."""
    file = gguf_files.llama(path / "x.gguf", metadata={"general.license": "llama3.1"})
    own = read("any/Copy-GGUF", {"base_model": LLAMA, **card})
    origin = Provenance(repo=own.repo, file="x-Q8_0.gguf", cards=end(trace(app.hub, (own,))))
    part = app.library.begin(origin)
    os.replace(file, part)
    return app.library.adopt(part, origin).id


def fetched(app: App, reference: str):
    return end(app.rights.fetch_text(app.targets.of(reference)))


def test_the_text_of_a_model_comes_from_its_makers_repository(app: App) -> None:
    app.test_hub.add(LLAMA, {"LICENSE": b"LLAMA 3.1 COMMUNITY LICENSE AGREEMENT"})
    (text,) = fetched(app, "llama-3.1-8b")
    assert text.id == "llama3.1"
    assert text.read() == "LLAMA 3.1 COMMUNITY LICENSE AGREEMENT"
    assert text.url == f"{app.test_hub.endpoint}/{LLAMA}/resolve/main/LICENSE"
    app.network.offline = True
    assert fetched(app, "llama-3.1-8b") == (text,)


def test_only_the_makers_own_file_is_the_text(app: App, tmp_path) -> None:
    link = "LICENSE"
    app.test_hub.add("any/Copy-GGUF", {link: b"Do as you like"}, license="llama3.1", license_link=link)
    reference = copy_of(app, tmp_path, license="llama3.1", license_link=link)
    assert fetched(app, reference) == ()
    assert link in [source.link for source in app.rights.ruling(app.targets.of(reference)).sources]


@pytest.mark.parametrize("link", ["LICENSE-AGREEMENT", f"https://huggingface.co/{LLAMA}/blob/main/LICENSE-AGREEMENT"])
def test_the_text_lies_where_the_makers_card_says(app: App, tmp_path, link: str) -> None:
    app.test_hub.add(LLAMA, {"LICENSE-AGREEMENT": b"LLAMA 3.1"}, license="llama3.1", license_link=link)
    (text,) = fetched(app, copy_of(app, tmp_path))
    assert (text.id, text.read()) == ("llama3.1", "LLAMA 3.1")


@pytest.mark.parametrize(
    "link", ["file:///etc/passwd", "https://elsewhere.example/any/Copy/blob/main/LICENSE", "../../../LICENSE", "LICENSE?x=1"]
)
def test_a_link_to_anywhere_else_is_not_followed(app: App, tmp_path, link: str) -> None:
    app.test_hub.add(LLAMA, {}, license="llama3.1", license_link=link)
    reference = copy_of(app, tmp_path)
    before = len(app.test_hub.requests)
    assert fetched(app, reference) == ()
    asked = [request.path for request in app.test_hub.requests[before:]]
    assert asked == [f"/{LLAMA}/resolve/main/{name}" for name in ("LICENSE", "LICENSE.txt", "LICENSE.md")]


def test_what_a_file_says_of_its_licence_is_only_text(app: App, tmp_path) -> None:
    said = {"general.license": "other", "general.license.name": "<b>Mine</b>\x1b\u202e\x07" + "!" * 3000}
    said |= {"general.license.link": "file:///etc/passwd", "general.base_model.count": 2**31}
    said |= {"general.base_model.0.name": "Llama 3.1 8B", "general.base_model.0.organization": "Meta Llama"}
    ruling = app.rights.ruling(app.targets.of(str(gguf_files.llama(tmp_path / "x.gguf", metadata=said))))
    base, own = ruling.sources
    assert base.says == "Llama 3.1 Community License Agreement"
    assert own.says.startswith("“<b>mine</b>!!!")
    assert own.link == "file:///etc/passwd"
    assert len(own.says) < 300
    assert ruling.commercial.answer == "unknown"
    assert not app.test_hub.requests


def test_a_file_from_nowhere_is_known_by_its_name(app: App, tmp_path) -> None:
    file = gguf_files.llama(tmp_path / "My-Llama-3.1-8B.gguf", metadata={"general.license": "mit"})
    ruling = app.rights.ruling(app.targets.of(str(file)))
    assert [source.from_ for source in ruling.sources] == ["The model's name", "The file itself"]
    assert (ruling.licence, ruling.commercial.answer) == ("llama3.1 + mit", "if")


def test_a_text_behind_terms_stays_missing(app: App) -> None:
    app.test_hub.add(LLAMA, {"LICENSE": b"LLAMA 3.1"}, gated=True)
    assert fetched(app, "llama-3.1-8b") == ()
    assert app.texts.of(app.licences["llama3.1"]) is None


def test_a_text_of_ours_asks_nobody(app: App) -> None:
    assert [text.id for text in fetched(app, "qwen3-8b")] == ["apache-2.0"]
    assert not app.test_hub.requests


def test_a_hub_that_may_not_be_asked_is_said(app: App) -> None:
    app.hub.endpoint = "https://huggingface.co"
    app.network.offline = True
    with pytest.raises(Offline):
        fetched(app, "llama-3.1-8b")
