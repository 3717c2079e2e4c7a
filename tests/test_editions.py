"""Newer editions of the catalogue: signed and newer ones count, whatever else lies there changes nothing."""

import base64
import json
import os
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from desktop import catalogue, editions
from desktop.app import App
from desktop.errors import AlcoveError, CatalogueRefused, Corrupt, NotFound, NotWritable, Offline
from desktop.hub import Hub
from desktop.judging import end
from desktop.network import Network
from desktop.paths import resource

OWN = catalogue.load()
LICENCES = {licence for model in OWN.models for licence in model.licences}
NEWER = "2099-01-01"
Change = Callable[[dict[str, Any]], None]


@pytest.fixture
def key(tmp_path: Path) -> Path:
    return tmp_path / "key"


def make(folder: Path, key: Path, change: Change = lambda content: None, date: str = NEWER) -> str:
    """A signed edition that begins with a model of its own; the public key."""
    folder.mkdir(exist_ok=True)
    content = json.loads(resource("catalogue.json").read_text(encoding="utf-8"))
    content["date"] = date
    content["models"].insert(0, {**content["models"][0], "id": "newest"})
    change(content)
    (folder / "catalogue.json").write_text(json.dumps(content), encoding="utf-8")
    return editions.sign(folder / "catalogue.json", key)


def resign(folder: Path, key: Path, content: bytes) -> None:
    """Sign bytes that `sign` would not."""
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    secret = Ed25519PrivateKey.from_private_bytes(base64.b64decode(key.read_bytes()))
    (folder / "catalogue.json").write_bytes(content)
    (folder / "catalogue.json.sig").write_bytes(base64.b64encode(secret.sign(content)))


def test_a_signed_newer_edition_counts(tmp_path: Path, key: Path) -> None:
    public = make(tmp_path / "of-it", key)
    found = editions.newest([tmp_path / "none", tmp_path / "of-it"], [public], LICENCES)
    assert (found.catalogue.date, found.catalogue.models[0].id, found.refused) == (NEWER, "newest", ())


def test_the_newest_of_several_counts(tmp_path: Path, key: Path) -> None:
    public = make(tmp_path / "a", key, date="2098-01-01")
    make(tmp_path / "b", key)
    for folders in (("a", "b"), ("b", "a")):
        assert editions.newest([tmp_path / name for name in folders], [public], LICENCES).catalogue.date == NEWER


def test_an_older_one_is_left_alone(tmp_path: Path, key: Path) -> None:
    public = make(tmp_path / "old", key, date="2020-01-01")
    found = editions.newest([tmp_path / "old"], [public], LICENCES)
    assert (found.catalogue.date, found.refused) == (OWN.date, ())


def test_without_a_key_nothing_is_trusted(tmp_path: Path, key: Path) -> None:
    make(tmp_path / "new", key)
    for keys in ([], ["not base64"], [base64.b64encode(bytes(32)).decode()]):
        found = editions.newest([tmp_path / "new"], keys, LICENCES)
        assert found.catalogue.date == OWN.date
        assert "no key that is trusted here has signed it" in str(found.refused[0])


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda folder: (folder / "catalogue.json.sig").unlink(), "there is no signature beside it"),
        (lambda folder: (folder / "catalogue.json.sig").write_bytes(b"\xff not base64"), "no key that is trusted"),
        (lambda folder: flip(folder / "catalogue.json"), "no key that is trusted"),
    ],
)
def test_what_was_changed_after_signing_is_refused(tmp_path: Path, key: Path, spoil: Callable[[Path], None], why: str) -> None:
    public = make(tmp_path / "new", key)
    spoil(tmp_path / "new")
    found = editions.newest([tmp_path / "new"], [public], LICENCES)
    assert found.catalogue.date == OWN.date
    assert why in str(found.refused[0])


def flip(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[100] ^= 1
    file.write_bytes(content)


@pytest.mark.parametrize(
    ("change", "why"),
    [
        (lambda content: content["models"][0].update(licences=["magic-9"]), r"licences that this version .* \(magic-9\)"),
        (lambda content: content["models"][0].pop("maker"), "missing required field `maker`"),
        (lambda content: content.update(date="soon"), r"at `\$\.date`"),
        (lambda content: content.pop("date"), "missing required field `date`"),
    ],
)
def test_a_signed_one_that_is_broken_is_refused(tmp_path: Path, key: Path, change: Change, why: str) -> None:
    public = make(tmp_path / "new", key)
    content = json.loads((tmp_path / "new" / "catalogue.json").read_text())
    change(content)
    resign(tmp_path / "new", key, json.dumps(content).encode())
    (refused,) = editions.newest([tmp_path / "new"], [public], LICENCES).refused
    with pytest.raises(CatalogueRefused, match=why):
        raise refused


def test_a_key_is_made_once_for_its_owner_alone(tmp_path: Path, key: Path) -> None:
    first, again = make(tmp_path / "a", key), make(tmp_path / "b", key)
    assert first == again
    if os.name == "posix":
        assert key.stat().st_mode & 0o077 == 0
    key.write_text("no key")
    with pytest.raises(Corrupt, match="no key of this kind"):
        make(tmp_path / "a", key)
    with pytest.raises(NotWritable):
        make(tmp_path / "a", tmp_path / "none" / "key")
    (tmp_path / "a" / "catalogue.json").write_text("{}")
    with pytest.raises(Corrupt):
        editions.sign(tmp_path / "a" / "catalogue.json", tmp_path / "other")


# --- from a mirror --------------------------------------------------------------------------------------------------------------


class Quiet(SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[tuple[Hub, Path]]:
    """A plain web server over a folder."""
    folder = tmp_path / "mirror"
    folder.mkdir()
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(folder)))
    server.daemon_threads = False
    thread = Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield Hub(Network(), f"http://127.0.0.1:{server.server_port}"), folder
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_newer_edition_comes_from_the_mirror(tmp_path: Path, key: Path, mirror: tuple[Hub, Path]) -> None:
    hub, folder = mirror
    public, home = make(folder, key), tmp_path / "home" / "catalogue"
    assert end(editions.fetch(hub, home, [public], LICENCES, OWN.date)).date == NEWER
    assert editions.newest([home], [public], LICENCES).catalogue.date == NEWER
    with pytest.raises(CatalogueRefused, match=f"it is of {NEWER}, and the one in use is of {NEWER}"):
        end(editions.fetch(hub, home, [public], LICENCES, NEWER))


def test_what_is_refused_leaves_what_is_there(
    tmp_path: Path, key: Path, mirror: tuple[Hub, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    hub, folder = mirror
    home = tmp_path / "home"
    with pytest.raises(NotFound, match="no signed list of models"):
        end(editions.fetch(hub, home, [], LICENCES, OWN.date))
    public = make(folder, key)
    with pytest.raises(CatalogueRefused, match="no key that is trusted"):
        end(editions.fetch(hub, home, [], LICENCES, OWN.date))
    monkeypatch.setattr(editions, "LARGEST_BYTES", 1000)
    with pytest.raises(CatalogueRefused, match="far too large"):
        end(editions.fetch(hub, home, [public], LICENCES, OWN.date))
    assert not home.exists()
    home.write_text("in the way")
    monkeypatch.undo()
    with pytest.raises(NotWritable):
        end(editions.fetch(hub, home, [public], LICENCES, OWN.date))


def test_the_program_uses_it_from_the_next_start_on(tmp_path: Path, key: Path, mirror: tuple[Hub, Path]) -> None:
    hub, folder = mirror
    public = make(folder, key)
    app = App.open(tmp_path / "home")
    assert not app.network.activity, "nothing is asked for unasked"
    app.settings.catalogue_keys, app.hub.endpoint = [public], hub.endpoint
    app.save_settings()
    assert app.catalogue.date == OWN.date
    end(app.update_catalogue())
    app.close()
    again = App.open(tmp_path / "home")
    assert again.catalogue.get("newest")
    flip(tmp_path / "home" / "catalogue" / "catalogue.json")
    again.close()
    third = App.open(tmp_path / "home")
    assert third.catalogue.date == OWN.date
    assert any("no key that is trusted" in problem["what"] for problem in third.problems(third.computer.hardware()))
    third.network.offline = True
    third.hub.endpoint = "https://hub.example"
    with pytest.raises(Offline) as caught:
        end(third.update_catalogue())
    assert isinstance(caught.value, AlcoveError)
    third.close()
