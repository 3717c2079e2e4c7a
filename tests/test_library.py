import json
import os
import shutil
import struct
import sys
import tempfile
import unicodedata
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from desktop.errors import DiskFull, Forbidden, NotFound, NotGguf, NotWritable, Truncated
from desktop.gguf import parts as read_parts
from desktop.library import RESERVE_BYTES, Library, LocalModel, Provenance

SHA256 = "ab" * 32


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "home" / "models"


@pytest.fixture
def library(folder: Path, tmp_path: Path) -> Library:
    return Library(folder, tmp_path / "no guide")


def gguf(path: Path, size: int = 1000) -> Path:
    """The smallest honest GGUF at `path`."""

    def text(value: str) -> bytes:
        return struct.pack("<Q", len(value)) + value.encode()

    head = b"GGUF" + struct.pack("<IQQ", 3, 1, 1) + text("general.architecture") + struct.pack("<I", 8) + text("llama")
    head += text("token_embd.weight") + struct.pack("<IQIQ", 1, size // 4, 0, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(head + bytes(-len(head) % 32) + bytes(size))
    return path


def kept(library: Library, repo: str = "maker/Small-GGUF", file: str = "Small-Q4_K_M.gguf", size: int = 1000) -> LocalModel:
    """A model as a download leaves it."""
    origin = Provenance(
        repo=repo, revision="c0ffee", file=file, size_bytes=size, sha256=SHA256, licence="mit", reference="small:Q4_K_M"
    )
    part = library.begin(origin)
    part.write_bytes(bytes(size))
    part.with_name(part.name + ".json").write_text("{}")
    return library.adopt(part, origin)


# --- keeping --------------------------------------------------------------------------------------------------------------------


def test_an_empty_library(library: Library, folder: Path) -> None:
    assert library.list() == ()
    assert library.get("small") is None
    assert library.find("maker/Small-GGUF", "Small-Q4_K_M.gguf") is None
    assert not folder.exists(), "looking makes no folder"


def test_the_guide_comes_first(folder: Path, tmp_path: Path) -> None:
    library = Library(folder, gguf(tmp_path / "resources" / "alcove-guide.gguf"))
    kept(library)
    gguf(folder / "guide.gguf")
    assert [model.id for model in library.list()] == ["guide", "guide-2", "Small-Q4_K_M"]
    assert [model.origin for model in library.list()] == ["guide", "own", "own"]
    with pytest.raises(Forbidden, match="Removing the guide is not allowed here: it is a part of Alcove"):
        library.remove("guide")
    library.used("guide")
    assert not list(tmp_path.glob("resources/*.json")), "the program's own folder is not written"


def test_a_finished_part_is_adopted_with_its_origin(library: Library, folder: Path) -> None:
    model = kept(library)
    assert model.path == folder / "maker" / "Small-GGUF" / "Small-Q4_K_M.gguf"
    assert sorted(path.name for path in model.path.parent.iterdir()) == ["Small-Q4_K_M.gguf", "Small-Q4_K_M.gguf.json"]
    assert (model.id, model.repo, model.file) == ("Small-Q4_K_M", "maker/Small-GGUF", "Small-Q4_K_M.gguf")
    assert (model.complete, model.size_bytes, model.done_bytes) == (True, 1000, 1000)
    assert (model.licence, model.sha256, model.reference, model.revision) == ("mit", SHA256, "small:Q4_K_M", "c0ffee")
    assert model.fetched is not None
    assert library.list() == (model,)
    assert library.find("maker/Small-GGUF", "Small-Q4_K_M.gguf") == model
    assert library.get(model.id) == model


def test_an_unfinished_part_is_listed_with_its_progress(library: Library) -> None:
    part = library.begin(Provenance(repo="maker/Small-GGUF", file="Small-Q8_0.gguf", size_bytes=5000, reference="small:Q8_0"))
    assert library.list() == (), "nothing has arrived yet"
    part.write_bytes(bytes(1200))
    (model,) = library.list()
    assert (model.complete, model.done_bytes, model.size_bytes) == (False, 1200, 5000)
    assert (model.id, model.reference, model.name) == ("Small-Q8_0", "small:Q8_0", "Small-Q8_0")


def test_an_older_edition_stays_until_the_new_one_has_come(library: Library) -> None:
    old = kept(library)
    fresh = Provenance(repo=old.repo, revision="beef", file=old.file, size_bytes=2000, sha256="cd" * 32)
    part = library.begin(fresh)
    part.write_bytes(bytes(2000))
    assert library.list() == (old,)
    new = library.adopt(part, fresh)
    assert (new.id, new.path, new.sha256, new.size_bytes) == (old.id, old.path, "cd" * 32, 2000)


def test_two_files_of_one_name_keep_their_ids(library: Library) -> None:
    first = kept(library, "zoe/Small-GGUF")
    second = kept(library, "adam/Small-GGUF")
    assert (first.id, second.id) == ("Small-Q4_K_M", "Small-Q4_K_M-2")
    assert [model.id for model in library.list()] == ["Small-Q4_K_M-2", "Small-Q4_K_M"], "sorted by path, ids unchanged"
    library.remove(first.id)
    assert library.list() == (second,)


def test_a_file_put_there_by_hand_takes_no_id_away(library: Library, folder: Path) -> None:
    model = kept(library, "zoe/Small-GGUF")
    mine = gguf(folder / "adam--Small" / "Small-Q4_K_M.gguf")
    assert [(found.id, found.path) for found in library.list()] == [("Small-Q4_K_M-2", mine), ("Small-Q4_K_M", model.path)]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"[]", b'"x"', b'{"size_bytes": "many"}', b"\xff\xfe", b'{"id": 5}', b"null", b"[" * 100_000]
)
def test_a_broken_sidecar_hides_nothing(library: Library, content: bytes) -> None:
    model = kept(library)
    model.path.with_name(model.path.name + ".json").write_bytes(content)
    (found,) = library.list()
    assert (found.id, found.path, found.complete) == (model.id, model.path, True)
    assert (found.repo, found.file) == ("maker/Small-GGUF", "Small-Q4_K_M.gguf"), "the folder's name tells"
    library.used(found.id)
    assert library.list()[0].last_used is not None, "and it is mended by the next use"


def test_a_copied_sidecar_takes_no_id_away(library: Library) -> None:
    model = kept(library)
    copy = model.path.with_name("copy.gguf")
    shutil.copy(model.path, copy)
    shutil.copy(model.path.with_name(model.path.name + ".json"), copy.with_name("copy.gguf.json"))
    ids = [found.id for found in library.list()]
    assert len(set(ids)) == 2
    assert model.id in ids


def test_what_was_put_there_by_hand(library: Library, folder: Path) -> None:
    gguf(folder / "mine.gguf")
    gguf(folder / "deep" / "er" / "Other.GGUF")
    gguf(folder / "maker--big" / "big-00001-of-00002.gguf")
    gguf(folder / "maker--big" / "big-00002-of-00002.gguf")
    gguf(folder / "maker--big" / "mmproj-big.gguf")
    (folder / "notes.txt").touch()
    (folder / "odd.gguf").mkdir()
    assert [(model.id, model.repo) for model in library.list()] == [
        ("Other", "deep/er"),
        ("big", "maker/big"),
        ("mine", None),
    ]


# --- names that would lead out --------------------------------------------------------------------------------------------------


ODD = [
    ("../..", "../../../x.gguf"),
    ("/etc", "/etc/x.gguf"),
    ("..\\..", "..\\x.gguf"),
    ("C:", "C:\\x.gguf"),
    ("maker/..", ".../x.gguf"),
    ("con/nul", "aux.gguf"),
    ("maker/COM¹", "lpt².x.gguf"),
    ("maker/name.", "x?.gguf"),
    ("maker/na\0me", "x\n.gguf"),
    ("maker/50%41", "100%.gguf"),
    ("maker/häuser", "模型 Q4.gguf"),
    ("linked/x", "\u202egpj.gguf"),
    (".trash/x", ".part.gguf"),
    ("maker/x", "\ud800.gguf"),
]


def is_plain(name: str) -> bool:
    """Whether every system takes a name as it stands."""
    bad = set('<>:"/\\|?*\0\n') & set(name) or name.startswith(".") or name.endswith((".", " "))
    return not bad and name.split(".")[0].lower() not in ("con", "nul", "aux", "com¹", "lpt²") and len(name.encode()) <= 140


@pytest.mark.parametrize(("repo", "file"), ODD)
def test_no_name_leads_out_of_the_folder(library: Library, folder: Path, repo: str, file: str) -> None:
    path = library.part_path(repo, file)
    assert Path(os.path.normpath(path)) == path, "no dots that mean another folder"
    names = path.relative_to(folder).parts
    assert names
    assert all(is_plain(name) for name in names)
    if "\ud800" not in file:  # which is no letter at all
        told = "/".join(unquote(name) for name in names).removesuffix(".part")
        assert told == "/".join(x for x in f"{repo}/{file}".split("/") if x), "and a person can read it"


NAME = st.text(st.characters(codec="utf-8") | st.sampled_from("./\\%~AaßẞéÉ\u0301 "), min_size=1, max_size=300)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.tuples(NAME, NAME), min_size=1, max_size=4, unique=True))
@example([("maker/Small", "x.gguf"), ("maker/small", "x.gguf"), ("Maker/small", "X.gguf")])
@example([("maker/é", "x.gguf"), ("maker/e\u0301", "x.gguf")])
@example([("a/b", "n" * 300 + ".gguf"), ("a/b", "n" * 299 + "m.gguf"), ("a/b", "N" * 300 + ".GGUF")])
@example([("a/b", "/".join("x" * 150) + ".gguf")])
def test_any_names_get_places_of_their_own(names: list[tuple[str, str]]) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch) / "models"
        library = Library(folder, Path("no guide"))
        given_names = {("/".join(filter(None, r.split("/"))), "/".join(filter(None, f.split("/")))) for r, f in names}
        places = {}
        for repo, file in sorted(given_names):
            part = library.begin(Provenance(repo=repo, file=file, size_bytes=5))
            part.write_bytes(b"12345")
            places[(repo, file)] = part
            assert library.part_path(repo, file) == part, "the same place the next time"
        for part in places.values():
            assert Path(os.path.normpath(part)).is_relative_to(folder)
            assert all(is_plain(name) for name in part.relative_to(folder).parts)
        spelled = {unicodedata.normalize("NFC", str(part)).casefold() for part in places.values()}
        assert len(spelled) == len(places), "also where capitals and accents do not count"


def test_parts_of_a_model_with_a_long_name_keep_a_common_beginning(library: Library) -> None:
    paths = [library.part_path("a/b", f"{'long' * 70}-0000{number}-of-00002.gguf") for number in (1, 2)]
    whole = [path.with_name(path.name.removesuffix(".part")) for path in paths]
    assert read_parts(whole[0]) == tuple(whole)


# --- models of several files ----------------------------------------------------------------------------------------------------


def fetched(library: Library, file: str, size: int, *, whole: bool = True, **facts: Any) -> LocalModel | None:
    """One file of a repository as its download leaves it, or breaks off in the middle of it."""
    origin = Provenance(repo="maker/Big-GGUF", file=file, size_bytes=size, sha256=SHA256, **facts)
    part = library.begin(origin)
    part.write_bytes(bytes(size if whole else size // 2))
    return library.adopt(part, origin) if whole else None


def test_a_split_model_is_one_and_goes_as_one(library: Library, folder: Path) -> None:
    names = [f"Q4/Big-Q4_K_M-0000{number}-of-00003.gguf" for number in (1, 2, 3)]
    fetched(library, names[0], 1000, reference="big:Q4_K_M")
    fetched(library, names[1], 2000, whole=False)
    library.begin(Provenance(repo="maker/Big-GGUF", file=names[2], size_bytes=500))
    (model,) = library.list()
    assert (model.id, model.complete, model.size_bytes, model.done_bytes) == ("Big-Q4_K_M", False, 3500, 2000)
    assert (model.reference, model.sha256) == ("big:Q4_K_M", None)
    fetched(library, names[2], 500)
    finished = fetched(library, names[1], 2000)
    assert finished == library.list()[0]
    assert finished is not None
    assert (finished.id, finished.complete, finished.size_bytes) == (model.id, True, 3500)
    assert [path.name for path in finished.files] == [name.rpartition("/")[2] for name in names]
    assert library.find("maker/Big-GGUF", names[1]) == finished, "also by a later part"
    assert library.remove(finished.id, now=True) == 3500
    assert list(folder.iterdir()) == []


def test_the_size_of_a_split_model_is_known_before_its_last_part_has_begun(library: Library) -> None:
    fetched(library, "Big-00001-of-00002.gguf", 1000, whole_bytes=9000)
    assert (library.list()[0].size_bytes, library.list()[0].complete) == (9000, False)


def test_a_projector_goes_with_the_last_model_of_its_folder(library: Library, folder: Path) -> None:
    fetched(library, "Big-Q4_K_M.gguf", 1000)
    fetched(library, "Big-Q8_0.gguf", 2000)
    alone = fetched(library, "mmproj-Big.gguf", 300)
    assert alone is not None
    assert alone.path.name == "mmproj-Big.gguf"
    assert [model.id for model in library.list()] == ["Big-Q4_K_M", "Big-Q8_0"]
    assert library.list()[0].projectors == (alone.path,)
    assert library.remove("Big-Q4_K_M") == 1000
    assert alone.path.exists()
    assert library.remove("Big-Q8_0") == 2300
    assert not alone.path.exists()
    library.restore("Big-Q8_0")
    assert alone.path.exists()


# --- the trash ------------------------------------------------------------------------------------------------------------------


def test_what_was_removed_comes_back_as_it_was(library: Library, folder: Path) -> None:
    model = kept(library)
    library.used(model.id)
    (before,) = library.list()
    assert library.remove(model.id) == 1000
    assert library.list() == ()
    assert library.trash_bytes() == 1000
    assert library.restore(model.id) == before
    assert library.trash_bytes() == 0
    with pytest.raises(NotFound, match="no model Small-Q4_K_M in the trash"):
        library.restore(model.id)


def test_a_part_and_a_forgotten_link_come_back_too(library: Library, tmp_path: Path) -> None:
    part = library.begin(Provenance(repo="maker/Small-GGUF", file="Small-Q8_0.gguf", size_bytes=5000))
    part.write_bytes(bytes(1200))
    linked = library.link(gguf(tmp_path / "elsewhere" / "big.gguf"))
    assert library.remove("Small-Q8_0") == 1200
    assert library.remove(linked.id) == 0
    assert library.restore("Small-Q8_0").done_bytes == 1200
    assert library.restore(linked.id) == linked


def test_nothing_is_put_back_over_another_file(library: Library) -> None:
    model = kept(library)
    library.remove(model.id)
    again = kept(library, size=2000)
    with pytest.raises(Forbidden, match="is there already"):
        library.restore(model.id)
    assert library.list() == (again,)
    library.remove(again.id)
    assert library.restore(model.id).size_bytes == 2000, "what was removed last"


def test_a_label_in_the_trash_leads_nowhere_else(library: Library, folder: Path, tmp_path: Path) -> None:
    model = kept(library)
    library.remove(model.id)
    (label,) = folder.glob(".trash/*/removed.json")
    told = json.loads(label.read_text())
    told["files"] = ["../outside.gguf"]
    label.write_text(json.dumps(told))
    (label.parent / "outside.gguf").write_bytes(b"bad")
    with pytest.raises(NotFound):
        library.restore(model.id)
    assert (label.parent / "files" / "maker" / "Small-GGUF" / "Small-Q4_K_M.gguf").exists()
    assert not (tmp_path / "home" / "outside.gguf").exists()


def test_the_trash_is_emptied_after_some_days_or_when_room_is_needed(
    library: Library, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("one", "two"):
        library.remove(kept(library, file=f"{name}.gguf").id)
    label = next(path for path in folder.glob(".trash/*/removed.json") if json.loads(path.read_text())["id"] == "one")
    told = json.loads(label.read_text())
    label.write_text(json.dumps({**told, "removed": "2020-01-01T00:00:00Z"}))
    library.tidy()
    assert library.trash_bytes() == 1000
    room = iter([RESERVE_BYTES + 500])
    monkeypatch.setattr(Library, "free_bytes", lambda self: next(room, RESERVE_BYTES + 500 + 1000 - library.trash_bytes()))
    library.check_space(1200)
    assert library.trash_bytes() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="an open file can be renamed here")
def test_a_removal_that_fails_half_way_leaves_everything(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    model = kept(library)
    replace, calls = os.replace, []

    def fails(source: Path, target: Path) -> None:
        calls.append(source)
        if Path(source).suffix == ".json" and "removed" not in Path(source).name:
            raise PermissionError(13, "open in another program", str(source))
        replace(source, target)

    monkeypatch.setattr(os, "replace", fails)
    with pytest.raises(NotWritable):
        library.remove(model.id)
    monkeypatch.undo()
    assert library.list() == (model,)
    assert library.trash_bytes() == 0
    assert calls


# --- other folders, and those of an earlier version -----------------------------------------------------------------------------


def test_the_folders_of_an_earlier_version_are_moved_over(library: Library, folder: Path) -> None:
    new = kept(library)
    old = folder / "maker--Small-GGUF"
    gguf(old / "Small-Q4_K_M.gguf", 3000)
    gguf(old / "sub" / "Other-Q8_0.gguf")
    gguf(folder / "zoe--Only" / "Only.gguf")
    (folder / "zoe--Only" / "Only.gguf.json").write_text(json.dumps({"id": "mine", "repo": "zoe/Only", "file": "Only.gguf"}))
    before = {(model.repo, model.file) for model in library.list()}
    library.tidy()
    after = {model.id: model for model in library.list()}
    assert {(model.repo, model.file) for model in after.values()} == before
    assert after["mine"].path == folder / "zoe" / "Only" / "Only.gguf"
    assert (folder / "maker" / "Small-GGUF" / "sub" / "Other-Q8_0.gguf").exists()
    assert after[new.id].size_bytes == 1000, "nothing is written over"
    assert (old / "Small-Q4_K_M.gguf").exists(), "and what could not be moved stays"
    library.tidy()


def test_other_folders_are_read_and_a_shared_one_is_never_written(folder: Path, tmp_path: Path) -> None:
    more, shared = tmp_path / "second disk", tmp_path / "shared"
    gguf(more / "maker" / "One" / "One-Q4_K_M.gguf")
    gguf(shared / "maker" / "Two" / "Two-Q4_K_M.gguf")
    library = Library(folder, tmp_path / "no guide", [more], [shared])
    assert [(model.id, model.origin) for model in library.list()] == [("One-Q4_K_M", "own"), ("Two-Q4_K_M", "shared")]
    assert library.find("maker/Two", "Two-Q4_K_M.gguf") is not None, "so it is not fetched again"
    before = sorted((path, path.stat().st_mtime_ns) for path in shared.rglob("*"))
    library.used("Two-Q4_K_M")
    two = library.get("Two-Q4_K_M")
    assert two is not None
    assert two.last_used is not None
    with pytest.raises(Forbidden, match="shared by all users"):
        library.remove("Two-Q4_K_M")
    assert sorted((path, path.stat().st_mtime_ns) for path in shared.rglob("*")) == before
    library.remove("One-Q4_K_M")
    assert (more / ".trash").exists(), "on its own disk"
    assert library.restore("One-Q4_K_M").path.is_relative_to(more)


def test_a_model_is_found_by_its_hash(library: Library) -> None:
    model = kept(library)
    assert library.with_hash(SHA256) == model
    assert library.with_hash("00" * 32) is None
    assert library.with_hash(None) is None


# --- linking --------------------------------------------------------------------------------------------------------------------


def test_a_file_elsewhere_is_linked_and_never_touched(library: Library, folder: Path, tmp_path: Path) -> None:
    path = gguf(tmp_path / "elsewhere" / "big.gguf")
    before = path.stat()
    model = library.link(path)
    assert (model.id, model.path, model.origin, model.complete) == ("big", path, "linked", True)
    assert library.link(path) == model, "a second time is the same"
    library.used(model.id)
    assert library.list()[0].last_used is not None
    assert [p.name for p in path.parent.iterdir()] == ["big.gguf"]
    assert library.remove(model.id) == 0
    assert library.list() == ()
    assert path.stat().st_mtime_ns == before.st_mtime_ns


def test_a_linked_file_that_is_gone(library: Library, tmp_path: Path) -> None:
    path = gguf(tmp_path / "usb" / "big.gguf", 4000)
    size = path.stat().st_size
    library.link(path)
    path.unlink()
    (model,) = library.list()
    assert (model.missing, model.complete, model.size_bytes, model.done_bytes) == (True, False, size, 0)
    library.remove(model.id)
    assert library.list() == ()


def test_links_of_one_name(library: Library, tmp_path: Path) -> None:
    ids = [library.link(gguf(tmp_path / name / "big.gguf")).id for name in ("one", "two")]
    assert ids == ["big", "big-2"]


def test_a_file_of_the_folder_itself_needs_no_link(library: Library, folder: Path) -> None:
    assert library.link(gguf(folder / "mine.gguf")).origin == "own"
    assert len(library.list()) == 1


def test_what_cannot_be_linked(library: Library, folder: Path, tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"This computer has no file .*absent\.gguf"):
        library.link(tmp_path / "absent.gguf")
    (tmp_path / "picture.gguf").write_bytes(b"\x89PNG" * 100)
    with pytest.raises(NotGguf):
        library.link(tmp_path / "picture.gguf")
    short = gguf(tmp_path / "short.gguf", 4000)
    os.truncate(short, 2000)
    with pytest.raises(Truncated):
        library.link(short)
    assert not folder.exists()


def test_a_part_that_was_tidied_away_is_a_stated_error(library: Library, folder: Path) -> None:
    part = library.begin(Provenance(repo="a/b", file="x.gguf"))
    with pytest.raises(NotFound, match=r"no file .*x\.gguf\.part"):
        library.adopt(part, Provenance(repo="a/b", file="x.gguf"))


# --- removing, using, room ------------------------------------------------------------------------------------------------------


def test_remove_leaves_nothing_of_it_and_all_else(library: Library, folder: Path) -> None:
    first, second = kept(library), kept(library, file="sub/Small-Q8_0.gguf", size=3000)
    part = library.part_path("maker/Small-GGUF", "sub/Small-Q8_0.gguf")
    part.write_bytes(bytes(500))
    assert library.remove(second.id) == 3500
    assert library.list() == (first,)
    assert not (folder / "maker" / "Small-GGUF" / "sub").exists()
    assert library.remove(first.id) == 1000
    assert [path.name for path in folder.iterdir()] == [".trash"]
    with pytest.raises(NotFound, match="no model Small-Q4_K_M"):
        library.remove(first.id)


def test_remove_takes_an_unfinished_part(library: Library, folder: Path) -> None:
    part = library.begin(Provenance(repo="maker/Small-GGUF", file="Small-Q8_0.gguf", size_bytes=5000))
    part.write_bytes(bytes(1200))
    part.with_name(part.name + ".json").write_text("{}")
    assert library.remove("Small-Q8_0", now=True) == 1200
    assert list(folder.iterdir()) == []


def test_last_used(library: Library) -> None:
    model = kept(library)
    assert model.last_used is None
    library.used(model.id)
    (after,) = library.list()
    assert after.last_used is not None
    assert (after.licence, after.sha256) == (model.licence, model.sha256)
    library.used("not here")


def test_a_sidecar_is_replaced_whole(library: Library) -> None:
    model = kept(library)
    sidecar = model.path.with_name(model.path.name + ".json")
    assert json.loads(sidecar.read_text())["repo"] == "maker/Small-GGUF"
    before = sidecar.stat().st_ino
    library.used(model.id)
    assert sidecar.stat().st_ino != before, "written beside it and renamed"
    assert not list(sidecar.parent.glob("*.new"))


def test_room_is_checked_with_a_reserve(library: Library, folder: Path) -> None:
    free = shutil.disk_usage(folder.parent.parent).free
    library.check_space(min(1000, max(0, free - RESERVE_BYTES)))
    with pytest.raises(DiskFull):
        library.check_space(free - RESERVE_BYTES // 2)
    with pytest.raises(DiskFull) as caught:
        library.check_space(free + 1)
    assert caught.value.facts["needed_bytes"] == free + 1 + RESERVE_BYTES
    assert caught.value.facts["folder"] == str(folder)


def test_a_folder_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()  # refused to root as well
    library = Library(tmp_path / "file" / "models", tmp_path / "no guide")
    assert library.list() == ()
    with pytest.raises(NotWritable):
        library.begin(Provenance(repo="maker/x", file="x.gguf"))
    with pytest.raises(NotWritable):
        library.link(gguf(tmp_path / "big.gguf"))


@pytest.mark.skipif(sys.platform == "win32", reason="folders have no such mode there")
@pytest.mark.skipif(hasattr(os, "geteuid") and os.geteuid() == 0, reason="root may write everywhere")
def test_a_shared_folder_that_is_read_only_can_be_used(library: Library) -> None:
    model = kept(library)
    model.path.parent.chmod(0o500)
    try:
        library.used(model.id)
        with pytest.raises(NotWritable):
            library.remove(model.id)
        assert library.list() == (model,)
    finally:
        model.path.parent.chmod(0o700)
