"""From bytes of tokens to what a person reads: whole characters, thinking set apart, nothing after a stop string."""

import codecs
from collections.abc import Iterator

from desktop.engine import Piece
from desktop.engine.thinking import AFTER_THOUGHTS, BEFORE_ANSWER, BETWEEN, TAGS


class Answer:
    """Takes bytes, gives pieces; holds back what may yet become a character, a tag or a stop string.

    `begun`: it goes on with an answer that has its first words already.
    """

    def __init__(self, stop: tuple[str, ...] = (), closing: str | None = None, begun: bool = False) -> None:
        self.stopped = False
        self.text = ""
        self.thinking = ""
        self._decoder = codecs.getincrementaldecoder("utf-8")("replace")
        self._stop = tuple(s for s in stop if s)
        self._closing = closing  # not None: inside a block of thinking, up to this tag
        self._ending: str | None = None  # what ends this part of the answer
        self._begun = begun  # this part of the answer has its first word
        self._held = ""

    def feed(self, bytes_: bytes) -> Iterator[Piece]:
        """What can be shown now that these bytes came, too."""
        self._held += self._decoder.decode(bytes_)
        yield from self._read(whole=False)

    def finish(self) -> Iterator[Piece]:
        """What was held back and turned out to be nothing special; half a character at the very end is dropped."""
        yield from self._read(whole=True)

    def _read(self, whole: bool) -> Iterator[Piece]:
        """Take from what is held all that is certain; `whole`: nothing follows any more."""
        while not self.stopped:
            marks = self._marks()
            at, mark = min(((self._held.find(m), m) for m in marks if m in self._held), default=(len(self._held), ""))
            unsure = len(self._held) if whole else len(self._held) - _unsure(self._held, marks)
            if unsure < at or not mark:
                yield from self._show(self._held[:unsure])
                self._held = self._held[unsure:]
                return
            yield from self._show(self._held[:at])
            self._held = self._held[at:]
            if mark in self._marks():  # what stood before it may have made a tag plain text
                self._held = self._held[len(mark) :]
                self._pass(mark)
        self._held = ""

    def _marks(self) -> tuple[str, ...]:
        """What means something at this point: a tag opens thinking only before the first word of a part of the answer."""
        if self._closing is not None:
            return (self._closing,)
        if self._begun:
            return (*self._stop, self._ending) if self._ending else self._stop
        wrapped = tuple(AFTER_THOUGHTS) if self.thinking and not self.text else ()
        return (*self._stop, *TAGS, *BEFORE_ANSWER, *BETWEEN, *wrapped)

    def _pass(self, mark: str) -> None:
        if self._closing is None and mark in self._stop:
            self.stopped = True
        elif mark in (self._closing, self._ending):
            self._closing = self._ending = None
            self._begun = False
        elif mark in TAGS:
            self._closing = TAGS[mark]
        else:
            self._ending = BEFORE_ANSWER.get(mark) or AFTER_THOUGHTS.get(mark) or self._ending

    def _show(self, text: str) -> Iterator[Piece]:
        """`text` as a piece, without the blank lines that models leave around their tags."""
        thinking = self._closing is not None
        if not (self.thinking if thinking else self._begun):
            text = text.lstrip()
        if not text:
            return
        if thinking:
            self.thinking += text
        else:
            text = f"\n\n{text}" if self.text and not self._begun else text
            self._begun = True
            self.text += text
        yield Piece(text, thinking)


def _unsure(text: str, marks: tuple[str, ...]) -> int:
    """How many characters at the end of `text` may be the beginning of a mark."""
    longest = min(len(text), max(map(len, marks), default=1) - 1)
    return next((n for n in range(longest, 0, -1) if any(mark.startswith(text[-n:]) for mark in marks)), 0)
