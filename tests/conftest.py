"""What every test stands on: a home of its own, no network but loopback, and nothing left running afterwards."""

import json
import os
import signal
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import keyring
import psutil
import pytest
from hypothesis import settings

from tests.keyrings import InMemory

# Whoever starts the tests in the background may have them ignore Ctrl-C, and the programs that they start with them.
signal.signal(signal.SIGINT, signal.default_int_handler)

# Where a result decides about a change, the same examples are tried each time; by hand, new ones.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same" if os.environ.get("CI") else "default")

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
for name in ("HF_TOKEN", "HF_ENDPOINT", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "http_proxy", "https_proxy", "all_proxy"):
    os.environ.pop(name, None)


@pytest.fixture(autouse=True)
def _own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that forgets to name its home must not write into the person's own."""
    monkeypatch.setenv("ALCOVE_HOME", str(tmp_path / "home"))
    monkeypatch.setattr("desktop.policy.sources.user_policy", lambda: tmp_path / "config" / "policy.json")


@pytest.fixture(autouse=True)
def system_keyring() -> Iterator[InMemory]:
    """In place of the person's own, which no test may ask or change."""
    before, fresh = keyring.get_keyring(), InMemory()
    keyring.set_keyring(fresh)
    yield fresh
    keyring.set_keyring(before)


@pytest.fixture(autouse=True)
def _nothing_left() -> Iterator[None]:
    """Threads and processes that a test leaves behind fail it. Those of fixtures with a wider scope are there before."""
    threads = set(threading.enumerate())
    children = {p.pid for p in psutil.Process().children(recursive=True)}
    yield
    for thread in set(threading.enumerate()) - threads:
        thread.join(timeout=5)
    left = [t.name for t in set(threading.enumerate()) - threads if not isinstance(t, threading._DummyThread)]
    assert not left, f"threads left running: {left}"
    born = [p for p in psutil.Process().children(recursive=True) if p.pid not in children]
    _, alive = psutil.wait_procs(born, timeout=5)
    for process in alive:
        process.kill()
    assert not alive, f"processes left running: {alive}"


@pytest.fixture
def run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Callable[..., tuple[int, Any, str]]:
    """Carry out one command with --json in a home of its own; returns exit status, the object and stderr."""
    from desktop import cli  # late: only tests of commands pay for it

    def run(*arguments: str) -> tuple[int, Any, str]:
        status = cli.run([*arguments, "--json", "--home", str(tmp_path / "home")], lambda home: 99)
        printed = capsys.readouterr()
        return status, json.loads(printed.out) if printed.out.strip() else None, printed.err

    return run
