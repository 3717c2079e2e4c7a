"""What decides a model's memory and speed: its layers, from a GGUF's header (or, in the catalogue, from published facts).

The rules of each architecture follow llama.cpp (src/models/*.cpp, llama-hparams.cpp, llama-kv-cache-iswa.cpp). For 38 shapes of
29 architectures, each with 5 lengths of context, the conversation memory was compared with what the engine allocates: equal to
0.01 MiB. The workspace was within 15 MiB for 33 of them, and never more than 32 MiB too low.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from desktop.gguf import TYPES, Header, Tensor, Value

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
WINDOWS = {"exaone-moe": 128, "exaone4": 4096, "gemma2": 4096, "llama4": 8192, "smallthinker": 4096}  # where the file is silent
RECURRENT = {"arwkv7", "mamba", "mamba2", "rwkv6", "rwkv6qwen2", "rwkv7"}
INTERVAL = {"minimax-01", "qwen35", "qwen35moe", "qwen3next", "qwen4exp"}  # attention in every fourth layer, or as the file says
BOTH = {"falcon-h1"}  # attention and a state in every layer
HEADLESS = {  # a layer without key heads keeps a state instead
    "bailingmoe3", "glm5-next", "granitehybrid", "jamba", "kimi-k3", "kimi-linear", "lfm2", "lfm2moe", "nemotron_h",
    "nemotron_h_moe", "plamo2",
}  # fmt: skip
UNGATED = {"bloom", "falcon", "gpt2", "gptneox", "mpt", "nemotron", "phi2", "plm", "starcoder", "starcoder2"}  # feed-forward


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
        return int(_cells(self, context) * (self.key_numbers + self.value_numbers) * KV_BYTES[kv_type]) + self.state_bytes


@dataclass(frozen=True)
class DeviceMemory:
    """What the engine allocates on one device; the processor is named "CPU", graphics devices as the engine names them."""

    name: str
    weights_bytes: int = 0
    kv_bytes: int = 0  # conversation memory
    state_bytes: int = 0  # of recurrent layers: constant
    compute_bytes: int = 0  # workspace
    output_bytes: int = 0  # the scores of the next token

    @property
    def total_bytes(self) -> int:
        return self.weights_bytes + self.kv_bytes + self.state_bytes + self.compute_bytes + self.output_bytes


@dataclass(frozen=True)
class Shape:
    """Everything about a model that decides memory and speed, from a GGUF's header or from the catalogue's facts."""

    architecture: str
    weights_bytes: int
    active_bytes: int  # of the weights, read for each token (all but unused experts and the input table)
    layers: tuple[Layer, ...]
    embedding_length: int
    vocab_size: int
    context_length: int  # tokens the model was made for; 0 = not known
    feed_forward_length: int = 0
    head_count: int = 0
    active_params: int = 0  # weights that take part in each token; 0 = estimated from active_bytes
    output_bytes: int = 0  # of the weights outside the layers: input table and output
    work_numbers: int = 0  # numbers per token at the busiest point of the computation; 0 = estimated from the lengths above
    active: tuple[tuple[str, int], ...] = ()  # how weights are stored ("Q4_K") and the bytes of active_bytes that are
    expert_bytes: int = 0  # of active_bytes, those of experts that are chosen anew for each token

    @classmethod
    def from_header(cls, header: Header) -> "Shape":
        """The shape of the model that a header describes."""
        experts, used = _largest(header, "expert_count"), _largest(header, "expert_used_count")
        share = used / experts if experts and used else 1.0
        layers = _layers(header)
        inside = sum(layer.weights_bytes for layer in layers)
        blocks = len(layers) - _number(header, "nextn_predict_layers")
        tied = not any(tensor.name == "output.weight" for tensor in header.tensors)
        shares = [(tensor, _share(tensor, share, blocks, tied)) for tensor in header.tensors]
        active = _by_type(shares)
        return cls(
            architecture=header.architecture,
            weights_bytes=header.weights_bytes,
            active_bytes=sum(size for _, size in active),
            layers=layers,
            embedding_length=_number(header, "embedding_length"),
            vocab_size=_number(header, "vocab_size") or _number(header, "tokenizer.ggml.tokens"),
            context_length=_number(header, "context_length"),
            feed_forward_length=_largest(header, "feed_forward_length"),
            head_count=_largest(header, "attention.head_count"),
            active_params=round(sum(_count(tensor) * part for tensor, part in shares)),
            output_bytes=header.weights_bytes - inside,
            work_numbers=_work_numbers(header),
            active=active,
            expert_bytes=round(sum(tensor.size_bytes * part for tensor, part in shares if "_exps" in tensor.name)),
        )

    def lay_out(
        self, context: int, kv_type: str = "f16", gpu_layers: int = 0, split: Sequence[float] = ()
    ) -> tuple[DeviceMemory, ...]:
        """What the engine will allocate for `context` tokens on the processor, then on each graphics device.

        The last `gpu_layers` layers (the output counts as one more) lie on graphics devices, shared out as `split` says (its
        sum is whatever it is); none is one device.
        """
        count = min(gpu_layers, len(self.layers) + 1)
        shares = (split or (1.0,)) if count > 0 else ()
        first = len(self.layers) + 1 - count
        ends = [first + count * sum(shares[: i + 1]) / sum(shares) for i in range(len(shares))]
        homes = [next((i + 1 for i, end in enumerate(ends) if at >= first and at < end), 0) for at in range(len(self.layers) + 1)]
        weights, kept, states = ([0] * (len(shares) + 1) for _ in range(3))
        known = any(layer.weights_bytes for layer in self.layers)
        equal = (self.weights_bytes - self.output_bytes) // max(1, len(self.layers))
        for layer, home in zip(self.layers, homes, strict=False):
            weights[home] += layer.weights_bytes if known else equal
            kept[home] += layer.memory_bytes(context, kv_type) - layer.state_bytes
            states[home] += layer.state_bytes
        weights[0] += self.output_bytes
        work, scores = self.compute_bytes(context) - 4 * self.vocab_size, 4 * self.vocab_size
        names = ("CPU", *(f"GPU{i}" for i in range(len(shares))))
        outputs = (scores, *(0 for _ in shares))
        return tuple(map(DeviceMemory, names, weights, kept, states, (work for _ in names), outputs))

    def memory_bytes(self, context: int, kv_type: str = "f16") -> int:
        """Bytes of conversation memory of all layers."""
        return sum(layer.memory_bytes(context, kv_type) for layer in self.layers)

    def compute_bytes(self, context: int) -> int:
        """Bytes of workspace that the engine allocates to read BATCH tokens at once, with its attention in one piece."""
        width = self.feed_forward_length or round(3.5 * self.embedding_length)
        work = self.work_numbers or 3 * width + 4 * self.embedding_length
        masks = {layer.kind: _cells(layer, context) for layer in self.layers}
        return BATCH * (4 * work + 2 * sum(masks.values())) + 4 * self.vocab_size


def _padded(cells: int) -> int:
    return cells + -cells % CELL_STEP


def _cells(layer: Layer, context: int) -> int:
    """Tokens that a layer keeps."""
    if layer.kind == "sliding":
        return min(_padded(context), _padded(layer.window + BATCH))
    return _padded(context) if layer.kind == "full" else 0


def _number(header: Header, key: str, default: int = 0) -> int:
    value = header.get(key)
    return value if isinstance(value, int) else default


def _largest(header: Header, key: str) -> int:
    """One number, or the largest of a list with one per layer."""
    value = header.get(key)
    numbers = value if isinstance(value, tuple) else (value,)
    return max((number for number in numbers if isinstance(number, int)), default=0)


def _per_layer(value: Value | None, count: int, default: int) -> list[int]:
    """One number per layer from a list or from one number for all."""
    if isinstance(value, tuple):
        numbers = [number if isinstance(number, int) else default for number in value]
        return (numbers + [default] * count)[:count]
    return [value if isinstance(value, int) else default] * count


def _layers(header: Header) -> tuple[Layer, ...]:
    """All layers in order; the extra ones that only guess ahead (multi-token prediction) keep nothing."""
    count = min(_number(header, "block_count"), 4096)
    blocks = count - _number(header, "nextn_predict_layers")
    sliding, window = _sliding(header, count)
    recurrent = _recurrent(header, count)
    heads = _per_layer(header.get("attention.head_count"), count, 0)
    key_heads = _per_layer(header.get("attention.head_count_kv"), count, max(heads, default=0))
    widths = _per_layer(header.get("feed_forward_length"), count, 0)
    with_keys = _layers_with_keys(header, count)
    weights = _weights(header.tensors, count)
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
    window = _number(header, "attention.sliding_window", WINDOWS.get(header.architecture, 0))
    if header.architecture == "lfm2" and window:
        return [not recurrent for recurrent in _recurrent(header, count)], window
    if header.architecture not in SLIDING or not window or (header.architecture == "exaone4" and count != 64):
        return nowhere, 0
    if header.architecture in ("llama4", "smallthinker"):
        window = WINDOWS[header.architecture]  # whatever the file says
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
        interval = max(1, _number(header, "full_attention_interval", 4))
        return [(number + 1) % interval != 0 for number in range(count)]
    if header.architecture in HEADLESS:
        return [heads == 0 for heads in _per_layer(header.get("attention.head_count_kv"), count, 1)]
    return [False] * count


def _layers_with_keys(header: Header, count: int) -> int:
    """How many of the first layers keep keys; those after them use theirs."""
    if header.architecture == "gemma3n":
        return 20
    return count - _number(header, "attention.shared_kv_layers") if header.architecture == "gemma4" else count


def _key_numbers(header: Header, sliding: bool, key_heads: int) -> tuple[int, int]:
    """Numbers per token for keys and for values of one layer."""
    usual = _number(header, "embedding_length") // max(1, _largest(header, "attention.head_count"))
    key, value = _number(header, "attention.key_length", usual), _number(header, "attention.value_length", usual)
    if sliding:
        key, value = _number(header, "attention.key_length_swa", key), _number(header, "attention.value_length_swa", value)
    if _number(header, "attention.key_length_mla") and _number(header, "attention.value_length_mla"):
        value = 0  # latent attention: the values are part of the keys
    index = _number(header, "attention.indexer.key_length")
    return key * key_heads + (index if key_heads else 0), value * key_heads


def _state_bytes(header: Header) -> int:
    """Bytes of the state of a recurrent layer (llama_hparams::n_embd_r and n_embd_s)."""
    width = _number(header, "embedding_length")
    convolution = max(_number(header, "ssm.conv_kernel") - 1, 0)
    inner, state = _number(header, "ssm.inner_size"), _number(header, "ssm.state_size")
    if wkv := _number(header, "wkv.head_size"):
        numbers = _number(header, "token_shift_count", 2) * width + width * wkv
    elif short := _number(header, "shortconv.l_cache"):
        numbers = width * (short - 1)
    elif head := _number(header, "kda.head_dim"):
        heads = _largest(header, "attention.head_count")
        numbers = 3 * (convolution or 3) * heads * head + head * head * heads
    else:
        numbers = convolution * (inner + 2 * _number(header, "ssm.group_count") * state) + state * inner
    return numbers * STATE_BYTES


def _work_numbers(header: Header) -> int:
    """Numbers per token at the busiest point: fitted to what the engine allocates (tests/test_shape.py has examples)."""
    width, layers = _number(header, "embedding_length"), _number(header, "block_count")
    dense = (1 if header.architecture in UNGATED else 3) * _largest(header, "feed_forward_length") + 4 * width
    experts = _largest(header, "expert_used_count") * 2 * (width + _largest(header, "expert_feed_forward_length"))
    recurrent = 8 * _number(header, "ssm.inner_size") + 4 * width if _number(header, "ssm.inner_size") else 0
    return max(dense, experts, recurrent) + 2 * layers * _number(header, "embedding_length_per_layer_input")


_BLOCK = re.compile(r"blk\.(\d+)\.")


def _weights(tensors: Sequence[Tensor], count: int) -> list[int]:
    weights = [0] * count
    for tensor in tensors:
        found = _BLOCK.match(tensor.name)
        if found and int(found[1]) < count:
            weights[int(found[1])] += tensor.size_bytes
    return weights


def _share(tensor: Tensor, experts: float, blocks: int, tied: bool) -> float:
    """The part of a tensor that is read for one token."""
    found = _BLOCK.match(tensor.name)
    if found and int(found[1]) >= blocks:
        return 0.0  # only guesses ahead, which is not used
    if tensor.name.startswith("per_layer_token_embd") or (tensor.name.startswith("token_embd") and not tied):
        return 0.0  # a table of which one row is read
    return experts if "_exps" in tensor.name else 1.0


def _count(tensor: Tensor) -> int:
    numbers = 1
    for length in tensor.shape:
        numbers *= length
    return numbers


def _by_type(shares: Sequence[tuple[Tensor, float]]) -> tuple[tuple[str, int], ...]:
    """The bytes read for each token by the way they are stored."""
    sizes: dict[str, float] = {}
    for tensor, part in shares:
        name = TYPES[tensor.type][0]
        sizes[name] = sizes.get(name, 0.0) + tensor.size_bytes * part
    return tuple((name, round(size)) for name, size in sizes.items() if size)
