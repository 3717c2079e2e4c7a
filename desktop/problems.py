"""What is wrong on this computer, and the step that mends each thing."""

from collections.abc import Set

from desktop import text
from desktop.address import is_address
from desktop.hardware import Gpu, Hardware, nvidia
from desktop.hub import Hub
from desktop.library import Library
from desktop.paths import FROZEN, GUIDE

LITTLE_DISK_BYTES = 5_000_000_000  # the download of a usual model and its reserve
LITTLE_GPU_BYTES = 3_000_000_000  # a card with less would not help


def find(found: Hardware, library: Library, hub: Hub, addons: Set[str] = frozenset()) -> list[dict[str, str]]:
    """Every problem with keys "what" and "fix", each a sentence or two. `addons`: engine.local.addons()."""
    problems = [
        {"what": gpu.why, "fix": _way_to_use(gpu, addons)}
        for gpu in found.gpus
        if not gpu.used and not gpu.unified and (gpu.memory_total_bytes or 0) > LITTLE_GPU_BYTES
    ]
    folder, free_bytes = library.folder, library.free_bytes()
    if not folder.is_dir():
        fix = "Connect the disk it is on, or choose another folder in Settings."
        problems.append({"what": f"The folder for models, {folder}, is not there.", "fix": fix})
    if not is_address(hub.endpoint):
        what = f"“{hub.endpoint}” is not the address of a Hub, so no model can be fetched."
        problems.append({"what": what, "fix": "Correct HF_ENDPOINT or hub_endpoint in settings.json, or remove it."})
    if free_bytes < LITTLE_DISK_BYTES:
        what = f"Only {text.size(free_bytes)} are free in {folder}, which is too little for most models."
        problems.append({"what": what, "fix": "Remove something, or choose another folder in Settings."})
    if not found.engine.backends:
        fix = "Install Alcove again." if FROZEN else "Remove the .venv folder and run the start command again."
        problems.append({"what": "The engine cannot be started.", "fix": fix})
    if not GUIDE.is_file():
        problems.append({"what": "The built-in guide is missing.", "fix": "Get a complete copy of Alcove."})
    return problems


def _way_to_use(gpu: Gpu, addons: Set[str]) -> str:
    """How a card that stands idle would be used; installed programs get it from a package, others from a compiler."""
    meanwhile = "until then the processor does the work."
    if not FROZEN:
        return f"Build the engine for it (README, Graphics cards); {meanwhile}"
    made_for = "CUDA" if gpu.vendor == "NVIDIA" and not nvidia.is_too_old(gpu) else "Vulkan"
    newer = f"NVIDIA's driver {nvidia.OLDEST_DRIVER} or newer" if made_for == "CUDA" and nvidia.has_old_driver(gpu) else ""
    for here in (made_for, "Vulkan"):
        if here in addons:
            driver = newer if newer and here == "CUDA" else "its driver, or a newer one"
            return f"Install {driver}: the package alcove-{here.lower()} is here and cannot use it; {meanwhile}"
    return f"Install the package alcove-{made_for.lower()}{f' and {newer}' if newer else ''}; {meanwhile}"
