"""Questions about other computers: this one, with what is assumed of it instead."""

import re
from dataclasses import replace
from typing import Annotated

import typer

from desktop import graphics, speed
from desktop.hardware import Hardware, Memory
from desktop.hardware.apple import limit_bytes
from desktop.speed import Rates

UNITS = {"": 1, "b": 1, "mb": 10**6, "gb": 10**9, "mib": 2**20, "gib": 2**30}
MOST_BYTES = 1e15  # no computer has as much
SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]*)")


def _bytes(words: str) -> int:
    """ "16GB" or a number of bytes."""
    match = SIZE.fullmatch(words.strip().lower())
    amount = float(match[1]) * UNITS.get(match[2], MOST_BYTES) if match else MOST_BYTES
    if amount >= MOST_BYTES:
        raise typer.BadParameter(f"“{words}” is no amount of memory; 16GB is one, and so is 16000000000.")
    return round(amount)


def _some_bytes(words: str) -> int:
    """As `_bytes`, but not none."""
    if (amount := _bytes(words)) == 0:
        raise typer.BadParameter("a computer has some memory; 16GB is an amount of it.")
    return amount


Ram = Annotated[
    int | None, typer.Option("--assume-ram", parser=_some_bytes, metavar="BYTES", help="Judge for this much free memory: 16GB.")
]
Vram = Annotated[
    int | None,
    typer.Option("--assume-vram", parser=_bytes, metavar="BYTES", help="Judge for a graphics card with this much free."),
]
GpuName = Annotated[
    str | None, typer.Option("--assume-gpu", metavar="NAME", help="Judge for this graphics card: RTX 4060, or Apple M4 Pro.")
]
CpuName = Annotated[str | None, typer.Option("--assume-cpu", metavar="NAME", help="Judge for this processor: Core i5-8250U.")]
Cores = Annotated[int | None, typer.Option("--assume-cores", min=1, help="How many cores that processor has.")]


def assumed(
    found: Hardware, rates: Rates, *, ram: int | None, vram: int | None, gpu: str | None, cpu: str | None, cores: int | None
) -> tuple[Hardware, Rates]:
    """This computer with other parts, and its rates without those of the parts that were replaced."""
    if gpu is not None and graphics.bandwidth(gpu) is None:
        raise typer.BadParameter(f"the speed of “{gpu}” is not known; give --assume-vram alone for a card like the one here.")
    unified = bool(gpu and re.search(r"\bM\d", gpu))
    if ram is not None:
        found = replace(found, memory=Memory(ram, ram, found.memory.limited_by))
    if unified:
        gpu = gpu if gpu and gpu.startswith("Apple") else f"Apple {gpu}"
        cpu, vram = cpu or gpu, vram or limit_bytes(found.memory.total_bytes)
    elif gpu is not None and vram is None:
        raise typer.BadParameter(f"say with --assume-vram how much memory the {gpu} has.")
    if vram is not None:
        found = replace(found, gpus=speed.assume_gpu(found, vram, gpu))
    if gpu is not None:
        rates = replace(rates, gpu_bytes_per_s=None, gpu_learned=False, gpu_params_per_s=0.0)
    if cpu is not None or cores is not None:
        there = found.cpu.physical_cores if cores is None else cores
        found = replace(found, cpu=replace(found.cpu, name=cpu or found.cpu.name, physical_cores=there, logical_cores=2 * there))
        rates = Rates(gpu_bytes_per_s=rates.gpu_bytes_per_s, gpu_params_per_s=rates.gpu_params_per_s)
    return found, rates
