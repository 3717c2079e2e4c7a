"""What decides a model's memory and speed: its layers, from a GGUF's header (or, in the catalogue, from published facts).

Memory is counted as the engine's own dry run counts it. How near, for every architecture in tests/architectures.py:
tests/test_shape.py; the table: tests/benchmarks/shapes.py.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import accumulate

from desktop.gguf import TYPES, Header, Tensor
from desktop.layers import BATCH as BATCH
from desktop.layers import BLOCK, cells, entry, head_lengths, largest_entry, padded, read_layers
from desktop.layers import KV_BYTES as KV_BYTES
from desktop.layers import Layer as Layer
from desktop.work import peak_numbers

COPIES = 4  # of what goes in, when several graphics devices work on successive batches at once
MIXED_SHARE = 0.55  # of the workspace, for recurrent layers on the processor beside others on a graphics device: measured


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
    weights_bytes: int  # as loaded: without the layers that only guess ahead
    active_bytes: int  # of the weights, read for each token (all but unused experts and the input table)
    layers: tuple[Layer, ...]
    embedding_length: int
    vocab_size: int
    context_length: int  # tokens the model was made for; 0 = not known
    feed_forward_length: int = 0
    head_count: int = 0
    active_params: int = 0  # weights that take part in each token; 0 = estimated from active_bytes
    output_bytes: int = 0  # of the weights outside the layers: input tables and output
    work_numbers: int = 0  # numbers per token at the busiest point of the computation; 0 = estimated from the lengths above
    active: tuple[tuple[str, int], ...] = ()  # how weights are stored ("Q4_K") and the bytes of active_bytes that are
    expert_bytes: int = 0  # of active_bytes, those of experts that are chosen anew for each token
    input_bytes: int = 0  # of output_bytes, the tables of which a token needs one row: they stay with the processor
    shared_bytes: int = 0  # of input_bytes, the table that the output uses too: a graphics device gets its own
    largest_bytes: int = 0  # of the largest tensor of a layer
    input_numbers: int = 0  # that go in for each token beside embedding_length
    only_f16: bool = False  # its conversation memory has no smaller form: the heads are not whole blocks of 32 numbers long
    vocabulary_bytes: int = 0  # that the vocabulary takes in the engine's process; 0 = estimated from vocab_size

    @classmethod
    def from_header(cls, header: Header) -> "Shape":
        """The shape of the model that a header describes, joined (gguf.join) where the model is split."""
        experts, used = largest_entry(header, "expert_count"), largest_entry(header, "expert_used_count")
        share = used / experts if experts and used else 1.0
        layers = read_layers(header)
        blocks = len(layers) - entry(header, "nextn_predict_layers")
        tensors = [tensor for tensor in header.tensors if _loaded(tensor, blocks)]
        weights_bytes = sum(tensor.size_bytes for tensor in tensors)
        tied = not any(tensor.name == "output.weight" for tensor in tensors)
        shares = [(tensor, _share(tensor, share, tied)) for tensor in tensors]
        active = _by_type(shares)
        tables = {tensor.name: tensor.size_bytes for tensor in tensors if tensor.name.startswith(INPUTS)}
        return cls(
            architecture=header.architecture,
            weights_bytes=weights_bytes,
            active_bytes=sum(size for _, size in active),
            layers=layers,
            embedding_length=entry(header, "embedding_length"),
            vocab_size=_vocab_size(header),
            context_length=entry(header, "context_length"),
            feed_forward_length=largest_entry(header, "feed_forward_length"),
            head_count=largest_entry(header, "attention.head_count"),
            active_params=round(sum(math.prod(tensor.shape) * part for tensor, part in shares)),
            output_bytes=weights_bytes - sum(layer.weights_bytes for layer in layers),
            work_numbers=peak_numbers(header),
            active=active,
            expert_bytes=round(sum(tensor.size_bytes * part for tensor, part in shares if "_exps" in tensor.name)),
            input_bytes=sum(tables.values()),
            shared_bytes=tables.get("token_embd.weight", 0) if tied and header.architecture not in OWN_OUTPUT else 0,
            largest_bytes=max((tensor.size_bytes for tensor in tensors if BLOCK.match(tensor.name)), default=0),
            input_numbers=entry(header, "embedding_length_per_layer_input") * max(0, blocks),
            only_f16=any(length % 32 for length in head_lengths(header)),
            vocabulary_bytes=TOKEN_BYTES * _vocab_size(header) + MERGE_BYTES * entry(header, "tokenizer.ggml.merges"),
        )

    def memory_bytes(self, context: int, kv_type: str = "f16") -> int:
        """Bytes of conversation memory of all layers, with their states."""
        return sum(layer.memory_bytes(context, kv_type) for layer in self.layers)

    def lay_out(
        self, context: int, kv_type: str = "f16", gpu_layers: int = 0, split: Sequence[float] = ()
    ) -> tuple[DeviceMemory, ...]:
        """What the engine will allocate for `context` tokens on the processor, then on each graphics device.

        The last `gpu_layers` layers (the output counts as one more) lie on graphics devices, shared out as `split` says (its
        sum is whatever it is); none is one device. Devices are named "CPU", "GPU0", "GPU1" ...
        """
        shares = (tuple(split) if sum(split) > 0 else (1.0,)) if gpu_layers > 0 else ()
        homes = _homes(len(self.layers) + 1, gpu_layers, shares)
        weights, kept, states = ([0] * (len(shares) + 1) for _ in range(3))
        places, kinds, sizes = self._alike
        kept_bytes = [layer.memory_bytes(context, kv_type) - layer.state_bytes for layer in kinds]
        for home, place, size in zip(homes, places, sizes, strict=False):  # the output has a home, too
            weights[home] += size
            kept[home] += kept_bytes[place]
            states[home] += kinds[place].state_bytes
        weights[0] += self.input_bytes
        twice = homes[-1] > 0 or self.architecture in HELD_TWICE
        weights[homes[-1]] += self.output_bytes - self.input_bytes + (self.shared_bytes if twice else 0)
        names = ("CPU", *(f"GPU{number}" for number in range(len(shares))))
        scores = (4 * self.vocab_size, *(0 for _ in shares))
        return tuple(map(DeviceMemory, names, weights, kept, states, self._workspaces(context, kv_type, homes, shares), scores))

    @cached_property
    def _alike(self) -> tuple[list[int], list[Layer], list[int]]:
        """Which of the few kinds of layers each one is, these kinds, and the bytes of each layer's weights."""
        kinds: dict[Layer, int] = {}
        once = {id(layer): layer for layer in self.layers}  # those of the catalogue are the same few objects, and to hash is slow
        found = {key: kinds.setdefault(replace(layer, weights_bytes=0), len(kinds)) for key, layer in once.items()}
        places = [found[id(layer)] for layer in self.layers]
        equal = (self.weights_bytes - self.output_bytes) // max(1, len(self.layers))
        known = any(layer.weights_bytes for layer in self.layers)
        return places, list(kinds), [layer.weights_bytes if known else equal for layer in self.layers]

    def _workspaces(self, context: int, kv_type: str, homes: Sequence[int], shares: Sequence[float]) -> list[int]:
        """Bytes of workspace on the processor and on each graphics device; attention is computed in one piece (flash)."""
        batch = min(BATCH, padded(context))
        row = 4 * batch * self.embedding_length
        places, kinds, _ = self._alike
        masks = 2 * batch * sum({layer.kind: cells(layer, context) for layer in kinds}.values())
        width = self.feed_forward_length or round(3.5 * self.embedding_length)
        alone = 4 * batch * (self.work_numbers or 3 * width + 4 * self.embedding_length) + masks
        if not shares:
            return [alone]
        entering = 2 * row + masks + 4 * batch * self.input_numbers
        if 0 not in homes:
            if len(shares) == 1:
                return [entering, alone - row]
            waiting = (COPIES - 1) * (masks + row)
            cards = [alone + waiting + (COPIES * row if number else 0) for number in range(len(shares))]
            return [entering + waiting, *cards]
        # What the processor keeps is lent to the first graphics device while a batch is read: a tensor, or a layer's memory
        left = [kinds[place] for place in {place for place, home in zip(places, homes, strict=False) if home == 0}]
        lent = max((layer.memory_bytes(context, kv_type) - layer.state_bytes for layer in left), default=0)
        if any(layer.state_bytes for layer in left):
            entering = max(entering, round(MIXED_SHARE * alone))
        first = max(alone - row + self.largest_bytes, lent + masks + 3 * row)
        return [entering, first, *(alone - row for _ in shares[1:])]


# Measured on seven vocabularies of 32 to 262 thousand entries, as the peak of the engine while it reads them: within 10 %
TOKEN_BYTES, MERGE_BYTES = 200, 150
OWN_OUTPUT = {"bitnet"}  # the output reads the input table where it is
HELD_TWICE = {"gemma3n", "gemma4"}  # the table that is input and output is held twice even on one device (read, not mapped)
INPUTS = ("token_embd.", "per_layer_token_embd.", "position_embd.", "token_types.")


def _homes(count: int, gpu_layers: int, shares: Sequence[float]) -> list[int]:
    """The device of each layer and of the output: 0 the processor, then the graphics devices (llama_model::load_tensors)."""
    placed = min(gpu_layers, count) if shares else 0
    first = count - placed
    if len(shares) < 2:
        return [0] * first + [1] * placed
    ends = [first + placed * part / sum(shares) for part in accumulate(shares)]
    return [0] * first + [1 + next(number for number, end in enumerate(ends) if at < end) for at in range(first, count)]


def _vocab_size(header: Header) -> int:
    table = next((tensor.shape for tensor in header.tensors if tensor.name == "token_embd.weight"), ())
    return table[1] if len(table) == 2 else entry(header, "tokenizer.ggml.tokens") or entry(header, "vocab_size")


def _loaded(tensor: Tensor, blocks: int) -> bool:
    """Whether the engine loads it; the layers that only guess ahead (multi-token prediction) it does not."""
    found = BLOCK.match(tensor.name)
    return not found or int(found[1]) < blocks


def _share(tensor: Tensor, experts: float, tied: bool) -> float:
    """The part of a tensor that is read for one token."""
    if tensor.name.startswith(INPUTS) and not (tied and tensor.name.startswith("token_embd.")):
        return 0.0  # a table of which one row is read
    return experts if "_exps" in tensor.name else 1.0


def _by_type(shares: Sequence[tuple[Tensor, float]]) -> tuple[tuple[str, int], ...]:
    """The bytes read for each token by the way they are stored."""
    sizes: dict[str, float] = {}
    for tensor, part in shares:
        name = TYPES[tensor.type][0]
        sizes[name] = sizes.get(name, 0.0) + tensor.size_bytes * part
    return tuple((name, round(size)) for name, size in sizes.items() if size)
