"""The report for support: secrets are planted wherever Alcove could keep or see one, and none is in it in any encoding."""

import base64
import getpass
import json
import logging
import re
import shutil
import socket
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_type_hints
from urllib.parse import quote

import pytest

from desktop import policy, support
from desktop.accuracy import Entry
from desktop.app import App
from desktop.cli.command import finish
from desktop.errors import EngineCrashed, NotWritable
from desktop.keychain import PROXY, TOKEN
from desktop.settings import Settings
from tests.gguf_files import llama
from tests.hub_server import HubServer

Run = Callable[..., tuple[int, Any, str]]

RULES = b'{"licences": [{"licence": "gemma", "decision": "approved", "text": "Approved.", "by": "Frau Doktor Anwalt"}]}'
SAID, TITLE, SYSTEM = "Rübenfest-4711", "Scheidung-Akte-88", "Anweisung-Zwölf"
OPENED, FOLDER = "befund-krause-2026", "mandant-schulze"
TOKENS = ("hf_Umgebung0815", "KeyringToken-0816", "ProxyPasswort-0817", "proxykennung-0818")
USER, WHOLE, COMPUTER = "amalie.weiss", "Amalie Weiss", "notebook-kanzlei-7"
PLANTED = (SAID, TITLE, SYSTEM, OPENED, FOLDER, *TOKENS, USER, WHOLE, COMPUTER, "Doktor Anwalt")


def in_every_encoding(words: str) -> Iterator[bytes]:
    """How these words could hide in a file: as letters of any width, escaped, quoted, in hex and in base64 at any place."""
    for lettering in ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "latin-1"):
        raw = words.encode(lettering)
        yield raw
        yield raw.hex().encode()
        for shift in range(3):
            cut = base64.b64encode(b"\0" * shift + raw)[4 * bool(shift) : -4]
            yield from (cut, cut.translate(bytes.maketrans(b"+/", b"-_")))
    yield json.dumps(words)[1:-1].encode()
    yield quote(words).encode()


def found_in(content: bytes) -> list[str]:
    """Which of the planted words are in these bytes."""
    lowered = content.lower()
    return [words for words in PLANTED if any(form.lower() in lowered for form in in_every_encoding(words))]


def test_the_search_finds_what_is_hidden() -> None:
    for hide in (str.encode, lambda w: base64.b64encode(f"xx{w}yy".encode()), lambda w: w.encode("utf-16-le")):
        assert found_in(hide(f"and so {SAID} is in it")) == [SAID]
    assert found_in(json.dumps({"x": SAID}).encode()) == [SAID]


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A person's folder on a computer, both with telling names, and Alcove's within."""
    own = tmp_path / USER
    own.mkdir()
    for name in ("USER", "LOGNAME", "USERNAME"):
        monkeypatch.setenv(name, USER)
    monkeypatch.setenv("HOME", str(own))
    monkeypatch.setenv("HF_TOKEN", TOKENS[0])
    monkeypatch.setattr(Path, "home", lambda: own)
    monkeypatch.setattr(getpass, "getuser", lambda: USER)
    monkeypatch.setattr(socket, "gethostname", lambda: COMPUTER)
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "policy.json").write_bytes(RULES)
    monkeypatch.setattr(policy, "POLICY", tmp_path / "etc")
    if sys.platform != "win32":
        monkeypatch.setattr("pwd.getpwuid", lambda uid: type("Entry", (), {"pw_gecos": f"{WHOLE},Zimmer 7"}), raising=False)
    return own / ".alcove"


def plant(app: App) -> None:
    """Leave something telling in every place that Alcove has."""
    store = app.conversations
    talk = store.create(TITLE, "guide")
    store.add(talk, "assistant", SYSTEM)
    store.add(talk, "user", SAID)
    app.keychain.keep(TOKEN, TOKENS[1])
    app.keychain.keep(PROXY, TOKENS[2])
    opened = llama(app.paths.home.parent / f"{OPENED}.gguf")
    model = app.library.link(opened)
    settings = app.settings
    settings.token_kept, settings.last_model, settings.proxy_user = True, model.id, TOKENS[3]
    settings.proxy = f"http://{TOKENS[3]}:{TOKENS[2]}@proxy.example:3128"
    settings.contexts, settings.goals, settings.thinking = {OPENED: 4096}, {OPENED: "long"}, {OPENED: True}
    shutil.copy(Path(__file__).parent / "localhost.pem", app.paths.home.parent / f"{FOLDER}.pem")
    settings.ca_file, settings.more_folders = str(app.paths.home.parent / f"{FOLDER}.pem"), [f"/srv/{FOLDER}"]
    settings.models_dir = str(app.paths.home.parent / FOLDER)
    app.save_settings()
    app.library.link(opened)  # into the list of the new folder, too
    (app.library.folder / FOLDER / "akten").mkdir(parents=True)
    shutil.copy(opened, app.library.folder / FOLDER / "akten" / f"{OPENED}-2.gguf")
    app.computer.record.add(Entry(model.id, 100, 110))
    app.engine.crashes.add(opened, EngineCrashed(code=-6, why=SAID))
    for purpose in (f"download {OPENED}.gguf", f"read the header of {OPENED}.gguf"):
        app.network.begin("huggingface.co", purpose).end(f"the proxy said no (http://{TOKENS[3]}:{TOKENS[2]}@proxy.example)")
    try:
        raise ValueError(f"{SAID} {TOKENS[1]}")
    except ValueError as error:
        logging.getLogger("desktop.test").error("a bug in %s of %s", app.paths.home, USER, exc_info=error)


def test_no_secret_is_in_the_report(home: Path, run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    from desktop import cli

    app = App.open(home)
    plant(app)
    app.close()
    assert cli.run(["chat", "guide", "-p", SAID, "--system", SYSTEM, "--max-tokens", "3", "--home", str(home)], lambda _: 9) == 0
    assert cli.run(["get", f"https://{TOKENS[3]}:{TOKENS[2]}@127.0.0.1:9/{OPENED}.gguf", "--home", str(home)], lambda _: 9) == 1
    file = home.parent / "report.zip"
    assert cli.run(["doctor", "--report", str(file), "--home", str(home)], lambda _: 9) == 0
    capsys.readouterr()
    with zipfile.ZipFile(file) as report:
        parts = {name: report.read(name) for name in report.namelist()}
    assert {name: found for name, content in parts.items() if (found := found_in(name.encode() + content))} == {}
    assert found_in(file.read_bytes()) == []

    log = parts["logs/alcove.log"].decode()
    assert "the engine opened guide" in log
    assert "ValueError" in log
    assert "refused: unreachable host=127.0.0.1" in log
    requests = [json.loads(line) for line in parts["logs/network.jsonl"].splitlines()]
    assert {each["purpose"] for each in requests} == {"download", "read the header", "look up"}
    models = json.loads(parts["models.json"])
    assert {each["name"] for each in models} == {"guide", "a file of the person's own"}
    assert json.loads(parts["policy.json"])["policy"]["licences"][0]["decision"] == "approved"
    assert json.loads(parts["crashes.json"]) == [{"model": "a file of the person's own", "times": 1}]
    assert json.loads(parts["estimates.json"])[0]["measured_bytes"] == 110
    settings = json.loads(parts["settings.json"])
    assert settings["proxy"] == settings["models_dir"] == "set"
    assert settings["contexts"] == 1
    assert json.loads(parts["doctor.json"])["network"]["proxy"].endswith("proxy.example:3128")


def test_a_private_repository_is_not_named(tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    model = llama(tmp_path / "model.gguf").read_bytes()
    with HubServer() as hub:
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        monkeypatch.setenv("HF_TOKEN", hub.token)
        hub.add("kanzlei/Weiss-GGUF", {"weiss-Q8_0.gguf": model}, private=True)
        hub.add("maker/Tiny-GGUF", {"tiny-Q8_0.gguf": model + bytes(32)})
        for reference in ("hf:kanzlei/Weiss-GGUF/weiss-Q8_0.gguf", "hf:maker/Tiny-GGUF/tiny-Q8_0.gguf"):
            assert run("get", reference)[0] == 0
    app = App.open(tmp_path / "home")
    app.settings.last_model = "hf:kanzlei/Weiss-GGUF/weiss-Q4_0.gguf"  # which is not here
    told = finish(support.gather(app))
    app.close()
    assert "hf:maker/Tiny-GGUF/tiny-Q8_0.gguf" in told["models.json"]
    assert "download of hf:maker/Tiny-GGUF" in told["logs/alcove.log"]
    assert not [name for name, text in told.items() if "weiss" in text.lower() or "kanzlei" in text.lower()]


def test_readme_names_all_that_is_in_it(tmp_path: Path) -> None:
    app = App.open(tmp_path / "home")
    app.network.begin("huggingface.co", "look up models").end()
    files = finish(support.gather(app))
    app.close()
    for name in files:
        assert name == "README.txt" or name in files["README.txt"] or name.startswith("logs/alcove.log")
    for name in [line.split()[0] for line in files["README.txt"].splitlines() if re.match("  [a-z]", line)]:
        assert name in files or name == "logs/"


def test_settings_of_tomorrow_are_not_told_by_accident() -> None:
    """Of texts and lists only that they are there: a field that is added is private until somebody says otherwise."""
    for name, hint in get_type_hints(Settings).items():
        if hint in (str, list[str]) and name not in support.PUBLIC:
            assert support._setting(name, "secret" if hint is str else ["secret"], hint) in ("set", 1)


def test_json_says_where_it_is(tmp_path: Path, run: Run) -> None:
    status, told, _ = run("doctor", "--report", str(tmp_path / "r.zip"))
    assert status == 0
    assert told["path"] == str(tmp_path / "r.zip")
    assert "README.txt" in told["files"]


def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, run: Run) -> None:
    status, told, _ = run("doctor", "--report", str(tmp_path / "nowhere" / "r.zip"))
    assert (status, told["error"]["kind"]) == (1, "not_writable")
    (tmp_path / "r.zip").mkdir()
    with pytest.raises(NotWritable):
        support.save({"a": "b"}, tmp_path / "r.zip")
    assert [each.name for each in tmp_path.iterdir() if each.suffix == ".new"] == []
