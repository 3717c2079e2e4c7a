"""hardware.cpu: processors as Linux, macOS and Windows describe them, recorded on real ones."""

from pathlib import Path

import pytest

from desktop.hardware import cpu

DATA = Path(__file__).parent / "data"


def recorded(name: str) -> str:
    return (DATA / name).read_text()


def test_a_desktop_processor_with_two_threads_a_core() -> None:
    found = cpu.from_cpuinfo(recorded("cpuinfo-ryzen-7-5800x.txt"), set(range(16)))
    assert (found.name, found.physical_cores, found.logical_cores) == ("AMD Ryzen 7 5800X 8-Core Processor", 8, 16)
    assert set(found.features) == {"SSE4.2", "AVX", "F16C", "FMA", "AVX2"}


def test_only_the_cores_that_this_program_may_use_count() -> None:
    text = recorded("cpuinfo-ryzen-7-5800x.txt")
    assert cpu.from_cpuinfo(text, {0, 8, 1, 9}).physical_cores == 2
    assert cpu.from_cpuinfo(text, {0, 8, 1, 9}).logical_cores == 4
    few = cpu.from_cpuinfo(text, set(range(16)), quota=3)
    assert (few.physical_cores, few.logical_cores) == (3, 3)


def test_a_virtual_server_with_one_core_a_socket() -> None:
    found = cpu.from_cpuinfo(recorded("cpuinfo-xeon-vm.txt"), {0, 1})
    assert (found.physical_cores, found.logical_cores) == (2, 2)
    assert {"AVX512", "AVX512_VNNI", "AMX"} <= set(found.features)


def test_an_arm_board_has_no_name_but_numbers() -> None:
    found = cpu.from_cpuinfo(recorded("cpuinfo-raspberry-pi-5.txt"), {0, 1, 2, 3})
    assert found.name == "Cortex-A76"
    assert found.features == ("NEON", "DOTPROD")
    assert found.logical_cores == 4


def test_a_text_that_says_nothing() -> None:
    found = cpu.from_cpuinfo("", {0})
    assert found.physical_cores == found.logical_cores == 1
    assert found.name
    assert found.features == ()


def test_apple_and_intel_macs() -> None:
    apple = cpu.from_sysctl(recorded("sysctl-macbook-air-m2.txt"))
    assert (apple.name, apple.physical_cores, apple.logical_cores) == ("Apple M2", 8, 8)
    assert set(apple.features) == {"NEON", "DOTPROD", "I8MM"}
    intel = cpu.from_sysctl(recorded("sysctl-macbook-pro-2019.txt"))
    assert (intel.physical_cores, intel.logical_cores) == (6, 12)
    assert set(intel.features) == {"FMA", "SSE4.2", "AVX", "F16C", "AVX2"}


def test_windows_answers_by_number() -> None:
    name = "12th Gen Intel(R) Core(TM)  i7-1260P   "
    found = cpu.from_windows(name, lambda number: number in (38, 39, 40), 12, 16)
    assert found == cpu.Cpu("12th Gen Intel(R) Core(TM) i7-1260P", 12, 16, ("SSE4.2", "AVX", "AVX2"))


@pytest.mark.parametrize(
    ("text", "cores"), [("max 100000", None), ("200000 100000", 2), ("150000 100000", 2), ("", None), ("1 0", None)]
)
def test_a_control_groups_share_of_the_cores(tmp_path: Path, text: str, cores: int | None) -> None:
    (tmp_path / "cpu.max").write_text(text)
    assert cpu.cpu_quota(tmp_path / "cpu.max") == cores


def test_this_computer() -> None:
    found = cpu.read()
    assert found.name
    assert 1 <= found.physical_cores <= found.logical_cores
