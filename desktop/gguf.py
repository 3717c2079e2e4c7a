"""The header of a GGUF model file: what it is, its tensors and its size, from a file or from the first bytes of a remote one.

Follows ggml/src/gguf.cpp of llama.cpp and is as strict, so that what is read here loads there. Every length is checked
before anything of that length is made; the vocabulary (megabytes of strings) is stepped over, not built. A stream is asked for
what the header is expected to need still, so that a remote one is read in few pieces and hardly further than its end.
"""

import math
import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from desktop.bounded import Bounded, Readable
from desktop.errors import Corrupt, LoadFailed, NotFound, NotGguf, Truncated
from desktop.paths import check_name

Item = str | int | float | bool
Value = Item | tuple[Item, ...]

MAX_KEY_BYTES = 65_535  # the specification's own limit
MAX_STRING_BYTES = 16 << 20  # of one that is kept; the longest known, whole tokenizers, have some MB
MAX_ITEMS = 1 << 22  # of an array; vocabularies have up to 0.3 million words and 0.6 million merges
MAX_ITEMS_KEPT = 4096  # longer arrays are stepped over and only counted, as are all of tokenizer.*
MAX_TENSORS = 1 << 16  # and entries; the largest models have some thousands
MAX_TENSOR_NAME_BYTES = 63
KEY_BYTES, TENSOR_BYTES = 48, 72  # the usual length of an entry, and of the facts about a tensor

# id: (name, weights per block, bytes per block); ids that are missing here were withdrawn from the format
TYPES = {
    0: ("F32", 1, 4), 1: ("F16", 1, 2), 2: ("Q4_0", 32, 18), 3: ("Q4_1", 32, 20), 6: ("Q5_0", 32, 22), 7: ("Q5_1", 32, 24),
    8: ("Q8_0", 32, 34), 9: ("Q8_1", 32, 36), 10: ("Q2_K", 256, 84), 11: ("Q3_K", 256, 110), 12: ("Q4_K", 256, 144),
    13: ("Q5_K", 256, 176), 14: ("Q6_K", 256, 210), 15: ("Q8_K", 256, 292), 16: ("IQ2_XXS", 256, 66), 17: ("IQ2_XS", 256, 74),
    18: ("IQ3_XXS", 256, 98), 19: ("IQ1_S", 256, 50), 20: ("IQ4_NL", 32, 18), 21: ("IQ3_S", 256, 110), 22: ("IQ2_S", 256, 82),
    23: ("IQ4_XS", 256, 136), 24: ("I8", 1, 1), 25: ("I16", 1, 2), 26: ("I32", 1, 4), 27: ("I64", 1, 8), 28: ("F64", 1, 8),
    29: ("IQ1_M", 256, 56), 30: ("BF16", 1, 2), 34: ("TQ1_0", 256, 54), 35: ("TQ2_0", 256, 66), 39: ("MXFP4", 32, 17),
    40: ("NVFP4", 64, 36), 41: ("Q1_0", 128, 18), 42: ("Q2_0", 64, 18),
}  # fmt: skip

# name in file names: bits per weight of a typical whole file (llama.cpp tools/quantize/README.md, Llama 3.1 8B; the 4-bit
# floats from their blocks), light to powerful
QUANTIZATIONS = {
    "TQ1_0": 1.7, "Q1_0": 1.8, "IQ1_S": 2.0, "TQ2_0": 2.1, "IQ1_M": 2.15, "Q2_0": 2.3, "IQ2_XXS": 2.38, "IQ2_XS": 2.59,
    "IQ2_S": 2.74, "IQ2_M": 2.93, "Q2_K_S": 2.97, "Q2_K": 3.16, "Q2_K_L": 3.3, "Q2_K_XL": 3.3, "IQ3_XXS": 3.25, "IQ3_XS": 3.5,
    "Q3_K_S": 3.64, "IQ3_S": 3.66, "IQ3_M": 3.76, "Q3_K_M": 4.0, "Q3_K_L": 4.3, "Q3_K_XL": 4.3, "MXFP4_MOE": 4.4, "MXFP4": 4.4,
    "IQ4_XS": 4.46, "NVFP4": 4.6, "Q4_0": 4.66, "Q4_K_S": 4.67, "IQ4_NL": 4.68, "Q4_K_M": 4.89, "Q4_K_L": 5.0, "Q4_K_XL": 5.0,
    "Q4_1": 5.12, "Q5_0": 5.5, "Q5_K_S": 5.57, "Q5_K_M": 5.7, "Q5_K_L": 5.8, "Q5_K_XL": 5.8, "Q5_1": 6.0, "Q6_K": 6.56,
    "Q6_K_L": 6.7, "Q6_K_XL": 6.9, "Q8_0": 8.5, "Q8_K_XL": 9.5, "F16": 16.0, "BF16": 16.0, "F32": 32.0,
}  # fmt: skip
_ALIASES = {"FP16": "F16", "FP32": "F32"}
_QUANTIZATION = re.compile(
    rf"(?<![A-Z0-9])(UD-)?({'|'.join(sorted([*QUANTIZATIONS, *_ALIASES], key=len, reverse=True))}|Q[3-5]_K)(?![A-Z0-9])",
    re.IGNORECASE,
)
_SPLIT = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$", re.IGNORECASE)

_SCALARS = {0: "B", 1: "b", 2: "H", 3: "h", 4: "I", 5: "i", 6: "f", 7: "?", 10: "Q", 11: "q", 12: "d"}
_UINT32, _STRING, _ARRAY = 4, 8, 9


@dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor: `shape` as stored (row length first), `type` a ggml type id, `offset` from the start of the data."""

    name: str
    shape: tuple[int, ...]
    type: int
    offset: int
    size_bytes: int


@dataclass(frozen=True)
class Header:
    """All before the weights; size_bytes is what the whole file must have at least. Arrays that were skipped hold their count."""

    version: int
    metadata: dict[str, Value]
    tensors: tuple[Tensor, ...]
    data_offset: int
    size_bytes: int

    @property
    def architecture(self) -> str:
        """Such as "qwen3"; "unknown" when the file does not say (a later part of a split model)."""
        name = self.metadata.get("general.architecture")
        return name if isinstance(name, str) else "unknown"

    @property
    def name(self) -> str | None:
        name = self.metadata.get("general.name")
        return name if isinstance(name, str) else None

    @property
    def kind(self) -> str:
        """What it is by what it says of itself.

        "model", "projector" (the eyes or ears of a model), "adapter" (a change to one), "vocabulary" (no weights), "imatrix" (a
        maker's tool) or "part" (a later part of a split model, which says little).
        """
        told = self.metadata.get("general.type")
        if self.metadata.get("split.no", 0) != 0 and self.architecture == "unknown":
            return "part"
        if told == "mmproj" or self.architecture == "clip":
            return "projector"
        if told == "adapter" or "adapter.type" in self.metadata or self.architecture == "controlvector":
            return "adapter"
        if told == "imatrix":
            return "imatrix"
        return "model" if self.tensors or self.split_count > 1 else "vocabulary"

    @property
    def split_count(self) -> int:
        """How many files the model is in, 1 for nearly all."""
        count = self.metadata.get("split.count")
        return count if isinstance(count, int) and count > 1 else 1

    @property
    def weights_bytes(self) -> int:
        return sum(tensor.size_bytes for tensor in self.tensors)

    def get(self, key: str, default: Value | None = None) -> Value | None:
        """The value of `key`, looked up below the architecture first: "block_count" means "qwen3.block_count"."""
        return self.metadata.get(f"{self.architecture}.{key}", self.metadata.get(key, default))


def read(stream: Readable, path: str) -> Header:
    """The header that `stream` starts with; `path` is only for errors.

    Raises NotGguf, Corrupt, HeaderTruncated, HeaderTooLarge, and what the stream's read() does.
    """
    source = Bounded(stream, path)
    if source.peek(4) != b"GGUF":
        raise NotGguf(path=path)
    source.take(4)
    version = source.u32()
    if version not in (2, 3):
        swapped = version & 0xFFFF == 0
        source.fail("it was written for big-endian processors" if swapped else f"version {version} of its format is not known")
    tensor_count, key_count = source.u64(), source.u64()
    if tensor_count > MAX_TENSORS or key_count > MAX_TENSORS:
        source.fail("its header promises an impossible number of parts")
    metadata = _read_metadata(source, key_count, tensor_count)
    alignment = _alignment(source, metadata)
    tensors = _read_tensors(source, tensor_count, alignment)
    if not tensors:
        return Header(version, metadata, (), source.position, source.position)
    data_offset = source.position + -source.position % alignment
    return Header(version, metadata, tensors, data_offset, data_offset + tensors[-1].offset + tensors[-1].size_bytes)


def read_file(path: Path) -> Header:
    """The header of a file, which must also be long enough for its tensors; of the first part of a split model, that of all.

    The latest ones are remembered. Raises as read() and Truncated, NotFound, LoadFailed when it may not be read, OddName.
    """
    check_name(path)
    first = _read_part(path, "")
    if first.split_count == 1 or first.metadata.get("split.no", 0) != 0:
        return first
    paths = parts(path)
    rest = [_read_part(part, f", part {number} of {len(paths)} of a model") for number, part in enumerate(paths[1:], 2)]
    return join([first, *rest], str(path))


def parts(path: Path) -> tuple[Path, ...]:
    """All files of the split model that a file belongs to by its name, whether they are there or not; else the file alone."""
    return tuple(path.with_name(name) for name in part_names(path.name))


def join(headers: Sequence[Header], path: str = "This model") -> Header:
    """One header of all parts of a split model, or of a whole one: the first one's facts, all tensors, all bytes.

    Each tensor's offset is still from the start of its own part's data. Raises Corrupt when they do not belong together.
    """
    first = headers[0]
    if len(headers) != first.split_count:
        why = f"it says that it is one of {first.split_count} parts, but its name does not"
        raise Corrupt(path=path, why=why)
    if len(headers) == 1:
        return first
    for number, header in enumerate(headers):
        if (header.metadata.get("split.no"), header.split_count) != (number, len(headers)):
            raise Corrupt(path=path, why=f"what should be part {number + 1} is another one")
    tensors = tuple(tensor for header in headers for tensor in header.tensors)
    total = first.metadata.get("split.tensors.count", len(tensors))
    if total != len(tensors) or len({tensor.name for tensor in tensors}) != total:
        raise Corrupt(path=path, why="its parts do not belong together")
    return Header(first.version, first.metadata, tensors, first.data_offset, sum(header.size_bytes for header in headers))


def _read_part(path: Path, role: str) -> Header:
    """The header of one file. `role` tells what is missing when it is not there."""
    try:
        status = path.stat()
        if not S_ISREG(status.st_mode) and not S_ISDIR(status.st_mode):  # opening a pipe would wait for ever
            raise LoadFailed(path=str(path), why="it is no file")
        header = _remembered(path, status.st_size, status.st_mtime_ns, status.st_ino)
    except FileNotFoundError as error:
        raise NotFound(what=f"file {path}{role}", host="This computer") from error
    except OSError as error:
        raise LoadFailed(path=str(path), why=error.strerror or str(error)) from error
    if status.st_size < header.size_bytes:
        raise Truncated(path=str(path), size_bytes=status.st_size, expected_bytes=header.size_bytes)
    return header


@lru_cache(maxsize=32)
def _remembered(path: Path, *_: int) -> Header:
    """The header of a file as it is now: its size, time and number tell whether it is still the one that was read."""
    with path.open("rb") as file:
        return read(file, str(path))


def quantization(filename: str) -> str | None:
    """How a file's name says its weights are stored: "Qwen3-8B-Q4_K_M.gguf" -> "Q4_K_M", "…-UD-Q4_K_XL.gguf" -> "UD-Q4_K_XL"."""
    found = _QUANTIZATION.findall(filename.removesuffix(".gguf"))
    if not found:
        return None
    names = [f"{dynamic}{_ALIASES.get(name.upper(), name)}".upper() for dynamic, name in found]
    packed = [name for name in names if QUANTIZATIONS.get(name, 0) < 16]  # "…-Q4_K_M-fp16" has its input table in 16 bits
    return (packed or names)[-1]


def named_kind(filename: str) -> str:
    """What a GGUF file is, by its name: "model", "split", "mmproj" (the eyes of a model) or "imatrix" (a maker's tool)."""
    stem = filename.rpartition("/")[2].lower()
    for other in ("mmproj", "imatrix"):
        if other in stem:
            return other
    return "split" if split_part(stem) else "model"


def split_part(filename: str) -> tuple[int, int] | None:
    """Which part of how many a file is: "x-00001-of-00003.gguf" -> (1, 3); None for a whole model."""
    found = _SPLIT.search(filename)
    if not found:
        return None
    part, parts = int(found[1]), int(found[2])
    return (part, parts) if 1 <= part <= parts else None


def part_names(filename: str) -> tuple[str, ...]:
    """The names of all parts of the split model that a file belongs to: "x-00002-of-00002.gguf" -> both; else the name alone."""
    found, part = _SPLIT.search(filename), split_part(filename)
    if not found or not part:
        return (filename,)
    return tuple(f"{filename[: found.start(1)]}{number:05}{filename[found.end(1) :]}" for number in range(1, part[1] + 1))


def part_stem(filename: str) -> str:
    """The name of a model by that of its file, or of one of its parts: "x-00001-of-00002.gguf" -> "x"."""
    found = _SPLIT.search(filename) if split_part(filename) else None
    return filename[: found.start()] if found else filename.rpartition(".")[0] or filename


def _read_metadata(source: Bounded, count: int, tensor_count: int) -> dict[str, Value]:
    metadata: dict[str, Value] = {}
    for number in range(count):
        source.ahead = (count - number) * KEY_BYTES + tensor_count * TENSOR_BYTES
        key = source.text(MAX_KEY_BYTES, f"the name of entry {number}")
        if not key or key in metadata:
            source.fail(f"the entry “{key}” comes twice" if key else f"entry {number} has no name")
        kind = source.u32()
        metadata[key] = _read_array(source, key) if kind == _ARRAY else _read_item(source, kind, key)
        if key == "general.alignment" and kind != _UINT32:
            source.fail("its alignment is not a number")
    return metadata


def _read_item(source: Bounded, kind: int, key: str) -> Item:
    if kind == _STRING:
        return source.text(MAX_STRING_BYTES, f"the entry “{key}”", errors="replace")
    return _read_numbers(source, kind, 1, key)[0]


def _read_numbers(source: Bounded, kind: int, count: int, key: str) -> tuple[Item, ...]:
    if kind not in _SCALARS:
        source.fail(f"the entry “{key}” is of an unknown kind")
    numbers = struct.Struct(f"<{count}{_SCALARS[kind]}")
    return numbers.unpack(source.take(numbers.size))


def _read_array(source: Bounded, key: str) -> Value:
    kind, count = source.u32(), source.u64()
    if kind != _STRING and kind not in _SCALARS:
        source.fail(f"the list “{key}” is of an unknown kind")
    if count > MAX_ITEMS:
        source.fail(f"the list “{key}” has an impossible length")
    size = count * (8 if kind == _STRING else struct.calcsize("<" + _SCALARS[kind]))
    if not key.startswith("tokenizer.") and count <= MAX_ITEMS_KEPT and source.keep(size):
        if kind == _STRING:
            return tuple(_read_item(source, kind, key) for _ in range(count))
        return _read_numbers(source, kind, count, key)
    if kind == _STRING:
        source.ahead += 4 * count if key == "tokenizer.ggml.tokens" else 0  # a list of their types follows
        source.skip_texts(count)
    else:
        source.skip(size)
    return count


def _alignment(source: Bounded, metadata: dict[str, Value]) -> int:
    alignment = metadata.get("general.alignment", 32)
    if not isinstance(alignment, int) or alignment <= 0 or alignment & (alignment - 1):
        source.fail("its alignment is not a power of two")
    return alignment


def _read_tensors(source: Bounded, count: int, alignment: int) -> tuple[Tensor, ...]:
    tensors: list[Tensor] = []
    names: set[str] = set()
    offset = 0
    for number in range(count):
        source.ahead = (count - number) * TENSOR_BYTES
        tensor = _read_tensor(source)
        if tensor.name in names:
            source.fail(f"the tensor “{tensor.name}” comes twice")
        if tensor.offset != offset:
            source.fail(f"the tensor “{tensor.name}” is not where it should be")
        names.add(tensor.name)
        tensors.append(tensor)
        offset += tensor.size_bytes + -tensor.size_bytes % alignment
    return tuple(tensors)


def _read_tensor(source: Bounded) -> Tensor:
    name = source.text(MAX_TENSOR_NAME_BYTES, "the name of a tensor")
    dimensions = source.u32()
    if dimensions > 4:
        source.fail(f"the tensor “{name}” has {dimensions} dimensions")
    shape = tuple(source.u64() for _ in range(dimensions))
    kind, offset = source.u32(), source.u64()
    if kind not in TYPES:
        source.fail(f"the tensor “{name}” is stored in a way (number {kind}) that this version does not know")
    _, block, block_bytes = TYPES[kind]
    row = shape[0] if shape else 1
    if row % block:
        source.fail(f"the rows of the tensor “{name}” are no whole blocks")
    size_bytes = math.prod(shape) // block * block_bytes
    if size_bytes >= 1 << 62:
        source.fail(f"the tensor “{name}” has an impossible size")
    return Tensor(name, shape, kind, offset, size_bytes)
