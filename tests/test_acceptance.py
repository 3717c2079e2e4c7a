"""Accepting licences: once for each text, in a file that only grows and survives what crashes leave of it."""

from pathlib import Path

import pytest

from desktop import __version__, licences
from desktop.acceptance import Acceptances
from desktop.errors import NotWritable
from desktop.licences import Evidence, Licences, Ruling
from desktop.texts import Texts

NO_TIME = b'{"licence":"gemma","name":"x","model":"z","user":"u","at":"soon","text_sha256":null,"alcove":"0"}'


@pytest.fixture(scope="module")
def known() -> Licences:
    return licences.load()


@pytest.fixture
def texts(tmp_path: Path) -> Texts:
    return Texts(tmp_path / "licences")


@pytest.fixture
def accepted(tmp_path: Path) -> Acceptances:
    return Acceptances(tmp_path / "acceptances.jsonl")


def under(known: Licences, *ids: str) -> Ruling:
    return known.rule(Evidence(catalogue=ids))


def test_free_ones_and_unknown_ones_ask_nothing(known: Licences, accepted: Acceptances, texts: Texts) -> None:
    assert [accepted.missing(under(known, id), texts) for id in ("apache-2.0", "mit", "unknown")] == [(), (), ()]


def test_a_licence_that_is_stated_and_not_known_is_accepted_by_its_own_name(
    known: Licences, accepted: Acceptances, texts: Texts
) -> None:
    def stated(tag: str) -> Ruling:
        return known.rule(Evidence(hub_card=tag))

    (asked,) = accepted.missing(stated("acme-1.0"), texts)
    assert (asked.id, asked.version, asked.name) == ("unknown", "acme-1.0", "licence “acme-1.0”, which Alcove does not know")
    accepted.accept(stated("acme-1.0"), "a", texts)
    assert accepted.missing(stated("acme-1.0"), texts) == ()
    assert [each.version for each in accepted.missing(stated("acme-1.0,acme-2.0"), texts)] == ["acme-2.0"]
    assert [each.id for each in accepted.missing(stated("acme-1.0,gemma"), texts)] == ["gemma"]
    assert accepted.missing(stated("other"), texts) == ()  # which says nothing


def test_it_holds_for_every_model_under_the_same_text(known: Licences, accepted: Acceptances, texts: Texts) -> None:
    kept = texts.keep("gemma", b"Gemma Terms of Use", "https://example.org/gemma")
    (line,) = accepted.accept(under(known, "gemma"), "gemma-3-1b", texts)
    assert (line.licence, line.model, line.text_sha256, line.alcove) == ("gemma", "gemma-3-1b", kept.sha256, __version__)
    assert line.user
    assert line.at.endswith("+00:00")
    assert accepted.missing(under(known, "gemma"), texts) == ()
    assert accepted.accept(under(known, "gemma"), "gemma-3-4b", texts) == ()
    assert [each.model for each in accepted.of(under(known, "gemma"), texts)] == ["gemma-3-1b"]
    assert [each.id for each in accepted.missing(under(known, "gemma", "llama3.1"), texts)] == ["llama3.1"]


def test_a_changed_text_asks_again(known: Licences, accepted: Acceptances, texts: Texts) -> None:
    texts.keep("gemma", b"Gemma Terms of Use", "https://example.org/gemma")
    accepted.accept(under(known, "gemma"), "gemma-3-1b", texts)
    texts.keep("gemma", b"Gemma Terms of Use, changed", "https://example.org/gemma")
    assert [each.id for each in accepted.missing(under(known, "gemma"), texts)] == ["gemma"]
    accepted.accept(under(known, "gemma"), "gemma-3-1b", texts)
    assert len(accepted.list()) == 2


def test_without_a_text_the_line_says_so_and_holds_for_this_version(known: Licences, accepted: Acceptances, texts: Texts) -> None:
    (line,) = accepted.accept(under(known, "llama3.1"), "llama-3.1-8b", texts)
    assert (line.text_sha256, line.version, line.url) == (None, known["llama3.1"].version, known["llama3.1"].url)
    assert b'"text_sha256":null' in (texts.folder.parent / "acceptances.jsonl").read_bytes()
    assert accepted.missing(under(known, "llama3.1"), texts) == ()
    texts.keep("llama3.1", b"LLAMA 3.1 COMMUNITY LICENSE", "https://example.org/l")  # now there is something to read
    assert accepted.missing(under(known, "llama3.1"), texts)


@pytest.mark.parametrize("broken", [b'{"licence": "gem', b"\xff\xfe\x00", b'{"licence": 3}', b"[]", NO_TIME])
def test_what_a_crash_leaves_of_a_line_hides_none_of_the_others(
    known: Licences, accepted: Acceptances, texts: Texts, broken: bytes
) -> None:
    accepted.accept(under(known, "gemma"), "a", texts)
    path = texts.folder.parent / "acceptances.jsonl"
    before = path.read_bytes() + broken
    path.write_bytes(before)
    accepted.accept(under(known, "llama3.1"), "b", texts)
    assert [each.model for each in accepted.list()] == ["a", "b"]
    assert path.read_bytes().startswith(before)  # nothing that is there is ever changed
    accepted.accept(under(known, "llama3.2"), "c", texts)
    assert [each.model for each in accepted.list()] == ["a", "b", "c"]


def test_only_the_person_reads_it_and_a_failure_is_told(known: Licences, accepted: Acceptances, texts: Texts) -> None:
    accepted.accept(under(known, "gemma"), "a", texts)
    path = texts.folder.parent / "acceptances.jsonl"
    assert path.stat().st_mode & 0o077 == 0
    path.unlink()
    path.mkdir()
    with pytest.raises(NotWritable):
        accepted.accept(under(known, "gemma"), "a", texts)
    assert accepted.missing(under(known, "gemma"), texts)


def test_the_account_is_the_systems_whatever_the_environment_says(
    known: Licences, accepted: Acceptances, texts: Texts, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("USER", "somebody-else")
    monkeypatch.setenv("LOGNAME", "somebody-else")
    (line,) = accepted.accept(under(known, "gemma"), "a", texts)
    assert line.user != "somebody-else"
