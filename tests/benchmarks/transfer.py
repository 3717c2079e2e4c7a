"""How fast a file arrives, beside curl and aria2c:  python -m tests.benchmarks.transfer [--size-mb 2048] [--repeats 3]

A server of its own process sends a file of random bytes with sendfile, in two ways: as fast as the loopback goes, and with 40 ms
of latency before each answer and 20 MB/s per connection. All write to the same folder, in turn; medians. Ours goes through the
network's door, hashes while it streams and makes safe what has come; curl and aria2c do neither. "sha256" is what hashing takes
alone, of time and of the processor: a verified file cannot be had sooner.
"""

import argparse
import hashlib
import os
import re
import resource
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from desktop.network import Network
from desktop.part import Source
from desktop.transfer import download

WAYS = {"loopback": (0.0, 0.0), "40 ms, 20 MB/s each": (0.04, 20e6)}
ASKED = re.compile(rb"(?i)\r\nrange: bytes=(\d+)-(\d*)")


def serve(path: Path, latency_s: float, bytes_per_s: float) -> None:
    """Serve one file until killed; prints the port."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as server:
        print(server.getsockname()[1], flush=True)
        while True:
            threading.Thread(target=_answer, args=(server.accept()[0], path, latency_s, bytes_per_s), daemon=True).start()


def _answer(connection: socket.socket, path: Path, latency_s: float, bytes_per_s: float) -> None:
    size, heard = path.stat().st_size, b""
    with connection, path.open("rb") as file:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        while piece := connection.recv(65536):
            heard += piece
            if b"\r\n\r\n" not in heard:
                continue
            asked, heard = ASKED.search(heard), b""
            start = int(asked[1]) if asked else 0
            end = min(int(asked[2] or size - 1), size - 1) if asked else size - 1
            time.sleep(latency_s)
            told = f'Content-Length: {end - start + 1}\r\nETag: "x"\r\nAccept-Ranges: bytes\r\n'
            told += f"Content-Range: bytes {start}-{end}/{size}\r\n" if asked else ""
            try:
                connection.sendall(f"HTTP/1.1 {206 if asked else 200} OK\r\n{told}\r\n".encode())
                began, sent = time.monotonic(), 0
                while start + sent <= end:
                    most = min(end - start - sent + 1, 1 << 18 if bytes_per_s else 1 << 20)
                    sent += os.sendfile(connection.fileno(), file.fileno(), start + sent, most)
                    if bytes_per_s:
                        time.sleep(max(0.0, began + sent / bytes_per_s - time.monotonic()))
            except OSError:
                return  # hung up


def measured(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the wall, and of the processor in this process's children."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    work()
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.perf_counter() - started, sum(after[:2]) - sum(before[:2])


def ours(url: str, folder: Path, size: int, sha256: str) -> None:
    """Download as the program does; this runs in a process of its own."""
    network = Network()
    for _ in download(Source(url, {}, size, sha256, "big.gguf"), folder / "big.gguf.part", lambda: network.client("benchmark")):
        pass


def hashed(path: Path) -> str:
    """The SHA-256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def compare(path: Path, folder: Path, way: str, repeats: int) -> None:
    """Print a line for each program."""
    size, sha256 = path.stat().st_size, hashed(path)
    me = [sys.executable, "-m", "tests.benchmarks.transfer"]
    served = [*me, "--serve", str(path), *map(str, WAYS[way])]
    with subprocess.Popen(served, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        url = f"http://127.0.0.1:{int(server.stdout.readline())}/big.gguf"
        programs = {
            "ours": [*me, "--get", url, str(folder), str(size), sha256],
            "curl": ["curl", "-s", "-o", str(folder / "curl"), url],
            "aria2c -x8": ["aria2c", "-q", "-x8", "--allow-overwrite", "-d", str(folder), "-o", "aria2", url],
            "aria2c -x8 -s8": ["aria2c", "-q", "-x8", "-s8", "--allow-overwrite", "-d", str(folder), "-o", "aria2", url],
            "sha256": [*me, "--hash", str(path)],
        }
        found: dict[str, list[tuple[float, float]]] = {name: [] for name in programs if shutil.which(programs[name][0])}
        for _ in range(repeats):
            for name, results in found.items():
                shutil.rmtree(folder, ignore_errors=True)
                folder.mkdir()
                os.sync()
                results.append(measured(lambda name=name: subprocess.run(programs[name], check=True)))  # type: ignore[misc]
        server.kill()
    middle = {name: tuple(map(statistics.median, zip(*each, strict=True))) for name, each in found.items()}
    for name, (wall_s, cpu_s) in middle.items():
        beside = f"{wall_s / middle['ours'][0]:.2f}× our time" if name != "ours" else ""
        print(
            f"{way:22} {name:15} {size / wall_s / 1e6:7.0f} MB/s {wall_s:7.2f} s {cpu_s:7.2f} s of a processor  {beside}",
            flush=True,
        )
    ours_s, hash_s, curl_s = (middle[name][1] for name in ("ours", "sha256", "curl"))
    print(f"{way:22} processor: {ours_s / (curl_s + hash_s):.2f}× curl and the hash together,", end=" ")
    print(f"{(ours_s - hash_s) / curl_s:.2f}× curl for what is not the hash", flush=True)


def main() -> None:
    """Print the table."""
    asked = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    asked.add_argument("--size-mb", type=int, default=2048)
    asked.add_argument("--repeats", type=int, default=3)
    asked.add_argument("--way", choices=[*WAYS], help="only one of the servers")
    for hidden, count in (("--serve", 3), ("--get", 4), ("--hash", 1)):
        asked.add_argument(hidden, nargs=count, help=argparse.SUPPRESS)
    chosen = asked.parse_args()
    if chosen.serve:
        serve(Path(chosen.serve[0]), float(chosen.serve[1]), float(chosen.serve[2]))
    elif chosen.get:
        ours(chosen.get[0], Path(chosen.get[1]), int(chosen.get[2]), chosen.get[3])
    elif chosen.hash:
        hashed(Path(chosen.hash[0]))
    else:
        with tempfile.TemporaryDirectory() as place:
            big = Path(place, "big.gguf")
            with big.open("wb") as file:
                file.write(b"GGUF" + os.urandom((1 << 20) - 4))
                for _ in range(chosen.size_mb - 1):
                    file.write(os.urandom(1 << 20))
            for way in [chosen.way] if chosen.way else WAYS:
                compare(big, Path(place, "got"), way, chosen.repeats)


if __name__ == "__main__":
    main()
