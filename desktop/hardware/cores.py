"""Which cores are the fast ones, on processors that have two kinds."""

import struct
import sys
from collections.abc import Iterable
from pathlib import Path

DEVICES = Path("/sys/devices")
AS_FAST = 0.85  # of the best core's speed: cores of one kind differ a little in how far they can be driven
ALIKE: frozenset[int] = frozenset()


def fast_on_linux(allowed: Iterable[int], devices: Path = DEVICES) -> frozenset[int]:
    """The numbers of the fast cores in `allowed`; none where all are alike, or nothing is known."""
    allowed = frozenset(allowed)
    fast = _listed(devices / "cpu_core" / "cpus")  # Intel's of two kinds say it in words
    if not fast:
        speeds = {number: _speed(devices / "system" / "cpu" / f"cpu{number}") for number in allowed}
        best = max(speeds.values(), default=0)
        fast = frozenset(number for number, speed in speeds.items() if speed >= AS_FAST * best)
    return fast & allowed if fast & allowed != allowed else ALIKE


def _listed(path: Path) -> frozenset[int]:
    """The numbers in a list such as "0-3,8"."""
    try:
        ends = [part.split("-") for part in path.read_text().strip().split(",") if part]
        return frozenset(number for each in ends for number in range(int(each[0]), int(each[-1]) + 1))
    except (OSError, ValueError):
        return ALIKE


def _speed(cpu: Path) -> int:
    """How fast a core is beside the others: ARM boards know, elsewhere its highest frequency tells."""
    for name in ("cpu_capacity", "cpufreq/cpuinfo_max_freq"):
        try:
            return int((cpu / name).read_text())
        except (OSError, ValueError):
            continue
    return 0


def fast_on_windows() -> int:
    """How many fast cores there are; 0 where all are alike."""
    if sys.platform != "win32":
        raise OSError("only Windows has CPU sets")
    import ctypes

    ask, needed = ctypes.WinDLL("kernel32").GetSystemCpuSetInformation, ctypes.c_ulong()
    ask(None, 0, ctypes.byref(needed), None, 0)
    room = ctypes.create_string_buffer(needed.value)
    return fast_in_sets(room.raw) if ask(room, needed, ctypes.byref(needed), None, 0) else 0


def fast_in_sets(sets: bytes) -> int:
    """How many cores have the highest efficiency class in an array of SYSTEM_CPU_SET_INFORMATION (winnt.h); 0: all are alike."""
    cores, at = {}, 0
    while at + 20 <= len(sets) and (size := struct.unpack_from("<I", sets, at)[0]):
        group, core, kind = struct.unpack_from("<HxBxxB", sets, at + 12)
        cores[group, core] = kind
        at += size
    fast = list(cores.values()).count(max(cores.values(), default=0))
    return fast if fast < len(cores) else 0
