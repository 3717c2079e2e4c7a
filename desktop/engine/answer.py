"""From bytes of tokens to what a person reads: whole characters, thinking set apart, nothing after a stop string."""

import codecs
from collections.abc import Iterator

from desktop.engine import Piece

# how model families fence their thinking: opening and closing tag (from their chat templates)
THINKING = (
    ("<think>", "</think>"),  # DeepSeek, Qwen, GLM, SmolLM, Granite, MiniMax M2, Nemotron ...
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<seed:think>", "</seed:think>"),  # ByteDance Seed
    ("<mm:think>", "</mm:think>"),  # MiniMax M3
    ("[THINK]", "[/THINK]"),  # Mistral
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Cohere
    ("<|inner_prefix|>", "<|inner_suffix|>"),  # Apertus
    ("<|channel>thought", "<channel|>"),  # Gemma 4
    ("<|channel|>analysis<|message|>", "<|end|>"),  # gpt-oss
)
# what may stand between the thinking and the answer and belongs to neither
FILLING = ("<|start|>assistant", "<|channel|>final<|message|>", "<|START_RESPONSE|>")
# special tokens that have to be spelled out for the tags above to be seen
TAG_TOKENS = (
    *(tag for pair in THINKING for tag in pair),
    *("<|channel|>", "<|message|>", "<|start|>", "<|channel>", "<|START_RESPONSE|>"),
)


def opened(prompt: str) -> str | None:
    """The closing tag to wait for when a template has already opened the thinking at the end of the prompt."""
    end = prompt.rstrip()
    return next((closing for opening, closing in THINKING if end.endswith(opening)), None)


class Answer:
    """Takes bytes, gives pieces; holds back what may yet become a character, a tag or a stop string.

    `begun`: it goes on with an answer that has its first words already.
    """

    def __init__(self, stop: tuple[str, ...] = (), closing: str | None = None, begun: bool = False) -> None:
        self.stopped = False
        self.text = ""
        self.thinking = ""
        self._begun = begun
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stop = tuple(s for s in stop if s)
        self._closing = closing  # not None: inside a block of thinking, up to this tag
        self._held = ""

    def feed(self, bytes_: bytes) -> Iterator[Piece]:
        """What can be shown now that these bytes came, too."""
        self._held += self._decoder.decode(bytes_)
        while not self.stopped:
            marks = self._marks()
            at, mark = min(((self._held.find(m), m) for m in marks if m in self._held), default=(-1, ""))
            if not mark:
                free = len(self._held) - _unsure(self._held, marks)
                yield from self._show(self._held[:free])
                self._held = self._held[free:]
                return
            yield from self._show(self._held[:at])
            self._held = self._held[at:]
            if mark in self._marks():  # what stood before it may have made a tag plain text
                self._held = self._held[len(mark) :]
                self._pass(mark)

    def finish(self) -> Iterator[Piece]:
        """What was held back and turned out to be nothing special; half a character at the very end is dropped."""
        if not self.stopped:
            yield from self._show(self._held)
        self._held = ""

    def _marks(self) -> tuple[str, ...]:
        """What means something at this point: a tag opens thinking only before the answer's first word."""
        if self._closing is not None:
            return (self._closing,)
        return self._stop if self.text or self._begun else (*self._stop, *(opening for opening, _ in THINKING), *FILLING)

    def _pass(self, mark: str) -> None:
        if mark == self._closing:
            self._closing = None
        elif mark in self._stop:
            self.stopped = True
        else:
            self._closing = dict(THINKING).get(mark)

    def _show(self, text: str) -> Iterator[Piece]:
        """`text` as a piece, without the blank lines that models leave around their tags."""
        thinking = self._closing is not None
        if not (self.thinking if thinking else self.text or self._begun):
            text = text.lstrip()
        if not text:
            return
        if thinking:
            self.thinking += text
        else:
            self.text += text
        yield Piece(text, thinking)


def _unsure(text: str, marks: tuple[str, ...]) -> int:
    """How many characters at the end of `text` may be the beginning of a mark."""
    longest = min(len(text), max(map(len, marks), default=1) - 1)
    return next((n for n in range(longest, 0, -1) if any(mark.startswith(text[-n:]) for mark in marks)), 0)
