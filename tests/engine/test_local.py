"""The engine in its real process, with models whose every answer is known."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Generator
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import psutil
import pytest

from desktop.engine import ChatOptions, Loaded, Loading, LoadOptions, Message, Piece, Reading, Reply, local, process, template
from desktop.engine.local import LocalEngine
from desktop.errors import ContextFull, EngineCrashed, LoadFailed, NotFound, NotGguf, Truncated, UnknownArchitecture, WillNotFit
from tests import gguf_files
from tests.engine import models, shapes

SMILE = tuple(bytes([byte]) for byte in "😀".encode())
HELLO = [Message("user", "Hello")]

Said = TypeVar("Said")
Result = TypeVar("Result")


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="session")
def fox(folder: Path) -> Path:
    """Says one sentence and stops."""
    return models.write(folder / "fox.gguf", ["The", " fox ", *SMILE, " says", " good", " bye.", models.END])


@pytest.fixture(scope="session")
def endless(folder: Path) -> Path:
    """Never stops by itself."""
    return models.write(folder / "endless.gguf", models.WORDS)


@pytest.fixture(scope="session")
def slow(folder: Path) -> Path:
    """Endless, and needs seconds to read a few thousand tokens."""
    return models.write(folder / "slow.gguf", models.WORDS, layers=12, hidden=1408)


def run(steps: Generator[Said, None, Result]) -> tuple[list[Said], Result]:
    """All that a generator yields, and its result."""
    said = []
    while True:
        try:
            said.append(next(steps))
        except StopIteration as end:
            return said, end.value


def load(engine: LocalEngine, path: Path, **options: Any) -> Loaded:
    return run(engine.load(LoadOptions(path, **options)))[1]


def ask(engine: LocalEngine, messages: list[Message] = HELLO, **options: Any) -> Reply:
    return run(engine.chat(messages, ChatOptions(**options)))[1]


def worker_of(engine: LocalEngine) -> psutil.Process:
    assert engine._worker is not None
    return psutil.Process(engine._worker.pid)


def test_an_answer_streams_and_ends_by_itself(engine: LocalEngine, fox: Path) -> None:
    info = load(engine, fox)
    assert (info.context, info.architecture, info.name, info.has_template) == (4096, "llama", "Recital", True)
    said, reply = run(engine.chat(HELLO, ChatOptions()))
    pieces = [piece for piece in said if isinstance(piece, Piece)]
    assert "".join(piece.text for piece in pieces) == reply.text == "The fox 😀 says good bye."
    assert len(pieces) >= 6
    assert "😀" in [piece.text for piece in pieces]  # four tokens, one character
    assert (reply.finish, reply.thinking, reply.cached_tokens) == ("stop", "", 0)
    assert reply.prompt_tokens > len("Hello")
    assert reply.first_token_s > 0
    assert reply.tokens_per_s > 0
    assert "llama_cpp" not in sys.modules  # it stays on its side of the pipe


def test_quantised_weights_run_on_any_processor(engine: LocalEngine, tmp_path: Path) -> None:
    """Repacked for AMX, they ended the process on a virtual Xeon that has it."""
    load(engine, gguf_files.llama(tmp_path / "q8.gguf", width=256, quantization="Q8_0"), context=512)
    assert ask(engine, max_tokens=4, temperature=0.0).completion_tokens == 4


@pytest.mark.parametrize("mode", ["read", "mmap"])
def test_loading_tells_its_progress_up_to_the_end(engine: LocalEngine, slow: Path, mode: str) -> None:
    said, _ = run(engine.load(LoadOptions(slow, load_mode=mode)))
    fractions = [step.fraction for step in said if isinstance(step, Loading)]
    assert fractions == sorted(fractions)
    assert len(set(fractions)) > 10
    assert fractions[-1] == 1.0


def test_reading_tells_its_progress_up_to_the_end(engine: LocalEngine, endless: Path) -> None:
    load(engine, endless)
    said, reply = run(engine.chat([Message("user", "word " * 300)], ChatOptions(max_tokens=3)))
    done = [step.done_tokens for step in said if isinstance(step, Reading)]
    assert done == sorted(done)
    assert len(set(done)) >= 3
    assert done[-1] == reply.prompt_tokens > 1000


def test_an_endless_answer_ends_where_it_was_told(engine: LocalEngine, endless: Path) -> None:
    load(engine, endless)
    reply = ask(engine, max_tokens=5)
    assert (reply.finish, reply.completion_tokens) == ("length", 5)
    assert reply.text == "word0 word1 word2 word3 word4"


def test_an_answer_ends_where_the_context_does(engine: LocalEngine, endless: Path) -> None:
    load(engine, endless, context=256)
    reply = ask(engine)
    assert reply.finish == "full"
    assert reply.prompt_tokens + reply.completion_tokens == 256 + 1


def test_an_answer_goes_on_where_it_ended(engine: LocalEngine, folder: Path) -> None:
    load(engine, models.write(folder / "alphabet.gguf", models.ALPHABET))
    first = ask(engine, max_tokens=3)
    said, rest = run(engine.chat([*HELLO, Message("assistant", first.text)], ChatOptions(max_tokens=2)))
    assert first.text + rest.text == "abcde"
    assert "".join(piece.text for piece in said if isinstance(piece, Piece)) == rest.text
    assert rest.cached_tokens >= first.prompt_tokens + 2  # only its last token is read again


def test_counting_tells_what_a_question_would_take_and_reads_nothing(engine: LocalEngine, endless: Path) -> None:
    load(engine, endless, context=256)
    first = ask(engine, max_tokens=2)
    longer = [*HELLO, Message("assistant", first.text), Message("user", "And then? " * 20)]
    _, counted = run(engine.count(longer, ChatOptions()))
    assert (counted.context, counted.fits) == (256, False)
    with pytest.raises(ContextFull) as full:
        ask(engine, longer)
    assert full.value.facts == {"tokens": counted.tokens, "context": 256}
    assert run(engine.count(HELLO, ChatOptions()))[1].tokens == first.prompt_tokens
    assert ask(engine, max_tokens=2).cached_tokens == first.prompt_tokens - 1


def test_a_stop_string_ends_the_answer_and_never_shows(engine: LocalEngine, fox: Path) -> None:
    load(engine, fox)
    said, reply = run(engine.chat(HELLO, ChatOptions(stop=("says good night", "says good b"))))
    assert "".join(piece.text for piece in said if isinstance(piece, Piece)) == reply.text == "The fox 😀 "
    assert reply.finish == "stop"


def test_a_follow_up_reads_only_what_is_new(engine: LocalEngine, fox: Path) -> None:
    load(engine, fox)
    first = ask(engine)
    again = [*HELLO, Message("assistant", first.text), Message("user", "And then?")]
    said, reply = run(engine.chat(again, ChatOptions()))
    assert reply.cached_tokens >= first.prompt_tokens
    assert said[0] == Reading(reply.cached_tokens, reply.prompt_tokens)
    assert reply.text == first.text


def test_going_back_in_a_conversation_with_a_sliding_window(engine: LocalEngine, folder: Path) -> None:
    """What the window has moved on from is read again; what it still holds is not."""
    load(engine, models.write(folder / "window.gguf", models.WORDS, window=64, layers=7))
    start = [*HELLO, Message("assistant", "Hello."), Message("user", "word " * 300)]
    assert ask(engine, start, max_tokens=100).cached_tokens == 0
    later = ask(engine, [*start, Message("assistant", "Yes."), Message("user", "more")], max_tokens=2)
    assert later.cached_tokens > 1000
    back = ask(engine, [*HELLO, Message("assistant", "Hello."), Message("user", "again")], max_tokens=2)
    assert (back.cached_tokens, back.text) == (0, "word0 word1")


def test_another_conversation_is_not_mixed_with_the_last(engine: LocalEngine, fox: Path) -> None:
    load(engine, fox)
    ask(engine, [Message("user", "something else altogether")])
    assert ask(engine).cached_tokens < ask(engine).cached_tokens


def test_cancelling_while_the_prompt_is_read(engine: LocalEngine, slow: Path) -> None:
    load(engine, slow, context=16384)
    process = worker_of(engine)
    steps = engine.chat([Message("user", "word " * 2500)], ChatOptions())
    progress = next(step for step in steps if isinstance(step, Reading) and step.done_tokens > 0)
    steps.close()
    assert progress.done_tokens < progress.total_tokens
    assert process.is_running()
    assert worker_of(engine) == process
    assert ask(engine, max_tokens=3).text == "word0 word1 word2"
    assert worker_of(engine) == process


def test_a_cancel_does_not_wait_for_the_end_of_a_batch(engine: LocalEngine, slow: Path) -> None:
    """A batch that was let run to its end would be found in the model's memory by the next question."""
    load(engine, slow, context=16384)
    cut_short = False
    for attempt in range(5):  # a busy machine may hear the news of one batch only after the next
        question = [Message("user", f"{attempt} " + "word " * 2500)]
        steps = engine.chat(question, ChatOptions())
        reached = next(step.done_tokens for step in steps if isinstance(step, Reading) and step.done_tokens > 300)
        steps.close()
        again = engine.chat(question, ChatOptions())
        kept = next(step.done_tokens for step in again if isinstance(step, Reading) and step.total_tokens > 0)
        again.close()
        cut_short = cut_short or kept == reached
    assert cut_short


def test_cancelling_in_mid_answer(engine: LocalEngine, endless: Path) -> None:
    load(engine, endless)
    process = worker_of(engine)
    steps = engine.chat(HELLO, ChatOptions(max_tokens=100_000))
    pieces = (step for step in steps if isinstance(step, Piece))
    assert next(pieces).text + next(pieces).text == "word0 word1"
    steps.close()
    again = ask(engine, max_tokens=2)
    assert again.text == "word0 word1"
    assert again.cached_tokens == again.prompt_tokens - 1
    assert worker_of(engine) == process


def test_ctrl_c_in_mid_answer_mixes_nothing_into_the_next(engine: LocalEngine, endless: Path) -> None:
    load(engine, endless)
    steps = engine.chat(HELLO, ChatOptions(max_tokens=100_000))
    assert next(step for step in steps if isinstance(step, Piece)).text == "word0"
    with pytest.raises(KeyboardInterrupt):
        steps.throw(KeyboardInterrupt())
    assert ask(engine, max_tokens=2).text == "word0 word1"


@pytest.mark.parametrize("mode", ["read", "mmap"])
def test_cancelling_a_load_leaves_a_usable_engine(engine: LocalEngine, slow: Path, fox: Path, mode: str) -> None:
    load(engine, fox)
    steps = engine.load(LoadOptions(slow, load_mode=mode))
    assert next(step for step in steps if step.fraction > 0).fraction < 1
    process = worker_of(engine)
    steps.close()
    assert engine.loaded is None
    assert engine.info is None
    load(engine, slow)
    assert ask(engine, max_tokens=1).text == "word0"
    assert worker_of(engine) == process


def test_a_worker_that_hears_nothing_is_ended(engine: LocalEngine, endless: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(process, "CANCEL_S", 0.1)
    load(engine, endless)
    worker = worker_of(engine)
    steps = engine.chat(HELLO, ChatOptions())
    next(step for step in steps if isinstance(step, Piece))
    worker.suspend()
    while isinstance(next(steps), Piece) and engine._worker and engine._worker._connection.poll():
        pass  # what was in the pipe already
    steps.close()
    assert not worker.is_running()
    assert ask(engine, max_tokens=1).text == "word0"


def test_killed_in_mid_answer_and_the_next_message_works(engine: LocalEngine, endless: Path) -> None:
    load(engine, endless)
    process = worker_of(engine)
    steps = engine.chat(HELLO, ChatOptions(max_tokens=1_000_000))
    so_far = next(step.text for step in steps if isinstance(step, Piece))
    process.kill()
    with pytest.raises(EngineCrashed) as crash:
        run(steps)
    assert so_far == "word0"
    assert crash.value.facts["code"] == -signal.SIGKILL
    assert ask(engine, max_tokens=2).text == "word0 word1"
    assert worker_of(engine) != process


def test_killed_between_two_messages_nobody_notices(engine: LocalEngine, fox: Path) -> None:
    load(engine, fox)
    process = worker_of(engine)
    process.kill()
    process.wait()
    assert ask(engine).text.startswith("The fox")


def test_an_abort_is_a_crash_with_its_code(engine: LocalEngine, endless: Path) -> None:
    load(engine, endless)
    steps = engine.chat(HELLO, ChatOptions(max_tokens=1_000_000))
    next(steps)
    worker_of(engine).send_signal(signal.SIGABRT)
    with pytest.raises(EngineCrashed) as crash:
        run(steps)
    assert crash.value.facts["code"] == -signal.SIGABRT


def test_after_close_a_chat_starts_the_engine_again(engine: LocalEngine, fox: Path) -> None:
    load(engine, fox)
    process = worker_of(engine)
    engine.close()
    assert not process.is_running()
    assert engine.info is None
    assert ask(engine).text.startswith("The fox")


def test_without_room_for_temporary_files(
    engine: LocalEngine, endless: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "nowhere"))
    load(engine, endless)
    steps = engine.chat(HELLO, ChatOptions(max_tokens=1_000_000))
    assert next(step.text for step in steps if isinstance(step, Piece)) == "word0"
    worker_of(engine).kill()
    with pytest.raises(EngineCrashed):
        run(steps)


def test_without_a_model_a_chat_says_so(engine: LocalEngine) -> None:
    with pytest.raises(LoadFailed):
        ask(engine)


def test_a_prompt_too_long_is_told_before_it_is_read(engine: LocalEngine, endless: Path) -> None:
    load(engine, endless, context=512)
    with pytest.raises(ContextFull) as full:
        next(engine.chat([Message("user", "x" * 500)], ChatOptions()))
    assert full.value.facts["context"] == 512
    assert int(str(full.value.facts["tokens"])) > 500
    assert ask(engine, max_tokens=1).text == "word0"


def test_thinking_is_set_apart(engine: LocalEngine, folder: Path) -> None:
    path = models.write(folder / "thinks.gguf", ["<think>", "let", " me", "</think>", "It", " is", models.END])
    load(engine, path)
    said, reply = run(engine.chat(HELLO, ChatOptions()))
    assert (reply.thinking, reply.text) == ("let me", "It is")
    assert [piece.thinking for piece in said if isinstance(piece, Piece)] == [True, True, False, False]


def test_thinking_that_the_template_opens(engine: LocalEngine, folder: Path) -> None:
    path = models.write(
        folder / "opened.gguf",
        ["let", " me", "</think>", "It", " is", models.END],
        template=models.CHATML + "<think>",
        prompt_end="<think>",
    )
    load(engine, path)
    reply = ask(engine)
    assert (reply.thinking, reply.text) == ("let me", "It is")


def test_thinking_that_can_be_switched(engine: LocalEngine, folder: Path) -> None:
    loaded = load(engine, models.write_thinker(folder / "choice.gguf"))
    assert (loaded.thinks, loaded.thinks_unasked, loaded.notices) == ("choice", True, ())
    assert [ask(engine, thinking=wish).thinking for wish in (None, True, False)] == ["let me", "let me", ""]
    assert ask(engine, thinking=False).text == "It is"


def test_sampling_comes_from_the_file_unless_it_is_chosen(engine: LocalEngine, folder: Path) -> None:
    loose = models.write(
        folder / "loose.gguf",
        models.WORDS,
        metadata={"general.sampling.temp": 1000.0, "general.sampling.top_p": 1.0, "general.sampling.min_p": 0.0},
    )
    load(engine, loose)
    recited = "word0 word1 word2 word3 word4 word5"
    assert ask(engine, max_tokens=6, seed=1).text != recited
    assert ask(engine, max_tokens=6, seed=1).text == ask(engine, max_tokens=6, seed=1).text
    assert ask(engine, max_tokens=6, temperature=0.0).text == recited
    assert ask(engine, max_tokens=6, top_k=1).text == recited


@pytest.mark.parametrize("mode", ["read", "mmap"])
@pytest.mark.parametrize("kv_type", ["q8_0", "q4_0"])
def test_a_smaller_memory_read_or_mapped(engine: LocalEngine, fox: Path, kv_type: str, mode: str) -> None:
    load(engine, fox, kv_type=kv_type, load_mode=mode)
    assert ask(engine).text.startswith("The fox 😀")


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the maps of another process are not to be seen")
@pytest.mark.parametrize("mode", ["read", "mmap"])
def test_a_file_is_mapped_only_where_the_plan_says_so(engine: LocalEngine, fox: Path, mode: str) -> None:
    load(engine, fox, load_mode=mode)
    assert (str(fox) in [mapped.path for mapped in worker_of(engine).memory_maps()]) == (mode == "mmap")


def test_the_worker_imports_the_c_interface_alone() -> None:
    """The whole package would bring numpy and more, 26 MB and 0.2 s at every start."""
    program = (
        "import sys; from desktop.engine import worker, bench, dry_run, llama, model\n"
        "print(llama.version(), {'llama_cpp.llama', 'numpy'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, timeout=60)
    assert re.fullmatch(r"\d+\.\d+\.\d+\S* set\(\)", done.stdout.strip())


def test_a_file_without_template_is_asked_in_chatml(engine: LocalEngine, folder: Path) -> None:
    path = models.write(folder / "bare.gguf", ["Yes", models.END], template=None)
    loaded = load(engine, path)
    assert (loaded.has_template, loaded.thinks, loaded.notices) == (False, "no", (template.NONE,))
    assert ask(engine).text == "Yes"


ENDLESS = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"


@pytest.mark.parametrize("evil", ["{{ messages.__class__.__mro__[1].__subclasses__() }}", ENDLESS, "{% for m in messages %}"])
def test_a_common_template_stands_in_for_one_that_does_not_work(engine: LocalEngine, folder: Path, evil: str) -> None:
    path = models.write(folder / "evil.gguf", ["Yes", models.END], template=evil)
    assert load(engine, path).notices == (template.BROKEN,)
    assert ask(engine).text == "Yes"


def test_a_template_that_fails_in_the_end_costs_no_more_than_that_answer(engine: LocalEngine, folder: Path) -> None:
    path = models.write(
        folder / "late.gguf",
        ["Yes", models.END],
        template="{% if messages | length > 2 %}" + ENDLESS + "{% endif %}" + models.CHATML,
    )
    assert load(engine, path).notices == ()
    worker = worker_of(engine)
    with pytest.raises(LoadFailed, match="its chat template does not work"):
        ask(engine, [*HELLO, Message("assistant", "Yes"), Message("user", "And?")])
    assert ask(engine).text == "Yes"
    assert worker_of(engine) == worker


def test_not_a_gguf(engine: LocalEngine, tmp_path: Path) -> None:
    path = tmp_path / "letter.gguf"
    path.write_text("Dear Sir or Madam, " * 100)
    with pytest.raises(NotGguf):
        load(engine, path)
    assert engine._worker is None  # found before a process was at risk


def test_no_file_at_all(engine: LocalEngine, tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        load(engine, tmp_path / "nowhere.gguf")


def test_a_truncated_file(engine: LocalEngine, fox: Path, tmp_path: Path) -> None:
    path = tmp_path / "half.gguf"
    path.write_bytes(fox.read_bytes()[: fox.stat().st_size // 2])
    with pytest.raises(Truncated):
        load(engine, path)


def test_an_architecture_that_the_engine_does_not_know(engine: LocalEngine, folder: Path, fox: Path) -> None:
    path = models.write(folder / "future.gguf", ["Yes", models.END], architecture="llama-of-2031")
    with pytest.raises(UnknownArchitecture) as unknown:
        load(engine, path)
    assert unknown.value.facts["architecture"] == "llama-of-2031"
    load(engine, fox)  # the same worker goes on
    assert ask(engine).finish == "stop"


def test_a_file_with_a_hole_in_it_tells_why(engine: LocalEngine, fox: Path, tmp_path: Path) -> None:
    path = tmp_path / "hole.gguf"
    path.write_bytes(fox.read_bytes().replace(b"blk.0.attn_norm.weight", b"blk.0.attn_form.weight"))
    with pytest.raises(LoadFailed, match="attn_norm"):
        load(engine, path)


def test_a_context_beyond_all_memory(engine: LocalEngine, folder: Path) -> None:
    path = models.write(folder / "vast.gguf", ["Yes", models.END], layers=24, context=8_000_000)
    with pytest.raises(WillNotFit) as refused:
        load(engine, path, context=8_000_000)
    needed, free = (int(str(refused.value.facts[fact])) for fact in ("needed_bytes", "free_bytes"))
    assert needed > 8_000_000 * 24 * 512 * 2 * 2 > free > 0


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse by themselves what they cannot give")
def test_the_worker_cannot_take_more_than_there_is(engine: LocalEngine, fox: Path) -> None:
    load(engine, fox)
    most = worker_of(engine).rlimit(psutil.RLIMIT_DATA)[0]
    assert 0 < most <= psutil.virtual_memory().total + psutil.swap_memory().total


@pytest.mark.skipif(sys.platform != "linux", reason="a variable of the GNU C library")
def test_the_worker_asks_for_huge_pages_beside_what_the_person_set(
    engine: LocalEngine, fox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GLIBC_TUNABLES", "glibc.malloc.arena_max=2")
    load(engine, fox)
    told = Path(f"/proc/{worker_of(engine).pid}/environ").read_bytes()
    assert b"GLIBC_TUNABLES=glibc.malloc.arena_max=2" in told
    assert b"glibc.malloc.hugetlb=1" in told


@pytest.mark.skipif(sys.platform != "linux", reason="a variable of the GNU compilers' OpenMP")
def test_threads_that_wait_soon_sleep_unless_the_person_says_otherwise(
    engine: LocalEngine, fox: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    load(engine, fox)
    assert b"\0GOMP_SPINCOUNT=20000\0" in b"\0" + Path(f"/proc/{worker_of(engine).pid}/environ").read_bytes()
    engine.close()
    monkeypatch.setenv("GOMP_SPINCOUNT", "7")
    load(engine, fox)
    assert b"GOMP_SPINCOUNT=7" in Path(f"/proc/{worker_of(engine).pid}/environ").read_bytes()


def test_the_worker_leaves_when_its_parent_is_gone(endless: Path) -> None:
    """Its parent is killed in mid-answer, which gives it no chance to tidy up."""
    program = (
        "import sys; from pathlib import Path; from desktop.engine import *; from desktop.engine.local import LocalEngine\n"
        "engine = LocalEngine(); list(engine.load(LoadOptions(Path(sys.argv[1]))))\n"
        "for step in engine.chat([Message('user', 'Hello')], ChatOptions(max_tokens=10**9)):\n"
        "    if isinstance(step, Piece): print(engine._worker.pid, flush=True)\n"
    )
    home = Path(local.__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": str(home)}
    command = [sys.executable, "-c", program, str(endless)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as parent:
        assert parent.stdout is not None
        worker = psutil.Process(int(parent.stdout.readline()))
        parent.kill()
    _, alive = psutil.wait_procs([worker], timeout=5)
    assert alive == []


def test_the_worker_gives_way_to_other_programs(engine: LocalEngine, fox: Path) -> None:
    load(engine, fox)
    assert worker_of(engine).nice() > psutil.Process().nice()


def test_two_questions_at_once_are_answered_one_after_the_other(engine: LocalEngine, endless: Path) -> None:
    load(engine, endless)
    first = engine.chat(HELLO, ChatOptions())
    next(step for step in first if isinstance(step, Piece))
    second = engine.chat(HELLO, ChatOptions(max_tokens=1))
    assert next(second) == Reading(0, 0)  # waits, and can be cancelled meanwhile
    first.close()
    assert run(second)[1].text == "word0"


def test_the_report_is_asked_once(tmp_path: Path) -> None:
    report = local.report(tmp_path / "cache")
    assert report.name == "llama.cpp"
    assert report.version[0].isdigit()
    assert "CPU" in report.backends
    assert [device.kind for device in report.devices].count("cpu") == 1
    stored = tmp_path / "cache" / "engine.json"
    stored.write_text(stored.read_text().replace(report.version, "99"))
    assert local.report(tmp_path / "cache") == replace(report, version="99")
    stored.write_text("{")
    assert local.report(tmp_path / "cache") == report


def test_a_missing_engine_is_reported_and_told(
    engine: LocalEngine, fox: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A package of that name that cannot be imported stands before the real one, as a broken installation does."""
    package = tmp_path / "llama_cpp"
    package.mkdir()
    (package / "__init__.py").write_text("raise ImportError('libllama is gone')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    assert local.report(tmp_path / "cache").version == "broken"
    with pytest.raises(LoadFailed, match="install Alcove again"):
        load(engine, fox)


def test_a_bench_measures_and_leaves_no_trace(engine: LocalEngine, endless: Path) -> None:
    load(engine, endless, context=2048)
    before = ask(engine, max_tokens=2)
    said, benched = run(engine.bench(prompt_tokens=100, tokens=5, repeats=2, depth=50))
    fractions = [step.fraction for step in said]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert benched.prompt_tokens_per_s > benched.tokens_per_s > 0
    assert benched.first_token_s == pytest.approx(100 / benched.prompt_tokens_per_s)
    assert benched.threads >= 1
    assert benched.peak_bytes >= before.peak_bytes > 0
    again = ask(engine, max_tokens=2)
    assert (again.text, again.cached_tokens) == (before.text, 0)


def test_a_bench_of_a_model_that_cannot_go_back(engine: LocalEngine, folder: Path) -> None:
    """A recurrent state has no past: the tokens before are read again for each repeat. And its vocabulary spells nothing."""
    load(engine, shapes.recurrent(folder / "mamba.gguf"), chats=False)
    assert run(engine.bench(prompt_tokens=32, tokens=3, repeats=2, depth=32))[1].tokens_per_s > 0


def test_a_bench_beyond_the_context_is_told(engine: LocalEngine, fox: Path) -> None:
    load(engine, fox, context=512)
    with pytest.raises(ContextFull) as full:
        run(engine.bench(prompt_tokens=400, depth=200))
    assert full.value.facts == {"tokens": 600, "context": 512}


def test_a_bench_can_be_given_up(engine: LocalEngine, slow: Path) -> None:
    load(engine, slow)
    process = worker_of(engine)
    steps = engine.bench(prompt_tokens=2000)
    next(step for step in steps if step.fraction > 0)
    steps.close()
    assert ask(engine, max_tokens=2).text == "word0 word1"
    assert worker_of(engine) == process


def test_a_model_for_measuring_only_is_refused_when_it_is_asked(engine: LocalEngine, folder: Path) -> None:
    path = shapes.llama(folder / "mute.gguf")
    with pytest.raises(LoadFailed, match="spell"):
        load(engine, path)
    load(engine, path, chats=False)
    with pytest.raises(LoadFailed, match="spell"):
        ask(engine)


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a process cannot tell as much")
def test_what_a_model_holds_and_needed_at_most(engine: LocalEngine, slow: Path, fox: Path) -> None:
    assert engine.held_bytes() == {}
    large = load(engine, slow, context=16384)
    laid_out = large.memory[0].total_bytes
    held = engine.held_bytes()["CPU"]
    small = load(engine, fox, context=512)
    assert small.peak_bytes < large.peak_bytes  # of the model that is open, not of the process
    assert held > engine.held_bytes()["CPU"]
    assert large.peak_bytes > large.memory[0].weights_bytes
    mapped = load(engine, slow, context=16384, load_mode="mmap")
    assert mapped.memory[0].total_bytes == pytest.approx(laid_out, rel=0.01)
    assert engine.held_bytes()["CPU"] < held - large.memory[0].weights_bytes / 2
    engine.close()
    assert engine.held_bytes() == {}
