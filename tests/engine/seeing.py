"""A model that sees, made by hand: it answers with the colour of the picture it was shown, so that a test knows what it saw.

The projector turns each patch of a picture into its mean red, green and blue. The model's only layer adds to every token the mean
of what was seen so far, and its output prefers the word of the strongest colour until it was said.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import gguf
import numpy as np

from tests.engine import models

COLOURS = (" red", " green", " blue")
FIRST = 400  # of the three numbers of a token that stand for the colours; no token has them by itself
WIDTH = 512


def model(path: Path, **options: Any) -> Path:
    """It needs a projector to see."""
    return models.write(path, [*COLOURS, models.END], width=WIDTH, eyes=range(FIRST, FIRST + 3), **options)


def projector(
    path: Path,
    *,
    kind: str = "gemma3",
    side: int = 32,
    patch: int = 8,
    width: int = 64,
    hidden: int = 64,
    layers: int = 1,
    heads: int = 1,
    towards: int = WIDTH,
    rambling: bool = False,
    metadata: Mapping[str, str] = MappingProxyType({}),
) -> Path:
    """A projector of Gemma 3's or Qwen 2's kind: of `side` px, cut into patches, of `layers` that add nothing but work.

    A rambling one has random weights, and makes something else of every detail.
    """
    writer = gguf.GGUFWriter(path, "clip")
    writer.add_type("mmproj")
    writer.add_bool("clip.has_vision_encoder", True)
    writer.add_string("clip.projector_type", kind)
    writer.add_bool("clip.use_gelu", True)
    numbers = {
        "embedding_length": width, "feed_forward_length": hidden, "block_count": layers, "projection_dim": towards,
        "attention.head_count": heads, "image_size": side, "patch_size": patch, "projector.scale_factor": 2,
    }  # fmt: skip
    for key, value in numbers.items():
        writer.add_uint32(f"clip.vision.{key}", value)
    for key, text in metadata.items():
        writer.add_string(key, text)
    writer.add_float32("clip.vision.attention.layer_norm_epsilon", 1e-6)
    writer.add_array("clip.vision.image_mean", [0.5 if rambling else 0.0] * 3)
    writer.add_array("clip.vision.image_std", [0.3 if rambling else 1.0] * 3)
    chance = np.random.default_rng(3)
    for name, values in _tensors(kind, (side // patch) ** 2, patch, width, hidden, layers, towards):
        if rambling and name in ("v.patch_embd.weight", "mm.2.weight", "mm.input_projection.weight"):
            values = chance.standard_normal(values.shape).astype(values.dtype)
        writer.add_tensor(name, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _tensors(
    kind: str, patches: int, patch: int, width: int, hidden: int, layers: int, towards: int
) -> Iterator[tuple[str, Any]]:
    single, half = np.float32, np.float16
    eye = np.zeros((width, 3, patch, patch), half)
    for colour in range(3):
        eye[colour, colour] = 1 / patch**2
    yield from _projection(kind, eye, width, towards)
    if kind == "gemma3":
        yield "v.position_embd.weight", np.zeros((patches, width), single)
    for layer in range(layers):
        block = f"v.blk.{layer}."
        for name in ("attn_q", "attn_k", "attn_v", "attn_out"):
            yield f"{block}{name}.weight", np.zeros((width, width), half)
            yield f"{block}{name}.bias", np.zeros(width, single)
        yield f"{block}ffn_up.weight", np.zeros((hidden, width), half)
        yield f"{block}ffn_up.bias", np.zeros(hidden, single)
        yield f"{block}ffn_down.weight", np.zeros((width, hidden), half)
        yield f"{block}ffn_down.bias", np.zeros(width, single)
        for name in ("ln1", "ln2"):
            yield f"{block}{name}.weight", np.ones(width, single)
            yield f"{block}{name}.bias", np.zeros(width, single)


def _projection(kind: str, eye: Any, width: int, towards: int) -> Iterator[tuple[str, Any]]:
    """From patches to tokens: Gemma pools four of them, Qwen joins four."""
    half, single = np.float16, np.float32
    out = np.zeros((towards, width), half)
    for number in range(4):
        out[(FIRST + number) % towards, number] = 1.0
    always = np.zeros(width, single)
    always[3] = 0.1  # something of black, too: a token of nothing but zeros breaks the arithmetic
    if kind == "gemma3":
        yield "v.patch_embd.weight", eye
        yield "v.patch_embd.bias", always
        yield "mm.soft_emb_norm.weight", np.ones(width, single)
        yield "mm.input_projection.weight", np.ascontiguousarray(out.T)
        return
    yield "v.patch_embd.weight", eye
    yield "v.patch_embd.weight.1", np.zeros_like(eye)
    yield "mm.0.weight", np.eye(4 * width, dtype=half)
    yield "mm.0.bias", np.zeros(4 * width, single)
    yield "mm.2.weight", np.concatenate([out, *(np.zeros_like(out) for _ in range(3))], axis=1)
    yield "mm.2.bias", out.astype(single) @ always
