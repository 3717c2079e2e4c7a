"""What comes before a download, opening and passing on, at the command line: acceptance and what the organisation decided."""

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from desktop import cli, policy
from desktop.app import App
from desktop.cli.command import finish
from desktop.targets import Target
from tests import gguf_files
from tests.hub_server import HubServer

Run = Callable[..., tuple[int, Any, str]]
FILE = "hf:maker/small-GGUF/small-Q8_0.gguf"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[HubServer]:
    """Has one model under Gemma's terms, in two parts."""
    whole = gguf_files.llama(tmp_path / "whole.gguf", metadata={"general.license": "gemma"}).read_bytes()
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        server.add("maker/small-GGUF", {"small-Q8_0.gguf": whole}, license="gemma")
        yield server


@pytest.fixture
def decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[object], None]:
    """Puts a policy where the tests have theirs; no option and no variable could."""
    monkeypatch.setattr(policy, "POLICY", tmp_path / "etc")

    def decide(content: object) -> None:
        (tmp_path / "etc").mkdir(exist_ok=True)
        (tmp_path / "etc" / "policy.json").write_text(json.dumps(content))

    return decide


def lines(tmp_path: Path) -> list[dict[str, Any]]:
    path = tmp_path / "home" / "acceptances.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def asked(hub: HubServer) -> list[str]:
    """The files of which bytes were asked for."""
    return [request.path for request in hub.requests if ".gguf" in request.path]


def test_nothing_of_a_model_comes_before_its_licence_is_accepted(run: Run, hub: HubServer, tmp_path: Path) -> None:
    status, told, err = run("get", FILE)
    assert status == 1
    assert told["error"]["kind"] == "not_accepted"
    assert (told["error"]["licence"], told["error"]["reference"]) == ("gemma", FILE)
    assert f"alcove get {FILE} --accept-licence" in err
    assert "Gemma Terms of Use" in err
    assert asked(hub) == []
    assert lines(tmp_path) == []
    assert run("get", FILE, "--accept-licence")[0] == 0
    (line,) = lines(tmp_path)
    assert (line["licence"], line["model"], line["text_sha256"]) == ("gemma", FILE, None)
    assert {"user", "at", "alcove", "version", "url"} <= set(line)
    hub.add("maker/other-GGUF", {"other-Q8_0.gguf": b"GGUF"}, license="gemma")
    assert run("get", "hf:maker/other-GGUF/other-Q8_0.gguf")[0] == 0  # once per text


def test_a_question_on_a_terminal_is_answered_by_hand(hub: HubServer, tmp_path: Path) -> None:
    """In a real terminal: no and nothing happens, yes and it comes."""

    def answer(letter: bytes) -> tuple[int, str]:
        ours, theirs = pty.openpty()
        command = [sys.executable, "-m", "desktop", "get", FILE, "--home", str(tmp_path / "home")]
        process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        os.write(ours, letter + b"\n")
        said = b""
        try:
            while piece := os.read(ours, 65536):
                said += piece
        except OSError:  # that is how a terminal ends on Linux
            pass
        os.close(ours)
        return process.wait(), said.decode()

    status, said = answer(b"n")
    assert status == 1
    assert "May I use it at work?" in said
    assert "Do you accept the Gemma Terms of Use" in said
    assert lines(tmp_path) == []
    status, said = answer(b"y")
    assert status == 0
    assert [line["licence"] for line in lines(tmp_path)] == ["gemma"]


def test_what_is_denied_is_neither_fetched_nor_opened_and_tells_why(
    run: Run, hub: HubServer, tmp_path: Path, decide: Callable[[object], None]
) -> None:
    assert run("get", FILE, "--accept-licence")[0] == 0
    decide({"models": {"deny": [{"licence": "gemma", "reason": "Legal has not read it."}]}})
    status, told, err = run("chat", "small-Q8_0", "-p", "Hello")
    assert (status, told["error"]["kind"]) == (1, "not_allowed")
    assert "Legal has not read it." in err
    assert str(tmp_path / "etc" / "policy.json") in err
    run("remove", "small-Q8_0", "--now")
    hub.requests.clear()
    status, told, _ = run("get", FILE)
    assert (status, told["error"]["kind"], asked(hub)) == (1, "not_allowed", [])


def test_what_the_organisation_approved_counts_as_accepted_and_is_recorded_so(
    run: Run, hub: HubServer, tmp_path: Path, decide: Callable[[object], None]
) -> None:
    decide({"licences": [{"licence": "gemma", "decision": "approved", "text": "Legal approved Gemma on 2026-03-01."}]})
    assert run("get", FILE)[0] == 0
    (line,) = lines(tmp_path)
    assert (line["through"], line["words"]) == ("organisation", "Legal approved Gemma on 2026-03-01.")


def test_a_broken_policy_allows_nothing_but_the_guide(
    run: Run, hub: HubServer, tmp_path: Path, decide: Callable[[object], None]
) -> None:
    decide({"models": {"deny": "everything"}})
    status, told, _ = run("get", FILE, "--accept-licence")
    assert (status, told["error"]["kind"]) == (1, "not_allowed")
    assert run("policy", "show")[0] == 1
    assert run("chat", "guide", "-p", "Hello", "--max-tokens", "1")[0] == 0


def test_policy_show_and_check(run: Run, tmp_path: Path, decide: Callable[[object], None]) -> None:
    _, told, _ = run("policy", "show")
    held = told.pop("values")
    assert told == {
        "policy": {"locked": {}, "defaults": {}, "models": {"allow": [], "deny": []}, "licences": []},
        "sources": [],
        "problems": [],
    }
    assert {"key": "offline", "value": False, "from": "built in", "locked": False} in held
    decide({"models": {"deny": [{"maker": "Meta"}]}})
    status, told, _ = run("policy", "show")
    assert (status, told["policy"]["models"]["deny"]) == (0, [{"maker": "Meta"}])
    assert told["sources"] == [str(tmp_path / "etc" / "policy.json")]
    decide({"locked": {"offline": True}})
    place = str(tmp_path / "etc" / "policy.json")
    assert {"key": "offline", "value": True, "from": place, "locked": True} in run("policy", "show")[1]["values"]
    new = tmp_path / "new.json"
    new.write_text('{"models": {"deny": [{"licence": "lama3"}]}}')
    status, told, _ = run("policy", "check", str(new))
    assert (status, len(told["problems"])) == (1, 1)
    new.write_text('{"modells": {}}')
    status, told, _ = run("policy", "check", str(new))
    assert (status, told["error"]["kind"]) == (1, "corrupt")
    assert run("policy", "check", str(tmp_path / "none.json"))[1]["error"]["kind"] == "not_found"


def test_searches_and_suggestions_know_what_is_not_allowed(
    run: Run, hub: HubServer, tmp_path: Path, decide: Callable[[object], None], capsys: pytest.CaptureFixture[str]
) -> None:
    decide({"models": {"deny": [{"licence": "gemma", "reason": "Legal has not read it."}]}})
    _, found, _ = run("search", "small")
    assert found["models"][0]["refusal"].endswith("Legal has not read it.")
    _, told, _ = run("suggest", "--all")
    refused = [offer for offer in told["offers"] if not offer["allowed"]]
    assert refused
    assert {offer["licence"] for offer in refused} == {"gemma"}
    assert not any(offer["role"] for offer in refused)
    own = gguf_files.llama(tmp_path / "own.gguf", metadata={"general.license": "gemma"})
    assert cli.run(["adopt", str(own), "--home", str(tmp_path / "home")], lambda home: 99) == 0
    assert "may not be used. Your organisation does not allow" in capsys.readouterr().out
    decide({"models": {"deny": [{"licence": "gemmma"}]}})
    app = App.open(tmp_path / "home")
    assert any("gemmma" in problem["what"] for problem in app.problems(app.computer.hardware()))  # which doctor tells
    app.close()


def test_the_text_that_was_shown_is_what_is_accepted(run: Run, hub: HubServer, tmp_path: Path) -> None:
    app = App.open(tmp_path / "home")
    terms = finish(app.rights.terms(FILE))
    app.texts.keep("gemma", b"Another text, that came in between", "https://example.org/gemma")
    app.consent.accept(terms)
    app.close()
    assert [line["text_sha256"] for line in lines(tmp_path)] == [None]
    assert run("get", FILE)[1]["error"]["kind"] == "not_accepted"
    told = run("licence", "gemma")[1]
    assert Path(told["text_path"]).read_text() == "Another text, that came in between"
    assert told["accepted"] == []


def test_an_address_and_a_file_name_what_is_denied(hub: HubServer, tmp_path: Path, decide: Callable[[object], None]) -> None:
    decide({"models": {"deny": [{"repository": "meta-llama/*"}, {"maker": "Mistral AI"}]}})
    app = App.open(tmp_path / "home")

    def refused(target: Target) -> bool:
        return app.consent.refusal(target, app.licences.describe("mit"), app.catalogue) is not None

    assert refused(Target("x", "x", url="https://mirror.example/meta-llama/Nova/resolve/main/x.gguf"))
    assert not refused(Target("x", "x", url="https://mirror.example/someone/Nova/resolve/main/x.gguf"))
    base = "general.base_model"
    by_name = {f"{base}.count": 1, f"{base}.0.name": "Nova", f"{base}.0.organization": "meta-llama"}
    for told in (by_name, {f"{base}.0.author": "Mistral AI"}):
        assert refused(Target("x", "x", path=gguf_files.llama(tmp_path / "x.gguf", metadata=told)))
    app.close()
