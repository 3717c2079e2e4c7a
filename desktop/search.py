"""Searches on the Hub: what fits this computer first; kept for the same words again, and for times without a network."""

import hashlib
import os
import re
import time
from collections.abc import Generator, Iterable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Literal, TypeVar

import msgspec

from desktop import gguf, private
from desktop.cards import trace
from desktop.errors import NetworkError, NotFound
from desktop.hub import Hub, Sort
from desktop.repo import File, Repo

PAGE = 20  # repositories that are asked for at once
FRESH_S = 3600.0  # so long the same words are not asked for again
KEPT = 200  # answers on the disk
MORE_THAN_WEIGHTS = 1.15  # memory for a file's size: conversation memory and workspace on top, a rule of thumb
USUAL_BITS = 4.9
ROOM, TIGHT = 0.9, 1.05  # shares of the free memory, up to which it should fit and may fit
Guess = Literal["fits", "light", "tight", "too_big", "unknown"]
GUESSES: tuple[Guess, ...] = ("fits", "light", "tight", "unknown", "too_big")  # best first
T = TypeVar("T")


@dataclass(frozen=True)
class Found:
    """What a search found. `more`: there may be others. `old`: the Hub could not be asked, so this is of `asked_at`."""

    repos: tuple[Repo, ...]
    asked_at: datetime
    more: bool
    old: bool = False


class Search:
    """Asks a Hub, and keeps what it says in a folder. A repository is asked about once."""

    def __init__(self, hub: Hub, folder: Path) -> None:
        self._hub, self._folder = hub, folder
        self._found: dict[str, tuple[float, Found]] = {}
        self._repos: dict[str, Repo] = {}
        self._traced: set[str] = set()  # of these

    def find(self, words: str, limit: int = PAGE, sort: Sort = "downloads") -> Generator[None, None, Found]:
        """Repositories for these words. Raises the network's errors, where nothing was kept of an earlier day."""
        key = self._key("search", " ".join(words.lower().split()), sort, str(limit))
        when_s, known = self._found.get(key, (0.0, None))
        if known is not None and time.monotonic() - when_s < FRESH_S:
            return known
        yield
        try:
            repos = tuple(self._hub.search(words, limit, sort))
        except NetworkError:
            if (kept := self._load(key, Found)) is not None:
                return replace(kept, old=True)
            raise
        found = Found(repos, datetime.now(UTC), more=len(repos) >= limit)
        self._found[key] = (time.monotonic(), found)
        self._save(key, found)
        return found

    def repo(self, id: str) -> Generator[None, None, Repo]:
        """A repository with the sizes of its files. Raises as find(), NotFound and BadReference."""
        key = self._key("repository", id)
        if id not in self._repos:
            yield
            try:
                self._repos[id] = self._hub.repo(id)
            except NetworkError:
                if (kept := self._load(key, Repo)) is not None:
                    return kept
                raise
            self._save(key, self._repos[id])
        return self._repos[id]

    def page(self, id: str) -> Generator[None, None, Repo]:
        """The same with the cards of all that it was made from, which its licence depends on. Raises as repo()."""
        repo = yield from self.repo(id)
        if id in self._repos and id not in self._traced:
            self._repos[id] = repo = replace(repo, cards=(yield from trace(self._hub, repo.cards)))
            self._traced.add(id)
            self._save(self._key("repository", id), repo)
        return repo

    def kept(self, id: str) -> Repo | None:
        """What was heard of a repository last, on whichever day; asks nobody."""
        return self._repos.get(id) or self._load(self._key("repository", id), Repo)

    def _key(self, *parts: str) -> str:
        """The name of a file that does not tell what was searched for."""
        return hashlib.sha256("\n".join((self._hub.endpoint, *parts)).encode()).hexdigest()[:32]

    def _load(self, key: str, kind: type[T]) -> T | None:
        with suppress(OSError, msgspec.MsgspecError, UnicodeDecodeError):
            return msgspec.json.decode((self._folder / f"{key}.json").read_bytes(), type=kind)
        return None

    def _save(self, key: str, answer: object) -> None:
        path = self._folder / f"{key}.json"
        new = path.with_suffix(f".{os.getpid()}")
        with suppress(OSError):  # a full disk costs a second question, no more
            self._folder.mkdir(parents=True, exist_ok=True)
            private.write(new, msgspec.json.encode(answer))
            os.replace(new, path)
            for old in sorted(self._folder.iterdir(), key=lambda each: -each.stat().st_mtime_ns)[KEPT:]:
                old.unlink(missing_ok=True)


def models_of(repo: Repo) -> list[File]:
    """The files that stand for a model each: whole ones, and the first of those that come in parts."""
    return [f for f in repo.files if f.kind == "model" or (f.kind == "split" and (gguf.split_part(f.name) or (1, 1))[0] == 1)]


def size_bytes(repo: Repo, model: File) -> int:
    """What a model's files take, its parts and its eyes, as the Hub says, else by its number of weights and their bits.

    0: nobody knows.
    """
    if model.size_bytes:
        with suppress(NotFound):  # of a part; told when the model is asked for
            return sum(file.size_bytes for file in repo.set_of(model))
    return round(repo.weights * (bits_of(model) if model.quantization else 0) / 8)


def bits_of(file: File) -> float:
    """Bits a weight, by the file's name; the usual where it does not say."""
    return gguf.QUANTIZATIONS.get(re.sub("^UD-", "", file.quantization or ""), USUAL_BITS)


def needed_bytes(size: int) -> int:
    """Memory that a file of this size takes when it is a model that is open."""
    return round(size * MORE_THAN_WEIGHTS)


def guess(size: int, free_bytes: int) -> Guess:
    """Whether a file of this size should fit into so much free memory, by a rule of thumb."""
    if not size or not free_bytes:
        return "unknown"
    needed = needed_bytes(size)
    return "fits" if needed <= free_bytes * ROOM else "tight" if needed <= free_bytes * TIGHT else "too_big"


def judge(repo: Repo, free_bytes: int) -> Guess:
    """Whether a model of this repository should fit: in the usual size, or only in a "light" one."""
    models = models_of(repo)
    usual = usual_files(models, 1)
    if not usual:
        return "unknown"
    first = guess(size_bytes(repo, usual[0]), free_bytes)
    if first in ("tight", "too_big") and any(guess(size_bytes(repo, file), free_bytes) == "fits" for file in models):
        return "light"
    return first


def usual_files(models: Iterable[File], count: int) -> list[File]:
    """The sizes that most people want, the most usual first."""
    return sorted(models, key=lambda file: abs(bits_of(file) - USUAL_BITS))[:count]


def by_fit(repos: Iterable[Repo], free_bytes: int) -> list[Repo]:
    """What fits first; within that, the order as it is."""
    return sorted(repos, key=lambda repo: GUESSES.index(judge(repo, free_bytes)))
