"""One file from a server to the disk: resumed, retried, hashed while it streams, and stopped at once when closed."""

import queue
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from desktop.errors import AlcoveError, ServerRefused, Unreachable
from desktop.network import Client, Response
from desktop.part import TICK_S, Part, Source

WAIT_S = 0.2  # the longest time without a sign of life to whoever iterates
RATE_S = 5.0  # the rate is the average of these last seconds
QUEUED = 64  # chunks of at most 64 KB that wait to be written: 4 MB


@dataclass(frozen=True)
class Progress:
    """How far it is. `stage`: "check" (a part is hashed again), "download", "wait" (until the next try)."""

    done_bytes: int
    size_bytes: int
    bytes_per_s: float
    left_s: float | None
    resumed_bytes: int = 0
    stage: str = "download"


@dataclass(frozen=True)
class Retry:
    """How patient to be: tries in a row that bring nothing, and the waits between them, doubled each time."""

    tries: int = 6
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0
    longest_asked_s: float = 120.0  # a server that asks for a longer wait is reported instead


def download(
    source: Source, part_path: Path, client: Callable[[], Client], retry: Retry | None = None
) -> Generator[Progress, None, str]:
    """Fetch `source` into `part_path`; returns the SHA-256 of the whole file.

    Raises Offline, Unreachable, ServerRefused, Gated, NotFound, Corrupt (the part is deleted), NotGguf, DiskFull (it is kept),
    NotWritable, and Forbidden when another download of the same file is running.
    """
    retry = retry or Retry()
    with closing(Part(source, part_path)) as part:
        meter = _Meter(source.size_bytes)
        for _ in part.open():
            yield meter.progress(0, "wait")
        for _ in part.check():
            yield meter.progress(part.done_bytes, "check")
        meter.resumed_bytes = part.done_bytes
        failed, best = 0, part.done_bytes
        while part.done_bytes < source.size_bytes:
            try:
                yield from _receive(part, client, meter)
            except (Unreachable, ServerRefused) as error:
                failed = 1 if part.done_bytes > best else failed + 1
                best = max(best, part.done_bytes)
                wait_s = _patience(error, failed, retry, heard=part.heard)
                until = time.monotonic() + wait_s
                while (left_s := until - time.monotonic()) > 0:
                    yield meter.progress(part.done_bytes, "wait")
                    time.sleep(min(WAIT_S, left_s))
        yield meter.progress(part.done_bytes)
        return part.finish()


def _patience(error: AlcoveError, failed: int, retry: Retry, *, heard: bool) -> float:
    """Seconds to wait before the next try; raises `error` when there should be none."""
    status, asked = error.facts.get("status"), error.facts.get("wait_s")
    lasting = isinstance(status, int) and status not in (408, 429) and status < 500 and asked is None
    tries = retry.tries if heard else min(retry.tries, 3)  # nobody has answered yet: most likely there is no network
    if lasting or failed >= tries:
        raise error
    if isinstance(asked, float):
        if asked > retry.longest_asked_s:
            raise error
        return asked
    wait_s: float = min(retry.longest_wait_s, retry.first_wait_s * 2.0 ** (failed - 1))
    return wait_s * random.uniform(0.5, 1.5)


def _receive(part: Part, client: Callable[[], Client], meter: "_Meter") -> Iterator[Progress]:
    """One request: from where the part ends to the end of the file. Raises Unreachable when it ends earlier."""
    with closing(_Stream(client(), part.source.url, part.request_headers())) as stream:
        told = 0.0
        for item in stream.items():
            if isinstance(item, Response):
                part.begin(item)
            elif item:
                part.write(item)
                meter.add(len(item))
            if (now := time.monotonic()) - told >= TICK_S:
                told = now
                yield meter.progress(part.done_bytes)
    if part.done_bytes < part.source.size_bytes:
        raise Unreachable(host=part.host, why="the connection was cut")


class _Stream:
    """One request, read by a thread of its own, so that whoever waits for it can stop at any moment."""

    def __init__(self, client: Client, url: str, headers: dict[str, str]) -> None:
        self._client = client
        self._items: queue.Queue[Response | bytes | AlcoveError | None] = queue.Queue(QUEUED)
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._read, args=(url, headers), name="transfer", daemon=True)
        self._thread.start()

    def items(self) -> Iterator[Response | bytes]:
        """The response, then its body as it comes in; b"" whenever nothing came for WAIT_S."""
        while True:
            alive = self._thread.is_alive()
            try:
                item = self._items.get(timeout=WAIT_S)
            except queue.Empty:
                if not alive:
                    raise RuntimeError("the thread of a transfer ended without a word") from None
                yield b""
                continue
            chunks: list[bytes] = []
            while isinstance(item, bytes):  # all that is there already, in one piece
                chunks.append(item)
                try:
                    item = self._items.get_nowait()
                except queue.Empty:
                    break
            if chunks:
                yield b"".join(chunks)
            if isinstance(item, Response):
                yield item
            elif isinstance(item, AlcoveError):
                raise item
            elif item is None:
                return

    def close(self) -> None:
        self._stopped.set()
        self._client.abort()
        self._thread.join(timeout=1)  # longer only while it looks up a name or connects; it ends by itself then

    def _read(self, url: str, headers: dict[str, str]) -> None:
        try:
            with self._client, self._client.stream("GET", url, headers=headers) as response:
                self._put(response)
                for chunk in response.iter_raw():
                    self._put(chunk)
                    if self._stopped.is_set():
                        break
        except AlcoveError as error:
            self._put(error)
        else:
            self._put(None)

    def _put(self, item: Response | bytes | AlcoveError | None) -> None:
        while not self._stopped.is_set():
            try:
                return self._items.put(item, timeout=WAIT_S)
            except queue.Full:
                continue


class _Meter:
    """Bytes received against the clock."""

    def __init__(self, size_bytes: int) -> None:
        self.resumed_bytes = 0
        self._size_bytes = size_bytes
        self._received = 0
        self._seen: deque[tuple[float, int]] = deque()

    def add(self, count: int) -> None:
        self._received += count

    def progress(self, done_bytes: int, stage: str = "download") -> Progress:
        now, seen = time.monotonic(), self._seen
        if stage == "download":
            seen.append((now, self._received))
        while len(seen) > 1 and seen[0][0] < now - RATE_S:
            seen.popleft()
        elapsed_s = now - seen[0][0] if seen else 0.0
        rate = (self._received - seen[0][1]) / elapsed_s if elapsed_s else 0.0
        known = rate and elapsed_s > 1 and stage == "download"  # a first second says too little
        left_s = (self._size_bytes - done_bytes) / rate if known else None
        return Progress(done_bytes, self._size_bytes, rate, left_s, self.resumed_bytes, stage)
