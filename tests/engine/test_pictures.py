"""Pictures through the real engine: what the model says depends on what it is shown."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Generator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from PIL import Image

from desktop.engine import ChatOptions, LoadOptions, Message, Reading, Reply
from desktop.engine.local import LocalEngine
from desktop.errors import ContextFull, LoadFailed, NotAPicture, Truncated
from tests.engine import models, seeing
from tests.engine.test_local import run
from tests.engine.test_recall import SAME

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
def seer(request: pytest.FixtureRequest, engine: LocalEngine, tmp_path: Path) -> LocalEngine:
    """A model that sees: with a fixed number of tokens a picture, and with as many as its size asks for, counted in rows."""
    architecture, kind = request.param
    model = seeing.model(tmp_path / "seeing.gguf", architecture=architecture)
    done(engine.load(LoadOptions(model, 1024, projector=seeing.projector(tmp_path / "mmproj.gguf", kind=kind))))
    return engine


def done(steps: Generator[object, None, Result]) -> Result:
    """What a generator returns."""
    return run(steps)[1]


def ask(engine: LocalEngine, *said: Message, options: ChatOptions = GREEDY) -> Reply:
    return done(engine.chat(said, options))


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
    follow_up = done(steps)
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
    info = done(engine.load(LoadOptions(seeing.model(tmp_path / "blind.gguf"), 1024)))
    assert not info.sees
    without = ask(engine, Message("user", "Which?"))
    assert ask(engine, Message("user", "Which?", pictures=(RED,))).prompt_tokens == without.prompt_tokens


def test_pictures_that_do_not_fit_are_told(engine: LocalEngine, tmp_path: Path) -> None:
    projector = seeing.projector(tmp_path / "mmproj.gguf", kind="qwen2vl_merger")
    done(engine.load(LoadOptions(seeing.model(tmp_path / "m.gguf", architecture="qwen2vl"), 256, projector=projector)))
    with pytest.raises(ContextFull) as full:
        ask(engine, Message("user", "Which?", pictures=(paint("red", (640, 640)),)))
    assert full.value.facts["tokens"] > 1600  # 40 x 40, of 16 px each
    assert ask(engine, Message("user", "Which?", pictures=(RED,))).text == "red"


def test_a_projector_of_another_model_is_told(engine: LocalEngine, tmp_path: Path) -> None:
    projector = seeing.projector(tmp_path / "mmproj.gguf", towards=256)
    options = LoadOptions(seeing.model(tmp_path / "m.gguf"), 1024, projector=projector)
    with pytest.raises(LoadFailed, match="it belongs to another model") as failed:
        done(engine.load(options))
    assert failed.value.facts["path"] == str(projector)
    assert not done(engine.load(replace(options, projector=None))).sees  # the same process goes on


@pytest.mark.parametrize("share", [0.3, 0.999])
def test_half_a_projector_is_told_before_the_engine_sees_it(engine: LocalEngine, tmp_path: Path, share: float) -> None:
    whole = seeing.projector(tmp_path / "whole.gguf").read_bytes()
    projector = tmp_path / "mmproj.gguf"
    projector.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(Truncated):
        done(engine.load(LoadOptions(seeing.model(tmp_path / "m.gguf"), 1024, projector=projector)))


def test_a_projector_of_an_unknown_kind_is_told(engine: LocalEngine, tmp_path: Path) -> None:
    projector = seeing.projector(tmp_path / "mmproj.gguf", kind="crystal_ball")
    with pytest.raises(LoadFailed, match="unknown projector type: crystal_ball"):
        done(engine.load(LoadOptions(seeing.model(tmp_path / "m.gguf"), 1024, projector=projector)))


def test_looking_can_be_stopped_half_way(engine: LocalEngine, tmp_path: Path) -> None:
    slow = seeing.projector(tmp_path / "mmproj.gguf", side=448, patch=8, width=512, hidden=2048, layers=40, heads=8)
    done(engine.load(LoadOptions(seeing.model(tmp_path / "m.gguf"), 4096, projector=slow)))
    assert engine._worker is not None
    process = engine._worker.pid
    question = Message("user", "Which?", pictures=(BLUE,))
    steps = engine.chat([question], GREEDY)
    while not (isinstance(step := next(steps), Reading) and step.done_tokens):
        pass
    steps.close()  # it had the beginning of the prompt, and was looking
    assert engine._worker.pid == process  # it heard, and was not ended
    assert engine._worker.alive
    assert ask(engine, Message("user", "Hello")).prompt_tokens


# --- with models whose every word depends on all that they have seen and read -------------------------------------------------

RAMBLERS = ("llama", "gemma3", "lfm2", "qwen2vl")


def scribble(seed: int, size: tuple[int, int] = (190, 130)) -> bytes:
    """A picture of which no two parts are alike."""
    out = io.BytesIO()
    noise = np.random.default_rng(seed).integers(0, 255, (size[1] // 10, size[0] // 10, 3), dtype=np.uint8)
    Image.fromarray(noise).resize(size, Image.Resampling.NEAREST).save(out, "PNG")
    return out.getvalue()


@pytest.fixture(scope="module")
def ramblers(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], LoadOptions]:
    folder = tmp_path_factory.mktemp("ramblers")
    for kind in RAMBLERS:
        models.write_rambler(folder / f"{kind}.gguf", kind)
        merger = "qwen2vl_merger" if kind == "qwen2vl" else "gemma3"
        seeing.projector(folder / f"mmproj-{kind}.gguf", kind=merger, side=160, towards=128, rambling=True)
    return lambda kind: LoadOptions(folder / f"{kind}.gguf", 4096, projector=folder / f"mmproj-{kind}.gguf")


def afresh(options: LoadOptions, talk: Sequence[Message]) -> str:
    """The answer of an engine that has read nothing yet."""
    engine = LocalEngine()
    try:
        done(engine.load(replace(options, states=None)))
        return ask(engine, *talk).text
    finally:
        engine.close()


@pytest.mark.parametrize("kind", RAMBLERS)
def test_it_reads_pictures_as_llama_cpp_does(ramblers: Callable[[str], LoadOptions], kind: str, tmp_path: Path) -> None:
    files = [tmp_path / f"{seed}.png" for seed in (1, 2)]
    for seed, file in enumerate(files):
        file.write_bytes(scribble(seed))
    options, program = ramblers(kind), [sys.executable, "-m", "tests.engine.looking"]
    told = subprocess.check_output([*program, options.path, str(options.projector), *files], cwd=Path(__file__).parents[2])
    found = json.loads(told)
    assert len(found["ours"]) > 8
    assert found["ours"] == found["theirs"]


@pytest.mark.parametrize("kind", RAMBLERS)
def test_what_was_seen_is_remembered_as_it_was(
    engine: LocalEngine, ramblers: Callable[[str], LoadOptions], kind: str, tmp_path: Path
) -> None:
    options = replace(ramblers(kind), states=tmp_path / "states")
    done(engine.load(options))
    brief = replace(GREEDY, max_tokens=SAME, conversation="1")  # what is said next must not depend on last digits
    first = [Message("user", "What is this? " * 20, pictures=(scribble(1), scribble(2)))]
    reply = ask(engine, *first, options=brief)
    talk = [*first, Message("assistant", reply.text), Message("user", "And this?", pictures=(scribble(3),))]
    follow = ask(engine, *talk, options=brief)
    assert follow.cached_tokens >= reply.prompt_tokens
    assert follow.text[:SAME] == afresh(options, talk)[:SAME]
    ask(engine, *first[:1], Message("assistant", "!"), Message("user", "?"))  # another conversation
    list(engine.rest())
    later = [*talk, Message("assistant", follow.text), Message("user", "And then?")]
    back = ask(engine, *later, options=brief)
    assert back.cached_tokens >= follow.prompt_tokens
    assert back.text[:SAME] == afresh(options, later)[:SAME]


@pytest.mark.parametrize("kind", RAMBLERS)
def test_another_picture_of_the_same_size_is_another(
    engine: LocalEngine, ramblers: Callable[[str], LoadOptions], kind: str
) -> None:
    done(engine.load(ramblers(kind)))
    ask(engine, Message("user", "What?", pictures=(scribble(1), scribble(2))))
    talk = [Message("user", "What?", pictures=(scribble(1), scribble(3)))]
    other = ask(engine, *talk)
    assert other.text[:SAME] == afresh(ramblers(kind), talk)[:SAME]
    assert other.cached_tokens < other.prompt_tokens - 90  # the second was looked at


def test_when_a_turn_with_a_picture_goes_the_rest_moves_up(engine: LocalEngine, ramblers: Callable[[str], LoadOptions]) -> None:
    done(engine.load(ramblers("llama")))
    talk = [Message("system", "Be kind."), Message("user", "What is it?", pictures=(scribble(1),))]
    talk += [Message("assistant", ask(engine, *talk).text), Message("user", "And this? " * 20, pictures=(scribble(2),))]
    whole = ask(engine, *talk)
    moved = ask(engine, talk[0], talk[3])
    assert moved.cached_tokens == moved.prompt_tokens - 1
    assert moved.prompt_tokens < whole.prompt_tokens - 100
