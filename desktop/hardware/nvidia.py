"""NVIDIA cards through NVML, which comes with their driver (only home of pynvml)."""

import importlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from desktop.hardware.facts import Gpu

DOUBLE_DATA_RATE = 2  # transfers per cycle of the memory clock that NVML reports
# What CUDA 13 asks for, with which the add-on of installed programs is compiled (NVIDIA's release notes of CUDA 13.0).
OLDEST_CARD = (7, 5)  # its compute capability: Turing, of 2018
OLDEST_DRIVER = 580


def read(nvml: Any = None) -> tuple[Gpu, ...]:
    """The cards that NVML knows, none when there is no driver or it does not answer. `nvml` is pynvml or something like it."""
    with _cards(nvml) as (nvml, cards):
        driver = _text(_ask(nvml, nvml.nvmlSystemGetDriverVersion)) if cards else None
        return tuple(_card(nvml, card, driver) for card in cards)


def visible(nvml: Any = None) -> str | None:
    """What CUDA_VISIBLE_DEVICES has to be for CUDA 13 to pass over the cards that it has no code for; None where it has for all.

    It would find them, and end the process with the first thing they are to compute.
    """
    with _cards(nvml) as (nvml, cards):
        numbers = [_ask(nvml, nvml.nvmlDeviceGetCudaComputeCapability, card) for card in cards]
        fit = [card for card, number in zip(cards, numbers, strict=True) if (number or OLDEST_CARD) >= OLDEST_CARD]
        return None if len(fit) == len(cards) else ",".join(_text(_ask(nvml, nvml.nvmlDeviceGetUUID, card)) or "" for card in fit)


def is_too_old(gpu: Gpu) -> bool:
    """Whether CUDA 13 has no code for this card, whatever its driver."""
    return gpu.vendor == "NVIDIA" and gpu.compute_capability is not None and _pair(gpu.compute_capability) < OLDEST_CARD


def has_old_driver(gpu: Gpu) -> bool:
    """Whether a newer driver is needed before CUDA 13 computes on this card, as far as the driver's own version is known."""
    known = gpu.driver if gpu.vendor == "NVIDIA" and gpu.compute_capability is not None else None
    return known is not None and _pair(known) < (OLDEST_DRIVER, 0)


def _pair(numbers: str) -> tuple[int, int]:
    """ "8.9" is (8, 9), "580.159.04" is (580, 159)."""
    first, second, *_ = [*(int(number) for number in numbers.split(".") if number.isdigit()), 0, 0]
    return first, second


@contextmanager
def _cards(nvml: Any) -> Iterator[tuple[Any, list[Any]]]:
    """NVML and its cards, while it is open; no cards when there is no driver or it does not answer."""
    try:
        nvml = nvml or importlib.import_module("pynvml")
    except (ImportError, OSError):
        yield None, []
        return
    try:
        nvml.nvmlInit()
    except (nvml.NVMLError, OSError):
        yield nvml, []
        return
    try:
        count = _ask(nvml, nvml.nvmlDeviceGetCount) or 0
        cards = [_ask(nvml, nvml.nvmlDeviceGetHandleByIndex, number) for number in range(count)]
        yield nvml, [card for card in cards if card is not None]
    finally:
        _ask(nvml, nvml.nvmlShutdown)


def _card(nvml: Any, card: Any, driver: str | None) -> Gpu:
    memory = _ask(nvml, nvml.nvmlDeviceGetMemoryInfo, card)  # not told where card and processor share their memory
    capability = _ask(nvml, nvml.nvmlDeviceGetCudaComputeCapability, card)
    return Gpu(
        name=_text(_ask(nvml, nvml.nvmlDeviceGetName, card)) or "NVIDIA graphics",
        vendor="NVIDIA",
        backend=None,
        memory_total_bytes=int(memory.total) if memory else None,
        memory_free_bytes=int(memory.free) if memory else None,
        used=False,
        why="",
        unified=memory is None,
        driver=driver,
        compute_capability=f"{capability[0]}.{capability[1]}" if capability else None,
        bandwidth_bytes_per_s=_bandwidth(nvml, card),
    )


def _bandwidth(nvml: Any, card: Any) -> float | None:
    """Bytes per second of the card's memory: RTX 4090 has 384 bits at 10501 MHz, so 1008 GB/s."""
    width_bits = _ask(nvml, nvml.nvmlDeviceGetMemoryBusWidth, card)
    clock_mhz = _ask(nvml, nvml.nvmlDeviceGetMaxClockInfo, card, nvml.NVML_CLOCK_MEM)
    if not width_bits or not clock_mhz:
        return None
    return float(width_bits / 8 * clock_mhz * 1e6 * DOUBLE_DATA_RATE)


def _ask(nvml: Any, question: Callable[..., Any], *about: Any) -> Any:
    """The answer, or None when the driver has none."""
    try:
        return question(*about)
    except nvml.NVMLError:
        return None


def _text(answer: str | bytes | None) -> str | None:
    return answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
