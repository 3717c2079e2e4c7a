"""Using the models of other programs where they lie: each is looked at, the same file is taken once, nothing is changed."""

import os
from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from desktop import digest, elsewhere, gguf
from desktop.elsewhere import Found, System, Unreadable
from desktop.errors import AlcoveError, NotAModel, NotFound, NotWritable
from desktop.judging import refuse_other_kinds
from desktop.library import Library, LocalModel, Provenance
from desktop.local import size_of

EMBEDS = "it turns text into numbers for other programs' searches, and cannot be talked with"
USED, SAME = "it is used here already, as", "it is the same file as"


@dataclass(frozen=True)
class Candidate:
    """A model of another program that can be used here."""

    found: Found
    size_bytes: int

    @property
    def name(self) -> str:
        return self.found.name or gguf.part_stem(self.found.path.name)


@dataclass(frozen=True)
class Skipped:
    """A file that is not taken, and why: `error`, or `twin`, the same file under another name, or it may not be read."""

    path: Path
    why: str
    error: AlcoveError | None = None
    twin: str = ""


@dataclass(frozen=True)
class Plan:
    """What can be taken and what cannot."""

    candidates: tuple[Candidate, ...] = ()
    skipped: tuple[Skipped, ...] = ()

    @property
    def size_bytes(self) -> int:
        return sum(candidate.size_bytes for candidate in self.candidates)


@dataclass(frozen=True)
class Looking:
    """How far it is: files seen so far, and the one that is looked at."""

    seen: int
    path: Path | None = None


def plan(library: Library, paths: Sequence[Path] = (), system: System | None = None) -> Generator[Looking, None, Plan]:
    """Look at what these files and folders hold, or at the folders of all programs that are known. Takes nothing yet.

    Raises NotFound for a path that is not there.
    """
    chosen = _Chosen(tuple(model for model in library.list() if model.origin != "guide"))  # a copy of it is somebody's choice
    seen = 0
    for found in _within(paths) if paths else elsewhere.find(system):
        yield Looking(seen, found.path if found else None)
        if isinstance(found, Unreadable):
            chosen.skipped.append(Skipped(found.path, "it may not be read; ask for the right to, or choose the folder yourself"))
        elif found is not None:
            seen += 1
            yield from chosen.consider(found, seen)
    return Plan(tuple(chosen.with_hashes()), tuple(chosen.skipped))


def adopt(library: Library, candidates: Iterable[Candidate]) -> Iterator[LocalModel | Skipped]:
    """Add models to the library where they lie, one by one. Raises NotWritable."""
    for candidate in candidates:
        found = candidate.found
        stem = f"ollama-{found.name.replace(':', '-').replace('/', '-')}" if found.program == "Ollama" else found.name
        known = Provenance(
            id=stem or None,
            name=found.name or None,
            program=found.program or None,
            repo=found.repo,
            file=found.file or found.name or None,
            revision=found.revision,
            sha256=found.sha256,
        )
        try:
            yield library.link(found.path, known)
        except NotWritable:
            raise
        except AlcoveError as error:  # it has gone or changed meanwhile
            yield Skipped(found.path, str(error), error)


def _within(paths: Sequence[Path]) -> Iterator[Found | Unreadable | None]:
    for given in paths:
        path = Path(os.path.expanduser(given)).absolute()
        if path.is_dir():
            yield from elsewhere.look_into(path)
        elif path.exists():
            yield Found(path)
        else:
            raise NotFound(what=f"file {path}", host="This computer")


@dataclass
class _Chosen:
    """What was decided so far. A file that is here under another name is known by its place on the disk, else by its hash."""

    here: tuple[LocalModel, ...]
    candidates: list[Candidate] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    _places: dict[Path, None] = field(default_factory=dict)
    _hashes: dict[Path, str] = field(default_factory=dict)

    def consider(self, found: Found, seen: int) -> Generator[Looking, None, None]:
        place = found.path.resolve()
        if place in self._places and not found.name:  # another name of one that was looked at, as caches have them
            return
        self._places[place] = None
        try:
            header = gguf.read_file(found.path)
            refuse_other_kinds(header, found.path.name)
            if header.get("pooling_type") is not None:
                raise NotAModel(path=found.path.name, why=EMBEDS)
        except AlcoveError as error:
            self.skipped.append(Skipped(found.path, str(error), error))
            return
        candidate = Candidate(found, size_of(gguf.parts(found.path)))
        twin = yield from self._twin(candidate, seen)
        if twin:
            words, name = twin
            self.skipped.append(Skipped(found.path, f"{words} {name}", twin=name))
        else:
            self.candidates.append(candidate)

    def _twin(self, candidate: Candidate, seen: int) -> Generator[Looking, None, tuple[str, str] | None]:
        """Under which name the same file is here or was found already, and the words before that; None where it is a new one."""
        found = candidate.found
        known = [(USED, model.id, model.path, model.sha256) for model in self.here if model.complete]
        known += [(SAME, str(each.found.path), each.found.path, each.found.sha256) for each in self.candidates]
        for words, name, path, sha256 in known:
            if size_of(gguf.parts(path)) != candidate.size_bytes or not path.exists():
                continue
            if path.samefile(found.path):
                return words, name
            if sha256 and found.sha256:
                if sha256 == found.sha256:
                    return words, name
            elif (yield from self._same(found, path, sha256, seen)):
                return words, name
        return None

    def _same(self, found: Found, path: Path, sha256: str | None, seen: int) -> Generator[Looking, None, bool]:
        """Whether two files of one size are the same, read no further than is needed to tell."""
        pairs = list(zip(gguf.parts(found.path), gguf.parts(path), strict=False))
        try:
            if any(digest.ends(one) != digest.ends(other) for one, other in pairs):
                return False
            for one, other in pairs:
                first = found.sha256 or (yield from self._hash(one, seen))
                if first != (sha256 or (yield from self._hash(other, seen))):
                    return False
        except OSError:  # what cannot be read is not known to be the same
            return False
        return True

    def with_hashes(self) -> Iterator[Candidate]:
        """The candidates with the hashes that were found out on the way."""
        for candidate in self.candidates:
            found = candidate.found
            sha256 = found.sha256 or (self._hashes.get(found.path) if len(gguf.parts(found.path)) == 1 else None)
            yield replace(candidate, found=replace(found, sha256=sha256))

    def _hash(self, path: Path, seen: int) -> Generator[Looking, None, str]:
        if path not in self._hashes:
            work = digest.sha256(path)
            try:
                while True:
                    next(work)
                    yield Looking(seen, path)
            except StopIteration as end:
                self._hashes[path] = end.value
        return self._hashes[path]
