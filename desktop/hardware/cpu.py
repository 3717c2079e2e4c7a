"""The processor: its name, the cores this program may use, and the instruction sets that make models fast."""

import ctypes
import math
import os
import platform
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import psutil

from desktop.hardware import cores
from desktop.hardware.facts import Cpu

# as Linux names them in /proc/cpuinfo (x86 "flags", ARM "Features"): as we do
LINUX_FEATURES = {
    "sse4_2": "SSE4.2", "avx": "AVX", "f16c": "F16C", "fma": "FMA", "avx2": "AVX2", "avx_vnni": "AVX_VNNI", "avx512f": "AVX512",
    "avx512_vnni": "AVX512_VNNI", "avx512_bf16": "AVX512_BF16", "amx_int8": "AMX", "asimd": "NEON", "neon": "NEON",
    "asimddp": "DOTPROD", "i8mm": "I8MM", "sve": "SVE", "sve2": "SVE2",
}  # fmt: skip
# as macOS names them in sysctl: machdep.cpu.features and leaf7_features (Intel), hw.optional.* (Apple)
MAC_FEATURES = {
    "SSE4.2": "SSE4.2", "AVX1.0": "AVX", "F16C": "F16C", "FMA": "FMA", "AVX2": "AVX2", "AVX512F": "AVX512",
    "hw.optional.neon": "NEON", "hw.optional.arm.AdvSIMD": "NEON", "hw.optional.arm.FEAT_DotProd": "DOTPROD",
    "hw.optional.arm.FEAT_I8MM": "I8MM", "hw.optional.arm.FEAT_SME": "SME",
}  # fmt: skip
# numbers of IsProcessorFeaturePresent (winnt.h)
WINDOWS_FEATURES = {38: "SSE4.2", 39: "AVX", 40: "AVX2", 41: "AVX512", 19: "NEON", 43: "DOTPROD"}
# ARM boards give no name, only numbers (arch/arm64/include/asm/cputype.h)
ARM_PARTS = {
    (0x41, 0xD03): "Cortex-A53", (0x41, 0xD08): "Cortex-A72", (0x41, 0xD0B): "Cortex-A76", (0x41, 0xD0C): "Neoverse N1",
    (0x41, 0xD40): "Neoverse V1", (0x41, 0xD49): "Neoverse N2", (0x41, 0xD4F): "Neoverse V2", (0x51, 0x001): "Snapdragon X",
}  # fmt: skip


def read() -> Cpu:
    """This computer's processor."""
    if sys.platform == "win32":
        return _windows()
    if sys.platform == "darwin":
        return from_sysctl(sysctl("machdep.cpu", "hw"))
    text = Path("/proc/cpuinfo").read_text(errors="replace") if Path("/proc/cpuinfo").is_file() else ""
    quota, allowed = cpu_quota(Path("/sys/fs/cgroup/cpu.max")), os.sched_getaffinity(0)
    return from_cpuinfo(text, allowed, quota, cores.fast_on_linux(allowed))


def from_cpuinfo(text: str, allowed: set[int], quota: int | None = None, fast: frozenset[int] = cores.ALIKE) -> Cpu:
    """The processor that /proc/cpuinfo describes, with the cores in `allowed` (the affinity), of which `quota` may be busy.

    `fast` are the numbers of the fast ones where there are two kinds.
    """
    blocks = [dict(_pairs(block)) for block in re.split(r"\n\s*\n", text) if block.strip()]
    usable = [block for block in blocks if block.get("processor", "").isdigit() and int(block["processor"]) in allowed]
    first = usable[0] if usable else {}
    words = (first.get("flags") or first.get("Features") or "").split()
    places = {core["processor"]: (core.get("physical id"), core["core id"]) for core in usable if "core id" in core}
    logical = len(allowed) or 1
    physical = len(set(places.values())) or min(psutil.cpu_count(logical=False) or logical, logical)
    if quota is not None:
        logical, physical = min(logical, quota), min(physical, quota)
    quick = len({places.get(str(number), number) for number in fast})
    features = _unique(LINUX_FEATURES[word] for word in words if word in LINUX_FEATURES)
    return Cpu(_name(first, blocks), physical, logical, features, min(quick, physical))


def from_sysctl(text: str) -> Cpu:
    """The processor that macOS' `sysctl machdep.cpu hw` describes."""
    values = dict(_pairs(text))
    words = f"{values.get('machdep.cpu.features', '')} {values.get('machdep.cpu.leaf7_features', '')}".split()
    words += [key for key, value in values.items() if key.startswith("hw.optional.") and value == "1"]
    physical = _whole(values.get("hw.physicalcpu"))
    logical = _whole(values.get("hw.logicalcpu"))
    fast = _whole(values.get("hw.perflevel0.physicalcpu")) if "hw.perflevel1.physicalcpu" in values else 0
    name = values.get("machdep.cpu.brand_string", platform.processor())
    return Cpu(name, physical, logical, _unique(MAC_FEATURES[word] for word in words if word in MAC_FEATURES), fast)


def from_windows(name: str, present: Callable[[int], bool], physical: int, logical: int, fast: int = 0) -> Cpu:
    """The processor of a Windows computer; `present` is its IsProcessorFeaturePresent, `fast` are its fast cores."""
    features = tuple(word for number, word in WINDOWS_FEATURES.items() if present(number))
    return Cpu(" ".join(name.split()), physical, logical, features, min(fast, physical))


def cpu_quota(path: Path) -> int | None:
    """How many cores a control group lets be busy at once ("200000 100000" is two), rounded up; None without a limit."""
    try:
        allowed, period = path.read_text().split()
        return max(1, math.ceil(int(allowed) / int(period)))
    except (OSError, ValueError, ZeroDivisionError):
        return None


def sysctl(*names: str) -> str:
    """What macOS' sysctl says, a line "name: value" each; empty when it cannot be asked."""
    try:
        return subprocess.run(["/usr/sbin/sysctl", *names], capture_output=True, text=True, timeout=2).stdout
    except (OSError, subprocess.SubprocessError):
        return ""


def _windows() -> Cpu:
    if sys.platform != "win32":
        raise OSError("only Windows has a registry")
    import winreg

    key = r"HARDWARE\DESCRIPTION\System\CentralProcessor\0"
    try:
        with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, key) as opened:
            name = str(winreg.QueryValueEx(opened, "ProcessorNameString")[0])
    except OSError:
        name = platform.processor()
    logical = len(psutil.Process().cpu_affinity()) or 1
    physical = min(psutil.cpu_count(logical=False) or logical, logical)
    present = ctypes.WinDLL("kernel32").IsProcessorFeaturePresent
    return from_windows(name, lambda number: bool(present(number)), physical, logical, cores.fast_on_windows())


def busy_s() -> float:
    """Seconds that all cores together have worked since the computer started."""
    times = psutil.cpu_times()
    return float(sum(times) - times.idle - getattr(times, "iowait", 0.0) - getattr(times, "guest", 0.0))


def running() -> int | None:
    """How many threads of all programs run or wait for a core now, the caller's included; None: only Linux tells."""
    with suppress(OSError, ValueError, IndexError):
        return int(Path("/proc/stat").read_text().partition("\nprocs_running ")[2].split()[0])
    return None


def _pairs(block: str) -> list[tuple[str, str]]:
    split = (line.partition(":") for line in block.splitlines())
    return [(key.strip(), value.strip()) for key, colon, value in split if colon]


def _name(core: dict[str, str], blocks: list[dict[str, str]]) -> str:
    """The name of the processor; for ARM from its numbers, or the board's."""
    if "model name" in core:
        return " ".join(core["model name"].split())
    implementer, part = core.get("CPU implementer", ""), core.get("CPU part", "")
    if implementer and part:
        known = ARM_PARTS.get((_whole(implementer), _whole(part)))
        if known:
            return known
    board = next((block["Model"] for block in blocks if "Model" in block), "")
    return board or platform.machine() or "unknown"


def _whole(value: str | None) -> int:
    """A decimal or 0x number; 1 when there is none."""
    try:
        return int(value or "1", 0)
    except ValueError:
        return 1


def _unique(words: Iterator[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(words))
