"""The worker ends, hangs or runs out of memory, wherever it is: what happened is told, and the next message works."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Generator, Iterator
from contextlib import closing, suppress
from pathlib import Path

import psutil
import pytest

from desktop.engine import ChatOptions, Loading, LoadOptions, Message, Piece, local, process
from desktop.engine.crashes import MOST, Crashes
from desktop.engine.local import LocalEngine
from desktop.errors import (
    AlcoveError,
    BreaksEngine,
    CardFailed,
    EngineCrashed,
    EngineHung,
    KeepsCrashing,
    OutOfMemory,
    WillNotFit,
)
from tests.engine import models, shapes
from tests.engine.test_local import HELLO, ask, load, run, worker_of

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has such limits")
MB = 1 << 20


@pytest.fixture(scope="module")
def words(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Never stops by itself."""
    return models.write(tmp_path_factory.mktemp("models") / "words.gguf", models.WORDS)


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same, of 80 MB."""
    return models.write(tmp_path_factory.mktemp("models") / "large.gguf", models.WORDS, layers=12, hidden=1408)


def begun(engine: LocalEngine) -> Generator[object, None, object]:
    """An answer whose first word has come."""
    steps = engine.chat(HELLO, ChatOptions(max_tokens=1_000_000))
    assert next(step for step in steps if isinstance(step, Piece)).text == "word0"
    return steps


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals there")
@pytest.mark.parametrize("name", ["SIGKILL", "SIGABRT", "SIGSEGV", "SIGTERM"])
def test_killed_while_a_model_is_opened(engine: LocalEngine, large: Path, name: str) -> None:
    how = getattr(signal, name)
    steps = engine.load(LoadOptions(large))
    assert next(step for step in steps if isinstance(step, Loading) and step.fraction > 0).fraction < 1
    worker_of(engine).send_signal(how)
    with pytest.raises(EngineCrashed) as crash:
        run(steps)
    assert crash.value.facts["code"] == -how
    assert type(crash.value) is (BreaksEngine if name in ("SIGABRT", "SIGSEGV") else EngineCrashed)
    assert engine.info is None
    load(engine, large)
    assert ask(engine, max_tokens=2).text == "word0 word1"


@pytest.mark.skipif(sys.platform == "win32", reason="there are no signals there")
@pytest.mark.parametrize(
    ("last", "kind"),
    [
        ("llama.cpp/ggml/src/ggml-cuda/ggml-cuda.cu:103: CUDA error", CardFailed),
        ("terminate called after throwing an instance of 'vk::DeviceLostError'", CardFailed),
        ("CUDA error: out of memory", OutOfMemory),
        ("ggml.c:3046: GGML_ASSERT(ggml_can_mul_mat(a, b)) failed", BreaksEngine),
    ],
)
def test_what_a_graphics_card_ends_is_not_blamed_on_the_file(
    engine: LocalEngine, large: Path, last: str, kind: type[EngineCrashed]
) -> None:
    steps = engine.load(LoadOptions(large))
    next(step for step in steps if isinstance(step, Loading) and step.fraction > 0)
    assert engine._worker is not None
    engine._worker._log.write(last.encode())  # as the process itself would have said it
    engine._worker._log.flush()
    worker_of(engine).send_signal(signal.SIGABRT)
    with pytest.raises(kind) as crash:
        run(steps)
    assert last in str(crash.value.facts["why"])


@pytest.mark.skipif(sys.platform == "win32", reason="its pipe is no socket there")
def test_its_pipe_breaks_in_mid_answer(engine: LocalEngine, words: Path) -> None:
    load(engine, words)
    worker, steps = worker_of(engine), begun(engine)
    assert engine._worker is not None
    with socket.socket(fileno=os.dup(engine._worker._connection.fileno())) as pipe:
        pipe.shutdown(socket.SHUT_RDWR)
    with pytest.raises(EngineCrashed):
        run(steps)
    assert not worker.is_running()
    assert ask(engine, max_tokens=2).text == "word0 word1"


@pytest.mark.parametrize("when", ["idle", "answering", "opening"])
def test_a_worker_that_hangs_is_ended(
    engine: LocalEngine, words: Path, large: Path, when: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process, "STILL_S", 3 * process.TICK_S)
    if when == "opening":
        steps = engine.load(LoadOptions(large))
        next(step for step in steps if isinstance(step, Loading) and step.fraction > 0)
    else:
        load(engine, words)
        steps = begun(engine) if when == "answering" else engine.chat(HELLO, ChatOptions())  # type: ignore[assignment]
    worker = worker_of(engine)
    worker.suspend()
    with pytest.raises(EngineHung):
        run(steps)
    assert not worker.is_running()
    load(engine, words)
    assert ask(engine, max_tokens=2).text == "word0 word1"


@pytest.mark.skipif(sys.platform == "win32", reason="its pipes wait for ever")
def test_a_message_that_is_not_heard(engine: LocalEngine, words: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Larger than what lies in a pipe, as pictures are."""
    monkeypatch.setattr(process, "HEAR_S", 0.5)
    load(engine, words)
    worker_of(engine).suspend()
    with pytest.raises(EngineHung):
        ask(engine, [Message("user", "word " * 1_000_000)])
    assert ask(engine, max_tokens=2).text == "word0 word1"


def test_a_worker_that_computes_without_a_word_is_given_an_hour(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "STILL_S", 2 * process.TICK_S)
    monkeypatch.setattr(process, "SILENT_S", 8 * process.TICK_S)
    with subprocess.Popen([sys.executable, "-c", "while True: pass"]) as busy:
        try:
            seen, pulse = psutil.Process(busy.pid), process._Pulse(busy.pid)
            for _ in range(7):
                before = seen.cpu_times()
                while seen.cpu_times() == before:
                    pass
                assert not pulse.stopped()
            assert pulse.stopped()
        finally:
            busy.kill()


def test_a_file_that_makes_the_engine_abort_is_told_so(engine: LocalEngine, words: Path, tmp_path: Path) -> None:
    """Three heads of keys cannot serve four heads, which nothing but an assertion in the middle of it notices."""
    path = shapes.uneven(tmp_path / "uneven.gguf", kv_heads=(1, 2, 3, 4))
    with pytest.raises(BreaksEngine) as crash:
        load(engine, path, chats=False)
    assert crash.value.facts["path"] == str(path)
    assert crash.value.facts["code"] == -signal.SIGABRT
    assert "ASSERT" in str(crash.value.facts["why"])
    load(engine, words)
    assert ask(engine, max_tokens=2).text == "word0 word1"


@linux
@pytest.mark.parametrize("length", [100_000, 2_000_000], ids=["to read it", "to hear it"])
def test_no_memory_for_a_question(engine: LocalEngine, words: Path, length: int) -> None:
    load(engine, words)
    worker_of(engine).rlimit(psutil.RLIMIT_DATA, (MB, MB))
    with pytest.raises(OutOfMemory):
        ask(engine, [Message("user", "word " * length)])
    assert ask(engine, max_tokens=2).text == "word0 word1"


@linux
def test_no_memory_while_a_model_is_opened(engine: LocalEngine, large: Path) -> None:
    load(engine, large, context=512)
    worker = worker_of(engine)
    worker.rlimit(psutil.RLIMIT_DATA, (60 * MB, 60 * MB))
    with pytest.raises(WillNotFit):
        load(engine, large, context=512)
    engine.close()
    load(engine, large, context=512)
    assert ask(engine, max_tokens=2).text == "word0 word1"


@pytest.fixture
def little_memory() -> Iterator[Path]:
    """A control group of 20 MB, where these can be made."""
    own = re.search(r"(?m)^\d+:memory:(.*)$", Path("/proc/self/cgroup").read_text()) if sys.platform == "linux" else None
    group = Path(f"/sys/fs/cgroup/memory{own[1]}", f"alcove-{os.getpid()}") if own else Path("/nowhere")
    try:
        group.mkdir()
        (group / "memory.limit_in_bytes").write_text(str(20 * MB))
    except OSError:
        pytest.skip("no control groups of one's own here")
    yield group
    group.rmdir()


def test_ended_by_the_system_for_its_memory(engine: LocalEngine, large: Path, little_memory: Path) -> None:
    steps = engine.load(LoadOptions(large))
    next(step for step in steps if step.fraction > 0)  # it has seen how much there was
    (little_memory / "cgroup.procs").write_text(str(worker_of(engine).pid))
    with pytest.raises(OutOfMemory) as crash:
        run(steps)
    assert crash.value.facts["code"] == -signal.SIGKILL
    load(engine, large)
    assert ask(engine, max_tokens=2).text == "word0 word1"


def test_killed_by_somebody_is_not_taken_for_a_lack_of_memory(engine: LocalEngine, words: Path) -> None:
    load(engine, words)
    steps = begun(engine)
    worker_of(engine).kill()
    with pytest.raises(EngineCrashed) as crash:
        run(steps)
    assert type(crash.value) is EngineCrashed


# --- again and again ----------------------------------------------------------------------------------------------------------


def crash_of(engine: LocalEngine) -> EngineCrashed:
    steps = begun(engine)
    worker_of(engine).kill()
    with pytest.raises(EngineCrashed) as crash:
        run(steps)
    return crash.value


def test_a_model_that_keeps_crashing_is_not_opened_again(engine: LocalEngine, words: Path, large: Path) -> None:
    load(engine, words)
    assert [type(crash_of(engine)) for _ in range(MOST)] == [EngineCrashed, EngineCrashed, KeepsCrashing]
    with pytest.raises(KeepsCrashing) as refused:
        ask(engine)
    assert (refused.value.facts["path"], refused.value.facts["times"]) == (str(words), MOST)
    with pytest.raises(KeepsCrashing):
        load(engine, words)
    load(engine, large)  # others are
    engine.crashes.forget(words)
    load(engine, words)
    assert ask(engine, max_tokens=2).text == "word0 word1"


def test_a_whole_answer_between_makes_good(engine: LocalEngine, words: Path) -> None:
    load(engine, words)
    for _ in range(MOST - 1):
        crash_of(engine)
    assert engine.crashes.times(words) == MOST - 1
    ask(engine, max_tokens=2)
    assert engine.crashes.times(words) == 0
    assert type(crash_of(engine)) is EngineCrashed


def test_neither_a_cancel_nor_a_stated_error_nor_closing_counts(engine: LocalEngine, words: Path, large: Path) -> None:
    steps = engine.load(LoadOptions(large))
    next(step for step in steps if isinstance(step, Loading) and step.fraction > 0)
    steps.close()
    broken = words.with_name("broken.gguf")
    broken.write_bytes(words.read_bytes().replace(b"blk.0.attn_norm.weight", b"blk.0.attn_form.weight"))
    with pytest.raises(AlcoveError):
        load(engine, broken)
    load(engine, words)
    begun(engine).close()
    steps = begun(engine)  # type: ignore[assignment]
    engine.close()
    with pytest.raises(EngineCrashed):
        run(steps)
    assert [engine.crashes.times(words.with_name(name)) for name in ("words.gguf", "evil.gguf")] == [0, 0]
    assert engine.crashes.times(large) == 0


def test_crashes_are_known_after_a_restart_which_gives_another_try(words: Path, tmp_path: Path) -> None:
    kept, crash = tmp_path / "crashes.json", EngineCrashed(code=-9)
    crashes = Crashes(kept)
    for _ in range(MOST):
        crashes.add(words, crash)
    again = Crashes(kept)
    assert again.times(words) == MOST - 1
    assert isinstance(again.add(words, crash), KeepsCrashing)
    again.forget(words)
    assert Crashes(kept).times(words) == 0
    kept.write_text("{")
    assert Crashes(kept).times(words) == 0


def test_what_ends_all_of_alcove_while_it_is_opened_counts(words: Path, tmp_path: Path) -> None:
    kept = tmp_path / "crashes.json"
    with suppress(KeyError), Crashes(kept).opening(words):
        assert Crashes(kept).times(words) == 1  # were it killed here
        raise KeyError
    assert Crashes(kept).times(words) == 0


# --- the end ------------------------------------------------------------------------------------------------------------------


def test_the_worker_leaves_when_its_parent_is_gone_while_it_opens_a_model(large: Path) -> None:
    """Deep in llama.cpp, it hears that all the same."""
    program = (
        "import sys; from pathlib import Path; from desktop.engine import *; from desktop.engine.local import LocalEngine\n"
        "engine = LocalEngine()\n"
        "for step in engine.load(LoadOptions(Path(sys.argv[1]))):\n"
        "    if step.fraction > 0: print(engine._worker.pid, flush=True)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(local.__file__).parents[2])}
    command = [sys.executable, "-c", program, str(large)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    _, alive = psutil.wait_procs([worker], timeout=5)
    assert alive == []


def test_a_parent_that_was_stopped_for_a_while_goes_on(engine: LocalEngine, words: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A computer that slept: what came meanwhile is heard before anything is thought of the worker."""
    monkeypatch.setattr(process, "STILL_S", process.TICK_S)
    load(engine, words)
    with closing(begun(engine)) as steps:
        worker = worker_of(engine)
        ahead = worker.cpu_times().user + 0.1
        while worker.cpu_times().user < ahead:  # it writes on, and we do not listen
            pass
        assert isinstance(next(steps), Piece)
