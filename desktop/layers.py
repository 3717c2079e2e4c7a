"""What each layer of a model keeps while a conversation goes on, from a GGUF's header.

The rules of each architecture follow llama.cpp (src/models/*.cpp, llama-hparams.cpp, llama-kv-cache-iswa.cpp);
tests/test_shape.py asks the engine itself, for every architecture in tests/architectures.py.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from desktop.gguf import Header, Tensor, Value

BATCH = 512  # tokens that the engine reads at once, at most
CELL_STEP = 256  # conversation memory comes in steps of so many tokens
STATE_BYTES = 4  # recurrent states are kept as 32-bit floats
KV_BYTES = {"f16": 2.0, "q8_0": 34 / 32, "q4_0": 18 / 32}  # per number

# architecture: (every how many layers one sees the whole conversation, whether it is the first or the last of them)
SLIDING = {
    "afmoe": (4, False), "cohere2": (4, False), "cohere2moe": (4, True), "exaone-moe": (4, False), "exaone4": (4, False),
    "gemma2": (2, False), "gemma3": (6, False), "gemma3n": (5, False), "gemma4": (6, False), "gpt-oss": (2, False),
    "granite_swa": (4, False), "laguna": (4, True), "llama4": (4, False), "maple": (4, False), "mellum": (4, False),
    "mimo2": (6, False), "muse-glimmer": (4, False), "olmo2": (4, False), "plamo3": (8, False), "smallthinker": (4, True),
    "spark2_5": (4, False), "step35": (4, False),
}  # fmt: skip
WINDOWS = {"exaone-moe": 128, "exaone4": 4096, "gemma2": 4096, "llama4": 8192}  # where the file is silent
FIXED_WINDOWS = {"llama4": 8192, "smallthinker": 4096}  # whatever the file says, unless that is none
RECURRENT = {"arwkv7", "mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7"}
INTERVAL = {"minimax-01": 8, "qwen35": 4, "qwen35moe": 4, "qwen3next": 4, "qwen4exp": 4}  # one of so many has attention
BOTH = {"falcon-h1"}  # attention and a state in every layer
HEADLESS = {  # a layer without key heads keeps a state instead
    "bailingmoe3", "glm5-next", "granitehybrid", "jamba", "kimi-k3", "kimi-linear", "lfm2", "lfm2moe", "nemotron_h",
    "nemotron_h_moe", "plamo2",
}  # fmt: skip


@dataclass(frozen=True)
class Layer:
    """What one layer keeps while a conversation goes on.

    kind: "full" (keys and values of the whole conversation), "sliding" (of the last `window` tokens), "recurrent" (only a
    state of fixed size) or "none" (nothing: feed-forward only, or it shares another layer's memory). A layer may have both
    keys and a state (Falcon-H1).
    """

    kind: str = "full"
    key_numbers: int = 0  # numbers kept per token for the keys of all heads
    value_numbers: int = 0  # and for the values
    window: int = 0  # tokens; sliding layers only
    state_bytes: int = 0  # constant, whatever the length of the conversation
    weights_bytes: int = 0  # of this layer; 0 = an equal share of the model's

    def memory_bytes(self, context: int, kv_type: str = "f16") -> int:
        """Bytes of conversation memory for `context` tokens."""
        return int(cells(self, context) * (self.key_numbers + self.value_numbers) * KV_BYTES[kv_type]) + self.state_bytes


def padded(tokens: int) -> int:
    return tokens + -tokens % CELL_STEP


def cells(layer: Layer, context: int) -> int:
    """Tokens that a layer keeps."""
    if layer.kind == "sliding":
        return min(padded(context), padded(layer.window + BATCH))
    return padded(context) if layer.kind == "full" else 0


def entry(header: Header, key: str, default: int = 0) -> int:
    value = header.get(key)
    return max(0, value) if isinstance(value, int) else default


def largest_entry(header: Header, key: str) -> int:
    """One number, or the largest of a list with one per layer."""
    value = header.get(key)
    numbers = value if isinstance(value, tuple) else (value,)
    return max(number for number in (0, *numbers) if isinstance(number, int))


def _per_layer(value: Value | None, count: int, default: int) -> list[int]:
    """One number per layer from a list or from one number for all."""
    if isinstance(value, tuple):
        numbers = [max(0, number) if isinstance(number, int) else default for number in value]
        return (numbers + [default] * count)[:count]
    return [max(0, value) if isinstance(value, int) else default] * count


def read_layers(header: Header) -> tuple[Layer, ...]:
    """All layers in order; the extra ones that only guess ahead (multi-token prediction) keep nothing."""
    count = min(entry(header, "block_count"), 4096)
    blocks = count - entry(header, "nextn_predict_layers")
    sliding, window = _sliding(header, count)
    recurrent = _recurrent(header, count)
    heads = _per_layer(header.get("attention.head_count"), count, 0)
    key_heads = _per_layer(header.get("attention.head_count_kv"), count, max(heads, default=0))
    widths = _per_layer(header.get("feed_forward_length"), count, 0)
    with_keys = _layers_with_keys(header, count)
    weights = [size if at < blocks else 0 for at, size in enumerate(_weights(header.tensors, count))]  # those are not loaded
    state_bytes = _state_bytes(header)
    layers = []
    for number in range(count):
        keys, values = _key_numbers(header, sliding[number], key_heads[number])
        silent = number >= min(blocks, with_keys) or (header.architecture.startswith("nemotron_h") and widths[number] > 0)
        if header.architecture in BOTH:
            layer = Layer("full", keys, values, 0, state_bytes, weights[number])
        elif not silent and recurrent[number]:
            layer = Layer("recurrent", state_bytes=state_bytes, weights_bytes=weights[number])
        elif silent or keys + values == 0:
            layer = Layer("none", weights_bytes=weights[number])
        elif sliding[number]:
            layer = Layer("sliding", keys, values, window, 0, weights[number])
        else:
            layer = Layer("full", keys, values, weights_bytes=weights[number])
        layers.append(layer)
    return tuple(layers)


def _sliding(header: Header, count: int) -> tuple[list[bool], int]:
    """Which layers see only a window, and how wide it is."""
    nowhere = [False] * count
    window = entry(header, "attention.sliding_window", WINDOWS.get(header.architecture, 0))
    if header.architecture == "lfm2" and window:
        return [not recurrent for recurrent in _recurrent(header, count)], window
    if header.architecture not in SLIDING or not window or (header.architecture == "exaone4" and count != 64):
        return nowhere, 0
    window = FIXED_WINDOWS.get(header.architecture, window)
    period, first = SLIDING[header.architecture]
    pattern = header.get("attention.sliding_window_pattern")
    if isinstance(pattern, tuple):
        return [bool(item) for item in _per_layer(pattern, count, 0)], window
    if isinstance(pattern, int):
        period = pattern
    if period == 0:
        return [True] * count, window
    return [number % period != (0 if first else period - 1) for number in range(count)], window


def _recurrent(header: Header, count: int) -> list[bool]:
    if header.architecture in RECURRENT:
        return [True] * count
    if header.architecture in INTERVAL:
        marked = header.get("attention.recurrent_layers")
        if marked is not None:
            return [bool(item) for item in _per_layer(marked, count, 0)]
        interval = max(1, entry(header, "full_attention_interval", INTERVAL[header.architecture]))
        return [(number + 1) % interval != 0 for number in range(count)]
    if header.architecture in HEADLESS:
        return [heads == 0 for heads in _per_layer(header.get("attention.head_count_kv"), count, 1)]
    return [False] * count


def _layers_with_keys(header: Header, count: int) -> int:
    """How many of the first layers keep keys; those after them use theirs."""
    if header.architecture == "gemma3n":
        return 20
    return count - entry(header, "attention.shared_kv_layers") if header.architecture == "gemma4" else count


def head_lengths(header: Header) -> tuple[int, ...]:
    """Numbers that a head keeps per token, for keys and values, with and without a window."""
    usual = entry(header, "embedding_length") // max(1, largest_entry(header, "attention.head_count"))
    keys = ("key_length", "value_length", "key_length_swa", "value_length_swa")
    return tuple(entry(header, f"attention.{key}", usual if key in keys[:2] else 0) for key in keys)


def _key_numbers(header: Header, sliding: bool, key_heads: int) -> tuple[int, int]:
    """Numbers per token for keys and for values of one layer."""
    usual = entry(header, "embedding_length") // max(1, largest_entry(header, "attention.head_count"))
    key, value = entry(header, "attention.key_length", usual), entry(header, "attention.value_length", usual)
    if sliding:
        key, value = entry(header, "attention.key_length_swa", key), entry(header, "attention.value_length_swa", value)
    if entry(header, "attention.key_length_mla") and entry(header, "attention.value_length_mla"):
        value = 0  # latent attention: the values are part of the keys
    index = entry(header, "attention.indexer.key_length")
    return key * key_heads + (index if key_heads else 0), value * key_heads


def _state_bytes(header: Header) -> int:
    """Bytes of the state of a recurrent layer (llama_hparams::n_embd_r and n_embd_s)."""
    width = entry(header, "embedding_length")
    convolution = max(entry(header, "ssm.conv_kernel") - 1, 0)
    inner, state = entry(header, "ssm.inner_size"), entry(header, "ssm.state_size")
    if wkv := entry(header, "wkv.head_size"):
        numbers = entry(header, "token_shift_count", 2) * width + width * wkv
    elif short := entry(header, "shortconv.l_cache"):
        numbers = width * (short - 1)
    elif head := entry(header, "kda.head_dim"):
        heads = largest_entry(header, "attention.head_count")
        numbers = 3 * (convolution or 3) * heads * head + head * head * heads
    elif header.architecture == "minimax-01":
        numbers = head_lengths(header)[0] ** 2 * largest_entry(header, "attention.head_count")
    else:
        numbers = convolution * (inner + 2 * entry(header, "ssm.group_count") * state) + state * inner
    return numbers * STATE_BYTES


BLOCK = re.compile(r"blk\.(\d+)\.")


def _weights(tensors: Sequence[Tensor], count: int) -> list[int]:
    weights = [0] * count
    for tensor in tensors:
        found = BLOCK.match(tensor.name)
        if found and int(found[1]) < count:
            weights[int(found[1])] += tensor.size_bytes
    return weights
