"""headers: remote headers cost few bytes and requests, are kept, and every server that misbehaves is told in a sentence."""

import io
import os
import struct
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from desktop import gguf, headers
from desktop.errors import (
    AlcoveError,
    Corrupt,
    Gated,
    HeaderTooLarge,
    HeaderTruncated,
    NotFound,
    NotGguf,
    Offline,
    ServerRefused,
    Truncated,
    Unreachable,
)  # fmt: skip
from desktop.headers import Headers, RemoteHeader
from desktop.hub import Hub
from desktop.network import Network
from desktop.network.door import READ_BYTES
from desktop.repo import File
from tests.gguf_files import llama, split, write
from tests.hub_server import Fault, HubServer

REPO, NAME = "maker/Large-GGUF", "large-Q4_K_M.gguf"
LENGTH = 3_000_000  # of the header that most tests read, so that it takes several ranges


@pytest.fixture(scope="session")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model with a long vocabulary, and weights as long again."""
    words = [f"▁word number {number}" for number in range(LENGTH // 30)]
    path = tmp_path_factory.mktemp("models") / NAME
    entries = {"tokenizer.ggml.tokens": words, "tokenizer.ggml.token_type": [1] * len(words)}
    return write(path, "llama", {"block_count": 1, **entries}, {"token_embd.weight": (1024, 8192), "output_norm.weight": (64,)})


@pytest.fixture
def server(large: Path) -> Iterator[HubServer]:
    with HubServer() as server:
        server.add(REPO, {NAME: large}, license="mit")
        yield server


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def hub(server: HubServer, network: Network) -> Hub:
    return Hub(network, server.endpoint)


@pytest.fixture
def reader(hub: Hub, tmp_path: Path) -> Headers:
    return Headers(hub, tmp_path / "headers")


def read(reader: Headers, file: File) -> RemoteHeader:
    steps = reader.read(file)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def test_a_remote_header_costs_hardly_more_than_its_bytes(
    reader: Headers, hub: Hub, server: HubServer, network: Network, large: Path
) -> None:
    file = hub.file(REPO, NAME)
    found = read(reader, file)
    assert found.header == gguf.read_file(large)
    assert found.header.data_offset < found.bytes_read < 1.2 * found.header.data_offset
    assert sum(a.received_bytes for a in network.activity) < 1.2 * found.header.data_offset + 10_000
    assert len(server.asked("cdn")) <= 4
    assert len(server.asked("resolve")) == 1, "the address that the Hub redirects to is asked again"
    assert all("Range" in request.headers for request in server.asked("cdn"))


def test_the_raw_bytes_are_those_of_the_file(reader: Headers, hub: Hub, large: Path) -> None:
    (part,) = read(reader, hub.file(REPO, NAME)).parts
    with large.open("rb") as file:
        assert part.raw == file.read(len(part.raw))
    assert (part.name, part.size_bytes) == (NAME, large.stat().st_size)
    assert gguf.read(io.BytesIO(part.raw), NAME) == gguf.read_file(large)


def test_raw_bytes_that_end_with_the_last_tensor_are_filled_up(
    reader: Headers, hub: Hub, server: HubServer, tmp_path: Path
) -> None:
    data = write(tmp_path / "small.gguf", tensors={"a": (8,)}).read_bytes()
    end = gguf.read(io.BytesIO(data), "x")
    server.add("a/b", {"small.gguf": data[: end.data_offset - 20]})
    file = replace(hub.file("a/b", "small.gguf"), size_bytes=0)
    assert read(reader, file).parts[0].raw == data[: end.data_offset]


# --- the cache ------------------------------------------------------------------------------------------------------------------


def test_a_header_is_read_once_as_long_as_the_file_is_the_same(reader: Headers, hub: Hub, server: HubServer) -> None:
    file = hub.file(REPO, NAME)
    first = read(reader, file)
    asked = len(server.requests)
    again = read(reader, file)
    assert (again.header, again.parts, again.read_at) == (first.header, first.parts, first.read_at)
    assert (first.cached, again.cached, again.bytes_read) == (False, True, 0)
    assert len(server.requests) == asked
    assert not read(reader, replace(file, sha256="0" * 64)).cached, "another file of the same name"
    assert not read(reader, file).cached, "the older one is not kept beside it"


def test_a_file_elsewhere_is_known_by_its_etag(network: Network, server: HubServer, tmp_path: Path) -> None:
    hub = Hub(network, "https://hub.example")
    reader = Headers(hub, tmp_path / "headers")
    url = f"{server.endpoint}/{REPO}/resolve/main/{NAME}"
    assert not read(reader, hub.address(url)).cached
    assert read(reader, hub.address(url)).cached
    server.faults.append(Fault("etag"))
    assert not read(reader, hub.address(url)).cached


def test_two_files_elsewhere_may_have_one_name(network: Network, server: HubServer, tmp_path: Path, large: Path) -> None:
    reader = Headers(hub := Hub(network, "https://hub.example"), tmp_path / "headers")
    server.add("other/copy-GGUF", {NAME: large})
    first = read(reader, hub.address(f"{server.endpoint}/{REPO}/resolve/main/{NAME}"))
    assert not first.cached
    assert not read(reader, hub.address(f"{server.endpoint}/other/copy-GGUF/resolve/main/{NAME}")).cached


def test_without_a_network_the_newest_is_used(reader: Headers, hub: Hub, network: Network) -> None:
    assert reader.cached(REPO, NAME) is None
    first = read(reader, hub.file(REPO, NAME))
    network.offline = True
    found = reader.cached(REPO, NAME)
    assert found is not None
    assert (found.header, found.parts, found.cached, found.bytes_read) == (first.header, first.parts, True, 0)


@pytest.mark.parametrize("damage", [b"", b"{", b'{"repo": 1}\n', b"[" * 100_000, b"\xff\n", "cut", "flip", "swap"])
def test_a_damaged_cache_is_read_anew(reader: Headers, hub: Hub, tmp_path: Path, damage: bytes | str) -> None:
    file = hub.file(REPO, NAME)
    first = read(reader, file)
    (kept,) = (tmp_path / "headers").iterdir()
    data = kept.read_bytes()
    damaged = {"cut": data[:-1], "flip": data[:-1] + b"\1", "swap": data.replace(REPO.encode(), b"maker/Other-GGUF")}
    kept.write_bytes(damage if isinstance(damage, bytes) else damaged[damage])
    assert reader.cached(REPO, NAME) is None
    again = read(reader, file)
    assert (again.header, again.cached) == (first.header, False)
    assert read(reader, file).cached


def test_a_cache_that_cannot_be_written_costs_nothing_else(hub: Hub, tmp_path: Path) -> None:
    (tmp_path / "headers").write_text("a file where the folder should be")
    reader = Headers(hub, tmp_path / "headers")
    assert read(reader, hub.file(REPO, NAME)).header.architecture == "llama"
    assert reader.cached(REPO, NAME) is None


@pytest.mark.parametrize("by_bytes", [False, True])
def test_what_was_not_used_for_longest_is_forgotten(
    reader: Headers, hub: Hub, server: HubServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, by_bytes: bool
) -> None:
    model = llama(tmp_path / "tiny.gguf")
    server.add("a/b", {f"{letter}.gguf": model for letter in "abc"})
    folder = tmp_path / "headers"
    for letter in "ab":
        read(reader, hub.file("a/b", f"{letter}.gguf"))
    kept = list(folder.iterdir())
    for path in kept:
        os.utime(path, (1000, 1000))
    monkeypatch.setattr(headers, *("KEPT_BYTES", kept[0].stat().st_size * 5 // 2) if by_bytes else ("KEPT_FILES", 2))
    assert reader.cached("a/b", "a.gguf")
    read(reader, hub.file("a/b", "c.gguf"))
    assert [reader.cached("a/b", f"{letter}.gguf") is not None for letter in "abc"] == [True, False, True]
    assert len(list(folder.iterdir())) == 2


# --- split models ---------------------------------------------------------------------------------------------------------------


@pytest.fixture
def parts(server: HubServer, tmp_path: Path) -> list[Path]:
    (tmp_path / "parts").mkdir()
    paths = split(llama(tmp_path / "tiny.gguf"), tmp_path / "parts", 3)
    server.add("a/split-GGUF", {f"Q8/{path.name}": path for path in paths})
    return paths


@pytest.mark.parametrize("number", [0, 2])
def test_all_parts_of_a_split_model(reader: Headers, hub: Hub, parts: list[Path], number: int) -> None:
    file = hub.file("a/split-GGUF", f"Q8/{parts[number].name}")
    found = read(reader, file)
    assert found.header == gguf.read_file(parts[0])
    assert [(part.name, part.size_bytes) for part in found.parts] == [(path.name, path.stat().st_size) for path in parts]
    kept = reader.cached("a/split-GGUF", file.name)
    assert kept is not None
    assert kept.header == found.header
    assert read(reader, file).cached


def test_a_split_model_elsewhere(network: Network, server: HubServer, parts: list[Path], tmp_path: Path) -> None:
    hub = Hub(network, "https://hub.example")
    url = f"{server.endpoint}/a/split-GGUF/resolve/main/Q8/{parts[0].name}"
    assert read(Headers(hub, tmp_path / "headers"), hub.address(url)).header == gguf.read_file(parts[0])


def test_a_missing_part_is_named(reader: Headers, hub: Hub, server: HubServer, parts: list[Path]) -> None:
    file = hub.file("a/split-GGUF", f"Q8/{parts[0].name}")
    del server.repos["a/split-GGUF"].files[f"Q8/{parts[1].name}"]
    with pytest.raises(NotFound, match=r"no file Q8/tiny-00002-of-00003\.gguf in a/split-GGUF, part 2 of 3 of this model"):
        read(reader, file)
    assert reader.cached("a/split-GGUF", file.name) is None, "one part is not the model"


def test_a_name_like_a_part_of_a_file_that_is_none(reader: Headers, hub: Hub, server: HubServer, tmp_path: Path) -> None:
    server.add("a/b", {"x-00001-of-00002.gguf": llama(tmp_path / "tiny.gguf")})
    assert len(read(reader, hub.file("a/b", "x-00001-of-00002.gguf")).parts) == 1
    assert reader.cached("a/b", "x-00001-of-00002.gguf") is not None


# --- servers that misbehave -----------------------------------------------------------------------------------------------------


def test_a_server_without_ranges_is_hung_up_on(reader: Headers, hub: Hub, server: HubServer, large: Path) -> None:
    server.faults.append(Fault("no_range", times=None))
    found = read(reader, hub.file(REPO, NAME))
    assert found.header == gguf.read_file(large)
    assert len(server.asked("cdn")) == 1
    assert found.header.data_offset <= found.bytes_read < found.header.data_offset + 2 * READ_BYTES, (
        "the answer's beginning and what was under way"
    )


def test_a_server_that_forgets_how_ranges_go(reader: Headers, hub: Hub, server: HubServer, large: Path) -> None:
    server.faults += [Fault("none"), Fault("no_range")]
    found = read(reader, hub.file(REPO, NAME))
    assert found.header == gguf.read_file(large)
    assert found.bytes_read > found.header.data_offset + 250_000, "what came twice is counted twice"


BAD: dict[str, tuple[Fault, type[AlcoveError], str]] = {
    "another part": (Fault("bad_range"), ServerRefused, "another part of the file"),
    "web page": (Fault("html"), ServerRefused, "a web page instead"),
    "in trouble": (Fault("status", status=503), ServerRefused, "a problem of its own"),
    "cut": (Fault("cut", bytes=1000), Unreachable, "the connection was cut"),
    "gone": (Fault("status", "resolve", status=404), NotFound, f"no file {NAME} in {REPO}"),
    "gated": (Fault("status", "resolve", status=403), Gated, "agree to its terms"),
}


@pytest.mark.parametrize("told", ["bytes 0-9/" + "9" * 5000, "bytes " + "0" * 5000 + "-1/1", "bytes */100", "items 0-5/10", ""])
def test_a_range_that_makes_no_sense(reader: Headers, hub: Hub, server: HubServer, told: str) -> None:
    server.faults.append(Fault("bad_range", headers={"Content-Range": told}))
    with pytest.raises(ServerRefused, match="another part of the file"):
        read(reader, hub.file(REPO, NAME))


def test_a_server_that_gives_less_than_asked(reader: Headers, hub: Hub, server: HubServer, large: Path) -> None:
    server.faults.append(Fault("short", times=None, bytes=500_000))
    assert read(reader, hub.file(REPO, NAME)).header == gguf.read_file(large)
    server.faults[:] = [Fault("short", times=None, bytes=1000)]
    with pytest.raises(ServerRefused, match="too many small pieces"):
        read(reader, replace(hub.file(REPO, NAME), sha256="0" * 64))
    assert len(server.asked("cdn")) < 300


@pytest.mark.parametrize("name", BAD)
def test_what_goes_wrong_is_said(reader: Headers, hub: Hub, server: HubServer, name: str) -> None:
    fault, error, words = BAD[name]
    server.faults.append(replace(fault))
    with pytest.raises(error, match=words):
        read(reader, hub.file(REPO, NAME))
    assert not read(reader, hub.file(REPO, NAME)).cached, "nothing of it is kept"


def test_a_file_that_is_replaced_meanwhile(reader: Headers, hub: Hub, server: HubServer) -> None:
    server.faults += [Fault("none"), Fault("etag")]
    with pytest.raises(Unreachable, match="replaced there while it was being read"):
        read(reader, hub.file(REPO, NAME))


def test_a_link_that_expires_is_fetched_again(reader: Headers, hub: Hub, server: HubServer, large: Path) -> None:
    server.faults += [Fault("none"), Fault("status", status=403)]
    assert read(reader, hub.file(REPO, NAME)).header == gguf.read_file(large)
    assert len(server.asked("resolve")) == 2


def test_offline(reader: Headers, network: Network, tmp_path: Path) -> None:
    network.offline = True
    file = File("a/b", "0" * 40, NAME, 100, "0" * 64, None, f"https://huggingface.co/a/b/resolve/main/{NAME}")
    with pytest.raises(Offline):
        read(reader, file)


def test_nobody_there(reader: Headers) -> None:
    with pytest.raises(Unreachable, match="the connection was refused"):
        read(reader, File("a/b", "0" * 40, NAME, 100, "0" * 64, None, f"http://127.0.0.1:1/{NAME}"))


def test_a_gated_header_needs_the_token_and_only_the_hub_sees_it(
    server: HubServer, network: Network, large: Path, tmp_path: Path
) -> None:
    server.add("maker/Gated-GGUF", {NAME: large}, gated=True)
    file = Hub(network, server.endpoint).file("maker/Gated-GGUF", NAME)
    with pytest.raises(Gated) as caught:
        read(Headers(Hub(network, server.endpoint), tmp_path / "a"), file)
    assert caught.value.facts == {"repo": "maker/Gated-GGUF", "page": f"{server.endpoint}/maker/Gated-GGUF"}
    assert read(Headers(Hub(network, server.endpoint, server.token), tmp_path / "b"), file).header.architecture == "llama"
    assert len(server.asked("cdn")) > 1
    assert all(request.headers["Authorization"] is None for request in server.asked("cdn"))


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value)) + value.encode()


WRONG: dict[str, tuple[Callable[[bytes], bytes], type[AlcoveError]]] = {
    "no GGUF": (lambda data: b"<html>" * 100, NotGguf),
    "nothing": (lambda data: b"", NotGguf),
    "cut in the header": (lambda data: data[:2000], HeaderTruncated),
    "cut in the weights": (lambda data: data[:-1000], Truncated),
    "damaged": (lambda data: data[:8] + b"\xff" * 8 + data[16:], Corrupt),
    "too large": (
        lambda data: (
            b"GGUF"
            + struct.pack("<IQQ", 3, 0, 2)
            + text("tokenizer.x")
            + struct.pack("<IIQQ", 9, 8, 1, 65_000_000)
            + bytes(100_000)
        ),
        HeaderTooLarge,
    ),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_file_that_is_wrong(reader: Headers, hub: Hub, server: HubServer, tmp_path: Path, name: str) -> None:
    damage, error = WRONG[name]
    server.add("a/wrong", {NAME: damage(llama(tmp_path / "tiny.gguf").read_bytes())})
    with pytest.raises(error) as caught:
        read(reader, hub.file("a/wrong", NAME))
    assert type(caught.value) is error
    assert caught.value.facts["path"] == NAME


# --- cancel ---------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("what", "at"), [("silent", "resolve"), ("hold", "cdn")])
def test_closing_hangs_up(reader: Headers, hub: Hub, server: HubServer, network: Network, what: str, at: str) -> None:
    fault = Fault(what, at, bytes=1000)
    server.faults.append(fault)
    file = hub.file(REPO, NAME)
    with closing(reader.read(file)) as steps:
        next(steps)
        assert fault.reached.wait(5)
        assert (next(steps).part, next(steps).parts) == (1, 1)
    assert not network.busy
    assert reader.cached(REPO, NAME) is None


def test_how_far_it_is(reader: Headers, hub: Hub, server: HubServer) -> None:
    fault = Fault("hold", bytes=150_000)
    server.faults += [Fault("none"), fault]
    with closing(reader.read(hub.file(REPO, NAME))) as steps:
        while next(steps).done_bytes < 350_000:
            assert not fault.release.is_set()
        fault.release.set()
        last = [each.done_bytes for each in steps]
    assert not last or last[-1] > 350_000
