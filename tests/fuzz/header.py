"""The header reader under a coverage-guided fuzzer: only stated errors, no hang over 1 s, no memory over 100 MB.

What is made of a header that is read, the shape of the model and its layout in memory, is held to the same.

    python3.11 -m venv .venv.fuzz && .venv.fuzz/bin/pip install atheris gguf       (Linux; kept out of the project's own lock)
    .venv.fuzz/bin/python -m tests.fuzz.header CORPUS [FOLDER ...] -max_total_time=1200

CORPUS is where inputs are kept between runs. It begins with files that the tests can make and with the headers of the *.gguf in
each FOLDER (such as llama.cpp's models/), their vocabularies cut to some words. Options with one dash go to libFuzzer.

Each input is read whole, in pieces of odd sizes as from a server, and repeated without an end; what the pieces say must be what
the whole says. Half of the changes know where entries, tensors and lengths are, for blind ones seldom get as far as the tensors.
A finding is written to a file crash-*, timeout-* or oom-*; give that file alone as an argument to see it again.
"""

import io
import multiprocessing
import random
import resource
import struct
import sys
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import atheris

with atheris.instrument_imports(include=[f"desktop.{name}" for name in ("bounded", "gguf", "shape", "layers", "work")]):
    from desktop import bounded, gguf
    from desktop.shape import Shape

from desktop.errors import Corrupt

LIMIT_BYTES = 100 << 20
SMALL_BYTES = 1 << 20  # the largest header, while an input is repeated without an end
MAX_INPUT_BYTES = 16 << 10
WORDS_KEPT, LONG = 12, 100  # of the items of a list that is longer
_WIDTHS = {0: 1, 1: 1, 2: 2, 3: 2, 4: 4, 5: 4, 6: 4, 7: 1, 10: 8, 11: 8, 12: 8}
_usual = bounded.FIRST_BYTES, bounded.LEAST_BYTES, bounded.MOST_BYTES, bounded.MAX_HEADER_BYTES
_before_bytes = 0


class _Pieces:
    """A server that gives less than asked now and then; `endless` begins again where the input ends."""

    def __init__(self, data: bytes, endless: bool = False) -> None:
        self._data, self._at, self._endless = data, 0, endless
        self._step = (4096 if endless else 1) + (data[-1] if data else 0) * 37

    def read(self, size: int, /) -> bytes:
        assert 0 < size <= _usual[2], f"{size} bytes were asked for at once"
        if self._endless and self._at >= len(self._data):
            self._at = 0
        piece = self._data[self._at : self._at + min(size, self._step)]
        self._at += len(piece)
        return piece


def _outcome(stream: bounded.Readable) -> object:
    """The header, or the error in words. Anything else that is raised is a finding."""
    try:
        header = gguf.read(stream, "x.gguf")
    except Corrupt as error:
        return type(error).__name__, str(error)
    assert header.size_bytes >= header.data_offset >= 24
    assert header.kind
    assert header.split_count >= 1
    assert header.weights_bytes <= header.size_bytes
    with suppress(Corrupt):
        gguf.join([header] * min(header.split_count, 3))
    return header


def _limits(first: int, least: int, most: int, header: int) -> None:
    bounded.FIRST_BYTES, bounded.LEAST_BYTES, bounded.MOST_BYTES, bounded.MAX_HEADER_BYTES = first, least, most, header


def one(data: bytes) -> None:
    """Read one input in every way."""
    began_s = time.process_time()  # a busy computer is no finding
    _limits(*_usual)
    whole = _outcome(io.BytesIO(data))
    if isinstance(whole, gguf.Header):
        shape = Shape.from_header(whole)
        assert all(device.total_bytes >= 0 for device in (*shape.lay_out(4096), *shape.lay_out(4096, "q8_0", 1, (1.0,))))
    _limits(16, 8, 64 + (data[0] if data else 0), _usual[3])
    assert repr(_outcome(_Pieces(data))) == repr(whole), "in pieces it says something else"
    _limits(*_usual[:3], SMALL_BYTES)
    if data:
        _outcome(_Pieces(data, endless=True))
    took_s = time.process_time() - began_s
    assert took_s < 1, f"it took {took_s:.1f} s"
    used_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - _before_bytes
    assert used_bytes < LIMIT_BYTES, f"{used_bytes >> 20} MiB of memory were used"


@dataclass
class Places:
    """Where things are in a header, as far as it can be followed: (start, end) of each."""

    numbers: list[tuple[int, int]] = field(default_factory=lambda: [(8, 16), (16, 24)])
    entries: list[tuple[int, int]] = field(default_factory=list)
    tensors: list[tuple[int, int]] = field(default_factory=list)
    items: list[tuple[int, int]] = field(default_factory=list)  # of long lists, those after the first WORDS_KEPT


def find(data: bytes) -> Places:
    """Follow a header without believing that it is a good one."""
    places, at = Places(), 24

    def number(width: int) -> int:
        nonlocal at
        if at + width > len(data):
            raise EOFError
        places.numbers.append((at, at + width))
        at += width
        return int.from_bytes(data[at - width : at], "little")

    def skip(length: int) -> None:
        nonlocal at
        at += length

    with suppress(EOFError, KeyError, struct.error):
        _, tensors, entries = struct.unpack_from("<IQQ", data, 4)
        for _ in range(min(entries, 1000)):
            start = at
            skip(number(8))
            if (kind := number(4)) == 9:
                kind, count = number(4), number(8)
                starts = [at]
                for _ in range(count if kind == 8 else 0):
                    skip(number(8))
                    starts.append(at)
                if kind != 8:
                    starts = [at + each * _WIDTHS[kind] for each in range(WORDS_KEPT + 1)]
                    skip(count * _WIDTHS[kind])
                if count > LONG:
                    places.items.append((starts[WORDS_KEPT], at))
            else:
                skip(number(8) if kind == 8 else _WIDTHS[kind])
            places.entries.append((start, at))
        for _ in range(min(tensors, 5000)):
            start = at
            skip(number(8))
            for _ in range(min(number(4), 4)):
                number(8)
            number(4)
            number(8)
            places.tensors.append((start, at))
    return places


def mutate(data: bytes, longest: int, seed: int) -> bytes:
    """A blind change, or one of a number, an entry or a tensor."""
    chance = random.Random(seed)
    places = find(data)
    if chance.random() < 0.5 or not places.entries:
        return bytes(atheris.Mutate(data, longest))
    pick = chance.choice([places.numbers, places.numbers, places.entries, places.tensors or places.entries])
    start, end = chance.choice(pick)
    before, there, after = data[:start], data[start:end], data[end:]
    if pick is places.numbers:
        old, mask = int.from_bytes(there, "little"), (1 << 8 * len(there)) - 1
        near = [old + 1, old - 1, old * 2, old ^ (1 << chance.randrange(8 * len(there)))]
        value = chance.choice([0, 1, mask, mask >> 1, len(data), chance.randrange(44), 1 << chance.randrange(40), *near])
        return before + (value & mask).to_bytes(len(there), "little") + after
    counted = 16 if pick is places.entries else 8
    twice = chance.random() < 0.5 and len(data) + len(there) <= longest
    if chance.random() < 0.9:  # the count follows
        count = int.from_bytes(before[counted : counted + 8], "little") + (1 if twice else -1)
        before = before[:counted] + (count & (1 << 64) - 1).to_bytes(8, "little") + before[counted + 8 :]
    return before + (there + bytes(atheris.Mutate(there, len(there))) if twice else b"") + after


def cut(data: bytes) -> bytes:
    """A real header with its long lists cut to WORDS_KEPT items, their counts with them."""
    places = find(data)
    end = max((end for _, end in (*places.entries, *places.tensors)), default=len(data))
    out, at = b"", 0
    for start, stop in places.items:
        out += data[at:start]
        holder = max(begin for begin, _ in places.entries if begin < start)
        count = len(out) - (start - holder) + 8 + int.from_bytes(data[holder : holder + 8], "little") + 8
        out = out[:count] + struct.pack("<Q", WORDS_KEPT) + out[count + 8 :]
        at = stop
    return out + data[at:end]


def seed(corpus: Path, folders: list[Path]) -> None:
    """Fill the corpus with real headers."""
    from tests import gguf_files

    corpus.mkdir(parents=True, exist_ok=True)
    whole = gguf_files.llama(corpus / "whole.gguf", layers=1)
    made = [whole, *gguf_files.split(whole, corpus, 2)]
    for kind in ("Q4_0", "Q4_K", "IQ4_NL", "MXFP4", "BF16"):
        made.append(gguf_files.write(corpus / f"{kind}.gguf", tensors={"a": (3, 512), "b": (2, 256)}, quantization=kind))
    for kind in ("mmproj", "adapter", "imatrix"):
        made.append(gguf_files.write(corpus / f"{kind}.gguf", "clip", {"general.type": kind}, {"a": (8,)}))
    found = [path for folder in folders for path in sorted(folder.rglob("*.gguf"))]
    for number, path in enumerate([*made, *found]):
        with path.open("rb") as file:
            data = file.read(bounded.MAX_HEADER_BYTES)
        (corpus / f"seed-{number}-{path.stem}").write_bytes(cut(data)[:MAX_INPUT_BYTES])
    for path in made:
        path.unlink()
    print(f"{len(made) + len(found)} seeds", flush=True)


def main() -> None:
    """Fuzz until a finding, or until -max_total_time."""
    global _before_bytes
    options = [each for each in sys.argv[1:] if each.startswith("-")]
    given = [Path(each) for each in sys.argv[1:] if not each.startswith("-")]
    if given and given[0].is_file():
        one(given[0].read_bytes())
        return
    seeding = multiprocessing.Process(target=seed, args=(given[0], given[1:]))  # its memory is no finding
    seeding.start()
    seeding.join()
    usual = [f"-max_len={MAX_INPUT_BYTES}", "-timeout=10", "-rss_limit_mb=1024"]
    _before_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    atheris.Setup([sys.argv[0], *usual, *options, str(given[0])], one, custom_mutator=mutate)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
