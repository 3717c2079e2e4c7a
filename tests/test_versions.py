"""Another version of a model under another licence: noticed before it is downloaded, and beside the one that is here."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop import versions
from desktop.app import App
from desktop.judging import end
from desktop.library import LocalModel
from desktop.search import Search
from tests import gguf_files, hub_server
from tests.hub_server import HubServer

REPO = "maker/Chat-GGUF"
SMALL, LARGE = (f"hf:{REPO}/Chat-{name}.gguf" for name in ("Q4_K_M", "Q8_0"))


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    with HubServer() as server:
        monkeypatch.setenv("HF_ENDPOINT", server.endpoint)
        yield server


@pytest.fixture
def app(server: HubServer, tmp_path: Path) -> Iterator[App]:
    app = App.open(tmp_path / "home")
    yield app
    app.close()


def serve(server: HubServer, tmp_path: Path, licence: str | list[str]) -> None:
    file = gguf_files.llama(tmp_path / "x.gguf").read_bytes()
    server.add(REPO, {"Chat-Q4_K_M.gguf": file, "Chat-Q8_0.gguf": file}, license=licence)


@pytest.fixture
def here(server: HubServer, app: App, tmp_path: Path) -> LocalModel:
    """One size of it, downloaded while it was under MIT."""
    serve(server, tmp_path, "mit")
    return end(app.getting.get(SMALL))


def test_a_licence_that_has_changed_is_noticed_before_another_size_is_downloaded(server, app, here, tmp_path) -> None:
    serve(server, tmp_path, "llama3.1")
    found = end(app.rights.licence_change(LARGE))
    assert found is not None
    assert (found.name, found.was.licence, found.now.licence) == (here.name, "mit", "llama3.1")
    assert [(p.what, [a.answer for a in p.answers]) for p in found.answers if p.answers] == [
        ("commercial", ["yes", "if"]),
        ("share", ["yes", "if"]),
    ]


def test_what_is_the_same_is_no_change(server, app, here, tmp_path) -> None:
    assert end(app.rights.licence_change(LARGE)) is None
    serve(server, tmp_path, "MIT")
    assert end(app.rights.licence_change(LARGE)) is None


def test_nobody_is_asked_where_no_version_is_here(server, app, tmp_path) -> None:
    serve(server, tmp_path, "mit")
    asked = len(server.requests)
    assert end(app.rights.licence_change(LARGE)) is None
    assert len(server.requests) == asked


def test_what_was_heard_of_a_newer_version_is_told_beside_the_one_here(server, app, here, tmp_path, monkeypatch) -> None:
    assert app.rights.newer_licence(app.targets.of(here.id)) is None
    serve(server, tmp_path, "llama3.1")
    end(app.search.repo(REPO))
    assert app.rights.newer_licence(app.targets.of(here.id)) is None  # the same commit cannot be newer
    monkeypatch.setattr(hub_server, "COMMIT", "b" * 40)
    end(Search(app.hub, app.paths.cache / "search").repo(REPO))
    app.rights.search = Search(app.hub, app.paths.cache / "search")  # as after a new start
    asked = len(server.requests)
    found = app.rights.newer_licence(app.targets.of(here.id))
    assert found is not None
    assert found.now.licence == "llama3.1"
    assert len(server.requests) == asked


def test_a_file_without_a_card_of_its_time_is_compared_with_nothing(app: App, tmp_path: Path) -> None:
    local = app.library.link(gguf_files.llama(tmp_path / "own.gguf"))
    target = app.targets.of(local.id)
    assert versions.change(target, (), app.licences) is None
    assert app.rights.newer_licence(target) is None
