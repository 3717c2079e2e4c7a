"""Texts for logs and for support: without names of people and computers, without their folders, and without secrets."""

import getpass
import os
import re
import socket
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

# Names that tell nobody who it is, and words that a report is made of.
COMMON = frozenset(("root", "user", "admin", "administrator", "alcove", "model", "models", "system", "localhost", "home"))
LEAST = 2  # letters of a name; a single one is in every word
SECRETS = ("HF_TOKEN", "HUGGING_FACE_HUB_TOKEN", "HUGGINGFACEHUB_API_TOKEN")
SHAPES = (
    (r"(?<=//)[^/@\s\"']+@", "<login>@"),  # in front of a host
    (r"\bhf_[A-Za-z0-9]{4,}", "<token>"),
    (r"(?i)\b(bearer|basic)\s+[\w.~+/=-]{4,}", r"\1 <token>"),
    (r"[\w.+-]+@[\w-]+\.[\w.-]+", "<address>"),
    (r"(?i)([\\/]+(?:home|users)[\\/]+)(?!<)[^\\/\s\"':]+", r"\1<user>"),  # of someone else
)


@dataclass(frozen=True)
class Redaction:
    """What is taken out, as patterns with what stands in their place, in this order."""

    rules: tuple[tuple[re.Pattern[str], str], ...]

    def text(self, words: str) -> str:
        """A text without all that."""
        for pattern, instead in self.rules:
            words = pattern.sub(instead, words)
        return words

    def value(self, value: Any) -> Any:
        """The same of everything in a value as JSON knows them, keys included."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {self.text(str(key)): self.value(each) for key, each in value.items()}
        return [self.value(each) for each in value] if isinstance(value, list | tuple) else value


def of_here(folders: Mapping[str, Path] | None = None) -> Redaction:
    """For this person on this computer. `folders`: others that are not to be read, by what stands in their place."""
    named = {str(path): instead for instead, path in (folders or {}).items()}
    named[str(Path.home())] = "~"
    places = sorted(named.items(), key=lambda each: -len(each[0]))  # the longest first: one lies in another
    rules = [(_anywhere(spelling), instead) for path, instead in places if len(path) > 1 for spelling in _spellings(path)]
    rules += [(_anywhere(os.environ[name]), "<token>") for name in SECRETS if len(os.environ.get(name, "")) > 3]
    rules += [(re.compile(shape), instead) for shape, instead in SHAPES]
    names = {**dict.fromkeys(_computers(), "<computer>"), **dict.fromkeys(_people(), "<user>")}
    told = sorted((name for name in names if len(name) >= LEAST and name.lower() not in COMMON), key=len, reverse=True)
    return Redaction((*rules, *((_word(name), names[name]) for name in told)))


def _spellings(path: str) -> Iterator[str]:
    """A folder as it may be written: with the slashes of the system, of the web, and twice each in JSON."""
    slashed = path.replace("\\", "/")
    yield from dict.fromkeys((path, path.replace("\\", "\\\\"), slashed, quote(slashed, errors="surrogateescape")))


def _anywhere(words: str) -> re.Pattern[str]:
    return re.compile(re.escape(words), re.IGNORECASE if sys.platform == "win32" else 0)


def _word(name: str) -> re.Pattern[str]:
    """A name by itself, not within a word."""
    return re.compile(rf"(?<![^\W_]){re.escape(name)}(?![^\W_])", re.IGNORECASE)


def _people() -> Iterator[str]:
    """How the person is called on this computer."""
    yield from (os.environ.get(name, "") for name in ("USER", "USERNAME", "LOGNAME"))
    yield Path.home().name
    with suppress(OSError, KeyError, ImportError):
        yield getpass.getuser()
    if sys.platform != "win32":
        import pwd

        with suppress(KeyError):
            whole = pwd.getpwuid(os.getuid()).pw_gecos.partition(",")[0]
            yield from (whole, *(part for part in whole.split() if len(part) > LEAST))


def _computers() -> Iterator[str]:
    """How the computer is called, and the company's domain."""
    for name in (socket.gethostname(), os.environ.get("COMPUTERNAME", ""), os.environ.get("HOSTNAME", "")):
        yield from (name, name.partition(".")[0])
    yield from (os.environ.get(name, "") for name in ("USERDOMAIN", "USERDNSDOMAIN"))
