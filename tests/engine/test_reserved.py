"""What the engine's log tells of its memory, beside what its own sums tell."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from desktop.engine import reserved
from desktop.shape import DeviceMemory
from tests.engine import shapes

MIB = 2**20

# What a llama.cpp with CUDA prints for a model of which some layers are on the card
CUDA = """\
load_tensors:   CPU_Mapped model buffer size =   500.00 MiB
load_tensors:        CUDA0 model buffer size =  1500.50 MiB
llama_context:  CUDA_Host  output buffer size =     0.50 MiB
llama_kv_cache:        CPU KV buffer size =   128.00 MiB
llama_kv_cache:      CUDA0 KV buffer size =   320.00 MiB
llama_memory_recurrent:      CUDA0 RS buffer size =    10.25 MiB
sched_reserve:      CUDA0 compute buffer size =   999.00 MiB
sched_reserve:      CUDA0 compute buffer size =   300.75 MiB
sched_reserve:  CUDA_Host compute buffer size =    16.00 MiB
"""


def test_each_buffer_counts_to_the_device_whose_memory_it_takes() -> None:
    main = DeviceMemory("CPU", 500 * MIB, 128 * MIB, 0, 16 * MIB, MIB // 2)
    card = DeviceMemory("CUDA0", 1500 * MIB + MIB // 2, 320 * MIB, 10 * MIB + MIB // 4, 300 * MIB + 3 * MIB // 4, 0)
    assert reserved.from_log(CUDA.splitlines(keepends=True)) == (main, card)
    assert reserved.computed([CUDA])[0] == (300.75 + 16) * MIB


@pytest.mark.parametrize(
    ("buffer", "device"), [("CPU_REPACK", "CPU"), ("Vulkan_Host", "CPU"), ("MTL0_Mapped", "MTL0"), ("CUDA1", "CUDA1")]
)
def test_the_name_of_a_buffer_tells_its_device(buffer: str, device: str) -> None:
    assert reserved.device(buffer) == device


BOTH = """
import dataclasses, json, sys
from pathlib import Path
from desktop.engine import LoadOptions, buffers, reserved
from tests.engine.direct import open_model
model = open_model(LoadOptions(Path(sys.argv[1]), chats=False))
log = model._log
said = {"sums": buffers.read(model.context, log), "log": reserved.from_log(log.buffers)}
log.buffers.append("sched_reserve: CPU compute buffer size = 9999.00 MiB\\n")
said["contradicted"] = buffers.read(model.context, log)
print(json.dumps({key: [dataclasses.asdict(each) for each in found] for key, found in said.items()}))
"""


@pytest.mark.parametrize("shape", ["llama", "hybrid", "recurrent", "sliding"])
def test_the_log_of_an_open_model_tells_what_the_sums_tell(tmp_path: Path, shape: str) -> None:
    path = shapes.SHAPES[shape](tmp_path / "model.gguf")
    done = subprocess.run([sys.executable, "-c", BOTH, str(path)], capture_output=True, check=True, timeout=60)
    (sums,), (told,), contradicted = json.loads(done.stdout).values()
    assert contradicted == []  # sums that the log contradicts are not believed
    assert sums.pop("name") == told.pop("name") == "CPU"
    for part, size in sums.items():
        assert told[part] == pytest.approx(size, abs=3 * reserved.HALF_STEP_BYTES), part


def test_a_graphics_card_without_layers_is_left_alone() -> None:
    script = (
        "from pathlib import Path; from desktop.engine import LoadOptions; from desktop.engine.llama import model_params\n"
        "print([bool(model_params(LoadOptions(Path('x'), gpu_layers=layers)).devices) for layers in (0, 1)])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.strip() == "[True, False]"  # a list, which is empty; the engine's own choice
