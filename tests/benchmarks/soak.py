"""Kills the engine's process again and again, at random moments and in random ways, and counts what was lost: nothing.

python -m tests.benchmarks.soak [KILLS] [SEED]
"""

import gc
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from desktop.app import App
from desktop.engine import ChatOptions, Loading, Piece, Reading, process
from desktop.errors import EngineCrashed, EngineHung
from tests.engine import models

MOMENTS = ("opening", "reading", "writing", "idle")
WAYS = [getattr(signal, way) for way in ("SIGKILL", "SIGABRT", "SIGSEGV", "SIGTERM", "SIGSTOP") if hasattr(signal, way)]
STILL_S = 0.6  # a stopped process counts as hung after so long, to save time
WARM = 5  # kills before memory and files are first counted: what is built once is there by then


@dataclass
class Count:
    """What came of it."""

    kills: dict[str, int] = field(default_factory=dict)  # by moment and way
    hung: int = 0
    unnoticed: int = 0  # killed between two messages, or before there was a process
    lost_questions: int = 0
    lost_text: int = 0  # characters that were shown and not kept
    not_answered: int = 0  # next messages without a whole answer
    zombies: int = 0
    left: int = 0  # processes after the end
    files: tuple[int, int] = (0, 0)  # open ones, before and after
    threads: tuple[int, int] = (0, 0)
    memory_bytes: tuple[int, int] = (0, 0)
    curve_bytes: list[int] = field(default_factory=list)
    seconds: float = 0.0


def soak(kills: int, seed: int, home: Path, warm: int = WARM) -> Count:
    """So many kills through the whole program but its window."""
    chance, count, started = random.Random(seed), Count(), time.monotonic()
    home.mkdir(parents=True, exist_ok=True)
    endless = models.write(home / "endless.gguf", models.WORDS, layers=4, hidden=512)
    brief = models.write(home / "brief.gguf", ["Here", " I", " am.", models.END])
    app = App.open(home / "home")
    before: tuple[int, int, int] = (0, 0, 0)
    try:
        app.computer.hardware()
        for number in range(kills + warm):
            if number == warm:
                before = _files(), psutil.Process().num_threads(), _memory()
            app.engine.crashes.forget(endless)  # which would refuse the fourth
            _kill_once(app, endless, brief, chance, count)
            count.zombies += sum(child.status() == psutil.STATUS_ZOMBIE for child in psutil.Process().children())
            if number % 20 == 0:
                count.curve_bytes.append(_memory())
        after = _files(), psutil.Process().num_threads(), _memory()
        count.files, count.threads, count.memory_bytes = zip(before, after, strict=True)
    finally:
        app.close()
    count.left = len(psutil.Process().children(recursive=True))
    count.seconds = time.monotonic() - started
    return count


def _kill_once(app: App, endless: Path, brief: Path, chance: random.Random, count: Count) -> None:
    """One question whose answer the engine does not survive, and one after it that is answered."""
    moment, way = chance.choice(MOMENTS), chance.choice(WAYS)
    conversation = app.conversations.create("soak", str(endless))
    question = f"{moment} " + "word " * chance.choice((1, 50, 300))
    if moment == "idle":
        _answer(app, conversation, brief, "Hello")
        _strike(app, way, moment, count)
    model, shown, struck = (brief, "", True) if moment == "idle" else (endless, "", False)
    try:
        for step in app.talking.turn(conversation, question, str(model), ChatOptions(max_tokens=200)):
            shown += step.text if isinstance(step, Piece) else ""
            if not struck and chance.random() < 0.3 and _reached(moment, step):
                _strike(app, way, _name(step), count)
                struck = True
        count.unnoticed += 1
    except EngineHung:
        count.hung += 1
    except EngineCrashed:
        pass
    _look(app, conversation, question, shown, count)
    count.not_answered += _answer(app, conversation, brief, "And now?") != "Here I am."


def _reached(moment: str, step: object) -> bool:
    """Whether it is time; what was missed by chance comes later."""
    return MOMENTS.index(_name(step)) >= MOMENTS.index(moment)


def _name(step: object) -> str:
    return "opening" if isinstance(step, Loading) else "reading" if isinstance(step, Reading) else "writing"


def _strike(app: App, way: signal.Signals, moment: str, count: Count) -> None:
    worker = app.engine._worker
    if worker is not None and worker.alive:
        os.kill(worker.pid, way)
    name = f"{moment} {way.name}"
    count.kills[name] = count.kills.get(name, 0) + 1


def _answer(app: App, conversation: int, model: Path, question: str) -> str:
    turn, text = app.talking.turn(conversation, question, str(model)), ""
    for step in turn:
        text += step.text if isinstance(step, Piece) else ""
    return text


def _look(app: App, conversation: int, question: str, shown: str, count: Count) -> None:
    """Whether the store has what was asked, and all that was shown."""
    kept = app.conversations.messages(conversation)
    count.lost_questions += question not in [message.text for message in kept if message.role == "user"]
    answer = kept[-1].text if kept[-1].role == "assistant" else ""
    count.lost_text += len(shown) if not answer.startswith(shown) else 0


def _memory() -> int:
    """Bytes that this process holds for itself, after the rubbish was thrown away."""
    gc.collect()
    held = psutil.Process().memory_info()
    return int(held.rss - getattr(held, "shared", 0))


def _files() -> int:
    own = psutil.Process()
    return int(own.num_fds() if hasattr(own, "num_fds") else own.num_handles())


@contextmanager
def quick_to_hang() -> Iterator[None]:
    """A worker that stands still counts as hung after a second."""
    usual, process.STILL_S = process.STILL_S, STILL_S
    try:
        yield
    finally:
        process.STILL_S = usual


def main(kills: int = 200, seed: int = 4) -> None:
    """Print what came of it."""
    with tempfile.TemporaryDirectory() as folder, quick_to_hang():
        count = soak(kills, seed, Path(folder))
    for moment in MOMENTS:
        ways = {key.split()[1]: times for key, times in sorted(count.kills.items()) if key.startswith(moment)}
        print(f"{moment:<9}{sum(ways.values()):>5} kills   {'  '.join(f'{way} {times}' for way, times in ways.items())}")
    rows = (
        ("in all", f"{sum(count.kills.values())} in {count.seconds:.0f} s ({WARM} of them to warm up)"),
        ("ended as hung", count.hung),
        ("nobody noticed", f"{count.unnoticed} (between two messages, or before there was a process)"),
        ("questions lost", count.lost_questions),
        ("text lost", f"{count.lost_text} characters that had been shown"),
        ("next message", f"{count.not_answered} not answered"),
        ("zombies", count.zombies),
        ("processes left", count.left),
        ("open files", "{} before, {} after".format(*count.files)),
        ("threads", "{} before, {} after".format(*count.threads)),
        ("memory", "{:.1f} MB before, {:.1f} MB after".format(*(size / 1e6 for size in count.memory_bytes))),
        ("  every 20 kills", " ".join(f"{size / 1e6:.1f}" for size in count.curve_bytes)),
    )
    for name, value in rows:
        print(f"{name:<18}{value}")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
