"""Shapes of real models for nearly every architecture of llama.cpp, written as files that hold a header and no weights.

tests/architectures.json has, for each, the figures of the original's config.json as a GGUF spells them, and the tensors that
llama.cpp asks for with them: name, how it is stored, shape as stored, and the layers that have it where not all do (a list, or
"FIRST-LAST/STEP"). "*" before a name stands for "blk.N.". The figures are general knowledge, not copied from files; where the
catalogue has the model, they give its number of parameters. Not published, so assumed: the feed-forward length of
muse-glimmer-30b (from its size); the experts, hyper-connections and indexer of qwen3.8-flash-next.
"""

import json
import math
import re
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import astuple
from functools import cache
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

from desktop.engine import LoadOptions
from desktop.errors import LoadFailed
from desktop.gguf import TYPES, Header, read_file
from desktop.shape import DeviceMemory

Job = tuple[str, int, str]  # name, tokens of context, type of the conversation memory

TYPE_IDS = {name: id for id, (name, _, _) in TYPES.items()}
ALIGNMENT = 32
OWN_KEYS = ("general.", "tokenizer.", "split.", "xielu.")  # others go below the architecture
USUAL = {
    "attention.layer_norm_rms_epsilon": 1e-6, "attention.layer_norm_epsilon": 1e-6, "rope.freq_base": 1e6,
    "tokenizer.ggml.model": "no_vocab",
}  # fmt: skip


@cache
def models() -> dict[str, dict[str, Any]]:
    """All of them: name -> architecture, metadata, tensors."""
    found: dict[str, dict[str, Any]] = json.loads(Path(__file__).with_suffix(".json").read_text(encoding="utf-8"))
    return found


def write(path: Path, name: str) -> Path:
    """The file of one of them: a header, and as many bytes as its weights would have, which take no room on the disk."""
    model = models()[name]
    return write_sparse(path, model["architecture"], model["metadata"], _tensors(model))


def header(folder: Path, name: str) -> Header:
    """The header of one of them."""
    return read_file(write(folder / f"{name}.gguf", name))


def measure(jobs: Iterable[Job]) -> dict[Job, DeviceMemory]:
    """What the engine itself allocates on the processor, by its own dry run; one process for all.

    Left out is what it refuses: a packed conversation memory for heads of a length that does not divide.
    """
    jobs = list(jobs)
    command = [sys.executable, "-m", "tests.architectures"]
    done = subprocess.run(command, input=json.dumps(jobs), capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return {job: DeviceMemory(*fields) for job, fields in zip(jobs, json.loads(done.stdout), strict=True) if fields}


def _measure_here(jobs: Iterable[Sequence[Any]]) -> list[tuple[object, ...]]:
    from desktop.engine import dry_run  # llama.cpp belongs into a process of its own
    from desktop.engine.llama import Log

    log = Log()
    answers: list[tuple[object, ...]] = []
    with tempfile.TemporaryDirectory() as folder:
        for name, group in groupby(jobs, key=itemgetter(0)):
            path = write(Path(folder) / "model.gguf", name)
            for _, context, kv_type in group:
                options = LoadOptions(path, context=context, gpu_layers=0, threads=1, kv_type=kv_type, load_mode="mmap")
                try:
                    (use,) = dry_run.measure(options, log).memory
                    answers.append(astuple(use))
                except LoadFailed:
                    answers.append(())
    return answers


def write_sparse(
    path: Path, architecture: str, metadata: Mapping[str, object], tensors: Mapping[str, tuple[str, Sequence[int]]]
) -> Path:
    """A GGUF with these entries and tensors (type, shape as stored), whose weights are a hole in the file."""
    entries = {"general.architecture": architecture} | {
        key if key.startswith(OWN_KEYS) else f"{architecture}.{key}": value for key, value in (USUAL | dict(metadata)).items()
    }
    parts = [b"GGUF", struct.pack("<IQQ", 3, len(tensors), len(entries))]
    for key, value in entries.items():
        kind, raw = _value(value)
        parts += [_text(key), struct.pack("<I", kind), raw]
    offset = 0
    for name, (stored, shape) in tensors.items():
        _, block, block_bytes = TYPES[TYPE_IDS[stored]]
        parts += [_text(name), struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, TYPE_IDS[stored], offset)]
        offset += _aligned(math.prod(shape) // block * block_bytes)
    head = b"".join(parts)
    with path.open("wb") as file:
        file.write(head)
        file.truncate(_aligned(len(head)) + offset)
    return path


def _tensors(model: Mapping[str, Any]) -> dict[str, tuple[str, Sequence[int]]]:
    tensors: dict[str, tuple[str, Sequence[int]]] = {}
    for name, stored, shape, *where in model["tensors"]:
        if name[0] != "*":
            tensors[name] = (stored, shape)
            continue
        for layer in _layers(where[0]) if where else range(model["metadata"]["block_count"]):
            tensors[f"blk.{layer}.{name[1:]}"] = (stored, shape)
    return tensors


def _layers(where: str | list[int]) -> Iterable[int]:
    if not isinstance(where, str):
        return where
    first, last, step = (int(number) for number in re.split("[-/]", where))
    return range(first, last + 1, step)


def _aligned(size: int) -> int:
    return size + -size % ALIGNMENT


def _text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def _value(value: object) -> tuple[int, bytes]:
    """An entry as the format has it: its kind and its bytes."""
    if isinstance(value, bool):
        return 7, struct.pack("<?", value)
    if isinstance(value, int):
        return 4, struct.pack("<I", value)
    if isinstance(value, float):
        return 6, struct.pack("<f", value)
    if isinstance(value, str):
        return 8, _text(value)
    assert isinstance(value, Sequence)
    kinds, items = zip(*(_value(item) for item in value), strict=True)
    return 9, struct.pack("<IQ", kinds[0], len(items)) + b"".join(items)


if __name__ == "__main__":
    print(json.dumps(_measure_here(json.load(sys.stdin))))
