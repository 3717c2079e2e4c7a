"""The advice for a graphics card that stands idle."""

from collections.abc import Set
from dataclasses import replace
from pathlib import Path

import pytest

from desktop import problems
from desktop.app import App
from desktop.hardware import Cpu, EngineReport, Gpu, Hardware, Memory

CARD = Gpu("GeForce RTX 4060", "NVIDIA", None, 8_000_000_000, 8_000_000_000, used=False, why="It stands idle.")
BEFORE = replace(CARD, driver="535.183.01", compute_capability="8.9")  # its driver, of before CUDA 13
PASCAL = replace(CARD, name="GeForce GTX 1060", driver="580.95", compute_capability="6.1")
OTHER = replace(CARD, name="Radeon RX 7600", vendor="AMD")


@pytest.mark.parametrize(
    ("card", "addons", "words"),
    [
        (CARD, set(), "Install the package alcove-cuda;"),
        (OTHER, set(), "Install the package alcove-vulkan;"),
        (OTHER, {"CUDA"}, "Install the package alcove-vulkan;"),
        (CARD, {"CUDA"}, "alcove-cuda is here and cannot use it"),
        (CARD, {"Vulkan"}, "alcove-vulkan is here and cannot use it"),
        (replace(BEFORE, driver="580.65.06"), set(), "Install the package alcove-cuda;"),
        (BEFORE, set(), "Install the package alcove-cuda and NVIDIA's driver 580 or newer;"),
        (BEFORE, {"CUDA"}, "Install NVIDIA's driver 580 or newer: the package alcove-cuda is here and cannot use it"),
        (BEFORE, {"Vulkan"}, "Install its driver, or a newer one: the package alcove-vulkan is here"),
        (PASCAL, set(), "Install the package alcove-vulkan;"),
        (PASCAL, {"CUDA"}, "Install the package alcove-vulkan;"),
    ],
)
def test_an_installed_program_tells_which_package_a_card_waits_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, card: Gpu, addons: Set[str], words: str
) -> None:
    monkeypatch.setattr(problems, "FROZEN", True)
    assert words in fix(tmp_path, card, addons)


def test_from_the_source_it_is_built(tmp_path: Path) -> None:
    assert "Build the engine for it" in fix(tmp_path, CARD, set())


def test_a_card_that_is_used_is_no_problem(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(problems, "FROZEN", True)
    assert not fix(tmp_path, replace(CARD, used=True), set())


def fix(home: Path, card: Gpu, addons: Set[str]) -> str:
    """What doctor would tell of this card, or ""."""
    engine = EngineReport("llama.cpp", "0", ("CPU",), False)
    found = Hardware(Memory(8_000_000_000, 4_000_000_000), Cpu("one", 2, 2), (card,), engine)
    app = App.open(home)
    try:
        told = problems.find(found, app.library, app.hub, addons)
    finally:
        app.close()
    return "".join(each["fix"] for each in told if each["what"] == card.why)
