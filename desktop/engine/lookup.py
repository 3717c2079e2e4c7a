"""Guesses at what comes next, from what was read and written before: several are checked by the model in one step.

Names, quotations, code and lists repeat themselves. Where the last words stood before, what followed them there may follow here,
too. The model computes the certain token and the guesses together, which costs it less than one after the other. Each token is
still chosen from the model's own scores, so the answers are what they would have been (prompt lookup decoding, Saxena 2023).
Whether that pays depends on the processor and on the text, so it is measured as it goes.
"""

from collections.abc import Iterable

WORDS = 3  # tokens that have to be the same as before
SMOOTHING = 0.1  # share of the newest measurement in a mean
GAIN = 0.97  # of the time that a token takes without guesses, at most, for them to pay
WAIT_LEAST, WAIT_MOST = 32, 1024  # steps until another trial after one that did not pay; twice as many each time


class Lookup:
    """All tokens of a conversation, and where each few of them stood last."""

    def __init__(self) -> None:
        self._tokens: list[int] = []
        self._places: dict[tuple[int, ...], int] = {}

    def add(self, tokens: Iterable[int]) -> None:
        """These were read or written."""
        for token in tokens:
            last = tuple(self._tokens[-WORDS:])  # now it is known what followed these
            if len(last) == WORDS:
                self._places[last] = len(self._tokens)
            self._tokens.append(token)

    def guess(self, most: int) -> list[int]:
        """Up to `most` tokens that followed the last ones before; none where they never stood there."""
        place = self._places.get(tuple(self._tokens[-WORDS:]))
        return [] if place is None else self._tokens[place : place + most]


class Worth:
    """Whether guessing pays: the seconds that a token takes with guesses and without, as they were lately."""

    def __init__(self) -> None:
        self._plain_s = self._guessed_s = 0.0
        self._left, self._wait = 0, WAIT_LEAST

    @property
    def pays(self) -> bool:
        """Whether the next guesses should be checked; also when it is time for a trial."""
        return self._plain_s > 0 and self._left == 0

    def note(self, guesses: int, tokens: int, seconds: float) -> None:
        """A step with so many guesses gave so many tokens in so many seconds."""
        if guesses:
            self._guessed_s = _mean(self._guessed_s, seconds / tokens)
            if self._guessed_s > GAIN * self._plain_s:
                self._left, self._wait = self._wait, min(2 * self._wait, WAIT_MOST)
                self._guessed_s = 0.0  # the next trial speaks for itself
            elif tokens > 1:
                self._wait = WAIT_LEAST
        else:
            self._plain_s = _mean(self._plain_s, seconds)
            self._left = max(0, self._left - 1)


def _mean(before: float, now: float) -> float:
    return before + SMOOTHING * (now - before) if before else now
