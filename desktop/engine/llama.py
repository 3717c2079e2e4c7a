"""llama.cpp through its C interface: the engine's description, its log, and one open model. Only home of llama_cpp.

Imported by the worker process only: llama.cpp ends its process on some bad files and some failures of memory.
"""

import ctypes
import os
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import llama_cpp

from desktop.engine import Loaded, Loading, LoadOptions, Message, Reading, Reply, answer, loading, sampling, template, wire
from desktop.errors import AlcoveError, ContextFull, LoadFailed, UnknownArchitecture, WillNotFit
from desktop.hardware import EngineDevice, EngineReport, memory
from desktop.shape import BATCH

READ_S = 0.25  # a batch is made as large as can be read in about this time ...
READ_LEAST = 64  # ... but not smaller: the processor's flash attention is some five times slower below 64 (its tile)
ROOM = 64  # tokens that must be left for an answer
KV_TYPES = {"f16": 1, "q8_0": 8, "q4_0": 2}  # ggml_type
DEVICE_KINDS = ("cpu", "gpu", "igpu", "accel", "accel")  # ggml_backend_dev_type

llama: Any = llama_cpp  # its functions come from ctypes, its type hints from dreams
Tell = Callable[[object], None]


class Stopped(Exception):
    """The order was cancelled; not an error."""


def describe() -> EngineReport:
    """Ask ggml for its devices; llama_cpp has no names for these functions."""
    ggml = ctypes.CDLL(str(_library("ggml")))
    base = ctypes.CDLL(str(_library("ggml-base")))
    ggml.ggml_backend_dev_count.restype = ctypes.c_size_t
    ggml.ggml_backend_dev_get.restype = ctypes.c_void_p
    ggml.ggml_backend_dev_get.argtypes = [ctypes.c_size_t]
    for ask, gives in (("name", ctypes.c_char_p), ("description", ctypes.c_char_p), ("type", ctypes.c_int)):
        function = getattr(base, f"ggml_backend_dev_{ask}")
        function.restype, function.argtypes = gives, [ctypes.c_void_p]
    size_p = ctypes.POINTER(ctypes.c_size_t)
    base.ggml_backend_dev_memory.argtypes = [ctypes.c_void_p, size_p, size_p]
    base.ggml_backend_dev_memory.restype = None
    devices = []
    for index in range(ggml.ggml_backend_dev_count()):
        device, free, total = ggml.ggml_backend_dev_get(index), ctypes.c_size_t(), ctypes.c_size_t()
        base.ggml_backend_dev_memory(device, free, total)
        name, description = (getattr(base, f"ggml_backend_dev_{ask}")(device) for ask in ("name", "description"))
        kind = DEVICE_KINDS[base.ggml_backend_dev_type(device)]
        devices.append(EngineDevice(name.decode(), description.decode(), kind, total.value, free.value))
    system = llama.llama_print_system_info().decode()
    backends = tuple(dict.fromkeys(part.split(":")[0].strip() for part in system.split("|") if ":" in part))
    gpu_offload = bool(llama.llama_supports_gpu_offload())
    return EngineReport("llama.cpp", llama.__version__, backends, gpu_offload, tuple(devices))


def _library(name: str) -> Path:
    """The file of a library that came with llama_cpp and is loaded already."""
    folder = Path(llama.__file__).parent / "lib"
    names = (f"{start}{name}{end}" for start in ("lib", "") for end in (".so", ".dylib", ".dll"))
    return next(folder / name for name in names if (folder / name).exists())


class Log:
    """Starts llama.cpp and keeps its last warnings and errors: the reason of a failure is told nowhere else."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=100)
        self._level = 0
        self.callback: Any = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(self._note)
        llama.llama_log_set(self.callback, None)
        llama.llama_backend_init()

    def _note(self, level: int, text: bytes, _: object) -> None:
        self._level = self._level if level == 5 else level  # 5: goes on with the last line
        if self._level >= 3:  # 3: warning, 4: error
            self._lines.append(text.decode("utf-8", "replace"))

    @property
    def said(self) -> str:
        """All of it."""
        return "".join(self._lines)

    def clear(self) -> None:
        """Forget what was said about another model."""
        self._lines.clear()

    def failure(self, path: Path, free_bytes: int) -> AlcoveError:
        """What went wrong while opening `path`, when there were `free_bytes` of memory."""
        if unknown := re.search(r"unknown model architecture: '([^']*)'", self.said):
            return UnknownArchitecture(path=str(path), architecture=unknown[1])
        if too_much := re.search(r"failed to allocate .*buffer of size (\d+)", self.said):
            return WillNotFit(needed_bytes=int(too_much[1]) + loading.taken(), free_bytes=free_bytes)
        told = re.findall(r"error loading model: (?:error loading model \w+: )?(.+)", self.said)
        reasons = told or re.findall(r"(?m)^(?:\w+: )?(.+)", self.said) or ["it gave no reason"]
        return LoadFailed(path=str(path), why=reasons[-1].strip().rstrip("."))


class Model:
    """One open model and the conversation it has in memory; `tell` hears the progress. Raises what load() raises."""

    def __init__(self, options: LoadOptions, stop: ctypes.c_bool, log: Log, tell: Tell) -> None:
        started = time.perf_counter()
        self._path, self._stop, self._log = options.path, stop, log
        self._held: list[int] = []  # the tokens that are in the model's memory
        log.clear()
        self._free_bytes = memory.read().available_bytes
        if options.gpu_layers == 0:  # the drivers of graphics devices reserve more than they use
            loading.fence_in(self._free_bytes)
        self._model = self._open(options, tell)
        self._vocab = llama.llama_model_get_vocab(self._model)
        self._refuse_other_kinds()
        self._context = self._make_context(options)
        self._memory = llama.llama_get_memory(self._context)
        self._window = llama.llama_model_n_swa(self._model)
        self._limit = min(options.context, llama.llama_n_ctx(self._context))
        self._spelled = frozenset(ids[0] for tag in answer.TAG_TOKENS if len(ids := self._tokens(tag, add_special=False)) == 1)
        source = llama.llama_model_chat_template(self._model, None)
        bos, eos = (self._spell(f(self._vocab)) for f in (llama.llama_vocab_bos, llama.llama_vocab_eos))
        self._bos, self._ends = bos, () if source else (template.CHATML_END,)
        text = source.decode("utf-8", "replace") if source else template.CHATML
        self._template = template.Template(text, bos, eos, str(options.path))
        self._template.render([Message("user", "Hello")])  # a broken one is told now, not at the first question
        tell(Loading(1.0))
        name, architecture = self._written("general.name"), self._written("general.architecture")
        load_s = time.perf_counter() - started
        self.loaded = Loaded(self._limit, load_s, architecture or "", name, has_template=bool(source))

    def _open(self, options: LoadOptions, tell: Tell) -> Any:
        read = 0.5 if options.mmap else 0.0  # the first half of the way is to read it, the second to lay it out
        for share in loading.read_once(options.path) if options.mmap else ():
            if self._stop.value:
                raise Stopped
            tell(Loading(read * share))
        params = llama.llama_model_default_params()
        params.n_gpu_layers = options.gpu_layers
        params.load_mode = -1 if options.mmap else 0  # AUTO: mapped, unless a device cannot
        # Weights are not repacked for the processor: a repacked copy would be held beside the mapped file, which the fit does not
        # count, and those for AMX ended the process (a fault at ldtilecfg) with every 4- and 8-bit model on a virtual Xeon.
        params.use_extra_bufts = False

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
        """Say what a file is for that opens but cannot chat."""
        why = ""
        if llama.llama_vocab_type(self._vocab) == 0:
            why = "it has no vocabulary, so it is a part of a model and not a whole one"
        elif llama.llama_model_has_encoder(self._model) or llama.llama_model_is_diffusion(self._model):
            why = "it is not the kind of model that writes one word after the other"
        elif self._written(f"{self._written('general.architecture')}.pooling_type"):
            why = "it compares texts (an embedding model) and cannot write any"
        elif not self._tokens("Hello", add_special=False):
            why = "its vocabulary cannot spell a single word"
        if why:
            raise LoadFailed(path=str(self._path), why=why)

    def _make_context(self, options: LoadOptions) -> Any:
        params = llama.llama_context_default_params()
        trained = llama.llama_model_n_ctx_train(self._model)
        params.n_ctx = min(options.context, trained) if trained > 0 else options.context
        params.n_batch = params.n_ubatch = BATCH
        params.n_seq_max = 1
        params.n_outputs_max = 1  # only the last token of a batch is asked for: saves a table of vocabulary x batch
        params.n_threads = params.n_threads_batch = options.threads or 1
        params.type_k = params.type_v = KV_TYPES[options.kv_type]
        params.flash_attn_type = -1 if options.kv_type == "f16" else 1  # -1: where it helps; a smaller memory needs it
        params.swa_full = False  # a layer with a sliding window holds its window only
        params.no_perf = True
        self._abort = llama.ggml_abort_callback(lambda _: self._stop.value)  # asked between the steps of a computation
        params.abort_callback = self._abort
        context = llama.llama_init_from_model(self._model, params)
        if not context:
            raise self._log.failure(self._path, self._free_bytes)
        return context

    def close(self) -> None:
        """Give the memory back."""
        llama.llama_free(self._context)
        llama.llama_model_free(self._model)

    def chat(self, order: wire.Chat, tell: Tell) -> Reply:
        """Read what is new in the conversation, then write until there is an end. Raises ContextFull, LoadFailed."""
        started = time.perf_counter()
        options = order.options
        text = self._template.render(order.messages, options.thinking)
        prompt = self._tokens(text, add_special=not (self._bos and text.startswith(self._bos)))
        if len(prompt) + min(ROOM, options.max_tokens) > self._limit:
            raise ContextFull(tokens=len(prompt), context=self._limit)
        cached = self._keep(prompt)
        self._read(prompt, tell)
        sampler = self._sampler(sampling.choose(options, self._written), prompt)
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
        )

    def _keep(self, prompt: list[int]) -> int:
        """Keep what the memory and the prompt have in common, at most all but one token; returns how many that are."""
        pairs = zip(self._held, prompt[:-1], strict=False)
        same = next((n for n, (old, new) in enumerate(pairs) if old != new), min(len(self._held), len(prompt) - 1))
        if same == len(self._held):
            return same
        if self._window and llama.llama_memory_seq_pos_min(self._memory, 0) > max(0, same - self._window):
            same = 0  # the sliding window has moved on from there
        return same if self._forget_after(same) else 0

    def _forget_after(self, count: int) -> bool:
        """Keep the first `count` tokens; a memory that cannot (recurrent layers have no past) is emptied: False."""
        kept = bool(llama.llama_memory_seq_rm(self._memory, 0, count, -1))
        if not kept:
            llama.llama_memory_clear(self._memory, True)
        self._held = self._held[:count] if kept else []
        return kept

    def _read(self, prompt: list[int], tell: Tell) -> None:
        size = READ_LEAST
        tell(Reading(len(self._held), len(prompt)))
        while left := len(prompt) - len(self._held):
            if size < left < size + READ_LEAST:  # leave no small batch for the end
                size = left if left <= BATCH else left - READ_LEAST
            batch = prompt[len(self._held) : len(self._held) + size]
            started = time.perf_counter()
            self._decode(batch)
            llama.llama_synchronize(self._context)
            spent = time.perf_counter() - started
            size = max(READ_LEAST, min(BATCH, int(len(batch) * READ_S / spent)))
            tell(Reading(len(self._held), len(prompt)))

    def _write(self, sampler: Any, reply: answer.Answer, most: int, times: list[float], tell: Tell) -> str:
        while len(times) < most:
            token = llama.llama_sampler_sample(sampler, self._context, -1)
            times.append(time.perf_counter())
            if llama.llama_vocab_is_eog(self._vocab, token):
                return "stop"
            for piece in reply.feed(self._piece(token)):
                tell(piece)
            if reply.stopped:
                return "stop"
            if len(self._held) >= self._limit:
                return "length"
            self._decode([token])
        return "length"

    def _decode(self, tokens: list[int]) -> None:
        ids = (llama.llama_token * len(tokens))(*tokens)  # the batch only points to them
        result = llama.llama_decode(self._context, llama.llama_batch_get_one(ids, len(tokens)))
        if result == 2:  # aborted
            self._forget_after(len(self._held))
            raise Stopped
        if result:  # nobody knows what the memory holds now; a new worker does
            raise RuntimeError(f"llama_decode returned {result}: {self._log.said}")
        self._held += tokens
        if self._stop.value:
            raise Stopped

    def _sampler(self, how: sampling.Sampling, prompt: list[int]) -> Any:
        chain = llama.llama_sampler_chain_init(llama.llama_sampler_chain_default_params())
        for sampler in self._samplers(how):
            llama.llama_sampler_chain_add(chain, sampler)
        for token in prompt[-how.repeat_tokens :]:
            llama.llama_sampler_accept(chain, token)
        return chain

    def _samplers(self, how: sampling.Sampling) -> Iterator[Any]:
        """In the order of llama.cpp's own programs."""
        size = llama.llama_vocab_n_tokens(self._vocab)
        if how.repeat_penalty != 1.0 and how.repeat_tokens:
            yield llama.llama_sampler_init_penalties(size, how.repeat_tokens, how.repeat_penalty, 0.0, 0.0)
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
