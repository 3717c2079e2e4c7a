"""Graphics devices as Linux lists them in sysfs, whether or not a driver for computing is there."""

import re
from pathlib import Path

from desktop.hardware.facts import Gpu

VENDORS = {"0x10de": "NVIDIA", "0x1002": "AMD", "0x8086": "Intel"}
NAMES = ("usr/share/hwdata/pci.ids", "usr/share/misc/pci.ids")  # where distributions keep the list of all devices
SMALL_BYTES = 2 << 30  # AMD graphics in a processor set less than this of the main memory aside


def read(root: Path = Path("/")) -> tuple[Gpu, ...]:
    """The devices of the known makers."""
    cards = sorted((root / "sys/class/drm").glob("card*"), key=lambda path: path.name)
    folders = [card / "device" for card in cards if re.fullmatch(r"card\d+", card.name)]
    found = [(folder, _line(folder / "vendor")) for folder in folders]
    return tuple(_card(root, folder, vendor) for folder, vendor in found if vendor in VENDORS)


def _card(root: Path, folder: Path, vendor: str) -> Gpu:
    total, used = _number(folder / "mem_info_vram_total"), _number(folder / "mem_info_vram_used")
    maker = VENDORS[vendor]
    device = _line(folder / "device")
    unified = maker == "Intel" and total is None or maker == "AMD" and total is not None and total < SMALL_BYTES
    return Gpu(
        name=_line(folder / "product_name") or _name(root, vendor, device) or f"{maker} graphics ({device.removeprefix('0x')})",
        vendor=maker,
        backend=None,
        memory_total_bytes=total,
        memory_free_bytes=total - used if total is not None and used is not None else None,
        used=False,
        why="",
        unified=unified,
        driver=_driver(folder),
    )


def _name(root: Path, vendor: str, device: str) -> str | None:
    """The device's name in pci.ids: "Navi 31 [Radeon RX 7900 XT]" becomes "AMD Radeon RX 7900 XT"."""
    path = next((root / name for name in NAMES if (root / name).is_file()), None)
    if path is None:
        return None
    text = path.read_text("utf-8", errors="replace")
    _, _, devices = text.partition(f"\n{vendor.removeprefix('0x')}  ")  # those of one maker are indented below it
    found = re.search(rf"\n(?:\t{device.removeprefix('0x')}  (.+)|[0-9a-f]{{4}}  )", devices)
    if not found or not found[1]:
        return None
    marketed = re.search(r"\[(.+)\]", found[1])
    name = marketed[1] if marketed else found[1]
    return name if VENDORS[vendor] in name else f"{VENDORS[vendor]} {name}"


def _driver(folder: Path) -> str | None:
    link = folder / "driver"
    return link.resolve().name if link.exists() else None


def _line(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""


def _number(path: Path) -> int | None:
    line = _line(path)
    return int(line) if line.isdigit() else None
