"""The network's part of Settings: the card alone, and the program that carries out what it asks for."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import keyring
import pytest
from PySide6.QtWidgets import QLabel, QWidget
from pytestqt.qtbot import QtBot

from desktop.errors import Offline
from desktop.keychain import PROXY, TOKEN
from desktop.settings import Settings
from desktop.ui.network_settings import NetworkSettings
from desktop.ui.program import Program
from tests.hub_server import Fault, HubServer
from tests.keyrings import InMemory, Locked

CERTIFICATE = Path(__file__).parent.parent / "localhost.pem"


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


@pytest.fixture
def settings() -> Settings:
    return Settings()


@pytest.fixture
def card(qtbot: QtBot, settings: Settings) -> NetworkSettings:
    card = NetworkSettings(settings, "hub.example")
    qtbot.addWidget(card)
    card.resize(900, 700)
    card.show()
    return card


@pytest.fixture
def program(hub: HubServer, open_program: Callable[[], Program]) -> Program:
    program = open_program()
    program.window.show_page("settings")
    return program


def words(widget: QWidget) -> str:
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))


# --- proxy ----------------------------------------------------------------------------------------------------------------------


def test_the_proxy_is_the_systems_none_or_one_of_the_persons(card: NetworkSettings, settings: Settings, qtbot: QtBot) -> None:
    proxy = card.proxy
    assert not proxy.address.isVisible()
    with qtbot.waitSignal(card.changed) as changed:
        proxy.choice.choose(1)
    assert (changed.args, settings.proxy) == (["proxy"], "none")
    with qtbot.assertNotEmitted(card.changed):
        proxy.choice.choose(2)
    assert proxy.address.isVisible()
    proxy.address.setText(" proxy.example:3128 ")
    proxy.user.setText("me")
    proxy.password.setText("secret")
    with qtbot.waitSignals([card.proxy_password_entered, card.changed]):
        proxy.use.click()
    assert (settings.proxy, settings.proxy_user) == ("http://proxy.example:3128", "me")
    assert proxy.password.text() == ""
    assert "secret" not in repr(settings)
    with qtbot.waitSignal(card.changed):
        proxy.choice.choose(0)
    assert settings.proxy == ""


@pytest.mark.parametrize("address", ["", "proxy.example:port", "http://me:secret@proxy.example", "socks5://proxy.example"])
def test_what_is_no_proxy_is_refused(card: NetworkSettings, settings: Settings, qtbot: QtBot, address: str) -> None:
    card.proxy.choice.choose(2)
    card.proxy.address.setText(address)
    with qtbot.assertNotEmitted(card.changed):
        card.proxy.use.click()
    assert settings.proxy == ""
    assert "This is no address of a proxy" in words(card)


def test_a_proxy_that_was_chosen_is_shown_again(qtbot: QtBot) -> None:
    card = NetworkSettings(Settings(proxy="http://proxy.example:3128", proxy_user="me"), "hub.example")
    qtbot.addWidget(card)
    assert (card.proxy.choice.current(), card.proxy.address.text(), card.proxy.user.text()) == (
        2,
        "http://proxy.example:3128",
        "me",
    )


@pytest.mark.parametrize(("backend", "said"), [(InMemory, "is kept in this computer's keyring"), (Locked, "enter it again")])
def test_the_password_of_the_proxy(
    program: Program, qtbot: QtBot, backend: type[InMemory | Locked], said: str, tmp_path: Path
) -> None:
    keyring.set_keyring(backend())
    proxy = program.settings.network.proxy
    proxy.choice.choose(2)
    proxy.address.setText("proxy.example:3128")
    proxy.user.setText("me")
    proxy.password.setText("secret")
    proxy.use.click()
    qtbot.waitUntil(lambda: said in words(proxy))
    assert program.app.network.proxy_for("https://hub.example/") == "http://me:secret@proxy.example:3128"
    assert program.app.keychain.get(PROXY) == "secret"
    assert "secret" not in (tmp_path / "home" / "settings.json").read_text()


# --- token ----------------------------------------------------------------------------------------------------------------------


def test_a_token_is_kept_in_the_keyring_and_can_be_removed(
    program: Program, qtbot: QtBot, system_keyring: InMemory, tmp_path: Path
) -> None:
    card, file = program.settings.network, tmp_path / "home" / "settings.json"
    assert not card.use_token.isEnabled()
    assert not card.remove_token.isVisible()
    card.token.setText(" hf_secret ")
    card.use_token.click()
    assert card.token.text() == ""
    assert program.app.hub.token == "hf_secret", "at once"
    qtbot.waitUntil(lambda: "One is kept in this computer's keyring" in words(card))
    assert list(system_keyring.kept.values()) == ["hf_secret"]
    assert json.loads(file.read_text())["token_kept"] is True
    assert "hf_secret" not in file.read_text()
    card.remove_token.click()
    qtbot.waitUntil(lambda: "Some makers ask for one" in words(card))
    assert (system_keyring.kept, program.app.hub.token) == ({}, None)
    assert json.loads(file.read_text())["token_kept"] is False


def test_without_a_keyring_it_is_said_how_long_the_token_lasts(program: Program, qtbot: QtBot) -> None:
    keyring.set_keyring(Locked())
    card = program.settings.network
    card.token.setText("hf_secret")
    card.use_token.click()
    qtbot.waitUntil(lambda: "until Alcove is closed" in words(card))
    assert program.app.settings.token_kept is False
    assert program.app.keychain.get(TOKEN) == "hf_secret"


def test_the_token_of_the_environment_is_named(
    hub: HubServer, open_program: Callable[[], Program], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_environment")
    card = open_program().settings.network
    assert "HF_TOKEN is in use" in words(card)
    assert not card.token.isVisibleTo(card)


# --- certificate and test -------------------------------------------------------------------------------------------------------


def test_a_certificate_is_trusted_at_once_and_a_file_without_one_refused(program: Program, tmp_path: Path) -> None:
    card, before = program.settings.network, program.app.network.certificates()
    (tmp_path / "letter.txt").write_text("no certificate")
    card.certificate_chosen.emit(str(tmp_path / "letter.txt"))
    assert "letter.txt holds none that can be read" in words(card)
    assert program.app.network.certificates() is before
    card.certificate_chosen.emit(str(CERTIFICATE))
    assert "localhost.pem is trusted" in words(card)
    assert program.app.network.certificates() is not before
    card.drop_certificate.click()
    assert program.app.settings.ca_file == ""
    assert not card.drop_certificate.isVisible()


def test_the_connection_is_tested_and_explained(program: Program, hub: HubServer, qtbot: QtBot) -> None:
    card = program.settings.network
    assert hub.requests == []
    card.test.click()
    assert not card.test.isEnabled()
    qtbot.waitUntil(lambda: "127.0.0.1 answered in" in words(card))
    hub.faults.append(Fault("html", at="api"))
    card.test.click()
    qtbot.waitUntil(lambda: "it is no Hub" in words(card))
    assert card.test.isEnabled()
    program.app.hub.endpoint = "https://hub.example"
    card.offline.click()
    card.test.click()
    qtbot.waitUntil(lambda: str(Offline(host="hub.example")) in words(card))
