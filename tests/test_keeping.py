"""Checking the models that are here, and moving them to another disk without losing one."""

import json
import os
import signal
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from desktop import digest, keeping
from desktop.app import App
from desktop.cli.command import finish
from desktop.errors import Corrupt, DiskFull, Forbidden, NotFound, NotWritable
from desktop.keeping import Moved, Verified
from desktop.library import Library, LocalModel, Provenance
from desktop.part import Part, Source
from tests import gguf_files

# A program of its own, to be killed in the middle of a copy
PROGRAM = """
import sys
from pathlib import Path
from desktop import digest, keeping

keeping._on_one_disk = lambda source, target: False
digest.PIECE_BYTES, digest.TICK_S = 4096, 0.0
for progress in keeping.move(Path(sys.argv[1]), Path(sys.argv[2])):
    print(progress.done_bytes, flush=True)
"""


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "models", tmp_path / "no guide")


def kept(library: Library, file: str = "Small-Q4_K_M.gguf", name: str = "one", *, hashed: bool = True) -> LocalModel:
    """A real model as a download leaves it."""
    part = library.begin(Provenance(repo="maker/Small-GGUF", file=file, reference=f"hf:maker/Small-GGUF/{file}"))
    gguf_files.write(part, metadata={"general.name": name}, tensors={"token_embd.weight": (64, 64)})
    sha256 = finish(digest.sha256(part)) if hashed else None
    origin = Provenance(repo="maker/Small-GGUF", file=file, sha256=sha256, reference=f"hf:maker/Small-GGUF/{file}")
    return library.adopt(part, origin)


def flip(path: Path) -> None:
    """Turn over a bit of the last byte, as an old disk does."""
    with path.open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_END)
        file.write(bytes([byte ^ 1]))


# --- verify ---------------------------------------------------------------------------------------------------------------------


def test_a_damaged_file_is_named_with_what_to_do(library: Library) -> None:
    good, bad = kept(library), kept(library, "Small-Q8_0.gguf", "two")
    flip(bad.path)
    found = {each.id: each for each in finish(keeping.verify(library))}
    assert found[good.id] == Verified(good.id, True, "as it was when it came")
    assert not found[bad.id].ok
    assert "Small-Q8_0.gguf is damaged: its SHA-256 is" in found[bad.id].why
    assert f"alcove remove {bad.id} --now, then: alcove get hf:maker/Small-GGUF/Small-Q8_0.gguf" in found[bad.id].step
    assert finish(keeping.verify(library, [good.id])) == [found[good.id]]
    with pytest.raises(NotFound, match="no model nobody"):
        finish(keeping.verify(library, [good.id, "nobody"]))


def test_what_cannot_be_noted_is_not_said_to_be(library: Library, tmp_path: Path) -> None:
    shared = Library(tmp_path / "shared", tmp_path / "no guide")
    model = kept(shared, hashed=False)
    library.shared = (shared.folder,)
    (found,) = finish(keeping.verify(library, [model.id]))
    assert (found.ok, found.why) == (True, "it can be read; no hash is known")


def test_a_hash_that_was_not_known_is_noted_for_the_next_time(library: Library, tmp_path: Path) -> None:
    own = kept(library, hashed=False)
    linked = library.link(gguf_files.write(tmp_path / "mine.gguf", tensors={"token_embd.weight": (8, 8)}))
    first = finish(keeping.verify(library))
    assert [(each.ok, "noted now" in each.why) for each in first] == [(True, True), (True, True)]
    assert all(each.why == "as it was when it came" for each in finish(keeping.verify(library)))
    assert library.with_hash(finish(digest.sha256(own.path))) is not None
    flip(linked.path)
    bad = finish(keeping.verify(library))[1]
    assert not bad.ok
    assert "the program that it belongs to" in bad.step, "a file of others is not to be removed"


def test_every_part_and_the_projector_are_checked(library: Library, tmp_path: Path) -> None:
    whole = gguf_files.llama(tmp_path / "whole.gguf")
    for path in [*gguf_files.split(whole, tmp_path), gguf_files.llama(tmp_path / "mmproj-whole.gguf")]:
        origin = Provenance(repo="maker/Big", file=path.name, sha256=finish(digest.sha256(path)))
        part = library.begin(origin)
        os.replace(path, part)
        library.adopt(part, origin)
    (model,) = library.list()
    assert finish(keeping.verify(library)) == [Verified("whole", True, "as it was when it came")]
    for path in (*model.files[1:], *model.projectors):
        flip(path)
        (bad,) = finish(keeping.verify(library))
        assert f"{path.name} is damaged" in bad.why
        flip(path)


def test_what_is_not_whole_is_said_so(library: Library, tmp_path: Path) -> None:
    short = kept(library)
    os.truncate(short.path, 100)
    gone = library.link(gguf_files.write(tmp_path / "mine.gguf", tensors={"token_embd.weight": (8, 8)}))
    gone.path.unlink()
    part = library.begin(Provenance(repo="maker/x", file="part.gguf", size_bytes=900))
    part.write_bytes(b"GGUF")
    found = {each.id: each for each in finish(keeping.verify(library, [short.id, gone.id, "part"]))}
    assert not any(each.ok for each in found.values())
    assert "ends" in found[short.id].why
    assert "no longer there" in found[gone.id].why
    assert "not here as a whole yet" in found["part"].why


def test_checking_tells_how_far_it_is_and_can_be_stopped(library: Library, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(digest, "PIECE_BYTES", 1000)
    monkeypatch.setattr(digest, "TICK_S", 0.0)
    model = kept(library)
    seen = []
    finish(keeping.verify(library), seen.append)
    assert [step.done_bytes for step in seen] == sorted(step.done_bytes for step in seen)
    assert len(seen) > 5
    assert seen[-1].done_bytes == seen[-1].size_bytes == model.size_bytes
    with closing(keeping.verify(library)) as steps:
        next(steps)


# --- move -----------------------------------------------------------------------------------------------------------------------


def furnish(library: Library, tmp_path: Path) -> list[LocalModel]:
    """A library with everything that there can be in one."""
    for number in range(3):
        kept(library, f"sub/Small-Q{number}.gguf", str(number))
    library.used(library.list()[0].id)
    library.link(gguf_files.write(tmp_path / "mine.gguf", tensors={"token_embd.weight": (8, 8)}))
    part = library.begin(Provenance(repo="maker/x", file="unfinished.gguf", size_bytes=900))
    part.write_bytes(b"GGUF")
    part.with_name(part.name + ".json").write_text("{}")
    library.remove(kept(library, "thrown.gguf", "thrown").id)
    (library.folder / "notes.txt").write_text("mine")
    return list(library.list())


def plain(models: list[LocalModel]) -> list[tuple[object, ...]]:
    return sorted((m.id, m.size_bytes, m.sha256 or "", m.complete, m.last_used or "", m.origin, m.path.name) for m in models)


@pytest.fixture(params=["one disk", "two disks"])
def disks(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    if request.param == "two disks":
        monkeypatch.setattr(keeping, "_on_one_disk", lambda source, target: False)
    return str(request.param)


def test_everything_of_ours_moves_and_nothing_else(library: Library, tmp_path: Path, disks: str) -> None:
    before = furnish(library, tmp_path)
    target = tmp_path / "second" / "disk"
    moved = finish(keeping.move(library.folder, target))
    assert moved.files == 13
    there = Library(target, tmp_path / "no guide")
    assert plain(list(there.list())) == plain(before)
    assert all(each.ok for each in finish(keeping.verify(there, [m.id for m in there.list() if m.complete])))
    assert there.restore("thrown").complete
    assert [path.name for path in library.folder.rglob("*")] == ["notes.txt"]
    assert not list(target.rglob("*.moving"))
    assert finish(keeping.move(library.folder, target)) == Moved(0, 0), "a second time there is nothing to do"


def test_a_move_that_was_killed_loses_nothing_and_goes_on(library: Library, tmp_path: Path) -> None:
    before = furnish(library, tmp_path)
    target = tmp_path / "second"
    whole = sum(path.stat().st_size for path in keeping._files(library.folder))
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(library.folder), str(target)], stdout=subprocess.PIPE, text=True
    ) as program:
        assert program.stdout is not None
        for line in program.stdout:
            if int(line) > whole // 3:
                break
        program.send_signal(signal.SIGKILL if hasattr(signal, "SIGKILL") else signal.SIGTERM)
    both = Library(target, tmp_path / "no guide", [library.folder])
    assert {m.path.name for m in both.list()} == {m.path.name for m in before}, "all there, in one folder or the other"
    assert all(each.ok for each in finish(keeping.verify(both, [m.id for m in both.list() if m.sha256])))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(keeping, "_on_one_disk", lambda source, target: False)
        finish(keeping.move(library.folder, target))
    assert plain(list(Library(target, tmp_path / "no guide").list())) == plain(before)
    assert not list(target.rglob("*.moving"))


def test_a_move_that_is_stopped_leaves_no_half_file(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "_on_one_disk", lambda source, target: False)
    monkeypatch.setattr(digest, "PIECE_BYTES", 1000)
    monkeypatch.setattr(digest, "TICK_S", 0.0)
    model = kept(library)
    with closing(keeping.move(library.folder, tmp_path / "second")) as steps:
        for step in steps:
            if step.done_bytes > 3000:
                break
    assert library.list() == (model,)
    assert not [path for path in (tmp_path / "second").rglob("*") if path.is_file()]


def test_a_disk_that_is_too_small_is_told_before(library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    model = kept(library)
    monkeypatch.setattr(keeping, "_on_one_disk", lambda source, target: False)
    monkeypatch.setattr(keeping, "room_bytes", lambda folder: 1000)
    with pytest.raises(DiskFull) as caught:
        finish(keeping.move(library.folder, tmp_path / "second"))
    assert caught.value.facts["free_bytes"] == 1000
    assert caught.value.facts["needed_bytes"] > model.size_bytes  # type: ignore[operator]
    assert library.list() == (model,)


def test_a_disk_that_gives_back_other_bytes_keeps_the_original(
    library: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model = kept(library)
    monkeypatch.setattr(keeping, "_on_one_disk", lambda source, target: False)
    settle = os.fsync

    def spoils(handle: int) -> None:
        settle(handle)
        for path in (tmp_path / "second").rglob("*.gguf.moving"):
            flip(path)

    monkeypatch.setattr(os, "fsync", spoils)
    with pytest.raises(Corrupt, match="the original was kept"):
        finish(keeping.move(library.folder, tmp_path / "second"))
    monkeypatch.undo()
    assert library.list() == (model,)
    assert finish(keeping.verify(library))[0].ok
    assert not list((tmp_path / "second").rglob("*.gguf*"))


def test_another_file_in_the_way_stays_and_so_does_ours(library: Library, tmp_path: Path, disks: str) -> None:
    mine, other = kept(library), kept(library, "Other.gguf", "other")
    target = tmp_path / "second" / mine.path.relative_to(library.folder)
    gguf_files.write(_made(target), metadata={"general.name": "two"}, tensors={"token_embd.weight": (64, 64)})
    theirs = target.read_bytes()
    with pytest.raises(Forbidden, match="another file lies at .* all others were moved"):
        finish(keeping.move(library.folder, tmp_path / "second"))
    assert target.read_bytes() == theirs
    assert mine.path.exists()
    assert not other.path.exists()


def _made(path: Path) -> Path:
    path.parent.mkdir(parents=True)
    return path


def test_what_cannot_be_moved_is_said_before(library: Library, tmp_path: Path) -> None:
    kept(library)
    with pytest.raises(Forbidden, match="they are there already"):
        finish(keeping.move(library.folder, library.folder))
    for target in (library.folder / "inside", tmp_path):
        with pytest.raises(Forbidden, match="lies in the other"):
            finish(keeping.move(library.folder, target))
    (tmp_path / "file").touch()
    with pytest.raises(NotWritable):
        finish(keeping.move(library.folder, tmp_path / "file"))
    path = library.begin(Provenance(repo="maker/x", file="x.gguf", size_bytes=900))
    path.write_bytes(b"GGUF")
    part = Part(Source("http://localhost/x.gguf", {}, 900, None, "x.gguf"), path)
    finish(part.open())
    with pytest.raises(Forbidden, match="a download is running"):
        finish(keeping.move(library.folder, tmp_path / "second"))
    part.close()


@pytest.mark.skipif(os.name == "nt", reason="links ask for a right there")
def test_a_link_in_the_folder_still_leads_to_its_file(library: Library, tmp_path: Path, disks: str) -> None:
    real = gguf_files.write(tmp_path / "real.gguf", tensors={"token_embd.weight": (8, 8)})
    link = library.folder / "maker" / "x" / "link.gguf"
    link.parent.mkdir(parents=True)
    link.symlink_to("../../../real.gguf")
    finish(keeping.move(library.folder, tmp_path / "deep" / "er" / "second"))
    assert (tmp_path / "deep" / "er" / "second" / "maker" / "x" / "link.gguf").read_bytes() == real.read_bytes()
    assert real.exists()


def test_the_app_reads_both_folders_until_a_move_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(keeping, "_on_one_disk", lambda source, target: False)
    app = App.open(tmp_path / "home")
    names = {kept(app.library, f"{number}.gguf", str(number)).id for number in range(3)} | {"guide"}
    with closing(app.move_models(tmp_path / "second")) as steps:
        for step in steps:
            if step.done_bytes * 2 > step.size_bytes:
                break
    app.close()
    app = App.open(tmp_path / "home")
    assert app.library.folder == tmp_path / "second"
    assert {model.id for model in app.library.list()} == names
    with pytest.raises(Forbidden, match="is not finished"):
        finish(app.move_models(tmp_path / "third"))
    finish(app.move_models(tmp_path / "second"))
    assert {model.id for model in app.library.list()} == names
    assert all(model.path.is_relative_to(tmp_path / "second") for model in app.library.list() if model.id != "guide")
    assert json.loads((tmp_path / "home" / "settings.json").read_text())["moving_from"] == ""
    app.close()
