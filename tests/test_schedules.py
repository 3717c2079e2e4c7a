"""Random schedules of everything that servers do wrong: each ends in the right bytes or a stated error, never in a bad file."""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from desktop import connections, transfer
from desktop.errors import AlcoveError
from desktop.network import Network, door
from desktop.part import Source
from tests.hub_server import Fault, HubServer
from tests.test_transfer import BODY, SHA256, SOON, Getting

SCHEDULES = int(os.environ.get("ALCOVE_SCHEDULES", "100"))  # README says how 500 of them are run
STATUS = [
    (429, {"Retry-After": "0"}),
    (500, {}),
    (502, {}),
    (503, {}),
    (503, {"Retry-After": "0"}),
    (403, {}),
    (404, {}),
    (418, {}),
]


def fault(chance: random.Random) -> Fault:
    """Something that goes wrong, or not, with one of the next requests."""
    at, place = chance.choice(["cdn"] * 4 + ["resolve"]), chance.randrange(len(BODY))
    status, headers = chance.choice(STATUS)
    what = chance.choice(
        ["none"] * 4
        + ["status", "cut", "cut", "hold", "silent", "no_range", "bad_range", "short", "flip", "etag", "etag careless", "html"]
        + ["longer", "unsized", "unsized cut", "no_range cut", "no_range flip"]
    )
    return Fault(what if at == "cdn" else "status", at, 1, place, status, headers)


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        server.add("maker/model", {"model.gguf": BODY})
        yield server


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Many connections and stretches for a file of 1.5 MB, and little patience."""
    monkeypatch.setattr(connections, "STRETCH", 200_000)
    monkeypatch.setattr(connections, "LEAST_STRETCH", 50_000)
    monkeypatch.setattr(connections, "AHEAD", 700_000)
    monkeypatch.setattr(transfer, "TRIAL_S", 0.0)
    monkeypatch.setattr(transfer, "HELPS", 0.0)
    monkeypatch.setattr(transfer, "TICK_S", 0.005)
    monkeypatch.setattr(door, "TIMEOUT", httpx2.Timeout(0.15, connect=1.0))


@pytest.mark.parametrize("seeds", [range(at, min(at + 20, SCHEDULES)) for at in range(0, SCHEDULES, 20)], ids=lambda s: str(s[0]))
def test_no_schedule_ends_in_a_bad_file(hub: HubServer, tmp_path: Path, seeds: range) -> None:
    url = f"{hub.endpoint}/maker/model/resolve/main/model.gguf"
    for seed in seeds:
        chance = random.Random(seed)
        part = tmp_path / str(seed) / "model.gguf.part"
        getting = Getting(Network(), part)
        source = Source(url, {}, len(BODY), SHA256 if chance.random() < 0.8 else None, "model.gguf", "maker/model")
        hub.faults[:] = [fault(chance) for _ in range(chance.randrange(12))]
        mended = source.sha256 is None and any("flip" in each.what for each in hub.faults)  # nobody could know
        for _ in range(3):  # the person tries again
            try:
                found = getting.all(source, SOON)
            except AlcoveError:
                continue
            finally:
                for each in hub.faults:
                    each.release.set()
            assert mended or found == SHA256, seed
            assert mended or part.read_bytes() == BODY, seed
            break
        else:
            hub.faults.clear()
            assert mended or getting.all(source, SOON) == SHA256, f"{seed}: what was left cannot be gone on with"
