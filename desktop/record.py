"""Where a model's file lies, under a name that every system takes, and the small record beside it: where it came from."""

import hashlib
import os
import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from desktop.card import Card
from desktop.replacing import refused, replace

LINKED = "linked"  # the folder of records for files that lie elsewhere; no owner's folder is called so
LONGEST_BYTES = 120  # of one name in a path: ".part.json.new" follows it, and a path on Windows has 260 letters
DEEPEST = 3  # names in a file's own path

_SPLIT = re.compile(r"-\d{5}-of-\d{5}\.gguf$", re.IGNORECASE)
_UNSAFE = re.compile(
    r'[<>:"/\\|?*%\x00-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]'  # no letters, or unseen ones
    r"|^\.|[. ]$|^ "
    r"|^(?=(?:con|prn|aux|nul|conin\$|conout\$|(?:com|lpt)[\d¹²³])(?:\.|$|\s)).",  # devices of Windows
    re.IGNORECASE,
)


class Provenance(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The record of a file: where it came from. Times in ISO 8601, UTC.

    `whole_bytes`: of all parts together, where the file is one of several. `program`: whose it is, of a linked file.
    """

    repo: str | None = None
    revision: str | None = None
    file: str | None = None
    size_bytes: int = 0
    whole_bytes: int = 0
    sha256: str | None = None
    url: str | None = None
    licence: str | None = None
    base_models: tuple[str, ...] = ()
    cards: tuple[Card, ...] = ()  # of the repository, then of what the model was made from, as they were on the Hub
    reference: str | None = None
    fetched: str | None = None
    last_used: str | None = None
    path: str | None = None  # of a linked file
    program: str | None = None
    name: str | None = None  # of a linked file whose own says nothing
    private: bool = False  # the repository is shown to some only
    id: str | None = None  # kept, so that another file of the same name does not take it over


def place(folder: Path, repo: str, file: str) -> Path:
    """Where a file of a repository lies: OWNER/REPO/FILE.gguf, as near to that as the system's rules for names allow.

    No name, however odd, leads out of the folder; two that differ only in capitals, or in how an accent is written, get two
    places, for some systems would take them for one.
    """
    *folders, name = [part for part in file.split("/") if part] or ["model.gguf"]
    if len(folders) >= DEEPEST:
        folders = ["/".join(folders)]
    path = folder
    for number, part in enumerate([*(part for part in repo.split("/") if part), *folders, name]):
        safe_name = safe(part)
        if number == 0 and safe_name.lower() == LINKED:
            safe_name = f"%{ord(safe_name[0]):02X}{safe_name[1:]}"
        path /= _own(path, safe_name, part)
    return path


def safe(name: str) -> str:
    """One part of a path that every system takes and that is no path itself; unquote() gives a name of usual length back."""
    quoted = _UNSAFE.sub(lambda found: "".join(f"%{byte:02X}" for byte in found[0].encode("utf-8", "surrogatepass")), name)
    return quoted if len(quoted.encode()) <= LONGEST_BYTES else _marked(quoted, name)


def _own(folder: Path, safe_name: str, name: str) -> str:
    """The name in this folder that is no other one's: with a mark where another spelling of it is there."""
    marked = _marked(safe_name, name)
    with suppress(OSError):
        here = {_whole_name(each) for each in os.listdir(folder)}
        if marked in here:
            return marked
        if safe_name not in here and _folded(safe_name) in {_folded(each) for each in here}:
            return marked
    return safe_name


def _marked(safe_name: str, name: str) -> str:
    """A name with a mark of its own before its end; parts of one model keep a common beginning, as the engine asks for."""
    end = (_SPLIT.search(name) or re.search(r"\.gguf$", name, re.IGNORECASE) or re.search("$", name))[0]  # type: ignore[index]
    common = re.sub(r"-\d{5}(-of-\d{5}\.gguf)$", r"\1", name, flags=re.IGNORECASE)
    mark = "~" + hashlib.sha256(common.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    kept = safe_name[: len(safe_name) - len(end)] if safe_name.endswith(end) else safe_name
    room = LONGEST_BYTES - len(mark) - len(end)
    short = kept.encode()[:room].decode(errors="ignore")
    short = re.sub(r"%[0-9A-F]?$", "", short)  # no half of a quoted letter
    return f"{short}{mark}{end}"


def _whole_name(name: str) -> str:
    """The name of the model that a file of its belongs to."""
    return re.sub(r"(\.part)?(\.json)?(\.new)?$", "", name)


def _folded(name: str) -> str:
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", name).casefold())


def numbered(stem: str) -> Iterator[str]:
    """The stem, then with numbers: for the first that is free."""
    yield stem
    number = 2
    while True:
        yield f"{stem}-{number}"
        number += 1


def part_of(path: Path) -> Path:
    """Where a file's bytes lie while it is unfinished."""
    return path.with_name(path.name + ".part")


def whole_of(part: Path) -> Path:
    """What an unfinished file will be."""
    return part.with_name(part.name.removesuffix(".part"))


def beside(path: Path) -> Path:
    """Where the record of a file lies."""
    return path.with_name(path.name + ".json")


def now() -> str:
    """This moment, as records keep it."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def read(record: Path) -> Provenance:
    """A record, or an empty one where it is missing or broken."""
    try:
        return msgspec.json.decode(record.read_bytes(), type=Provenance)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return Provenance()


def write(record: Path, provenance: msgspec.Struct | dict[str, str]) -> None:
    """Replace a record in one step. Raises NotWritable."""
    try:
        record.parent.mkdir(parents=True, exist_ok=True)
        replace(record, msgspec.json.format(msgspec.json.encode(provenance)))
    except OSError as error:
        raise refused(error, record.parent) from error


def settle(folder: Path) -> None:
    """Make a rename survive a power cut, where the system can."""
    with suppress(OSError):  # Windows opens no folder
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def prune(folder: Path, root: Path) -> None:
    """Remove a folder and those around it up to the root, as far as they are empty."""
    with suppress(OSError):  # other files are in it
        while folder != root and folder.is_relative_to(root):
            folder.rmdir()
            folder = folder.parent
