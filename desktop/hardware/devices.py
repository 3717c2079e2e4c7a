"""Which graphics devices the engine of this build uses, and why: its own list of devices decides."""

import re
from collections.abc import Sequence
from dataclasses import replace

from desktop.hardware import nvidia
from desktop.hardware.facts import EngineDevice, EngineReport, Gpu

# the engine's short names in people's spelling
BACKENDS = {"CUDA": "CUDA", "HIP": "ROCm", "ROCM": "ROCm", "MTL": "Metal", "METAL": "Metal", "VULKAN": "Vulkan", "SYCL": "SYCL"}
SUITED = {
    "NVIDIA": ("CUDA", "Vulkan"), "AMD": ("ROCm", "Vulkan"), "Intel": ("SYCL", "Vulkan"), "Apple": ("Metal",),
    "Qualcomm": ("Vulkan",),
}  # fmt: skip
NO_DRIVER = {"nouveau": "the free nouveau driver, which cannot compute with it"}


def judge(found: Sequence[Gpu], engine: EngineReport) -> tuple[Gpu, ...]:
    """Every device with `used`, `backend` and `why` set; devices that only the engine knows are added."""
    devices = [device for device in engine.devices if device.kind in ("gpu", "igpu")]
    left = list(devices)
    judged = []
    for gpu in found:
        device = next((device for device in left if _same(gpu, device)), None)
        if device:
            left.remove(device)
        judged.append(_judge(gpu, device, engine, devices))
    judged += [_judge(_from_engine(device), device, engine, devices) for device in left]
    return tuple(sorted(judged, key=lambda gpu: not gpu.used))


def _judge(gpu: Gpu, device: EngineDevice | None, engine: EngineReport, devices: Sequence[EngineDevice]) -> Gpu:
    if device is None or not engine.gpu_offload:
        return replace(gpu, used=False, why=_why_not(gpu, engine))
    backend = _backend(device.name)
    if device.kind == "igpu" and any(other.kind == "gpu" for other in devices):
        why = f"Found {_article(gpu.name)}, but the engine prefers the separate graphics card."
        return replace(gpu, backend=backend, why=why)
    memory_total_bytes = gpu.memory_total_bytes or device.memory_total_bytes or None
    if device.kind == "igpu":  # the system only tells what was set aside for it; the engine, what it may take of the main memory
        memory_total_bytes = max(memory_total_bytes or 0, device.memory_total_bytes) or None
    memory_free_bytes = gpu.memory_free_bytes if gpu.memory_free_bytes is not None else device.memory_free_bytes
    return replace(
        gpu,
        backend=backend,
        device=device.name,
        used=True,
        memory_total_bytes=memory_total_bytes,
        memory_free_bytes=memory_free_bytes,
        unified=gpu.unified or device.kind == "igpu",
        why=f"The engine uses it through {backend}.",
    )


def _why_not(gpu: Gpu, engine: EngineReport) -> str:
    name, suited = _article(gpu.name), SUITED.get(gpu.vendor, ("Vulkan",))
    there = {_backend(backend) for backend in engine.backends}
    if gpu.driver in NO_DRIVER:
        return f"Found {name}, but with {NO_DRIVER[gpu.driver]}: install the driver of {gpu.vendor} to use it."
    missing = [backend for backend in suited if backend not in there]
    if len(missing) == len(suited):
        wanted = " or ".join(suited)
        why = f"Found {name}, but this build of the engine has no {suited[0]}"
        return f"{why}: models run on the processor. A build with {wanted} can use it."
    if nvidia.is_too_old(gpu) and "Vulkan" in missing:
        why = f"Found {name}, which is older than what this build of the engine computes on with CUDA"
        return f"{why}: models run on the processor. A build with Vulkan can use it."
    return f"Found {name}, but the engine does not list it: its driver may be missing, too old or broken."


def _backend(name: str) -> str:
    """ "CUDA0" is "CUDA", "MTL0" is "Metal"."""
    word = re.sub(r"\d+$", "", name)
    return BACKENDS.get(word.upper(), word)


def _same(gpu: Gpu, device: EngineDevice) -> bool:
    """Whether a device of the engine is this one: the same name, but for the maker's; else a backend of its maker alone."""
    mine, its = _plain(gpu.name), _plain(device.description)
    if mine and its and (mine in its or its in mine):
        return True
    exclusive = {"CUDA": "NVIDIA", "ROCm": "AMD", "SYCL": "Intel", "Metal": "Apple"}
    return exclusive.get(_backend(device.name)) == gpu.vendor


def _plain(name: str) -> str:
    name = re.sub(r"\([^)]*\)|\b(nvidia|geforce|amd|intel|corporation|inc|graphics|laptop|gpu)\b", " ", name.lower())
    return re.sub(r"[^a-z0-9]", "", name)


def _from_engine(device: EngineDevice) -> Gpu:
    vendor = next((maker for maker in SUITED if maker.lower() in device.description.lower()), "unknown")
    total, free = device.memory_total_bytes or None, device.memory_free_bytes
    return Gpu(device.description or device.name, vendor, None, total, free, False, "", unified=device.kind == "igpu")


def _article(name: str) -> str:
    """ "an NVIDIA RTX 4060", "a Radeon": capitals that are spelled out sound as their first letter does."""
    spelled = name.split()[0].isupper() if name.split() else False
    return f"{'an' if name[:1] in ('AEFHILMNORSX' if spelled else 'AEIOaeio') else 'a'} {name}"
