"""How long a model takes to open, beside llama-server:  python -m tests.benchmarks.load TOOLS MODEL.gguf ...

TOOLS is the folder with llama-server. Ours is from the call, which starts the worker's process, to the open model; theirs from
the start of the process to its word that it is ready. The files are in the system's cache. Each pair does the same: read into
memory and repacked for the processor, or mapped and left as it is, without warming up; the last line is llama-server as it comes,
which maps the file, keeps a repacked copy beside it, and warms up. In turn, medians of RUNS.
"""

import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path

import psutil

from desktop.engine import LoadOptions
from desktop.engine.loading import read_once
from desktop.engine.local import LocalEngine
from tests.engine.test_local import run

RUNS = 5
CONTEXT = 4096
LOOK_S = 0.002  # how often it is asked whether it is ready
READ = ("--load-mode", "none", "--no-warmup")
MAPPED = ("--load-mode", "mmap", "--no-repack", "--no-warmup")


def opened_s(path: Path, load_mode: str) -> float:
    """Seconds that ours takes, with a new process."""
    engine = LocalEngine()
    started = time.perf_counter()
    try:
        run(engine.load(LoadOptions(path, context=CONTEXT, load_mode=load_mode, chats=False)))
        return time.perf_counter() - started
    finally:
        engine.close()


def served_s(server: Path, path: Path, *options: str) -> float:
    """Seconds until llama-server is ready."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [str(server), "-m", str(path), "-c", str(CONTEXT), "-np", "1", "--port", str(port), *options]
    started = time.perf_counter()
    with psutil.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            while not _is_ready(port):
                time.sleep(LOOK_S)
            return time.perf_counter() - started
        finally:
            process.kill()


def _is_ready(port: int) -> bool:
    connection = HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


def pairs(server: Path, path: Path, runs: int = RUNS) -> Iterator[tuple[str, list[float], list[float]]]:
    """What was done, and the seconds that ours and theirs took."""
    for _ in read_once(path):
        pass
    for what, mode, options in (("read", "read", READ), ("mapped", "mmap", MAPPED), ("as it comes", "read", ())):
        seconds = [(opened_s(path, mode), served_s(server, path, *options)) for _ in range(runs)]
        yield what, [ours for ours, _ in seconds], [theirs for _, theirs in seconds]


def main() -> None:
    """A line for each model and way."""
    server = Path(sys.argv[1]) / "llama-server"
    print(f"{'model':24} {'':12} {'ours':>8} {'theirs':>8}   ratio")
    for path in map(Path, sys.argv[2:]):
        for what, ours, theirs in pairs(server, path):
            middle = statistics.median(ours), statistics.median(theirs)
            print(f"{path.stem:24} {what:12} {middle[0]:6.2f} s {middle[1]:6.2f} s {middle[0] / middle[1]:6.2f}×", flush=True)


if __name__ == "__main__":
    main()
