"""Several connections for one file: what each fetches, how many there are, and what happens when one of them is in trouble."""

import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from desktop import connections
from desktop.connections import Limit
from desktop.network import Network, door
from desktop.part import Source, arrived_bytes
from desktop.transfer import _Count, download
from tests.hub_server import Fault, HubServer
from tests.test_transfer import SOON, Getting

BODY = b"GGUF" + random.Random(4).randbytes(3_000_000)
SHA256 = hashlib.sha256(BODY).hexdigest()


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        server.add("maker/model", {"model.gguf": BODY})
        yield server


@pytest.fixture
def source(hub: HubServer) -> Source:
    return Source(f"{hub.endpoint}/maker/model/resolve/main/model.gguf", {}, len(BODY), SHA256, "model.gguf", "maker/model")


@pytest.fixture
def getting(tmp_path: Path) -> Getting:
    return Getting(Network(), tmp_path / "model.gguf.part")


@pytest.fixture
def many(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four connections from the start, for stretches of 200 KB."""
    monkeypatch.setattr(connections, "STRETCH", 200_000)
    monkeypatch.setattr(connections, "LEAST_STRETCH", 50_000)
    monkeypatch.setattr(_Count, "wanted", lambda self, now, received_bytes: 4)


def fetched(hub: HubServer) -> list[tuple[int, int]]:
    """The stretches that were asked for, in the order of the file."""
    found = []
    for request in hub.asked("cdn"):
        start, end = re.fullmatch(r"bytes=(\d+)-(\d*)", request.headers["Range"]).groups()  # type: ignore[union-attr]
        found.append((int(start), int(end) + 1 if end else len(BODY)))
    return sorted(found)


@pytest.mark.usefixtures("many")
def test_each_byte_is_fetched_once(hub: HubServer, getting: Getting, source: Source) -> None:
    assert getting.all(source) == SHA256
    assert getting.part.read_bytes() == BODY
    stretches = fetched(hub)
    assert len(stretches) > 8
    assert [start for start, _ in stretches] == [0, *(end for _, end in stretches[:-1])]
    assert max(progress.connections for progress in getting.seen) == 4


@pytest.mark.usefixtures("many")
def test_the_address_behind_the_hub_is_asked_again_until_it_expires(hub: HubServer, getting: Getting, source: Source) -> None:
    hub.faults += [*(Fault("none") for _ in range(7)), Fault("status", status=403)]
    assert getting.all(source) == SHA256
    assert len(hub.asked("resolve")) <= 9, "four at the start, and again after the refusal"
    assert len(hub.asked("cdn")) > 8


@pytest.mark.usefixtures("many")
def test_one_in_trouble_does_not_stop_the_others(hub: HubServer, getting: Getting, source: Source) -> None:
    hub.faults += [Fault("none"), hold := Fault("hold", bytes=1000)]
    steps = getting.until(source, len(BODY) - 210_000)
    assert hold.reached.is_set()
    hold.release.set()
    for progress in steps:
        last = progress
    assert last.done_bytes == len(BODY)


@pytest.mark.usefixtures("many")
def test_a_connection_on_which_nothing_comes_is_replaced(
    hub: HubServer, getting: Getting, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(door, "TIMEOUT", httpx2.Timeout(0.2))
    hub.faults += [Fault("none"), hold := Fault("hold", bytes=1000)]
    assert getting.all(source) == SHA256
    hold.release.set()
    assert max(fetched(hub).count(stretch) for stretch in fetched(hub)) == 1, "only what was missing was asked for again"


def test_a_connection_on_which_next_to_nothing_comes_is_replaced(
    hub: HubServer, getting: Getting, source: Source, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "STALLED_S", 0.3)
    hub.faults.append(hold := Fault("hold", bytes=1000))
    assert getting.all(source) == SHA256
    hold.release.set()
    assert len(hub.asked("cdn")) == 2


@pytest.mark.usefixtures("many")
@pytest.mark.parametrize("what", ["etag", "etag careless", "no_range", "bad_range", "unsized", "short"])
def test_a_server_that_is_not_up_to_it(hub: HubServer, getting: Getting, source: Source, what: str) -> None:
    hub.faults += [*(Fault("none") for _ in range(3)), Fault(what, bytes=5000, times=2)]
    assert getting.all(source) == SHA256
    assert getting.part.read_bytes() == BODY


@pytest.mark.usefixtures("many")
def test_trouble_of_all_at_once_counts_once(hub: HubServer, getting: Getting, source: Source) -> None:
    hub.faults.append(Fault("status", "resolve", 8, status=503))
    assert getting.all(source, SOON) == SHA256


def test_as_many_connections_as_help() -> None:
    """Rates by hand: two are twice as fast as one, four as fast as two."""
    count, rates = _Count(), {1: 10.0, 2: 20.0, 4: 20.0}
    now = received = 0.0
    seen = [count.wanted(now, 0)]
    for _ in range(6):
        now += 1.0
        received += rates[seen[-1]]
        seen.append(count.wanted(now, int(received)))
    assert seen == [1, 1, 2, 4, 2, 2, 2]
    count.fewer(now)
    assert count.wanted(now + 1, int(received)) == 1
    for _ in range(100):
        now += 1.0
        received += 10.0
        assert count.wanted(now, int(received)) == 1, "a server that has refused is not tried with more"


@pytest.mark.usefixtures("many")
def test_a_limit_holds_for_all_connections_and_downloads(source: Source, tmp_path: Path) -> None:
    """The clock must have gone on by what the bytes need, whatever the machine does."""
    limit, started = Limit(4_000_000), time.monotonic()
    door = Network()
    for _ in download(source, tmp_path / "model.gguf.part", lambda: door.client("test"), SOON, limit):
        pass
    assert time.monotonic() - started >= 0.9 * len(BODY) / 4_000_000 - 0.3
    assert limit.wait_s(1_000_000) > 0
    limit.bytes_per_s = 0
    assert limit.wait_s(1_000_000) == 0


PROGRAM = """
import sys
from pathlib import Path
from desktop import connections
from desktop.network import Network
from desktop.part import Source
from desktop.transfer import _Count, download
connections.STRETCH, connections.LEAST_STRETCH = 200_000, 50_000
_Count.wanted = lambda self, now, received_bytes: 4
network, url, size = Network(), sys.argv[1], int(sys.argv[3])
for progress in download(Source(url, {}, size, sys.argv[4], "model.gguf"), Path(sys.argv[2]), lambda: network.client("test")):
    print(progress.done_bytes, flush=True)
"""


@pytest.mark.usefixtures("many")
@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_killed_in_the_middle(hub: HubServer, getting: Getting, source: Source) -> None:
    hub.faults += [Fault("hold", bytes=50_000) for _ in range(2)] + [Fault("none") for _ in range(6)]
    hub.faults += [Fault("hold", bytes=100_000) for _ in range(4)]
    arguments = [source.url, str(getting.part), str(len(BODY)), SHA256]
    with subprocess.Popen([sys.executable, "-c", PROGRAM, *arguments], stdout=subprocess.PIPE, text=True) as program:
        assert program.stdout is not None
        while int(program.stdout.readline()) < 1_200_000 or arrived_bytes(getting.part) < 1_200_000:
            pass
        program.send_signal(signal.SIGKILL)
    there = arrived_bytes(getting.part)
    for each in hub.faults:
        each.release.set()
    hub.faults.clear()
    hub.requests.clear()
    assert getting.all(source) == SHA256
    assert getting.seen[-1].resumed_bytes == there
    assert sum(end - start for start, end in fetched(hub)) == len(BODY) - there, "what was safe is not fetched again"


FULL = """
set -e
mount -t tmpfs -o size=2m tmpfs "$1"
exec "$2" -c "$3" "$4" "$1/model.gguf.part" "$5" "$6"
"""
FILLING = f"""
import sys
from pathlib import Path
from desktop.errors import DiskFull
from desktop.part import arrived_bytes
try:
    exec({PROGRAM!r})
except DiskFull as full:
    print(full.facts["needed_bytes"], full.facts["free_bytes"], arrived_bytes(Path(sys.argv[2])), file=sys.stderr)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="tmpfs")
def test_a_small_disk_becomes_full(source: Source, tmp_path: Path) -> None:
    arguments = [str(tmp_path), sys.executable, FILLING, source.url, str(len(BODY)), SHA256]
    unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
    done = subprocess.run([*unshare, "sh", "-c", FULL, "sh", *arguments], capture_output=True, text=True)
    if "unshare" in done.stderr or "mount" in done.stderr:
        pytest.skip("no disk can be mounted here")
    needed_bytes, free_bytes, arrived = map(int, done.stderr.split())
    assert needed_bytes + 2_000_000 < len(BODY) + 200_000, "it says how much is missing"
    assert free_bytes < 100_000
    assert arrived > 1_500_000, "what has arrived is kept"
