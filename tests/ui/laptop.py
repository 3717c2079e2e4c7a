"""A laptop for the pages: 16 GB of memory of which 11.2 are free, no graphics card; the real catalogue and licences."""

from functools import cache
from pathlib import Path

from desktop import catalogue, licences, offers
from desktop.catalogue import Catalogue
from desktop.hardware import Cpu, EngineReport, Gpu, Hardware, Memory
from desktop.library import Library
from desktop.licences import Licences
from desktop.offers import Offer
from desktop.speed import Rates

WHY = "it shares the memory of the processor and would not be faster"
LAPTOP = Hardware(
    memory=Memory(16_600_000_000, 11_200_000_000),
    cpu=Cpu("AMD Ryzen 7 7730U", 8, 16, ("AVX2", "FMA")),
    gpus=(Gpu("AMD Radeon Graphics", "AMD", None, None, None, False, WHY),),
    engine=EngineReport("llama.cpp", "0.3.36", ("CPU",), False),
)
RATES = Rates(30e9)


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
