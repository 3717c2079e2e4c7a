import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.errors import BadReference, NotFound, NotGguf, Offline, ServerRefused, Unreachable
from desktop.gguf import named_kind
from desktop.hub import ENDPOINT, Hub
from desktop.network import Network
from tests.hub_server import COMMIT, Fault, HubServer


def gguf(size: int = 100_000, architecture: str = "llama") -> bytes:
    """The smallest honest GGUF: one key, one F32 tensor that fills the file."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + text("general.architecture") + struct.pack("<I", 8) + text(architecture)
    count = size // 4
    head += text("token_embd.weight") + struct.pack("<IQIQ", 1, count, 0, 0)
    return head + bytes(-len(head) % 32) + bytes(count * 4)


@pytest.fixture
def server() -> Iterator[HubServer]:
    with HubServer() as server:
        server.add(
            "maker/Small-GGUF",
            {
                "Small-Q4_K_M.gguf": gguf(),
                "Small-Q8_0.gguf": gguf(200_000),
                "sub/Small-BF16-00001-of-00002.gguf": gguf(),
                "mmproj-Small-F16.gguf": gguf(),
                "Small.imatrix.gguf": gguf(),
                "README.md": b"hello",
            },
            downloads=10,
            license="apache-2.0",
            base_model="maker/Small",
        )
        server.add(
            "other/small-tuned-GGUF",
            {"t-Q4_0.gguf": gguf()},
            downloads=500,
            license="other",
            license_name="tuned-community",
            license_link="https://example.org/licence",
            base_model=["maker/Small", "third/Thing"],
        )
        server.add("maker/Small", {"model.safetensors": b"x"}, license="apache-2.0")
        server.add("maker/Gated-GGUF", {"g.gguf": gguf()}, gated=True, license="llama3.1")
        server.add("maker/Private-GGUF", {"p.gguf": gguf()}, private=True)
        yield server


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def hub(server: HubServer, network: Network) -> Hub:
    return Hub(network, server.endpoint)


# --- search and list ------------------------------------------------------------------------------------------------------------


def test_search_finds_repositories_with_gguf_files_most_downloaded_first(hub: Hub) -> None:
    assert [repo.id for repo in hub.search("small")] == ["other/small-tuned-GGUF", "maker/Small-GGUF"]
    assert [repo.id for repo in hub.search("small", limit=1)] == ["other/small-tuned-GGUF"]
    assert list(hub.search("nothing of the kind")) == []


def test_search_asks_once_and_knows_all_but_the_sizes(hub: Hub, server: HubServer) -> None:
    server.repos["maker/Small-GGUF"].weights = 600_000_000
    _, found = hub.search("small")
    assert len(server.asked("api")) == 1
    whole = hub.repo("maker/Small-GGUF")
    plain = tuple(replace(file, size_bytes=0, sha256=None) for file in whole.files)
    assert found == replace(whole, files=plain)
    assert (found.has_sizes, whole.has_sizes, found.weights) == (False, True, 600_000_000)


def test_search_by_date(hub: Hub, server: HubServer) -> None:
    server.repos["maker/Small-GGUF"].updated = "2026-09-01T00:00:00.000Z"
    assert [repo.id for repo in hub.search("small", sort="date")] == ["maker/Small-GGUF", "other/small-tuned-GGUF"]


@pytest.mark.parametrize(
    ("name", "weights"),
    [
        ("Qwen/Qwen3-0.6B-GGUF", 600_000_000),
        ("unsloth/Qwen3-30B-A3B-GGUF", 30_000_000_000),
        ("TheBloke/Mixtral-8x7B-GGUF", 56_000_000_000),
        ("maker/tiny-270m-it", 270_000_000),
        ("maker/Phi-4-GGUF", 0),
        ("8b-maker/thing", 0),
        ("maker/x-4bit-GGUF", 0),
    ],
)
def test_how_many_weights_by_the_name(hub: Hub, server: HubServer, name: str, weights: int) -> None:
    server.add(name, {"x-Q4_0.gguf": gguf()})
    assert hub.repo(name).weights == weights


def test_a_repository_and_its_gguf_files(hub: Hub, server: HubServer) -> None:
    repo = hub.repo("maker/Small-GGUF")
    assert (repo.revision, repo.licence_tag, repo.base_models, repo.gated) == (COMMIT, "apache-2.0", ("maker/Small",), False)
    assert (repo.downloads, repo.updated) == (10, "2026-01-02T03:04:05+00:00")
    assert [(file.name, file.kind, file.quantization) for file in repo.files] == [
        ("Small-Q4_K_M.gguf", "model", "Q4_K_M"),
        ("Small-Q8_0.gguf", "model", "Q8_0"),
        ("sub/Small-BF16-00001-of-00002.gguf", "split", "BF16"),
        ("mmproj-Small-F16.gguf", "mmproj", "F16"),
        ("Small.imatrix.gguf", "imatrix", None),
    ]
    file, content = repo.files[0], server.repos["maker/Small-GGUF"].files["Small-Q4_K_M.gguf"]
    assert (file.size_bytes, file.sha256, file.licence) == (content.size, content.sha256, "apache-2.0")
    assert file.url == f"{server.endpoint}/maker/Small-GGUF/resolve/{COMMIT}/Small-Q4_K_M.gguf"
    assert repo.variant("q8_0") == repo.files[1]
    first = repo.variant("BF16")
    assert first is not None
    assert first.name == "sub/Small-BF16-00001-of-00002.gguf"


def test_a_licence_of_the_makers_own(hub: Hub) -> None:
    repo = hub.repo("other/small-tuned-GGUF")
    assert (repo.licence_tag, repo.licence_name) == ("other", "tuned-community")
    assert repo.base_models == ("maker/Small", "third/Thing")
    assert repo.files[0].licence == "tuned-community"


@pytest.mark.parametrize(
    ("name", "expected"),
    [("a-Q4_0.gguf", "model"), ("x/mmproj-a.gguf", "mmproj"), ("a-00002-of-00003.gguf", "split"), ("imatrix.gguf", "imatrix")],
)
def test_kinds(name: str, expected: str) -> None:
    assert named_kind(name) == expected


def test_a_file_at_a_revision(hub: Hub) -> None:
    assert hub.file("maker/Small-GGUF", "Small-Q8_0.gguf", "main").revision == COMMIT
    with pytest.raises(NotFound, match=r"127\.0\.0\.1 has no file Big\.gguf in maker/Small-GGUF"):
        hub.file("maker/Small-GGUF", "Big.gguf")
    with pytest.raises(NotFound, match="no repository maker/Small-GGUF at v9"):
        hub.file("maker/Small-GGUF", "Small-Q8_0.gguf", "v9")


def test_an_address_on_the_hub_and_elsewhere(hub: Hub, server: HubServer, network: Network) -> None:
    there = hub.address(f"{server.endpoint}/maker/Small-GGUF/blob/main/sub/Small-BF16-00001-of-00002.gguf?download=true")
    assert (there.repo, there.revision, there.kind) == ("maker/Small-GGUF", COMMIT, "split")
    abroad = Hub(network, "https://hub.example").address(f"{server.endpoint}/maker/Small-GGUF/resolve/main/Small-Q8_0.gguf")
    assert (abroad.repo, abroad.name, abroad.sha256) == ("127.0.0.1", "Small-Q8_0.gguf", None)
    assert abroad.etag == f'"{server.repos["maker/Small-GGUF"].files["Small-Q8_0.gguf"].sha256}"'
    assert abroad.size_bytes == there.size_bytes + 100_000
    with pytest.raises(NotFound, match=r"no file absent\.gguf"):
        Hub(network, "https://hub.example").address(f"{server.endpoint}/maker/Small-GGUF/resolve/main/absent.gguf")
    server.faults.append(Fault("status", "resolve", status=403))
    with pytest.raises(ServerRefused, match="fetch the file with a browser"):  # it has no terms that one could accept
        Hub(network, "https://hub.example").address(f"{server.endpoint}/maker/Small-GGUF/resolve/main/Small-Q8_0.gguf")


@pytest.mark.parametrize("name", ["pytorch_model.bin", "setup.py", "x.gguf.exe", "x.gguf.html?a=b.gguf", ""])
def test_only_gguf_files_are_looked_up(hub: Hub, server: HubServer, name: str) -> None:
    server.add("maker/Mixed-GGUF", {"x.gguf": gguf(), "pytorch_model.bin": b"x", "setup.py": b"x", "x.gguf.exe": b"x"})
    assert [file.name for file in hub.repo("maker/Mixed-GGUF").files] == ["x.gguf"]
    asked = len(server.requests)
    with pytest.raises(NotGguf):
        hub.address(f"{server.cdn}/maker/Mixed-GGUF/{name}")
    assert len(server.requests) == asked
    with pytest.raises(NotFound):
        hub.address(f"{server.endpoint}/maker/Mixed-GGUF/resolve/main/{name or 'none'}")


@pytest.mark.parametrize("name", ["esc\x1b[31m.gguf", "bell\x07.gguf", "x\u202efugg.exe.gguf", "two\nlines.gguf"])
def test_a_name_that_would_write_over_the_screen_is_left_out(hub: Hub, server: HubServer, name: str) -> None:
    server.add("maker/Odd-GGUF", {name: gguf(), "möbius 😀.gguf": gguf()})
    assert [file.name for file in hub.repo("maker/Odd-GGUF").files] == ["möbius 😀.gguf"]
    assert [file.name for repo in hub.search("odd") for file in repo.files] == ["möbius 😀.gguf"]


# --- refusals -------------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["maker/Absent-GGUF", "maker/Private-GGUF"])
def test_a_repository_that_is_not_there(hub: Hub, name: str) -> None:
    with pytest.raises(NotFound, match=f"has no repository {name}"):
        hub.repo(name)


def test_what_is_no_hub_says_so_when_it_is_searched(hub: Hub, server: HubServer) -> None:
    server.faults.append(Fault("status", "api", status=404))
    with pytest.raises(NotFound, match="127.0.0.1 has no list of models"):
        list(hub.search("small"))


@pytest.mark.parametrize("name", ["a/b/c", "../etc", "a--b/c", "maker/.git"])
def test_a_name_that_is_none(hub: Hub, server: HubServer, name: str) -> None:
    with pytest.raises(BadReference):
        hub.repo(name)
    assert server.requests == []


def test_a_gated_model_lists_its_files(server: HubServer, network: Network) -> None:
    assert [file.name for file in Hub(network, server.endpoint).repo("maker/Gated-GGUF").files] == ["g.gguf"]


@pytest.mark.parametrize("written", ["{}\n", "  {} ", "\t{}\r\n"])
def test_a_token_with_space_around_it(server: HubServer, network: Network, written: str) -> None:
    assert Hub(network, server.endpoint, written.format(server.token)).token == server.token


@pytest.mark.parametrize("token", ["pä\ude00ss", "two\nlines", "cr\rlf"])
def test_what_can_be_no_token_is_refused_by_the_hub(server: HubServer, network: Network, token: str) -> None:
    with pytest.raises(ServerRefused, match="the access token was not accepted"):
        Hub(network, server.endpoint, token).repo("maker/Small-GGUF")


def test_a_wrong_token(server: HubServer, network: Network) -> None:
    with pytest.raises(ServerRefused, match="the access token was not accepted") as caught:
        Hub(network, server.endpoint, "hf_wrong").repo("maker/Small-GGUF")
    assert "hf_wrong" not in str(caught.value)


@pytest.mark.parametrize(("status", "words"), [(429, "too many requests"), (500, "a problem of its own"), (503, "of its own")])
def test_a_hub_in_trouble_is_told_at_once(hub: Hub, server: HubServer, status: int, words: str) -> None:
    server.faults.append(Fault("status", "api", None, status=status, headers={"Retry-After": "60"}))
    for act in (lambda: hub.repo("maker/Small-GGUF"), lambda: list(hub.search("small"))):
        with pytest.raises(ServerRefused, match=words) as caught:
            act()
        assert caught.value.facts["wait_s"] == 60
    assert len(server.asked("api")) == 2, "huggingface_hub's own retries would have slept for minutes"


def test_a_web_page_where_the_hub_should_be(hub: Hub, server: HubServer) -> None:
    server.faults.append(Fault("html", "api", None))
    with pytest.raises(ServerRefused, match=r"no sense; perhaps this is no Hub\.$"):
        hub.repo("maker/Small-GGUF")
    with pytest.raises(ServerRefused, match=r"no sense; perhaps this is no Hub\.$"):
        list(hub.search("small"))


@pytest.mark.parametrize("endpoint", ["nonsense", "http://", "http://[bad", "https://hub.example:99999", "ftp://hub.example"])
def test_an_endpoint_that_is_no_address(network: Network, endpoint: str) -> None:
    hub = Hub(network, endpoint)
    for act in (lambda: hub.repo("maker/Small-GGUF"), lambda: list(hub.search("small"))):
        with pytest.raises(Unreachable, match="no web address; correct HF_ENDPOINT"):
            act()
    assert network.activity == ()


def test_no_hub_there(network: Network) -> None:
    with pytest.raises(Unreachable, match="the connection was refused"):
        Hub(network, "http://127.0.0.1:1").repo("maker/Small-GGUF")


def test_offline(network: Network) -> None:
    network.offline = True
    hub = Hub(network)
    with pytest.raises(Offline, match=r"did not connect to huggingface\.co"):
        hub.repo("maker/Small-GGUF")
    with pytest.raises(Offline):
        list(hub.search("small"))


def test_each_network_serves_its_own_hub(server: HubServer) -> None:
    first, second = Network(), Network()
    for network in (first, second, first):
        Hub(network, server.endpoint).repo("maker/Small-GGUF")
    assert (len(first.activity), len(second.activity)) == (4, 2), "each looks first whether it is a mirror"


# --- who is asked ---------------------------------------------------------------------------------------------------------------


def test_endpoint_and_token_come_from_the_environment(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)
    monkeypatch.delenv("HF_TOKEN", raising=False)
    assert (Hub(network).endpoint, Hub(network).token) == (ENDPOINT, None)
    monkeypatch.setenv("HF_ENDPOINT", "http://mirror.example/")
    monkeypatch.setenv("HF_TOKEN", "hf_env")
    hub = Hub(network)
    assert (hub.endpoint, hub.host, hub.token) == ("http://mirror.example", "mirror.example", "hf_env")
    assert network.plain_hosts == {"mirror.example"}, "a plain mirror is reached, for it was asked for in so many words"


def test_the_token_is_for_the_hub_only(network: Network, server: HubServer, hub: Hub) -> None:
    file = hub.repo("maker/Small-GGUF").files[0]
    assert hub.headers(file) == {}
    assert Hub(network, server.endpoint, "hf_me").headers(file) == {"Authorization": "Bearer hf_me"}
    assert Hub(network, server.endpoint + "5", "hf_me").headers(file) == {}
    assert Hub(network, "https://huggingface.co", "hf_me").headers(file) == {}


def test_nothing_is_written_and_no_stored_token_is_read(server: HubServer, tmp_path: Path) -> None:
    home = tmp_path / "person"
    token = home / ".cache" / "huggingface" / "token"
    token.parent.mkdir(parents=True)
    token.write_text("hf_stored")
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")}
    code = "from desktop.hub import Hub; from desktop.network import Network; import sys\n"
    code += "assert next(Hub(Network(), sys.argv[1]).search('small')).files"
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "XDG_"))}
    environment |= {"HOME": str(home), "USERPROFILE": str(home), "PYTHONDONTWRITEBYTECODE": "1"}
    environment["HF_HUB_DISABLE_IMPLICIT_TOKEN"] = "0"
    subprocess.run([sys.executable, "-c", code, server.endpoint], env=environment, check=True, timeout=60)
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*")} == before
    assert all(request.headers["Authorization"] is None for request in server.requests)
