"""What a model's memory holds of a conversation, and the shortest way from there to another prompt.

Most memories can drop their latest tokens. A recurrent state cannot go back, and a sliding window only as far as it reaches: of
these, states at earlier points are kept (checkpoints) as long as there is room. Where the oldest turns were taken out of a
conversation, what follows them is moved up instead of being read again, if the memory allows.

Imported by the worker process only: llama.cpp ends its process on some bad files and some failures of memory.
"""

import ctypes
import os
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from desktop.engine import seen
from desktop.engine.llama import llama
from desktop.engine.threads import Threads
from desktop.engine.vocabulary import Vocabulary
from desktop.hardware import memory
from desktop.shape import BATCH

READ_S = 1.0  # a batch is made as large as can be read in about this time, between two signs of progress ...
READ_LEAST = 64  # ... but not smaller: the processor's flash attention is some five times slower below 64 (its tile)
SHIFT_LEAST = 64  # tokens that have to follow what was taken out for it to be worth moving them up
SAVE_LEAST = 256  # tokens; fewer are soon read again
CHECKPOINTS = 3
CHECKPOINT_SHARE = 8  # one of so many parts of the free memory, at most, is taken by checkpoints
PARTIAL = 1  # LLAMA_STATE_SEQ_FLAGS_PARTIAL_ONLY: what cannot go back by itself


class Stopped(Exception):
    """The order was cancelled; not an error."""


@dataclass(frozen=True)
class _Checkpoint:
    """The part of a memory that cannot go back, as it was after `count` tokens."""

    count: int
    state: Any  # bytes for ctypes


class Recall:
    """The memory of the conversation in `context`; `held` are the tokens in it. `stop` ends every reading.

    `look` reads a picture: it gets the context, the picture's places in the prompt (see `seen`), and how far was counted before.
    """

    def __init__(self, context: Any, vocabulary: Vocabulary, stop: ctypes.c_int, limit: int, threads: Threads) -> None:
        self.context, self._vocabulary, self._stop, self.limit, self.threads = context, vocabulary, stop, limit, threads
        self.held: list[int] = []
        self.look: Callable[[Any, Sequence[int], int], int] | None = None
        self._counted = 0  # how far the model has counted for them
        self.batch_tokens = 0  # the most that were read at once: a full batch touches the whole workspace
        self._memory, model = llama.llama_get_memory(context), llama.llama_get_model(context)
        self._window: int = llama.llama_model_n_swa(model)
        self._recurrent = bool(llama.llama_model_is_recurrent(model) or llama.llama_model_is_hybrid(model))
        self.bound = bool(self._recurrent or self._window)  # cannot go back to everywhere
        self._moves = not self.bound and bool(llama.llama_memory_can_shift(self._memory))
        self._checkpoints: list[_Checkpoint] = []
        self._saved: list[int] = []

    # --- reading --------------------------------------------------------------------------------------------------------------

    def rewind(self, prompt: Sequence[int]) -> int:
        """Keep as much of a prompt as the memory holds, at most all but one token; returns how many tokens that are."""
        same = common(self.held, prompt)
        while self._moves and (gap := self._taken_out(prompt, same)):
            self._move_up(same, gap)
            same = common(self.held, prompt)
        same = min(same, len(prompt) - 1)
        if same == len(self.held):
            return same
        since = seen.counted(self.held[:same]) - self._window
        reached = not self._window or llama.llama_memory_seq_pos_min(self._memory, 0) <= max(0, since)
        if not (reached and self._drop(same)):
            self._go_back(same)
        return len(self.held)

    @property
    def goes_back(self) -> bool:
        """Whether the latest tokens can be dropped at any time."""
        return not self._recurrent

    def keep(self, count: int) -> bool:
        """Keep the first `count` tokens; a memory that cannot is emptied: False."""
        if self._drop(count):
            return True
        self.clear()
        return False

    def clear(self) -> None:
        """Forget everything."""
        llama.llama_memory_clear(self._memory, True)
        self.held, self._checkpoints, self._saved = [], [], []
        self._counted = 0

    def read(self, prompt: Sequence[int], tell: Callable[[int], None] = lambda _: None, marks: Sequence[int] = ()) -> None:
        """Read what is not in the memory yet; `tell` hears after each batch how many tokens are.

        marks: counts of tokens after which a way back is kept, in rising order. Raises Stopped.
        """
        size = READ_LEAST
        while left := len(prompt) - len(self.held):
            if size < left < size + READ_LEAST:  # leave no small batch for the end
                size = left if left <= BATCH else left - READ_LEAST
            mark = next((mark for mark in marks if mark > len(self.held)), len(prompt))
            batch = prompt[len(self.held) : min(len(self.held) + size, mark)]
            if batch[0] < 0:
                self._look(prompt[len(self.held) : len(self.held) + seen.length(batch, 0)])
            else:
                started = time.perf_counter()
                batch = list(takewhile(lambda token: token >= 0, batch))
                self.decode(batch)
                llama.llama_synchronize(self.context)
                spent = time.perf_counter() - started
                size = max(READ_LEAST, min(BATCH, int(len(batch) * READ_S / spent)))
            if len(self.held) in marks:
                self.mark()
            tell(len(self.held))

    def decode(self, tokens: Sequence[int], *, all_scores: bool = False) -> None:
        """Compute the next tokens of the conversation. Raises Stopped.

        all_scores: what may follow each of them can be asked afterwards, else only what follows the last.
        """
        ids = (llama.llama_token * len(tokens))(*tokens)  # the batch only points to them
        batch = llama.llama_batch_get_one(ids, len(tokens))
        batch.pos = (llama.llama_pos * len(tokens))(*range(self._counted, self._counted + len(tokens)))
        if all_scores:
            wanted = (ctypes.c_int8 * len(tokens))(*(1 for _ in tokens))
            batch.logits = ctypes.cast(wanted, type(batch.logits))
        self.threads.before()
        started = time.perf_counter()
        result = llama.llama_decode(self.context, batch)
        self._note(result, tokens)
        self.threads.after(len(tokens), time.perf_counter() - started)
        self.batch_tokens = max(self.batch_tokens, len(tokens))

    def _look(self, run: Sequence[int]) -> None:
        assert self.look is not None, "a picture for a model without eyes"
        self._note(self.look(self.context, run, self._counted), run)
        if self._stop.value:
            raise Stopped

    def _note(self, result: int, read: Sequence[int]) -> None:
        """What was read is held, or was stopped."""
        if result == 2:  # aborted
            if not self._drop(len(self.held)):
                self._go_back(len(self.held))
            raise Stopped
        if result:  # nobody knows what the memory holds now; a new worker does
            raise RuntimeError(f"llama_decode returned {result}")
        self.held += read
        self._counted += seen.counted(read)
        if self._stop.value:
            raise Stopped

    # --- going back -----------------------------------------------------------------------------------------------------------

    def mark(self) -> None:
        """Keep a way back to here, where the memory has none of its own and there is room for one."""
        if not self.bound or any(known.count == len(self.held) for known in self._checkpoints):
            return
        size = llama.llama_state_seq_get_size_ext(self.context, 0, PARTIAL)
        taken = sum(len(known.state) for known in self._checkpoints[1 - CHECKPOINTS :])
        if taken + size > memory.read().available_bytes // CHECKPOINT_SHARE:
            return
        state = (ctypes.c_uint8 * size)()
        if llama.llama_state_seq_get_data_ext(self.context, state, size, 0, PARTIAL) == size:
            self._checkpoints = [*self._checkpoints[1 - CHECKPOINTS :], _Checkpoint(len(self.held), state)]

    def _go_back(self, count: int) -> None:
        """Go back to the last checkpoint within the first `count` tokens, else to nothing."""
        reachable = [known for known in self._checkpoints if 0 < known.count <= count]
        if reachable:
            last = max(reachable, key=lambda known: known.count)
            size = len(last.state)
            restored = llama.llama_state_seq_set_data_ext(self.context, last.state, size, 0, PARTIAL)
            if restored == size and self._drop(last.count):
                return
        self.clear()

    def _drop(self, count: int) -> bool:
        """Drop all but the first `count` tokens; False where this memory cannot, and has not."""
        counted = self._counted - seen.counted(self.held[count:])
        if not llama.llama_memory_seq_rm(self._memory, 0, counted, -1):
            return False
        self.held, self._counted = self.held[:count], counted
        self._checkpoints = [known for known in self._checkpoints if known.count <= count]
        return True

    def _taken_out(self, prompt: Sequence[int], same: int) -> int:
        """How many tokens after the first `same` are no longer in the prompt while whole turns that followed them are; else 0.

        Only whole turns are worth it: what follows thoughts that were taken out is better read again without them.
        """
        begin = prompt[same : same + SHIFT_LEAST]
        if len(begin) < SHIFT_LEAST:
            return 0
        for start in range(same + 1, len(self.held) - SHIFT_LEAST + 1):
            if self.held[start] == begin[0] and self.held[start : start + SHIFT_LEAST] == begin:
                moved = common(self.held[start:], prompt[same:])
                turns = any(self._vocabulary.ends(token) for token in self.held[start : start + moved])
                return start - same if turns else 0
        return 0

    def _move_up(self, start: int, count: int) -> None:
        """Take `count` tokens out of the middle and move up what follows; what moves at all counts each of them."""
        llama.llama_memory_seq_rm(self._memory, 0, start, start + count)
        llama.llama_memory_seq_add(self._memory, 0, start + count, -1, -count)
        del self.held[start : start + count]
        self._counted -= count

    # --- on the disk ----------------------------------------------------------------------------------------------------------

    @property
    def worth_saving(self) -> bool:
        """Whether there is more in the memory than was saved or restored last."""
        return len(self.held) >= SAVE_LEAST and self.held != self._saved

    @property
    def size_bytes(self) -> int:
        """What save() would write."""
        return int(llama.llama_state_seq_get_size(self.context, 0))

    def save(self, path: Path) -> bool:
        """Write the memory and its tokens to a file; False when that failed."""
        ids = (llama.llama_token * len(self.held))(*self.held)
        if not llama.llama_state_seq_save_file(self.context, os.fsencode(path), 0, ids, len(ids)):
            return False
        self._saved = list(self.held)
        return True

    def restore(self, path: Path) -> bool:
        """Hold what a file holds; False when it cannot be used, and the memory is empty then."""
        self.clear()
        ids, count = (llama.llama_token * self.limit)(), ctypes.c_size_t()
        done = llama.llama_state_seq_load_file(self.context, os.fsencode(path), 0, ids, len(ids), ctypes.byref(count))
        if not done:
            self.clear()
            return False
        self.held = list(ids[: count.value])
        self._counted = seen.counted(self.held)
        self._saved = list(self.held)
        return True


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two sequences have in common at their beginning; of a picture all or none."""
    same = next((n for n, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return seen.whole(one, same)
