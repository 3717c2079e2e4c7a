"""Pictures through the real engine: what the model says depends on what it is shown."""

import io
from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from PIL import Image

from desktop.engine import ChatOptions, Loading, LoadOptions, Message, Piece, Reading, Reply
from desktop.engine.local import LocalEngine
from desktop.errors import ContextFull, LoadFailed, NotAPicture, Truncated
from tests.engine import seeing

Result = TypeVar("Result")
GREEDY = ChatOptions(temperature=0, max_tokens=8)


def paint(colour: str, size: tuple[int, int] = (40, 30)) -> bytes:
    """A picture of one colour."""
    out = io.BytesIO()
    Image.new("RGB", size, colour).save(out, "PNG")
    return out.getvalue()


RED, GREEN, BLUE = paint("red"), paint("lime"), paint("blue")
KINDS = [("llama", "gemma3"), ("qwen2vl", "qwen2vl_merger")]


@pytest.fixture(params=KINDS, ids=[kind for _, kind in KINDS])
def seer(request: pytest.FixtureRequest, engine: LocalEngine, tmp_path: Path) -> Iterator[LocalEngine]:
    """A model that sees: with a fixed number of tokens a picture, and with as many as its size asks for, counted in rows."""
    architecture, kind = request.param
    model = seeing.model(tmp_path / "seeing.gguf", architecture=architecture)
    finish(engine.load(LoadOptions(model, 1024, projector=seeing.projector(tmp_path / "mmproj.gguf", kind=kind))))
    yield engine


def finish(steps: Generator[object, None, Result]) -> Result:
    try:
        while True:
            next(steps)
    except StopIteration as end:
        result: Result = end.value
        return result


def ask(engine: LocalEngine, *said: Message, options: ChatOptions = GREEDY) -> Reply:
    return finish(engine.chat(said, options))


def test_the_answer_is_what_the_picture_shows(seer: LocalEngine) -> None:
    assert seer.info is not None
    assert seer.info.sees
    for picture, word in ((RED, "red"), (BLUE, "blue"), (GREEN, "green"), (BLUE, "blue")):
        assert ask(seer, Message("user", "Which?", pictures=(picture,))).text == word


def test_a_picture_counts_in_the_prompt(seer: LocalEngine) -> None:
    without = ask(seer, Message("user", "Which?")).prompt_tokens
    one = ask(seer, Message("user", "Which?", pictures=(RED,))).prompt_tokens
    two = ask(seer, Message("user", "Which?", pictures=(RED, RED))).prompt_tokens
    assert two - one == one - without > 4


def test_a_follow_up_reads_no_picture_again(seer: LocalEngine) -> None:
    question = Message("user", "Which?", pictures=(paint("blue", (200, 100)),))
    first = ask(seer, question)
    steps = seer.chat([question, Message("assistant", first.text), Message("user", "And now?")], GREEDY)
    reading = next(step for step in steps if isinstance(step, Reading) and step.total_tokens)
    assert reading.done_tokens >= first.prompt_tokens - 1
    follow_up = finish(steps)
    assert follow_up.cached_tokens == reading.done_tokens
    assert follow_up.text == "blue"


def test_another_picture_in_its_place_is_read(seer: LocalEngine) -> None:
    said = [Message("assistant", "red"), Message("user", "And now?")]
    ask(seer, Message("user", "Which?", pictures=(RED,)), *said)
    other = ask(seer, Message("user", "Which?", pictures=(GREEN,)), *said)
    assert other.text == "green"
    assert other.cached_tokens < other.prompt_tokens // 2


def test_a_picture_later_in_the_talk_is_seen(seer: LocalEngine) -> None:
    talk = [Message("user", "Hello"), Message("assistant", "red"), Message("user", "Which?", pictures=(GREEN,) * 8)]
    assert ask(seer, *talk).text == "green"


def test_what_a_person_writes_is_no_picture(seer: LocalEngine) -> None:
    assert ask(seer, Message("user", "<__media__> Which <__media__>?", pictures=(BLUE,))).text == "blue"


def test_bytes_that_are_no_picture_are_told_and_nothing_is_lost(seer: LocalEngine) -> None:
    question = Message("user", "Which?", pictures=(BLUE,))
    first = ask(seer, question)
    for bad in (b"", b"GIF89a", b"\xff\xd8\xff\xe0" + bytes(100), BLUE[:50]):
        with pytest.raises(NotAPicture):
            ask(seer, Message("user", "Which?", pictures=(BLUE, bad)))
    again = ask(seer, question)
    assert (again.text, again.cached_tokens) == ("blue", first.prompt_tokens - 1)


def test_a_model_without_eyes_leaves_pictures_out(engine: LocalEngine, tmp_path: Path) -> None:
    info = finish(engine.load(LoadOptions(seeing.model(tmp_path / "blind.gguf"), 1024)))
    assert not info.sees
    without = ask(engine, Message("user", "Which?"))
    assert ask(engine, Message("user", "Which?", pictures=(RED,))).prompt_tokens == without.prompt_tokens


def test_pictures_that_do_not_fit_are_told(engine: LocalEngine, tmp_path: Path) -> None:
    projector = seeing.projector(tmp_path / "mmproj.gguf", kind="qwen2vl_merger")
    finish(engine.load(LoadOptions(seeing.model(tmp_path / "m.gguf", architecture="qwen2vl"), 256, projector=projector)))
    with pytest.raises(ContextFull) as full:
        ask(engine, Message("user", "Which?", pictures=(paint("red", (640, 640)),)))
    assert full.value.facts["tokens"] > 1600  # 40 x 40, of 16 px each
    assert ask(engine, Message("user", "Which?", pictures=(RED,))).text == "red"


def test_a_projector_of_another_model_is_told(engine: LocalEngine, tmp_path: Path) -> None:
    projector = seeing.projector(tmp_path / "mmproj.gguf", towards=256)
    options = LoadOptions(seeing.model(tmp_path / "m.gguf"), 1024, projector=projector)
    with pytest.raises(LoadFailed, match="it belongs to another model") as failed:
        finish(engine.load(options))
    assert failed.value.facts["path"] == str(projector)
    assert not finish(engine.load(replace(options, projector=None))).sees  # the same process goes on


@pytest.mark.parametrize("share", [0.3, 0.999])
def test_half_a_projector_is_told_before_the_engine_sees_it(engine: LocalEngine, tmp_path: Path, share: float) -> None:
    whole = seeing.projector(tmp_path / "whole.gguf").read_bytes()
    projector = tmp_path / "mmproj.gguf"
    projector.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(Truncated):
        finish(engine.load(LoadOptions(seeing.model(tmp_path / "m.gguf"), 1024, projector=projector)))


def test_a_projector_of_an_unknown_kind_is_told(engine: LocalEngine, tmp_path: Path) -> None:
    projector = seeing.projector(tmp_path / "mmproj.gguf", kind="crystal_ball")
    with pytest.raises(LoadFailed, match="unknown projector type: crystal_ball"):
        finish(engine.load(LoadOptions(seeing.model(tmp_path / "m.gguf"), 1024, projector=projector)))


def test_looking_can_be_stopped_half_way(engine: LocalEngine, tmp_path: Path) -> None:
    slow = seeing.projector(tmp_path / "mmproj.gguf", side=448, patch=8, width=512, hidden=2048, layers=40)
    finish(engine.load(LoadOptions(seeing.model(tmp_path / "m.gguf"), 4096, projector=slow)))
    assert engine._worker is not None
    process = engine._worker.pid
    question = Message("user", "Which?", pictures=(BLUE,))
    steps = engine.chat([question], GREEDY)
    while not (isinstance(step := next(steps), Reading) and step.done_tokens):
        pass
    steps.close()  # it had the beginning of the prompt, and was looking
    assert not any(isinstance(step, Piece) for step in [step])
    assert engine._worker.pid == process  # it heard, and was not ended
    assert engine._worker.alive
    assert ask(engine, Message("user", "Hello")).prompt_tokens
