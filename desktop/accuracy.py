"""How right the predictions were on this computer: memory and speed, predicted and measured, of the last models that were used.

Only what was really used can be measured. The engine's workspace is laid out for a full batch of 512 tokens, and the part of it
that no batch has touched is in no memory; so a chat counts for memory only when such a batch was read in it (`bench` always
reads one), and any chat for speed. Models with layers on a graphics card count for speed only: what a process has on a card, and
what the driver keeps of it in main memory, no system tells alike. Nothing private is kept: the id of the model and figures.
"""

import math
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec

from desktop.replacing import replace

MOST = 100  # entries that are kept
TOLD = 12  # of the last of them, the sentence tells
SPEEDS = 3  # that many are needed before it tells of speed: a single one says most about what else the computer did


@dataclass(frozen=True)
class Entry:
    """One model used; 0 where a figure was not measured. Bytes of main memory, tokens a second."""

    model: str
    predicted_bytes: int = 0
    measured_bytes: int = 0
    predicted_tokens_per_s: float = 0.0
    measured_tokens_per_s: float = 0.0

    @property
    def memory_error(self) -> float | None:
        """By which part the estimate of memory was off: 0.03 = 3 % too high."""
        return self.predicted_bytes / self.measured_bytes - 1 if self.predicted_bytes and self.measured_bytes else None

    @property
    def speed_error(self) -> float | None:
        """The same of the speed."""
        told, seen = self.predicted_tokens_per_s, self.measured_tokens_per_s
        return told / seen - 1 if told and seen else None


class Record:
    """The entries of this computer, in one small file; one that cannot be read or written is no reason to stop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            self.entries = tuple(msgspec.json.decode(path.read_bytes(), type=list[Entry])[-MOST:])
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
            self.entries = ()

    def add(self, entry: Entry) -> None:
        """Keep one more, and forget the oldest where there are too many."""
        if entry.memory_error is None and entry.speed_error is None:
            return
        self.entries = (*self.entries, entry)[-MOST:]
        with suppress(OSError):  # a home that cannot be written only means that it is forgotten
            replace(self._path, msgspec.json.encode(self.entries), own=True)

    def sentence(self) -> str:
        """ "Our last 12 estimates of memory were within 3 %.", and of speed; empty while nothing was measured."""
        memory = [entry.memory_error for entry in self.entries if entry.memory_error is not None]
        rates = [entry.speed_error for entry in self.entries if entry.speed_error is not None]
        kinds = ((memory, "memory", 1), (rates, "speed", SPEEDS))
        return " ".join(_within(errors[-TOLD:], what) for errors, what, least in kinds if len(errors) >= least)


def _within(errors: list[float], what: str) -> str:
    """The worst of them, in whole per cent rounded up."""
    worst = max(1, math.ceil(max(abs(error) for error in errors) * 100 - 1e-9))
    if len(errors) == 1:
        return f"Our last estimate of {what} was within {worst} %."
    return f"Our last {len(errors)} estimates of {what} were within {worst} %."
