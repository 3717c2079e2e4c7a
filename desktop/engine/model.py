"""One open model and its conversation: opened, asked, given back.

Imported by the worker process only: llama.cpp ends its process on some bad files and some failures of memory.
"""

import ctypes
import importlib
import os
import threading
import time
from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

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
    limits,
    loading,
    sampling,
    seen,
    thinking,
    wire,
)
from desktop.engine.llama import GUESSES, Log, context_params, llama, model_params, stop_callback, version
from desktop.engine.lookup import Lookup, Worth
from desktop.engine.recall import Recall, Stopped, common
from desktop.engine.states import States, fingerprint, forget
from desktop.engine.threads import Threads
from desktop.engine.vocabulary import Vocabulary
from desktop.errors import AlcoveError, ContextFull, LoadFailed
from desktop.hardware import memory

if TYPE_CHECKING:
    from desktop.engine import template
    from desktop.engine.pictures import Eyes

READ_SHARE = 0.7  # of the way to a mapped model: the rest is to lay it out
TUNE_S = 0.1  # of loading go into finding the best number of threads; where that is not enough, the first answer does the rest

Tell = Callable[[object], None]


class Model:
    """One open model and the conversation it has in memory; `tell` hears the progress. Raises what load() raises."""

    def __init__(self, order: wire.Load, stop: ctypes.c_int, log: Log, tell: Tell) -> None:
        started = time.perf_counter()
        options = order.options
        threads = Threads(order.threads, lambda write, read: llama.llama_set_n_threads(self.context, write, read))
        self._path, self._stop, self._log = options.path, stop, log
        self._conversation = ""  # whose memory this is
        self._worth = Worth()
        self.guessed_tokens = 0  # of all answers, those that were guessed right
        log.clear()
        self._peak = loading.Peak()
        self._free_bytes = memory.read().available_bytes
        if options.gpu_layers == 0:  # the drivers of graphics devices reserve more than they use
            loading.fence_in(self._free_bytes)
        self._model = self._open(options, tell)
        self.words = Vocabulary(self._model, thinking.TAG_TOKENS)
        self.context: Any = None
        self._eyes: Eyes | None = None
        try:
            self._refuse_other_kinds()
            self.context = self._make_context(options)
            self.limit: int = min(options.context, llama.llama_n_ctx(self.context))
            self.recall = Recall(self.context, self.words, stop, self.limit, threads)
            self._template: template.Template | None = None
            if options.chats:
                self._prepare_chat()
            self._states = self._prepare_states(options)
            reserved = buffers.of_open_model(self.context, log)
            if options.projector:
                self._open_eyes(order)
            self.tune()
        except (AlcoveError, Stopped):
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
            memory=reserved,
            threads=self.recall.threads.writing,
            thinks=self._template.thinks if self._template else "no",
            thinks_unasked=bool(self._template and self._template.thinks_unasked),
            sees=self._eyes is not None,
            notices=self._template.notices if self._template else (),
        )

    def _open(self, options: LoadOptions, tell: Tell) -> Any:
        mapped = options.load_mode == "mmap"
        read = READ_SHARE if mapped else 0.0
        for share in loading.read_once(options.path) if mapped else ():
            if self._stop.value:
                raise Stopped
            tell(Loading(read * share))
        params, populating = model_params(options), loading.Populating()
        # Jinja takes a tenth of a second to import, but none while the weights are read
        threading.Thread(target=importlib.import_module, args=["desktop.engine.template"], daemon=True).start()

        @llama.llama_progress_callback  # type: ignore[untyped-decorator]
        def go_on(fraction: float, _: object) -> bool:
            if options.gpu_layers == 0 and not mapped:  # the drivers of graphics devices reserve areas that nobody fills
                populating.begin()
            tell(Loading(min(0.99, read + (1 - read) * fraction)))
            return not self._stop.value

        params.progress_callback = go_on
        try:
            model = llama.llama_model_load_from_file(os.fsencode(options.path), params)
        finally:
            populating.end()
        if self._stop.value:
            raise Stopped
        if not model:
            raise self._log.failure(options.path, self._free_bytes)
        return model

    def _open_eyes(self, order: wire.Load) -> None:
        from desktop.engine.pictures import Eyes  # its libraries are loaded only for models that see

        self._eyes = Eyes(order.options, order.threads.likely, self._model, lambda: not self._stop.value)
        self.recall.look = self._eyes.read
        if self._stop.value:
            raise Stopped

    def _refuse_other_kinds(self) -> None:
        """Say what a file is for that opens but does something else than to write."""
        why = ""
        if llama.llama_model_has_encoder(self._model) or llama.llama_model_is_diffusion(self._model):
            why = "it is not the kind of model that writes one word after the other"
        elif self._written(f"{self._written('general.architecture')}.pooling_type"):
            why = "it compares texts (an embedding model) and cannot write any"
        if why:
            raise LoadFailed(path=str(self._path), why=why)

    def _prepare_chat(self) -> "template.Template":
        """Make ready what turns texts into tokens and back; a file that cannot do it is told now, not at the first question."""
        if not self.words.exists:
            raise LoadFailed(path=str(self._path), why="it has no vocabulary, so it is a part of a model and not a whole one")
        if not self.words.tokens("Hello"):
            raise LoadFailed(path=str(self._path), why="its vocabulary cannot spell a single word")
        source = llama.llama_model_chat_template(self._model, None)
        text = source.decode("utf-8", "replace") if source else None
        from desktop.engine import template  # begun in _open

        with limits.last_resort():
            self._template = template.of(text, self.words.bos, self.words.eos, str(self._path))
        return self._template

    def _prepare_states(self, options: LoadOptions) -> States | None:
        """Where the memory of conversations with this very model, opened this way, is kept."""
        if options.states is None:
            return None
        key = f"{fingerprint(options.path)}-{options.kv_type}-{version()}"
        return States(options.states, options.states_bytes, key)

    def _make_context(self, options: LoadOptions) -> Any:
        params = context_params(options, self._model)
        params.abort_callback, params.abort_callback_data = stop_callback(self._stop)
        context = llama.llama_init_from_model(self._model, params)
        if not context:
            raise self._log.failure(self._path, self._free_bytes)
        return context

    def tune(self) -> None:
        """Find how many threads write fastest, in a moment. What is in the memory is given up. Raises Stopped."""
        until = time.perf_counter() + TUNE_S
        self.recall.decode([0])  # the first computation is slow
        while not self.recall.threads.settled and time.perf_counter() < until:
            self.recall.decode([0])
        self.recall.clear()

    @property
    def peak_bytes(self) -> int:
        """The most main memory that this process has had resident since it began to open the model."""
        return self._peak.bytes

    def close(self) -> None:
        """Give the memory back."""
        if self._eyes:
            self._eyes.close()
        if self.context:
            llama.llama_free(self.context)
        llama.llama_model_free(self._model)

    def chat(self, order: wire.Chat, tell: Tell) -> Reply:
        """Read what is new in the conversation, then write until there is an end. Raises ContextFull, LoadFailed, Stopped."""
        started = time.perf_counter()
        options = order.options
        text = self._rendered(order, order.messages)
        self._turn_to(options.conversation)
        prompt = self._prompt(text, order.messages)
        if len(prompt) + min(ROOM, options.max_tokens) > self.limit:
            raise ContextFull(tokens=len(prompt), context=self.limit)
        cached = self.recall.rewind(prompt)
        tell(Reading(cached, len(prompt)))
        self.recall.read(prompt, lambda done: tell(Reading(done, len(prompt))), self._ways_back(order, prompt))
        sampler, guessed_before = self.sampler(sampling.choose(options, self._written), prompt), self.guessed_tokens
        stop = (*options.stop, *self._template.stop) if self._template else options.stop
        begun = order.messages[-1].role == "assistant"
        reply = answer.Answer(stop, thinking.opened(text), begun)
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
            guessed_tokens=self.guessed_tokens - guessed_before,
            threads=self.recall.threads.writing,
        )

    def count(self, order: wire.Count) -> Counted:
        """How many tokens chat() would have in memory before it writes. Raises LoadFailed."""
        return Counted(len(self._prompt(self._rendered(order, order.messages), order.messages)), self.limit)

    def settle(self, order: wire.Chat, reply: Reply) -> None:
        """Read on to where the next question will begin: what it repeats of this answer need not be read then. Raises Stopped."""
        *before, last = order.messages
        begun = last.text if last.role == "assistant" else ""
        asked = before if begun else order.messages
        said = [*asked, Message("assistant", begun + reply.text, reply.thinking)]
        ahead = self._beginning(order, [*said, Message("user", "A")], [*said, Message("user", "B")])
        if 0 < len(ahead) < self.limit - ROOM:
            self.recall.mark()  # it may be interrupted
            self.recall.rewind(ahead)
            self.recall.read(ahead)

    def save(self) -> None:
        """Keep on the disk what has been read of this conversation, if that is allowed and worth it."""
        if self._states and self._conversation and self.recall.worth_saving:
            self._states.save(self._conversation, self.recall.size_bytes, self.recall.save)

    def forget(self, conversation: str | None) -> None:
        """Drop what was read of a conversation, here and on the disk; None: of any."""
        if self._states:
            forget(self._states.folder, conversation)
        if conversation in (None, self._conversation):
            self._conversation = ""
            self.recall.clear()

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
        found = self._template or self._prepare_chat()
        if not self._eyes:
            messages = [replace(message, pictures=()) for message in messages]
        with limits.last_resort(len(messages)):
            return found.render(messages, order.options.thinking)

    def _prompt(self, text: str, messages: Sequence[Message]) -> list[int]:
        """The tokens of a prompt; where it goes on from what the memory holds, that stays as the model wrote it."""
        begins = bool(self.words.bos and text.startswith(self.words.bos))
        held = self.recall.held
        shown = [picture for message in messages for picture in message.pictures]
        if self._eyes and shown:
            return self._gone_on(self._eyes.tokens(text, shown, not begins))
        if held and not seen.last_end(held):
            spelled = self.words.text(held)
            whole = text if begins or not self.words.adds_bos else self.words.bos + text
            if whole.startswith(spelled):
                return held + self.words.tokens(whole[len(spelled) :])
        return self.words.tokens(text, add_special=not begins)

    def _gone_on(self, prompt: list[int]) -> list[int]:
        """A prompt with pictures, in which the words that are held after the last held picture stay as the model wrote them."""
        held = self.recall.held
        start = seen.last_end(held)
        if not start or prompt[:start] != held[:start]:
            return prompt
        end = next((at for at in range(start, len(prompt)) if prompt[at] < 0), len(prompt))
        written, wanted = self.words.text(held[start:]), self.words.text(prompt[start:end])
        if not wanted.startswith(written):
            return prompt
        return held + self.words.tokens(wanted[len(written) :]) + prompt[end:]

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
        first, second = (self._prompt(self._rendered(order, messages), messages) for messages in (one, other))
        return first[: common(first, second)]

    def _write(self, sampler: Any, reply: answer.Answer, most: int, times: list[float], tell: Tell) -> str:
        with closing(self._tokens(sampler, most)) as tokens:
            for token in tokens:
                times.append(time.perf_counter())
                if self.words.ends(token):
                    return "stop"
                for piece in reply.feed(self.words.piece(token)):
                    tell(piece)
                if reply.stopped:
                    return "stop"
                if len(times) == most:
                    return "length"
        return "full"

    def _tokens(self, sampler: Any, most: int) -> Generator[int, None, None]:
        """The tokens of an answer, at most as many as there is room for; guesses that came true need no step of their own."""
        recall, lookup = self.recall, Lookup()
        guesses: list[int] = []
        kept, started, place = len(recall.held), time.perf_counter(), -1  # no step of ours yet: the question's last one
        try:
            while True:
                token = llama.llama_sampler_sample(sampler, self.context, place)
                right = place < len(guesses) and place >= 0 and token == guesses[place]
                kept += right
                yield token
                self.guessed_tokens += right
                if place < 0:
                    lookup.add(token for token in recall.held if token >= 0)  # no places of pictures
                lookup.add([token])
                if right:
                    place += 1
                    continue
                now = time.perf_counter()
                if place >= 0:
                    self._worth.note(len(guesses), place + 1, now - started)
                if guesses:
                    recall.keep(kept)
                if kept >= self.limit:
                    return
                room = min(GUESSES, self.limit - kept - 1)
                guesses = lookup.guess(room) if recall.goes_back and self._worth.pays else []
                started, place = now, 0
                recall.decode([token, *guesses], all_scores=bool(guesses))
                kept += 1
        finally:
            if len(recall.held) > kept:
                recall.keep(kept)

    def sampler(self, how: sampling.Sampling, prompt: list[int]) -> Any:
        """What chooses the next token; to be freed."""
        chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        for sampler in self._samplers(how):
            llama.llama_sampler_chain_add(chain, sampler)
        for token in prompt[-how.repeat_tokens :]:
            if token >= 0:  # and not a place of a picture
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
