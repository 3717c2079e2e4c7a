"""How the next token is chosen: what the person set, else what the file's maker wrote into it, else our own choice."""

import math
import secrets
from collections.abc import Callable
from dataclasses import dataclass

from desktop.engine import ChatOptions


@dataclass(frozen=True)
class Sampling:
    """`temperature` 0 always takes the likeliest token; `top_k` 0, `top_p` 1, `min_p` 0, `repeat_penalty` 1 are off."""

    temperature: float = 0.7
    top_k: int = 40
    top_p: float = 0.95
    min_p: float = 0.05
    repeat_penalty: float = 1.0
    repeat_tokens: int = 64
    seed: int = 0


def choose(options: ChatOptions, written: Callable[[str], str | None]) -> Sampling:
    """The sampling of one answer; `written` looks up the file's metadata (`general.sampling.*`)."""

    def pick(wanted: float | None, key: str, ours: float) -> float:
        return wanted if wanted is not None else _number(written(f"general.sampling.{key}"), ours)

    return Sampling(
        temperature=max(0.0, pick(options.temperature, "temp", Sampling.temperature)),
        top_k=max(0, int(pick(options.top_k, "top_k", Sampling.top_k))),
        top_p=pick(options.top_p, "top_p", Sampling.top_p),
        min_p=pick(options.min_p, "min_p", Sampling.min_p),
        repeat_penalty=pick(options.repeat_penalty, "penalty_repeat", Sampling.repeat_penalty),
        repeat_tokens=max(0, int(pick(None, "penalty_last_n", Sampling.repeat_tokens))),
        seed=secrets.randbits(32) if options.seed is None else options.seed & 0xFFFFFFFF,
    )


def _number(text: str | None, otherwise: float) -> float:
    """The number in `text`, or `otherwise` when there is none that could be meant."""
    try:
        value = float(text) if text else otherwise
    except ValueError:
        return otherwise
    return value if math.isfinite(value) else otherwise
