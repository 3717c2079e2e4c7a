"""How long the model view takes from a move of its slider to figures and bars that are painted, for every model of the
catalogue, without and with a graphics card. Run: python tests/benchmarks/slider.py"""

import os
import statistics
import sys
import time
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parents[2]))

from PySide6.QtWidgets import QApplication

from desktop.app import App
from desktop.fit import Wish
from desktop.hardware import Gpu, Hardware
from desktop.ui.fit_view import FitView
from desktop.ui.program import Program
from tests.ui.laptop import LAPTOP

CARD = Gpu("NVIDIA GeForce RTX 3060", "NVIDIA", "CUDA", 12 * 10**9, 11 * 10**9, True, "", bandwidth_bytes_per_s=360e9)


def moves_ms(program: Program, view: FitView, reference: str) -> list[float]:
    """Milliseconds of each move over the whole slider and back, with all that it sets off and the painting."""
    view.show_model(reference, Wish())
    view.repaint()
    took = []
    places = [*range(view.slider.maximum()), *range(view.slider.maximum(), -1, -1)]
    for place in places:
        started_s = time.perf_counter()
        view.slider.setValue(place)
        view.repaint()
        took.append(1000 * (time.perf_counter() - started_s))
    view._judging.leave()
    return took


def measure(program: Program, hardware: Hardware, name: str) -> None:
    program.advice.hardware = hardware
    program.app.computer.found = hardware
    view = FitView(program.browse._judges)
    view.resize(880, 700)
    view.show()
    took: list[float] = []
    for model in program.app.catalogue.models:
        for variant in model.variants[:1]:
            took += moves_ms(program, view, f"{model.id}:{variant.quantization}")
    estimates = []
    for model in program.app.catalogue.models:
        for goal in (None, "speed", "long"):
            started_s = time.perf_counter()
            program.wishes.estimate(f"{model.id}:{model.variants[0].quantization}", Wish(goal=goal))
            estimates.append(1000 * (time.perf_counter() - started_s))
    took.sort(), estimates.sort()
    most = took[round(len(took) * 0.99)]
    print(
        f"{name}: {len(took)} moves, median {statistics.median(took):.1f} ms, 99 % within {most:.1f} ms, worst {took[-1]:.1f} ms"
    )
    print(f"  of that the formula: median {statistics.median(estimates):.2f} ms, worst {estimates[-1]:.2f} ms")
    view.hide()


def main() -> None:
    with TemporaryDirectory() as home:
        program = Program(App.open(home), QApplication([]))
        measure(program, LAPTOP, "16 GB, no card")
        measure(program, replace(LAPTOP, gpus=(CARD,)), "16 GB and a card of 12 GB")
        program.end()


if __name__ == "__main__":
    main()
