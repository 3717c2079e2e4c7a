from pathlib import Path

import pytest

from desktop import gguf, projector
from tests import gguf_files
from tests.engine import seeing

BASE = "general.basename"


@pytest.fixture
def model(tmp_path: Path) -> Path:
    return gguf_files.llama(tmp_path / "model.gguf", width=128, metadata={BASE: "Qwen2.5-VL"})


def beside(path: Path) -> projector.Projector | None:
    return projector.beside(path, gguf.read_file(path))


def test_there_is_none(model: Path) -> None:
    assert beside(model) is None


def test_the_one_in_the_same_folder(model: Path) -> None:
    file = seeing.projector(model.parent / "mmproj-F16.gguf", towards=128)
    found = beside(model)
    assert found is not None
    assert found.path == file
    assert found.total_bytes > file.stat().st_size * 0.9


def test_not_that_of_another_model(model: Path) -> None:
    seeing.projector(model.parent / "mmproj-wide.gguf", towards=2048)
    assert beside(model) is None
    seeing.projector(model.parent / "mmproj-gemma.gguf", towards=128, metadata={BASE: "gemma-3"})
    assert beside(model) is None
    mine = seeing.projector(model.parent / "mmproj-qwen.gguf", towards=128, metadata={BASE: "Qwen2.5 VL"})
    assert beside(model) == projector.Projector(mine, *_sizes(mine))


def test_of_several_the_smallest(model: Path) -> None:
    seeing.projector(model.parent / "mmproj-F32.gguf", towards=128, layers=2)
    for name in ("mmproj-BF16.gguf", "mmproj-F16.gguf"):
        seeing.projector(model.parent / name, towards=128)
    found = beside(model)
    assert found is not None
    assert found.path.name == "mmproj-F16.gguf"


@pytest.mark.parametrize(
    "harm", [lambda whole: whole[:100], lambda whole: whole[:-100], lambda _: b"", lambda _: b"nonsense" * 50]
)
def test_a_damaged_one_is_none(model: Path, harm) -> None:
    file = seeing.projector(model.parent / "mmproj.gguf", towards=128)
    file.write_bytes(harm(file.read_bytes()))
    assert beside(model) is None


def test_what_hears_does_not_see(model: Path) -> None:
    entries = {"general.type": "mmproj", "has_audio_encoder": True, "audio.projection_dim": 128}
    gguf_files.write(model.parent / "mmproj.gguf", "clip", entries, {"mm.a.weight": (128, 128)})
    assert beside(model) is None


def _sizes(path: Path) -> tuple[int, int]:
    header = gguf.read_file(path)
    return header.weights_bytes, projector.workspace_bytes(header)
