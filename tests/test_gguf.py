"""gguf: true headers are read whole, wrong ones refused with a reason, and no bytes whatever raise anything else."""

import io
import struct
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import gguf as reference
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop import bounded, gguf
from desktop.errors import Corrupt, HeaderTooLarge, HeaderTruncated, LoadFailed, NotFound, NotGguf, Truncated
from tests.gguf_files import llama, split, write


@pytest.fixture
def tiny(tmp_path: Path) -> Path:
    return llama(tmp_path / "tiny.gguf")


def header(*entries: bytes, tensors: bytes = b"", tensor_count: int = 0, version: int = 3, keys: int | None = None) -> bytes:
    count = len(entries) if keys is None else keys
    return b"GGUF" + struct.pack("<IQQ", version, tensor_count, count) + b"".join(entries) + tensors


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def entry(key: str, kind: int, value: bytes) -> bytes:
    return text(key) + struct.pack("<I", kind) + value


def tensor(name: str, shape: tuple[int, ...], kind: int = 0, offset: int = 0) -> bytes:
    return text(name) + struct.pack(f"<I{len(shape)}QIQ", len(shape), *shape, kind, offset)


def parse(data: bytes) -> gguf.Header:
    return gguf.read(io.BytesIO(data), "x.gguf")


def test_reads_what_the_reference_library_reads(tiny: Path) -> None:
    mine, theirs = gguf.read_file(tiny), reference.GGUFReader(tiny)
    assert (mine.architecture, mine.name, mine.version) == ("llama", "Tiny test model", 3)
    assert [(t.name, t.shape, t.size_bytes, mine.data_offset + t.offset) for t in mine.tensors] == [
        (t.name, tuple(t.shape), t.n_bytes, t.data_offset) for t in theirs.tensors
    ]
    for key in (key for key in theirs.fields if not key.startswith("GGUF.")):
        value = theirs.fields[key].contents()
        assert mine.metadata[key] == (len(value) if isinstance(value, list) else value)
    assert mine.weights_bytes == sum(t.n_bytes for t in theirs.tensors)
    assert mine.size_bytes <= tiny.stat().st_size < mine.size_bytes + 32


def test_every_type_of_the_reference_library_is_known() -> None:
    for kind in reference.GGMLQuantizationType:
        name, block, block_bytes = gguf.TYPES[kind.value]
        assert name == kind.name
        if name != "Q8_1":  # 40 there; 36 in ggml, which is what runs (it is never stored in a file)
            assert (block, block_bytes) == tuple(reference.GGML_QUANT_SIZES[kind])


@pytest.mark.parametrize("quantization", ["Q4_0", "Q4_K", "Q6_K", "IQ4_NL", "MXFP4", "BF16", "TQ2_0"])
def test_sizes_of_quantized_tensors(tmp_path: Path, quantization: str) -> None:
    path = write(tmp_path / "q.gguf", tensors={"a": (3, 512), "b": (2, 256)}, quantization=quantization)
    assert [t.size_bytes for t in gguf.read_file(path).tensors] == [t.n_bytes for t in reference.GGUFReader(path).tensors]


def test_keys_are_looked_up_below_the_architecture_and_lists_are_kept(tmp_path: Path) -> None:
    path = write(tmp_path / "x.gguf", "lfm2", {"attention.head_count_kv": [0, 8, 0], "general.tags": ["chat", "tiny"]})
    found = gguf.read_file(path)
    assert found.get("attention.head_count_kv") == (0, 8, 0)
    assert found.get("general.tags") == ("chat", "tiny")
    assert found.get("block_count", 7) == 7


def test_a_vocabulary_is_counted_but_not_kept(tiny: Path) -> None:
    assert gguf.read_file(tiny).metadata["tokenizer.ggml.tokens"] == 320


def test_version_2_has_the_same_layout(tiny: Path) -> None:
    data = bytearray(tiny.read_bytes())
    data[4] = 2
    assert parse(bytes(data)).tensors == gguf.read_file(tiny).tensors


def test_alignment_moves_the_data() -> None:
    entries = [entry("general.alignment", 4, struct.pack("<I", 128))]
    found = parse(header(*entries, tensors=tensor("a", (8,)) + tensor("b", (8,), offset=128), tensor_count=2))
    assert found.data_offset % 128 == 0
    assert found.size_bytes == found.data_offset + 128 + 32


def test_a_file_that_lacks_weights_is_told_with_both_sizes(tiny: Path) -> None:
    whole = gguf.read_file(tiny)
    with tiny.open("r+b") as file:
        file.truncate(whole.size_bytes - 1)
    with pytest.raises(Truncated) as caught:
        gguf.read_file(tiny)
    assert caught.value.facts == {"path": str(tiny), "size_bytes": whole.size_bytes - 1, "expected_bytes": whole.size_bytes}


def test_a_file_that_is_not_there_or_may_not_be_read(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"gone\.gguf"):
        gguf.read_file(tmp_path / "gone.gguf")
    (tmp_path / "folder.gguf").mkdir()
    with pytest.raises(LoadFailed):
        gguf.read_file(tmp_path / "folder.gguf")


def test_a_header_may_end_anywhere_and_is_then_truncated(tiny: Path) -> None:
    data = tiny.read_bytes()
    end = gguf.read_file(tiny).data_offset - 32
    for length in range(4, end, 97):
        with pytest.raises(HeaderTruncated) as caught:
            parse(data[:length])
        assert caught.value.facts["size_bytes"] == length


@pytest.mark.parametrize("data", [b"", b"GG", b"PK\x03\x04 a zip", b"<!doctype html>", b"\0" * 4096])
def test_what_is_no_gguf_is_called_so(data: bytes) -> None:
    with pytest.raises(NotGguf):
        parse(data)


U32, HUGE = struct.pack("<I", 1), struct.pack("<Q", 1 << 60)
WRONG = {
    "version 1": (header(version=1), "version 1"),
    "version 9": (header(version=9), "version 9"),
    "big endian": (b"GGUF" + struct.pack(">IQQ", 3, 0, 0), "big-endian"),
    "tensor count": (header(tensor_count=1 << 50), "impossible number"),
    "key count": (header(keys=1 << 50), "impossible number"),
    "same key twice": (header(entry("a", 4, U32), entry("a", 4, U32)), "twice"),
    "no key": (header(entry("", 4, U32)), "no name"),
    "key length": (header(HUGE, keys=1), "impossible length"),
    "key is no text": (header(struct.pack("<Q", 2) + b"\xff\xfe" + U32 + U32, keys=1), "not text"),
    "string length": (header(entry("a", 8, HUGE)), "impossible length"),
    "kind": (header(entry("a", 77, U32)), "unknown kind"),
    "list kind": (header(entry("a", 9, struct.pack("<IQ", 9, 1))), "unknown kind"),
    "list length": (header(entry("tokenizer.x", 9, struct.pack("<IQ", 8, 1 << 40))), "impossible length"),
    "word length": (header(entry("tokenizer.x", 9, struct.pack("<IQQ", 8, 1, 1 << 40))), "more than 64 MB"),
    "alignment": (header(entry("general.alignment", 4, struct.pack("<I", 24))), "power of two"),
    "alignment zero": (header(entry("general.alignment", 4, struct.pack("<I", 0))), "power of two"),
    "alignment kind": (header(entry("general.alignment", 7, b"\1")), "not a number"),
    "dimensions": (header(tensors=tensor("a", (1, 1, 1, 1, 1)), tensor_count=1), "5 dimensions"),
    "withdrawn type": (header(tensors=tensor("a", (32,), kind=4), tensor_count=1), "number 4"),
    "half a block": (header(tensors=tensor("a", (100,), kind=12), tensor_count=1), "whole blocks"),
    "size": (header(tensors=tensor("a", (1 << 40, 1 << 40)), tensor_count=1), "impossible size"),
    "name length": (header(tensors=tensor("a" * 64, (1,)), tensor_count=1), "impossible length"),
    "same tensor": (header(tensors=tensor("a", (8,)) + tensor("a", (8,), offset=32), tensor_count=2), "twice"),
    "overlap": (header(tensors=tensor("a", (8,)) + tensor("b", (8,), offset=0), tensor_count=2), "where it should be"),
    "gap": (header(tensors=tensor("a", (8,), offset=32), tensor_count=1), "where it should be"),
}


@pytest.mark.parametrize("name", WRONG)
def test_a_wrong_header_is_refused_with_the_reason(name: str) -> None:
    data, reason = WRONG[name]
    with pytest.raises(Corrupt, match=reason):
        parse(data)


class Pieces:
    """A stream that gives at most `step` bytes at once, and what was asked of it."""

    def __init__(self, data: bytes, step: int = 1 << 30) -> None:
        self.asked: list[int] = []
        self._stream, self._step = io.BytesIO(data), step

    def read(self, size: int, /) -> bytes:
        self.asked.append(size)
        return self._stream.read(min(size, self._step))


class Zeros:
    """Some bytes, then zeros without an end."""

    def __init__(self, start: bytes) -> None:
        self.given = self.most = 0
        self._start = io.BytesIO(start)

    def read(self, size: int, /) -> bytes:
        self.given, self.most = self.given + size, max(self.most, size)
        return self._start.read(size) or bytes(size)


TOO_LARGE = {
    "numbers": entry("tokenizer.x", 9, struct.pack("<IQ", 12, gguf.MAX_ITEMS) + bytes(8 << 22))
    + entry("tokenizer.y", 9, struct.pack("<IQ", 12, gguf.MAX_ITEMS)),
    "words": entry("tokenizer.x", 9, struct.pack("<IQQ", 8, 1, 1 << 60)),
    "many words": b"".join(entry(f"tokenizer.{n}", 9, struct.pack("<IQ", 8, gguf.MAX_ITEMS)) + bytes(8 << 22) for n in range(2)),
}


@pytest.mark.parametrize("name", TOO_LARGE)
def test_a_header_without_an_end_is_given_up(name: str) -> None:
    stream = Zeros(header(TOO_LARGE[name], keys=3))
    with pytest.raises(HeaderTooLarge, match="more than 64 MB"):
        gguf.read(stream, "x")
    assert stream.given < bounded.MAX_HEADER_BYTES + 2 * bounded.MOST_BYTES
    assert stream.most <= bounded.MOST_BYTES, "a lie about length is not believed with memory"


def test_a_header_that_must_be_too_large_is_not_read_first() -> None:
    words = Zeros(header(entry("a", 9, struct.pack("<IQ", 8, gguf.MAX_ITEMS)) + struct.pack("<Q", 1 << 40), keys=3))
    with pytest.raises(HeaderTooLarge):
        gguf.read(words, "x")
    assert words.given < 1 << 20


def test_more_than_can_be_kept_is_only_counted() -> None:
    lists = [entry(f"x.{n}", 9, struct.pack("<IQ", 0, gguf.MAX_ITEMS_KEPT) + bytes(gguf.MAX_ITEMS_KEPT)) for n in range(1100)]
    long = entry("tokenizer.huggingface.json", 8, text("{" * (bounded.MAX_KEPT_BYTES + 1)))
    found = parse(header(long, *lists, entry("last", 8, text("end"))))
    assert found.get("tokenizer.huggingface.json") == ""
    assert (found.get("x.0"), found.get("x.1099")) == ((0,) * gguf.MAX_ITEMS_KEPT, gguf.MAX_ITEMS_KEPT)
    assert found.get("last") == "end"


@pytest.mark.parametrize("step", [1, 7, 100, 4096])
def test_pieces_say_what_the_whole_says(tiny: Path, monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    data = tiny.read_bytes()
    for name, size in {"FIRST_BYTES": 16, "LEAST_BYTES": 8, "MOST_BYTES": 300}.items():
        monkeypatch.setattr(bounded, name, size)
    assert gguf.read(Pieces(data, step), "x") == gguf.read_file(tiny)


def test_a_word_beyond_the_end_is_the_same_error_in_pieces(monkeypatch: pytest.MonkeyPatch) -> None:
    data = header(entry("tokenizer.x", 9, struct.pack("<IQQ", 8, 2, (16 << 20) + 500)), keys=3) + bytes(1000)
    with pytest.raises(HeaderTruncated):
        parse(data)
    monkeypatch.setattr(bounded, "MOST_BYTES", 64)
    with pytest.raises(HeaderTruncated):
        gguf.read(Pieces(data, 50), "x")


def test_a_stream_is_hardly_read_beyond_the_header(tmp_path: Path) -> None:
    def word(number: int) -> str:  # they grow, as those of a vocabulary do
        return f"▁{number:0{4 + number // 20_000}}"

    count = 150_000
    vocabulary = {
        "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.tokens": [word(number) for number in range(count)],
        "tokenizer.ggml.token_type": [1] * count, "tokenizer.ggml.merges": [word(number) + " ▁" for number in range(count)],
    }  # fmt: skip
    big = write(tmp_path / "big.gguf", metadata=vocabulary, tensors={f"blk.{n}.attn_q.weight": (16, 16) for n in range(300)})
    data = big.read_bytes() + bytes(20 << 20)
    stream = Pieces(data)
    found = gguf.read(stream, "big.gguf")
    assert found == gguf.read_file(big)
    assert found.data_offset > 5_000_000
    assert sum(stream.asked) < 1.12 * found.data_offset
    assert len(stream.asked) <= 6


@given(st.binary(max_size=400))
def test_random_bytes_raise_only_corrupt(data: bytes) -> None:
    for candidate in (data, b"GGUF" + data, b"GGUF\3\0\0\0" + data, b"GGUF" + struct.pack("<IQQ", 3, 2, 2) + data):
        with suppress(Corrupt):
            parse(candidate)


SEED = header(
    entry("general.architecture", 8, text("llama")), entry("tokenizer.x", 9, struct.pack("<IQ", 8, 2) + text("ab") + text("c")),
    entry("llama.list", 9, struct.pack("<IQ3I", 4, 3, 1, 2, 3)), entry("general.alignment", 4, struct.pack("<I", 64)),
    tensors=tensor("a", (256, 2), kind=12) + tensor("b", (8,), offset=320), tensor_count=2,
)  # fmt: skip


@settings(max_examples=400)
@given(st.lists(st.tuples(st.integers(4, len(SEED) - 1), st.integers(0, 255)), max_size=6), st.integers(24, len(SEED)))
def test_damaged_headers_raise_only_corrupt(changes: list[tuple[int, int]], length: int) -> None:
    data = bytearray(SEED)
    for at, value in changes:
        data[at] = value
    with suppress(Corrupt):
        found = parse(bytes(data[:length]))
        assert found.size_bytes >= found.data_offset
        assert found.architecture


@pytest.mark.parametrize(
    ("filename", "expected"),
    [
        ("Qwen3-8B-Q4_K_M.gguf", "Q4_K_M"), ("ggml-model-q4_0.gguf", "Q4_0"), ("gemma-3.Q8_0.gguf", "Q8_0"),
        ("Qwen3-30B-A3B-UD-Q4_K_XL.gguf", "UD-Q4_K_XL"), ("x-IQ2_XXS.gguf", "IQ2_XXS"),
        ("x-UD-IQ1_M-00001-of-00002.gguf", "UD-IQ1_M"),
        ("gpt-oss-20b-MXFP4.gguf", "MXFP4"), ("gpt-oss-20b-mxfp4_moe.gguf", "MXFP4_MOE"), ("x-NVFP4.gguf", "NVFP4"),
        ("BF16/x-BF16-00001-of-00003.gguf", "BF16"), ("gemma-2-9b-it-Q4_K_M-fp16.gguf", "Q4_K_M"), ("model-fp32.gguf", "F32"),
        ("phi-2.Q3_K_L.gguf", "Q3_K_L"), ("x.Q6_K.gguf", "Q6_K"), ("x-Q6_K_L.gguf", "Q6_K_L"), ("bitnet-TQ2_0.gguf", "TQ2_0"),
        ("x.Q5_K.gguf", "Q5_K"), ("alcove-guide.gguf", None), ("FAQ4_0x.gguf", None), ("Qwen3-8B.gguf", None),
    ],
)  # fmt: skip
def test_quantization_from_a_name(filename: str, expected: str | None) -> None:
    assert gguf.quantization(filename) == expected


def test_parts_of_a_split_model() -> None:
    assert gguf.split_part("x-Q4_K_M-00002-of-00003.gguf") == (2, 3)
    assert gguf.split_part("x-Q4_K_M.gguf") is None
    assert gguf.split_part("x-00004-of-00003.gguf") is None


@pytest.mark.parametrize(
    ("entries", "tensors", "expected"),
    [
        ({}, {"a": (8,)}, "model"),
        ({}, {}, "vocabulary"),
        ({"split.count": 2, "split.no": 0}, {}, "model"),
        ({"general.type": "mmproj"}, {"v.a": (8,)}, "projector"),
        ({"general.type": "adapter"}, {"a": (8,)}, "adapter"),
        ({"general.type": "imatrix"}, {"a": (8,)}, "imatrix"),
    ],
)
def test_what_a_file_is(tmp_path: Path, entries: dict[str, object], tensors: dict[str, tuple[int]], expected: str) -> None:
    path = write(tmp_path / "x.gguf", "llama", entries, tensors)
    with path.open("rb") as file:
        assert gguf.read(file, "x").kind == expected


def test_an_old_projector_and_an_adapter_without_a_type(tmp_path: Path) -> None:
    assert gguf.read_file(write(tmp_path / "clip.gguf", "clip", {}, {"v.a": (8,)})).kind == "projector"
    lora = entry("adapter.type", 8, text("lora"))
    assert parse(header(lora, tensors=tensor("a", (8,)), tensor_count=1)).kind == "adapter"


def test_a_split_model_is_all_its_parts(tiny: Path, tmp_path: Path) -> None:
    whole = gguf.read_file(tiny)
    paths = split(tiny, tmp_path, 3)
    found = gguf.read_file(paths[0])
    assert gguf.parts(paths[0]) == gguf.parts(paths[2]) == tuple(paths)
    assert {t.name: t.size_bytes for t in found.tensors} == {t.name: t.size_bytes for t in whole.tensors}
    assert (found.kind, found.get("block_count"), found.split_count) == ("model", 2, 3)
    assert found.size_bytes == sum(gguf.read(path.open("rb"), "x").size_bytes for path in paths)
    assert gguf.read_file(paths[1]).kind == "part"


def test_a_part_that_is_missing_short_or_another_one(tiny: Path, tmp_path: Path) -> None:
    first, second = split(tiny, tmp_path)
    data = second.read_bytes()
    second.unlink()
    with pytest.raises(NotFound, match=r"tiny-00002-of-00002\.gguf, part 2 of 2 of a model"):
        gguf.read_file(first)
    second.write_bytes(data[: len(data) // 2])
    with pytest.raises(Truncated, match=r"tiny-00002-of-00002\.gguf ends too early"):
        gguf.read_file(first)
    second.write_bytes(first.read_bytes())
    with pytest.raises(Corrupt, match="what should be part 2 is another one"):
        gguf.read_file(first)
    renamed = first.rename(tmp_path / "renamed.gguf")
    with pytest.raises(Corrupt, match="one of 2 parts, but its name does not"):
        gguf.read_file(renamed)


def test_parts_that_do_not_belong_together(tiny: Path, tmp_path: Path) -> None:
    paths = split(tiny, tmp_path, 2)
    one, two = (gguf.read(path.open("rb"), "x") for path in paths)
    with pytest.raises(Corrupt, match="do not belong together"):
        gguf.join([one, replace(two, tensors=two.tensors[1:])])
    with pytest.raises(Corrupt, match="do not belong together"):
        gguf.join([one, replace(two, tensors=(one.tensors[0], *two.tensors[1:]))])


def test_a_file_is_read_once_until_it_changes(tiny: Path) -> None:
    first = gguf.read_file(tiny)
    assert gguf.read_file(tiny) is first
    data = tiny.read_bytes()
    tiny.write_bytes(data[:4] + b"\2" + data[5:] + bytes(100))
    assert gguf.read_file(tiny).version == 2
