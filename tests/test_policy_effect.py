"""What an organisation decides holds: over the person's settings, the environment, options, and what the code itself sets."""

import json
import os
import ssl
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from desktop import cli, editions, paths, policy, record, settings, support
from desktop.app import App
from desktop.conversations import Conversations
from desktop.engine import states
from desktop.errors import Forbidden, KeptOffline, NotWritable, Unreachable
from desktop.hardware import Hardware
from desktop.settings import Decided, Settings
from tests import gguf_files
from tests.test_network import replying, serving

Decide = Callable[[object], None]
Run = Callable[..., tuple[int, Any, str]]


@pytest.fixture
def decide(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Decide:
    """Puts a policy where the tests have theirs; no option and no variable could."""
    monkeypatch.setattr(policy, "POLICY", tmp_path / "etc")
    (tmp_path / "etc").mkdir()

    def put(content: object) -> None:
        (tmp_path / "etc" / "policy.json").write_text(content if isinstance(content, str) else json.dumps(content))

    return put


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


def kept(home: Path) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((home / "settings.json").read_text())
    return found


def test_rules_that_cannot_be_read_are_an_error_in_the_log(decide: Decide, home: Path) -> None:
    decide('{"offline')
    App.open(home).close()
    (line,) = [line for line in (home / "logs" / "alcove.log").read_text().splitlines() if " ERROR " in line]
    assert line.endswith("policy.json is damaged: it ends too early.")


# --- settings -------------------------------------------------------------------------------------------------------------------


def test_locked_over_chosen_over_proposed_over_built_in(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"theme": "light", "when_full": "forget"}')
    decided = Decided({"theme": "dark"}, {"when_full": "summarise", "on_close": "stop", "more_folders": ["/srv"]})
    held = settings.load(path, decided)
    assert (held.theme, held.when_full, held.on_close, held.more_folders) == ("dark", "forget", "stop", ["/srv"])
    assert held.text_scale == Settings().text_scale


def test_only_what_the_person_chose_is_written(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    decided = Decided({"offline": True}, {"theme": "dark", "more_folders": ["/srv"]})
    held = settings.load(path, decided)
    settings.save(held, path, decided)
    assert json.loads(path.read_text()) == {}
    held.text_scale = 1.25
    held.offline = False
    held.more_folders.append("/mine")
    settings.save(held, path, decided)
    assert json.loads(path.read_text()) == {"text_scale": 1.25, "more_folders": ["/srv", "/mine"]}
    assert decided.defaults["more_folders"] == ["/srv"]


def test_a_choice_that_is_taken_back_stays_a_choice(tmp_path: Path) -> None:
    path, decided = tmp_path / "settings.json", Decided({}, {"theme": "dark"})
    held = settings.load(path, decided)
    held.theme = "light"
    settings.save(held, path, decided)
    held.theme = "dark"
    settings.save(held, path, decided)
    assert settings.load(path).theme == "dark"  # also where nobody proposes it any more


def test_without_the_policy_the_persons_choice_is_back(decide: Decide, home: Path) -> None:
    with closing(App.open(home)) as app:
        app.settings.models_dir, app.settings.theme = str(home / "mine"), "light"
        app.save_settings()
    decide({"locked": {"models_dir": str(home / "theirs"), "theme": "dark"}})
    with closing(App.open(home)) as app:
        assert (app.library.folder, app.settings.theme) == (home / "theirs", "dark")
        app.settings.text_scale = 1.5
        app.save_settings()
    assert kept(home) == {"models_dir": str(home / "mine"), "theme": "light", "text_scale": 1.5}
    decide({})
    with closing(App.open(home)) as app:
        assert (app.library.folder, app.settings.theme, app.settings.text_scale) == (home / "mine", "light", 1.5)


def test_rules_that_change_meanwhile_hold_at_once_and_take_nothing_away(decide: Decide, home: Path, tmp_path: Path) -> None:
    decide({"locked": {"theme": "dark", "sleep_after_min": 10}, "defaults": {"on_close": "stop"}})
    home.mkdir()
    (home / "settings.json").write_text('{"theme": "light", "text_scale": 1.25}')
    app = App.open(home)
    app.library.link(gguf_files.llama(tmp_path / "llama.gguf", metadata={"general.license": "llama3.1"}))
    (llama,) = (model for model in app.library.list() if model.origin == "linked")
    assert not app.rights.denies(llama)
    decide({"locked": {"offline": True, "text_scale": 1.0}, "models": {"deny": [{"licence": "llama*"}]}, "pictures": False})
    app.follow(policy.read())
    assert app.rights.denies(llama)
    assert (app.network.offline, app.network.kept_offline, app.estimates.pictures) == (True, True, False)
    assert (app.settings.theme, app.settings.sleep_after_min, app.settings.on_close) == ("light", 30, "ask")  # the person's again
    assert support._policy(app)["changed_since_start"]
    app.save_settings()
    assert kept(home) == {"theme": "light", "text_scale": 1.25}
    decide({})
    app.follow(policy.read())
    assert (app.network.offline, app.settings.text_scale, app.rights.denies(llama)) == (False, 1.25, False)
    app.close()
    assert (home / "logs" / "alcove.log").read_text().count("the organisation has changed its rules") == 2


def test_where_settings_cannot_be_read_changed_rules_hold_all_the_same(
    decide: Decide, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = App.open(home)
    decide({"locked": {"offline": True}})

    def refuse(*_: object) -> None:
        raise NotWritable(path=str(home))

    with monkeypatch.context() as patched:
        patched.setattr(settings, "load", refuse)
        app.follow(policy.read())
    assert app.network.offline
    app.close()


def test_code_that_changes_what_is_locked_changes_nothing(decide: Decide, home: Path) -> None:
    decide({"locked": {"offline": True, "allowed_hosts": ["a.example"], "speed_limit": 1000}})
    with closing(App.open(home)) as app:
        app.settings.offline, app.settings.speed_limit = False, 0
        app.settings.allowed_hosts.append("evil.example")
        app.save_settings()
        assert (app.settings.offline, app.network.offline, app.limit.bytes_per_s) == (True, True, 1000)
        assert app.network.allowed_hosts == ["a.example"]
        with pytest.raises(KeptOffline, match="Your organisation keeps Alcove offline"):
            list(app.hub.search("qwen"))


# --- the environment and options ------------------------------------------------------------------------------------------------


def test_the_environment_lifts_nothing(decide: Decide, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decide({"locked": {"hub_endpoint": "https://mirror.example", "proxy": "http://proxy.example:3128", "offline": False}})
    for name, value in {
        "HF_ENDPOINT": "https://evil.example",
        "HTTPS_PROXY": "http://evil.example:1",
        "https_proxy": "http://evil.example:1",
        "NO_PROXY": "*",
        "no_proxy": "*",
    }.items():
        monkeypatch.setenv(name, value)
    with closing(App.open(home)) as app:
        assert app.hub.endpoint == "https://mirror.example"
        assert app.network.proxy_for("https://mirror.example/x") == "http://proxy.example:3128"
    decide({"locked": {"hub_endpoint": "", "proxy": "none"}})
    with closing(App.open(home)) as app:
        assert app.hub.endpoint == "https://huggingface.co"
        assert app.network.proxy_for("https://huggingface.co/x") is None


def test_the_exceptions_of_the_environment_hold_for_a_proxy_of_the_persons(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "inside.example")
    with closing(App.open(home)) as app:
        app.settings.proxy = "http://proxy.example:3128"
        assert app.network.proxy_for("https://hub.inside.example/x") is None


def test_certificates_of_the_environment_do_not_count_beside_a_locked_file(
    decide: Decide, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = Path(__file__).with_name("localhost.pem")
    monkeypatch.setenv("SSL_CERT_FILE", str(own))
    monkeypatch.setenv("SSL_CERT_DIR", str(own.parent))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(own)
    with serving(replying(200, {}, []), context) as server:
        address = f"https://localhost:{server.server_port}/"
        with closing(App.open(home)) as app, app.network.client("look") as client:
            assert client.get(address).status_code == 200
        decide({"locked": {"ca_file": ""}})
        with (
            closing(App.open(home)) as app,
            app.network.client("look") as client,
            pytest.raises(Unreachable, match="certificate"),
        ):
            client.get(address)


def test_no_variable_leads_to_other_folders_of_all_users() -> None:
    names = ("XDG_DATA_DIRS", "WIN_PD_OVERRIDE_COMMON_APPDATA", "HOME", "HOMEBREW_PREFIX")
    variables = dict.fromkeys(names, os.path.abspath("/mine"))
    ask = "from desktop.paths import OF_ALL_USERS; print(OF_ALL_USERS)"
    told = subprocess.run(
        [sys.executable, "-c", ask], env={**os.environ, **variables}, capture_output=True, text=True, check=True
    ).stdout
    assert told.strip() == str(paths.OF_ALL_USERS)
    assert "mine" not in told


def test_another_home_is_under_the_same_rules(decide: Decide, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    decide({"locked": {"offline": True}})
    for name in ("one", "two"):
        other = tmp_path / name
        other.mkdir()
        (other / "settings.json").write_text('{"offline": false}')
        (other / "policy.json").write_text('{"locked": {"offline": false}}')
        assert cli.run(["search", "qwen", "--json", "--home", str(other)], lambda home: 99) == 1
        assert json.loads(capsys.readouterr().out)["error"]["kind"] == "kept_offline"


def test_rules_that_cannot_be_read_keep_every_command_offline(
    decide: Decide, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decide("{")
    monkeypatch.setenv("HF_ENDPOINT", "https://mirror.example")
    assert run("search", "qwen")[1]["error"]["kind"] == "kept_offline"
    status, told, _ = run("policy", "show")
    assert (status, told["sources"]) == (1, [])
    (problem,) = told["problems"]
    assert {"key": "offline", "value": True, "from": problem, "locked": True} in told["values"]
    monkeypatch.setattr("desktop.problems.find", lambda *_: [])  # what else is wrong here
    with closing(App.open(tmp_path / "home")) as app:
        (told,) = app.problems(cast(Hardware, None))
        assert told["what"] == problem
        assert "alcove policy check" in told["fix"]


def test_commands_do_not_change_what_is_locked(decide: Decide, run: Run, tmp_path: Path) -> None:
    decide({"locked": {"models_dir": str(tmp_path / "m"), "ca_file": ""}, "catalogue_updates": False, "pictures": False})
    for command in (("move", str(tmp_path / "n")), ("catalogue", "update"), ("chat", "guide", "-p", "x", "--image", "p.png")):
        status, told, _ = run(*command)
        assert (status, told["error"]["kind"]) == (1, "forbidden"), command
    assert not (tmp_path / "n").exists()
    with closing(App.open(tmp_path / "home")) as app, pytest.raises(Forbidden, match="your organisation has set it"):
        app.trust(str(Path(__file__).with_name("localhost.pem")))


def test_an_option_does_not_change_what_becomes_of_a_long_talk(decide: Decide, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    class Talk:
        def __init__(self, app: App, options: object, system: str, when_full: str, pictures: object) -> None:
            asked.append(when_full)
            raise Forbidden(what="More", rule="this is enough")

    monkeypatch.setattr("desktop.cli.talk._Talk", Talk)
    for locked in ({}, {"when_full": "summarise"}):
        decide({"locked": locked})
        run("chat", "guide", "-p", "x", "--when-full", "forget")
    assert asked == ["forget", "summarise"]


def test_the_schema_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.run(["policy", "schema"], lambda home: 99) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(policy.json_schema()))


# --- what a person can put on the disk ------------------------------------------------------------------------------------------


def test_a_move_that_only_the_persons_file_tells_of_adds_no_folder(decide: Decide, home: Path, tmp_path: Path) -> None:
    home.mkdir()
    (home / "settings.json").write_text(json.dumps({"moving_from": str(tmp_path / "own"), "more_folders": ["/mine"]}))
    with closing(App.open(home)) as app:
        assert app.library.more == (Path("/mine"), tmp_path / "own")
    decide({"locked": {"models_dir": str(tmp_path / "theirs"), "more_folders": ["/srv"]}})
    with closing(App.open(home)) as app:
        assert app.library.more == (Path("/srv"),)
        app.save_settings()
    assert kept(home) == {"moving_from": str(tmp_path / "own"), "more_folders": ["/mine"]}


@pytest.mark.parametrize("rule", [{"maker": "Qwen"}, {"repository": "Qwen/*"}, {"family": "Qwen*"}])
def test_the_name_of_a_folder_allows_no_model(rule: object, decide: Decide, home: Path, tmp_path: Path) -> None:
    """A file that somebody put into the folder of an allowed one, or linked from such a folder; and one that was fetched."""
    place = home / "models" / "Qwen" / "Qwen3-8B-GGUF" / "Qwen3-8B-Q8_0.gguf"
    elsewhere = tmp_path / "Qwen" / "Qwen3-8B-GGUF" / "Qwen3-8B-Q8_0.gguf"
    for each in (place, elsewhere):
        each.parent.mkdir(parents=True)
        gguf_files.llama(each, metadata={"general.license": "llama3.1", "general.organization": "Meta"})
    decide({"models": {"allow": [rule]}})
    with closing(App.open(home)) as app:
        app.library.link(elsewhere, record.Provenance(repo="Qwen/Qwen3-8B-GGUF", file=elsewhere.name))
        placed, linked = (each for each in app.library.list() if each.origin != "guide")
        assert (placed.repo, linked.repo) == ("Qwen/Qwen3-8B-GGUF",) * 2
        for reference in (placed.id, linked.id, "hf:Qwen/Qwen3-8B-GGUF/Qwen3-8B-Q8_0.gguf", str(place)):
            assert "allows only" in app.rights.refusal(app.targets.of(reference)), reference
        fetched = record.Provenance(fetched="2026-01-01T00:00:00+00:00", size_bytes=place.stat().st_size)
        record.write(record.beside(place), fetched)
        assert not app.rights.refusal(app.targets.of(placed.id))
        with place.open("ab") as file:
            file.write(b"another model")
        assert app.rights.refusal(app.targets.of(placed.id))


@pytest.mark.skipif(os.name != "posix", reason="files of Windows have no owners that Python knows")
def test_a_folder_for_all_that_is_the_persons_own_allows_no_model(
    decide: Decide, home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder from which one has taken one's own right to write is one of others by no means."""
    place = tmp_path / "own" / "Qwen" / "Qwen3-8B-GGUF" / "Qwen3-8B-Q8_0.gguf"
    place.parent.mkdir(parents=True)
    gguf_files.llama(place, metadata={"general.license": "llama3.1"})
    if os.geteuid() == 0:
        os.chown(place.parent, 1000, 1000)
    decide({"models": {"allow": [{"maker": "Qwen"}]}, "shared_folders": [str(tmp_path / "own")]})
    with closing(App.open(home)) as app:
        monkeypatch.setattr("desktop.targets.os.geteuid", lambda: place.parent.stat().st_uid)
        shared = next(each for each in app.library.list() if each.origin == "shared")
        assert app.rights.refusal(app.targets.of(shared.id))
        monkeypatch.setattr("desktop.targets.os.geteuid", lambda: 4321)
        monkeypatch.setattr("desktop.targets.os.access", lambda path, mode: False)
        assert not app.rights.refusal(app.targets.of(shared.id))


@pytest.mark.parametrize("part", ["locked", "defaults"])
def test_a_list_of_models_that_the_person_signed_does_not_say_what_is_allowed(part: str, decide: Decide, home: Path) -> None:
    listed = json.loads(paths.resource("catalogue.json").read_text()) | {"date": "2999-01-01"}
    with closing(App.open(home)) as app:
        app.paths.catalogue.mkdir()
        file = app.paths.catalogue / editions.NAME
        file.write_text(json.dumps(listed))
        key = editions.sign(file, home / "key")
        app.settings.catalogue_keys = [key]
        app.save_settings()
    with closing(App.open(home)) as app:
        assert app.catalogue.date == "2999-01-01"
    decide({"models": {"allow": [{"openness": "free"}]}})
    with closing(App.open(home)) as app:
        assert app.catalogue.date != "2999-01-01"
        assert any("no key that is trusted" in str(each) for each in app.edition.refused)
    decide({"models": {"allow": [{"openness": "free"}]}, part: {"catalogue_keys": [key]}})
    with closing(App.open(home)) as app:
        assert app.catalogue.date == "2999-01-01"


# --- folders, pictures ----------------------------------------------------------------------------------------------------------


def test_folders_for_all_are_read(decide: Decide, tmp_path: Path, home: Path) -> None:
    decide({"shared_folders": [str(tmp_path / "shared")]})
    with closing(App.open(home)) as app:
        assert tmp_path / "shared" in app.library.shared


def test_without_pictures_no_model_gets_eyes(decide: Decide, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("desktop.projector.beside", lambda path, header: "eyes")
    with closing(App.open(home)) as app:
        assert app.estimates.eyes(app.targets.of("guide")) == "eyes"
    decide({"pictures": False})
    with closing(App.open(home)) as app:
        assert app.estimates.eyes(app.targets.of("guide")) is None


# --- how long conversations are kept --------------------------------------------------------------------------------------------


def said(home: Path, days_ago: float, words: str) -> int:
    """A conversation that was last used so long ago."""
    store = Conversations(home / "conversations.sqlite")
    id = store.create(words, "guide")
    store.add(id, "user", words)
    when = (datetime.now(UTC) - timedelta(days=days_ago)).isoformat(timespec="microseconds")
    store._db.execute("UPDATE conversations SET updated = ? WHERE id = ?", (when, id))
    store.close()
    return id


def test_what_is_older_is_deleted_for_good_and_nothing_newer(decide: Decide, home: Path) -> None:
    decide({"retention_days": 30})
    with closing(App.open(home)) as app:
        folder = app.paths.states
    old, new = said(home, 30.01, "the secret of Zanzibar"), said(home, 29.99, "a newer question")
    folder.mkdir(exist_ok=True)
    state = states.States(folder, 1 << 20, "key")._path(str(old))
    state.write_bytes(b"what a model has read")
    with closing(App.open(home)) as app:
        assert [each.id for each in app.conversations.list()] == [new]
        assert app.conversations.search("Zanzibar") == ()
        assert app.expire() == ()
    assert not state.exists()
    assert b"Zanzibar" not in (home / "conversations.sqlite").read_bytes()


def test_what_becomes_too_old_while_alcove_runs_goes_too(decide: Decide, home: Path) -> None:
    decide({"retention_days": 30})
    with closing(App.open(home)) as app:
        id = app.conversations.create("x", "guide")
        assert app.expire() == ()
        app.conversations._db.execute("UPDATE conversations SET updated = '2020-01-01T00:00:00.000000+00:00'")
        app.paths.states.mkdir(exist_ok=True)
        state = states.States(app.paths.states, 1 << 20, "key")._path(str(id))
        state.write_bytes(b"what a model has read")
        assert app.expire() == (id,)
        assert not state.exists()


@pytest.mark.parametrize("content", [{}, "{"])
def test_nothing_is_deleted_where_nobody_said_so(content: object, decide: Decide, home: Path) -> None:
    with closing(App.open(home)):
        pass
    said(home, 3000, "long ago")
    decide(content)
    with closing(App.open(home)) as app:
        assert app.expire() == ()
        assert len(app.conversations.list()) == 1


def test_what_models_have_read_goes_when_it_is_not_to_be_kept(decide: Decide, home: Path) -> None:
    with closing(App.open(home)) as app:
        folder = app.paths.states
    folder.mkdir(exist_ok=True)
    state = states.States(folder, 1 << 20, "key")._path("1")
    state.write_bytes(b"x")
    decide({"locked": {"keep_ready": False}})
    with closing(App.open(home)):
        assert not state.exists()
