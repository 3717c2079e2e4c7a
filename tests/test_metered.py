"""Whether the connection is paid for by its amount: what the programs of the system answer, spoken by scripts in their place."""

import sys
from pathlib import Path

import pytest

from desktop import network


@pytest.fixture
def programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only folder in which programs are found."""
    monkeypatch.setenv("PATH", str(tmp_path))
    return tmp_path


def says(program: Path, words: str, status: int = 0) -> None:
    program.write_text(f"#!/bin/sh\nprintf '%s\\n' '{words}'\nexit {status}\n")
    program.chmod(0o755)


@pytest.mark.parametrize(
    ("program", "words", "means"),
    [
        ("busctl", "u 1", True),
        ("busctl", "u 3", True),
        ("busctl", "u 2", False),
        ("busctl", "u 4", False),
        ("busctl", "u 0", None),
        ("gdbus", "(<uint32 1>,)", True),
        ("gdbus", "(<uint32 4>,)", False),
        ("gdbus", "", None),
    ],
)
@pytest.mark.skipif(sys.platform == "win32", reason="the scripts are a shell's")
def test_what_network_manager_says(programs: Path, program: str, words: str, means: bool | None) -> None:
    says(programs / program, words)
    assert network.metered() is means


@pytest.mark.skipif(sys.platform == "win32", reason="the scripts are a shell's")
def test_the_second_program_is_asked_where_the_first_knows_nothing(programs: Path) -> None:
    says(programs / "busctl", "u 4", status=1)
    says(programs / "gdbus", "(<uint32 1>,)")
    assert network.metered() is True


@pytest.mark.skipif(sys.platform == "win32", reason="the scripts are a shell's")
@pytest.mark.parametrize(("words", "means"), [("Fixed", True), ("Variable", True), ("Unrestricted", False), ("Unknown", None)])
def test_what_windows_says(programs: Path, words: str, means: bool | None) -> None:
    says(programs / "powershell", words)
    assert network.metered() is means


def test_nobody_tells(programs: Path) -> None:
    assert network.metered() is None
