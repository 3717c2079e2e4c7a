"""What the two processes of the engine say to each other beside the things of the protocol, all of it frozen."""

from collections.abc import Mapping
from dataclasses import dataclass

from desktop.engine import Benched, ChatOptions, Counted, Loaded, LoadOptions, Message, Reply
from desktop.engine.threads import Counts
from desktop.errors import AlcoveError
from desktop.hardware import EngineReport
from desktop.shape import DeviceMemory


@dataclass(frozen=True)
class Load:
    """Order: open a model; any other is given up first. `threads` are the numbers of threads that are worth a trial."""

    options: LoadOptions
    threads: Counts


@dataclass(frozen=True)
class Chat:
    """Order: answer the last message."""

    messages: tuple[Message, ...]
    options: ChatOptions


@dataclass(frozen=True)
class Count:
    """Order: say how many tokens these messages are."""

    messages: tuple[Message, ...]
    options: ChatOptions


@dataclass(frozen=True)
class Bench:
    """Order: measure how fast the open model reads `prompt_tokens` and writes `tokens`, both after `depth` others.

    threads: other numbers of threads for as long as this takes.
    """

    prompt_tokens: int
    tokens: int
    repeats: int
    depth: int
    threads: Counts | None


@dataclass(frozen=True)
class Measure:
    """Order: say what opening a model would allocate, and open nothing."""

    options: LoadOptions


@dataclass(frozen=True)
class Measured:
    """What opening a model would allocate on each device."""

    memory: tuple[DeviceMemory, ...]


@dataclass(frozen=True)
class Save:
    """Order: keep on the disk what the open model has read of its conversation."""


@dataclass(frozen=True)
class Saved:
    """It is kept, or was not worth it or not allowed to be."""


@dataclass(frozen=True)
class Forget:
    """A conversation is no more: drop what was read of it; None: of any. There is no answer."""

    conversation: str | None


@dataclass(frozen=True)
class Describe:
    """Order: say what engine this is and which devices it sees."""


@dataclass(frozen=True)
class Cancel:
    """Stop the order that is being worked on; harmless when there is none."""


@dataclass(frozen=True)
class Cancelled:
    """The order was stopped as asked."""


@dataclass(frozen=True)
class Failed:
    """The order failed for a reason that a person can act on; `error(**facts)` is raised on the other side."""

    error: type[AlcoveError]
    facts: Mapping[str, object]


Order = Load | Chat | Count | Bench | Save | Forget | Measure | Describe
# an order is answered by any number of other things, then by one of these
LAST = (Loaded, Reply, Counted, Benched, Saved, Measured, EngineReport, Cancelled, Failed)
