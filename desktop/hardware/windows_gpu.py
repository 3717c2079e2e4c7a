"""Graphics devices as Windows keeps them in its registry."""

import re
import sys
from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from desktop.hardware.facts import Gpu

CLASS = r"SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}"  # display adapters
WANTED = ("DriverDesc", "ProviderName", "MatchingDeviceId", "DriverVersion", "HardwareInformation.qwMemorySize")
VENDORS = {"10de": "NVIDIA", "1002": "AMD", "8086": "Intel", "5143": "Qualcomm", "4d4f4351": "Qualcomm"}
INTEGRATED_BYTES = 2 << 30  # what a graphics part of a processor sets aside is less

Value = str | int | bytes


def read() -> tuple[Gpu, ...]:
    """The devices of the known makers; none on other systems."""
    return from_registry(_entries()) if sys.platform == "win32" else ()


def from_registry(entries: Iterable[Mapping[str, Value]]) -> tuple[Gpu, ...]:
    """The devices that the registry's entries of the class describe; a card may have left several."""
    found: dict[tuple[str, str], Gpu] = {}
    for entry in entries:
        device = str(entry.get("MatchingDeviceId", "")).lower()
        vendor = re.search(r"ven_([0-9a-f]{4}|[0-9a-z]{8})", device)
        if not vendor or vendor[1] not in VENDORS:
            continue
        total = _number(entry.get("HardwareInformation.qwMemorySize"))
        maker = VENDORS[vendor[1]]
        gpu = Gpu(
            name=str(entry.get("DriverDesc") or f"{maker} graphics"),
            vendor=maker,
            backend=None,
            memory_total_bytes=total,
            memory_free_bytes=None,
            used=False,
            why="",
            unified=maker in ("Intel", "Qualcomm", "AMD") and (total or 0) < INTEGRATED_BYTES,
            driver=str(entry["DriverVersion"]) if "DriverVersion" in entry else None,
        )
        found.setdefault((gpu.name, device), gpu)
    return tuple(found.values())


def _number(value: Value | None) -> int | None:
    """Kept as a number, or by old drivers as its bytes."""
    if isinstance(value, bytes):
        return int.from_bytes(value, "little") or None
    return value if isinstance(value, int) and value > 0 else None


def _entries() -> list[dict[str, Value]]:
    if sys.platform != "win32":
        raise OSError("only Windows has a registry")
    import winreg

    with winreg.OpenKey(winreg.HKEY_LOCAL_MACHINE, CLASS) as devices:
        names = [winreg.EnumKey(devices, number) for number in range(winreg.QueryInfoKey(devices)[0])]
        return [_values(devices, name) for name in names if name.isdigit()]


def _values(devices: Any, name: str) -> dict[str, Value]:
    """What an entry says; some need an administrator to be read, and are then empty."""
    if sys.platform != "win32":
        raise OSError("only Windows has a registry")
    import winreg

    values: dict[str, Value] = {}
    with suppress(OSError), winreg.OpenKey(devices, name) as entry:
        for wanted in WANTED:
            with suppress(OSError):
                values[wanted] = winreg.QueryValueEx(entry, wanted)[0]
    return values
