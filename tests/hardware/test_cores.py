"""hardware.cores: which cores are the fast ones, as Linux and Windows describe them."""

import struct
from pathlib import Path

from desktop.hardware import cores, cpu

DATA = Path(__file__).parent / "data"


def linux(folder: Path, **speeds: dict[str, int]) -> Path:
    """What Linux shows of cores with these speeds, by the file that tells them."""
    for name, values in speeds.items():
        for core, value in values.items():
            path = folder / "system" / "cpu" / core / name.replace("__", "/")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(f"{value}\n")
    return folder


def test_intel_names_its_two_kinds(tmp_path: Path) -> None:
    (tmp_path / "cpu_core").mkdir()
    (tmp_path / "cpu_core" / "cpus").write_text("0-3,6\n")
    assert cores.fast_on_linux(range(8), tmp_path) == {0, 1, 2, 3, 6}
    assert cores.fast_on_linux({1, 2}, tmp_path) == cores.ALIKE  # only fast ones may be used
    assert cores.fast_on_linux({4, 5}, tmp_path) == cores.ALIKE  # only slow ones


def test_an_arm_board_tells_what_its_cores_can_do(tmp_path: Path) -> None:
    linux(tmp_path, cpu_capacity={"cpu0": 446, "cpu1": 446, "cpu2": 1024, "cpu3": 1024})
    assert cores.fast_on_linux(range(4), tmp_path) == {2, 3}


def test_a_favoured_core_is_not_another_kind(tmp_path: Path) -> None:
    linux(tmp_path, cpufreq__cpuinfo_max_freq={"cpu0": 5_000_000, "cpu1": 4_700_000})
    assert cores.fast_on_linux(range(2), tmp_path) == cores.ALIKE
    assert cores.fast_on_linux(range(2), tmp_path / "nothing") == cores.ALIKE


def test_two_threads_of_a_fast_core_are_one_core() -> None:
    text = (DATA / "cpuinfo-ryzen-7-5800x.txt").read_text()
    assert cpu.from_cpuinfo(text, set(range(16)), fast=frozenset({0, 1, 8, 9})).fast_cores == 2
    assert cpu.from_cpuinfo(text, set(range(16))).fast_cores == 0


def test_apple_has_performance_cores() -> None:
    assert cpu.from_sysctl((DATA / "sysctl-macbook-air-m2.txt").read_text()).fast_cores == 4
    assert cpu.from_sysctl((DATA / "sysctl-macbook-pro-2019.txt").read_text()).fast_cores == 0


def test_windows_gives_each_core_a_class() -> None:
    def a_set(core: int, kind: int) -> bytes:
        return struct.pack("<IIIHBBBBBBIQ", 32, 0, 0x100 + core, 0, core, core // 2, 0, 0, kind, 0, 0, 0)

    hybrid = b"".join([*(a_set(core, 1) for core in range(4)), *(a_set(core, 0) for core in range(4, 10))])
    assert cores.fast_in_sets(hybrid) == 2
    assert cores.fast_in_sets(b"".join(a_set(core, 0) for core in range(8))) == 0
    assert cores.fast_in_sets(b"") == 0
