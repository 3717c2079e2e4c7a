"""Models of other programs: made folders as each program leaves them, on every system."""

import hashlib
import json
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from desktop import adopting, elsewhere
from desktop.adopting import Plan, Skipped
from desktop.cli.command import finish
from desktop.elsewhere import Found, System
from desktop.errors import NotFound, OddName
from desktop.library import Library, LocalModel, Provenance
from tests import gguf_files

Write = Callable[..., Path]


@pytest.fixture
def library(tmp_path: Path) -> Library:
    return Library(tmp_path / "alcove" / "models", tmp_path / "no guide")


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "person"


def model(path: Path, name: str = "one") -> Path:
    """A small model; another name makes other bytes of the same length."""
    path.parent.mkdir(parents=True, exist_ok=True)
    return gguf_files.write(path, metadata={"general.name": name}, tensors={"token_embd.weight": (8, 8)})


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def as_blob(blobs: Path, name: str, dash: str = "sha256-") -> str:
    """A model under its hash; returns that."""
    path = model(blobs / "new", name)
    sha256 = digest(path)
    path.rename(blobs / f"{dash}{sha256}")
    return sha256


def as_ollama(
    folder: Path, name: str = "library/qwen3", tag: str = "8b", host: str = "registry.ollama.ai", words: str = "one"
) -> str:
    """A model as `ollama pull` leaves it."""
    sha256 = as_blob(folder / "blobs", words)
    (folder / "blobs" / f"sha256-{'cd' * 32}").write_bytes(b'{"model_format": "gguf"}')
    layers = [
        {"mediaType": "application/vnd.ollama.image.license", "digest": f"sha256:{'cd' * 32}", "size": 24},
        {"mediaType": "application/vnd.ollama.image.model", "digest": f"sha256:{sha256}", "size": 1},
    ]
    manifest = folder / "manifests" / host / name / tag
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text(json.dumps({"schemaVersion": 2, "layers": layers}))
    return sha256


def as_hub_cache(folder: Path, repo: str = "maker/Small-GGUF", file: str = "Small-Q4_K_M.gguf", words: str = "one") -> str:
    """A file as huggingface_hub leaves it."""
    place = folder / f"models--{repo.replace('/', '--')}"
    sha256 = as_blob(place / "blobs", words, "")
    link = place / "snapshots" / "c0ffee" / file
    link.parent.mkdir(parents=True, exist_ok=True)
    link.symlink_to(os.path.relpath(place / "blobs" / sha256, link.parent))
    return sha256


def planned(library: Library, system: System | None = None, *paths: Path) -> Plan:
    return finish(adopting.plan(library, paths, system))


def adopted(library: Library, plan: Plan) -> list[LocalModel]:
    done = list(adopting.adopt(library, plan.candidates))
    assert not any(isinstance(each, Skipped) for each in done)
    return [each for each in done if isinstance(each, LocalModel)]


def state(folder: Path) -> list[tuple[str, int, int]]:
    """All that could be changed below a folder."""
    return [(str(path), path.lstat().st_mtime_ns, path.lstat().st_size) for path in sorted(folder.rglob("*"))]


# --- where they are -------------------------------------------------------------------------------------------------------------


PLACES = [
    ("linux", "LM Studio", ".lmstudio/models/maker/Small-GGUF/Small-Q4_K_M.gguf"),
    ("linux", "LM Studio", ".cache/lm-studio/models/maker/Small-GGUF/Small-Q4_K_M.gguf"),
    ("darwin", "LM Studio", ".lmstudio/models/maker/Small-GGUF/Small-Q4_K_M.gguf"),
    ("win32", "LM Studio", ".lmstudio/models/maker/Small-GGUF/Small-Q4_K_M.gguf"),
    ("linux", "Jan", ".local/share/Jan/data/llamacpp/models/maker/Small/model.gguf"),
    ("linux", "Jan", ".config/Jan/data/models/small/model.gguf"),
    ("linux", "Jan", "jan/models/small/small.gguf"),
    ("darwin", "Jan", "Library/Application Support/Jan/data/llamacpp/models/Small/model.gguf"),
    ("win32", "Jan", "AppData/Roaming/Jan/data/llamacpp/models/Small/model.gguf"),
    ("linux", "GPT4All", ".local/share/nomic.ai/GPT4All/small.gguf"),
    ("darwin", "GPT4All", "Library/Application Support/nomic.ai/GPT4All/small.gguf"),
    ("win32", "GPT4All", "AppData/Local/nomic.ai/GPT4All/small.gguf"),
    ("linux", "llama.cpp", ".cache/llama.cpp/maker_small.gguf"),
    ("darwin", "llama.cpp", "Library/Caches/llama.cpp/maker_small.gguf"),
    ("win32", "llama.cpp", "AppData/Local/llama.cpp/maker_small.gguf"),
]


@pytest.mark.parametrize(("platform", "program", "path"), PLACES)
def test_each_program_is_found_where_it_keeps_its_models(
    library: Library, home: Path, platform: str, program: str, path: str
) -> None:
    file = model(home / path)
    before = state(home)
    (found,) = adopted(library, planned(library, System(platform, home, {}, home / "root")))
    assert (found.path, found.program, found.origin, found.complete) == (file, program, "linked", True)
    assert "model" not in (found.id, found.name), "which would say nothing"
    assert state(home) == before


@pytest.mark.parametrize(
    ("platform", "variable", "folder"),
    [("linux", "LLAMA_CACHE", "a"), ("win32", "LLAMA_CACHE", "a"), ("linux", "XDG_CACHE_HOME", "a/llama.cpp")],
)
def test_a_folder_that_the_environment_names(library: Library, home: Path, platform: str, variable: str, folder: str) -> None:
    file = model(home / folder / "small.gguf")
    (found,) = planned(library, System(platform, home, {variable: str(home / "a")}, home)).candidates
    assert found.found.path == file


@pytest.mark.parametrize(
    ("platform", "file", "content", "folder"),
    [
        ("linux", ".lmstudio/settings.json", '{"downloadsFolder": "%s"}', ""),
        ("win32", "AppData/Roaming/LM Studio/settings.json", '{"downloadsFolder": "%s"}', ""),
        ("linux", ".cache/lm-studio/settings.json", '{"downloadsFolder": "%s"}', ""),
        ("darwin", ".lmstudio-home-pointer", "%s\n", "models"),
        ("linux", ".config/Jan/settings.json", '{"data_folder": "%s"}', "llamacpp/models"),
        ("linux", ".config/nomic.ai/GPT4All.ini", "[General]\nmodelPath=%s\n", ""),
    ],
)
def test_a_folder_that_a_program_was_told(
    library: Library, home: Path, tmp_path: Path, platform: str, file: str, content: str, folder: str
) -> None:
    chosen = tmp_path / "second disk"
    path = model(chosen / folder / "small.gguf")
    (home / file).parent.mkdir(parents=True)
    (home / file).write_text(content % chosen)
    (found,) = planned(library, System(platform, home, {}, home)).candidates
    assert found.found.path == path


@pytest.mark.parametrize(
    "content", ["", "{", "[]", "null", '{"downloadsFolder": 5}', '{"downloadsFolder": ""}', "[" * 100_000, "\0"]
)
def test_settings_that_make_no_sense_are_no_error(library: Library, home: Path, content: str) -> None:
    for name in (
        ".lmstudio/settings.json",
        ".config/Jan/settings.json",
        ".lmstudio-home-pointer",
        ".config/nomic.ai/GPT4All.ini",
    ):
        (home / name).parent.mkdir(parents=True, exist_ok=True)
        (home / name).write_text(content)
    assert planned(library, System("linux", home, {}, home / "root")) == Plan()


@pytest.mark.parametrize("variable", ["HF_HOME", "HF_HUB_CACHE", "HUGGINGFACE_HUB_CACHE", ""])
@pytest.mark.skipif(os.name == "nt", reason="links ask for a right there")
def test_the_cache_of_hugging_face_tells_repository_and_hash(library: Library, home: Path, variable: str) -> None:
    folder = home / {"HF_HOME": "a/hub", "": ".cache/huggingface/hub"}.get(variable, "a")
    sha256 = as_hub_cache(folder, file="sub/Small-Q4_K_M.gguf")
    again = folder / "models--maker--Small-GGUF" / "snapshots" / "beef" / "sub" / "Small-Q4_K_M.gguf"
    again.parent.mkdir(parents=True)
    again.symlink_to(f"../../../blobs/{sha256}")
    before = state(home)
    plan = planned(library, System("linux", home, {variable: str(home / "a")} if variable else {}, home))
    (found,) = adopted(library, plan)
    assert (found.sha256, found.repo, found.file) == (sha256, "maker/Small-GGUF", "sub/Small-Q4_K_M.gguf")
    assert library.find("maker/Small-GGUF", "sub/Small-Q4_K_M.gguf") == found, "so it is not fetched again"
    assert library.with_hash(sha256) == found
    assert plan.skipped == (), "a second commit with the same file is no news"
    assert state(home) == before


@pytest.mark.parametrize(
    ("platform", "environment", "folder"),
    [
        ("linux", {}, "person/.ollama/models"),
        ("darwin", {}, "person/.ollama/models"),
        ("win32", {}, "person/.ollama/models"),
        ("linux", {"OLLAMA_MODELS": "a"}, "a"),
        ("linux", {}, "root/usr/share/ollama/.ollama/models"),
    ],
)
def test_a_model_of_ollama_is_its_blob(
    library: Library, tmp_path: Path, platform: str, environment: dict[str, str], folder: str
) -> None:
    sha256 = as_ollama(tmp_path / folder)
    before = state(tmp_path / folder)
    variables = {name: str(tmp_path / path) for name, path in environment.items()}
    (found,) = adopted(library, planned(library, System(platform, tmp_path / "person", variables, tmp_path / "root")))
    assert (found.id, found.name, found.program, found.sha256) == ("ollama-qwen3-8b", "qwen3:8b", "Ollama", sha256)
    assert found.path == tmp_path / folder / "blobs" / f"sha256-{sha256}"
    assert library.remove(found.id, now=True) == 0
    assert state(tmp_path / folder) == before


def test_two_names_in_ollama_for_one_file(library: Library, home: Path) -> None:
    folder = home / ".ollama" / "models"
    as_ollama(folder)
    as_ollama(folder, tag="latest")
    as_ollama(folder, "maker/Small-GGUF", "Q4_K_M", "hf.co", "two")
    plan = planned(library, System("linux", home, {}, home / "root"))
    assert [(each.name, each.found.repo) for each in plan.candidates] == [
        ("maker/Small-GGUF:Q4_K_M", "maker/Small-GGUF"),
        ("qwen3:8b", None),
    ]
    assert len(plan.skipped) == 1
    assert "the same file as" in plan.skipped[0].why


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b'{"layers": 5}',
        b'{"layers": [{}]}',
        b'{"layers": [{"mediaType": "%s", "digest": "sha256:../../../x"}]}',
    ],
)
def test_a_manifest_that_makes_no_sense(library: Library, home: Path, content: bytes) -> None:
    folder = home / ".ollama" / "models"
    as_ollama(folder)
    (folder / "manifests/registry.ollama.ai/library/qwen3/8b").write_bytes(content.replace(b"%s", elsewhere.MODEL_LAYER.encode()))
    model(home / "x")
    assert planned(library, System("linux", home, {}, home / "root")) == Plan()


# --- what is taken --------------------------------------------------------------------------------------------------------------


def test_the_same_file_under_two_names_is_taken_once(library: Library, home: Path) -> None:
    first = model(home / ".lmstudio/models/maker/Small-GGUF/Small-Q4_K_M.gguf")
    copy = home / ".cache/llama.cpp/maker_Small.gguf"
    copy.parent.mkdir(parents=True)
    shutil.copy(first, copy)
    as_ollama(home / ".ollama/models")
    other = model(home / ".lmstudio/models/maker/Other/other.gguf", "two")
    plan = planned(library, System("linux", home, {}, home / "root"))
    assert {each.found.path for each in plan.candidates} == {first, other}
    assert len(plan.skipped) == 2
    assert all(f"the same file as {first}" in each.why for each in plan.skipped)
    assert next(each for each in plan.candidates if each.found.path == first).found.sha256 == digest(first), (
        "noted, as it was read"
    )


def test_what_is_here_already_is_not_taken_again(library: Library, home: Path) -> None:
    theirs = model(home / ".lmstudio/models/maker/Small-GGUF/Small-Q4_K_M.gguf")
    origin = Provenance(repo="elsewhere/Small", file="small.gguf", size_bytes=theirs.stat().st_size, sha256=digest(theirs))
    part = library.begin(origin)
    shutil.copy(theirs, part)
    library.adopt(part, origin)
    system = System("linux", home, {}, home / "root")
    plan = planned(library, system)
    assert plan.candidates == ()
    assert [(each.path, each.why) for each in plan.skipped] == [(theirs, "it is used here already, as small")]
    linked = adopted(library, planned(library, None, model(home / "mine.gguf", "two")))
    assert planned(library, None, home / "mine.gguf").skipped[0].why == f"it is used here already, as {linked[0].id}"


def test_a_file_of_the_same_size_is_another_one(library: Library, home: Path) -> None:
    one, two = model(home / "one.gguf"), model(home / "two.gguf", "two")
    assert one.stat().st_size == two.stat().st_size
    plan = planned(library, None, home)
    assert len(plan.candidates) == 2
    assert [each.found.sha256 for each in plan.candidates] == [None, None], "their beginnings told, so they were not read whole"


def test_what_is_no_model_to_talk_with_is_told(library: Library, home: Path) -> None:
    model(home / "good.gguf")
    gguf_files.write(home / "mmproj.gguf", "clip", {"general.type": "mmproj"}, {"v.patch_embd.weight": (8, 8)})
    gguf_files.write(home / "search.gguf", "bert", {"pooling_type": 1}, {"token_embd.weight": (8, 8)})
    (home / "page.gguf").write_bytes(b"<html>" * 100)
    (home / "notes.txt").write_text("no model")
    cut = model(home / "cut.gguf")
    os.truncate(cut, cut.stat().st_size - 10)
    plan = planned(library, None, home)
    assert [each.name for each in plan.candidates] == ["good"]
    reasons = {each.path.name: each.why for each in plan.skipped}
    assert set(reasons) == {"mmproj.gguf", "search.gguf", "page.gguf", "cut.gguf"}
    assert "searches" in reasons["search.gguf"]
    assert "not a GGUF" in reasons["page.gguf"]
    assert "ends too early" in reasons["cut.gguf"]


def test_a_split_model_is_taken_as_one(library: Library, home: Path) -> None:
    whole = model(home / "x" / "whole.gguf")
    (home / "parts").mkdir()
    parts = gguf_files.split(whole, home / "parts")
    (found,) = adopted(library, planned(library, None, home / "parts"))
    assert found.files == tuple(parts)
    assert found.size_bytes == sum(path.stat().st_size for path in parts)
    parts[1].unlink()
    assert library.list()[0].missing
    assert planned(library, None, parts[0]).candidates == ()


def test_a_folder_of_another_program_can_be_named(library: Library, tmp_path: Path) -> None:
    as_ollama(tmp_path / "theirs")
    assert [each.name for each in planned(library, None, tmp_path / "theirs").candidates] == ["qwen3:8b"]
    with pytest.raises(NotFound):
        planned(library, None, tmp_path / "absent")


def test_looking_can_be_stopped(library: Library, home: Path) -> None:
    model(home / "one.gguf")
    steps = adopting.plan(library, [home])
    next(steps)
    steps.close()
    assert library.list() == ()


def test_a_file_that_went_before_it_was_taken(library: Library, home: Path) -> None:
    path = model(home / "one.gguf")
    plan = planned(library, None, home)
    path.unlink()
    (skipped,) = adopting.adopt(library, plan.candidates)
    assert isinstance(skipped, Skipped)
    assert skipped.path == path


def test_each_system_has_the_folders_of_all_programs(home: Path) -> None:
    for platform in elsewhere.BY_SYSTEM:
        system = System(platform, home, {}, home)
        assert all(elsewhere.folders(program, system) for program in elsewhere.PROGRAMS)
    assert [found for found in elsewhere.find(System("linux", home, {}, home)) if isinstance(found, Found)] == []


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere every name is text")
def test_a_file_whose_name_is_no_text_is_told_what_to_do(library: Library, tmp_path: Path) -> None:
    odd = model(tmp_path / "files" / os.fsdecode(b"caf\xe9.gguf"))
    found = finish(adopting.plan(library, [odd]))
    (skipped,) = found.skipped
    assert isinstance(skipped.error, OddName)
    assert "files/caf?.gguf" in skipped.why
    with pytest.raises(OddName):
        library.link(odd)
    model(library.folder / os.fsdecode(b"caf\xe9.gguf"))
    assert [each.id for each in library.list()] == []  # one that nobody opened is no reason to speak
