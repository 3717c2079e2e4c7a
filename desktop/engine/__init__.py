"""What an engine is: load() and chat() are generators, close() ends it; and the frozen things that cross its border.

`engine.local` runs llama.cpp in a process of its own; the same protocol can stand before any other thing that answers.
"""

from collections.abc import Generator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from desktop.shape import DeviceMemory

STATES_BYTES = 8 << 30  # of the disk that the memory of conversations may take
ROOM = 64  # tokens that must be left for an answer


@dataclass(frozen=True)
class Message:
    """One turn of a conversation: `role` is "system", "user" or "assistant".

    `thinking` is what an assistant thought before its answer, for templates that want it back; `pictures` are the bytes of
    image files (JPEG, PNG, BMP, GIF) that belong before the text.
    """

    role: str
    text: str
    thinking: str = ""
    pictures: tuple[bytes, ...] = ()


@dataclass(frozen=True)
class LoadOptions:
    """Which file to open, and how.

    `context` in tokens; `gpu_layers` -1 for all; `threads` None finds the fastest number itself; `kv_type` "f16", "q8_0", "q4_0";
    `load_mode` "read" (into memory, repacked for the processor where that is faster) or "mmap" (mapped, left as it is);
    `chats` False opens a model only to measure it: its vocabulary and its chat template may then be broken.
    `projector` is the file that lets the model see pictures. `states` is the folder where the memory of conversations is kept
    from one use to the next, at most `states_bytes` in all; None keeps nothing on the disk.
    """

    path: Path
    context: int = 4096
    gpu_layers: int = 0
    threads: int | None = None
    kv_type: str = "f16"
    load_mode: str = "read"
    chats: bool = True
    projector: Path | None = None
    states: Path | None = None
    states_bytes: int = STATES_BYTES


@dataclass(frozen=True)
class ChatOptions:
    """How to answer: None takes the file's own `general.sampling.*`, or our default where the file says nothing.

    `thinking` True or False matters to models that offer the choice; None leaves it to the file's template.
    `conversation` names the conversation whose memory may be kept on the disk; "" is one that must leave nothing there.
    """

    max_tokens: int = 2048
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    repeat_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    thinking: bool | None = None
    conversation: str = ""


@dataclass(frozen=True)
class Loading:
    """A model is being opened: `fraction` from 0 to 1."""

    fraction: float


@dataclass(frozen=True)
class Reading:
    """The prompt is being read; tokens that the last turn left in memory count as done."""

    done_tokens: int
    total_tokens: int


@dataclass(frozen=True)
class Piece:
    """The next part of the answer, never half a character; empty while there is nothing new."""

    text: str
    thinking: bool = False


@dataclass(frozen=True)
class Loaded:
    """A model that is open: `context` in tokens as granted, `has_template` whether the file brought a chat template.

    `peak_bytes` is the most main memory that the engine's process has had resident since it began to open the model;
    `memory` what it has allocated on each device, () where the build does not tell. `thinks` whether it thinks before it answers:
    "no", "always" or "choice", and then `thinks_unasked` whether also when nothing is said about it; `sees` whether it takes
    pictures; `notices` are sentences for the person about how it was opened.
    """

    context: int
    load_s: float
    architecture: str
    name: str | None
    has_template: bool
    peak_bytes: int = 0
    memory: tuple[DeviceMemory, ...] = ()
    thinks: str = "no"
    thinks_unasked: bool = False
    sees: bool = False
    notices: tuple[str, ...] = ()
    threads: int = 0


@dataclass(frozen=True)
class Reply:
    """A whole answer: the pieces joined, why it ended, and its figures.

    `finish` is "stop" (by itself), "length" (as long as was asked for), "full" (no more room in the conversation memory) or
    "cancelled".

    `prompt_tokens` counts the whole prompt, of which `cached_tokens` needed no reading; `first_token_s` is from the
    question to the first token; `tokens_per_s` is the writing rate after it, 0 when there was nothing to measure;
    `peak_bytes` is the most main memory that the engine's process has had resident since it began to open the model, and
    `batch_tokens` the most tokens that it has read at once since then: fewer than BATCH leave a part of the workspace untouched.
    `guessed_tokens` of the answer needed no step of their own, since they were guessed from what was said before.
    """

    text: str
    thinking: str
    finish: str
    prompt_tokens: int
    cached_tokens: int
    completion_tokens: int
    first_token_s: float
    tokens_per_s: float
    peak_bytes: int = 0
    batch_tokens: int = 0
    threads: int = 0
    guessed_tokens: int = 0


@dataclass(frozen=True)
class Counted:
    """How many tokens a conversation is for the open model, and how many its memory holds."""

    tokens: int
    context: int

    @property
    def fits(self) -> bool:
        """Whether it can be answered: chat() raises ContextFull where not."""
        return self.tokens + ROOM <= self.context


@dataclass(frozen=True)
class BenchStep:
    """The open model is being measured: `fraction` from 0 to 1."""

    fraction: float


@dataclass(frozen=True)
class Benched:
    """How fast the open model reads and writes here, as medians over the repeats; `threads` as used; the last two as in Reply."""

    prompt_tokens_per_s: float
    tokens_per_s: float
    first_token_s: float
    threads: int
    peak_bytes: int
    batch_tokens: int = 0


class HeaderPart(Protocol):
    """The beginning of one of a model's files, up to the end of its list of tensors, and how long the file is."""

    @property
    def name(self) -> str:
        """The file's name; the parts of a split model know each other by it."""

    @property
    def raw(self) -> bytes:
        """The file's first bytes."""

    @property
    def size_bytes(self) -> int:
        """Bytes of the whole file."""


class Engine(Protocol):
    """Answers with one model at a time. Both generators yield at least every 0.2 s; closing them cancels."""

    def load(self, options: LoadOptions) -> Generator[Loading, None, Loaded]:
        """Open a model. Raises NotFound, NotGguf, Truncated, UnknownArchitecture, WillNotFit, LoadFailed, EngineCrashed."""

    def chat(self, messages: Sequence[Message], options: ChatOptions) -> Generator[Reading | Piece, None, Reply]:
        """Answer the last message, or go on with it where it is an answer. Raises ContextFull, LoadFailed, EngineCrashed."""

    def count(self, messages: Sequence[Message], options: ChatOptions) -> Generator[Reading, None, Counted]:
        """Count what chat() would read, and read nothing. Raises LoadFailed, EngineCrashed."""

    def close(self) -> None:
        """End it: no process, no thread, no memory is left."""
