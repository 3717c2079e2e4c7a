"""Which bytes of a file are there: spans that never touch, in rising order."""

from bisect import bisect_left
from collections.abc import Iterable, Iterator


class Spans:
    """A set of bytes, held as (start, end) pairs; `end` is the first byte that is not in the span."""

    def __init__(self, spans: Iterable[tuple[int, int]] = ()) -> None:
        self._spans: list[tuple[int, int]] = []
        for start, end in spans:
            self.add(start, end)

    def __iter__(self) -> Iterator[tuple[int, int]]:
        return iter(tuple(self._spans))

    @property
    def total(self) -> int:
        """How many bytes these are."""
        return sum(end - start for start, end in self._spans)

    @property
    def frontier(self) -> int:
        """The first byte that is missing."""
        return self._spans[0][1] if self._spans and self._spans[0][0] == 0 else 0

    def add(self, start: int, end: int) -> None:
        """Add the bytes from `start` up to `end`; some of them may be there already."""
        if start >= end:
            return
        first = bisect_left(self._spans, start, key=lambda span: span[1])
        last = first
        while last < len(self._spans) and self._spans[last][0] <= end:
            start, end = min(start, self._spans[last][0]), max(end, self._spans[last][1])
            last += 1
        self._spans[first:last] = [(start, end)]

    def remove(self, start: int, end: int) -> None:
        """Take the bytes from `start` up to `end` out."""
        if start >= end:
            return
        kept = self._spans
        self._spans = [(a, min(b, start)) for a, b in kept if a < start] + [(max(a, end), b) for a, b in kept if b > end]

    def gaps(self, size: int) -> Iterator[tuple[int, int]]:
        """What is missing of a file of that size."""
        at = 0
        for start, end in (*self._spans, (size, size)):
            if at < min(start, size):
                yield at, min(start, size)
            at = max(at, end)
