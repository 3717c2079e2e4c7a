"""One open model and its conversation: opened, asked, given back.

Imported by the worker process only: llama.cpp ends its process on some bad files and some failures of memory.
"""

import ctypes
import os
import time
from collections.abc import Callable, Iterator
from typing import Any

from desktop.engine import (
    Loaded,
    Loading,
    LoadOptions,
    Message,
    Reading,
    Reply,
    answer,
    buffers,
    loading,
    sampling,
    template,
    wire,
)
from desktop.engine.llama import Log, context_params, llama, model_params
from desktop.errors import AlcoveError, ContextFull, LoadFailed
from desktop.hardware import memory
from desktop.shape import BATCH

READ_S = 0.25  # a batch is made as large as can be read in about this time ...
READ_LEAST = 64  # ... but not smaller: the processor's flash attention is some five times slower below 64 (its tile)
ROOM = 64  # tokens that must be left for an answer

Tell = Callable[[object], None]


class Stopped(Exception):
    """The order was cancelled; not an error."""


class Model:
    """One open model and the conversation it has in memory; `tell` hears the progress. Raises what load() raises."""

    def __init__(self, options: LoadOptions, stop: ctypes.c_bool, log: Log, tell: Tell) -> None:
        started = time.perf_counter()
        self._path, self._stop, self._log = options.path, stop, log
        self.batch_tokens = 0  # the most that were read at once: a full batch touches the whole workspace
        self._held: list[int] = []  # the tokens that are in the model's memory
        log.clear()
        self._peak = loading.Peak()
        self._free_bytes = memory.read().available_bytes
        if options.gpu_layers == 0:  # the drivers of graphics devices reserve more than they use
            loading.fence_in(self._free_bytes)
        self._model = self._open(options, tell)
        self._vocab = llama.llama_model_get_vocab(self._model)
        self.vocabulary: int = llama.llama_vocab_n_tokens(self._vocab)
        self.context: Any = None
        try:
            self._refuse_other_kinds()
            self.context = self._make_context(options)
            self._memory = llama.llama_get_memory(self.context)
            self._window = llama.llama_model_n_swa(self._model)
            self.limit: int = min(options.context, llama.llama_n_ctx(self.context))
            self._template: template.Template | None = None
            if options.chats:
                self._prepare_chat()
        except AlcoveError:
            self.close()
            raise
        tell(Loading(1.0))
        name, architecture = self._written("general.name"), self._written("general.architecture")
        self.loaded = Loaded(
            context=self.limit,
            load_s=time.perf_counter() - started,
            architecture=architecture or "",
            name=name,
            has_template=bool(llama.llama_model_chat_template(self._model, None)),
            peak_bytes=self.peak_bytes,
            memory=buffers.of_open_model(self.context, log),
        )

    def _open(self, options: LoadOptions, tell: Tell) -> Any:
        mapped = options.load_mode == "mmap"
        read = 0.5 if mapped else 0.0  # the first half of the way is to read it, the second to lay it out
        for share in loading.read_once(options.path) if mapped else ():
            if self._stop.value:
                raise Stopped
            tell(Loading(read * share))
        params = model_params(options)

        @llama.llama_progress_callback  # type: ignore[untyped-decorator]
        def go_on(fraction: float, _: object) -> bool:
            tell(Loading(min(0.99, read + (1 - read) * fraction)))
            return not self._stop.value

        params.progress_callback = go_on
        model = llama.llama_model_load_from_file(os.fsencode(options.path), params)
        if self._stop.value:
            raise Stopped
        if not model:
            raise self._log.failure(options.path, self._free_bytes)
        return model

    def _refuse_other_kinds(self) -> None:
        """Say what a file is for that opens but does something else than to write."""
        why = ""
        if llama.llama_model_has_encoder(self._model) or llama.llama_model_is_diffusion(self._model):
            why = "it is not the kind of model that writes one word after the other"
        elif self._written(f"{self._written('general.architecture')}.pooling_type"):
            why = "it compares texts (an embedding model) and cannot write any"
        if why:
            raise LoadFailed(path=str(self._path), why=why)

    def _prepare_chat(self) -> template.Template:
        """Make ready what turns texts into tokens and back; a file that cannot do it is told now, not at the first question."""
        if llama.llama_vocab_type(self._vocab) == 0:
            raise LoadFailed(path=str(self._path), why="it has no vocabulary, so it is a part of a model and not a whole one")
        if not self._tokens("Hello", add_special=False):
            raise LoadFailed(path=str(self._path), why="its vocabulary cannot spell a single word")
        self._spelled = frozenset(ids[0] for tag in answer.TAG_TOKENS if len(ids := self._tokens(tag, add_special=False)) == 1)
        source = llama.llama_model_chat_template(self._model, None)
        bos, eos = (self._spell(f(self._vocab)) for f in (llama.llama_vocab_bos, llama.llama_vocab_eos))
        self._bos, self._ends = bos, () if source else (template.CHATML_END,)
        text = source.decode("utf-8", "replace") if source else template.CHATML
        found = template.Template(text, bos, eos, str(self._path))
        found.render([Message("user", "Hello")])
        self._template = found
        return found

    def _make_context(self, options: LoadOptions) -> Any:
        params = context_params(options, self._model)
        self._abort = llama.ggml_abort_callback(lambda _: self._stop.value)  # asked between the steps of a computation
        params.abort_callback = self._abort
        context = llama.llama_init_from_model(self._model, params)
        if not context:
            raise self._log.failure(self._path, self._free_bytes)
        return context

    @property
    def peak_bytes(self) -> int:
        """The most main memory that this process has had resident since it began to open the model."""
        return self._peak.bytes

    def close(self) -> None:
        """Give the memory back."""
        if self.context:
            llama.llama_free(self.context)
        llama.llama_model_free(self._model)

    def chat(self, order: wire.Chat, tell: Tell) -> Reply:
        """Read what is new in the conversation, then write until there is an end. Raises ContextFull, LoadFailed."""
        started = time.perf_counter()
        options = order.options
        text = (self._template or self._prepare_chat()).render(order.messages, options.thinking)
        prompt = self._tokens(text, add_special=not (self._bos and text.startswith(self._bos)))
        if len(prompt) + min(ROOM, options.max_tokens) > self.limit:
            raise ContextFull(tokens=len(prompt), context=self.limit)
        cached = self._keep_common(prompt)
        tell(Reading(len(self._held), len(prompt)))
        self.read(prompt, lambda done: tell(Reading(done, len(prompt))))
        sampler = self.sampler(sampling.choose(options, self._written), prompt)
        reply = answer.Answer((*options.stop, *self._ends), answer.opened(text))
        times: list[float] = []
        try:
            finish = self._write(sampler, reply, options.max_tokens, times, tell)
        finally:
            llama.llama_sampler_free(sampler)
        for piece in reply.finish():
            tell(piece)
        spent = times[-1] - times[0] if len(times) > 1 else 0.0
        return Reply(
            text=reply.text,
            thinking=reply.thinking,
            finish=finish,
            prompt_tokens=len(prompt),
            cached_tokens=cached,
            completion_tokens=len(times),
            first_token_s=times[0] - started if times else 0.0,
            tokens_per_s=(len(times) - 1) / spent if spent else 0.0,
            peak_bytes=self.peak_bytes,
            batch_tokens=self.batch_tokens,
        )

    def _keep_common(self, prompt: list[int]) -> int:
        """Keep what the memory and the prompt have in common, at most all but one token; returns how many that are."""
        pairs = zip(self._held, prompt[:-1], strict=False)
        same = next((n for n, (old, new) in enumerate(pairs) if old != new), min(len(self._held), len(prompt) - 1))
        if same == len(self._held):
            return same
        if self._window and llama.llama_memory_seq_pos_min(self._memory, 0) > max(0, same - self._window):
            same = 0  # the sliding window has moved on from there
        return same if self.keep(same) else 0

    def keep(self, count: int) -> bool:
        """Keep the first `count` tokens; a memory that cannot (recurrent layers have no past) is emptied: False."""
        kept = bool(llama.llama_memory_seq_rm(self._memory, 0, count, -1))
        if not kept:
            llama.llama_memory_clear(self._memory, True)
        self._held = self._held[:count] if kept else []
        return kept

    def read(self, prompt: list[int], tell: Callable[[int], None] = lambda _: None) -> None:
        """Read what is not in the memory yet; `tell` hears after each batch how many tokens are."""
        size = READ_LEAST
        while left := len(prompt) - len(self._held):
            if size < left < size + READ_LEAST:  # leave no small batch for the end
                size = left if left <= BATCH else left - READ_LEAST
            batch = prompt[len(self._held) : len(self._held) + size]
            started = time.perf_counter()
            self.decode(batch)
            llama.llama_synchronize(self.context)
            spent = time.perf_counter() - started
            size = max(READ_LEAST, min(BATCH, int(len(batch) * READ_S / spent)))
            tell(len(self._held))

    def _write(self, sampler: Any, reply: answer.Answer, most: int, times: list[float], tell: Tell) -> str:
        while len(times) < most:
            token = llama.llama_sampler_sample(sampler, self.context, -1)
            times.append(time.perf_counter())
            if llama.llama_vocab_is_eog(self._vocab, token):
                return "stop"
            for piece in reply.feed(self._piece(token)):
                tell(piece)
            if reply.stopped:
                return "stop"
            if len(self._held) >= self.limit:
                return "length"
            self.decode([token])
        return "length"

    def decode(self, tokens: list[int]) -> None:
        """Compute the next tokens of the conversation, all but the first only for the sake of the memory. Raises Stopped."""
        ids = (llama.llama_token * len(tokens))(*tokens)  # the batch only points to them
        result = llama.llama_decode(self.context, llama.llama_batch_get_one(ids, len(tokens)))
        if result == 2:  # aborted
            self.keep(len(self._held))
            raise Stopped
        if result:  # nobody knows what the memory holds now; a new worker does
            raise RuntimeError(f"llama_decode returned {result}: {self._log.said}")
        self._held += tokens
        self.batch_tokens = max(self.batch_tokens, len(tokens))
        if self._stop.value:
            raise Stopped

    def sampler(self, how: sampling.Sampling, prompt: list[int]) -> Any:
        """What chooses the next token; to be freed."""
        chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        for sampler in self._samplers(how):
            llama.llama_sampler_chain_add(chain, sampler)
        for token in prompt[-how.repeat_tokens :]:
            llama.llama_sampler_accept(chain, token)
        return chain

    def _samplers(self, how: sampling.Sampling) -> Iterator[Any]:
        """In the order of llama.cpp's own programs."""
        if how.repeat_penalty != 1.0 and how.repeat_tokens:
            yield llama.llama_sampler_init_penalties(self.vocabulary, how.repeat_tokens, how.repeat_penalty, 0.0, 0.0)
        if how.temperature == 0:
            yield llama.llama_sampler_init_greedy()
            return
        yield llama.llama_sampler_init_top_k(how.top_k)
        yield llama.llama_sampler_init_top_p(how.top_p, 1)
        yield llama.llama_sampler_init_min_p(how.min_p, 1)
        yield llama.llama_sampler_init_temp(how.temperature)
        yield llama.llama_sampler_init_dist(how.seed)

    def _tokens(self, text: str, add_special: bool) -> list[int]:
        bytes_ = text.encode("utf-8", "replace")
        ids = (llama.llama_token * (len(bytes_) + 8))()
        count = llama.llama_tokenize(self._vocab, bytes_, len(bytes_), ids, len(ids), add_special, True)
        return list(ids[:count])

    def _piece(self, token: int) -> bytes:
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

    def _written(self, key: str) -> str | None:
        """The file's metadata under `key`, as llama.cpp spells it."""
        room = ctypes.create_string_buffer(1024)
        found = llama.llama_model_meta_val_str(self._model, key.encode(), room, len(room))
        return room.value.decode("utf-8", "replace") if found >= 0 else None
