"""How long `alcove fit` takes for a model of 8B that is on the Hub only:  python -m tests.benchmarks.fit [RUNS]

The Hub is a server on loopback; the file has the header of Qwen3 8B (399 tensors, 151,936 words, as many merges) and a hole
instead of its weights. Every run is a process of its own with an empty cache of headers; medians are printed, and where the time
goes in one process: until the parts are imported, the App stands, the computer is known, the file is found on the Hub, its header
is read, and, in an App of its own, the engine has told.
"""

import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gguf
import numpy as np

from tests.engine.models import LETTERS
from tests.hub_server import Content, HubServer

RUNS = 5
LAYERS, WIDTH, INNER, HEADS, KV_HEADS, HEAD, WORDS = 36, 4096, 12288, 32, 8, 128, 151_936
REPO, NAME = "maker/model-8b-GGUF", "model-8b-Q4_K_M.gguf"
COMMAND = [sys.executable, "-m", "desktop", "fit", f"hf:{REPO}/{NAME}", "--json", "--home"]

STAGES = """
import json, sys, time
began = time.perf_counter()
told = {}
def done(stage):
    told[stage] = time.perf_counter() - began
from desktop import cli
done("imported")
from desktop.app import App
app = App.open(sys.argv[1])
done("app stands")
app.computer.hardware()
done("computer known")
file = app.targets.file(app.targets.of(sys.argv[2]))
done("file found")
for _ in app.headers.read(file):
    pass
done("header read")
app.close()
app = App.open(sys.argv[1])
for step in app.estimates.judge(sys.argv[2]):
    pass
told["judged, header from the cache"] = time.perf_counter() - began - told["header read"]
app.close()
print(json.dumps(told))
"""


def write(path: Path) -> int:
    """A sparse file with the header of a model of 8B; returns the bytes of its header."""
    writer = gguf.GGUFWriter(path, "qwen3")
    writer.add_name("A model of 8B")
    writer.add_context_length(40960)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_key_length(HEAD)
    writer.add_value_length(HEAD)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    words = [*LETTERS, *(f"Ġ{number:x}{'x' * (number // 40_000)}" for number in range(WORDS - len(LETTERS)))]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(words)
    writer.add_token_types([1] * WORDS)
    writer.add_token_merges([f"{number:x} {'x' * (2 + number // 40_000)}" for number in range(WORDS)])
    for name, shape, kind in _tensors():
        block, size = gguf.GGML_QUANT_SIZES[kind]
        writer.add_tensor_info(name, shape, np.dtype(np.float32), math.prod(shape) // block * size, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_ti_data_to_file()
    writer.close()
    header_bytes = path.stat().st_size
    header_bytes += -header_bytes % 32
    total = header_bytes + sum(-(-info.nbytes // 32) * 32 for part in writer.tensors for info in part.values())
    os.truncate(path, total)
    return header_bytes


def _tensors() -> Iterator[tuple[str, tuple[int, ...], gguf.GGMLQuantizationType]]:
    """Name, shape (row length last) and type of each, as in a Q4_K_M file."""
    usual, finer, plain = gguf.GGMLQuantizationType.Q4_K, gguf.GGMLQuantizationType.Q6_K, gguf.GGMLQuantizationType.F32
    yield "token_embd.weight", (WORDS, WIDTH), usual
    yield "output.weight", (WORDS, WIDTH), finer
    yield "output_norm.weight", (WIDTH,), plain
    for number in range(LAYERS):
        layer = f"blk.{number}."
        yield layer + "attn_norm.weight", (WIDTH,), plain
        yield layer + "attn_q.weight", (HEADS * HEAD, WIDTH), usual
        yield layer + "attn_q_norm.weight", (HEAD,), plain
        yield layer + "attn_k.weight", (KV_HEADS * HEAD, WIDTH), usual
        yield layer + "attn_k_norm.weight", (HEAD,), plain
        yield layer + "attn_v.weight", (KV_HEADS * HEAD, WIDTH), finer
        yield layer + "attn_output.weight", (WIDTH, HEADS * HEAD), usual
        yield layer + "ffn_norm.weight", (WIDTH,), plain
        yield layer + "ffn_gate.weight", (INNER, WIDTH), usual
        yield layer + "ffn_up.weight", (INNER, WIDTH), usual
        yield layer + "ffn_down.weight", (WIDTH, INNER), finer


def run(home: Path, endpoint: str) -> tuple[float, dict[str, Any]]:
    """Seconds of a whole process, and what it printed."""
    for kept in (home / "cache" / "headers").glob("*"):
        kept.unlink()
    began = time.perf_counter()
    done = subprocess.run([*COMMAND, str(home)], capture_output=True, text=True, check=True, env=_environment(endpoint))
    return time.perf_counter() - began, json.loads(done.stdout)


def stages(home: Path, endpoint: str) -> dict[str, float]:
    """Seconds from the start of Python's first line to the end of each stage, one after another."""
    command = [sys.executable, "-c", STAGES, str(home), COMMAND[4]]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=_environment(endpoint))
    told: dict[str, float] = json.loads(done.stdout)
    return told


def _environment(endpoint: str) -> dict[str, str]:
    return {**os.environ, "HF_ENDPOINT": endpoint}


def main() -> None:
    """Print medians."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else RUNS
    with tempfile.TemporaryDirectory() as folder, HubServer() as server:
        path = Path(folder, NAME)
        header_bytes = write(path)
        server.add(REPO, {}).files[NAME] = Content(path, path.stat().st_size, "0" * 64)  # nobody reads its gigabytes
        home = Path(folder, "home")
        run(home, server.endpoint)  # the first of all asks the engine what it can use, and keeps that
        taken, told = zip(*(run(home, server.endpoint) for _ in range(runs)), strict=True)
        one = stages(Path(folder, "home"), server.endpoint)
    read = told[-1]["header_bytes_read"]
    print(f"method {told[-1]['method']}, {told[-1]['verdict']}, {told[-1]['total_bytes'] / 1e9:.2f} GB")
    print(f"whole process   median {statistics.median(taken):.2f} s   from {min(taken):.2f} to {max(taken):.2f}")
    print(f"judge() of it   median {statistics.median(each['took_s'] for each in told):.2f} s")
    print(f"header          {header_bytes / 1e6:.2f} MB, read {read / 1e6:.2f} MB: {read / header_bytes:.3f} times")
    for stage, seconds in one.items():
        print(f"  {stage:<30} {seconds:.2f} s")


if __name__ == "__main__":
    main()
