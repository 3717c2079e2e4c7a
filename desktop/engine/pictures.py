"""The eyes of a model: its projector opened, pictures counted in the prompt, and read into the model's memory.

Imported by the worker process only, and only for a model that has a projector.
"""

import ctypes
import hashlib
import os
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from llama_cpp import mtmd_cpp

from desktop import picture
from desktop.engine import LoadOptions, seen
from desktop.engine.states import fingerprint
from desktop.engine.template import PICTURE
from desktop.errors import LoadFailed
from desktop.shape import BATCH

ASK_EVERY = 8  # steps of the projector's computation between two looks at whether to stop: it has some hundred

mtmd: Any = mtmd_cpp  # its functions come from ctypes


class Eyes:
    """A projector that is open beside its model; `go_on` is asked now and then, and False stops what is being done.

    Raises LoadFailed, about the projector's file.
    """

    def __init__(self, options: LoadOptions, threads: int, model: Any, go_on: Callable[[], bool]) -> None:
        assert options.projector is not None
        self._path = str(options.projector)
        self._said: deque[str] = deque(maxlen=20)
        self.go_on = go_on
        self.name = fingerprint(options.projector)
        self._prompt: _Prompt | None = None
        self.sizes: dict[str, tuple[int, int]] = {}  # of the pictures that were seen
        self._hear()
        params = mtmd.mtmd_context_params_default()
        params.use_gpu = options.gpu_layers != 0
        params.n_threads = threads
        params.print_timings = False
        params.media_marker = PICTURE.encode()
        self._on_progress = mtmd.mtmd_progress_callback(lambda _fraction, _: go_on())
        params.progress_callback = self._on_progress
        self._steps = 0
        self._on_step = type(params.cb_eval)(self._step)
        params.cb_eval = self._on_step
        self.handle = mtmd.mtmd_init_from_file(os.fsencode(options.projector), model, params)
        if self.handle and not mtmd.mtmd_support_vision(self.handle):
            self.close()
            raise LoadFailed(path=self._path, why="it lets a model hear, not see")
        if not self.handle and go_on():
            raise self.failure()

    def close(self) -> None:
        """Give the memory back."""
        self._forget()
        mtmd.mtmd_free(self.handle)

    def tokens(self, text: str, pictures: Sequence[bytes], add_special: bool) -> list[int]:
        """A rendered prompt, with a PICTURE for each picture, as tokens in the way of `seen`. Raises NotAPicture."""
        self._forget()
        self._prompt = _Prompt(self, text, pictures, add_special)
        return self._prompt.tokens

    def read(self, context: Any, run: Sequence[int], position: int) -> int:
        """Read a picture of the latest prompt into a model's memory; 0 when it is there, 2 when stopped, as llama_decode tells.

        Raises LoadFailed when it cannot be computed (for want of memory); nothing has changed then.
        """
        assert self._prompt is not None
        return self._prompt.read(context, run, position)

    def _forget(self) -> None:
        if self._prompt:
            self._prompt.close()
        self._prompt = None

    @property
    def said(self) -> str:
        """Its last errors."""
        return "".join(self._said)

    def _hear(self) -> None:
        """Keep what it warns of; the functions for it have no names in Python."""

        def note(level: int, text: bytes, _: object) -> None:
            if level >= 4:  # an error
                self._said.append(text.decode("utf-8", "replace"))

        self._note = ctypes.CFUNCTYPE(None, ctypes.c_int, ctypes.c_char_p, ctypes.c_void_p)(note)
        mtmd._libmtmd.mtmd_helper_log_set(self._note, None)

    def failure(self) -> LoadFailed:
        """Why it did not do what was asked."""
        said = self.said.strip()
        why = said.splitlines()[0].rpartition("error: ")[2].strip(" .") if said else "it gave no reason"
        if "mismatch between text model" in said:
            why = "it belongs to another model"
        return LoadFailed(path=self._path, why=why)

    def _step(self, _tensor: object, ask: bool, _: object) -> bool:
        """Asked before each step whether to look at it, and after those that were to be looked at whether to go on."""
        if not ask:
            return self.go_on()
        self._steps += 1
        return self._steps % ASK_EVERY == 0


class _Prompt:
    """A prompt cut into words and pictures. Only one picture at a time has its pixels in memory; the others are outlines."""

    def __init__(self, eyes: Eyes, text: str, pictures: Sequence[bytes], add_special: bool) -> None:
        self._eyes, self._pictures = eyes, pictures
        self._hashes = [hashlib.sha256(each).hexdigest() for each in pictures]
        bytes_ = text.encode("utf-8", "replace")
        self._text = mtmd.mtmd_input_text(bytes_, len(bytes_), add_special, True)
        self._chunks = mtmd.mtmd_input_chunks_init()
        self._whole: int | None = None  # the picture with pixels
        self._places: dict[tuple[int, ...], int] = {}  # of the pictures' parts among the chunks
        try:
            self._cut()
            self.tokens = list(self._read_chunks())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        mtmd.mtmd_input_chunks_free(self._chunks)

    def read(self, context: Any, run: Sequence[int], position: int) -> int:
        handle, place = self._eyes.handle, self._places[tuple(run)]
        if self._whole != (number := self._number(mtmd.mtmd_input_chunks_get(self._chunks, place))):
            self._whole = number
            self._cut()
        chunk = mtmd.mtmd_input_chunks_get(self._chunks, place)
        if mtmd.mtmd_encode_chunk(handle, chunk):
            raise self._eyes.failure()
        if not self._eyes.go_on():  # stopped half way, and what came of it is noise
            return 2
        sight, after = mtmd.mtmd_get_output_embd(handle), ctypes.c_int32()
        unheard = mtmd.mtmd_helper_post_decode_callback()
        result: int = mtmd.mtmd_helper_decode_image_chunk(
            handle, context, chunk, sight, position, 0, BATCH, ctypes.byref(after), unheard, None
        )
        return result

    def _cut(self) -> None:
        bitmaps = (ctypes.c_void_p * len(self._pictures))()
        try:
            for number in range(len(self._pictures)):
                bitmaps[number] = self._bitmap(number)
            mtmd.mtmd_input_chunks_free(self._chunks)
            self._chunks = mtmd.mtmd_input_chunks_init()
            failed = mtmd.mtmd_tokenize(self._eyes.handle, self._chunks, ctypes.byref(self._text), bitmaps, len(bitmaps))
            if failed:
                raise RuntimeError(f"mtmd_tokenize returned {failed}: {self._eyes.said}")
        finally:
            for bitmap in filter(None, bitmaps):
                mtmd.mtmd_bitmap_free(bitmap)

    def _bitmap(self, number: int) -> Any:
        """A picture for the projector, known by its number: only its size, unless it is the one whose pixels are wanted."""
        pixels = None
        if number == self._whole or self._hashes[number] not in self._eyes.sizes:
            width, height, rgb = picture.pixels(self._pictures[number], f"Picture {number + 1}")
            self._eyes.sizes[self._hashes[number]] = width, height
            pixels = ctypes.cast(ctypes.c_char_p(rgb), ctypes.POINTER(ctypes.c_uint8)) if number == self._whole else None
        bitmap = mtmd.mtmd_bitmap_init(*self._eyes.sizes[self._hashes[number]], pixels)
        mtmd.mtmd_bitmap_set_id(bitmap, str(number).encode())
        return bitmap

    def _read_chunks(self) -> Iterator[int]:
        parts: Counter[int] = Counter()
        for place in range(mtmd.mtmd_input_chunks_size(self._chunks)):
            chunk, count = mtmd.mtmd_input_chunks_get(self._chunks, place), ctypes.c_size_t()
            if mtmd.mtmd_input_chunk_get_type(chunk) == mtmd.MTMD_INPUT_CHUNK_TYPE_TEXT:
                ids = mtmd.mtmd_input_chunk_get_tokens_text(chunk, ctypes.byref(count))
                yield from ids[: count.value]
                continue
            number = self._number(chunk)
            name = f"{self._eyes.name} {self._hashes[number]} {parts[number]}"  # some models cut a picture into several parts
            parts[number] += 1
            run = seen.run(name, mtmd.mtmd_input_chunk_get_n_tokens(chunk), mtmd.mtmd_input_chunk_get_n_pos(chunk))
            self._places.setdefault(tuple(run), place)
            yield from run

    @staticmethod
    def _number(chunk: Any) -> int:
        """Which of the pictures a chunk is of."""
        return int(mtmd.mtmd_input_chunk_get_id(chunk))
