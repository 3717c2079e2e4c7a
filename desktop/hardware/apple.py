"""The graphics part of Apple's own processors, which shares the main memory."""

import re

from desktop import graphics
from desktop.hardware.facts import Gpu

# Metal lets a program use two thirds of the memory, on computers with more than 36 GB three quarters, unless the owner has
# set iogpu.wired_limit_mb (seen as recommendedMaxWorkingSetSize)
SMALL_BYTES = 36 << 30


def from_sysctl(text: str, available_bytes: int) -> tuple[Gpu, ...]:
    """The graphics part of the computer that `sysctl machdep.cpu hw iogpu` describes; none on Intel Macs."""
    values = dict(re.findall(r"^([\w.]+):[ \t]*(.*)$", text, re.MULTILINE))
    chip = values.get("machdep.cpu.brand_string", "")
    total = values.get("hw.memsize", "")
    if values.get("hw.optional.arm64") != "1" or not total.isdigit():
        return ()
    limit_mb = values.get("iogpu.wired_limit_mb", "0")
    limit = int(limit_mb) << 20 if limit_mb.isdigit() else 0
    limit = limit or limit_bytes(int(total))
    return (
        Gpu(
            name=f"{chip or 'Apple'} graphics",
            vendor="Apple",
            backend=None,
            memory_total_bytes=limit,
            memory_free_bytes=min(limit, available_bytes),
            used=False,
            why="",
            unified=True,
            bandwidth_bytes_per_s=graphics.bandwidth(chip),
        ),
    )


def limit_bytes(total_bytes: int) -> int:
    """How much of the memory a program may use for graphics, unless the owner has changed it."""
    return total_bytes * 2 // 3 if total_bytes <= SMALL_BYTES else total_bytes * 3 // 4
