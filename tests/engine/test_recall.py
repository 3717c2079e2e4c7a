"""What a model has read is not read again: follow-ups, other conversations, the next start. With models whose every word depends
on all that they have read, so that a memory that is not what it should be is heard."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from desktop.engine import ChatOptions, LoadOptions, Message, Reply, states
from desktop.engine.local import LocalEngine
from tests.engine import models
from tests.engine.test_local import run

KINDS = ("llama", "gemma3", "mamba", "lfm2")
LONG = "We walked along the river until the bridge came into sight. " * 6
SAME = 1  # letter: how many tokens are computed at once changes the last digits of scores, and so, now and then, what is said
TRIMMING = (
    "{% for m in messages %}<|im_start|>{{ m.role }}\n"
    "{{ m.content.split('</think>')[-1] }}<|im_end|>\n{% endfor %}<|im_start|>assistant\n<think>"
)


def question(text: str) -> list[Message]:
    return [Message("user", text)]


def ask(engine: LocalEngine, messages: list[Message], conversation: str = "", max_tokens: int = 12) -> Reply:
    options = ChatOptions(temperature=0.0, max_tokens=max_tokens, conversation=conversation)
    return run(engine.chat(messages, options))[1]


def go_on(messages: list[Message], reply: Reply, text: str) -> list[Message]:
    return [*messages, Message("assistant", reply.text), Message("user", text)]


@pytest.fixture(scope="session")
def ramblers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("ramblers")
    return {kind: models.write_rambler(folder / f"{kind}.gguf", kind) for kind in KINDS}


def opened(engine: LocalEngine, path: Path, folder: Path | None = None, **options: object) -> LocalEngine:
    run(engine.load(replace(LoadOptions(path, context=4096, states=folder), **options)))
    return engine


def afresh(path: Path, messages: list[Message]) -> str:
    """The answer of an engine that has read nothing yet."""
    engine = LocalEngine()
    try:
        return ask(opened(engine, path), messages).text
    finally:
        engine.close()


@pytest.mark.parametrize("kind", KINDS)
def test_a_follow_up_reads_only_what_is_new_and_says_the_same(engine: LocalEngine, ramblers: dict[str, Path], kind: str) -> None:
    opened(engine, ramblers[kind])
    first = question(LONG)
    reply = ask(engine, first, max_tokens=40)
    later = go_on(first, reply, "And then?")
    follow = ask(engine, later)
    assert follow.cached_tokens >= reply.prompt_tokens + reply.completion_tokens - 1
    assert follow.text[:SAME] == afresh(ramblers[kind], later)[:SAME]


@pytest.mark.parametrize("kind", KINDS)
def test_another_try_goes_back_to_the_question(engine: LocalEngine, ramblers: dict[str, Path], kind: str) -> None:
    opened(engine, ramblers[kind])
    first = question(LONG)
    later = go_on(first, ask(engine, first, max_tokens=20), LONG)
    reply = ask(engine, later, max_tokens=700)  # longer than a window remembers
    again = ask(engine, later, max_tokens=700)
    assert again.cached_tokens > reply.prompt_tokens - 40
    assert again.text[:SAME] == ask(engine, later, max_tokens=700).text[:SAME]
    changed = [*later[:-1], Message("user", "Something else")]
    other = ask(engine, changed)
    assert other.cached_tokens > len(LONG)
    assert other.text[:SAME] == afresh(ramblers[kind], changed)[:SAME]


@pytest.mark.parametrize("kind", KINDS)
def test_turning_to_another_conversation_and_back(
    engine: LocalEngine, ramblers: dict[str, Path], kind: str, tmp_path: Path
) -> None:
    opened(engine, ramblers[kind], tmp_path / "states")
    first = question(LONG)
    reply = ask(engine, first, "1")
    assert ask(engine, question("The other " + LONG), "2").cached_tokens < 40
    later = go_on(first, reply, "And then?")
    back = ask(engine, later, "1")
    assert back.cached_tokens >= reply.prompt_tokens
    assert back.text[:SAME] == afresh(ramblers[kind], later)[:SAME]


@pytest.mark.parametrize("kind", KINDS)
def test_after_the_next_start_nothing_is_read_again(
    engine: LocalEngine, ramblers: dict[str, Path], kind: str, tmp_path: Path
) -> None:
    folder = tmp_path / "states"
    opened(engine, ramblers[kind], folder)
    first = question(LONG)
    reply = ask(engine, first, "1")
    assert list(folder.glob("*")) == []
    list(engine.rest())
    assert engine.info is None
    (kept,) = folder.glob("*")
    assert kept.stat().st_mode & 0o077 == 0
    later = go_on(first, reply, "And then?")
    follow = ask(engine, later, "1")
    assert follow.cached_tokens >= reply.prompt_tokens
    assert follow.text[:SAME] == afresh(ramblers[kind], later)[:SAME]


def test_what_is_said_in_a_temporary_chat_is_never_written(
    engine: LocalEngine, ramblers: dict[str, Path], tmp_path: Path
) -> None:
    folder = tmp_path / "states"
    opened(engine, ramblers["llama"], folder)
    ask(engine, question(LONG))
    ask(engine, question("Short"), "1")
    list(engine.rest())
    assert list(folder.glob("*")) == []


def test_a_memory_of_another_model_or_form_is_not_used(engine: LocalEngine, ramblers: dict[str, Path], tmp_path: Path) -> None:
    opened(engine, ramblers["llama"], tmp_path)
    first = question(LONG)
    later = go_on(first, ask(engine, first, "1"), "And then?")
    opened(engine, ramblers["llama"], tmp_path, kv_type="q8_0")
    assert ask(engine, later, "1").cached_tokens == 0
    opened(engine, ramblers["lfm2"], tmp_path)
    assert ask(engine, later, "1").cached_tokens == 0
    assert len(list(tmp_path.glob("1.*"))) == 1  # the last one takes the place of the one before


@pytest.mark.parametrize("harm", [lambda b: b[: len(b) // 2], lambda b: b"nonsense" * 100, lambda b: b""])
def test_a_damaged_memory_is_read_again(
    engine: LocalEngine, ramblers: dict[str, Path], tmp_path: Path, harm: Callable[[bytes], bytes]
) -> None:
    opened(engine, ramblers["llama"], tmp_path)
    first = question(LONG)
    reply = ask(engine, first, "1")
    list(engine.rest())
    (kept,) = tmp_path.glob("*")
    kept.write_bytes(harm(kept.read_bytes()))
    later = go_on(first, reply, "And then?")
    follow = ask(engine, later, "1")
    assert follow.cached_tokens == 0
    assert follow.text[:SAME] == afresh(ramblers["llama"], later)[:SAME]


def test_when_the_oldest_turns_go_the_rest_moves_up(engine: LocalEngine, ramblers: dict[str, Path]) -> None:
    opened(engine, ramblers["llama"])
    talk = [Message("system", "Be kind."), *question(LONG)]
    for text in (LONG[::-1], LONG.upper()):
        talk = go_on(talk, ask(engine, talk), text)
    whole = ask(engine, talk)
    shorter = [talk[0], *talk[3:]]
    moved = ask(engine, shorter)
    assert moved.cached_tokens == moved.prompt_tokens - 1  # all of it was read before, at other places
    assert moved.prompt_tokens < whole.prompt_tokens - len(LONG)
    again = go_on(shorter, moved, "And then?")
    assert ask(engine, again).cached_tokens >= moved.prompt_tokens


@pytest.mark.parametrize("kind", KINDS)
def test_what_the_next_question_repeats_of_an_answer_is_read_before_it_comes(kind: str, tmp_path: Path) -> None:
    path = models.write_rambler(tmp_path / "thinks.gguf", kind, template=TRIMMING)
    found = json.loads(subprocess.check_output([sys.executable, "-m", "tests.engine.settling", path, LONG]))
    assert found["unsettled_cached"] < found["next_begin"]  # the answer stands there without its thoughts
    assert found["settled_cached"] >= found["next_begin"]
    assert found["settled_text"][:SAME] == found["unsettled_text"][:SAME]


def test_an_answer_is_not_delayed_by_what_follows_it(engine: LocalEngine, ramblers: dict[str, Path]) -> None:
    """The next question stops it, and is not stopped with it."""
    opened(engine, ramblers["llama"])
    talk = question(LONG)
    for _ in range(5):
        reply = ask(engine, talk, max_tokens=4)
        assert reply.completion_tokens == 4 or reply.finish == "stop"
        talk = go_on(talk, reply, "And then?")


# --- the files ----------------------------------------------------------------------------------------------------------------


def keep(folder: Path, conversation: str, size: int, limit: int = 1000, key: str = "k") -> bool:
    def write(path: Path) -> bool:
        path.write_bytes(bytes(size))
        return True

    return states.States(folder, limit, key).save(conversation, size, write)


def test_the_least_recently_used_goes_first(tmp_path: Path) -> None:
    for number in ("1", "2", "3"):
        assert keep(tmp_path, number, 300)
    for age, number in enumerate(("2", "3", "1")):  # used in this order
        found = states.States(tmp_path, 1000, "k").find(number)
        assert found
        _age(found, 100 - age)
    assert keep(tmp_path, "4", 300)
    assert sorted(path.name[0] for path in tmp_path.glob("*")) == ["1", "3", "4"]


def test_what_is_larger_than_all_may_be_is_not_kept(tmp_path: Path) -> None:
    assert keep(tmp_path, "1", 300)
    assert not keep(tmp_path, "2", 2000)
    assert [path.name[0] for path in tmp_path.glob("*")] == []


def test_a_full_disk_keeps_what_there_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert keep(tmp_path, "1", 300)
    monkeypatch.setattr(states, "FREE_BYTES", 1 << 62)
    assert not keep(tmp_path, "1", 400)
    found = states.States(tmp_path, 1000, "k").find("1")
    assert found
    assert found.read_bytes()[:300] == bytes(300)
    assert found.stat().st_size < 400


def test_what_could_not_be_written_leaves_nothing(tmp_path: Path) -> None:
    def fail(path: Path) -> bool:
        path.write_bytes(b"half")
        raise OSError("no space left")

    assert not states.States(tmp_path, 1000, "k").save("1", 10, fail)
    assert list(tmp_path.glob("*")) == []


def test_a_conversation_is_forgotten_for_all_models(tmp_path: Path) -> None:
    keep(tmp_path, "1", 10)
    keep(tmp_path, "11", 10)
    (tmp_path / "1.other.new").touch()
    states.forget(tmp_path, "1")
    assert [path.name for path in tmp_path.glob("*")] == ["11.k.state"]


def test_models_have_folders_of_their_own_and_one_limit(tmp_path: Path) -> None:
    one, other = (states.of_model(tmp_path, tmp_path / name) for name in ("one.gguf", "other.gguf"))
    assert one != other
    assert keep(one, "1", 300)
    assert keep(other, "1", 300)
    assert keep(other, "2", 300)
    (path,) = one.iterdir()
    _age(path, 100)
    states.make_room(tmp_path, 700)
    assert sorted(found.name[0] for found in tmp_path.rglob("*.state")) == ["1", "2"]
    states.keep_only(tmp_path, ["2"])
    assert [found.name[0] for found in tmp_path.rglob("*.state")] == ["2"]
    states.forget(tmp_path, "2")
    assert not list(tmp_path.rglob("*.state"))


def test_a_model_is_known_by_what_is_in_it(tmp_path: Path) -> None:
    one, other, copy = (tmp_path / name for name in ("one", "other", "copy"))
    one.write_bytes(bytes(1_000_000))
    copy.write_bytes(bytes(1_000_000))
    other.write_bytes(bytes(999_000) + b"\x01" * 1000)
    assert states.fingerprint(one) == states.fingerprint(copy) != states.fingerprint(other)


def _age(path: Path, seconds: int) -> None:
    now = path.stat().st_mtime
    os.utime(path, (now - seconds, now - seconds))
