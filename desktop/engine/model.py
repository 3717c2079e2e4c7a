"""One open model and its conversation: opened, asked, given back.

Imported by the worker process only: llama.cpp ends its process on some bad files and some failures of memory.
"""

import ctypes
import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

from desktop.engine import (
    ROOM,
    Counted,
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
from desktop.engine.recall import Recall, Stopped, common
from desktop.engine.states import States, fingerprint
from desktop.engine.vocabulary import Vocabulary
from desktop.errors import AlcoveError, ContextFull, LoadFailed
from desktop.hardware import memory

Tell = Callable[[object], None]


class Model:
    """One open model and the conversation it has in memory; `tell` hears the progress. Raises what load() raises."""

    def __init__(self, options: LoadOptions, stop: ctypes.c_bool, log: Log, tell: Tell) -> None:
        started = time.perf_counter()
        self._path, self._stop, self._log = options.path, stop, log
        self._conversation = ""  # whose memory this is
        log.clear()
        self._peak = loading.Peak()
        self._free_bytes = memory.read().available_bytes
        if options.gpu_layers == 0:  # the drivers of graphics devices reserve more than they use
            loading.fence_in(self._free_bytes)
        self._model = self._open(options, tell)
        self.words = Vocabulary(self._model, answer.TAG_TOKENS)
        self.context: Any = None
        try:
            self._refuse_other_kinds()
            self.context = self._make_context(options)
            self.limit: int = min(options.context, llama.llama_n_ctx(self.context))
            self.recall = Recall(self._model, self.context, self.words, stop, self.limit)
            self._template: template.Template | None = None
            if options.chats:
                self._prepare_chat()
            self._states = self._prepare_states(options)
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
        if not self.words.exists:
            raise LoadFailed(path=str(self._path), why="it has no vocabulary, so it is a part of a model and not a whole one")
        if not self.words.tokens("Hello"):
            raise LoadFailed(path=str(self._path), why="its vocabulary cannot spell a single word")
        source = llama.llama_model_chat_template(self._model, None)
        self._ends = () if source else (template.CHATML_END,)
        text = source.decode("utf-8", "replace") if source else template.CHATML
        found = template.Template(text, self.words.bos, self.words.eos, str(self._path))
        found.render([Message("user", "Hello")])
        self._template = found
        return found

    def _prepare_states(self, options: LoadOptions) -> States | None:
        """Where the memory of conversations with this very model, opened this way, is kept."""
        if options.states is None:
            return None
        key = f"{fingerprint(options.path)}-{options.kv_type}-{llama.__version__}"
        return States(options.states, options.states_bytes, key)

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
        """Read what is new in the conversation, then write until there is an end. Raises ContextFull, LoadFailed, Stopped."""
        started = time.perf_counter()
        options = order.options
        text = self._rendered(order, order.messages)
        self._turn_to(options.conversation)
        prompt = self._prompt(text)
        if len(prompt) + min(ROOM, options.max_tokens) > self.limit:
            raise ContextFull(tokens=len(prompt), context=self.limit)
        cached = self.recall.rewind(prompt)
        tell(Reading(cached, len(prompt)))
        self.recall.read(prompt, lambda done: tell(Reading(done, len(prompt))), self._ways_back(order, prompt))
        sampler = self.sampler(sampling.choose(options, self._written), prompt)
        begun = order.messages[-1].role == "assistant"
        reply = answer.Answer((*options.stop, *self._ends), answer.opened(text), begun)
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
            batch_tokens=self.recall.batch_tokens,
        )

    def count(self, order: wire.Count) -> Counted:
        """How many tokens chat() would have in memory before it writes. Raises LoadFailed."""
        return Counted(len(self._prompt(self._rendered(order, order.messages))), self.limit)

    def settle(self, order: wire.Chat, reply: Reply) -> None:
        """Read on to where the next question will begin: what it repeats of this answer need not be read then. Raises Stopped."""
        *before, last = order.messages
        begun = last.text if last.role == "assistant" else ""
        asked = before if begun else order.messages
        said = [*asked, Message("assistant", begun + reply.text, reply.thinking)]
        ahead = self._beginning(order, [*said, Message("user", "A")], [*said, Message("user", "B")])
        if len(ahead) < self.limit - ROOM:
            self.recall.mark()  # it may be interrupted
            self.recall.rewind(ahead)
            self.recall.read(ahead)

    def save(self) -> None:
        """Keep on the disk what has been read of this conversation, if that is allowed and worth it."""
        if self._states and self._conversation and self.recall.worth_saving:
            self._states.save(self._conversation, self.recall.size_bytes, self.recall.save)

    def _turn_to(self, conversation: str) -> None:
        """Have the memory of another conversation, where it was kept."""
        if conversation == self._conversation:
            return
        self.save()
        self._conversation = conversation
        kept = self._states.find(conversation) if self._states and conversation else None
        if kept and not self.recall.restore(kept):
            kept.unlink(missing_ok=True)

    def _rendered(self, order: wire.Chat | wire.Count, messages: Sequence[Message]) -> str:
        return (self._template or self._prepare_chat()).render(messages, order.options.thinking)

    def _prompt(self, text: str) -> list[int]:
        """The tokens of a prompt; where it goes on from what the memory holds, that stays as the model wrote it."""
        begins = bool(self.words.bos and text.startswith(self.words.bos))
        held = self.recall.held
        if held:
            spelled = self.words.text(held)
            whole = text if begins or not self.words.adds_bos else self.words.bos + text
            if whole.startswith(spelled):
                return held + self.words.tokens(whole[len(spelled) :])
        return self.words.tokens(text, add_special=not begins)

    def _ways_back(self, order: wire.Chat, prompt: list[int]) -> list[int]:
        """After how many tokens of a prompt another could differ: at the last question, and where the answer begins.

        They matter to memories that cannot go back by themselves.
        """
        if not self.recall.bound:
            return []
        *before, last = order.messages
        with suppress(LoadFailed):  # a template need not take these
            other = self._beginning(order, order.messages, [*before, Message(last.role, "\n")])
            following = [*order.messages, Message("assistant", "A"), Message("user", "B")]
            answered = self._beginning(order, order.messages, following)
            return sorted({len(other), min(len(answered), len(prompt) - 1)})
        return []

    def _beginning(self, order: wire.Chat, one: Sequence[Message], other: Sequence[Message]) -> list[int]:
        """What the prompts of two conversations have in common at their beginning."""
        first, second = (self._prompt(self._rendered(order, messages)) for messages in (one, other))
        return first[: common(first, second)]

    def _write(self, sampler: Any, reply: answer.Answer, most: int, times: list[float], tell: Tell) -> str:
        while len(times) < most:
            token = llama.llama_sampler_sample(sampler, self.context, -1)
            times.append(time.perf_counter())
            if self.words.ends(token):
                return "stop"
            for piece in reply.feed(self.words.piece(token)):
                tell(piece)
            if reply.stopped:
                return "stop"
            if len(self.recall.held) >= self.limit:
                return "full"
            self.recall.decode([token])
        return "length"

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
            yield llama.llama_sampler_init_penalties(self.words.size, how.repeat_tokens, how.repeat_penalty, 0.0, 0.0)
        if how.temperature == 0:
            yield llama.llama_sampler_init_greedy()
            return
        yield llama.llama_sampler_init_top_k(how.top_k)
        yield llama.llama_sampler_init_top_p(how.top_p, 1)
        yield llama.llama_sampler_init_min_p(how.min_p, 1)
        yield llama.llama_sampler_init_temp(how.temperature)
        yield llama.llama_sampler_init_dist(how.seed)

    def _written(self, key: str) -> str | None:
        """The file's metadata under `key`, as llama.cpp spells it."""
        room = ctypes.create_string_buffer(1024)
        found = llama.llama_model_meta_val_str(self._model, key.encode(), room, len(room))
        return room.value.decode("utf-8", "replace") if found >= 0 else None
