"""engine.probe: this computer measured with the real engine; the made models are true GGUFs whose holes become real memory."""

from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any

import psutil
import pytest

from desktop import gguf, speed
from desktop.engine import LoadOptions, made, probe
from desktop.engine.local import LocalEngine, build
from desktop.hardware import Cpu, EngineReport, Hardware, Memory
from desktop.shape import Shape
from desktop.speed import Rates

HERE = Hardware(Memory(16 * 10**9, 10 * 10**9), Cpu("Test", 2, 2), (), EngineReport("llama.cpp", "b1", ("CPU",), False))


def last(steps: Generator[Any, None, Any]) -> tuple[list[Any], Any]:
    seen = []
    while True:
        try:
            seen.append(next(steps))
        except StopIteration as end:
            return seen, end.value


def test_this_computer_is_measured(tmp_path: Path) -> None:
    seen, rates = last(probe.measure(HERE, Rates(), build() or "", tmp_path))
    assert {step.text for step in seen} == {probe.WHY}
    fractions = [step.fraction for step in seen]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert 0.1e9 < rates.memory_bytes_per_s < 500e9
    assert "Q4_K" in rates.unpack
    assert 0 < rates.layer_s < 0.01
    assert rates.params_per_s > 1e9
    assert rates.computer == speed.identity(HERE, build() or "")
    assert rates.measured_at
    assert not list(tmp_path.iterdir())
    assert psutil.Process().children(recursive=True) == []


def test_it_can_be_cancelled(tmp_path: Path) -> None:
    steps = probe.measure(HERE, Rates(), "", tmp_path)
    next(steps)
    steps.close()
    assert not list(tmp_path.iterdir())
    assert psutil.Process().children(recursive=True) == []


def test_without_room_nothing_changes(tmp_path: Path) -> None:
    before = Rates(3e9)
    assert last(probe.measure(HERE, before, "", tmp_path / "not there"))[1] == before


@pytest.mark.parametrize("shape", probe.FLAT.values(), ids=lambda shape: shape.weights)
def test_a_made_model_is_what_it_says(tmp_path: Path, shape: made.Made) -> None:
    made.write(shape, tmp_path / "made.gguf")
    header = gguf.read_file(tmp_path / "made.gguf")
    assert header.weights_bytes == pytest.approx(shape.bytes_read, rel=0.001)
    assert Shape.from_header(header).active_bytes == pytest.approx(shape.bytes_read, rel=0.001)
    assert shape.bytes_read > 200e6
    assert (tmp_path / "made.gguf").stat().st_blocks * 512 < 1e6  # a hole


def test_its_holes_become_memory_of_their_own(engine: LocalEngine, tmp_path: Path) -> None:
    """Pages of zeros that were never written are one page to Linux, and would be read from the cache."""
    shape = replace(probe.FLAT["Q8_0"], vocabulary=64)
    made.write(shape, tmp_path / "made.gguf")
    _, loaded = last(engine.load(LoadOptions(tmp_path / "made.gguf", context=256, chats=False)))
    assert loaded.peak_bytes > shape.bytes_read


def test_of_two_disturbed_measurements_the_best_is_kept() -> None:
    first = Rates(5e9, computer="a", layer_s=3e-5, params_per_s=9e9, tries=1)
    second = Rates(4e9, computer="a", layer_s=2e-5, params_per_s=8e9, tries=1)
    best = probe._better(second, first)
    assert (best.memory_bytes_per_s, best.layer_s, best.params_per_s, best.tries) == (5e9, 2e-5, 9e9, 2)
    quiet = replace(second, quiet=True)
    assert probe._better(quiet, first) == quiet
    elsewhere = replace(first, computer="b")
    assert probe._better(second, elsewhere) == second
