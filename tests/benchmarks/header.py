"""What reading a header costs, from memory and over a local server:  python -m tests.benchmarks.header [FILE.gguf ...]

Each FILE stands for a model of 8B: its entries and vocabulary as they are (llama.cpp's models/ggml-vocab-*.gguf are real ones),
then the 399 tensors of Qwen3 8B where it has none of its own. Without a FILE, a made vocabulary of that size is used. Printed are
medians: reading the bytes that are in memory already; the same over HTTP with an empty cache, and from the cache.
"""

import io
import statistics
import struct
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from desktop import gguf
from desktop.headers import Headers, RemoteHeader
from desktop.hub import Hub
from desktop.network import Network
from desktop.repo import File
from tests.hub_server import HubServer

RUNS = 11
LAYER = (
    "attn_norm", "attn_q", "attn_q_norm", "attn_k", "attn_k_norm", "attn_v", "attn_output", "ffn_norm", "ffn_gate", "ffn_up",
    "ffn_down",
)  # fmt: skip


def text(value: str) -> bytes:
    return struct.pack("<Q", len(value.encode())) + value.encode()


def vocabulary(count: int = 151_936) -> bytes:
    """A header with words, types and merges of about the lengths that Qwen's have, and no tensors."""
    words = b"".join(text(f"{number:x}{'x' * (number // 40_000)}") for number in range(count))
    merges = b"".join(text(f"{number:x} {'x' * (2 + number // 40_000)}") for number in range(count))
    entries = [
        ("general.architecture", struct.pack("<I", 8) + text("qwen3")),
        ("tokenizer.ggml.tokens", struct.pack("<IIQ", 9, 8, count) + words),
        ("tokenizer.ggml.token_type", struct.pack("<IIQ", 9, 5, count) + bytes(4 * count)),
        ("tokenizer.ggml.merges", struct.pack("<IIQ", 9, 8, count) + merges),
    ]
    return b"GGUF" + struct.pack("<IQQ", 3, 0, len(entries)) + b"".join(text(key) + value for key, value in entries)


def with_tensors(data: bytes) -> tuple[bytes, int]:
    """The header with the tensors of a model of 8B, and the size of the file that it promises."""
    if gguf.read(io.BytesIO(data), "x").tensors:
        return data, gguf.read(io.BytesIO(data), "x").size_bytes
    names = [f"blk.{layer}.{name}.weight" for layer in range(36) for name in LAYER]
    names += ["token_embd.weight", "output_norm.weight", "output.weight"]
    size = 4096 * 4096 // 256 * 144
    tensors = [text(name) + struct.pack("<IQQIQ", 2, 4096, 4096, 12, number * size) for number, name in enumerate(names)]
    header = data[:8] + struct.pack("<Q", len(names)) + data[16:] + b"".join(tensors)
    return header + bytes(-len(header) % 32), gguf.read(io.BytesIO(header), "x").size_bytes


def median_ms(act: Callable[[], object]) -> float:
    taken = []
    for _ in range(RUNS):
        began = time.perf_counter()
        act()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1000


def read(headers: Headers, file: File) -> RemoteHeader:
    steps = headers.read(file)
    while True:
        try:
            next(steps)
        except StopIteration as end:
            return end.value  # type: ignore[no-any-return]


def measure(name: str, data: bytes, folder: Path) -> None:
    """Print one line."""
    header, size_bytes = with_tensors(data)
    path = folder / "model-Q4_K_M.gguf"
    with path.open("wb") as out:
        out.write(header)
        out.truncate(size_bytes)
    parse_ms = median_ms(lambda: gguf.read(io.BytesIO(header), name))
    with HubServer() as server:
        server.repos.clear()
        content = server.add("a/b", {path.name: b""}).files
        content[path.name] = type(content[path.name])(path, size_bytes, "0" * 64)  # without hashing gigabytes of nothing
        hub = Hub(Network(), server.endpoint)
        file = hub.file("a/b", path.name)
        count = iter(range(RUNS))
        remote_ms = median_ms(lambda: read(Headers(hub, folder / f"empty-{next(count)}"), file))
        requests = len(server.asked("cdn")) / RUNS
        first = read(Headers(hub, folder / "kept"), file)
        cached_ms = median_ms(lambda: read(Headers(hub, folder / "kept"), file))
    print(
        f"{name:<28} {first.header.data_offset / 1e6:6.2f} MB   parse {parse_ms:5.1f} ms   remote {remote_ms:5.1f} ms, "
        f"{requests:.0f} requests, {first.bytes_read / first.header.data_offset:.3f} x the header   cached {cached_ms:5.1f} ms"
    )


def main() -> None:
    files = [Path(each) for each in sys.argv[1:]]
    with tempfile.TemporaryDirectory() as folder:
        for path in files:
            own = Path(folder, path.stem)
            own.mkdir()
            measure(path.stem, path.read_bytes()[:64_000_000], own)
        if not files:
            measure("made, 151936 words", vocabulary(), Path(folder))


if __name__ == "__main__":
    main()
