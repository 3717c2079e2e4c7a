"""Will a model run here, how, how fast, and what would help: weights, conversation memory and workspace against what is free."""

from dataclasses import dataclass

DEFAULT_CONTEXT = 8192  # tokens of conversation memory when nobody chose: about 6000 words of talk
SHORT_CONTEXT = 4096  # what the default shrinks to where only that fits


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


@dataclass(frozen=True)
class Shape:
    """Everything about a model that decides memory and speed, from a GGUF's header or from the catalogue's facts."""

    architecture: str
    weights_bytes: int
    active_bytes: int  # of the weights, read for each token (all but unused experts and the input table)
    layers: tuple[Layer, ...]
    embedding_length: int
    vocab_size: int
    context_length: int  # tokens the model was made for
    feed_forward_length: int = 0
    head_count: int = 0
    active_params: int = 0  # weights that take part in each token; 0 = estimated from active_bytes
    output_bytes: int = 0  # of the weights outside the layers: input table and output


@dataclass(frozen=True)
class DeviceUse:
    """What one device would hold."""

    name: str
    weights_bytes: int
    kv_bytes: int
    compute_bytes: int


@dataclass(frozen=True)
class Fit:
    """The answer to "will it run here": verdict is "runs_well", "runs_slowly", "close_apps" or "too_big"."""

    architecture: str
    context: int
    weights_bytes: int
    kv_bytes: int
    compute_bytes: int
    total_bytes: int
    devices: tuple[DeviceUse, ...]
    free_bytes: int
    verdict: str
    why: str
    help: tuple[str, ...]
    method: str
    tokens_per_s: float
    prompt_tokens_per_s: float
    gpu_layers: int
