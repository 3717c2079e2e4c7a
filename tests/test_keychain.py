"""Secrets in the system's keyring, and what happens where there is none."""

import subprocess
import sys
from pathlib import Path

import keyring
import keyring.backends.fail
import keyring.backends.null
import pytest
from keyring.backend import KeyringBackend

from desktop.keychain import PROXY, TOKEN, Keychain
from tests.keyrings import InMemory, Locked


def test_a_secret_is_there_at_the_next_start(tmp_path: Path, system_keyring: InMemory) -> None:
    assert Keychain(tmp_path).get(TOKEN) is None
    assert Keychain(tmp_path).keep(TOKEN, "hf_secret")
    assert Keychain(tmp_path).get(TOKEN) == "hf_secret"
    assert Keychain(tmp_path).get(PROXY) is None
    assert Keychain(tmp_path / "other").get(TOKEN) is None, "another home has its own"


def test_a_secret_is_forgotten(tmp_path: Path, system_keyring: InMemory) -> None:
    keychain = Keychain(tmp_path)
    keychain.keep(TOKEN, "hf_secret")
    keychain.forget(TOKEN)
    assert keychain.get(TOKEN) is None
    assert system_keyring.kept == {}
    keychain.forget(TOKEN)  # once more is no error


@pytest.mark.parametrize("backend", [Locked, keyring.backends.fail.Keyring, keyring.backends.null.Keyring])
def test_without_a_keyring_that_works_it_lasts_until_the_end(tmp_path: Path, backend: type[KeyringBackend]) -> None:
    keyring.set_keyring(backend())
    keychain = Keychain(tmp_path)
    assert keychain.get(PROXY) is None
    assert not keychain.keep(TOKEN, "hf_secret")
    assert keychain.get(TOKEN) == "hf_secret"
    assert Keychain(tmp_path).get(TOKEN) is None
    keychain.forget(TOKEN)
    assert keychain.get(TOKEN) is None


def test_the_library_is_imported_when_it_is_needed() -> None:
    code = "import sys, desktop.app, desktop.keychain; sys.exit('keyring' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=Path(__file__).parent.parent, check=False).returncode == 0
