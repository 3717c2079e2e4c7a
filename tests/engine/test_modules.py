"""An engine whose code for processors and graphics cards comes in modules, as that of an installed program does."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from desktop.engine import confine, local

LOADED = """
import ctypes, os, sys
from pathlib import Path
from desktop.engine import llama

llama.nvidia.visible = lambda: "GPU-1"
folder, opened, loaded = Path(sys.argv[1]), [], []
llama._folder = lambda: folder
load = lambda path: loaded.append(os.fsdecode(path))
class Ggml: ggml_backend_load_all_from_path = load
llama.library = lambda name: Ggml
ctypes.CDLL = lambda path: opened.append(Path(path).name)
llama._open_addons()
print(opened, loaded)
llama.Log()
print(opened, [path == str(folder) for path in loaded])
print(os.environ.get("CUDA_VISIBLE_DEVICES"))
"""


@pytest.mark.parametrize(
    ("processor", "said"),
    [
        ("libggml-cpu-haswell.so", ["['libggml-cuda.so'] []", "['libggml-cuda.so'] [True]", "GPU-1"]),
        ("libggml-cpu.so", ["[] []", "[] []", "None"]),  # a build for one computer has loaded all by itself
    ],
)
def test_modules_are_mapped_at_first_and_started_when_the_process_is_shut_in(
    tmp_path: Path, processor: str, said: list[str]
) -> None:
    for name in (processor, "libggml-cuda.so", "libggml.so"):
        (tmp_path / name).touch()
    command = [sys.executable, "-c", LOADED, str(tmp_path)]
    own = {name: value for name, value in os.environ.items() if name != "CUDA_VISIBLE_DEVICES"}
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60, env=own)
    assert done.stdout.splitlines() == said


COUNTED = """
from types import SimpleNamespace
from desktop.engine import llama

CARDS = [
    (b"CUDA0", b"0000:01:00.0", 1), (b"CUDA1", b"0000:02:00.0", 1), (b"Vulkan0", b"0000:01:00.0", 1),
    (b"CPU", None, 0), (b"AMX", None, 3),
]

class Function:
    def __init__(self, answer):
        self.answer = answer

    def __call__(self, *given):
        return self.answer(*given)

def fill(index, props):
    props.name, props.device_id, props.type = CARDS[index]
    props.description, props.memory_total = b"a card", 7

ggml = {"dev_count": lambda: len(CARDS), "dev_get": lambda index: index, "dev_get_props": fill}
llama.library = lambda name: SimpleNamespace(**{f"ggml_backend_{name}": Function(answer) for name, answer in ggml.items()})
print([(each.name, each.kind, each.memory_total_bytes) for each in llama.describe().devices])
"""


def test_a_card_that_two_backends_find_is_told_once() -> None:
    done = subprocess.run([sys.executable, "-c", COUNTED], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[('CUDA0', 'gpu', 7), ('CUDA1', 'gpu', 7), ('CPU', 'cpu', 7), ('AMX', 'accel', 7)]"


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
