"""An engine whose code for processors and graphics cards comes in modules, as that of an installed program does."""

import subprocess
import sys
from pathlib import Path

import pytest

from desktop.engine import confine, local

LOADED = """
import os
from pathlib import Path
from desktop.engine import llama

class Ggml:
    def __init__(self, registered):
        self.folders = []
        self.ggml_backend_reg_count = lambda: registered
        self.ggml_backend_load_all_from_path = lambda folder: self.folders.append(os.fsdecode(folder))

for registered in (0, 1):
    ggml = Ggml(registered)
    llama.library = lambda name: ggml
    log = llama.Log()
    print(ggml.folders == [str(Path(llama.llama.__file__).parent / "lib")], len(ggml.folders))
"""


def test_modules_are_loaded_from_the_folder_of_the_engine_where_it_has_no_code_of_its_own() -> None:
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.splitlines() == ["True 1", "False 0"]


@pytest.mark.parametrize(
    ("names", "found"),
    [
        (["libggml.so.0", "libggml-cpu-haswell.so"], set()),
        (["libggml-vulkan.so"], {"Vulkan"}),
        (["ggml-cuda.dll", "ggml.dll"], {"CUDA"}),
        (["libggml-cuda.so.0", "libggml-cuda.so"], {"CUDA"}),
    ],
)
def test_addons_are_known_by_their_files(names: list[str], found: set[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "_libraries", lambda: [Path("/lib", name) for name in names])
    assert local.addons() == found


def test_an_addon_that_found_no_driver_is_asked_again_after_the_next_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = local.report(tmp_path)
    stored = tmp_path / "engine.json"
    stored.write_text(stored.read_text().replace(report.version, "99"))
    monkeypatch.setattr(local.psutil, "boot_time", lambda: 0.0)  # another start of the computer
    assert local.report(tmp_path).version == ("99" if not report.gpu_offload else report.version)
    monkeypatch.setattr(local, "addons", lambda: frozenset({"CUDA"}))
    assert local.report(tmp_path).version == report.version


def test_a_frozen_program_may_read_itself_when_it_is_shut_in() -> None:
    """Modules of Python that are needed late lie in the program's own file."""
    assert Path(sys.executable) in confine._programs()
