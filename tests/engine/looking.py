"""What a model in this process says of a picture, read by us and by the functions that come with llama.cpp; prints both."""

import ctypes
import json
import sys
from pathlib import Path
from typing import Any

from desktop.engine import ChatOptions, LoadOptions, Message, wire
from desktop.engine.llama import llama
from desktop.engine.model import Model
from desktop.engine.pictures import mtmd
from tests.engine.direct import open_model

WORDS = 24


def main(path: str, projector: str, *pictures: str) -> None:
    """Ask about the pictures, and print the numbers of the words of both answers."""
    options = LoadOptions(Path(path), context=4096, projector=Path(projector))
    model = open_model(options)
    question = Message("user", "What is this?", pictures=tuple(Path(each).read_bytes() for each in pictures))
    order = wire.Chat((question,), ChatOptions(temperature=0.0, max_tokens=WORDS))
    reply = model.chat(order, lambda _: None)
    ours = model.recall.held[reply.prompt_tokens :]
    print(json.dumps({"ours": ours, "theirs": _read_by_llama_cpp(model, question)[: len(ours)]}))


def _read_by_llama_cpp(model: Model, question: Message) -> list[int]:
    model.recall.clear()
    eyes: Any = model._eyes
    text = model._rendered(wire.Chat((question,), ChatOptions()), [question]).encode()
    opened = [mtmd.mtmd_helper_bitmap_init_from_buf(eyes.handle, _bytes(each), len(each), False) for each in question.pictures]
    bitmaps, chunks = (ctypes.c_void_p * len(opened))(*opened), mtmd.mtmd_input_chunks_init()
    mtmd.mtmd_tokenize(
        eyes.handle, chunks, ctypes.byref(mtmd.mtmd_input_text(text, len(text), False, True)), bitmaps, len(opened)
    )
    place = ctypes.c_int32(0)
    mtmd.mtmd_helper_eval_chunks(eyes.handle, model.context, chunks, 0, 0, 512, True, ctypes.byref(place))
    said = []
    for _ in range(WORDS):
        scores = llama.llama_get_logits_ith(model.context, -1)
        said.append(max(range(model.words.size), key=lambda word: scores[word]))
        word = (llama.llama_token * 1)(said[-1])
        batch = llama.llama_batch_get_one(word, 1)
        batch.pos = (llama.llama_pos * 1)(place.value + len(said) - 1)
        llama.llama_decode(model.context, batch)
    return said


def _bytes(data: bytes) -> Any:
    return (ctypes.c_uint8 * len(data))(*data)


main(*sys.argv[1:])
