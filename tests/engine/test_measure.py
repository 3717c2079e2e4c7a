"""The dry run against the real thing: what the engine says it would allocate is what it allocates, to the byte."""

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest

from desktop import gguf
from desktop.engine import LoadOptions, hollow, local
from desktop.engine.local import LocalEngine
from desktop.errors import EngineCrashed, LoadFailed, UnknownArchitecture
from desktop.shape import DeviceMemory
from tests import gguf_files
from tests.engine import models, shapes
from tests.engine.test_local import ask, load, run


@dataclass(frozen=True)
class Part:
    """The header of a file that is not here."""

    name: str
    raw: bytes
    size_bytes: int


def part(path: Path) -> Part:
    with path.open("rb") as file:
        header = gguf.read(file, str(path))
    return Part(path.name, path.read_bytes()[: header.data_offset], path.stat().st_size)


def measure(engine: LocalEngine, model: Path | list[Part], **options: object) -> tuple[DeviceMemory, ...]:
    return run(engine.measure(model, LoadOptions(Path("nowhere.gguf"), **options)))[1]  # type: ignore[arg-type]


@pytest.mark.parametrize("shape", shapes.SHAPES)
@pytest.mark.parametrize(("context", "kv_type", "mode"), [(4096, "f16", "read"), (1000, "q8_0", "mmap"), (99999, "q4_0", "read")])
def test_measured_from_its_header_alone_it_takes_what_it_takes_when_open(
    engine: LocalEngine, tmp_path: Path, shape: str, context: int, kv_type: str, mode: str
) -> None:
    path = shapes.SHAPES[shape](tmp_path / "model.gguf")
    measured = measure(engine, [part(path)], context=context, kv_type=kv_type, load_mode=mode)
    info = load(engine, path, context=context, kv_type=kv_type, load_mode=mode, chats=False)
    assert measured == info.memory
    (main,) = measured
    assert main.name == "CPU"
    assert main.weights_bytes >= gguf.read_file(path).weights_bytes
    assert (main.kv_bytes > 0) == (shape != "recurrent")
    assert (main.state_bytes > 0) == (shape in ("recurrent", "hybrid"))
    assert main.output_bytes == 4 * shapes.WORDS
    assert main.compute_bytes > 4 * 512 * shapes.WIDTH


def test_a_header_may_come_while_the_engine_starts(engine: LocalEngine, tmp_path: Path) -> None:
    path = shapes.llama(tmp_path / "model.gguf")
    engine.prepare_measure()
    prepared = psutil.Process().children()
    assert len(prepared) == 1
    engine.prepare_measure()
    assert psutil.Process().children() == prepared
    engine.prepare_measure(path)  # which the first may not read
    assert psutil.Process().children() != prepared
    engine.prepare_measure()
    assert measure(engine, [part(path)])[0].weights_bytes == gguf.read_file(path).weights_bytes
    assert psutil.Process().children() == []  # it held a graphics card's memory


def test_measuring_leaves_the_open_model_and_no_file_behind(
    engine: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    load(engine, models.write(tmp_path / "words.gguf", models.WORDS))
    open_models = psutil.Process().children()
    other = shapes.sliding(tmp_path / "other.gguf")
    measure(engine, [part(other)])
    steps = engine.measure([part(other)], LoadOptions(other))
    next(steps)
    steps.close()  # given up
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith("alcove-")} == set()
    assert psutil.Process().children() == open_models
    assert ask(engine, max_tokens=2).text == "word0 word1"


def test_all_parts_of_a_split_model_are_measured(engine: LocalEngine, tmp_path: Path) -> None:
    whole = shapes.llama(tmp_path / "whole.gguf")
    first, *others = gguf_files.split(whole, tmp_path)
    expected = measure(engine, whole)
    assert measure(engine, [part(path) for path in (first, *others)]) == expected
    assert measure(engine, first) == expected
    with pytest.raises(LoadFailed) as failed:
        measure(engine, [part(first)])
    assert failed.value.facts["path"] == first.name


def test_the_disk_holds_the_header_only(tmp_path: Path) -> None:
    header = part(shapes.llama(tmp_path / "model.gguf"))
    large = Part("model.gguf", header.raw, 1 << 40)
    folder = tmp_path / "scratch"
    folder.mkdir()
    path = hollow.written([large], folder)
    assert path.stat().st_size == 1 << 40
    if sys.platform != "win32":
        assert path.stat().st_blocks * 512 < 1 << 20


def test_nothing_is_written_elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is needed for a moment lies in the home, too: the system's folder for such files is one that is not there."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    (tmp_path / "cache").mkdir()
    engine = LocalEngine(tmp_path / "cache")
    assert measure(engine, [part(shapes.llama(tmp_path / "model.gguf"))])
    engine.close()
    assert not list((tmp_path / "cache").glob("alcove-*"))


def test_what_a_killed_program_left_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        gone.wait()
    left, alive, own = (
        tmp_path / name for name in (f"alcove-{gone.pid}-abcd_123", f"alcove-{os.getpid()}-abcd_123", "alcove-2031")
    )
    for folder in (left, alive, own):
        folder.mkdir()
        (folder / "model.gguf").write_bytes(b"GGUF")
    with hollow.scratch() as fresh:
        assert Path(fresh).name.startswith(f"alcove-{os.getpid()}-")
        assert not left.exists()
    assert (alive / "model.gguf").exists(), "it is still at work"
    assert (own / "model.gguf").exists(), "somebody's own folder"


def test_an_architecture_that_the_engine_does_not_know_is_told(engine: LocalEngine, tmp_path: Path) -> None:
    path = models.write(tmp_path / "future.gguf", ["Yes", models.END], architecture="llama-of-2031")
    with pytest.raises(UnknownArchitecture) as unknown:
        measure(engine, [part(path)])
    assert (unknown.value.facts["path"], unknown.value.facts["architecture"]) == ("future.gguf", "llama-of-2031")


def test_a_header_with_a_hole_in_it_is_told(engine: LocalEngine, tmp_path: Path) -> None:
    whole = part(shapes.llama(tmp_path / "model.gguf"))
    damaged = Part("damaged.gguf", whole.raw.replace(b"blk.0.attn_norm.weight", b"blk.0.attn_form.weight"), whole.size_bytes)
    with pytest.raises(LoadFailed, match=r"open damaged\.gguf: .*attn_norm"):
        measure(engine, [damaged])
    with pytest.raises(LoadFailed):
        measure(engine, [Part("short.gguf", whole.raw[:500], whole.size_bytes)])


def test_a_header_that_makes_the_engine_abort_is_a_crash_of_nothing_else(engine: LocalEngine, tmp_path: Path) -> None:
    """Three heads of keys cannot serve four heads, which nothing but an assertion in the middle of it notices."""
    path = shapes.uneven(tmp_path / "model.gguf", kv_heads=(1, 2, 3, 4))
    with pytest.raises(EngineCrashed) as crash:
        measure(engine, [part(path)])
    assert crash.value.facts["code"] != 0
    assert measure(engine, [part(shapes.llama(path))])


def test_an_engine_that_does_not_answer_is_given_up(engine: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = shapes.llama(tmp_path / "model.gguf")
    monkeypatch.setattr(local, "MEASURE_S", 0.5)
    engine.prepare_measure(path)
    psutil.Process().children()[0].suspend()
    with pytest.raises(EngineCrashed) as crash:
        measure(engine, path)
    assert crash.value.facts["code"] is None


def test_without_room_for_temporary_files_it_is_told(
    engine: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    header = part(shapes.llama(tmp_path / "model.gguf"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    with pytest.raises(EngineCrashed) as crash:
        measure(engine, [header])
    assert "temporary" in str(crash.value.facts["why"])
