import json
import os
import shutil
import struct
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

from desktop.errors import DiskFull, Forbidden, NotFound, NotGguf, NotWritable, Truncated
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
    assert model.path == folder / "maker--Small-GGUF" / "Small-Q4_K_M.gguf"
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
        ("Other", None),
        ("big-00001-of-00002", "maker/big"),
        ("mine", None),
    ]


# --- names that would lead out --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("repo", "file"),
    [
        ("../..", "../../../x.gguf"),
        ("/etc", "/etc/x.gguf"),
        ("..\\..", "..\\x.gguf"),
        ("C:", "C:\\x.gguf"),
        ("maker/..", ".../x.gguf"),
        ("con/nul", "aux.gguf"),
        ("maker/name.", "x?.gguf"),
        ("maker/na\0me", "x\n.gguf"),
        ("maker/50%41", "100%.gguf"),
        ("maker/häuser", "模型 Q4.gguf"),
    ],
)
def test_no_name_leads_out_of_the_folder(library: Library, folder: Path, repo: str, file: str) -> None:
    path = library.part_path(repo, file)
    assert Path(os.path.normpath(path)) == path, "no dots that mean another folder"
    assert path.is_relative_to(folder)
    assert path != folder
    names = path.relative_to(folder).parts
    assert all(not set(name) & set('<>:"/\\|?*\0\n') and not name.endswith((".", " ")) for name in names)
    assert all(name.split(".")[0].lower() not in ("con", "nul", "aux") for name in names)
    assert "/".join(unquote(name) for name in names[1:]).removesuffix(".part") == "/".join(x for x in file.split("/") if x)


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
    assert not (folder / "maker--Small-GGUF" / "sub").exists()
    assert library.remove(first.id) == 1000
    assert list(folder.iterdir()) == []
    with pytest.raises(NotFound, match="no model Small-Q4_K_M"):
        library.remove(first.id)


def test_remove_takes_an_unfinished_part(library: Library, folder: Path) -> None:
    part = library.begin(Provenance(repo="maker/Small-GGUF", file="Small-Q8_0.gguf", size_bytes=5000))
    part.write_bytes(bytes(1200))
    part.with_name(part.name + ".json").write_text("{}")
    assert library.remove("Small-Q8_0") == 1200
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
