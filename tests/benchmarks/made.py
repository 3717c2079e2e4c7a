"""Models of well-known shapes with random weights in the mix of Q4_K_M: as large and as slow as the real ones, but senseless.

Their vocabulary spells every byte, so that they can be asked, by llama.cpp's own tools, too: a letter is a token.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import gguf
import numpy as np
from gguf import GGMLQuantizationType as Kind

from tests.engine.models import CHATML, LETTERS

SPECIAL = ("<|im_start|>", "<|im_end|>")
ROWS = 1 << 16  # blocks of weights that are made at once


@dataclass(frozen=True)
class Shape:
    """Lengths in numbers; embeddings serve as output too, as in the small models of these families."""

    architecture: str
    layers: int
    width: int
    inner: int
    heads: int
    key_heads: int
    head: int
    vocabulary: int


SHAPES = {
    "0.6B": Shape("qwen3", 28, 1024, 3072, 16, 8, 128, 151936),  # Qwen3 0.6B
    "1B": Shape("llama", 16, 2048, 8192, 32, 8, 64, 128256),  # Llama 3.2 1B
    "4B": Shape("qwen3", 36, 2560, 9728, 32, 8, 128, 151936),  # Qwen3 4B
}


def write(name: str, path: Path) -> Path:
    """Write the model of this shape, unless it is there."""
    if not path.exists():
        part = path.with_suffix(".part")
        _write(SHAPES[name], name, part)
        part.rename(path)
    return path


def _write(shape: Shape, name: str, path: Path) -> None:
    writer = gguf.GGUFWriter(path, shape.architecture)
    writer.add_name(f"Random {name}")
    writer.add_block_count(shape.layers)
    writer.add_context_length(32768)
    writer.add_embedding_length(shape.width)
    writer.add_feed_forward_length(shape.inner)
    writer.add_head_count(shape.heads)
    writer.add_head_count_kv(shape.key_heads)
    writer.add_key_length(shape.head)
    writer.add_value_length(shape.head)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(1e6)
    writer.add_file_type(15)
    _add_vocabulary(writer, shape.vocabulary)
    random = np.random.default_rng(0)
    for tensor, lengths, kind in _tensors(shape):
        if kind == Kind.F32:
            writer.add_tensor(f"{tensor}.weight", np.ones(lengths, np.float32))
        else:
            writer.add_tensor(f"{tensor}.weight", _weights(random, lengths, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _add_vocabulary(writer: gguf.GGUFWriter, size: int) -> None:
    tokens = [*SPECIAL, *LETTERS]
    tokens += [f"Ġw{number}" for number in range(size - len(tokens))]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types([gguf.TokenType.CONTROL] * len(SPECIAL) + [gguf.TokenType.NORMAL] * (size - len(SPECIAL)))
    writer.add_token_merges(["Ġ w"])
    writer.add_bos_token_id(0)
    writer.add_eos_token_id(1)
    writer.add_add_bos_token(False)
    writer.add_chat_template(CHATML)


def _tensors(shape: Shape) -> Iterator[tuple[str, tuple[int, ...], Kind]]:
    """Name, lengths and type of each, as llama-quantize chooses them for Q4_K_M."""
    width, inner = shape.width, shape.inner
    queries, keys = shape.heads * shape.head, shape.key_heads * shape.head
    yield "token_embd", (shape.vocabulary, width), Kind.Q6_K
    yield "output_norm", (width,), Kind.F32
    edge = shape.layers // 8
    for layer in range(shape.layers):
        rich = layer < edge or layer >= 7 * shape.layers // 8 or (layer - edge) % 3 == 2
        better = Kind.Q6_K if rich else Kind.Q4_K
        named = {
            "attn_norm": ((width,), Kind.F32),
            "attn_q": ((queries, width), Kind.Q4_K),
            "attn_k": ((keys, width), Kind.Q4_K),
            "attn_v": ((keys, width), better),
            "attn_output": ((width, queries), Kind.Q4_K),
            "ffn_norm": ((width,), Kind.F32),
            "ffn_gate": ((inner, width), Kind.Q4_K),
            "ffn_up": ((inner, width), Kind.Q4_K),
            "ffn_down": ((width, inner), better),
        }
        if shape.architecture == "qwen3":
            named |= {"attn_q_norm": ((shape.head,), Kind.F32), "attn_k_norm": ((shape.head,), Kind.F32)}
        for name, (lengths, kind) in named.items():
            yield f"blk.{layer}.{name}", lengths, kind


def _weights(random: np.random.Generator, lengths: tuple[int, ...], kind: Kind) -> np.ndarray:
    """Random bits under small scales, which must be true numbers."""
    block, size = gguf.GGML_QUANT_SIZES[kind]
    made = np.empty((*lengths[:-1], lengths[-1] // block * size), np.uint8)
    blocks = made.reshape(-1, size)
    for start in range(0, len(blocks), ROWS):
        part = blocks[start : start + ROWS]
        part[:] = random.integers(0, 256, part.shape, np.uint8)
    if kind == Kind.Q4_K:
        blocks[:, :4] = np.array([3e-4, 24e-4], np.float16).view(np.uint8)
    else:
        blocks[:, 208:] = np.array([3e-5], np.float16).view(np.uint8)
    return made
