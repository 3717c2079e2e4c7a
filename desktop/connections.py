"""The connections that fetch one file: each asks for one stretch of it after the other and writes what comes to its place.

Stretches are given out in the order of the file, so that what can be hashed already is not far behind what has arrived. A thread
per connection; another one sees to it that what has arrived is safe on the disk before much more does.
"""

import threading
import time
from collections.abc import Callable
from contextlib import suppress

from desktop.errors import AlcoveError, Corrupt, ServerRefused, Unreachable
from desktop.network import Client, Response, refusal
from desktop.part import WEB_PAGE, Part
from desktop.spans import Spans

STRETCH = 64 << 20  # bytes asked for at once, at most: large enough that asking does not count ...
LEAST_STRETCH = 4 << 20  # ... and at least, which divides what is left at the end of a file
AHEAD = 1 << 30  # bytes beyond the first missing one: nobody fetches what lies further ahead ...
UNHASHED = 256 << 20  # ... or while so many bytes wait to be hashed, which goes on beside it and is slower than a fast network
UNSAFE, UNSAFE_S = 4 << 20, 1.0  # bytes per connection that a power cut may cost, and how long they stay so if there are fewer
WAIT_S = 0.2  # the longest time between two looks at whether it is time to stop
STALLED_S, STALLED_BYTES = 15.0, 4096  # a connection that brings less in that time is replaced by another


class Replaced(Exception):
    """The server has another edition of the file than the one that was begun."""


class Overrun(Exception):
    """The server has sent more bytes than the file was said to have."""


class NoRanges(Exception):
    """The server gives out the file as a whole only, or not the stretches that it is asked for."""


class Limit:
    """A limit to the rate of all downloads together; `bytes_per_s` 0 is none. May be changed at any time, from any thread."""

    def __init__(self, bytes_per_s: int = 0) -> None:
        self.bytes_per_s = bytes_per_s
        self._lock = threading.Lock()
        self._next_s = 0.0

    def wait_s(self, count: int) -> float:
        """Seconds to wait after so many bytes have come."""
        with self._lock:
            if not self.bytes_per_s:
                return 0.0
            now = time.monotonic()
            self._next_s = max(now, self._next_s) + count / self.bytes_per_s
            return self._next_s - now


class Connections:
    """Fetches what is missing of a part; without `ranges` over a single connection. `news` is set when one of them has ended."""

    def __init__(
        self, part: Part, client: Callable[[], Client], limit: Limit, hashed_bytes: Callable[[], int], *, ranges: bool = True
    ) -> None:
        self.part, self.limit, self.ranges = part, limit, ranges
        self.news = threading.Event()
        self.host = ""
        self.heard = False  # whether a server has answered at all
        self.changed = threading.Condition()  # something has arrived, was made safe, or is to stop
        self.stopped = False
        self.url = part.source.url  # or where that redirects to, for as long as it holds
        self._client, self._hashed_bytes, self._begun = client, hashed_bytes, part.frontier
        self._wanted = 1
        self._running: list[Connection] = []
        self._taken = Spans()
        self._unsafe = 0
        self._trouble: AlcoveError | None = None  # with making it safe
        self._keeper = threading.Thread(target=self._keep, name="transfer", daemon=True)
        self._keeper.start()

    @property
    def running(self) -> int:
        """How many connections are at work."""
        return len(self._running)

    def keep(self, wanted: int) -> None:
        """Have so many connections at work, as long as there is something to fetch for them."""
        self._wanted = wanted if self.ranges else 1
        while len(self._running) < self._wanted and self.part.free(self._taken):
            fresh = Connection(self, self._client())
            self._running.append(fresh)
            fresh.start()

    def ended(self) -> "list[Connection]":
        """Those that have come to an end since this was asked last, with their errors. Raises DiskFull and its like."""
        if self._trouble:
            raise self._trouble
        gone = [each for each in self._running if not each.is_alive()]
        self._running = [each for each in self._running if each not in gone]
        now = time.monotonic()
        for each in self._running:
            each.watch(now)
        return gone

    def close(self) -> None:
        """End all of them; nothing is written any more when this returns, and what has arrived is noted."""
        with self.changed:
            self.stopped = True
            self.changed.notify_all()
        for each in self._running:
            each.stop()
        until = time.monotonic() + 1  # longer only where one looks up a name or connects; it ends by itself then
        for each in self._running:
            each.join(timeout=max(0.0, until - time.monotonic()))
        self._running = []
        self._keeper.join()
        with suppress(AlcoveError):  # the last record stands then
            self.part.keep()

    # --- for its connections ----------------------------------------------------------------------------------------------------

    def take(self, asked: "Connection") -> tuple[int, int] | None:
        """The stretch that a connection fetches next; None when it is not needed any more."""
        with self.changed:
            while not self.stopped:
                free = self.part.free(self._taken)
                if free is None or self._running.index(asked) >= self._wanted:
                    return None
                unhashed = self.part.frontier - max(self._begun, self._hashed_bytes())  # what was there before can take its time
                if free[0] < self.part.frontier + AHEAD and unhashed < UNHASHED:
                    start, end = self._stretch(*free)
                    self._taken.add(start, end)
                    return start, end
                self.changed.wait(WAIT_S)
        return None

    def _stretch(self, start: int, end: int) -> tuple[int, int]:
        """As much of a gap as is asked for at once."""
        size_bytes = self.part.source.size_bytes
        if not self.ranges:
            return start, size_bytes
        left_bytes = size_bytes - self.part.done_bytes
        most = max(LEAST_STRETCH, min(STRETCH, left_bytes // (2 * self._wanted)))
        return (start, start + most) if end - start >= most + LEAST_STRETCH else (start, end)  # no scrap is left

    def give_back(self, start: int, end: int) -> None:
        """A stretch, fetched or not, is nobody's any more."""
        with self.changed:
            self._taken.remove(start, end)
            self.changed.notify_all()

    def arrived(self, count: int) -> None:
        """Bytes have been written; waits while too many of them are not yet safe."""
        with self.changed:
            self._unsafe += count
            if self._unsafe >= UNSAFE:
                self.changed.notify_all()
            while self._unsafe > UNSAFE * max(1, len(self._running)) and not self.stopped and not self._trouble:
                self.changed.wait(WAIT_S)

    def _keep(self) -> None:
        """Make safe what has arrived, again and again."""
        while True:
            with self.changed:
                due_s = time.monotonic() + UNSAFE_S
                while self._unsafe < (1 if time.monotonic() > due_s else UNSAFE) and not self.stopped:
                    self.changed.wait(WAIT_S)
                if self.stopped:
                    return
                counted = self._unsafe
            try:
                self.part.sync()
            except AlcoveError as error:
                self._trouble = error
            with self.changed:
                self._unsafe -= counted
                self.changed.notify_all()


class Connection(threading.Thread):
    """One connection at work; `error` is what ended it, if anything did."""

    def __init__(self, all: Connections, client: Client) -> None:
        super().__init__(name="transfer", daemon=True)
        self.error: BaseException | None = None
        self.host = ""
        self._all, self._client = all, client
        self._writing = threading.Lock()
        self._stopped = self._asking = False
        self._received = 0
        self.started = time.monotonic()
        self._looked = self.started, 0

    def run(self) -> None:
        """Fetch one stretch after the other."""
        try:
            with self._client:
                while stretch := self._all.take(self):
                    self._looked = time.monotonic(), self._received
                    self._asking = True
                    try:
                        self._fetch(*stretch)
                    finally:
                        self._asking = False
                        self._all.give_back(*stretch)
        except BaseException as error:  # whoever waits for the file raises it
            self.error = error
        self._all.news.set()

    def watch(self, now: float) -> None:
        """Hang up where next to nothing comes; the stretch is then asked for again."""
        since, received = self._looked
        if now - since < STALLED_S or not self._asking:
            return
        self._looked = now, self._received
        limit = self._all.limit.bytes_per_s
        if self._received - received < min(STALLED_BYTES, limit * STALLED_S / 16 if limit else STALLED_BYTES):
            self._client.abort()

    def stop(self) -> None:
        """End it, soon; it writes nothing any more when this returns."""
        self._client.abort()
        with self._writing:
            self._stopped = True

    def _fetch(self, start: int, end: int) -> None:
        whole, url = end == self._all.part.source.size_bytes, self._all.url
        headers = self._all.part.source.headers_to(url)
        if (start or not whole) and self._all.ranges:
            headers["Range"] = f"bytes={start}-" if whole else f"bytes={start}-{end - 1}"
            if (etag := self._all.part.etag) and not etag.startswith("W/"):
                headers["If-Range"] = etag
        with self._client.stream("GET", url, headers=headers) as response:
            self.host = self._all.host = response.url.host
            self._all.heard = True
            if response.status_code >= 400 and url != self._all.part.source.url:  # what was redirected to holds no longer
                self._all.url = self._all.part.source.url
                return
            at = self._judge(response, start, end)
            self._all.url = str(response.url)
            for piece in response.iter_raw():
                at = self._take(at, piece, start, end)
                if self._stopped:
                    return
            if at < end:
                raise Unreachable(host=self.host, why="the connection was cut")

    def _judge(self, response: Response, start: int, end: int) -> int:
        """Judge an answer before its first byte is taken; returns where in the file it begins."""
        part, source = self._all.part, self._all.part.source
        etag, status = response.headers.get("ETag", ""), response.status_code
        if "text/html" in response.headers.get("Content-Type", "") and status < 300:
            raise ServerRefused(host=self.host, status=status, why=WEB_PAGE)
        if status == 206:
            if response.headers.get("Content-Range") != f"bytes {start}-{end - 1}/{source.size_bytes}":
                raise NoRanges
        elif status == 200:
            length = response.headers.get("Content-Length")
            if length and int(length) != source.size_bytes:
                raise Corrupt(path=source.name, why=f"{self.host} sends {length} bytes where {source.size_bytes} were announced")
            if "Range" in response.request.headers:
                raise NoRanges
            start = 0
        elif status == 416:
            raise Replaced(self.host)
        else:
            raise refusal(response, what=f"file {source.name}", repo=source.repo or source.name, page=source.page)
        with self._all.changed:
            if part.etag is None:
                part.begin(etag)
            elif etag != part.etag or (status == 200 and not etag and part.done_bytes):
                raise Replaced(self.host)
        return start

    def _take(self, at: int, piece: bytes, start: int, end: int) -> int:
        """Write a piece that begins at `at`; returns where the next one begins."""
        after = at + len(piece)
        if after > end:
            if end < self._all.part.source.size_bytes:
                raise NoRanges
            raise Overrun(self.host)
        self._received += len(piece)
        fresh = memoryview(piece)[max(0, start - at) :]
        with self._writing:
            if fresh and not self._stopped:
                self._all.part.write(max(at, start), fresh)
        self._all.arrived(len(fresh))
        until = time.monotonic() + self._all.limit.wait_s(len(piece))
        while (left_s := until - time.monotonic()) > 0 and not self._stopped:
            time.sleep(min(WAIT_S, left_s))
        return after
