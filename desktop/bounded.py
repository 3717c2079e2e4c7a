"""Numbers and texts from a stream of bytes that nobody vouches for: every length is checked before anything of it is made.

Nothing is read beyond MAX_HEADER_BYTES, nothing kept beyond MAX_KEPT_BYTES, and a stream is only asked for what is expected.
"""

import struct
from typing import NoReturn, Protocol

from desktop.errors import Corrupt, HeaderTooLarge, HeaderTruncated

MAX_HEADER_BYTES = 64_000_000  # the largest known have 16 MB
MAX_KEPT_BYTES = 4 << 20  # of all texts and lists together
FIRST_BYTES, LEAST_BYTES, MOST_BYTES = 256 << 10, 64 << 10, 8 << 20  # asked of a stream: the first time, later, at once
WORD_BYTES = 16  # of a vocabulary, with its length, before the first ones are seen

_U32, _U64 = struct.Struct("<I"), struct.Struct("<Q")


class Readable(Protocol):
    """Anything with read(size): a file, BytesIO, an answer of a server. May give less than asked, nothing at the end."""

    def read(self, size: int, /) -> bytes: ...


class Bounded:
    """Numbers and texts at the start of a stream. `path` is only for errors: Corrupt, HeaderTruncated, HeaderTooLarge."""

    def __init__(self, stream: Readable, path: str) -> None:
        self.ahead = FIRST_BYTES  # bytes that are expected after what is being read
        self._stream = stream
        self._path = path
        self._window = b""
        self._at = 0
        self._before = 0  # bytes of the stream before the window
        self._kept = 0

    @property
    def position(self) -> int:
        return self._before + self._at

    def fail(self, why: str) -> NoReturn:
        raise Corrupt(path=self._path, why=why)

    def check(self, size: int) -> None:
        """Refuse what would end beyond the largest header, before anything of that size is read or made."""
        if self.position + size > MAX_HEADER_BYTES:
            raise HeaderTooLarge(path=self._path, limit_bytes=MAX_HEADER_BYTES)

    def keep(self, size: int) -> bool:
        """Whether there is still room to keep so many bytes of the header; they are counted then."""
        fits = self._kept + size <= MAX_KEPT_BYTES
        self._kept += size if fits else 0
        return fits

    def peek(self, size: int) -> bytes:
        """The next bytes, fewer at the end of the stream."""
        if len(self._window) - self._at < size:
            self._fill(size)
        return self._window[self._at : self._at + size]

    def take(self, size: int) -> bytes:
        self._need(size)
        self._at += size
        return self._window[self._at - size : self._at]

    def skip(self, size: int, then: int = 0) -> None:
        """Step over bytes; `then` more are expected after them, and before what is `ahead`."""
        self.check(size)
        self._at += size
        while (beyond := self._at - len(self._window)) > 0:
            self._at = len(self._window)
            self._need(1, beyond + then)
            self._at = beyond

    def u32(self) -> int:
        return int(_U32.unpack(self.take(4))[0])

    def u64(self) -> int:
        return int(_U64.unpack(self.take(8))[0])

    def text(self, limit: int, what: str, errors: str = "strict") -> str:
        """A text; one that there is no room to keep is empty, or refused where `errors` is "strict"."""
        length = self.u64()
        if length > limit:
            self.fail(f"{what} has an impossible length")
        self.check(length)
        kept = length if self.keep(length) else 0
        if kept < length and errors == "strict":
            self.fail(f"{what} has an impossible length")
        try:
            found = self.take(kept).decode("utf-8", errors)
        except UnicodeDecodeError:
            self.fail(f"{what} is not text")
        self.skip(length - kept)
        return found

    def skip_texts(self, count: int) -> None:
        """Step over `count` strings, a third of a million of them in some 0.02 s."""
        self.check(8 * count)
        mean = float(WORD_BYTES)
        while count:
            self._need(8, round(count * mean))
            first = self._at
            count -= (done := self._step(count))
            mean = (self._at - first) / done
            size, self._at = self._at - first, first
            self.skip(size, round(count * mean))

    def _step(self, count: int) -> int:
        """Move over as many strings as begin in the window, perhaps beyond its end, and tell how many.

        The lengths are read through eight views of the window as 64-bit numbers of this computer (whose order of bytes is that
        of the format, on everything the engine runs on), one for each alignment: twice as fast as unpacking them.
        """
        window, at = memoryview(self._window), self._at
        whole = [(len(window) - start) // 8 * 8 for start in range(8)]
        words = [window[start : start + size].cast("Q") if size > 0 else b"" for start, size in enumerate(whole)]
        done = 0
        try:
            for done in range(count):  # noqa: B007
                at += 8 + words[at & 7][at >> 3]
            done = count
        except IndexError:
            pass
        self._at = at
        return done

    def _need(self, size: int, expected: int = 0) -> None:
        """Have so many bytes in the window."""
        if len(self._window) - self._at >= size:
            return
        self.check(size)
        self._fill(size, expected)
        if len(self._window) < size:
            raise HeaderTruncated(path=self._path, size_bytes=self._before + len(self._window))

    def _fill(self, size: int, expected: int = 0) -> None:
        """Let the window begin here and hold `size` bytes at least, unless the stream ends; `expected` are wanted in all."""
        pieces, held = [self._window[self._at :]], len(self._window) - self._at
        wanted = max(size, expected) + self.ahead
        wanted += (self.position + wanted) // 16  # rather a little too much than one request more
        wanted = max(size, min(max(wanted, held + LEAST_BYTES), MOST_BYTES))
        while held < size and (more := self._stream.read(wanted - held)):
            pieces.append(more)
            held += len(more)
        self._before, self._at, self._window = self.position, 0, b"".join(pieces)
