"""What the person chose about the network, followed at once and at the next start: token, proxy, certificates, allowed hosts."""

from contextlib import closing
from pathlib import Path

import keyring
import pytest

from desktop.app import App
from desktop.errors import Forbidden, NoCertificate
from desktop.keychain import PROXY
from tests.keyrings import InMemory, Locked

CERTIFICATE = Path(__file__).with_name("localhost.pem")


def test_the_token_is_kept_in_the_keyring_and_in_no_file(tmp_path: Path, system_keyring: InMemory) -> None:
    with closing(App.open(tmp_path)) as app:
        assert app.token_from == "none"
        assert app.keep_token("hf_secret")
        app.settings.token_kept = True
        app.save_settings()
    with closing(App.open(tmp_path)) as app:
        assert (app.token_from, app.hub.token) == ("keyring", "hf_secret")
        app.forget_token()
        app.settings.token_kept = False
        assert (app.token_from, app.hub.token, system_keyring.kept) == ("none", None, {})
    written = b"".join(path.read_bytes() for path in tmp_path.rglob("*") if path.is_file())
    assert b"hf_secret" not in written


def test_the_token_of_the_environment_goes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with closing(App.open(tmp_path)) as app:
        app.keep_token("hf_secret")
        app.settings.token_kept = True
        app.save_settings()
    monkeypatch.setenv("HF_TOKEN", "hf_environment")
    with closing(App.open(tmp_path)) as app:
        assert (app.token_from, app.hub.token) == ("environment", "hf_environment")


def test_without_a_keyring_the_token_lasts_until_the_end(tmp_path: Path) -> None:
    keyring.set_keyring(Locked())
    with closing(App.open(tmp_path)) as app:
        assert not app.keep_token("hf_secret")
        assert (app.token_from, app.hub.token) == ("session", "hf_secret")


def test_a_proxy_that_was_chosen_gets_its_password_from_the_keyring(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://other.example:1")
    monkeypatch.setenv("no_proxy", "inside.example")
    with closing(App.open(tmp_path)) as app:
        asked = app.network.proxy_for
        assert asked("https://huggingface.co/x") == "http://other.example:1"
        app.settings.proxy, app.settings.proxy_user = "proxy.example:3128", "me@work"
        app.keychain.keep(PROXY, "p:/@ss")
        assert asked("https://huggingface.co/x") == "http://me%40work:p%3A%2F%40ss@proxy.example:3128"
        assert asked("https://hub.inside.example/x") is None
        app.settings.proxy = "none"
        assert asked("https://huggingface.co/x") is None


def test_allowed_hosts_hold_at_once(tmp_path: Path) -> None:
    with closing(App.open(tmp_path)) as app:
        app.settings.allowed_hosts = ["mirror.example"]
        app.save_settings()
        with pytest.raises(Forbidden, match="only to mirror.example"):
            list(app.hub.search("qwen"))


def test_a_certificate_is_trusted_at_once_and_a_bad_file_changes_nothing(tmp_path: Path) -> None:
    with closing(App.open(tmp_path)) as app:
        before = app.network.certificates()
        (tmp_path / "no.pem").write_text("nothing")
        with pytest.raises(NoCertificate):
            app.trust(str(tmp_path / "no.pem"))
        assert (app.settings.ca_file, app.network.certificates()) == ("", before)
        app.trust(str(CERTIFICATE))
        assert app.network.certificates() is not before
    with closing(App.open(tmp_path)) as app:
        assert app.settings.ca_file == str(CERTIFICATE)
