"""A made model, to measure a computer with: a true GGUF of a given shape whose weights are a hole in the file, so all zeros.

What a processor does with a weight does not depend on its value, so zeros take as long as others (tests/benchmarks/speed.py).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from desktop.gguf import TYPES

ALIGNMENT = 32
STRING, FLOAT, NUMBER = 8, 6, 4  # kinds of metadata
HEAD = 128  # numbers in one attention head


@dataclass(frozen=True)
class Made:
    """The shape of a made model: lengths in numbers; `weights` names the type of everything that is multiplied."""

    layers: int
    width: int
    inner: int  # of the feed-forward part
    heads: int
    key_heads: int
    weights: str
    vocabulary: int = 512
    context: int = 1024

    @property
    def layer_weights(self) -> int:
        """Numbers that one layer multiplies with: all of them, and those of keys and values."""
        return self.width * (2 * HEAD * (self.heads + self.key_heads) + 3 * self.inner)

    @property
    def weights_read(self) -> int:
        """Numbers that are read for a token."""
        return self.layers * self.layer_weights + self.width * self.vocabulary

    @property
    def read_ahead_weights(self) -> int:
        """Numbers that each token of a question is multiplied with: of the last layer only the keys and values matter."""
        return (self.layers - 1) * self.layer_weights + self.width * HEAD * (2 * self.key_heads + self.heads)

    @property
    def bytes_read(self) -> int:
        """Bytes of weights that are read for a token."""
        _, block, size = TYPES[_number(self.weights)]
        return self.weights_read // block * size


def write(made: Made, path: Path) -> None:
    """Write the model. Raises OSError, also where there is no room for it."""
    tensors, infos, offset = list(_tensors(made)), b"", 0
    for name, shape, kind in tensors:
        number = _number(kind)
        _, block, size = TYPES[number]
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        lengths = b"".join(struct.pack("<Q", length) for length in shape)
        infos += _text(name) + struct.pack("<I", len(shape)) + lengths + struct.pack("<IQ", number, offset)
        offset += -(-(count // block * size) // ALIGNMENT) * ALIGNMENT
    metadata = _metadata(made)
    head = b"GGUF" + struct.pack("<IQQ", 3, len(tensors), len(metadata)) + b"".join(metadata) + infos
    head += bytes(-len(head) % ALIGNMENT)
    with path.open("wb") as file:
        file.write(head)
        file.truncate(len(head) + offset)


def _tensors(made: Made) -> Iterator[tuple[str, tuple[int, ...], str]]:
    """Name, shape (row length first) and type of each."""
    width, kind, heads, keys = made.width, made.weights, made.heads * HEAD, made.key_heads * HEAD
    yield "token_embd.weight", (width, made.vocabulary), kind
    yield "output_norm.weight", (width,), "F32"
    for number in range(made.layers):
        layer = f"blk.{number}."
        yield layer + "attn_norm.weight", (width,), "F32"
        yield layer + "attn_q.weight", (width, heads), kind
        yield layer + "attn_k.weight", (width, keys), kind
        yield layer + "attn_v.weight", (width, keys), kind
        yield layer + "attn_output.weight", (heads, width), kind
        yield layer + "ffn_norm.weight", (width,), "F32"
        yield layer + "ffn_gate.weight", (width, made.inner), kind
        yield layer + "ffn_up.weight", (width, made.inner), kind
        yield layer + "ffn_down.weight", (made.inner, width), kind


def _metadata(made: Made) -> list[bytes]:
    numbers = {
        "block_count": made.layers, "context_length": made.context, "embedding_length": made.width,
        "feed_forward_length": made.inner, "attention.head_count": made.heads, "attention.head_count_kv": made.key_heads,
        "attention.key_length": HEAD, "attention.value_length": HEAD, "rope.dimension_count": HEAD, "vocab_size": made.vocabulary,
    }  # fmt: skip
    return [
        _text("general.architecture") + struct.pack("<I", STRING) + _text("llama"),
        _text("tokenizer.ggml.model") + struct.pack("<I", STRING) + _text("no_vocab"),
        _text("llama.attention.layer_norm_rms_epsilon") + struct.pack("<If", FLOAT, 1e-5),
        *(_text(f"llama.{key}") + struct.pack("<II", NUMBER, value) for key, value in numbers.items()),
    ]


def _text(text: str) -> bytes:
    return struct.pack("<Q", len(text)) + text.encode()


def _number(kind: str) -> int:
    return next(number for number, (name, _, _) in TYPES.items() if name == kind)
