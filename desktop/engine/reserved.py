"""What llama.cpp's log says that it has reserved, per device, in hundredths of a MiB: the portable way to know an open model."""

import re
from collections.abc import Iterable

from desktop.shape import DeviceMemory

LINE = re.compile(r"(\S+) +(model|KV|RS|DSV4 \S+ state|compute|output) buffer size = +([\d.]+) MiB")
HALF_STEP_BYTES = 0.005 * 2**20  # a figure of the log is off by at most so much


def from_log(lines: Iterable[str]) -> tuple[DeviceMemory, ...]:
    """The memory of each device that holds any, the processor's first. What was reserved anew counts as the last time."""
    sizes: dict[tuple[str, str], list[float]] = {}
    for buffer, kind, mebibytes in LINE.findall("".join(lines)):
        found = sizes.setdefault((buffer, kind), [])
        if kind == "compute":
            found.clear()
        found.append(float(mebibytes) * 2**20)
    totals: dict[str, dict[str, float]] = {"CPU": {}}
    for (buffer, kind), found in sizes.items():
        kinds = totals.setdefault(device(buffer), {})
        kinds[kind] = kinds.get(kind, 0.0) + sum(found)
    return tuple(_device_memory(name, kinds) for name, kinds in totals.items())


def device(buffer: str) -> str:
    """The device whose memory a buffer takes, by the buffer's name: "CUDA0", but "CPU" for "CUDA_Host" and "CPU_REPACK"."""
    if buffer.startswith("CPU") or buffer.endswith("_Host"):
        return "CPU"
    return re.sub(r"_(Mapped|Private|Split)$", "", buffer)


def computed(lines: Iterable[str]) -> tuple[float, float]:
    """The workspace of all devices together, and by how much the log may be off, in bytes."""
    found = {buffer: float(size) * 2**20 for buffer, kind, size in LINE.findall("".join(lines)) if kind == "compute"}
    return sum(found.values()), HALF_STEP_BYTES * len(found) + 1


def _device_memory(name: str, kinds: dict[str, float]) -> DeviceMemory:
    state = sum(size for kind, size in kinds.items() if kind == "RS" or "state" in kind)
    model, keys, compute, output = (round(kinds.get(kind, 0)) for kind in ("model", "KV", "compute", "output"))
    return DeviceMemory(name, model, keys, round(state), compute, output)
