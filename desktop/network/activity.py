"""The record of every request: when, to whom, what for, how much. In memory for the window, in a file for every session."""

import json
import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

import httpx2

from desktop import private
from desktop.replacing import refused

REMEMBERED = 500  # activities kept in memory
LOG_BYTES = 1_000_000  # the log file is turned over at this size; one older file is kept


@dataclass(frozen=True)
class Activity:
    """One request: when, to whom, what for, how much; `error` in plain words, `open` while it still runs."""

    time: datetime
    host: str
    purpose: str
    sent_bytes: int = 0
    received_bytes: int = 0
    status: int | None = None
    error: str | None = None
    open: bool = True


class Record:
    """Every request since the start, and in a file those of the sessions before. Safe to use from any thread."""

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._exchanges: deque[Exchange] = deque(maxlen=REMEMBERED)

    def begin(self, host: str, purpose: str) -> "Exchange":
        """A request that starts now."""
        exchange = Exchange(self, Activity(datetime.now(UTC), host, purpose))
        with self._lock:
            self._exchanges.append(exchange)
        return exchange

    @property
    def activity(self) -> tuple[Activity, ...]:
        """The latest requests, oldest first, those under way with their bytes so far."""
        with self._lock:
            return tuple(exchange.activity for exchange in self._exchanges)

    def lines(self) -> Iterator[str]:
        """What the file says of this session and those before, oldest first, a JSON object a line."""
        if self._path is None:
            return
        for path in (self._older(self._path), self._path):
            with suppress(FileNotFoundError), path.open(encoding="utf-8", errors="replace") as log:
                yield from (line.rstrip("\n") for line in log)

    def export(self, file: Path) -> int:
        """Copy those lines into a file; how many there are. Raises NotWritable."""
        lines = list(self.lines())
        try:
            file.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
        except OSError as error:
            raise refused(error, file) from error
        return len(lines)

    def keep(self, activity: Activity) -> None:
        """Write down one that has ended, as a JSON line. No path and no query of the address: both can hold secrets."""
        if self._path is None:
            return
        fields = {k: v for k, v in vars(activity).items() if k not in ("time", "open")}
        line = json.dumps({"time": activity.time.isoformat(timespec="milliseconds"), **fields}, ensure_ascii=False)
        # A full disk or a folder made read-only must not stop the request itself; the memory still has the record.
        with self._lock, suppress(OSError):
            self._path.parent.mkdir(parents=True, exist_ok=True)
            if self._path.exists() and self._path.stat().st_size + len(line) > LOG_BYTES:
                os.replace(self._path, self._older(self._path))
            with open(self._path, "a", encoding="utf-8", opener=private.opener) as log:
                log.write(line + "\n")

    @staticmethod
    def _older(path: Path) -> Path:
        return path.with_suffix(".old" + path.suffix)


class Exchange:
    """A request while it runs."""

    def __init__(self, record: Record, activity: Activity) -> None:
        self._record = record
        self._activity = activity
        self._received_bytes = 0  # counted here: of a large file some ten thousand pieces come

    @property
    def activity(self) -> Activity:
        """What is known of it by now."""
        return replace(self._activity, received_bytes=self._received_bytes)

    def received(self, count: int) -> None:
        """So many bytes more of its body."""
        self._received_bytes += count

    def answered(self, request: httpx2.Request, response: httpx2.Response) -> None:
        """The head of the answer is here."""
        sent = len(request.url.raw_path) + _length(request.headers) + int(request.headers.get("Content-Length", 0))
        self._activity = replace(self._activity, status=response.status_code, sent_bytes=sent)
        self._received_bytes = _length(response.headers)

    def end(self, error: str | None = None) -> None:
        """It is over; only the first word on it counts."""
        if self._activity.open:
            self._activity = replace(self._activity, open=False, error=error)
            self._record.keep(self.activity)


def _length(headers: httpx2.Headers) -> int:
    return sum(len(name) + len(value) + 4 for name, value in headers.raw)
