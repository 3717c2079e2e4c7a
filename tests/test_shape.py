"""shape: memory is what llama.cpp allocates, for nearly all its architectures: its own dry run is asked.

With graphics devices, ON_CARDS has what the engine answered where there were such devices: llama-cpp-python 0.3.36 with its RPC
backend in front of one or two servers, and CUDA's rule of which work a graphics device takes over from the processor.
"""

from pathlib import Path

import pytest

from desktop import catalogue, gguf
from desktop.gguf import Header, Tensor
from desktop.layers import read_layers
from desktop.shape import DeviceMemory, Layer, Shape
from tests import architectures
from tests.gguf_files import llama

MIB = 1 << 20
SETTINGS = ((256, "f16"), (4096, "f16"), (8192, "q8_0"), (32768, "f16"), (2048, "q4_0"), (16384, "f16"))
ON_CARDS: list[
    tuple[str, int, list[list[float]]]
] = [  # layers on cards; MiB of weights, memory, state, workspace for 4096 tokens
    ("llama3.1-8b", 33, [[411.0, 0, 0, 20.0], [4156.0, 512, 0, 112.0]]),
    ("llama3.1-8b", 16, [[2400.5, 272, 0, 20.0], [2166.5, 240, 0, 124.5]]),
    ("qwen3-0.6b", 29, [[121.7, 0, 0, 8.0], [358.2, 448, 0, 30.0]]),  # its table is input and output: held twice
    ("qwen3-0.6b", 14, [[248.4, 240, 0, 10.0], [231.5, 208, 0, 35.7]]),
    ("gemma3-4b", 35, [[525.1, 0, 0, 15.5], [2247.8, 254, 0, 79.5]]),
    ("gemma3-4b", 17, [[1437.1, 138, 0, 15.5], [1335.8, 116, 0, 98.1]]),
    ("gemma4-e4b", 43, [[2037.0, 0, 0, 36.0], [2687.9, 104, 0, 106.0]]),
    ("qwen3-30b-a3b", 49, [[243.4, 0, 0, 12.0], [16330.2, 384, 0, 88.0]]),
    ("qwen3-30b-a3b", 24, [[8622.0, 200, 0, 12.0], [7951.7, 184, 0, 168.0]]),
    ("mixtral-8x7b", 16, [[13339.7, 272, 0, 20.0], [11782.4, 240, 0, 401.0]]),
    ("gpt-oss-20b", 25, [[586.8, 0, 0, 16.0], [20496.4, 114, 0, 91.5]]),
    ("gpt-oss-20b", 12, [[11371.2, 58.5, 0, 16.0], [9712.0, 55.5, 0, 346.8]]),
    ("qwen3.5-4b", 33, [[497.3, 0, 0, 14.0], [2415.6, 128, 50.2, 68.0]]),
    ("qwen3.5-4b", 16, [[1517.2, 64, 27.2, 25.1], [1395.8, 64, 23.0, 88.7]]),
    ("phi-4", 20, [[4241.8, 420, 0, 31.5], [3876.2, 380, 0, 223.5]]),
    ("llama3.1-8b", 33, [[411.0, 0, 0, 56.0], [1989.5, 272, 0, 156.0], [2166.5, 240, 0, 188.0]]),
    ("llama3.1-8b", 16, [[2400.5, 272, 0, 20.0], [936.2, 128, 0, 124.5], [1230.2, 112, 0, 104.0]]),
    ("qwen3-30b-a3b", 49, [[243.4, 0, 0, 36.0], [8378.5, 200, 0, 116.0], [7951.7, 184, 0, 132.0]]),
]


def settings(name: str, place: int) -> list[architectures.Job]:
    """Two of the settings for each model, spread over all of them."""
    longest = architectures.models()[name]["metadata"]["context_length"]
    return [(name, min(context, longest), kv_type) for context, kv_type in (SETTINGS[place % 6], SETTINGS[(place + 3) % 6])]


@pytest.fixture(scope="module")
def engine() -> dict[architectures.Job, DeviceMemory]:
    """The engine's answers for all models, from one process."""
    return architectures.measure(job for place, name in enumerate(architectures.models()) for job in settings(name, place))


def shape_of(folder: Path, name: str) -> Shape:
    return Shape.from_header(architectures.header(folder, name))


def kept(device: DeviceMemory) -> int:
    """What stays as long as the model is open: all but the workspace and the output."""
    return device.weights_bytes + device.kv_bytes + device.state_bytes


@pytest.mark.parametrize("name", architectures.models())
def test_memory_is_what_the_engine_allocates(tmp_path: Path, name: str, engine: dict[architectures.Job, DeviceMemory]) -> None:
    shape = shape_of(tmp_path, name)
    jobs = [job for job in settings(name, list(architectures.models()).index(name)) if job in engine]
    assert jobs
    for job in jobs:
        (ours,) = shape.lay_out(*job[1:])
        assert kept(ours) == pytest.approx(kept(engine[job]), rel=0.01), job
        assert ours.total_bytes == pytest.approx(engine[job].total_bytes, rel=0.05), job
        assert ours.output_bytes == engine[job].output_bytes


def test_no_architecture_of_the_catalogue_is_left_out() -> None:
    known = {model["architecture"] for model in architectures.models().values()}
    assert {model.architecture for model in catalogue.load().models} <= known
    assert len(known) >= 90


@pytest.mark.parametrize(("name", "gpu_layers", "engine"), ON_CARDS)
def test_layers_on_graphics_devices(tmp_path: Path, name: str, gpu_layers: int, engine: list[list[float]]) -> None:
    devices = shape_of(tmp_path, name).lay_out(4096, "f16", gpu_layers, (1,) * (len(engine) - 1))
    assert [device.name for device in devices] == ["CPU", "GPU0", "GPU1"][: len(engine)]
    for ours, (weights, memory, state, workspace) in zip(devices, engine, strict=True):
        assert kept(ours) / MIB == pytest.approx(weights + memory + state, rel=0.01)
        assert ours.compute_bytes / MIB == pytest.approx(workspace, rel=0.35, abs=30)
        assert (ours.total_bytes - ours.output_bytes) / MIB == pytest.approx(weights + memory + state + workspace, rel=0.06)
    assert devices[0].output_bytes > 0
    total = sum(sum(device) for device in engine)
    assert sum(device.total_bytes - device.output_bytes for device in devices) / MIB == pytest.approx(total, rel=0.02)


def test_cards_share_the_layers_as_they_are_told(tmp_path: Path) -> None:
    shape = shape_of(tmp_path, "llama3.1-8b")
    _, large, small = shape.lay_out(4096, "f16", 24, (3, 1))
    assert large.kv_bytes == 18 * small.kv_bytes / 5  # of the last 23 layers and the output: 18 and 5
    assert shape.lay_out(4096, "f16", 99)[0].weights_bytes == shape.input_bytes


def test_the_kinds_of_layers(tmp_path: Path) -> None:
    def kinds(name: str) -> str:
        return "".join(layer.kind[0] for layer in shape_of(tmp_path, name).layers)

    assert kinds("gemma3-4b") == "sssssf" * 5 + "ssss"
    assert kinds("qwen3.5-4b") == "rrrf" * 8
    assert kinds("minimax-text-01") == "rrrrrrrf" * 10
    assert kinds("gemma4-e4b") == "sssssf" * 4 + "n" * 18
    assert kinds("lfm2-1.2b") == "rrfrrfrrfrfrfrfr"
    assert kinds("nemotron-nano-9b-v2")[12:23] == "rnfnrnrnrfr"
    assert kinds("falcon-h1-7b") == "f" * 44
    assert shape_of(tmp_path, "falcon-h1-7b").layers[0].state_bytes > 0


@pytest.mark.parametrize(
    ("architecture", "told", "window"),
    [
        ("llama4", None, 8192), ("llama4", 4000, 8192), ("llama4", 0, 0),
        ("smallthinker", None, 0), ("smallthinker", 4000, 4096),
        ("gemma2", None, 4096), ("gemma2", 1000, 1000),
        ("olmo2", None, 0), ("olmo2", 1000, 1000),
    ],
)  # fmt: skip
def test_windows_as_the_engine_takes_them(architecture: str, told: int | None, window: int) -> None:
    entries: dict[str, gguf.Value] = {
        "general.architecture": architecture, "block_count": 8, "embedding_length": 64, "attention.head_count": 4,
    }  # fmt: skip
    if told is not None:
        entries["attention.sliding_window"] = told
    assert max(layer.window for layer in read_layers(Header(3, entries, (), 0, 0))) == window


def test_extra_layers_that_guess_ahead_are_not_loaded(tmp_path: Path) -> None:
    header = architectures.header(tmp_path, "glm-4.5-air")
    shape = Shape.from_header(header)
    extra = sum(tensor.size_bytes for tensor in header.tensors if tensor.name.startswith("blk.46."))
    assert header.get("nextn_predict_layers") == 1
    assert (len(shape.layers), shape.layers[46].kind, shape.layers[46].weights_bytes) == (47, "none", 0)
    assert shape.weights_bytes == header.weights_bytes - extra


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
    assert shape.active == (("F32", shape.active_bytes),)
    assert shape.shared_bytes == shape.input_bytes == 320 * 64 * 4
    assert shape.active_params == shape.weights_bytes // 4
    assert (shape.vocab_size, shape.embedding_length, shape.context_length) == (320, 64, 512)


def test_only_the_experts_at_work_are_read() -> None:
    experts = {"qwen3moe.expert_count": 8, "qwen3moe.expert_used_count": 2}
    entries = {"general.architecture": "qwen3moe", "qwen3moe.block_count": 1, **experts}
    tensors = (
        Tensor("token_embd.weight", (64, 100), 0, 0, 1000),
        Tensor("output.weight", (64, 100), 0, 0, 1000),
        Tensor("blk.0.attn_q.weight", (64, 64), 1, 0, 500),
        Tensor("blk.0.ffn_up_exps.weight", (64, 64, 8), 0, 0, 8000),
    )
    shape = Shape.from_header(Header(3, entries, tensors, 0, 0))
    assert shape.active_bytes == 1000 + 500 + 2000
    assert shape.active == (("F32", 3000), ("F16", 500))
    assert shape.expert_bytes == 2000
    assert (shape.input_bytes, shape.shared_bytes, shape.largest_bytes) == (1000, 0, 8000)
    assert shape.layers[0].weights_bytes == 8500


def test_entries_of_the_wrong_kind_are_taken_as_missing() -> None:
    entries = {
        "general.architecture": "llama", "llama.block_count": 2, "llama.embedding_length": float("inf"),
        "llama.attention.head_count": "many", "llama.attention.head_count_kv": ("a", 1.5), "llama.context_length": float("nan"),
        "llama.attention.key_length": -1, "llama.attention.value_length": -1,
    }  # fmt: skip
    shape = Shape.from_header(Header(3, entries, (), 0, 0))
    assert (shape.context_length, shape.memory_bytes(4096)) == (0, 0)
    assert Shape.from_header(Header(3, {"x": 1}, (), 0, 0)).layers == ()
    assert (
        sum(device.total_bytes for device in Shape.from_header(Header(3, {"x": 1}, (), 0, 0)).lay_out(1, "f16", 1, (0, 0))) == 0
    )


@pytest.mark.parametrize(
    "key", ["attention.head_count", "attention.head_count_kv", "feed_forward_length", "attention.key_length"]
)
@pytest.mark.parametrize("value", [-(1 << 31), (-(1 << 31), 8)])
def test_what_a_damaged_header_says_is_never_less_than_nothing(key: str, value: gguf.Value) -> None:
    facts = {"general.architecture": "jamba", "block_count": 2, "embedding_length": 64, "attention.head_count": 4, key: value}
    shape = Shape.from_header(Header(3, dict(facts), (), 64, 64))
    for device in shape.lay_out(4096, "q8_0", 1, (1.0,)):
        assert min(device.kv_bytes, device.state_bytes, device.compute_bytes, device.output_bytes, device.weights_bytes) >= 0
