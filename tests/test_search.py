"""Searches on the Hub: kept, sorted by what fits, and there without a network."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest

from desktop.errors import NotFound, Offline, ServerRefused, Unreachable
from desktop.gguf import named_kind
from desktop.hub import Hub
from desktop.network import Network
from desktop.repo import File, Repo
from desktop.search import Search, by_fit, guess, judge, models_of, size_bytes
from tests.hub_server import Fault, HubServer
from tests.test_hub import gguf

T = TypeVar("T")
GB = 1_000_000_000


@pytest.fixture
def server() -> Iterator[HubServer]:
    with HubServer() as server:
        server.add("maker/Small-GGUF", {"Small-Q4_K_M.gguf": gguf()}, weights=600_000_000)
        yield server


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def search(server: HubServer, network: Network, tmp_path: Path) -> Search:
    return Search(Hub(network, server.endpoint), tmp_path / "search")


def end(work: Generator[None, None, T]) -> T:
    while True:
        try:
            next(work)
        except StopIteration as stop:
            result: T = stop.value
            return result


def test_the_same_words_are_asked_for_once(search: Search, server: HubServer) -> None:
    found = end(search.find("Small  gguf"))
    assert [repo.id for repo in found.repos] == ["maker/Small-GGUF"]
    assert (found.more, found.old) == (False, False)
    assert end(search.find("small GGUF")) is found
    assert len(server.asked("api")) == 1
    assert end(search.find("small GGUF", limit=1)).more
    end(search.find("small GGUF", sort="date"))
    assert len(server.asked("api")) == 3


def test_a_repository_is_asked_about_once(search: Search, server: HubServer) -> None:
    repo = end(search.repo("maker/Small-GGUF"))
    assert repo.has_sizes
    assert end(search.repo("maker/Small-GGUF")) is repo
    assert len(server.asked("api")) == 1


def test_without_a_network_what_was_found_before_is_there(network: Network, tmp_path: Path) -> None:
    with HubServer() as server:
        server.add("maker/Small-GGUF", {"Small-Q4_K_M.gguf": gguf()})
        hub = Hub(network, server.endpoint)
        search = Search(hub, tmp_path / "search")
        found, repo = end(search.find("small")), end(search.repo("maker/Small-GGUF"))
    later = Search(hub, tmp_path / "search")
    assert end(later.find("small")) == replace(found, old=True)
    assert end(later.repo("maker/Small-GGUF")) == repo
    with pytest.raises(Unreachable):
        end(later.find("other"))
    with pytest.raises(Unreachable):
        end(later.repo("maker/Other-GGUF"))


def test_a_hub_in_trouble_is_no_reason_to_find_nothing(search: Search, server: HubServer, tmp_path: Path) -> None:
    end(search.find("small"))
    server.faults.append(Fault("status", "api", None, status=503))
    later = Search(search._hub, tmp_path / "search")
    assert end(later.find("small")).old
    with pytest.raises(ServerRefused):
        end(later.find("other"))


def test_what_is_gone_is_gone(search: Search, server: HubServer, tmp_path: Path) -> None:
    end(search.repo("maker/Small-GGUF"))
    del server.repos["maker/Small-GGUF"]
    with pytest.raises(NotFound):
        end(Search(search._hub, tmp_path / "search").repo("maker/Small-GGUF"))


def test_a_damaged_answer_is_asked_for_again(search: Search, tmp_path: Path) -> None:
    end(search.find("small"))
    for path in (tmp_path / "search").iterdir():
        path.write_bytes(b"{")
    assert not end(Search(search._hub, tmp_path / "search").find("small")).old


def test_another_hub_has_answers_of_its_own(search: Search, network: Network, tmp_path: Path) -> None:
    end(search.find("small"))
    network.offline = True
    with pytest.raises(Offline):
        end(Search(Hub(network, "https://mirror.example"), tmp_path / "search").find("small"))


def test_what_was_searched_for_is_not_on_the_disk(search: Search, tmp_path: Path) -> None:
    end(search.find("unheard-of illness"))
    assert all(b"illness" not in path.read_bytes() and "illness" not in path.name for path in (tmp_path / "search").iterdir())


def repo(name: str, weights: int, *quantizations: str) -> Repo:
    files = tuple(File(name, "sha", f"x-{q}.gguf", 0, None, q, "https://h") for q in quantizations)
    return Repo(name, "sha", "mit", None, False, 1, "", (), files, weights)


def test_sizes_are_known_or_reckoned() -> None:
    found = repo("m/x", 8 * GB, "Q4_K_M", "UD-Q8_0")
    assert [round(size_bytes(found, file) / GB, 1) for file in found.files] == [4.9, 8.5]
    told = replace(found, files=(replace(found.files[0], size_bytes=5),))
    assert size_bytes(told, told.files[0]) == 5
    assert size_bytes(found, replace(found.files[0], quantization=None)) == 0


def test_what_fits_comes_first() -> None:
    known = {
        "fits": repo("m/fits", 4 * GB, "Q4_K_M", "BF16"),
        "light": repo("m/light", 22 * GB, "Q2_K", "Q4_K_M"),
        "tight": repo("m/tight", 17 * GB, "Q4_K_M"),
        "unknown": repo("m/unknown", 0, "Q4_K_M"),
        "too_big": repo("m/big", 70 * GB, "Q4_K_M"),
    }
    free = 12 * GB
    assert {judge(each, free): name for name, each in known.items()} == {name: name for name in known}
    assert [each.id for each in by_fit(reversed(known.values()), free)] == [each.id for each in known.values()]
    assert by_fit(reversed(known.values()), 0) == list(reversed(known.values())), "nothing is known of the computer"
    assert guess(10 * GB, 0) == "unknown"


def test_a_model_in_parts_with_eyes_is_one_with_the_size_of_all() -> None:
    names = ["x-Q4_0-00001-of-00002.gguf", "x-Q4_0-00002-of-00002.gguf", "mmproj-x.gguf", "x-Q8_0.gguf"]
    files = tuple(File("m/x", "sha", name, 3 * GB, None, None, "https://h", named_kind(name)) for name in names)
    split = replace(repo("m/x", 0), files=files)
    assert [(file.name, size_bytes(split, file)) for file in models_of(split)] == [(names[0], 9 * GB), (names[3], 6 * GB)]
