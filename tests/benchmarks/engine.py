"""Ours beside llama.cpp's own tools, in one table:  python -m tests.benchmarks.engine [--tools DIR] [--repeats N] [SHAPE ...]

Models of the shapes 0.6B, 1B and 4B are made (tests/benchmarks/made.py) and asked through the whole engine: worker process, chat
template, sampling, streaming. llama-bench and llama-server, found in DIR or in the folder that LLAMA_TOOLS names, do the same in
turn with it; README says how to build them. Busy processes are Python's endless loops. Each program has a session of its own, as
programs of a desktop have. Leave the computer alone meanwhile; it takes 10 to 20 minutes, a third of that for 0.6B and 1B alone.
"""

import argparse
import json
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path

import psutil

from desktop.engine import ChatOptions, LoadOptions, Message, Piece, Reply
from desktop.engine.local import LocalEngine
from desktop.engine.threads import counts
from desktop.hardware import cpu
from tests.benchmarks import made
from tests.engine.test_local import run

CONTEXT = 8192
SHORT = 64  # letters of a short question: a letter is a token
WRITTEN = {"0.6B": 48, "1B": 32, "4B": 12}  # tokens
LONG = {"0.6B": 4000, "1B": 4000, "4B": 1000}  # tokens of a long conversation
COLLAPSED = 3  # tokens that are enough where there are more threads than free cores: each may take seconds
DEEP = 512  # tokens


@dataclass
class Row:
    """One line: what was measured, of ours and of theirs, in turn; `best` is how the ratio should be: "high" or "low"."""

    what: str
    unit: str
    ours: list[float] = field(default_factory=list)
    theirs: list[float] = field(default_factory=list)

    def cells(self) -> str:
        """The line of the table."""
        ours, theirs = _shown(self.ours, self.unit), _shown(self.theirs, self.unit)
        both = self.ours and self.theirs
        ratio = f"{statistics.median(self.ours) / statistics.median(self.theirs):.2f}×" if both else ""
        return f"| {self.what} | {ours} | {theirs} | {ratio} |"


def _shown(values: list[float], unit: str) -> str:
    if not values:
        return "–"
    low, middle, high = min(values), statistics.median(values), max(values)
    digits = 0 if unit == "MB" else 1 if unit == "tokens/s" else 3
    spread = f" ({low:.{digits}f}–{high:.{digits}f})" if high - low > 0.02 * middle else ""
    return f"{middle:.{digits}f} {unit}{spread}"


class Tools:
    """llama.cpp's own programs, in `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, path: Path, threads: int | None, tokens: int, depth: int = SHORT, nice: int = 0) -> tuple[int, float]:
        """How many threads llama-bench wrote with, and its tokens a second; None leaves the number to it."""
        command = [*("nice", "-n", str(nice)), str(self._folder / "llama-bench"), "-m", str(path), "-o", "json", "-r", "1"]
        command += ["-p", "0", "-n", str(tokens), "-d", str(depth), *(("-t", str(threads)) if threads else ())]
        done = subprocess.run(command, capture_output=True, text=True, check=True, start_new_session=True)
        found = json.loads(done.stdout)[0]
        return found["n_threads"], found["avg_ts"]

    @contextmanager
    def serve(self, path: Path) -> Iterator["Server"]:
        """A llama-server with this model, from its start until it is ended."""
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        command = [str(self._folder / "llama-server"), "-m", str(path), "-c", str(CONTEXT), "-np", "1", "--port", str(port)]
        started = time.perf_counter()
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        with subprocess.Popen(command, start_new_session=True, **quiet) as process:
            try:
                server = Server(port, process)
                while not server.ready():
                    if process.poll() is not None:
                        raise SystemExit(f"llama-server ended with status {process.returncode}")
                    time.sleep(0.005)
                server.load_s = time.perf_counter() - started
                yield server
            finally:
                process.kill()


class Server:
    """A running llama-server."""

    def __init__(self, port: int, process: "subprocess.Popen[bytes]") -> None:
        self._port, self._process = port, process
        self.load_s = 0.0

    def ready(self) -> bool:
        """Whether it would answer."""
        try:
            connection = HTTPConnection("127.0.0.1", self._port, timeout=5)
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except OSError:
            return False

    def first_token(self, messages: list[Message], tokens: int = 4) -> tuple[float, str]:
        """Seconds until the first token came, and the answer."""
        said = [{"role": message.role, "content": message.text} for message in messages]
        connection, first, text = HTTPConnection("127.0.0.1", self._port), 0.0, ""
        started = time.perf_counter()
        body = json.dumps({"messages": said, "stream": True, "max_tokens": tokens})
        connection.request("POST", "/v1/chat/completions", body, {"Content-Type": "application/json"})
        for line in connection.getresponse():
            if line.startswith(b"data: {") and (choices := json.loads(line[6:])["choices"]):
                piece = choices[0]["delta"].get("content")
                if piece:
                    first = first or time.perf_counter() - started
                    text += piece
        return first, text

    @property
    def peak_bytes(self) -> int:
        """The most main memory that it has had resident."""
        return int(Path(f"/proc/{self._process.pid}/status").read_text().partition("VmHWM:")[2].split()[0]) << 10


@contextmanager
def busy(count: int) -> Iterator[None]:
    """So many programs that keep a core each busy, or would."""
    with ExitStack() as ended:
        for _ in range(count):
            command = [sys.executable, "-S", "-c", "import os\nmine = os.getppid()\nwhile os.getppid() == mine: pass"]
            process = ended.enter_context(subprocess.Popen(command, start_new_session=True))
            ended.callback(process.kill)
        yield


def others_s() -> float:
    """Seconds that all cores have worked for programs that this benchmark did not start."""
    alive = [process.cpu_times() for process in psutil.Process().children()]
    return cpu.busy_s() - sum(os.times()[:4]) - sum(times.user + times.system for times in alive)


def ask(engine: LocalEngine, messages: list[Message], tokens: int, conversation: str = "") -> tuple[float, Reply]:
    """Seconds until the first piece of the answer came, and the answer."""
    options, first = ChatOptions(max_tokens=tokens, conversation=conversation), 0.0
    steps = engine.chat(messages, options)
    started = time.perf_counter()
    while True:
        try:
            step = next(steps)
        except StopIteration as end:
            run(engine.count(messages[:1], options))  # ends what it reads ahead, which would disturb the other program
            return first, end.value
        if isinstance(step, Piece) and step.text:
            first = first or time.perf_counter() - started


def question(number: int, length: int) -> Message:
    """A text of `length` letters that differs from others at once."""
    letters = "abcdefghijklmnopqrstuvwxyz"
    return Message("user", (letters[number % 26] + "x" * length)[:length])


def writing(name: str, options: LoadOptions, tools: Tools, repeats: int) -> Iterator[Row]:
    """Speed of writing beside other programs and after a long conversation, ours with all that belongs to a chat."""
    ladder, engine, path = counts(cpu.read(), None), LocalEngine(), options.path
    run(engine.load(options))
    for loops in (0, 1, 2):
        beside = ("idle", "beside one busy process", "beside two busy processes")[loops]
        theirs: dict[int, list[float]] = {}
        ours: list[float] = []
        with busy(loops):
            for number in range(repeats):
                for count in ladder.writing:
                    tokens = COLLAPSED if count > max(1, ladder.likely - loops) else WRITTEN[name]
                    theirs.setdefault(count, []).append(tools.write(path, count, tokens)[1])
                ours.append(ask(engine, [question(number, SHORT)], WRITTEN[name])[1].tokens_per_s)
            best = max(theirs, key=lambda count: statistics.median(theirs[count]))
            nice = psutil.Process(engine._worker.pid).nice() if engine._worker else 0
            niced = [tools.write(path, best, WRITTEN[name], nice=nice)[1] for _ in range(1 if loops else 0)]
            usual, first = tools.write(path, None, COLLAPSED if loops else WRITTEN[name])
        yield Row(f"writes, {beside}; llama-bench with its best number of threads, {best}", "tokens/s", ours, theirs[best])
        yield Row(f"— with the number it takes by itself, {usual}", "tokens/s", ours, [first, *theirs.get(usual, [])])
        if niced:
            yield Row(f"— with its best, as nice as ours ({nice})", "tokens/s", ours, niced)
    deep = Row(f"writes after {DEEP} tokens, idle; llama-bench with {ladder.likely} threads", "tokens/s")
    ask(engine, [question(0, DEEP)], 1)
    for _ in range(repeats):
        deep.theirs.append(tools.write(path, ladder.likely, WRITTEN[name], depth=DEEP)[1])
        deep.ours.append(ask(engine, [question(0, DEEP)], WRITTEN[name])[1].tokens_per_s)
    engine.close()
    yield deep


def reading(name: str, options: LoadOptions, tools: Tools, repeats: int) -> Iterator[Row]:
    """Loading, and seconds until a first token, of ours and of llama-server."""
    load = Row("load, from the start of the process, file in the system's cache", "s")
    for _ in range(repeats):
        with tools.serve(options.path) as server:
            load.theirs.append(server.load_s)
        engine, started = LocalEngine(), time.perf_counter()
        run(engine.load(options))
        load.ours.append(time.perf_counter() - started)
        engine.close()
    yield load
    short, cold = Row(f"first token of a question of {SHORT} tokens", "s"), Row(f"first token of {LONG[name]} tokens", "s")
    follow = Row(f"first token of a follow-up of {SHORT} tokens after {LONG[name]} tokens", "s")
    memory = Row("most memory of the process, after this conversation", "MB")
    talk = [question(0, LONG[name])]
    with tools.serve(options.path) as server:
        engine = LocalEngine()
        info = run(engine.load(options))[1]
        for number in range(2 * repeats):
            short.theirs.append(server.first_token([question(number, SHORT)])[0])
            short.ours.append(ask(engine, [question(number, SHORT)], 4)[0])
        seconds, text = server.first_token(talk)
        cold.theirs.append(seconds)
        seconds, reply = ask(engine, talk, 4, "long")
        cold.ours.append(seconds)
        theirs, ours = [*talk, Message("assistant", text)], [*talk, Message("assistant", reply.text)]
        for number in range(repeats):
            follow.theirs.append(server.first_token([*theirs, question(number, SHORT)])[0])
            seconds, reply = ask(engine, [*ours, question(number, SHORT)], 4, "long")
            follow.ours.append(seconds)
        memory.ours, memory.theirs = [reply.peak_bytes / 1e6], [server.peak_bytes / 1e6]
        run(engine.rest())
        engine.close()
    yield from (short, cold, follow)
    yield _reopened(options, [*ours, question(repeats, SHORT)], repeats, cold)
    yield memory
    laid_out = sum(device.total_bytes for device in info.memory) / 1e6
    yield Row("— beside weights, conversation memory and workspace", "MB", memory.ours, [laid_out])


def _reopened(options: LoadOptions, talk: list[Message], repeats: int, cold: Row) -> Row:
    """The same conversation gone on with in a new process, beside reading it afresh."""
    row = Row("first token when that conversation is opened again after a new start, beside ours cold", "s", [], list(cold.ours))
    for _ in range(repeats):
        engine = LocalEngine()
        run(engine.load(options))
        row.ours.append(ask(engine, talk, 4, "long")[0])
        engine.close()
    return row


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("shapes", nargs="*", choices=[*made.SHAPES, []], help="default: all three")
    asked.add_argument("--tools", type=Path, default=os.environ.get("LLAMA_TOOLS"), help="where llama-bench and llama-server are")
    asked.add_argument("--repeats", type=int, default=2, help="median of so many (2)")
    asked.add_argument("--only", choices=["writing", "reading"], help="half of the table")
    asked.add_argument("--folder", type=Path, default=Path(tempfile.gettempdir(), "alcove-shapes"), help="where models are kept")
    chosen = asked.parse_args()
    if chosen.tools is None or not (Path(chosen.tools) / "llama-bench").exists():
        asked.error("llama-bench was not found: name its folder with --tools or LLAMA_TOOLS")
    chosen.folder.mkdir(parents=True, exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # else what was started would go on
    started, others, tools = time.monotonic(), others_s(), Tools(Path(chosen.tools).resolve())
    processor = cpu.read()
    print(f"{processor.name}, {processor.physical_cores} cores, {time.strftime('%Y-%m-%d')}\n")
    print("| measured | ours | llama.cpp's own | ratio |\n|---|---|---|---|", flush=True)
    for name in chosen.shapes or made.SHAPES:
        path = made.write(name, chosen.folder / f"{name}.gguf")
        with tempfile.TemporaryDirectory() as states:
            options = LoadOptions(path, context=CONTEXT, states=Path(states))
            for part in (writing, reading):
                if chosen.only in (None, part.__name__):
                    for row in part(name, options, tools, chosen.repeats):
                        print(row.cells().replace("| ", f"| {name} ", 1), flush=True)
    spent = time.monotonic() - started
    print(f"\n{spent:.0f} s in all, in which other programs took {(others_s() - others) / spent:.2f} cores")


if __name__ == "__main__":
    main()
