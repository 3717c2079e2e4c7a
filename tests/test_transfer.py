import hashlib
import json
import os
import random
import threading
import time
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.errors import (
    AlcoveError,
    Corrupt,
    DiskFull,
    FileTooBig,
    Forbidden,
    Gated,
    NotFound,
    NotGguf,
    NotWritable,
    Offline,
    ServerRefused,
    Unreachable,
)
from desktop.network import Client, Network
from desktop.part import Source
from desktop.transfer import Progress, Retry, download
from tests.hub_server import Fault, HubServer

BODY = b"GGUF" + random.Random(1).randbytes(1_500_000)
SHA256 = hashlib.sha256(BODY).hexdigest()
SOON = Retry(first_wait_s=0.001)


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        server.add("maker/model", {"model.gguf": BODY})
        yield server


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def part(tmp_path: Path) -> Path:
    return tmp_path / "models" / "model.gguf.part"


@pytest.fixture
def source(hub: HubServer) -> Source:
    url = f"{hub.endpoint}/maker/model/resolve/main/model.gguf"
    return Source(url, {}, len(BODY), SHA256, "model.gguf", "maker/model", f"{hub.endpoint}/maker/model")


class Getting:
    """download() with this test's network and part, all progress kept."""

    def __init__(self, network: Network, part: Path) -> None:
        self.network = network
        self.part = part
        self.seen: list[Progress] = []

    def start(self, source: Source, retry: Retry = SOON) -> Generator[Progress, None, str]:
        return download(source, self.part, self._client, retry)

    def all(self, source: Source, retry: Retry = SOON) -> str:
        steps = self.start(source, retry)
        self.seen = []
        while True:
            try:
                self.seen.append(next(steps))
            except StopIteration as end:
                return str(end.value)

    def until(self, source: Source, done_bytes: int) -> Generator[Progress, None, str]:
        """A download that has come that far and is still open."""
        steps = self.start(source)
        while next(steps).done_bytes < done_bytes:
            pass
        return steps

    def _client(self) -> Client:
        return self.network.client("download model.gguf")


@pytest.fixture
def getting(network: Network, part: Path) -> Getting:
    return Getting(network, part)


def interrupted(hub: HubServer, getting: Getting, source: Source, at: int = 500_000) -> None:
    """Leave a part of `at` bytes behind, as a cancel does."""
    hub.faults.append(fault := Fault("hold", bytes=at))
    getting.until(source, at).close()
    fault.release.set()
    assert getting.part.stat().st_size == at


def ranges(hub: HubServer) -> list[str | None]:
    return [request.headers["Range"] for request in hub.asked("cdn")]


# --- the good way ---------------------------------------------------------------------------------------------------------------


def test_a_file_arrives_whole_and_hashed(getting: Getting, source: Source, part: Path) -> None:
    assert getting.all(source) == SHA256
    assert part.read_bytes() == BODY
    first, last = getting.seen[0], getting.seen[-1]
    assert (first.stage, first.resumed_bytes) == ("download", 0)
    assert (last.done_bytes, last.size_bytes) == (len(BODY), len(BODY))
    assert last.bytes_per_s > 0
    assert [p.done_bytes for p in getting.seen] == sorted(p.done_bytes for p in getting.seen)


def test_a_file_without_a_known_hash(getting: Getting, source: Source) -> None:
    assert getting.all(replace(source, sha256=None)) == SHA256


def test_a_body_without_a_length(hub: HubServer, getting: Getting, source: Source) -> None:
    hub.faults.append(Fault("unsized"))
    assert getting.all(source) == SHA256


def test_a_part_that_was_whole_already_needs_no_network(
    hub: HubServer, getting: Getting, source: Source, network: Network
) -> None:
    getting.all(source)
    network.offline = True
    hub.requests.clear()
    assert getting.all(source) == SHA256
    assert hub.requests == []


# --- cancel and resume ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("what", ["hold", "silent"])
def test_a_cancel_is_felt_at_once_though_nothing_comes(hub: HubServer, getting: Getting, source: Source, what: str) -> None:
    hub.faults.append(fault := Fault(what, bytes=300_000))
    steps = getting.start(source)
    next(steps)
    assert fault.reached.wait(5)
    asked = time.monotonic()
    next(steps)  # the server is silent, and still there is a sign of life
    steps.close()
    assert time.monotonic() - asked < 0.6
    assert not [thread for thread in threading.enumerate() if thread.name == "transfer"]


def test_signs_of_life_while_the_server_is_silent(hub: HubServer, getting: Getting, source: Source) -> None:
    hub.faults.append(fault := Fault("hold", bytes=300_000))
    steps = getting.until(source, 300_000)
    assert fault.reached.wait(5)
    started = time.monotonic()
    for _ in range(3):
        assert next(steps).done_bytes == 300_000
    assert time.monotonic() - started < 1
    steps.close()


def test_a_cancelled_download_goes_on_where_it_stopped(hub: HubServer, getting: Getting, source: Source, part: Path) -> None:
    interrupted(hub, getting, source)
    hub.requests.clear()
    assert getting.all(source) == SHA256
    assert part.read_bytes() == BODY
    assert ranges(hub) == ["bytes=500000-"]
    assert hub.asked("cdn")[0].headers["If-Range"] == f'"{SHA256}"'
    assert getting.seen[-1].resumed_bytes == 500_000


def test_a_resumed_part_is_hashed_again_and_tells_so(getting: Getting, hub: HubServer, source: Source, tmp_path: Path) -> None:
    size, here = 200_000_000, 195_000_000  # takes longer than a tick to hash; holes take no room on the disk
    for path, length in ((tmp_path / "large.gguf", size), (getting.part, here)):
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(b"GGUF")
        os.truncate(path, length)
    hub.add("maker/large", {"large.gguf": tmp_path / "large.gguf"})
    sha256 = hub.repos["maker/large"].files["large.gguf"].sha256
    large = replace(source, url=source.url.replace("model", "large"), size_bytes=size, sha256=sha256)
    record = {"url": large.url, "size_bytes": size, "sha256": sha256, "etag": f'"{sha256}"'}
    getting.part.with_name("model.gguf.part.json").write_text(json.dumps(record))
    assert getting.all(large) == sha256
    assert ranges(hub) == [f"bytes={here}-"]
    assert getting.seen[-1].resumed_bytes == here
    checks = [p.done_bytes for p in getting.seen if p.stage == "check"]
    assert checks
    assert checks == sorted(checks)
    assert checks[-1] <= size


def test_a_part_that_was_changed_is_found_out(hub: HubServer, getting: Getting, source: Source, part: Path) -> None:
    interrupted(hub, getting, source)
    with part.open("r+b") as file:
        file.seek(1000)
        file.write(b"\0\0\0\0")
    assert getting.all(source) == SHA256
    assert part.read_bytes() == BODY
    assert "mend" in {progress.stage for progress in getting.seen}


@pytest.mark.parametrize("record", [None, b"", b"{]", b'{"url": 5}', b'{"url":"x","size_bytes":1,"sha256":null,"etag":null}'])
def test_a_part_of_unknown_origin_is_not_trusted(
    hub: HubServer, getting: Getting, source: Source, part: Path, record: bytes | None
) -> None:
    interrupted(hub, getting, source)
    record_path = part.with_name("model.gguf.part.json")
    record_path.unlink() if record is None else record_path.write_bytes(record)
    hub.requests.clear()
    assert getting.all(source) == SHA256
    assert ranges(hub) == [None]


def test_a_part_of_another_file_is_not_mixed_in(hub: HubServer, getting: Getting, source: Source, part: Path) -> None:
    interrupted(hub, getting, source)
    other = b"GGUF" + random.Random(2).randbytes(len(BODY) - 4)
    hub.add("maker/model", {"model.gguf": other})
    content = hub.repos["maker/model"].files["model.gguf"]
    assert getting.all(replace(source, sha256=content.sha256)) == content.sha256
    assert part.read_bytes() == other


def test_a_part_larger_than_the_file(getting: Getting, source: Source, part: Path) -> None:
    getting.all(source)
    with part.open("ab") as file:
        file.write(b"more")
    assert getting.all(source) == SHA256


def test_the_same_file_goes_on_from_a_mirror(hub: HubServer, getting: Getting, source: Source) -> None:
    interrupted(hub, getting, source)
    hub.add("mirror/model", {"model.gguf": BODY})
    hub.requests.clear()
    assert getting.all(replace(source, url=source.url.replace("maker/", "mirror/"))) == SHA256
    assert ranges(hub) == ["bytes=500000-"]


def test_two_downloads_of_one_file_do_not_mix(hub: HubServer, getting: Getting, source: Source) -> None:
    hub.faults.append(Fault("hold", bytes=300_000))
    first = getting.until(source, 300_000)
    with pytest.raises(Forbidden, match="A second download of model.gguf at the same time is not allowed here"):
        getting.all(source)
    second = getting.start(source)
    assert next(second).stage == "wait"
    first.close()  # as when a person starts it again at once
    assert list(second)[-1].done_bytes == len(BODY)


def test_a_download_that_takes_over_from_one_that_had_nothing(
    hub: HubServer, getting: Getting, source: Source, part: Path
) -> None:
    hub.faults.append(Fault("silent"))
    first = getting.start(source)
    next(first)
    second = getting.start(source)
    assert next(second).stage == "wait"
    first.close()
    assert not part.exists(), "an empty part is not left behind"
    assert list(second)[-1].done_bytes == len(BODY)
    assert part.read_bytes() == BODY


# --- servers in trouble ---------------------------------------------------------------------------------------------------------


def test_a_cut_connection_goes_on_where_it_broke(hub: HubServer, getting: Getting, source: Source) -> None:
    hub.faults += [Fault("cut", bytes=200_000), Fault("cut", bytes=300_000)]
    assert getting.all(source) == SHA256
    assert ranges(hub) == [None, "bytes=200000-", "bytes=500000-"]


def test_a_file_in_many_pieces_does_not_run_out_of_tries(hub: HubServer, getting: Getting, source: Source) -> None:
    hub.faults += [Fault("cut", bytes=70_000) for _ in range(15)]
    assert getting.all(source) == SHA256


def test_trouble_that_lasts_is_told_and_the_part_kept(hub: HubServer, getting: Getting, source: Source, part: Path) -> None:
    hub.faults += [Fault("cut", bytes=200_000), Fault("cut", times=None)]
    with pytest.raises(Unreachable, match="localhost could not be reached: the connection was cut"):
        getting.all(source)
    assert len(hub.asked("cdn")) == SOON.tries
    assert part.stat().st_size == 200_000
    hub.faults.clear()
    assert getting.all(source) == SHA256


def test_no_network_is_told_soon(getting: Getting, source: Source, network: Network) -> None:
    with pytest.raises(Unreachable, match="refused"):
        getting.all(replace(source, url="http://127.0.0.1:1/model.gguf"))
    assert len(network.activity) == 3


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("at", ["resolve", "cdn"])
def test_a_passing_refusal(hub: HubServer, getting: Getting, source: Source, status: int, at: str) -> None:
    hub.faults.append(Fault("status", at, 2, status=status))
    assert getting.all(source) == SHA256


def test_retry_after_is_kept(hub: HubServer, getting: Getting, source: Source) -> None:
    hub.faults.append(Fault("status", "resolve", status=429, headers={"Retry-After": "1"}))
    started = time.monotonic()
    assert getting.all(source) == SHA256
    assert time.monotonic() - started >= 1
    assert "wait" in {p.stage for p in getting.seen}


def test_a_wait_too_long_is_told_instead(hub: HubServer, getting: Getting, source: Source) -> None:
    hub.faults.append(Fault("status", "resolve", None, status=429, headers={"Retry-After": "900"}))
    with pytest.raises(ServerRefused, match=r"\(429\): too many requests"):
        getting.all(source)
    assert len(hub.asked("resolve")) == 1


def test_a_wait_is_cancelled_at_once(hub: HubServer, getting: Getting, source: Source) -> None:
    hub.faults.append(Fault("status", "resolve", status=503, headers={"Retry-After": "60"}))
    steps = getting.start(source)
    while next(steps).stage != "wait":
        pass
    started = time.monotonic()
    next(steps)
    steps.close()
    assert time.monotonic() - started < 0.4


def test_an_expired_link_is_asked_for_again(hub: HubServer, getting: Getting, source: Source) -> None:
    hub.faults.append(Fault("status", "cdn", status=403))
    assert getting.all(source) == SHA256
    assert len(hub.asked("resolve")) == 2


@pytest.mark.parametrize(
    ("status", "headers", "error"),
    [(404, {}, NotFound), (401, {"X-Error-Code": "GatedRepo"}, Gated), (403, {}, Gated), (418, {}, ServerRefused)],
)
def test_a_refusal_for_good_is_asked_once(
    hub: HubServer, getting: Getting, source: Source, status: int, headers: dict[str, str], error: type[AlcoveError]
) -> None:
    hub.faults.append(Fault("status", "resolve", None, status=status, headers=headers))
    with pytest.raises(error):
        getting.all(source)
    assert len(hub.asked("resolve")) == 1


def test_offline(getting: Getting, source: Source, network: Network) -> None:
    network.offline = True
    with pytest.raises(Offline):
        getting.all(replace(source, url="https://huggingface.co/x.gguf"))


# --- servers that lie -----------------------------------------------------------------------------------------------------------


def test_a_server_without_ranges_starts_over(hub: HubServer, getting: Getting, source: Source, part: Path) -> None:
    interrupted(hub, getting, source)
    hub.faults.append(Fault("no_range"))
    assert getting.all(source) == SHA256
    assert part.read_bytes() == BODY


def test_a_server_without_ranges_that_always_breaks_is_given_up(hub: HubServer, getting: Getting, source: Source) -> None:
    hub.faults += [Fault("no_range cut", bytes=at) for at in (200_000, 100_000) * 10]
    with pytest.raises(Unreachable):
        getting.all(source)
    assert len(hub.asked("cdn")) == SOON.tries + 1, "the same first bytes again and again are no progress"


def test_a_wrong_range_is_not_taken(hub: HubServer, getting: Getting, source: Source, part: Path) -> None:
    interrupted(hub, getting, source)
    hub.faults.append(Fault("bad_range"))
    hub.requests.clear()
    assert getting.all(source) == SHA256
    assert part.read_bytes() == BODY
    assert ranges(hub) == ["bytes=500000-", None], "ranges are not tried again where one was wrong"


@pytest.mark.parametrize("what", ["etag", "etag careless"])
def test_a_file_replaced_meanwhile_starts_over(hub: HubServer, getting: Getting, source: Source, part: Path, what: str) -> None:
    loose = replace(source, sha256=None)  # the hash would find it out in the end; here there is none
    interrupted(hub, getting, loose)
    hub.add("maker/model", {"model.gguf": BODY[:4] + bytes(len(BODY) - 4)})
    hub.faults.append(Fault(what))
    getting.all(loose)
    assert part.read_bytes() == BODY[:4] + bytes(len(BODY) - 4)


def test_a_flipped_bit_is_found_and_mended(hub: HubServer, getting: Getting, source: Source, part: Path) -> None:
    hub.faults.append(Fault("flip", bytes=700_000))
    assert getting.all(source) == SHA256
    assert part.read_bytes() == BODY
    assert len(hub.asked("cdn")) == 2


def test_a_file_that_is_wrong_on_its_server_is_not_kept(hub: HubServer, getting: Getting, source: Source, part: Path) -> None:
    hub.faults.append(Fault("flip", bytes=700_000, times=None))
    why = r"its SHA-256 is \w{12}… instead of \w{12}…, both times, so its server has another file than it says; nothing was kept"
    with pytest.raises(Corrupt, match=why):
        getting.all(source)
    assert list(part.parent.iterdir()) == []
    assert len(hub.asked("cdn")) == 2


def test_more_bytes_than_announced(hub: HubServer, getting: Getting, source: Source, part: Path) -> None:
    hub.faults.append(Fault("unsized", times=None))
    with pytest.raises(Corrupt, match="localhost sent more bytes than were announced"):
        getting.all(replace(source, size_bytes=len(BODY) - 1000))
    assert not part.exists()


def test_another_length_than_announced_is_refused_before_the_first_byte(hub: HubServer, getting: Getting, source: Source) -> None:
    hub.faults.append(Fault("longer", bytes=1000))
    with pytest.raises(Corrupt, match=f"sends {len(BODY) + 1000} bytes where {len(BODY)} were announced"):
        getting.all(source)


def test_a_login_page_does_not_cost_the_part(hub: HubServer, getting: Getting, source: Source) -> None:
    interrupted(hub, getting, source)
    hub.faults.append(Fault("html"))
    with pytest.raises(ServerRefused, match="it sent a web page instead of the file"):
        getting.all(source)
    hub.requests.clear()
    assert getting.all(source) == SHA256
    assert ranges(hub) == ["bytes=500000-"]


def test_no_gguf_is_told_by_its_first_bytes(hub: HubServer, getting: Getting, source: Source) -> None:
    hub.add("maker/model", {"model.gguf": b"PK\x03\x04" + BODY[4:]})
    hub.faults.append(fault := Fault("hold", bytes=100_000))
    with pytest.raises(NotGguf, match=r"model\.gguf is not a GGUF model file"):
        getting.all(source)
    assert not fault.release.is_set(), "the rest was not waited for"


# --- disks ----------------------------------------------------------------------------------------------------------------------


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs a device that is always full")
def test_a_full_disk(getting: Getting, source: Source, part: Path) -> None:
    part.parent.mkdir()
    part.symlink_to("/dev/full")
    with pytest.raises(DiskFull, match=r"This needs 2 MB of disk space .* What has arrived is kept") as caught:
        getting.all(source)
    assert type(caught.value) is DiskFull
    assert caught.value.facts["needed_bytes"] == len(BODY)


def test_a_disk_that_takes_no_such_large_file_keeps_what_it_took(
    hub: HubServer, getting: Getting, source: Source, part: Path
) -> None:
    resource = pytest.importorskip("resource")
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (600_000, usual[1]))
    try:
        with pytest.raises(FileTooBig, match="cannot hold a single file of 2 MB; choose a folder on another disk"):
            getting.all(source)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert part.read_bytes() == BODY[:600_000]
    hub.requests.clear()
    assert getting.all(source) == SHA256
    assert ranges(hub) == ["bytes=600000-"]


def test_a_folder_that_cannot_be_written(getting: Getting, source: Source, part: Path) -> None:
    part.parent.touch()  # a file where the folder should be: refused to root as well
    with pytest.raises(NotWritable):
        getting.all(source)
