"""hardware: graphics devices from NVML, sysfs, sysctl and the registry, and the sentence that says which are used."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from desktop.hardware import EngineDevice, EngineReport, Gpu, apple, linux_gpu, merged, nvidia, windows_gpu
from desktop.hardware.devices import judge

DATA = Path(__file__).parent / "data"
GB = 10**9


class NvmlError(Exception):
    """What pynvml raises."""


class Nvml:
    """Answers as the driver of a computer with one RTX 4060 does; what is in `missing` it refuses."""

    NVMLError = NvmlError
    NVML_CLOCK_MEM = 2

    def __init__(self, *missing: str, cards: int = 1, generations: tuple[tuple[int, int], ...] = ((8, 9),)) -> None:
        self._missing = missing
        self._cards = cards
        self._generations = list(generations)
        self.open = 0

    def __getattr__(self, name: str) -> Any:
        answers = {
            "nvmlSystemGetDriverVersion": b"551.76", "nvmlDeviceGetCount": self._cards, "nvmlDeviceGetHandleByIndex": "card",
            "nvmlDeviceGetName": "NVIDIA GeForce RTX 4060", "nvmlDeviceGetUUID": "GPU-1",
            "nvmlDeviceGetMemoryInfo": SimpleNamespace(total=8585740288, free=7514095616, used=1071644672),
            "nvmlDeviceGetMemoryBusWidth": 128, "nvmlDeviceGetMaxClockInfo": 8501, "nvmlInit": None, "nvmlShutdown": None,
        }  # fmt: skip

        def answer(*_: object) -> object:
            if name in self._missing:
                raise NvmlError(name)
            if name == "nvmlDeviceGetCudaComputeCapability":
                return self._generations.pop(0)
            self.open += {"nvmlInit": 1, "nvmlShutdown": -1}.get(name, 0)
            return answers[name]

        return answer


def engine(*devices: EngineDevice, backends: tuple[str, ...] = ("CPU",)) -> EngineReport:
    return EngineReport("llama.cpp", "b7000", backends, bool(devices), devices)


def test_a_card_as_nvml_tells_it() -> None:
    nvml = Nvml()
    (card,) = nvidia.read(nvml)
    assert (card.name, card.driver, card.compute_capability) == ("NVIDIA GeForce RTX 4060", "551.76", "8.9")
    assert (card.memory_total_bytes, card.memory_free_bytes) == (8585740288, 7514095616)
    assert card.bandwidth_bytes_per_s == pytest.approx(272e9, rel=0.01)  # as its maker publishes it
    assert nvml.open == 0


def test_no_driver_and_a_broken_one_are_no_error() -> None:
    assert nvidia.read(Nvml("nvmlInit")) == ()
    assert nvidia.read(Nvml("nvmlDeviceGetCount")) == ()
    assert nvidia.read(Nvml("nvmlDeviceGetHandleByIndex")) == ()


def test_a_driver_that_keeps_some_facts_to_itself() -> None:
    (card,) = nvidia.read(Nvml("nvmlDeviceGetMemoryInfo", "nvmlDeviceGetMemoryBusWidth", "nvmlSystemGetDriverVersion"))
    assert (card.memory_total_bytes, card.bandwidth_bytes_per_s, card.driver) == (None, None, None)
    assert card.unified  # a DGX Spark or Jetson says nothing of memory because it is the processor's


def test_this_computers_own_nvml_never_raises() -> None:
    assert isinstance(nvidia.read(), tuple)
    assert isinstance(nvidia.visible(), str | None)


@pytest.mark.parametrize(
    ("generations", "shown"),
    [(((8, 9),), None), (((7, 5), (12, 0)), None), (((6, 1), (8, 6)), "GPU-1"), (((6, 1),), "")],
)
def test_cards_that_the_add_on_has_no_code_for_are_passed_over(
    generations: tuple[tuple[int, int], ...], shown: str | None
) -> None:
    assert nvidia.visible(Nvml(cards=len(generations), generations=generations)) == shown
    assert nvidia.visible(Nvml("nvmlInit")) is None


def test_what_the_add_on_asks_for_is_that_of_the_cuda_that_is_pinned() -> None:
    pinned = (Path(__file__).parent.parent.parent / "installers" / "app" / "cuda.lock").read_text(encoding="utf-8")
    assert "nvidia-cuda-nvcc==13.0." in pinned
    assert (nvidia.OLDEST_CARD, nvidia.OLDEST_DRIVER) == ((7, 5), 580)


def test_a_card_that_is_older_than_cuda_13_is_told_what_would_use_it() -> None:
    old = Gpu("NVIDIA GeForce GTX 1060", "NVIDIA", None, 6 * GB, 6 * GB, used=False, why="", compute_capability="6.1")
    (card,) = judge([old], engine(backends=("CPU", "CUDA")))
    assert "older than" in card.why
    assert "A build with Vulkan can use it." in card.why


def sysfs(root: Path, cards: dict[str, dict[str, str]]) -> Path:
    for card, files in cards.items():
        folder = root / "sys/class/drm" / card / "device"
        folder.mkdir(parents=True)
        for name, content in files.items():
            (folder / name).write_text(content + "\n")
    (root / "usr/share/misc").mkdir(parents=True)
    (root / "usr/share/misc/pci.ids").write_text((DATA / "pci-ids.txt").read_text())
    return root


def test_linux_lists_every_card_with_its_memory(tmp_path: Path) -> None:
    big = {"vendor": "0x1002", "device": "0x744c", "mem_info_vram_total": "21458059264", "mem_info_vram_used": "1458059264"}
    small = {"vendor": "0x1002", "device": "0x1638", "mem_info_vram_total": "536870912", "mem_info_vram_used": "100000000"}
    arc = {"vendor": "0x8086", "device": "0x7d55"}
    board = {"vendor": "0x1a03", "device": "0x2000"}  # a server's, for a screen only
    found = linux_gpu.read(sysfs(tmp_path, {"card0": board, "card1": big, "card1-DP-1": {}, "card2": small, "card3": arc}))
    assert [gpu.name for gpu in found] == [
        "AMD Radeon RX 7900 XT/7900 XTX/7900 GRE/7900M",
        "AMD Radeon Vega Series / Radeon Vega Mobile Series",
        "Intel Arc Graphics",
    ]
    assert (found[0].memory_total_bytes, found[0].memory_free_bytes) == (21458059264, 20 * GB)
    assert [gpu.unified for gpu in found] == [False, True, True]


def test_a_card_that_no_list_names_and_a_system_without_cards(tmp_path: Path) -> None:
    assert linux_gpu.read(tmp_path / "nothing") == ()
    (card,) = linux_gpu.read(sysfs(tmp_path, {"card0": {"vendor": "0x1002", "device": "0x744d"}}))
    assert card.name == "AMD graphics (744d)"


def test_apples_graphics_share_the_memory() -> None:
    text = (DATA / "sysctl-macbook-air-m2.txt").read_text()
    (gpu,) = apple.from_sysctl(text, 9 * GB)
    assert (gpu.name, gpu.unified, gpu.bandwidth_bytes_per_s) == ("Apple M2 graphics", True, 100e9)
    assert gpu.memory_total_bytes == 17179869184 * 2 // 3
    assert gpu.memory_free_bytes == 9 * GB
    raised = text.replace("iogpu.wired_limit_mb: 0", "iogpu.wired_limit_mb: 14336")
    assert apple.from_sysctl(raised, 9 * GB)[0].memory_total_bytes == 14336 << 20
    large = text.replace("17179869184", str(64 << 30))
    assert apple.from_sysctl(large, 9 * GB)[0].memory_total_bytes == 48 << 30
    assert apple.from_sysctl((DATA / "sysctl-macbook-pro-2019.txt").read_text(), 9 * GB) == ()
    assert apple.from_sysctl("", 0) == ()


def test_windows_keeps_its_cards_in_the_registry() -> None:
    found = windows_gpu.from_registry(json.loads((DATA / "registry-gaming-laptop.json").read_text()))
    assert [(gpu.name, gpu.vendor, gpu.unified) for gpu in found] == [
        ("Intel(R) Iris(R) Xe Graphics", "Intel", True),
        ("NVIDIA GeForce RTX 4060 Laptop GPU", "NVIDIA", False),
    ]
    assert found[1].memory_total_bytes == 8585740288
    old = {"MatchingDeviceId": r"PCI\VEN_1002&DEV_67DF", "HardwareInformation.qwMemorySize": (8 << 30).to_bytes(8, "little")}
    assert windows_gpu.from_registry([old])[0].memory_total_bytes == 8 << 30


def test_what_nvml_tells_of_a_card_goes_before_the_systems_list() -> None:
    (card,) = nvidia.read(Nvml())
    listed = windows_gpu.from_registry(json.loads((DATA / "registry-gaming-laptop.json").read_text()))
    assert [gpu.name for gpu in merged([card], listed)] == ["NVIDIA GeForce RTX 4060", "Intel(R) Iris(R) Xe Graphics"]
    assert len(merged([], listed)) == 2


def test_a_card_that_this_build_cannot_use_says_so() -> None:
    (gpu,) = judge(nvidia.read(Nvml()), engine())
    assert not gpu.used
    assert gpu.why == (
        "Found an NVIDIA GeForce RTX 4060, but this build of the engine has no CUDA: models run on the processor. "
        "A build with CUDA or Vulkan can use it."
    )


def test_a_card_that_the_engine_lists_is_used_with_its_own_free_memory() -> None:
    device = EngineDevice("CUDA0", "NVIDIA GeForce RTX 4060", "gpu", 8585740288, 1)
    (gpu,) = judge(nvidia.read(Nvml()), engine(device, backends=("CUDA", "CPU")))
    assert (gpu.used, gpu.backend, gpu.why) == (True, "CUDA", "The engine uses it through CUDA.")
    assert gpu.memory_free_bytes == 7514095616


def test_vulkan_uses_a_card_and_leaves_the_processors_graphics() -> None:
    listed = windows_gpu.from_registry(json.loads((DATA / "registry-gaming-laptop.json").read_text()))
    card = EngineDevice("Vulkan0", "NVIDIA GeForce RTX 4060 Laptop GPU", "gpu", 8 * GB, 7 * GB)
    part = EngineDevice("Vulkan1", "Intel(R) Iris(R) Xe Graphics", "igpu", 8 * GB, 4 * GB)
    first, second = judge(listed, engine(card, part, backends=("Vulkan", "CPU")))
    assert (first.name, first.used, first.backend, first.memory_free_bytes) == (card.description, True, "Vulkan", 7 * GB)
    assert not second.used
    assert "prefers the separate graphics card" in second.why


def test_metal_and_a_device_that_only_the_engine_knows() -> None:
    (mac,) = apple.from_sysctl((DATA / "sysctl-macbook-air-m2.txt").read_text(), 9 * GB)
    (used,) = judge([mac], engine(EngineDevice("MTL0", "Apple M2", "gpu", 11 * GB, 11 * GB), backends=("MTL", "CPU")))
    assert (used.used, used.backend, used.unified, used.memory_free_bytes) == (True, "Metal", True, 9 * GB)
    (unknown,) = judge([], engine(EngineDevice("SYCL0", "Some accelerator", "gpu", 2 * GB, GB), backends=("SYCL",)))
    assert (unknown.used, unknown.name, unknown.memory_free_bytes) == (True, "Some accelerator", GB)


def test_graphics_in_a_processor_may_take_what_the_engine_says_of_the_main_memory() -> None:
    part = Gpu("AMD Radeon 780M", "AMD", None, GB // 2, GB // 4, False, "", unified=True)
    (used,) = judge([part], engine(EngineDevice("Vulkan0", "AMD Radeon 780M", "igpu", 12 * GB, 11 * GB), backends=("Vulkan",)))
    assert (used.memory_total_bytes, used.unified, used.device) == (12 * GB, True, "Vulkan0")


def test_a_driver_that_does_not_compute() -> None:
    card = Gpu("NVIDIA graphics (2882)", "NVIDIA", None, None, None, False, "", driver="nouveau")
    assert "nouveau driver" in judge([card], engine())[0].why
    silent = Gpu("AMD Radeon RX 7600", "AMD", None, 8 * GB, 7 * GB, False, "")
    assert "does not list it" in judge([silent], engine(backends=("CPU", "ROCm", "Vulkan")))[0].why
