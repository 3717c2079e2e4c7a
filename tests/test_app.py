"""The parts together: a turn with the guide in the real engine process, from an empty home."""

from collections.abc import Generator, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import psutil
import pytest

from desktop import judging
from desktop.app import App
from desktop.conversations import Stored
from desktop.engine import ChatOptions, Loaded, Loading, Piece, Reading, Reply, states
from desktop.errors import EngineCrashed, NotHere, NotWritable, WillNotFit
from tests import gguf_files
from tests.engine import models

Result = TypeVar("Result")
QUESTION = "What is an open-weight model?"


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    app = App.open(tmp_path / "home")
    yield app
    app.close()


def test_a_deleted_conversation_is_gone_after_a_restart(tmp_path: Path) -> None:
    first = App.open(tmp_path / "home")
    kept, deleted = first.conversations.create("kept", "guide"), first.conversations.create("deleted", "guide")
    first.conversations.delete(deleted)
    first.close()
    second = App.open(tmp_path / "home")
    assert second.conversations.get(deleted) is None
    assert second.conversations.get(kept) is not None
    second.close()


@pytest.fixture(scope="session")
def rambler(tmp_path_factory: pytest.TempPathFactory) -> str:
    """A model that reads all that was said; the guide reads the last question only."""
    return str(models.write_rambler(tmp_path_factory.mktemp("models") / "rambler.gguf"))


def talk_at_length(app: App, reference: str) -> int:
    """A conversation that is long enough to be worth keeping ready."""
    conversation = app.conversations.create("t", reference)
    ask(app, conversation, QUESTION * 10, reference)
    return conversation


def test_what_was_read_of_a_conversation_outlives_the_program(tmp_path: Path, rambler: str) -> None:
    first = App.open(tmp_path / "home")
    conversation = talk_at_length(first, rambler)
    first.close()
    assert [path.name.split(".")[0] for path in first.paths.states.glob("*/*")] == [str(conversation)]
    second = App.open(tmp_path / "home")
    items, _ = ask(second, conversation, "And what does it cost?", rambler)
    second.close()
    started = next(item for item in items if isinstance(item, Reading) and item.total_tokens)
    assert started.done_tokens > started.total_tokens / 2


def test_what_was_read_of_a_conversation_goes_with_it(app: App, rambler: str) -> None:
    conversation = talk_at_length(app, rambler)
    list(app.engine.rest())
    assert list(app.paths.states.glob("*/*"))
    app.talking.delete_conversation(conversation)
    assert not list(app.paths.states.glob("*/*"))
    conversation = talk_at_length(app, rambler)
    app.talking.delete_conversation(conversation)  # which the model has in mind
    list(app.engine.rest())
    assert not list(app.paths.states.glob("*/*"))


def test_what_was_read_is_kept_only_where_that_is_wanted(app: App, rambler: str) -> None:
    talk_at_length(app, rambler)
    list(app.engine.rest())
    app.settings.keep_ready = False
    app.save_settings()
    assert not list(app.paths.states.glob("*/*"))
    talk_at_length(app, rambler)
    list(app.engine.rest())
    assert not list(app.paths.states.glob("*/*"))


def test_what_was_read_of_conversations_that_are_gone_goes_at_the_next_start(tmp_path: Path) -> None:
    app = App.open(tmp_path / "home")
    left = app.paths.states / "model" / "77.key.state"
    left.parent.mkdir(parents=True)
    left.touch()
    assert app.conversations.list() == ()
    app.close()
    assert not left.exists()


def test_whether_to_think_first_is_known_once_a_model_was_open_and_kept(tmp_path: Path) -> None:
    thinker = str(models.write_thinker(tmp_path / "thinker.gguf"))
    app = App.open(tmp_path / "home")
    conversation = app.conversations.create("t", thinker)
    assert app.talking.thinking(thinker) is None
    items, answer = ask(app, conversation, QUESTION, thinker)
    assert (app.talking.thinking(thinker), answer.thinking, answer.text) == (True, "let me", "It is")
    assert [item.thinks for item in items if isinstance(item, Loaded)] == ["choice"]
    app.talking.choose_thinking(thinker, False)
    assert ask(app, conversation, "And now?", thinker)[1].thinking == ""
    app.close()
    again = App.open(tmp_path / "home")
    assert again.talking.thinking(thinker) is False
    assert again.talking.thinking("guide") is None
    again.close()


def test_a_file_that_has_the_choice_no_more(app: App, tmp_path: Path) -> None:
    path = models.write_thinker(tmp_path / "thinker.gguf")
    list(app.running.open(str(path)))
    assert app.talking.thinking(str(path)) is True
    app.engine.close()
    models.write_thinker(path, models.CHATML + "<think>")
    list(app.running.open(str(path)))
    assert app.talking.thinking(str(path)) is None


def test_a_question_is_kept_even_when_the_answer_never_began(app: App) -> None:
    conversation = app.conversations.create("t", "guide")
    app.talking.turn(conversation, QUESTION, "guide").close()
    assert [m.text for m in app.conversations.messages(conversation)] == [QUESTION]


def test_the_offline_switch_holds_where_settings_cannot_be_kept(app: App) -> None:
    app.paths.settings.mkdir()  # nothing can be written in its place
    app.settings.offline = True
    with pytest.raises(NotWritable):
        app.save_settings()
    assert app.network.offline


def ask(app: App, conversation: int, question: str | None, reference: str = "guide") -> tuple[list[object], Stored]:
    items: list[object] = []
    turn = app.talking.turn(conversation, question, reference, ChatOptions(max_tokens=120))
    try:
        while True:
            items.append(next(turn))
    except StopIteration as end:
        return items, end.value


def worker(app: App) -> psutil.Process:
    (process,) = psutil.Process().children()
    return process


def test_from_an_empty_home_to_a_stored_answer(app: App) -> None:
    conversation = app.conversations.create(QUESTION, "guide")
    items, answer = ask(app, conversation, QUESTION)
    assert any(isinstance(i, Loading) for i in items)
    assert "".join(i.text for i in items if isinstance(i, Piece)) == answer.text
    assert answer.finish == "stop"
    assert [m.text for m in app.conversations.messages(conversation)] == [QUESTION, answer.text]


def test_the_computer_is_measured_once_and_that_is_kept(app: App) -> None:
    app.computer.hardware()
    assert app.computer.measure_due
    steps = list(app.computer.measure())
    assert {step.stage for step in steps} == {"measure"}
    assert steps[0].text
    assert app.computer.rates.memory_bytes_per_s > 0
    assert app.computer.rates.computer
    again = App.open(app.paths.home)
    assert again.computer.rates == app.computer.rates
    again.close()


def test_a_worker_killed_in_mid_answer_keeps_the_text_and_the_next_message_works(app: App) -> None:
    conversation = app.conversations.create("t", "guide")
    turn = app.talking.turn(conversation, QUESTION, "guide")
    said = ""
    while len(said) < 8:
        item = next(turn)
        said += item.text if isinstance(item, Piece) else ""
    worker(app).kill()
    rest: list[object] = []
    with pytest.raises(EngineCrashed):
        rest.extend(turn)
    said += "".join(i.text for i in rest if isinstance(i, Piece))
    kept = app.conversations.messages(conversation)[-1]
    assert (kept.finish, kept.text) == ("crashed", said)
    _, answer = ask(app, conversation, "What is quantisation?")
    assert answer.finish == "stop"
    assert answer.text


def test_the_question_is_stored_even_when_the_model_is_not_here(app: App) -> None:
    conversation = app.conversations.create("t", "qwen3-8b")
    with pytest.raises(NotHere):
        list(app.talking.turn(conversation, "Are you there?", "qwen3-8b"))
    assert [m.text for m in app.conversations.messages(conversation)] == ["Are you there?"]


def test_a_model_too_large_for_this_computer_is_not_even_tried(app: App, tmp_path: Path) -> None:
    file = gguf_files.llama(tmp_path / "endless.gguf", layers=64, width=256, context=1 << 22)
    with pytest.raises(WillNotFit) as told:
        list(app.running.open(str(file), context=1 << 22))
    needed = told.value.facts["needed_bytes"]
    assert isinstance(needed, int)
    assert needed > psutil.virtual_memory().total
    assert not psutil.Process().children()


def test_any_file_gets_a_ruling_and_an_unknown_one_is_never_free(app: App, tmp_path: Path) -> None:
    file = gguf_files.llama(tmp_path / "mine.gguf", metadata={"general.license": "other"})
    ruling = app.rights.ruling(app.targets.of(str(file)))
    assert (ruling.openness, ruling.commercial.answer) == ("unknown", "unknown")
    stated = gguf_files.llama(tmp_path / "gemma.gguf", metadata={"general.license": "gemma"})
    assert app.rights.ruling(app.targets.of(str(stated))).openness == "conditions"


def test_settings_reach_the_parts_they_concern(app: App) -> None:
    app.settings.offline = True
    app.save_settings()
    assert app.network.offline
    again = App.open(app.paths.home)
    assert again.network.offline
    again.close()


# --- plans --------------------------------------------------------------------------------------------------------------------


def end(steps: Generator[object, None, Result]) -> Result:
    try:
        while True:
            next(steps)
    except StopIteration as stop:
        result: Result = stop.value
        return result


def test_a_model_is_opened_as_it_was_planned(app: App, tmp_path: Path) -> None:
    file = gguf_files.llama(tmp_path / "mine.gguf", context=8192, width=128)
    end(app.running.open(str(file)))
    assert app.running.opened is not None
    assert app.engine.loaded == replace(
        judging.options(file, app.running.opened.fit), states=states.of_model(app.paths.states, file)
    )
    app.settings.contexts, app.settings.kv_types = {"mine": 4096}, {"mine": "q8_0"}
    end(app.running.open(str(file)))
    opened = app.engine.loaded
    assert opened is not None
    assert (opened.context, opened.kv_type) == (4096, "q8_0")
    first = worker(app)
    end(app.running.open(str(file)))
    assert worker(app) == first
    app.settings.contexts, app.settings.goals = {}, {"mine": "long"}
    app.settings.context = 2048  # for all models; the goal of this one goes before it
    assert end(app.running.open(str(file))).context == 8192


def test_a_model_that_does_not_fit_comes_with_the_next_step(app: App, tmp_path: Path) -> None:
    file = gguf_files.llama(tmp_path / "long.gguf", layers=64, width=256, context=1 << 22)
    with pytest.raises(WillNotFit) as told:
        list(app.running.open(str(file), context=1 << 22))
    step = told.value.facts["step"]
    assert str(step) in str(told.value)
    assert "Shorten the conversation memory to about " in str(step)


def test_the_model_that_is_open_counts_as_free_for_the_next(app: App, tmp_path: Path) -> None:
    file = gguf_files.llama(tmp_path / "mine.gguf", context=1 << 16, layers=8, width=512)
    end(app.running.open(str(file), context=1 << 16))
    held = app.engine.held_bytes()["CPU"]
    assert held > 250_000_000
    found = app.computer.hardware()
    assert app.estimates.of("guide", hardware=found).free_bytes == found.memory.available_bytes + held
    imagined = replace(found, memory=replace(found.memory, available_bytes=10**9))
    assert app.estimates.of("guide", hardware=imagined).free_bytes == 10**9


def test_a_bench_puts_measured_beside_predicted(app: App, tmp_path: Path) -> None:
    file = gguf_files.llama(tmp_path / "mine.gguf", context=1024, width=512, layers=4)
    assert app.computer.accuracy == ""
    report = end(app.running.bench(str(file), context=1024))
    (entry,) = app.computer.record.entries
    assert (entry.predicted_bytes, entry.measured_bytes) == (report.fit.total_bytes, report.benched.peak_bytes)
    assert entry.memory_error == pytest.approx(0, abs=0.15)  # of a process that holds little but itself
    assert entry.speed_error is None  # so small a model stays in the processor's caches
    assert report.predicted_tokens_per_s > 0
    assert app.computer.accuracy.startswith("Our last estimate of memory was within ")
    again = App.open(app.paths.home)
    assert again.computer.accuracy == app.computer.accuracy
    again.close()


def test_a_chat_that_used_little_of_the_workspace_says_nothing_of_memory(app: App) -> None:
    conversation = app.conversations.create("t", "guide")
    ask(app, conversation, QUESTION)
    assert app.computer.record.entries == ()


def test_an_answer_counts_for_memory_once_and_only_when_the_whole_workspace_was_used(app: App) -> None:
    loaded = end(app.running.open("guide"))
    assert app.running.opened is not None
    few = Reply("A model.", "", "stop", 80, 0, 30, 0.1, 300.0, peak_bytes=loaded.peak_bytes, batch_tokens=80)
    full = replace(few, batch_tokens=512)
    app.computer.learn(app.running.opened, few)
    assert app.computer.record.entries == ()
    for reply in (full, full):
        app.computer.learn(app.running.opened, reply)
    (entry,) = app.computer.record.entries
    assert (entry.model, entry.measured_bytes) == ("guide", loaded.peak_bytes)
    assert entry.predicted_bytes == app.running.opened.fit.total_bytes
    assert "A model" not in (app.paths.cache / "accuracy.json").read_text()


def test_the_limit_of_downloads_follows_the_settings(tmp_path: Path) -> None:
    app = App.open(tmp_path)
    assert app.limit.bytes_per_s == 0
    app.settings.speed_limit = 2_000_000
    app.save_settings()
    assert app.limit.bytes_per_s == 2_000_000
    app.close()
    again = App.open(tmp_path)
    assert again.limit.bytes_per_s == 2_000_000
    again.close()


def test_a_model_in_parts_is_called_by_its_name(app: App) -> None:
    assert app.targets.of("hf:maker/Large-GGUF/Large-Q4_K_M-00001-of-00002.gguf").name == "Large-Q4_K_M"
