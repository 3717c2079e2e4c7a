"""One file from a server to the disk: over several connections, resumed, retried, hashed while it streams; stopped by closing."""

import hashlib
import random
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from desktop.connections import Connections, Limit, NoRanges, Overrun, Replaced
from desktop.errors import AlcoveError, Corrupt, ServerRefused, Unreachable
from desktop.network import Client
from desktop.part import OTHER_PART, TICK_S, Part, Source

RATE_S = 5.0  # the rate is the average of these last seconds
MOST_CONNECTIONS = 8
TRIAL_S = 0.4  # a number of connections is tried for so long ...
HELPS = 1.15  # ... and must be so many times as fast as half of it
AGAIN_S = 30.0  # after which more are tried again
HASH_BYTES = 1 << 20  # at once: what the processor's caches hold
LOOK_S = 0.02  # between two looks at whether there is more to hash


@dataclass(frozen=True)
class Progress:
    """How far it is. `stage`: "download", "wait" (until the next try), "check" (all is here and is still being hashed, as far as
    `done_bytes`), "mend" (what came was damaged and comes again); others have "ask" (the Hub) and "queue" (until its turn)."""

    done_bytes: int
    size_bytes: int
    bytes_per_s: float
    left_s: float | None
    resumed_bytes: int = 0
    stage: str = "download"
    connections: int = 0
    file: int = 1  # which of how many files, where the bytes are those of all together
    files: int = 1


@dataclass(frozen=True)
class Retry:
    """How patient to be: tries in a row that bring nothing, and the waits between them, doubled each time."""

    tries: int = 6
    first_wait_s: float = 0.5
    longest_wait_s: float = 30.0
    longest_asked_s: float = 120.0  # a server that asks for a longer wait is reported instead


def download(
    source: Source,
    part_path: Path,
    client: Callable[[], Client],
    retry: Retry | None = None,
    limit: Limit | None = None,
) -> Generator[Progress, None, str]:
    """Fetch `source` into `part_path`; returns the SHA-256 of the whole file.

    Raises Offline, Unreachable, ServerRefused, Gated, NotFound, Corrupt (the part is deleted), NotGguf, DiskFull (it is kept),
    NotWritable, and Forbidden when another download of the same file is running.
    """
    with closing(Part(source, part_path)) as part:
        meter = _Meter(part)
        for _ in part.open():
            yield meter.progress("wait")
        part.load()
        meter.resumed_bytes = part.done_bytes
        found: list[str] = []
        while True:
            try:
                found.append((yield from _fetch(part, client, retry or Retry(), limit or Limit(), meter)))
            except Overrun as overrun:
                part.discard()
                raise Corrupt(path=source.name, why=f"{overrun} sent more bytes than were announced; get it again") from overrun
            if source.sha256 in (None, found[-1]):
                part.sync()
                return found[-1]
            if len(found) > 1:
                part.discard()
                raise Corrupt(path=source.name, why=_twice_wrong(found, str(source.sha256)))
            part.doubt()
            meter.mends = True


def _twice_wrong(found: list[str], wanted: str) -> str:
    """Why a file is not kept that came twice."""
    where = "both times, so its server has another file than it says" if found[0] == found[1] else "each time another one"
    return f"its SHA-256 is {found[-1][:12]}… instead of {wanted[:12]}…, {where}; nothing was kept"


def _fetch(
    part: Part, client: Callable[[], Client], retry: Retry, limit: Limit, meter: "_Meter"
) -> Generator[Progress, None, str]:
    """Fetch what is missing while what is there is hashed; returns the SHA-256."""
    tries, count, ranges = _Tries(retry), _Count(), True
    while True:
        try:
            with closing(_Hash(part)) as hashed:
                while part.done_bytes < part.source.size_bytes:
                    with closing(Connections(part, client, limit, lambda: hashed.bytes, ranges=ranges)) as connections:
                        try:
                            yield from _arrive(connections, tries, count, meter)
                        except NoRanges:
                            if not ranges:
                                raise ServerRefused(host=connections.host, status=206, why=OTHER_PART) from None
                            ranges = False
                while not hashed.done.wait(TICK_S):
                    yield meter.progress("check", hashed.bytes)
                yield meter.progress()
                return hashed.sha256()
        except Replaced as replaced:
            tries.wait_s(Unreachable(host=str(replaced), why="the file was replaced there while it was being fetched"), part)
            part.restart()


def _arrive(connections: Connections, tries: "_Tries", count: "_Count", meter: "_Meter") -> Iterator[Progress]:
    """Keep connections at work until all is here. Raises what cannot be mended by asking again, Replaced and NoRanges."""
    part, not_before = connections.part, 0.0
    while part.done_bytes < part.source.size_bytes:
        now = time.monotonic()
        for gone in connections.ended():
            if not isinstance(gone.error, Unreachable | ServerRefused):
                if gone.error:
                    raise gone.error
            elif gone.started >= not_before:  # else it is the same trouble once more
                not_before = now + tries.wait_s(gone.error, part, heard=connections.heard)
                if gone.error.facts.get("status") in (429, 503):
                    count.fewer(now)
        if now >= not_before:
            connections.keep(count.wanted(now, part.written_bytes))
        meter.connections = connections.running
        yield meter.progress("download" if connections.running else "wait")
        connections.news.wait(TICK_S)
        connections.news.clear()


class _Tries:
    """How often in a row something went wrong without a byte in between."""

    def __init__(self, retry: Retry) -> None:
        self._retry = retry
        self._failed = self._best = 0

    def wait_s(self, error: AlcoveError, part: Part, *, heard: bool = True) -> float:
        """Seconds to wait before the next try; raises `error` when there should be none."""
        done_bytes, retry = part.done_bytes, self._retry
        self._failed = 1 if done_bytes > self._best else self._failed + 1
        self._best = max(self._best, done_bytes)
        status, asked = error.facts.get("status"), error.facts.get("wait_s")
        lasting = isinstance(status, int) and status not in (408, 429) and status < 500 and asked is None
        tries = retry.tries if heard else min(retry.tries, 3)  # nobody has answered yet: most likely there is no network
        if lasting or self._failed >= tries:
            raise error
        if isinstance(asked, float):
            if asked > retry.longest_asked_s:
                raise error
            return asked
        wait_s: float = min(retry.longest_wait_s, retry.first_wait_s * 2.0 ** (self._failed - 1))
        return wait_s * random.uniform(0.5, 1.5)


class _Count:
    """How many connections help: twice as many are tried as long as that is faster, and again after a while."""

    def __init__(self) -> None:
        self._wanted, self._most = 1, MOST_CONNECTIONS
        self._since: float | None = None
        self._received = 0
        self._slower = 0.0  # bytes per second with half as many
        self._trying, self._again = True, 0.0

    def wanted(self, now: float, received_bytes: int) -> int:
        """How many should be at work now that so much has come over all of them."""
        if self._since is None:  # from the first byte on
            self._since, self._received = now if received_bytes else None, received_bytes
        elif now - self._since >= TRIAL_S:
            rate = (received_bytes - self._received) / (now - self._since)
            self._since, self._received = now, received_bytes
            self._judge(now, rate)
        return self._wanted

    def fewer(self, now: float) -> None:
        """A server has said that these are too many."""
        self._wanted = self._most = max(1, self._wanted // 2)
        self._trying, self._again = False, now + AGAIN_S

    def _judge(self, now: float, rate: float) -> None:
        if self._trying and rate < HELPS * self._slower:
            self._wanted //= 2
            self._trying, self._again = False, now + AGAIN_S
        elif now >= self._again:
            self._trying, self._slower = self._wanted < self._most, rate
            self._wanted = min(self._most, 2 * self._wanted)


class _Hash:
    """The SHA-256 of a part, computed as far as it has arrived without a gap by a thread of its own; `bytes` are those."""

    def __init__(self, part: Part) -> None:
        self.bytes = 0
        self.done = threading.Event()
        self._part, self._hash = part, hashlib.sha256()
        self._error: BaseException | None = None
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._run, name="transfer", daemon=True)
        self._thread.start()

    def sha256(self) -> str:
        """The hash, when `done`. Raises what kept it from being computed."""
        if self._error:
            raise self._error
        return self._hash.hexdigest()

    def close(self) -> None:
        """Stop, wherever it is."""
        self._stopped.set()
        self._thread.join()

    def _run(self) -> None:
        room = memoryview(bytearray(HASH_BYTES))
        try:
            while self.bytes < self._part.source.size_bytes and not self._stopped.is_set():
                ready = self._part.frontier - self.bytes
                if ready <= 0:
                    self._stopped.wait(LOOK_S)
                elif count := self._part.read(self.bytes, room[: min(ready, HASH_BYTES)]):
                    self._hash.update(room[:count])
                    self.bytes += count
                else:
                    raise Corrupt(path=self._part.source.name, why="its unfinished file was changed meanwhile; get it again")
        except BaseException as error:  # raised by sha256()
            self._error = error
        finally:
            self.done.set()


class _Meter:
    """Bytes received against the clock."""

    def __init__(self, part: Part) -> None:
        self.resumed_bytes = self.connections = 0
        self.mends = False
        self._part = part
        self._seen: deque[tuple[float, int]] = deque()

    def progress(self, stage: str = "download", checked_bytes: int | None = None) -> Progress:
        now, seen, size_bytes = time.monotonic(), self._seen, self._part.source.size_bytes
        done_bytes = self._part.done_bytes
        if stage == "download":
            seen.append((now, self._part.written_bytes))
        while len(seen) > 1 and seen[0][0] < now - RATE_S:
            seen.popleft()
        elapsed_s = now - seen[0][0] if seen else 0.0
        rate = (seen[-1][1] - seen[0][1]) / elapsed_s if elapsed_s else 0.0
        known = rate and elapsed_s > 1 and stage == "download"  # a first second says too little
        left_s = (size_bytes - done_bytes) / rate if known else None
        told = "mend" if self.mends and stage == "download" else stage
        shown = done_bytes if checked_bytes is None else checked_bytes
        return Progress(shown, size_bytes, rate, left_s, self.resumed_bytes, told, self.connections)
