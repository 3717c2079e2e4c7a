"""How large the engine's workspace is: the numbers it holds for each token at the busiest point of a computation.

That point is in the feed-forward part, among the experts or in a recurrent layer, whichever is larger; how many of its
intermediate results live at once depends on how llama.cpp writes the architecture (src/models/*.cpp) and was read from what it
allocates. In most: gate, up and their product, beside four rows of the embedding's length.
"""

from desktop.gguf import Header
from desktop.layers import entry, largest_entry

UNGATED = {
    "apertus", "arcee", "bloom", "codeshell", "falcon", "gpt2", "gptneox", "mpt", "nemotron", "nemotron_h", "nemotron_h_moe",
    "phi2", "plm", "starcoder", "starcoder2",
}  # fmt: skip
THREE_ROWS = {"lfm2", "lfm2moe", "phi3", "qwen", "qwen35", "qwen35moe", "qwen3next", "bitnet"}
NARROW_EXPERTS = {"hunyuan-moe", "qwen35moe", "qwen3next"}  # gate and up are one tensor there, or are joined early
DELTA = {"qwen35", "qwen35moe", "qwen3next"}  # gated delta nets


def peak_numbers(header: Header) -> int:
    """Numbers per token at the busiest point, each of 4 bytes."""
    architecture, width = header.architecture, entry(header, "embedding_length")
    layers, used = entry(header, "block_count"), largest_entry(header, "expert_used_count")
    dense = feed_forward_numbers(architecture, width, largest_entry(header, "feed_forward_length") if _is_dense(header) else 0)
    experts = expert_numbers(architecture, width, used, _expert_length(header)) if used else 0
    extra = 2 * layers * entry(header, "embedding_length_per_layer_input") + 2 * entry(header, "n_deepstack_layers") * width
    if extra and architecture == "gemma4":
        dense -= 2 * width
    return max(dense, experts, _recurrent(header, width)) + extra


def feed_forward_numbers(architecture: str, width: int, length: int) -> int:
    """Of a feed-forward part whose inner length is `length`."""
    if architecture == "qwen":
        length //= 2  # the file counts gate and up together
    return (1 if architecture in UNGATED else 3) * length + (3 if architecture in THREE_ROWS else 4) * width


def expert_numbers(architecture: str, width: int, used: int, length: int) -> int:
    """Of `used` experts at once, whose inner length is `length`."""
    if architecture in UNGATED:
        return used * (width + 2 * length)
    each = 2 * width + (1 if architecture in NARROW_EXPERTS else 2) * length
    return max(used * each, 3 * used * length + round(3.5 * width))


def _is_dense(header: Header) -> bool:
    """Whether any layer has a feed-forward part without experts."""
    names = [tensor.name for tensor in header.tensors]
    return not names or any(name.endswith(("ffn_down.weight", "channel_mix_key.weight")) for name in names)


def _expert_length(header: Header) -> int:
    return largest_entry(header, "expert_feed_forward_length") or largest_entry(header, "feed_forward_length")


def _recurrent(header: Header, width: int) -> int:
    """Of a recurrent layer."""
    inner, heads = entry(header, "ssm.inner_size"), entry(header, "ssm.time_step_rank")
    if entry(header, "wkv.head_size"):
        return 19 * width if header.architecture in ("rwkv7", "arwkv7") else 0
    if not inner:
        return 0
    convolved = inner + 2 * entry(header, "ssm.group_count") * entry(header, "ssm.state_size")
    if header.architecture in DELTA:
        return 3 * (convolved + width)
    if header.architecture in ("mamba", "jamba"):
        return 4 * inner + 5 * width
    return inner + convolved + heads + 2 * convolved + 2 * inner + 2 * width
