"""A model's vocabulary: text to tokens and back.

Imported by the worker process only: llama.cpp ends its process on some bad files and some failures of memory.
"""

import ctypes
from collections.abc import Iterable, Sequence
from typing import Any

from desktop.engine.llama import llama


class Vocabulary:
    """The vocabulary of an open model; `spelled_out` are the special tokens that `piece` spells, all others it leaves out."""

    def __init__(self, model: Any, spelled_out: Iterable[str] = ()) -> None:
        self._vocab = llama.llama_model_get_vocab(model)
        self.size: int = llama.llama_vocab_n_tokens(self._vocab)
        self.exists = llama.llama_vocab_type(self._vocab) != 0
        self.adds_bos: bool = self.exists and llama.llama_vocab_get_add_bos(self._vocab)
        tags = (self.tokens(tag) for tag in spelled_out) if self.exists else ()
        self._spelled = frozenset(tag[0] for tag in tags if len(tag) == 1)

    @property
    def bos(self) -> str:
        """The text of the token that begins every text; empty where there is none."""
        return self._spell(llama.llama_vocab_bos(self._vocab))

    @property
    def eos(self) -> str:
        """The text of the token that ends every text; empty where there is none."""
        return self._spell(llama.llama_vocab_eos(self._vocab))

    def ends(self, token: int) -> bool:
        """Whether a token ends an answer."""
        return bool(llama.llama_vocab_is_eog(self._vocab, token))

    def tokens(self, text: str, *, add_special: bool = False) -> list[int]:
        """The tokens of `text`, in which special tokens may be spelled; add_special: with the ones that begin every text."""
        bytes_ = text.encode("utf-8", "replace")
        ids = (llama.llama_token * (len(bytes_) + 8))()
        count = llama.llama_tokenize(self._vocab, bytes_, len(bytes_), ids, len(ids), add_special, True)
        return list(ids[:count])

    def text(self, tokens: Sequence[int]) -> str:
        """What `tokens` spell, special ones included."""
        ids = (llama.llama_token * len(tokens))(*tokens)
        room = ctypes.create_string_buffer(max(64, 8 * len(tokens)))
        count = llama.llama_detokenize(self._vocab, ids, len(ids), room, len(room), False, True)
        if count < 0:  # minus the room it needs
            room = ctypes.create_string_buffer(-count)
            count = llama.llama_detokenize(self._vocab, ids, len(ids), room, len(room), False, True)
        return room.raw[:count].decode("utf-8", "replace")

    def piece(self, token: int) -> bytes:
        """What a token of an answer adds to its text, perhaps a part of a character only."""
        return self._bytes(token, special=token in self._spelled)

    def _spell(self, token: int) -> str:
        return self._bytes(token, special=True).decode("utf-8", "replace") if token >= 0 else ""

    def _bytes(self, token: int, special: bool) -> bytes:
        room = ctypes.create_string_buffer(64)
        count = llama.llama_token_to_piece(self._vocab, token, room, len(room), 0, special)
        if count < 0:  # minus the room it needs
            room = ctypes.create_string_buffer(-count)
            count = llama.llama_token_to_piece(self._vocab, token, room, len(room), 0, special)
        return room.raw[:count]
