"""The header reader under a coverage-guided fuzzer: only stated errors, no hang over 1 s, no memory over 100 MB.

    python3.11 -m venv .venv.fuzz && .venv.fuzz/bin/pip install atheris gguf       (Linux; kept out of the project's own lock)
    .venv.fuzz/bin/python -m tests.fuzz.header CORPUS [FOLDER ...] -max_total_time=1200

CORPUS is where inputs are kept between runs. It begins with files that the tests can make and with the headers of the *.gguf in
each FOLDER (such as llama.cpp's models/), their vocabularies cut to some words. Options with one dash go to libFuzzer.

Each input is read whole, in pieces of odd sizes as from a server, and repeated without an end; what the pieces say must be what
the whole says. A finding is written to a file crash-*, timeout-* or oom-*; give that file alone as an argument to see it again.
"""

import io
import resource
import struct
import sys
from contextlib import suppress
from pathlib import Path

import atheris

with atheris.instrument_imports(include=["desktop.bounded", "desktop.gguf"]):
    from desktop import bounded, gguf

from desktop.errors import Corrupt

LIMIT_BYTES = 100 << 20
SMALL_BYTES = 1 << 20  # the largest header, while an input is repeated without an end
MAX_INPUT_BYTES = 16 << 10
WORDS_KEPT = 12
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
        gguf.join([header])
    return header


def _limits(first: int, least: int, most: int, header: int) -> None:
    bounded.FIRST_BYTES, bounded.LEAST_BYTES, bounded.MOST_BYTES, bounded.MAX_HEADER_BYTES = first, least, most, header


def one(data: bytes) -> None:
    """Read one input in every way."""
    _limits(*_usual)
    whole = _outcome(io.BytesIO(data))
    _limits(16, 8, 64 + (data[0] if data else 0), _usual[3])
    assert _outcome(_Pieces(data)) == whole, "in pieces it says something else"
    _limits(*_usual[:3], SMALL_BYTES)
    if data:
        _outcome(_Pieces(data, endless=True))
    used_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - _before_bytes
    assert used_bytes < LIMIT_BYTES, f"{used_bytes >> 20} MiB of memory were used"


def cut(data: bytes) -> bytes:
    """A real header with its long lists cut to WORDS_KEPT items."""
    _, tensors, count = struct.unpack_from("<IQQ", data, 4)
    out, at = data[:24], 24
    for _ in range(count):
        start = at
        at = _after_text(data, at)
        kind = struct.unpack_from("<I", data, at)[0]
        at += 4
        if kind != 9:
            at = _after_text(data, at) if kind == 8 else at + _WIDTHS[kind]
            out += data[start:at]
            continue
        of, length = struct.unpack_from("<IQ", data, at)
        out += data[start:at] + struct.pack("<IQ", of, min(length, WORDS_KEPT))
        at += 12
        for number in range(length):
            begin = at
            at = _after_text(data, at) if of == 8 else at + _WIDTHS[of]
            out += data[begin:at] if number < WORDS_KEPT else b""
    start = at
    for _ in range(tensors):
        at = _after_text(data, at)
        at += 16 + 8 * int(struct.unpack_from("<I", data, at)[0])
    return out + data[start:at]


def _after_text(data: bytes, at: int) -> int:
    return at + 8 + int(struct.unpack_from("<Q", data, at)[0])


def seed(corpus: Path, folders: list[Path]) -> int:
    """Fill the corpus with real headers and tell how many."""
    from tests import gguf_files

    corpus.mkdir(parents=True, exist_ok=True)
    made = [gguf_files.llama(corpus / "made.gguf", layers=layers) for layers in (1,)]
    found = [path for folder in folders for path in sorted(folder.rglob("*.gguf"))]
    for number, path in enumerate([*made, *found]):
        data = path.read_bytes()[: bounded.MAX_HEADER_BYTES]
        with suppress(struct.error):  # not every file that is found is a good one; those are left as they are
            data = cut(data)
        (corpus / f"seed-{number}-{path.stem}").write_bytes(data[:MAX_INPUT_BYTES])
    for path in made:
        path.unlink()
    return len(made) + len(found)


def main() -> None:
    """Fuzz until a finding, or until -max_total_time."""
    global _before_bytes
    options = [each for each in sys.argv[1:] if each.startswith("-")]
    given = [Path(each) for each in sys.argv[1:] if not each.startswith("-")]
    if given and given[0].is_file():
        one(given[0].read_bytes())
        return
    print(f"{seed(given[0], given[1:])} seeds", flush=True)
    usual = [f"-max_len={MAX_INPUT_BYTES}", "-timeout=1", "-rss_limit_mb=1024"]
    _before_bytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    atheris.Setup([sys.argv[0], *usual, *options, str(given[0])], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main()
