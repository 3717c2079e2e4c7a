"""Where other programs keep their models on Linux, macOS and Windows, and how their folders are read. Nothing here writes.

`$NAME` is the environment's variable, and a folder with one that is not set is left out; `~` is the home folder.
"""

import json
import os
import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from desktop import gguf

BY_SYSTEM = {  # where programs keep settings, what they write, and what can be fetched again
    "linux": ("$XDG_CONFIG_HOME", "~/.config", "$XDG_DATA_HOME", "~/.local/share", "$XDG_CACHE_HOME", "~/.cache"),
    "darwin": ("~/Library/Application Support",) * 4 + ("~/Library/Caches", "~/.cache"),
    "win32": ("$APPDATA", "~/AppData/Roaming", "$LOCALAPPDATA", "~/AppData/Local", "$LOCALAPPDATA", "~/AppData/Local"),
}
SHA256 = re.compile(r"[0-9a-f]{64}")
MODEL_LAYER = "application/vnd.ollama.image.model"
SHORT_BYTES = 1_000_000  # longer settings and lists of layers are none


@dataclass(frozen=True)
class Program:
    """One program: its folders of models, and the files in which it notes another one.

    kind: "tree" (GGUF files in folders), "ollama" or "hub" (Hugging Face's cache). `noted` has a file, the key of the folder in
    it ("" where the file is nothing else), and what follows that folder. CONFIG, DATA and CACHE are those of the system.
    """

    name: str
    kind: str
    folders: tuple[str, ...]
    noted: tuple[tuple[str, str, str], ...] = ()


PROGRAMS = (
    Program(
        "LM Studio",
        "tree",
        ("~/.lmstudio/models", "~/.cache/lm-studio/models"),
        (
            ("~/.lmstudio-home-pointer", "", "models"),
            ("~/.lmstudio/settings.json", "downloadsFolder", ""),
            ("~/.cache/lm-studio/settings.json", "downloadsFolder", ""),
            ("CONFIG/LM Studio/settings.json", "downloadsFolder", ""),
        ),
    ),
    Program(
        "Ollama",
        "ollama",
        ("$OLLAMA_MODELS", "~/.ollama/models", "/usr/share/ollama/.ollama/models", "/var/lib/ollama/.ollama/models"),
    ),
    Program(
        "Jan",
        "tree",
        (
            *("DATA/Jan/data/models", "DATA/Jan/data/llamacpp/models"),
            *("CONFIG/Jan/data/models", "CONFIG/Jan/data/llamacpp/models", "~/jan/models", "~/cortexcpp/models"),
        ),
        (("CONFIG/Jan/settings.json", "data_folder", "models"), ("CONFIG/Jan/settings.json", "data_folder", "llamacpp/models")),
    ),
    Program(
        "GPT4All",
        "tree",
        ("DATA/nomic.ai/GPT4All", "~/.cache/gpt4all"),
        (("CONFIG/nomic.ai/GPT4All.ini", "modelPath", ""),),
    ),
    Program("llama.cpp", "tree", ("$LLAMA_CACHE", "CACHE/llama.cpp")),
    Program(
        "Hugging Face",
        "hub",
        (
            "$HF_HUB_CACHE",
            "$HUGGINGFACE_HUB_CACHE",
            "$HF_HOME/hub",
            "$XDG_CACHE_HOME/huggingface/hub",
            "~/.cache/huggingface/hub",
        ),
    ),
)


@dataclass(frozen=True)
class Found:
    """A GGUF of another program, or the first of several parts. `program` is "" for a file in a folder that was named."""

    path: Path
    program: str = ""
    name: str = ""
    sha256: str | None = None
    repo: str | None = None
    file: str | None = None
    revision: str | None = None


@dataclass(frozen=True)
class Unreadable:
    """A folder that may not be looked into."""

    path: Path
    program: str


@dataclass(frozen=True)
class System:
    """Whose folders are meant: the system's name as Python tells it, the home folder, the environment, the disk's beginning."""

    platform: str = sys.platform
    home: Path = field(default_factory=Path.home)
    environment: Mapping[str, str] = field(default_factory=lambda: os.environ)
    root: Path = Path("/")

    def expand(self, path: str) -> list[Path]:
        """The folders that an entry of the table means here; none, one, or two where a system has an older place as well."""
        kinds = BY_SYSTEM.get(self.platform, BY_SYSTEM["linux"])
        first, _, rest = path.partition("/")
        if first in ("CONFIG", "DATA", "CACHE"):
            start = ("CONFIG", "DATA", "CACHE").index(first) * 2
            return list(dict.fromkeys(found for kind in kinds[start : start + 2] for found in self.expand(f"{kind}/{rest}")))
        if first.startswith("$"):
            told = self.environment.get(first[1:])
            return [Path(told, rest)] if told else []
        if first == "~":
            return [self.home / rest]
        return [self.root / path.lstrip("/")] if path.startswith("/") and self.platform == "linux" else []


def find(system: System | None = None) -> Iterator[Found | Unreadable | None]:
    """Every GGUF in the folders of other programs; None as a sign of life. A file under two names is told twice."""
    system = system or System()
    for program in PROGRAMS:
        for folder in folders(program, system):
            yield None
            if folder.is_dir():
                yield from READERS[program.kind](folder, program.name)


def look_into(folder: Path) -> Iterator[Found | Unreadable | None]:
    """Every GGUF in a folder that was named, whichever program's it is."""
    if (folder / "manifests").is_dir() and (folder / "blobs").is_dir():
        yield from _ollama(folder, "Ollama")
    elif next(folder.glob("models--*"), None):
        yield from _hub(folder, "Hugging Face")
    else:
        yield from _tree(folder, "")


def folders(program: Program, system: System) -> list[Path]:
    """Where a program keeps models here, each folder once, whether it is there or not."""
    found = [path for entry in program.folders for path in system.expand(entry)]
    for file, key, rest in program.noted:
        for path in system.expand(file):
            if told := _noted(path, key):
                found.append(Path(told, rest))
    return list(dict.fromkeys(path for path in found if path.is_absolute()))


def _noted(path: Path, key: str) -> str:
    """The folder that a settings file names, or ""."""
    try:
        words = path.read_bytes()[:SHORT_BYTES].decode(errors="replace")
    except OSError:
        return ""
    if not key:
        return words.strip()
    if path.suffix == ".ini":
        found = re.search(rf"^{key}\s*=\s*(.+)$", words, re.MULTILINE)
        return found[1].strip() if found else ""
    with suppress(ValueError, RecursionError):
        settings = json.loads(words)
        if isinstance(settings, dict) and isinstance(settings.get(key), str):
            return str(settings[key])
    return ""


def _tree(folder: Path, program: str) -> Iterator[Found | Unreadable | None]:
    """GGUF files in folders; OWNER/REPO/FILE tells the repository, and a file called only "model" has its folder's name."""
    refused: list[Path] = []
    for here, below, names in os.walk(folder, onerror=lambda error: refused.append(Path(error.filename or folder))):
        yield None
        below.sort()
        for name in sorted(names):
            number = gguf.split_part(name)
            if not name.lower().endswith(".gguf") or (number and number[0] != 1):
                continue
            path = Path(here, name)
            places = path.relative_to(folder).parts
            if name.lower() == "model.gguf" and len(places) > 1:  # as Jan calls them
                yield Found(path, program, places[-2])
                continue
            repo = "/".join(places[-3:-1]) if len(places) >= 3 else None
            yield Found(path, program, repo=repo, file=name if repo else None)
    for path in refused:
        yield Unreadable(path, program)


def _ollama(folder: Path, program: str) -> Iterator[Found | Unreadable | None]:
    """Ollama's models: manifests/HOST/NAMESPACE/NAME/TAG lists layers; the one with the weights is a blob named by its hash."""
    for path in sorted((folder / "manifests").glob("*/*/*/*")):
        yield None
        try:
            words = path.read_bytes()[:SHORT_BYTES]
        except PermissionError:
            yield Unreadable(path, program)
            continue
        except OSError:
            continue
        host, namespace, name, tag = path.parts[-4:]
        label = f"{name}:{tag}" if namespace == "library" else f"{namespace}/{name}:{tag}"
        repo = f"{namespace}/{name}" if host in ("hf.co", "huggingface.co") else None
        for sha256 in _weights(words):
            for blob in (folder / "blobs" / f"sha256-{sha256}", folder / "blobs" / f"sha256:{sha256}"):
                if blob.is_file():
                    yield Found(blob, program, label, sha256, repo)


def _weights(manifest: bytes) -> list[str]:
    """The hashes of the layers that are weights."""
    try:
        layers = json.loads(manifest)["layers"]
        weights = [str(layer["digest"]).removeprefix("sha256:") for layer in layers if layer["mediaType"] == MODEL_LAYER]
    except (ValueError, TypeError, KeyError, RecursionError):
        return []
    return [sha256 for sha256 in weights if SHA256.fullmatch(sha256)]


def _hub(folder: Path, program: str) -> Iterator[Found | Unreadable | None]:
    """Hugging Face's cache: models--OWNER--REPO/snapshots/COMMIT/FILE, a link to a blob that its hash names."""
    for repo in sorted(folder.glob("models--*")):
        name = repo.name.removeprefix("models--").replace("--", "/", 1)
        for snapshot in sorted((repo / "snapshots").glob("*")):
            for found in _tree(snapshot, program):
                if not isinstance(found, Found):
                    yield found
                    continue
                blob = found.path.resolve().name
                sha256 = blob if SHA256.fullmatch(blob) and not gguf.split_part(found.path.name) else None
                file = found.path.relative_to(snapshot).as_posix()
                yield Found(found.path, program, "", sha256, name, file, snapshot.name)


READERS = {"tree": _tree, "ollama": _ollama, "hub": _hub}
