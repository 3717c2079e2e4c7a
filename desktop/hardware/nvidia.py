"""NVIDIA cards through NVML, which comes with their driver (only home of pynvml)."""

import importlib
from collections.abc import Callable
from typing import Any

from desktop.hardware.facts import Gpu

DOUBLE_DATA_RATE = 2  # transfers per cycle of the memory clock that NVML reports


def read(nvml: Any = None) -> tuple[Gpu, ...]:
    """The cards that NVML knows, none when there is no driver or it does not answer. `nvml` is pynvml or something like it."""
    try:
        nvml = nvml or importlib.import_module("pynvml")
    except (ImportError, OSError):
        return ()
    try:
        nvml.nvmlInit()
    except (nvml.NVMLError, OSError):
        return ()
    try:
        driver = _text(_ask(nvml, nvml.nvmlSystemGetDriverVersion))
        count = _ask(nvml, nvml.nvmlDeviceGetCount) or 0
        cards = (_ask(nvml, nvml.nvmlDeviceGetHandleByIndex, number) for number in range(count))
        return tuple(_card(nvml, card, driver) for card in cards if card is not None)
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
