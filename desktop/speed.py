"""How fast this computer reads memory, and the tokens per second that follow from it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rates:
    """What this computer moves, in bytes per second of weights; `measured` is true once real answers have corrected it."""

    memory_bytes_per_s: float
    measured: bool = False
    gpu_bytes_per_s: float | None = None
