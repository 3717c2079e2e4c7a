"""The log: what the program did, without a word of what was said in it: `alcove.log` in the folder of logs, and three older ones.

ALCOVE_LOG is how much is told: error, warning, info (where nothing is said) or debug. Each line is a time in UTC, a level, the
number of the process, a part of the program, and a sentence. Libraries do not write here: nobody knows what they would quote.
"""

import logging
import os
import re
import time
import traceback
from contextlib import suppress
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path

from desktop import private
from desktop.errors import AlcoveError
from desktop.locks import lock
from desktop.redaction import Redaction, of_here

NAME = "alcove.log"
LOG_BYTES = 500_000  # of one file
OLDER = 3  # of them are kept
LEVELS = ("error", "warning", "info", "debug")
TELLING = ("host", "status", "code", "times", "kind")  # facts of errors, apart from numbers, that say nothing of a person

_ours = logging.getLogger("desktop")


def start(folder: Path) -> logging.Handler:
    """Write the log into this folder until `stop`. Never fails: without a place to write there is no log."""
    level = os.environ.get("ALCOVE_LOG", "").strip().lower()
    handler = _File(folder / NAME, of_here({"<alcove>": folder.parent}))
    handler.setLevel((level if level in LEVELS else "info").upper())
    _ours.addHandler(handler)
    _ours.setLevel(min(handler.level, _ours.level or handler.level))
    return handler


def stop(handler: logging.Handler) -> None:
    """Write no more into the file of this handler."""
    _ours.removeHandler(handler)
    handler.close()


def files(folder: Path) -> list[Path]:
    """The logs of a folder, the newest first."""
    named = [folder / NAME, *(folder / f"{NAME}.{number}" for number in range(1, OLDER + 1))]
    return [file for file in named if file.is_file()]


def told(error: AlcoveError) -> str:
    """A stated error for the log: its kind, and those of its facts that are figures or say who answered."""
    facts = ((name, value) for name, value in error.facts.items() if name in TELLING or isinstance(value, int | float))
    return " ".join([error.kind, *(f"{name}={value}" for name, value in facts)])


def trail(error: BaseException) -> str:
    """Where in the program an error happened, and what it came from. Its text is left out, for it may quote a message, and so are
    folders."""
    lines: list[str] = []
    seen: list[BaseException] = []
    now: BaseException | None = error
    while now is not None and now not in seen:
        seen.append(now)
        if lines:
            lines.append("caused by")
        frames = traceback.extract_tb(now.__traceback__)
        lines += [f"  {_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames]
        lines.append(type(now).__name__)
        now = now.__cause__ or (None if now.__suppress_context__ else now.__context__)
    return "\n".join(lines)


def _short(filename: str) -> str:
    """A file's path from its package on, without the person's folders."""
    parts = Path(filename).parts
    start = next((i for i, part in enumerate(parts) if re.fullmatch(r"desktop|site-packages|tests", part)), len(parts) - 1)
    return "/".join(parts[start:])


class _File(RotatingFileHandler):
    """Opens the file for each line and lets go of it: the window and commands write into the same one, and each may turn it over.

    Who turns it over holds a lock; whoever finds it taken writes on and leaves it to the other.
    """

    def __init__(self, path: Path, redaction: Redaction) -> None:
        super().__init__(path, maxBytes=LOG_BYTES, backupCount=OLDER, encoding="utf-8", errors="backslashreplace", delay=True)
        self.setFormatter(_Lines(redaction))

    def emit(self, record: logging.LogRecord) -> None:
        super().emit(record)
        self._let_go()

    def _open(self) -> TextIOWrapper:
        return open(self.baseFilename, "a", encoding=self.encoding, errors=self.errors, opener=private.opener)

    def doRollover(self) -> None:
        self._let_go()  # Windows renames no file that is open
        path = Path(self.baseFilename)
        with suppress(OSError), open(f"{path}.lock", "wb", opener=private.opener) as turning:
            if lock(turning) and path.stat().st_size > self.maxBytes // 2:  # else another process has just done it
                super().doRollover()

    def _let_go(self) -> None:
        stream, self.stream = self.stream, None  # opened again for the next line
        with suppress(OSError):
            if stream is not None:
                stream.close()

    def handleError(self, record: logging.LogRecord) -> None:
        """A full disk or a folder that may not be written is no reason to stop, or to speak of the log."""


class _Lines(logging.Formatter):
    converter = staticmethod(time.gmtime)

    def __init__(self, redaction: Redaction) -> None:
        super().__init__("%(asctime)s.%(msecs)03dZ %(levelname)s %(process)d %(name)s: %(message)s", "%Y-%m-%dT%H:%M:%S")
        self._redaction = redaction

    def format(self, record: logging.LogRecord) -> str:
        record.exc_text = None  # another handler may have put one there, with values
        try:
            return self._redaction.text(super().format(record))
        finally:
            record.exc_text = None

    def formatException(self, ei: "logging._SysExcInfoType") -> str:
        return trail(ei[1]) if ei[1] is not None else ""
