"""What this computer has that a model can use, and why each device is or is not used."""

import math
import sys
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import psutil

from desktop.hardware import apple, cpu, linux_gpu, memory, nvidia, windows_gpu
from desktop.hardware.devices import judge
from desktop.hardware.facts import Cpu, EngineDevice, EngineReport, Gpu, Hardware, Memory

__all__ = ["Cpu", "EngineDevice", "EngineReport", "Gpu", "Hardware", "Memory", "detect", "sentence"]

T = TypeVar("T")


def detect(engine: EngineReport) -> Hardware:
    """This computer as it is now. Never raises: what a system does not tell, or a broken driver, is left out."""
    found = _or(memory.read, Memory(0, 0))
    return Hardware(
        memory=found,
        cpu=_or(cpu.read, Cpu("unknown", 1, 1)),
        gpus=judge(_gpus(found.available_bytes), engine),
        engine=engine,
        laptop=_or(_has_battery, False),
    )


def sentence(hardware: Hardware) -> str:
    """The computer in one sentence: "A laptop with 16 GB of memory and no graphics card for AI."."""
    kind = "laptop" if hardware.laptop else "computer"
    gigabytes = _installed_gigabytes(hardware.memory)
    used = [gpu for gpu in hardware.gpus if gpu.used]
    if not used:
        cards = [gpu for gpu in hardware.gpus if not gpu.unified]
        rest = f"a graphics card ({cards[0].name}) that is not used for AI" if cards else "no graphics card for AI"
        return f"A {kind} with {gigabytes} GB of memory and {rest}."
    if used[0].unified:
        return f"A {kind} with {gigabytes} GB of memory, shared with {used[0].name}."
    size = used[0].memory_total_bytes
    card = f"{used[0].name} ({math.ceil(size / 2**30)} GB)" if size else used[0].name
    several = f"{len(used)} graphics cards, {card} first" if len(used) > 1 else card
    return f"A {kind} with {gigabytes} GB of memory and {several} for AI."


def _gpus(available_bytes: int) -> list[Gpu]:
    """Every graphics device; what NVML tells of a card goes before what the system's list tells."""
    nothing: tuple[Gpu, ...] = ()
    if sys.platform == "darwin":
        told = cpu.sysctl("machdep.cpu", "hw", "iogpu")
        return list(_or(lambda: apple.from_sysctl(told, available_bytes), nothing))
    listed = windows_gpu.read if sys.platform == "win32" else linux_gpu.read
    return merged(_or(lambda: nvidia.read(), nothing), _or(lambda: listed(), nothing))


def merged(cards: Sequence[Gpu], listed: Iterable[Gpu]) -> list[Gpu]:
    """The cards of NVML and the rest of the system's list; NVIDIA cards come from the list only where NVML is silent."""
    return [*cards, *(gpu for gpu in listed if not (cards and gpu.vendor == "NVIDIA"))]


def _has_battery() -> bool:
    return psutil.sensors_battery() is not None


def _installed_gigabytes(found: Memory) -> int:
    """The memory on the label: systems keep a little for themselves, and modules come in even numbers of gigabytes."""
    gigabytes = found.total_bytes / 2**30
    if found.limited_by == "cgroup" or gigabytes < 3:
        return max(1, round(gigabytes))
    step = 2 if gigabytes <= 32 else 8
    return math.ceil(gigabytes / step) * step


def _or(question: Callable[[], T], otherwise: T) -> T:
    """The answer of the system; `otherwise` when it cannot give one in the form that is known."""
    try:
        return question()
    except (OSError, ValueError, LookupError, AttributeError, NotImplementedError, psutil.Error):
        return otherwise
