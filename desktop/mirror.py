"""The list of a bundle: a folder of models that any plain web server can hand out in place of the Hub (see bundle.py).

alcove-bundle.json                 this list
OWNER/REPO/FILE.gguf               the files, by the names that the list gives
licences/ID.txt                    the texts of their licences
OWNER/REPO/LICENCE/                the same and what else has to go along, for people (see passing.py)
"""

import re
from pathlib import Path, PurePosixPath
from typing import Annotated, Any
from urllib.parse import quote

import msgspec

from desktop.card import Card
from desktop.errors import Corrupt, NotFound

NAME = "alcove-bundle.json"
FORMAT = 1

Sha256 = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
Bytes = Annotated[int, msgspec.Meta(ge=0)]
RepoName = Annotated[str, msgspec.Meta(pattern=r"^[\w-][\w.-]*/[\w-][\w.-]*$", max_length=200)]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One file: its name in its repository, and where it lies in the folder."""

    name: str
    path: str
    size_bytes: Bytes
    sha256: Sha256


class Model(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One model: its files, the first of which is named to open it, and what its maker says of the licence."""

    repo: RepoName
    reference: str  # what names it: qwen3-8b:Q5_K_M, or hf:OWNER/REPO/FILE.gguf
    files: Annotated[tuple[Entry, ...], msgspec.Meta(min_length=1)]
    revision: str = "main"
    licence: str | None = None  # as the maker's page tells it
    licence_id: str | None = None  # what decides, by licences/
    licence_checked: str = ""  # who vouches for its being passed on, where Alcove could not tell
    base_models: tuple[str, ...] = ()
    cards: tuple[Card, ...] = ()  # the maker's page, and those of what the model was made from
    fetched: str = ""

    @property
    def size_bytes(self) -> int:
        return sum(entry.size_bytes for entry in self.files)


class Text(msgspec.Struct, frozen=True, kw_only=True):
    """The text of a licence, by its id, or another paper that goes along."""

    id: str
    path: str
    sha256: Sha256


class Bundle(msgspec.Struct, frozen=True, kw_only=True):
    """The whole list. `catalogue` has the catalogue's entries of the models, for an Alcove that does not know them; `accepted`
    what whoever made it had accepted, as acceptance.Acceptance."""

    format: int = FORMAT
    created: str = ""
    models: tuple[Model, ...] = ()
    licences: tuple[Text, ...] = ()
    catalogue: tuple[dict[str, Any], ...] = ()
    accepted: tuple[dict[str, Any], ...] = ()

    def with_words(self, words: str) -> tuple[str, ...]:
        """The repositories whose names have all these words."""
        wanted = words.lower().split()
        repos = dict.fromkeys(model.repo for model in self.models)
        return tuple(repo for repo in repos if all(word in repo.lower() for word in wanted))

    def of_repo(self, repo: str, revision: str | None, host: str) -> tuple[Model, ...]:
        """The models of one repository. Raises NotFound."""
        found = [model for model in self.models if model.repo.lower() == repo.lower()]
        if not found:
            raise NotFound(what=f"repository {repo}", host=host)
        at = [model for model in found if revision in (None, "main", model.revision)]
        if not at:
            raise NotFound(what=f"repository {repo} at {revision}", host=host)
        return tuple(at)


def decode(content: bytes, where: str) -> Bundle:
    """The list in a file or an answer; every name in it stays in the folder. Raises Corrupt."""
    try:
        bundle = msgspec.json.decode(content, type=Bundle)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Corrupt(path=where, why=f"it is no list of a bundle ({error})") from error
    if bundle.format != FORMAT:
        raise Corrupt(path=where, why=f"it was made by a newer Alcove (format {bundle.format})")
    paths = [text.path for text in bundle.licences]
    for model in bundle.models:
        paths += [entry.path for entry in model.files]
        if wrong := next((entry.name for entry in model.files if not entry.name.lower().endswith(".gguf")), None):
            raise Corrupt(path=where, why=f"“{wrong}” is no GGUF file, and nothing else is taken")
    if outside := next((path for path in paths if not stays_inside(path)), None):
        raise Corrupt(path=where, why=f"“{outside}” leads out of the folder")
    return bundle


def stays_inside(path: str) -> bool:
    """Whether a path in a list is a plain one below its folder, on every system."""
    parts = PurePosixPath(path).parts
    plain = not re.search(r'[\\:\x00-\x1f<>"|?*]', path) and not path.startswith("/")
    return plain and bool(parts) and not any(part in (".", "..") or part.endswith((".", " ")) for part in path.split("/") if part)


def read(folder: Path) -> Bundle:
    """The list of a folder. Raises NotFound, Corrupt."""
    path = folder / NAME
    try:
        return decode(path.read_bytes(), str(path))
    except OSError as error:
        raise NotFound(what=f"{NAME} in {folder}, so there is no bundle in it", host="This computer") from error


def url(endpoint: str, path: str) -> str:
    """Where a file of a bundle is on a web server."""
    return f"{endpoint}/{quote(path)}"
