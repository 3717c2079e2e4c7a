"""What each licence lets one do, and which licence a model really has.

Several licences can apply to one model (DeepSeek's distils of Llama: MIT and Llama's): then all of them do, and the
stricter one decides each answer. The same holds where the catalogue, the maker's page and the file disagree. Nothing
stated is never "free": it is "unknown: ask the maker".

knowledge.py has what a file of resources/licences/ says, evidence.py what is known of one model, ruling.py what follows.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path

import msgspec

from desktop.errors import Corrupt
from desktop.licences.evidence import GUIDE, Evidence, Source, copied_from, normal, repo_name, statements, unheard
from desktop.licences.knowledge import (
    STRICTNESS,
    UNKNOWN,
    Answer,
    Duty,
    Licence,
    Link,
    Reply,
    Territory,
    Threshold,
)
from desktop.licences.ruling import Ruling, rule
from desktop.paths import resource

__all__ = [
    "GUIDE",
    "STRICTNESS",
    "UNKNOWN",
    "Answer",
    "Duty",
    "Evidence",
    "Licence",
    "Licences",
    "Link",
    "Reply",
    "Ruling",
    "Source",
    "Territory",
    "Threshold",
    "copied_from",
    "load",
    "repo_name",
]


class Licences(Mapping[str, Licence]):
    """All licences by id."""

    def __init__(self, licences: Iterable[Licence]) -> None:
        self._by_id = {x.id: x for x in licences}
        self._by_tag: dict[str, Licence] = {}
        for licence in self._by_id.values():
            own = {licence.spdx} if licence.spdx.startswith("LicenseRef") else set()
            for tag in {licence.id, licence.url, *licence.tags} | own:
                if (other := self._by_tag.setdefault(normal(tag), licence)) is not licence:
                    raise Corrupt(path=f"{licence.id}.json", why=f"the tag “{tag}” belongs to {other.id} already")
        self.unknown = self._by_id[UNKNOWN]

    def __getitem__(self, id: str) -> Licence:
        return self._by_id[id]

    def __iter__(self) -> Iterator[str]:
        return iter(self._by_id)

    def __len__(self) -> int:
        return len(self._by_id)

    def from_tag(self, tag: str | None) -> Licence:
        """The licence that a Hub tag, an SPDX id, a licence's name or its address means; else the licence "unknown"."""
        return self._by_tag.get(normal(tag or ""), self.unknown)

    def of_repo(self, repo: str) -> tuple[Licence, ...]:
        """The licences of an original repository ("OWNER/NAME" or its address), as far as Alcove knows."""
        name = repo_name(repo)
        return tuple(x for x in self.values() if x.is_of(name))

    def of_name(self, repo: str) -> tuple[Licence, ...]:
        """The licences of what a repository was made from, as far as its name tells: "Llama-3.1" in "My-Llama-3.1-GGUF"."""
        name = normal(repo.partition("/")[2] or repo)
        return tuple(x for x in self.values() if any(re.search(pattern, name) for pattern in x.named))

    def describe(self, id: str) -> Ruling:
        """A licence by itself, without a model. Raises KeyError."""
        return self.rule(Evidence(catalogue=(self[id].id,)))

    def rule(self, evidence: Evidence) -> Ruling:
        """What one may do with a model of which this is known."""
        return replace(rule(statements(evidence, self), evidence, self.unknown), unheard=unheard(evidence, self))


def load(folder: Path | None = None) -> Licences:
    """Read every licence of a folder, by default resources/licences. Raises Corrupt with the file and the place."""
    folder = folder or resource("licences")
    decoder = msgspec.json.Decoder(Licence, dec_hook=lambda kind, text: folder / text)
    return Licences(_read(path, decoder) for path in sorted(folder.glob("*.json")))


def _read(path: Path, decoder: msgspec.json.Decoder[Licence]) -> Licence:
    try:
        licence = decoder.decode(path.read_bytes())
    except msgspec.MsgspecError as error:
        raise Corrupt(path=path.name, why=str(error)) from error
    if licence.id != path.stem:
        raise Corrupt(path=path.name, why=f"its id is “{licence.id}”")
    return licence
