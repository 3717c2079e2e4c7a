"""A repository with GGUF files, on the Hub or in a bundle, and the files of one model in it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from desktop import card, gguf, mirror
from desktop.errors import NotFound


@dataclass(frozen=True)
class File:
    """A GGUF file on the Hub, at one commit. `kind`: "model", "split" (one of several parts), "mmproj" or "imatrix".

    `licence` and `base_models` are what the repository's card says, the first of `cards`; those of what it was made from may
    follow. A file elsewhere has its host as `repo`.
    """

    repo: str
    revision: str
    name: str
    size_bytes: int
    sha256: str | None
    quantization: str | None
    url: str
    kind: str = "model"
    licence: str | None = None
    base_models: tuple[str, ...] = ()
    cards: tuple[card.Card, ...] = ()
    etag: str | None = None  # of a file elsewhere, whose SHA-256 nobody tells
    private: bool = False  # shown to some only, by the repository's owner


@dataclass(frozen=True)
class Repo:
    """A repository with GGUF files and what its card says about the licence."""

    id: str
    revision: str
    licence_tag: str | None
    licence_name: str | None
    gated: bool
    downloads: int
    updated: str
    base_models: tuple[str, ...]
    files: tuple[File, ...]
    weights: int = 0  # how many the model has, where the Hub or the name tells; 0: not known
    cards: tuple[card.Card, ...] = ()  # its own first, then perhaps those of what it was made from

    @property
    def has_sizes(self) -> bool:
        """Whether the sizes of the files are known: a list of repositories has none."""
        return any(file.size_bytes for file in self.files)

    def variant(self, quantization: str) -> File | None:
        """The model file of one quantisation, or the first of its parts, or None."""
        same = [f for f in self.files if (f.quantization or "").lower() == quantization.lower()]
        whole = (f for f in same if f.kind == "model")
        return next(whole, None) or next((f for f in same if f.kind == "split" and gguf.part_names(f.name)[0] == f.name), None)

    def set_of(self, file: File) -> tuple[File, ...]:
        """All files of the model that a file belongs to, in order: its parts, then its eyes, the projector. Raises NotFound."""
        if file.kind not in ("model", "split"):
            return (file,)
        named = {each.name: each for each in self.files}
        missing = next((name for name in gguf.part_names(file.name) if name not in named), None)
        if missing:
            raise NotFound(what=f"file {missing} in {self.id}", host=urlsplit(file.url).hostname or file.url)
        parts = tuple(named[name] for name in gguf.part_names(file.name))
        eyes = min((each for each in self.files if each.kind == "mmproj"), key=_exactness, default=None)
        return (*parts, eyes) if eyes else parts


def of_bundle(models: Sequence[mirror.Model], address: str) -> Repo:
    """A repository as a bundle at a web address tells it, by those of its models that are in it."""
    files = {
        entry.name: File(
            repo=model.repo,
            revision=model.revision,
            name=entry.name,
            size_bytes=entry.size_bytes,
            sha256=entry.sha256,
            quantization=gguf.quantization(entry.name),
            url=mirror.url(address, entry.path),
            kind=gguf.named_kind(entry.name),
            licence=model.licence,
            base_models=model.base_models,
            cards=model.cards,
        )
        for model in models
        for entry in model.files
    }
    first = models[0]
    tag = first.licence or first.licence_id
    cards = first.cards or (card.Card(first.repo, (tag,) if tag else (), base_models=first.base_models),)
    return Repo(
        first.repo, first.revision, tag, None, False, 0, first.fetched, first.base_models, tuple(files.values()), cards=cards
    )


def weights(name: str) -> int:
    """How many weights a model has by the name of its repository: "Qwen3-0.6B-GGUF" -> 600 million; 0 where it does not say."""
    found = re.search(
        r"(?<![\w.])(?:(\d{1,2})x)?(\d{1,4}(?:\.\d{1,2})?)([bm])(?![a-z\d])", name.rpartition("/")[2], re.IGNORECASE
    )
    return round(int(found[1] or 1) * float(found[2]) * (1e9 if found[3] in "bB" else 1e6)) if found else 0


def _exactness(file: File) -> tuple[int, int, str]:
    """The order in which projectors are liked: in 16 bits that every processor computes with, then as small as there is."""
    return (
        ("F16", "Q8_0", "BF16").index(q) if (q := file.quantization or "") in ("F16", "Q8_0", "BF16") else 3,
        file.size_bytes,
        q,
    )
