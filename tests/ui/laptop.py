"""A laptop for the pages: 16 GB of memory of which 11.2 are free, no graphics card; the real catalogue and licences."""

from collections.abc import Generator, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from PySide6.QtWidgets import QLabel, QWidget

from desktop import catalogue, licences, offers
from desktop.catalogue import Catalogue
from desktop.errors import AlcoveError
from desktop.fit import Fit, Shape, Wish, fit
from desktop.hardware import Cpu, EngineReport, Gpu, Hardware, Memory
from desktop.judging import Judgement, Step
from desktop.library import Library
from desktop.licences import Licences
from desktop.offers import Offer
from desktop.speed import Rates
from desktop.ui.judging import Judges
from desktop.ui.tasks import Tasks

WHY = "it shares the memory of the processor and would not be faster"
LAPTOP = Hardware(
    memory=Memory(16_600_000_000, 11_200_000_000),
    cpu=Cpu("AMD Ryzen 7 7730U", 8, 16, ("AVX2", "FMA")),
    gpus=(Gpu("AMD Radeon Graphics", "AMD", None, None, None, False, WHY),),
    engine=EngineReport("llama.cpp", "0.3.36", ("CPU",), False),
)
RATES = Rates(30e9, attention_s=1e-8)


@cache
def known() -> Catalogue:
    return catalogue.load()


@cache
def law() -> Licences:
    return licences.load()


def library(folder: Path) -> Library:
    """An empty folder of models beside a file that stands for the guide."""
    folder.mkdir(parents=True, exist_ok=True)
    guide = folder / "alcove-guide.gguf"
    guide.write_bytes(b"GGUF")
    return Library(folder / "models", guide)


def ranked(models: Library, hardware: Hardware = LAPTOP) -> tuple[Offer, ...]:
    """The catalogue judged for the laptop."""
    return offers.rank(known(), law(), models, hardware, RATES)


def _small() -> Shape:
    """What stands in the header of any file that is not in the catalogue."""
    model = known().get("qwen3-0.6b")
    assert model is not None
    return model.shape(model.variants[0])


class Desk:
    """Judges models for the laptop as App does: the formula at once, and a check that can be held up, or fail, or be offline."""

    def __init__(self, tasks: Tasks, hardware: Hardware = LAPTOP) -> None:
        self.hardware = hardware
        self.wishes: dict[str, Wish] = {}
        self.asked: list[tuple[str, Wish]] = []  # of the check
        self.closed: list[Wish] = []  # checks that were given up
        self.hold = False
        self.source = "hub"
        self.error: AlcoveError | None = None
        self.more_bytes = 0  # that a check finds
        self.note = ""
        self.judges = Judges(tasks, self.estimate, self.judge, self.wish, "huggingface.co", self.accuracy)

    def wish(self, reference: str) -> Wish:
        return self.wishes.get(reference, Wish())

    def accuracy(self) -> str:
        return "Our last 12 estimates were within 3 %."

    def estimate(self, reference: str, wish: Wish) -> Fit | None:
        name, _, quantization = reference.partition(":")
        model = known().get(name)
        if model is None:
            return None  # a file of the Hub, of which nothing was read yet
        variant = next(each for each in model.variants if each.quantization == quantization)
        sizes = {each.quantization: each.size_bytes for each in model.variants}
        return self._fit(model.shape(variant), wish, sizes)

    def judge(self, reference: str, wish: Wish) -> Generator[Step, None, Judgement]:
        self.asked.append((reference, wish))
        try:
            yield Step("header")
            yield Step("engine")
            while self.hold:
                yield Step("engine")
        except GeneratorExit:
            self.closed.append(wish)
            raise
        if self.error is not None:
            raise self.error
        judged = self.estimate(reference, wish) or self._fit(_small(), wish, {})
        method = "formula" if self.source == "catalogue" else "engine"
        found = replace(judged, method=method, total_bytes=judged.total_bytes + self.more_bytes)
        return Judgement(found, 0, 0.1, self.source, self.note)

    def _fit(self, shape: Shape, wish: Wish, sizes: Mapping[str, int]) -> Fit:
        return fit(shape, self.hardware, RATES, context=wish.context, kv_type=wish.kv_type, goal=wish.goal, sizes=sizes)


def words(widget: QWidget) -> str:
    """All that can be read in a widget now."""
    return "\n".join(label.text() for label in widget.findChildren(QLabel) if label.isVisibleTo(widget))
