"""GGUF models that recite: each token leads to the next of a script, so that every answer is known before it is given.

A Llama with one-hot embeddings, layers that add nothing, and an output that maps each token to its successor. The layers
still have to be computed, so many of them make a model as slow as a test needs. Text is bytes: an emoji is four tokens.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import gguf
import numpy as np

CHATML = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n{{ m.content }}<|im_end|>\n{% endfor %}"
    "{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
CHOICE = CHATML + "{{ '<think>' if enable_thinking is not defined or enable_thinking else '<think></think>' }}"
SPECIAL = ("<|im_start|>", "<|im_end|>", "<think>", "</think>", "<|channel|>", "<|message|>")
END = "<|im_end|>"
WORDS = tuple(f" word{n}" for n in range(12))
ALPHABET = tuple(bytes([byte]) for byte in b"abcdefghijklmnopqrstuvwxyz")  # text in which each token is told by its letter


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
    packed: bool = False,
    eyes: range = range(0),
) -> Path:
    """Write a model that recites `script` after `prompt_end`, in a circle unless it ends with END; no token twice.

    With a window, in tokens, it is a Gemma, most of whose layers look back no further than that. Packed, the weights of layers
    are in 8 bits. With `eyes`, it recites nothing, but says the word of the script whose number (of those in `eyes`, in order) is
    the strongest in what it was shown.
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
    if eyes:
        output = _output_of_eyes(len(tokens), width, eyes, steps)
    writer = gguf.GGUFWriter(path, "gemma3" if window else architecture)
    writer.add_name("Recital")
    _add_sizes(writer, layers, width, hidden, context)
    if window:
        _add_window(writer, window)
    _add_words(writer, tokens, kinds, template)
    for key, value in (metadata or {}).items():
        _add(writer, key, value)
    if architecture == "qwen2vl":
        writer.add_array("qwen2vl.rope.dimension_sections", [8, 12, 12, 0])
    _add_tensors(writer, layers, width, hidden, output, packed, eyes)
    if window:
        _add_norms_of_gemma(writer, layers, width)
    return _finish(writer, path)


def write_rambler(path: Path, kind: str = "llama", *, template: str | None = CHATML, context: int = 16384) -> Path:
    """Write a model of random weights, whose every token depends on all that it has read: "llama", "gemma3" (most of whose layers
    look back 64 tokens), "mamba" (whose memory is a state that cannot go back), "lfm2" (which has both) or "qwen2vl" (which
    counts the places of a picture by row and column)."""
    layers, width, scale = 7, 128, 0.5 if kind == "mamba" else 3.0
    tokens = [*SPECIAL, *LETTERS]
    kinds = [gguf.TokenType.CONTROL] * len(SPECIAL) + [gguf.TokenType.NORMAL] * len(LETTERS)
    chance = np.random.default_rng(7)
    writer = gguf.GGUFWriter(path, kind)
    writer.add_name(f"Rambler ({kind})")
    _add_sizes(writer, layers, width, width, context)
    _add_words(writer, tokens, kinds, template)

    def add(name: str, *shape: int) -> None:
        weights = np.ones(shape) if name.endswith("norm") else chance.standard_normal(shape) * scale / np.sqrt(shape[-1])
        ending = "" if name.endswith(("ssm_a", "ssm_d", ".bias")) else ".weight"
        if name.endswith("ssm_a"):
            weights = -np.exp(weights)
        if name == ("output" if kind in ("llama", "mamba", "qwen2vl") else "token_embd"):  # so that it rambles in letters
            weights[[not (len(token) == 1 and token.isascii() and token.isalpha()) for token in tokens]] = 0
        writer.add_tensor(f"{name}{ending}", weights.astype(np.float32))

    add("token_embd", len(tokens), width)
    add("token_embd_norm" if kind == "lfm2" else "output_norm", width)
    if kind in ("llama", "mamba", "qwen2vl"):
        add("output", len(tokens), width)
    if kind == "gemma3":
        _add_window(writer, 64)
    if kind == "qwen2vl":
        writer.add_array("qwen2vl.rope.dimension_sections", [8, 12, 12, 0])
    if kind == "mamba":
        for key, value in (("conv_kernel", 4), ("inner_size", 256), ("state_size", 16), ("time_step_rank", 16)):
            writer.add_uint32(f"mamba.ssm.{key}", value)
    if kind == "lfm2":
        writer.add_uint32("lfm2.shortconv.l_cache", 3)
        writer.add_array("lfm2.attention.head_count_kv", [2 * (layer % 2) for layer in range(layers)])
    for layer in range(layers):
        for name, *shape in _rambling_layer(kind, width, plain=kind != "lfm2" or layer % 2 == 1):
            add(f"blk.{layer}.{name}", *shape)
    return _finish(writer, path)


def _rambling_layer(kind: str, width: int, plain: bool) -> Iterator[tuple[Any, ...]]:
    """Names and shapes of the tensors of a layer."""
    yield "attn_norm", width
    if kind == "mamba":
        yield from (("ssm_in", 512, width), ("ssm_conv1d", 256, 4), ("ssm_conv1d.bias", 256), ("ssm_x", 48, 256))
        yield from (("ssm_dt", 256, 16), ("ssm_dt.bias", 256), ("ssm_a", 256, 16), ("ssm_d", 256), ("ssm_out", width, 256))
        return
    if plain:
        yield from ((f"attn_{name}", width, width) for name in ("q", "k", "v", "output"))
    else:
        yield from (("shortconv.conv", width, 3), ("shortconv.in_proj", 3 * width, width), ("shortconv.out_proj", width, width))
    if kind in ("gemma3", "lfm2") and plain:
        yield from (("attn_q_norm", 64), ("attn_k_norm", 64))
    if kind == "gemma3":
        yield from (("post_attention_norm", width), ("post_ffw_norm", width))
    yield "ffn_norm", width
    yield from ((f"ffn_{name}", width, width) for name in ("gate", "up", "down"))


def _add_sizes(writer: Any, layers: int, width: int, hidden: int, context: int) -> None:
    writer.add_context_length(context)
    writer.add_embedding_length(width)
    writer.add_block_count(layers)
    writer.add_feed_forward_length(hidden)
    writer.add_head_count(width // 64)
    if writer.arch != "lfm2":
        writer.add_head_count_kv(width // 64)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(64)


def _add_window(writer: Any, window: int) -> None:
    writer.add_sliding_window(window)
    writer.add_key_length(64)
    writer.add_value_length(64)


def _add_words(writer: Any, tokens: list[str], kinds: list[int], template: str | None) -> None:
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list(tokens)
    writer.add_token_types(kinds)
    writer.add_token_merges(["Ġ w"])
    writer.add_bos_token_id(tokens.index("<|im_start|>"))
    writer.add_eos_token_id(tokens.index(END))
    writer.add_add_bos_token(False)
    if template is not None:
        writer.add_chat_template(template)


def _finish(writer: Any, path: Path) -> Path:
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def write_thinker(path: Path, template: str = CHOICE) -> Path:
    """Write a model that offers the choice to think before it answers "It is"."""
    return write(path, ["let", " me", "</think>", "It", " is", END], template=template, prompt_end="<think>")


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


def _output_of_eyes(words: int, width: int, eyes: range, steps: Sequence[int]) -> Any:
    """Each word follows from its number until one of them was said; then comes the last step, which is the end."""
    output = np.zeros((words, width), dtype=np.float32)
    for number, word in zip(eyes, steps, strict=False):
        output[word, number] = 0.3
        output[steps[-1], word] = 10.0
    return output


def _add_tensors(writer: Any, layers: int, width: int, hidden: int, output: Any, packed: bool, eyes: range) -> None:
    kind = gguf.GGMLQuantizationType.Q8_0 if packed else gguf.GGMLQuantizationType.F16

    def add(name: str, rows: int, columns: int) -> None:
        zeros = gguf.quants.quantize(np.zeros((rows, columns), dtype=np.float32), kind)
        writer.add_tensor(f"{name}.weight", zeros, raw_dtype=kind)

    embedding = np.zeros((len(output), width), dtype=np.float32)
    np.fill_diagonal(embedding, 1.0)
    writer.add_tensor("token_embd.weight", embedding.astype(np.float16))
    writer.add_tensor("output.weight", output.astype(np.float16))
    writer.add_tensor("output_norm.weight", np.ones(width, dtype=np.float32))
    for layer in range(layers):
        look = np.zeros((width, width), dtype=np.float16)
        look[eyes, eyes] = 1.0  # every token sees the mean of these numbers so far
        for name in ("attn_q", "attn_k"):
            add(f"blk.{layer}.{name}", width, width)
        for name in ("attn_v", "attn_output"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", look)
        add(f"blk.{layer}.ffn_gate", hidden, width)
        add(f"blk.{layer}.ffn_up", hidden, width)
        add(f"blk.{layer}.ffn_down", width, hidden)
        for name in ("attn_norm", "ffn_norm"):
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(width, dtype=np.float32))


def _add_norms_of_gemma(writer: Any, layers: int, width: int) -> None:
    for layer in range(layers):
        for name, size in (("attn_q_norm", 64), ("attn_k_norm", 64), ("post_attention_norm", width), ("post_ffw_norm", width)):
            writer.add_tensor(f"blk.{layer}.{name}.weight", np.ones(size, dtype=np.float32))
