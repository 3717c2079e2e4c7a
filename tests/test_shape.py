"""shape: conversation memory and workspace are what llama.cpp allocates, for every kind of attention.

The figures in ENGINE were read from the log of llama.cpp (llama-cpp-python 0.3.36, no_alloc, batches of 512, one output,
sliding windows not kept whole, flash attention automatic): MiB of conversation memory for 2048 and 32768 tokens, for 8192 tokens
in q8_0, and of workspace for 8192 tokens.
"""

from pathlib import Path
from typing import Any

import pytest

from desktop import gguf
from desktop.gguf import Header, Tensor
from desktop.shape import Layer, Shape
from tests.gguf_files import llama, write

MIB = 1 << 20


def facts(layers: int, width: int, ff: Any, heads: int, kv: Any, vocabulary: int, key: int = 0, **more: Any) -> dict[str, Any]:
    """Entries of a header; `more` has "__" for "."."""
    entries: dict[str, Any] = {
        "block_count": layers, "embedding_length": width, "feed_forward_length": ff, "attention.head_count": heads,
        "attention.head_count_kv": kv, "vocab_size": vocabulary, "context_length": 131072,
    }  # fmt: skip
    if key:
        entries |= {"attention.key_length": key, "attention.value_length": key}
    return entries | {name.replace("__", "."): value for name, value in more.items()}


def heads_at(places: set[int], layers: int, heads: int) -> list[int]:
    return [heads if number in places else 0 for number in range(layers)]


QWEN35 = {"ssm__conv_kernel": 4, "ssm__inner_size": 4096, "ssm__state_size": 128, "ssm__group_count": 16}
MAMBA2 = {"ssm__conv_kernel": 4, "ssm__inner_size": 3072, "ssm__state_size": 128, "ssm__group_count": 1}
GEMMA4 = {
    "attention__sliding_window": 512, "attention__shared_kv_layers": 18, "embedding_length_per_layer_input": 256,
    "attention__key_length_swa": 256, "attention__value_length_swa": 256,
    "attention__sliding_window_pattern": [number % 6 != 5 for number in range(42)],
}  # fmt: skip
MLA = {"attention__value_length": 512, "attention__key_length_mla": 192, "attention__value_length_mla": 128}
MODELS: dict[str, tuple[str, dict[str, Any]]] = {
    "Llama 3.1 8B": ("llama", facts(32, 4096, 14336, 32, 8, 128256)),
    "Qwen3 4B": ("qwen3", facts(36, 2560, 9728, 32, 8, 151936, 128)),
    "Qwen3 30B-A3B": (
        "qwen3moe",
        facts(48, 2048, 6144, 32, 4, 151936, 128, expert_count=128, expert_used_count=8, expert_feed_forward_length=768),
    ),
    "Phi-4": ("phi3", facts(40, 5120, 17920, 40, 10, 100352, attention__sliding_window=0)),
    "Gemma 2 2B": ("gemma2", facts(26, 2304, 9216, 8, 4, 256000, 256, attention__sliding_window=4096)),
    "Gemma 3 4B": ("gemma3", facts(34, 2560, 10240, 8, 4, 262208, 256, attention__sliding_window=1024)),
    "Gemma 4 E4B": ("gemma4", facts(42, 2560, 10240, 8, 2, 262144, 512, **GEMMA4)),
    "gpt-oss 20B": (
        "gpt-oss",
        facts(24, 2880, 2880, 64, 8, 201088, 64, attention__sliding_window=128, expert_count=32, expert_used_count=4,
              expert_feed_forward_length=2880),
    ),
    "Olmo 3 7B": ("olmo2", facts(32, 4096, 11008, 32, 32, 100278, attention__sliding_window=4096)),
    "Qwen3.5 4B": ("qwen35", facts(32, 2560, 9216, 16, 4, 248320, 256, **QWEN35)),
    "Granite 4 H Tiny": ("granitehybrid", facts(40, 1536, 512, 12, heads_at({5, 15, 25, 35}, 40, 4), 100352, **MAMBA2)),
    "LFM2 1.2B": ("lfm2", facts(16, 2048, 8192, 32, heads_at({2, 5, 8, 10, 12, 14}, 16, 8), 65536, shortconv__l_cache=3)),
    "Falcon-H1 7B": (
        "falcon-h1",
        facts(44, 3072, 12288, 12, 2, 130048, 128, ssm__conv_kernel=4, ssm__inner_size=3072, ssm__state_size=256,
              ssm__group_count=1),
    ),
    "Nemotron Nano 9B v2": (
        "nemotron_h",
        facts(56, 4480, [0 if n % 2 == 0 or n in (21, 39) else 15680 for n in range(56)], 40, heads_at({14, 21, 30, 39}, 56, 8),
              131072, 128, ssm__conv_kernel=4, ssm__inner_size=10240, ssm__state_size=128, ssm__group_count=8),
    ),
    "Mamba 2 2.7B": (
        "mamba2",
        facts(64, 2560, 0, 0, 0, 50288, ssm__conv_kernel=4, ssm__inner_size=5120, ssm__state_size=128, ssm__group_count=1),
    ),
    "DeepSeek V2 Lite": ("deepseek2", facts(27, 2048, 10944, 16, 1, 102400, 576, **MLA)),
    "Llama 4 Scout": ("llama4", facts(48, 5120, 16384, 40, 8, 202048, 128)),
    "RWKV 7 2.9B": ("rwkv7", facts(32, 2560, 10240, 0, 0, 65536, wkv__head_size=64, token_shift_count=2)),
}  # fmt: skip
ENGINE = {  # name: memory for 2048, for 32768, for 8192 in q8_0; workspace for 8192
    "Llama 3.1 8B": (256.0, 4096.0, 544.0, 124.5), "Qwen3 4B": (288.0, 4608.0, 612.0, 88.59),
    "Qwen3 30B-A3B": (192.0, 3072.0, 408.0, 96.59), "Phi-4": (400.0, 6400.0, 850.0, 153.39),
    "Gemma 2 2B": (208.0, 1898.0, 345.31, 85.0), "Gemma 3 4B": (214.0, 814.0, 177.44, 89.52),
    "Gemma 4 E4B": (72.0, 552.0, 89.25, 122.02), "gpt-oss 20B": (66.0, 786.0, 111.56, 101.91),
    "Olmo 3 7B": (1024.0, 5824.0, 1462.0, 109.4), "Qwen3.5 4B": (114.25, 1074.25, 186.25, 77.97),
    "Granite 4 H Tiny": (71.37, 311.37, 89.37, 59.39), "LFM2 1.2B": (24.16, 384.16, 51.16, 68.28),
    "Falcon-H1 7B": (221.8, 1541.8, 320.8, 101.51), "Nemotron Nano 9B v2": (165.66, 645.66, 201.66, 152.29),
    "Mamba 2 2.7B": (163.94, 163.94, 163.94, 69.97), "DeepSeek V2 Lite": (60.75, 972.0, 129.09, 88.52),
    "Llama 4 Scout": (384.0, 2760.0, 816.0, 114.89), "RWKV 7 2.9B": (20.62, 20.62, 20.62, 96.71),
}  # fmt: skip


def shape_of(tmp_path: Path, architecture: str, entries: dict[str, Any]) -> Shape:
    return Shape.from_header(gguf.read_file(write(tmp_path / "x.gguf", architecture, entries)))


@pytest.mark.parametrize("name", MODELS)
def test_memory_is_what_the_engine_allocates(tmp_path: Path, name: str) -> None:
    shape = shape_of(tmp_path, *MODELS[name])
    short, long, packed, work = ENGINE[name]
    assert shape.memory_bytes(2048) / MIB == pytest.approx(short, abs=0.01)
    assert shape.memory_bytes(32768) / MIB == pytest.approx(long, abs=0.01)
    assert shape.memory_bytes(8192, "q8_0") / MIB == pytest.approx(packed, abs=0.01)
    assert -17 <= shape.compute_bytes(8192) / MIB - work <= 55


def test_the_kinds_of_layers(tmp_path: Path) -> None:
    def kinds(name: str) -> str:
        return "".join(layer.kind[0] for layer in shape_of(tmp_path, *MODELS[name]).layers)

    assert kinds("Gemma 3 4B") == "sssssf" * 5 + "ssss"
    assert kinds("Qwen3.5 4B") == "rrrf" * 8
    assert kinds("Gemma 4 E4B") == "sssssf" * 4 + "n" * 18
    assert kinds("LFM2 1.2B") == "rrfrrfrrfrfrfrfr"
    assert kinds("Nemotron Nano 9B v2")[12:23] == "rnfnrnrnrfr"
    assert kinds("Falcon-H1 7B") == "f" * 44
    assert shape_of(tmp_path, *MODELS["Falcon-H1 7B"]).layers[0].state_bytes > 0


def test_extra_layers_that_guess_ahead_keep_nothing(tmp_path: Path) -> None:
    name, entries = MODELS["Qwen3.5 4B"]
    with_extra = shape_of(tmp_path, name, entries | {"block_count": 33, "nextn_predict_layers": 1})
    assert with_extra.layers[32].kind == "none"
    assert with_extra.memory_bytes(4096) == shape_of(tmp_path, name, entries).memory_bytes(4096)


def test_context_comes_in_steps_and_a_window_has_room_for_a_batch() -> None:
    full = Layer("full", 100, 100)
    assert full.memory_bytes(1) == full.memory_bytes(256) == 256 * 200 * 2
    assert full.memory_bytes(257) == 512 * 200 * 2
    sliding = Layer("sliding", 100, 100, window=1000)
    assert sliding.memory_bytes(100_000) == 1536 * 200 * 2
    assert sliding.memory_bytes(1024) == full.memory_bytes(1024)


def test_weights_are_told_apart_by_layer_and_by_use(tmp_path: Path) -> None:
    path = llama(tmp_path / "tiny.gguf", layers=3)
    header = gguf.read_file(path)
    shape = Shape.from_header(header)
    assert shape.weights_bytes == header.weights_bytes == sum(layer.weights_bytes for layer in shape.layers) + shape.output_bytes
    assert shape.active_bytes == shape.weights_bytes  # the input table is the output table too
    assert shape.active_params == shape.weights_bytes // 4
    assert (shape.vocab_size, shape.embedding_length, shape.context_length) == (320, 64, 512)


def test_only_the_experts_at_work_are_read() -> None:
    experts = {"qwen3moe.expert_count": 8, "qwen3moe.expert_used_count": 2}
    entries = {"general.architecture": "qwen3moe", "qwen3moe.block_count": 1, **experts}
    tensors = (
        Tensor("token_embd.weight", (64, 100), 0, 0, 1000),
        Tensor("output.weight", (64, 100), 0, 0, 1000),
        Tensor("blk.0.attn_q.weight", (64, 64), 0, 0, 500),
        Tensor("blk.0.ffn_up_exps.weight", (64, 64, 8), 0, 0, 8000),
    )
    shape = Shape.from_header(Header(3, entries, tensors, 0, 0))
    assert shape.active_bytes == 1000 + 500 + 2000
    assert shape.layers[0].weights_bytes == 8500


def test_entries_of_the_wrong_kind_are_taken_as_missing() -> None:
    entries = {
        "general.architecture": "llama", "llama.block_count": 2, "llama.embedding_length": float("inf"),
        "llama.attention.head_count": "many", "llama.attention.head_count_kv": ("a", 1.5), "llama.context_length": float("nan"),
    }  # fmt: skip
    shape = Shape.from_header(Header(3, entries, (), 0, 0))
    assert (shape.context_length, shape.memory_bytes(4096)) == (0, 0)
    assert Shape.from_header(Header(3, {"x": 1}, (), 0, 0)).layers == ()
