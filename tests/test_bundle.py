"""Bundles: made on one computer, checked, taken in on another; and the same folder as a mirror of the Hub."""

import json
import os
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from desktop import bundle, digest, mirror, settings
from desktop.app import App
from desktop.card import Card
from desktop.cli.command import finish
from desktop.errors import AlcoveError, Corrupt, DiskFull, Forbidden, NotFound, Offline
from desktop.hub import Hub
from desktop.library import Library, LocalModel, Provenance
from desktop.network import Network
from desktop.paths import Paths
from desktop.settings import Settings
from tests import gguf_files
from tests.plain_server import NGINX, nginx, served

REPO = "Qwen/Qwen3-0.6B-GGUF"  # which the catalogue knows
FILE = "Qwen3-0.6B-Q8_0.gguf"


CARDS = (Card(REPO, ("apache-2.0",), base_models=("Qwen/Qwen3-0.6B",)), Card("Qwen/Qwen3-0.6B", ("apache-2.0",)))


def kept(library: Library, path: Path, repo: str = REPO, file: str = "", **facts: Any) -> LocalModel:
    """A file as a download leaves it."""
    origin = Provenance(repo=repo, file=file or path.name, revision="c0ffee", sha256=finish(digest.sha256(path)), **facts)
    part = library.begin(origin)
    os.replace(path, part)
    return library.adopt(part, origin)


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    app = App.open(tmp_path / "home")
    kept(app.library, gguf_files.llama(tmp_path / FILE), licence="apache-2.0", base_models=("Qwen/Qwen3-0.6B",), cards=CARDS)
    yield app
    app.close()


@pytest.fixture
def other(tmp_path: Path) -> Library:
    """The library of another computer."""
    return Library(tmp_path / "other" / "models", tmp_path / "no guide")


@pytest.fixture
def folder(app: App, tmp_path: Path) -> Path:
    """A bundle with one model."""
    finish(app.sending.create(tmp_path / "stick", [f"hf:{REPO}/{FILE}"]))
    return tmp_path / "stick"


def change(folder: Path, edit: Callable[[dict[str, Any]], None]) -> None:
    told = json.loads((folder / mirror.NAME).read_text())
    edit(told)
    (folder / mirror.NAME).write_text(json.dumps(told))


def file_of(folder: Path) -> Path:
    return folder / REPO / FILE


# --- create, verify, install ----------------------------------------------------------------------------------------------------


def test_a_bundle_has_files_hashes_licences_and_catalogue(folder: Path, app: App) -> None:
    told = mirror.read(folder)
    (model,) = told.models
    (entry,) = model.files
    local = app.library.list()[1]
    assert (model.repo, model.reference, model.revision, model.licence) == (REPO, "qwen3-0.6b:Q8_0", "c0ffee", "apache-2.0")
    assert (entry.path, entry.size_bytes, entry.sha256) == (f"{REPO}/{FILE}", local.size_bytes, local.sha256)
    assert file_of(folder).read_bytes() == local.path.read_bytes()
    papers = [f"{REPO}/{name}" for name in ("CHANGES.txt", "LICENCE-apache-2.0.txt", "READ-ME-FIRST.txt")]
    assert sorted(text.id for text in told.licences) == [*papers, "apache-2.0"]
    assert "Apache License" in (folder / "licences" / "apache-2.0.txt").read_text()
    assert [entry["id"] for entry in told.catalogue] == ["qwen3-0.6b"]
    assert [each.ok for each in finish(bundle.verify(folder))] == [True]
    assert len(bundle.digest_of(folder)) == 64


def test_what_is_in_it_is_not_copied_again_and_the_rest_stays(folder: Path, app: App, tmp_path: Path) -> None:
    before = file_of(folder).stat().st_ino
    mine = gguf_files.write(tmp_path / "mine.gguf", metadata={"general.license": "mit"}, tensors={"token_embd.weight": (8, 8)})
    linked = app.library.link(mine)
    made = finish(app.sending.create(folder, [linked.id]))
    assert [model.reference for model in made.models] == ["qwen3-0.6b:Q8_0", "hf:local/mine/mine.gguf"]
    finish(app.sending.create(folder, [f"hf:{REPO}/{FILE}", linked.id]))
    assert file_of(folder).stat().st_ino == before
    assert len(mirror.read(folder).models) == 2


def test_another_computer_takes_it_in_without_a_network(folder: Path, other: Library) -> None:
    (model,) = finish(bundle.install(folder, other))
    assert (model.repo, model.file, model.origin, model.licence) == (REPO, FILE, "own", "apache-2.0")
    assert (model.reference, model.base_models, model.revision) == ("qwen3-0.6b:Q8_0", ("Qwen/Qwen3-0.6B",), "c0ffee")
    assert model.cards == CARDS
    assert model.path.read_bytes() == file_of(folder).read_bytes()
    before = model.path.stat().st_ino
    assert finish(bundle.install(folder, other)) == [model], "a second time copies nothing"
    assert other.list()[0].path.stat().st_ino == before


def test_it_can_be_used_in_place(folder: Path, other: Library) -> None:
    (model,) = finish(bundle.install(folder, other, in_place=True))
    assert (model.path, model.origin, model.repo, model.sha256) == (
        file_of(folder),
        "linked",
        REPO,
        mirror.read(folder).models[0].files[0].sha256,
    )
    assert finish(bundle.install(folder, other, in_place=True)) == [model]
    other.remove(model.id, now=True)
    assert file_of(folder).exists()


def test_a_split_model_and_its_projector_travel_together(app: App, other: Library, tmp_path: Path) -> None:
    whole = gguf_files.llama(tmp_path / "Big-Q4_K_M.gguf")
    parts = gguf_files.split(whole, tmp_path)
    eyes = gguf_files.write(tmp_path / "mmproj-Big.gguf", "clip", {"general.type": "mmproj"}, {"v.patch_embd.weight": (8, 8)})
    for path in (*parts, eyes):
        kept(app.library, path, "maker/Big-GGUF", f"sub/{path.name}")
    finish(app.sending.create(tmp_path / "stick", ["Big-Q4_K_M"]))
    assert len(mirror.read(tmp_path / "stick").models[0].files) == 3
    (model,) = finish(bundle.install(tmp_path / "stick", other))
    assert (len(model.files), len(model.projectors), model.complete) == (2, 1, True)
    assert model.file == f"sub/{parts[0].name}"
    assert finish(bundle.install(tmp_path / "stick", other)) == [model]
    assert other.list() == (model,)


def client(home: Path, address: str) -> App:
    """Alcove on another computer, where the settings name a mirror."""
    paths = Paths.default(home)
    paths.create()
    settings.save(Settings(hub_endpoint=address), paths.settings)
    return App.open(home)


def test_what_is_not_here_is_fetched_first(app: App, folder: Path, tmp_path: Path) -> None:
    with served(folder) as (address, _):
        elsewhere = client(tmp_path / "elsewhere", address)
        made = finish(elsewhere.sending.create(tmp_path / "second", [f"hf:{REPO}/{FILE}"]))
        elsewhere.close()
    assert made.models == mirror.read(folder).models or made.models[0].files == mirror.read(folder).models[0].files


# --- what is wrong --------------------------------------------------------------------------------------------------------------


def flip(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)


def escape(told: dict[str, Any], path: str) -> None:
    told["models"][0]["files"][0]["path"] = path


def longer(path: Path) -> None:
    path.write_bytes(path.read_bytes() + b"x")


@pytest.mark.parametrize("in_place", [False, True])
@pytest.mark.parametrize(
    ("spoil", "kind", "words"),
    [
        (lambda folder: flip(file_of(folder)), Corrupt, "copy the bundle again"),
        (lambda folder: longer(file_of(folder)), Corrupt, "where the list says"),
        (lambda folder: file_of(folder).unlink(), NotFound, "though the list names it"),
        (lambda folder: change(folder, lambda t: t["models"][0]["files"][0].update(sha256="ab" * 32)), Corrupt, "SHA-256"),
        (lambda folder: change(folder, lambda t: escape(t, "../../outside.gguf")), Corrupt, "leads out of the folder"),
        (lambda folder: change(folder, lambda t: escape(t, "/etc/passwd")), Corrupt, "leads out of the folder"),
        (lambda folder: change(folder, lambda t: escape(t, "C:\\x.gguf")), Corrupt, "leads out of the folder"),
        (lambda folder: change(folder, lambda t: escape(t, "a/./../b.gguf")), Corrupt, "leads out of the folder"),
        (lambda folder: change(folder, lambda t: t["models"][0].update(repo="../..")), Corrupt, "no list"),
        (lambda folder: change(folder, lambda t: t["models"][0]["files"][0].update(name="run.sh")), Corrupt, "no GGUF"),
        (lambda folder: change(folder, lambda t: t["models"][0].update(files=[])), Corrupt, "no list"),
        (lambda folder: change(folder, lambda t: t.update(format=2)), Corrupt, "newer Alcove"),
        (lambda folder: (folder / mirror.NAME).write_text("[" * 100_000), Corrupt, "no list"),
        (lambda folder: (folder / mirror.NAME).unlink(), NotFound, "there is no bundle in it"),
    ],
)
def test_what_is_not_as_the_list_says_is_refused(
    folder: Path, other: Library, spoil: Callable[[Path], None], kind: type[AlcoveError], words: str, in_place: bool
) -> None:
    spoil(folder)
    with pytest.raises(kind, match=words):
        finish(bundle.install(folder, other, in_place=in_place))
    assert other.list() == ()
    assert not [path for path in other.folder.rglob("*") if path.is_file()], "and nothing of it is kept"
    if (folder / mirror.NAME).exists() and mirror_can_be_read(folder):
        (checked,) = finish(bundle.verify(folder))
        assert not checked.ok


def mirror_can_be_read(folder: Path) -> bool:
    try:
        mirror.read(folder)
    except Corrupt:
        return False
    return True


@pytest.mark.skipif(os.name == "nt", reason="links ask for a right there")
def test_a_link_that_leads_out_of_the_folder_is_refused(folder: Path, other: Library, tmp_path: Path) -> None:
    moved = tmp_path / "secret.gguf"
    os.replace(file_of(folder), moved)
    file_of(folder).symlink_to(moved)
    with pytest.raises(Forbidden, match="leads out of the bundle's folder"):
        finish(bundle.install(folder, other))


def test_a_licence_that_was_changed_is_found(folder: Path) -> None:
    text = folder / mirror.read(folder).licences[0].path
    text.write_text("You may do anything.")
    with pytest.raises(Corrupt, match="licence"):
        finish(bundle.verify(folder))


def test_a_damaged_file_here_goes_into_no_bundle(app: App, tmp_path: Path) -> None:
    flip(app.library.list()[1].path)
    with pytest.raises(Corrupt, match="alcove verify"):
        finish(app.sending.create(tmp_path / "stick", ["qwen3-0.6b:Q8_0"]))
    assert not (tmp_path / "stick" / mirror.NAME).exists()
    assert not list((tmp_path / "stick").rglob("*.gguf*"))


def test_no_room_is_told_before(app: App, folder: Path, other: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bundle, "room_bytes", lambda folder: 1000)
    with pytest.raises(DiskFull):
        finish(app.sending.create(tmp_path / "full", ["qwen3-0.6b:Q8_0"]))
    monkeypatch.setattr(Library, "free_bytes", lambda self: 1000)
    with pytest.raises(DiskFull):
        finish(bundle.install(folder, other))
    assert other.list() == ()


def test_taking_in_can_be_stopped(folder: Path, other: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "PIECE_BYTES", 1000)
    monkeypatch.setattr(digest, "TICK_S", 0.0)
    with closing(bundle.install(folder, other)) as steps:
        next(steps)
    assert other.list() == ()
    assert not [path for path in other.folder.rglob("*") if path.is_file()]


# --- as a mirror ----------------------------------------------------------------------------------------------------------------


@contextmanager
def python_server(folder: Path, scratch: Path) -> Iterator[str]:
    with served(folder) as (address, _):
        yield address


@contextmanager
def server_without_ranges(folder: Path, scratch: Path) -> Iterator[str]:
    with served(folder, ranges=False) as (address, _):
        yield address


@pytest.mark.parametrize(
    "server",
    [
        python_server,
        server_without_ranges,
        pytest.param(nginx, marks=pytest.mark.skipif(NGINX is None, reason="nginx is not installed")),
    ],
)
def test_search_fit_and_get_work_against_any_web_server(folder: Path, tmp_path: Path, server: Callable[..., Any]) -> None:
    with server(folder, tmp_path / "scratch") as address:
        app = client(tmp_path / "client", address)
        (repo,) = app.hub.search("qwen3")
        assert (repo.id, repo.licence_tag, repo.files[0].name) == (REPO, "apache-2.0", FILE)
        assert list(app.hub.search("gemma")) == []
        judged = finish(app.estimates.judge(f"hf:{REPO}/{FILE}"))
        assert judged.header_bytes_read > 0
        model = finish(app.getting.get("qwen3-0.6b:Q8_0"))
        assert model.path.read_bytes() == file_of(folder).read_bytes()
        assert (model.sha256, model.licence) == (repo.files[0].sha256, "apache-2.0")
        assert finish(app.getting.get(f"hf:{REPO}/{FILE}@c0ffee")) == model
        app.close()


def test_a_mirror_is_asked_once_what_it_has(folder: Path) -> None:
    with served(folder) as (address, asked):
        hub = Hub(Network(), address)
        assert hub.repo(REPO).revision == "c0ffee"
        assert hub.file(REPO.lower(), FILE, "main").sha256 == hub.file(REPO, FILE, "c0ffee").sha256
        with pytest.raises(NotFound, match="no repository maker/absent"):
            hub.repo("maker/absent")
        with pytest.raises(NotFound, match="at beef"):
            hub.repo(REPO, "beef")
        assert asked == [f"/{mirror.NAME}"]


def test_a_list_that_leads_elsewhere_is_not_believed(folder: Path, tmp_path: Path) -> None:
    change(folder, lambda told: escape(told, "../../x.gguf"))
    with served(folder) as (address, _), pytest.raises(Corrupt, match="leads out of the folder"):
        Hub(Network(), address).repo(REPO)


def test_a_file_that_is_not_what_the_list_says_is_not_kept(folder: Path, tmp_path: Path) -> None:
    flip(file_of(folder))
    with served(folder) as (address, _):
        app = client(tmp_path / "client", address)
        with pytest.raises(Corrupt):
            finish(app.getting.get(f"hf:{REPO}/{FILE}"))
        assert [model.id for model in app.library.list()] == ["guide"]
        app.close()


def test_offline_asks_no_mirror() -> None:
    network = Network(offline=True)
    with pytest.raises(Offline):
        Hub(network, "http://mirror.example").repo(REPO)
