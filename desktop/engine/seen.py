"""Pictures in a prompt: a list of tokens in which every place that a picture takes is a number below zero.

The numbers of a picture follow from what it shows, so that what is held can be compared with what is new, and written to a file,
as words can. The first two tell how long it is, and how far the model counts for it: fewer than its places where those are
counted by row and column (M-RoPE).
"""

import struct
from collections.abc import Sequence
from hashlib import sha256
from itertools import cycle, islice


def run(name: str, places: int, counted: int) -> list[int]:
    """The places of a picture that is known by `name`; it takes at least three, of which `counted` count."""
    if places < 3:
        raise ValueError(f"a picture in {places} places")
    words = struct.unpack("<8I", sha256(name.encode()).digest())
    return [-1 - places, -1 - counted, *islice(cycle(-1 - (word >> 1) for word in words), places - 2)]


def length(items: Sequence[int], start: int) -> int:
    """How many places the picture takes that begins at `start`."""
    return -1 - items[start]


def counted(items: Sequence[int]) -> int:
    """How far the model counts for these."""
    total = at = 0
    while at < len(items):
        if items[at] < 0:
            total -= 1 + items[at + 1]
            at += length(items, at)
        else:
            total += 1
            at += 1
    return total


def whole(items: Sequence[int], end: int) -> int:
    """`end`, or where the picture begins through which it would cut."""
    if not end or items[end - 1] >= 0:
        return end
    at = 0
    while at < end:
        size = length(items, at) if items[at] < 0 else 1
        if at + size > end:
            return at
        at += size
    return end


def last_end(items: Sequence[int]) -> int:
    """Where the words after the last picture begin; 0 where there is none."""
    return next((at for at in range(len(items), 0, -1) if items[at - 1] < 0), 0)
