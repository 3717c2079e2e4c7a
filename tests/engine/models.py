"""GGUF models that recite: each token leads to the next of a script, so that every answer is known before it is given.

A Llama with one-hot embeddings, layers that add nothing, and an output that maps each token to its successor. The layers
still have to be computed, so many of them make a model as slow as a test needs. Text is bytes: an emoji is four tokens.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
SPECIAL = ("<|im_start|>", "<|im_end|>", "<think>", "</think>", "<|channel|>", "<|message|>")
END = "<|im_end|>"
WORDS = tuple(f" word{n}" for n in range(12))


def _byte_letters() -> list[str]:
    """The letters that byte-level vocabularies write for the 256 bytes."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = iter(range(256, 512))
    return [chr(byte) if byte in printable else chr(next(others)) for byte in range(256)]


LETTERS = _byte_letters()


def spelled(text: str) -> str:
    """`text` as a byte-level vocabulary writes it."""
    return "".join(LETTERS[byte] for byte in text.encode())


def write(
    path: Path,
    script: Sequence[str | bytes],
    *,
    template: str | None = CHATML,
    prompt_end: str = "\n",
    metadata: dict[str, float | int | str] | None = None,
    layers: int = 1,
    width: int = 512,
    hidden: int = 64,
    context: int = 16384,
    architecture: str = "llama",
    window: int | None = None,
) -> Path:
    """Write a model that recites `script` after `prompt_end`, in a circle unless it ends with END; no token twice.

    With a window, in tokens, it is a Gemma, most of whose layers look back no further than that.
    A part of the script is a special token, a byte (of any character), or a text that becomes one token.
    """
    texts = [part for part in script if isinstance(part, str) and part not in SPECIAL]
    tokens = [*SPECIAL, *LETTERS, *map(spelled, dict.fromkeys(texts))]
    kinds = [gguf.TokenType.CONTROL] * 2 + [gguf.TokenType.USER_DEFINED] * 2 + [gguf.TokenType.CONTROL] * 2
    kinds += [gguf.TokenType.NORMAL] * (len(tokens) - len(kinds))
    ids = {token: index for index, token in enumerate(tokens)}
    start, *steps = (ids[_token(part)] for part in (prompt_end, *script))
    if len(set(steps)) != len(steps):
        raise ValueError("a recited token can have one successor only")
    output = np.zeros((len(tokens), width), dtype=np.float32)
    for this, following in zip([start, *steps], [*steps, steps[0]], strict=True):
        output[following, this] = 10.0
    writer = gguf.GGUFWriter(path, "gemma3" if window else architecture)
    writer.add_name("Recital")
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(hidden)
    writer.add_head_count(width // 64)
    writer.add_head_count_kv(width // 64)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(64)
    if window:
        writer.add_sliding_window(window)
        writer.add_key_length(64)
        writer.add_value_length(64)
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(["Ġ w"])
    writer.add_bos_token_id(ids["<|im_start|>"])
    writer.add_eos_token_id(ids[END])
    writer.add_add_bos_token(False)
    if template is not None:
        writer.add_chat_template(template)
    for key, value in (metadata or {}).items():
        _add(writer, key, value)
    _add_tensors(writer, layers, width, hidden, output)
    if window:
        _add_norms_of_gemma(writer, layers, width)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _token(part: str | bytes) -> str:
    if isinstance(part, bytes):
        return LETTERS[part[0]]
    return part if part in SPECIAL else spelled(part)


def _add(writer: Any, key: str, value: float | int | str) -> None:
    if isinstance(value, str):
        writer.add_string(key, value)
    elif isinstance(value, int):
        writer.add_uint32(key, value)
    else:
        writer.add_float32(key, value)


def _add_tensors(writer: Any, layers: int, width: int, hidden: int, output: Any) -> None:
    def add(name: str, rows: int, columns: int) -> None:
        writer.add_tensor(f"{name}.weight", np.zeros((rows, columns), dtype=np.float16))

    embedding = np.zeros((len(output), width), dtype=np.float32)
    np.fill_diagonal(embedding, 1.0)
    writer.add_tensor("token_embd.weight", embedding.astype(np.float16))
    writer.add_tensor("output.weight", output.astype(np.float16))
    writer.add_tensor("output_norm.weight", np.ones(width, dtype=np.float32))
    for layer in range(layers):
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{layer}.{name}", width, width)
        add(f"blk.{layer}.ffn_gate", hidden, width)
        add(f"blk.{layer}.ffn_up", hidden, width)
        add(f"blk.{layer}.ffn_down", width, hidden)
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(width, dtype=np.float32))


def _add_norms_of_gemma(writer: Any, layers: int, width: int) -> None:
    for layer in range(layers):
        for name, size in (("attn_q_norm", 64), ("attn_k_norm", 64), ("post_attention_norm", width), ("post_ffw_norm", width)):
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(size, dtype=np.float32))
