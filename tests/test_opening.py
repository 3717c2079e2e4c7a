"""How models are opened: one after the other, and with less memory where it turns out that there is less."""

import subprocess
import sys
from collections.abc import Generator, Iterator
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any, cast

import psutil
import pytest

from desktop import opening
from desktop.app import App
from desktop.engine import ChatOptions, Loaded, Loading, LoadOptions, process
from desktop.engine.local import LocalEngine
from desktop.errors import AlcoveError, EngineCrashed, LoadFailed, OutOfMemory, WillNotFit
from desktop.fit import Shape, Wish
from desktop.gguf import read_file
from desktop.hardware import Gpu, Hardware
from desktop.judging import Question, end
from tests import gguf_files
from tests.engine import models
from tests.ui.laptop import LAPTOP, RATES

MB = 10**6
CARD = Gpu("NVIDIA RTX 4060", "NVIDIA", "CUDA", 8000 * MB, 7000 * MB, True, "", device="CUDA0")
DESKTOP = replace(LAPTOP, gpus=(CARD,))


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    app = App.open(tmp_path / "home")
    yield app
    app.close()


def long(folder: Path) -> Path:
    """A model whose conversation memory takes a gigabyte at 65,536 tokens, and little else does."""
    return gguf_files.llama(folder / "long.gguf", layers=8, width=512, kv_heads=4, context=1 << 16)


def allow(monkeypatch: pytest.MonkeyPatch, most_bytes: int) -> None:
    """Let the engine's processes take so much memory, without a word to anyone."""
    start = process._start

    def limited(*arguments: Any) -> "subprocess.Popen[bytes]":
        started = start(*arguments)
        psutil.Process(started.pid).rlimit(psutil.RLIMIT_DATA, (most_bytes, most_bytes))
        return started

    monkeypatch.setattr(process, "_start", limited)


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of a process that another one can set")
def test_where_memory_was_overestimated_the_conversation_is_shorter_and_that_is_told(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, 900 * MB)
    loaded = end(app.running.open(str(long(tmp_path)), context=1 << 16))
    assert loaded.context == 1 << 15
    assert loaded.notices == (
        "There was less memory than expected, so this conversation can be about 25,000 words long instead of 49,000.",
    )
    assert app.running.opened is not None
    assert app.running.opened.fit.context == 1 << 15
    again = end(app.running.open(str(long(tmp_path)), context=1 << 16))  # what was wished for is what is open
    assert again == loaded


@pytest.mark.skipif(sys.platform != "linux", reason="the limit of a process that another one can set")
def test_where_half_of_the_length_does_not_fit_either_the_person_is_told_once(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    allow(monkeypatch, 500 * MB)
    with pytest.raises(WillNotFit) as told:
        end(app.running.open(str(long(tmp_path)), context=1 << 16))
    assert 500 * MB < int(str(told.value.facts["needed_bytes"])) < 800 * MB  # of the second try: there is no third


@dataclass
class FullCard:
    """An engine whose graphics card has room for fewer layers than it says; it stands for hardware that tests do not have."""

    most_layers: int
    error: AlcoveError = field(default_factory=lambda: WillNotFit(needed_bytes=8000 * MB, free_bytes=7000 * MB))
    most_context: int = 1 << 20
    asked: list[LoadOptions] = field(default_factory=list)
    info: Loaded | None = None

    def load(self, options: LoadOptions) -> Generator[Loading, None, Loaded]:
        self.asked.append(options)
        yield Loading(0.0)
        if options.gpu_layers > self.most_layers or options.context > self.most_context:
            raise self.error
        return Loaded(options.context, 1.0, "llama", "", True)

    def measure(self, *_: object) -> None:
        raise EngineCrashed(code=None, why="it has no such card")


def open_on(engine: FullCard, folder: Path, later: Hardware = DESKTOP) -> Loaded:
    """Open a model of eight layers on a computer with a graphics card; `later` is that computer once a plan was made."""
    path = gguf_files.llama(folder / "layers.gguf", layers=8, width=512, context=8192)
    question = partial(Question, Shape.from_header(read_file(path)), rates=RATES, held={})

    def ask(wish: Wish) -> Question:
        return question(later if engine.asked else DESKTOP, wish=wish)

    return end(opening.opened(cast(LocalEngine, engine), path, ask, Wish(), lambda plan: plan))[0]


def test_a_graphics_card_with_less_room_than_it_said_gets_fewer_layers(tmp_path: Path) -> None:
    engine = FullCard(most_layers=7)
    loaded = open_on(engine, tmp_path)
    assert [options.gpu_layers for options in engine.asked] == [9, 6]
    (sentence,) = loaded.notices
    assert sentence.startswith("There was less memory on the graphics card than expected")


@pytest.mark.parametrize(("left_bytes", "layers"), [(484 * MB, 3), (100 * MB, 0)])
def test_a_card_that_another_program_has_just_taken_gets_what_it_still_has_room_for(
    tmp_path: Path, left_bytes: int, layers: int
) -> None:
    engine = FullCard(most_layers=layers)
    taken = replace(DESKTOP, gpus=(replace(CARD, memory_free_bytes=left_bytes),))
    (sentence,) = open_on(engine, tmp_path, taken).notices
    assert [options.gpu_layers for options in engine.asked] == [9, layers]
    assert "the processor does more of the work" in sentence


def test_fewer_layers_are_tried_before_a_shorter_conversation_and_each_once(tmp_path: Path) -> None:
    engine = FullCard(most_layers=7, most_context=4096)
    loaded = open_on(engine, tmp_path)
    assert [(options.gpu_layers, options.context) for options in engine.asked] == [(9, 8192), (6, 8192), (6, 4096)]
    assert len(loaded.notices) == 2
    hopeless = FullCard(most_layers=0)
    with pytest.raises(WillNotFit):
        open_on(hopeless, tmp_path)
    assert len(hopeless.asked) == 3


@pytest.mark.parametrize(
    ("error", "tries"),
    [
        (OutOfMemory(code=-9, why=""), 3),
        (LoadFailed(path="x", why="std::bad_alloc"), 3),
        (EngineCrashed(code=-11, why=""), 1),
        (LoadFailed(path="x", why="its vocabulary cannot spell a single word"), 1),
    ],
)
def test_only_a_lack_of_memory_is_answered_with_another_try(tmp_path: Path, error: AlcoveError, tries: int) -> None:
    engine = FullCard(most_layers=0, error=error)
    with pytest.raises(type(error)):
        open_on(engine, tmp_path)
    assert len(engine.asked) == tries


# --- one after the other ------------------------------------------------------------------------------------------------------


def slow(folder: Path) -> Path:
    """Takes long enough to open for others to come in between."""
    return models.write(folder / "slow.gguf", models.WORDS, layers=12, hidden=1408)


def half_open(app: App, reference: str) -> Generator[Loading, None, Any]:
    """Someone who is opening a model, and has not done yet."""
    steps = app.running.wake(reference)
    assert 0 < next(step.fraction for step in steps if step.fraction > 0) < 1
    return steps


def test_a_message_joins_the_opening_of_its_model_and_sees_how_far_it_is(app: App, tmp_path: Path) -> None:
    path = str(slow(tmp_path))
    first, second = (
        half_open(app, path),
        app.talking.turn(app.conversations.create("t", path), "Hello", path, ChatOptions(max_tokens=2)),
    )
    assert next(second) == Loading(0.0)
    joined = next(second)
    assert isinstance(joined, Loading)
    assert joined.fraction > 0
    assert end(first)
    workers = psutil.Process().children()
    assert end(second).text == "word0 word1"
    assert psutil.Process().children() == workers  # opened once


def test_a_message_to_another_model_waits_for_its_turn(app: App, tmp_path: Path) -> None:
    first = half_open(app, str(slow(tmp_path)))
    second = app.running.open("guide")
    assert next(second) == Loading(0.0)
    first.close()
    assert end(second).context
    assert app.running.opened is not None
    assert app.running.opened.reference == "guide"


def test_a_model_that_fails_to_open_leaves_the_way_back_to_the_one_before(app: App, tmp_path: Path) -> None:
    path = str(models.write(tmp_path / "good.gguf", models.WORDS))
    bad = tmp_path / "hole.gguf"
    bad.write_bytes(Path(path).read_bytes().replace(b"blk.0.attn_norm.weight", b"blk.0.attn_form.weight"))
    conversation = app.conversations.create("t", path)
    assert end(app.talking.turn(conversation, "Hello", path, ChatOptions(max_tokens=2))).text == "word0 word1"
    with pytest.raises(LoadFailed):
        end(app.running.open(str(bad)))
    assert app.running.opened is None
    assert end(app.talking.turn(conversation, "Hello again", path, ChatOptions(max_tokens=2))).text == "word0 word1"


def test_a_bad_file_is_told_before_the_open_model_is_given_up(app: App, tmp_path: Path) -> None:
    end(app.running.open("guide"))
    letter = tmp_path / "letter.gguf"
    letter.write_text("Dear Sir or Madam, " * 100)
    with pytest.raises(AlcoveError):
        end(app.engine.load(LoadOptions(letter)))
    assert app.running.opened is not None


# --- awake and asleep ---------------------------------------------------------------------------------------------------------


def test_a_model_is_woken_only_where_it_runs_well_with_room_to_spare(
    app: App, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = str(long(tmp_path))
    found = app.computer.hardware()
    short = replace(found, memory=replace(found.memory, available_bytes=400 * MB))
    monkeypatch.setattr(app.computer, "hardware", lambda: short)
    assert end(app.running.wake(path)) is False
    assert end(app.running.wake("qwen3-8b")) is False  # it is not here
    assert app.running.opened is None
    monkeypatch.undo()
    assert end(app.running.wake(path)) is True
    assert app.running.opened is not None


def test_a_model_that_the_engine_died_of_is_not_woken(app: App, tmp_path: Path) -> None:
    path = models.write(tmp_path / "good.gguf", [*models.WORDS[:2], models.END])
    app.engine.crashes.add(path, EngineCrashed(code=-9))
    assert end(app.running.wake(str(path))) is False
    conversation = app.conversations.create("t", str(path))
    end(app.talking.turn(conversation, "Hello", str(path)))  # which is a whole answer
    end(app.running.rest())
    assert end(app.running.wake(str(path))) is True


def test_a_model_at_rest_holds_nothing_and_the_next_message_wakes_it(app: App, tmp_path: Path) -> None:
    path = str(models.write(tmp_path / "good.gguf", models.WORDS))
    conversation = app.conversations.create("t", path)
    end(app.talking.turn(conversation, "Hello", path, ChatOptions(max_tokens=2)))
    end(app.running.rest())
    assert app.running.opened is None
    assert app.engine.held_bytes() == {}
    assert psutil.Process().children() == []
    assert end(app.talking.turn(conversation, "Again", path, ChatOptions(max_tokens=2))).text == "word0 word1"


def test_a_killed_engine_is_opened_again_with_its_progress_shown(app: App, tmp_path: Path) -> None:
    path = str(models.write(tmp_path / "good.gguf", models.WORDS))
    conversation = app.conversations.create("t", path)
    end(app.talking.turn(conversation, "Hello", path, ChatOptions(max_tokens=2)))
    (worker,) = psutil.Process().children()
    worker.kill()
    worker.wait()
    assert app.running.opened is None
    steps = list(app.talking.turn(conversation, "Again", path, ChatOptions(max_tokens=2)))
    assert Loading(1.0) in steps
