import hashlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from desktop import licences
from desktop.errors import Corrupt, DiskFull, Forbidden, Gated, NotFound, NotGguf, NotWritable, Offline
from desktop.fetch import fetch
from desktop.hub import Hub
from desktop.library import Library, LocalModel
from desktop.licences import Evidence
from desktop.network import Network
from desktop.part import arrived_bytes
from desktop.transfer import Progress, Retry
from tests.hub_server import COMMIT, Fault, HubServer

REPO, NAME = "maker/Small-GGUF", "Small-Q4_K_M.gguf"
BODY = b"GGUF" + random.Random(3).randbytes(2_000_000)
SHA256 = hashlib.sha256(BODY).hexdigest()
SOON = Retry(first_wait_s=0.001)

# A program of its own, to be killed: downloads, and tells how far it is.
PROGRAM = """
import sys
from pathlib import Path
from desktop.fetch import fetch
from desktop.hub import Hub
from desktop.library import Library
from desktop.network import Network
from desktop.part import arrived_bytes

network = Network()
hub = Hub(network, sys.argv[1])
library = Library(Path(sys.argv[2]), Path("no guide"))
for progress in fetch(hub.set_of("maker/Small-GGUF", "Small-Q4_K_M.gguf"), hub, library, network):
    print(progress.done_bytes, flush=True)
"""


@pytest.fixture
def server() -> Iterator[HubServer]:
    with HubServer() as server:
        server.add(REPO, {NAME: BODY}, license="apache-2.0", base_model="maker/Small")
        yield server


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def hub(server: HubServer, network: Network) -> Hub:
    return Hub(network, server.endpoint)


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "models", tmp_path / "no guide")


def run(steps: Generator[Progress, None, LocalModel]) -> tuple[list[Progress], LocalModel]:
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            return seen, end.value


def files(library: Library) -> list[str]:
    return sorted(path.name for path in library.folder.rglob("*") if path.is_file())


def test_get_verify_keep(hub: Hub, library: Library, network: Network, server: HubServer) -> None:
    seen, model = run(fetch(hub.set_of(REPO, NAME), hub, library, network, catalogue_id="small:Q4_K_M"))
    assert seen[-1].done_bytes == len(BODY)
    assert model.path.read_bytes() == BODY
    assert files(library) == [NAME, f"{NAME}.json"]
    assert (model.complete, model.origin, model.sha256, model.size_bytes) == (True, "own", SHA256, len(BODY))
    assert (model.repo, model.revision, model.file, model.reference) == (REPO, COMMIT, NAME, "small:Q4_K_M")
    assert (model.licence, model.base_models) == ("apache-2.0", ("maker/Small",))
    assert model.url == f"{server.endpoint}/{REPO}/resolve/{COMMIT}/{NAME}"
    assert {a.purpose for a in network.activity} == {"look up models", f"download {NAME}"}


def test_what_is_here_already_costs_no_byte(hub: Hub, library: Library, network: Network, server: HubServer) -> None:
    file = hub.file(REPO, NAME)
    _, model = run(fetch([file], hub, library, network))
    assert model.reference == f"hf:{REPO}/{NAME}@{COMMIT}"
    network.offline = True
    server.requests.clear()
    assert run(fetch([file], hub, library, network)) == ([], model)
    assert server.requests == []


def test_a_new_edition_replaces_the_old_one_only_when_it_is_whole(
    hub: Hub, library: Library, network: Network, server: HubServer
) -> None:
    _, old = run(fetch(hub.set_of(REPO, NAME), hub, library, network))
    server.add(REPO, {NAME: BODY[:-1] + b"x"})
    server.faults.append(Fault("cut", bytes=1000, times=None))
    steps = fetch(hub.set_of(REPO, NAME), hub, library, network, retry=Retry(first_wait_s=60))
    while next(steps).stage != "wait":
        pass
    steps.close()
    assert library.list() == (old,)
    assert old.path.read_bytes() == BODY
    server.faults.clear()
    _, new = run(fetch(hub.set_of(REPO, NAME), hub, library, network))
    assert (new.id, new.path) == (old.id, old.path)
    assert new.path.read_bytes() == BODY[:-1] + b"x"


def test_cancel_keeps_the_part_and_resume_continues_it(hub: Hub, library: Library, network: Network, server: HubServer) -> None:
    server.faults.append(fault := Fault("hold", bytes=1_200_000))
    file = hub.file(REPO, NAME)
    steps = fetch([file], hub, library, network, catalogue_id="small:Q4_K_M")
    while next(steps).done_bytes < 1_200_000:
        pass
    steps.close()
    fault.release.set()
    (unfinished,) = library.list()
    assert (unfinished.complete, unfinished.done_bytes, unfinished.size_bytes) == (False, 1_200_000, len(BODY))
    assert (unfinished.reference, unfinished.licence) == ("small:Q4_K_M", "apache-2.0"), "enough to go on after a restart"
    seen, model = run(fetch([file], hub, library, network, catalogue_id="small:Q4_K_M"))
    assert seen[-1].resumed_bytes == 1_200_000
    assert server.asked("cdn")[-1].headers["Range"] == "bytes=1200000-"
    assert model.path.read_bytes() == BODY
    assert files(library) == [NAME, f"{NAME}.json"]
    assert model.id == unfinished.id


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_killed_program_goes_on_where_it_was(hub: Hub, library: Library, network: Network, server: HubServer) -> None:
    server.faults.append(fault := Fault("hold", bytes=1_500_000))
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, server.endpoint, str(library.folder)], stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        while int(program.stdout.readline()) < 1_500_000 or arrived_bytes(library.part_path(REPO, NAME)) < 1_500_000:
            pass  # it has come, and a second later that is safe and noted
        program.send_signal(signal.SIGKILL)
        assert program.wait(5) == -signal.SIGKILL
    fault.release.set()
    (unfinished,) = library.list()
    assert (unfinished.complete, unfinished.done_bytes) == (False, 1_500_000)
    server.requests.clear()
    seen, model = run(fetch(hub.set_of(REPO, NAME), hub, library, network))
    assert [request.headers["Range"] for request in server.asked("cdn")] == ["bytes=1500000-"]
    assert seen[-1].resumed_bytes == 1_500_000
    assert hashlib.sha256(model.path.read_bytes()).hexdigest() == model.sha256 == SHA256


def test_killed_between_the_last_byte_and_the_name(hub: Hub, library: Library, network: Network, server: HubServer) -> None:
    file = hub.file(REPO, NAME)
    _, model = run(fetch([file], hub, library, network))
    part = library.part_path(REPO, NAME)
    os.replace(model.path, part)
    record = {"url": file.url, "size_bytes": len(BODY), "sha256": SHA256, "etag": ""}
    part.with_name(part.name + ".json").write_text(json.dumps(record))
    network.offline = True
    assert run(fetch([file], hub, library, network))[1].complete
    assert files(library) == [NAME, f"{NAME}.json"]


def test_no_room_is_told_before_the_first_byte(hub: Hub, library: Library, network: Network, server: HubServer) -> None:
    file = replace(hub.file(REPO, NAME), size_bytes=1 << 60)
    with pytest.raises(DiskFull, match=r"This needs .* GB of disk space and .* are free"):
        run(fetch([file], hub, library, network))
    assert server.asked("resolve") == []
    assert not library.folder.exists()


def test_a_corrupt_file_is_not_kept(hub: Hub, library: Library, network: Network, server: HubServer) -> None:
    server.faults.append(Fault("flip", bytes=1_000_000, times=None))
    with pytest.raises(Corrupt):
        run(fetch(hub.set_of(REPO, NAME), hub, library, network))
    server.faults.clear()
    assert library.list() == ()
    assert list(library.folder.iterdir()) == []
    assert run(fetch(hub.set_of(REPO, NAME), hub, library, network))[1].sha256 == SHA256


def test_a_gated_model(library: Library, network: Network, server: HubServer) -> None:
    server.add("maker/Gated-GGUF", {"g-Q4_0.gguf": BODY}, gated=True, license="llama3.1")
    hub = Hub(network, server.endpoint)
    file = hub.file("maker/Gated-GGUF", "g-Q4_0.gguf")
    with pytest.raises(Gated, match=f"open {server.endpoint}/maker/Gated-GGUF, accept them there"):
        run(fetch([file], hub, library, network))
    assert list(library.folder.iterdir()) == [], "nothing that looks like an unfinished model"
    hub.token = server.token
    assert run(fetch([file], hub, library, network))[1].licence == "llama3.1"
    assert all(request.headers["Authorization"] is None for request in server.asked("cdn"))


def test_going_offline_ends_a_download_from_outside(hub: Hub, library: Library, network: Network, server: HubServer) -> None:
    """The door closes in mid-stream: here the stream is on loopback, so that it is taken up again; the part is what counts."""
    server.faults.append(Fault("hold", bytes=500_000))
    steps = fetch(hub.set_of(REPO, NAME), hub, library, network, retry=SOON)
    while next(steps).done_bytes < 500_000:
        pass
    network.offline = True
    assert run(steps)[1].sha256 == SHA256
    assert server.asked("cdn")[-1].headers["Range"] == "bytes=500000-"


def test_offline_from_the_start(library: Library, network: Network, server: HubServer, hub: Hub) -> None:
    file = hub.file(REPO, NAME)
    network.offline = True
    with pytest.raises(Offline, match=r"did not connect to huggingface\.co"):
        run(fetch([replace(file, url=f"https://huggingface.co/{REPO}/resolve/main/{NAME}")], hub, library, network))


def test_a_home_that_is_read_only(hub: Hub, network: Network, tmp_path: Path, server: HubServer) -> None:
    (tmp_path / "file").touch()
    library = Library(tmp_path / "file" / "models", tmp_path / "no guide")
    with pytest.raises(NotWritable):
        run(fetch(hub.set_of(REPO, NAME), hub, library, network))
    assert server.asked("resolve") == []


def test_an_address_elsewhere(library: Library, network: Network, server: HubServer) -> None:
    hub = Hub(network, "https://hub.example", "hf_me")
    file = hub.address(f"{server.endpoint}/{REPO}/resolve/main/{NAME}")
    _, model = run(fetch([file], hub, library, network))
    assert (model.repo, model.file, model.reference, model.sha256) == ("127.0.0.1", NAME, file.url, SHA256)
    assert all(request.headers["Authorization"] is None for request in server.requests)


def test_no_thread_stays(hub: Hub, library: Library, network: Network) -> None:
    run(fetch(hub.set_of(REPO, NAME), hub, library, network))
    assert "transfer" not in {thread.name for thread in threading.enumerate()}


def test_what_is_being_downloaded_is_not_removed(server: HubServer, hub: Hub, library: Library, network: Network) -> None:
    server.faults.append(held := Fault("hold", bytes=100_000))
    steps = fetch(hub.set_of(REPO, NAME), hub, library, network)
    try:
        while not next(steps).done_bytes:
            pass
        with pytest.raises(Forbidden, match="it is being downloaded"):
            library.remove("Small-Q4_K_M")
    finally:
        steps.close()
        held.release.set()
    assert library.remove("Small-Q4_K_M") > 0


# --- models of several files ----------------------------------------------------------------------------------------------------

EYES = b"GGUF" + b"\1" * 70_000
PARTS = {f"Large-Q4_K_M-0000{n}-of-00003.gguf": b"GGUF" + random.Random(n).randbytes(400_000 + n) for n in (1, 2, 3)}


@pytest.fixture
def large(server: HubServer) -> str:
    files = {f"Q4_K_M/{name}": body for name, body in PARTS.items()}
    server.add("maker/Large-GGUF", {**files, "mmproj-F32.gguf": EYES * 2, "mmproj-F16.gguf": EYES, "notes.txt": b"x"})
    return "Q4_K_M/Large-Q4_K_M-00002-of-00003.gguf"


def test_all_parts_and_the_eyes_come_with_one_progress(hub: Hub, library: Library, network: Network, large: str) -> None:
    files = hub.set_of("maker/Large-GGUF", large)
    assert [file.name.rpartition("/")[2] for file in files] == [*PARTS, "mmproj-F16.gguf"]
    seen, model = run(fetch(files, hub, library, network))
    size = sum(map(len, (*PARTS.values(), EYES)))
    assert {(step.size_bytes, step.files) for step in seen} == {(size, 4)}
    assert [step.done_bytes for step in seen] == sorted(step.done_bytes for step in seen)
    assert (seen[-1].done_bytes, seen[-1].file) == (size, 4)
    assert model.complete
    assert model.size_bytes == sum(map(len, PARTS.values()))
    assert [path.read_bytes() for path in model.files] == [*PARTS.values()]
    assert (model.path.parent / "mmproj-F16.gguf").read_bytes() == EYES, "where the engine looks for it"
    assert len(library.list()) == 1


def test_an_address_of_one_part_means_the_model(network: Network, server: HubServer, hub: Hub, large: str) -> None:
    url = f"{server.endpoint}/maker/Large-GGUF/resolve/main/{large}"
    assert hub.files_at(url) == hub.set_of("maker/Large-GGUF", large)
    abroad = Hub(network, "https://hub.example").files_at(f"{url}?download=true")
    assert [(file.name, file.size_bytes) for file in abroad] == [(name, len(body)) for name, body in PARTS.items()]


def test_a_model_of_several_files_goes_on_with_what_is_missing(
    hub: Hub, library: Library, network: Network, server: HubServer, large: str
) -> None:
    files = hub.set_of("maker/Large-GGUF", large)
    server.faults += [Fault("none"), fault := Fault("hold", bytes=100_000)]
    steps = fetch(files, hub, library, network)
    while next(steps).done_bytes < 500_001:
        pass
    steps.close()
    fault.release.set()
    (unfinished,) = library.list()
    assert (unfinished.complete, unfinished.done_bytes) == (False, 400_005 + 100_000)
    server.requests.clear()
    _, model = run(fetch(files, hub, library, network))
    assert model.complete
    assert [request.headers["Range"] for request in server.asked("cdn")] == ["bytes=100000-", None, None]
    server.requests.clear()
    assert run(fetch(files, hub, library, network)) == ([], model)
    assert server.requests == []


def test_a_set_of_which_the_hub_lacks_a_part(hub: Hub, server: HubServer, large: str) -> None:
    del server.repos["maker/Large-GGUF"].files["Q4_K_M/Large-Q4_K_M-00003-of-00003.gguf"]
    with pytest.raises(NotFound, match="Large-Q4_K_M-00003-of-00003"):
        hub.set_of("maker/Large-GGUF", large)


def test_the_same_file_under_another_name_is_not_fetched_again(
    hub: Hub, library: Library, network: Network, server: HubServer
) -> None:
    _, model = run(fetch(hub.set_of(REPO, NAME), hub, library, network))
    server.add("other/Copy-GGUF", {"copy-Q4_K_M.gguf": BODY})
    files = hub.set_of("other/Copy-GGUF", "copy-Q4_K_M.gguf")
    server.requests.clear()
    steps, same = run(fetch(files, hub, library, network))
    assert (steps, same.path) == ([], model.path)
    assert server.requests == []


def test_what_another_page_says_of_the_same_file_counts_too(
    hub: Hub, library: Library, network: Network, server: HubServer
) -> None:
    server.add("someone/Free-GGUF", {"free-Q4_K_M.gguf": BODY + b"x"}, license="apache-2.0")
    server.add("google/gemma-2-9b-it-GGUF", {"gemma-Q4_K_M.gguf": BODY + b"x"}, license="gemma")
    run(fetch(hub.set_of("someone/Free-GGUF", "free-Q4_K_M.gguf"), hub, library, network))
    files = hub.set_of("google/gemma-2-9b-it-GGUF", "gemma-Q4_K_M.gguf")
    for _ in range(2):
        _, same = run(fetch(files, hub, library, network))
        ruling = licences.load().rule(Evidence(cards=same.cards))
        assert (ruling.licence, bool(ruling.conflict)) == ("gemma + apache-2.0", True)
        assert [card.repo for card in same.cards] == ["someone/Free-GGUF", "google/gemma-2-9b-it-GGUF"]


def test_nothing_but_gguf_is_fetched(hub: Hub, library: Library, network: Network, server: HubServer) -> None:
    file = replace(hub.file(REPO, NAME), name="run-me.exe")
    server.requests.clear()
    with pytest.raises(NotGguf):
        run(fetch([file], hub, library, network))
    assert server.requests == []
