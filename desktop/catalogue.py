"""The models that Alcove knows well: what each is good at, which files there are, and the shape that decides memory."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from desktop.errors import Corrupt
from desktop.gguf import TYPES
from desktop.layers import Layer
from desktop.licences import Evidence, Link, Ruling, repo_name
from desktop.paths import resource
from desktop.policy import About, names_of
from desktop.shape import Shape
from desktop.work import expert_numbers, feed_forward_numbers

BEGINNING = 2023  # year from which `quality` counts generations
DENSITY_YEARS = 1.0  # a model of the same quality is half as large a year later; see Model.quality
OUTPUT_BITS = 6.5625  # for each weight of the output table, at least: it is Q6_K where the rest is smaller
DOUBT_YEARS = 0.5  # by how much older a model counts whose release is only known as the latest month possible

_TYPE_NAMES = frozenset(name for name, _, _ in TYPES.values())
_MIXED = {"IQ2_M": "IQ2_S", "IQ3_M": "IQ3_S", "IQ3_XS": "IQ3_S"}  # named after no type


@dataclass(frozen=True)
class Variant:
    """One quantisation of a model. `approximate`: the size is estimated, not read from a file list."""

    quantization: str
    size_bytes: int
    bits: float  # of the file per weight
    approximate: bool = False
    repo: str | None = None  # when it is not the model's gguf_repo


@dataclass(frozen=True)
class LayerGroup:
    """`count` equal layers. A model's groups are dealt out evenly, as makers interleave them."""

    count: int
    kind: Literal["full", "sliding", "recurrent", "none"]
    kv_heads: int = 0
    key_length: int = 0  # numbers per token and head
    value_length: int = 0
    window: int = 0  # tokens
    state_bytes: int = 0  # constant, as the engine keeps it (32-bit)

    def layer(self) -> Layer:
        """One of them, as shape.py counts it."""
        keys, values = self.kv_heads * self.key_length, self.kv_heads * self.value_length
        return Layer(self.kind, keys, values, self.window, self.state_bytes)


@dataclass(frozen=True)
class Model:
    """One model of the catalogue."""

    id: str
    name: str
    maker: str
    family: str
    core: bool  # recommended; the rest is large, old, or there to show a licence
    repo: str  # the maker's original
    gguf_repo: str
    released: str  # "2025-04"
    params_total: int
    description: str
    languages: tuple[str, ...]  # those named; see `speaks`
    reads_pictures: bool
    thinks: Literal["no", "yes", "switchable"]
    licences: tuple[str, ...]  # all of them apply
    openness: Literal["conditions", "free", "full"]
    making: str
    variants: tuple[Variant, ...]  # light to powerful
    architecture: str
    context_length: int  # tokens
    vocab_size: int
    embedding_length: int
    head_count: int
    layers: tuple[LayerGroup, ...]
    confidence: Literal["sourced", "general knowledge"]
    released_at_latest: bool = False  # `released` is only known as the latest month possible
    feed_forward_length: int = 0  # of the parts without experts; 0 = not known, or there are none
    experts_used: int = 0  # at once, of a mixture of experts
    expert_length: int = 0
    per_layer_length: int = 0  # of a row that goes into each layer beside the embedding (Gemma 3n and 4)
    params_active: int | None = None  # that take part in each token, where fewer than all do
    languages_claim: str | None = None  # the maker's words: "119 languages and dialects"
    many_languages: bool = False  # too many to name
    chats: bool = True  # false: it continues a text and has no turns
    gated: bool = False  # the original asks for agreement first
    aliases: tuple[str, ...] = ()  # other names of the original repository
    tied_embeddings: bool = False  # the input table is the output table too
    unsure: dict[str, str] = field(default_factory=dict, hash=False)  # field -> why it is less sure than the rest
    notes: str | None = None
    links: tuple[Link, ...] = ()  # what is public of its making; filled in by `load`

    @property
    def evidence(self) -> Evidence:
        """What the catalogue says of its licence, for Licences.rule."""
        return Evidence(catalogue=self.licences, openness=self.openness, links=self.links)

    @property
    def quality(self) -> float:
        """How good its answers may be, to rank offers: an estimate from size and age, in doublings; no benchmark.

        A mixture of experts counts as the geometric mean of all its weights and those at work. And each year a model of
        the same ability is about half as large (a cautious reading of "Densing Law of LLMs", arXiv 2412.04315, which
        finds 3.5 months). A doubling of size and a year of age are therefore worth the same.
        """
        weights = math.sqrt(self.params_total * (self.params_active or self.params_total))
        year, month = (int(part) for part in self.released.split("-"))
        newness = year - BEGINNING + (month - 1) / 12 - (DOUBT_YEARS if self.released_at_latest else 0)
        return math.log2(weights / 1e9) + newness / DENSITY_YEARS

    def speaks(self, language: str) -> bool:
        """Whether it is said to know a language; one that claims dozens of them is taken at its word."""
        return self.many_languages or language in self.languages

    def shape(self, variant: Variant) -> Shape:
        """The facts that decide memory and speed of one variant; layers of equal weight are assumed."""
        bytes_per_weight = variant.size_bytes / self.params_total
        weights = self.vocab_size * self.embedding_length
        output_bytes = round(weights * max(bytes_per_weight, OUTPUT_BITS / 8))
        input_bytes = output_bytes if self.tied_embeddings else round(weights * bytes_per_weight)
        if self.params_active:
            active_bytes = round(self.params_active * bytes_per_weight)
        else:  # of an input table of its own, one row a token is read
            active_bytes = variant.size_bytes - (0 if self.tied_embeddings else input_bytes)
        return Shape(
            architecture=self.architecture,
            weights_bytes=variant.size_bytes,
            active_bytes=active_bytes,
            layers=self._layers,
            embedding_length=self.embedding_length,
            vocab_size=self.vocab_size,
            context_length=self.context_length,
            feed_forward_length=self.feed_forward_length,
            head_count=self.head_count,
            active_params=self.params_active or self.params_total,
            output_bytes=input_bytes if self.tied_embeddings else input_bytes + output_bytes,
            work_numbers=self._work_numbers,
            active=((_main_type(variant.quantization), active_bytes),),
            expert_bytes=active_bytes // 2 if self.params_active else 0,  # 35 to 61 % in nine mixtures with published figures
            input_bytes=input_bytes,
            shared_bytes=input_bytes if self.tied_embeddings else 0,
            input_numbers=self.per_layer_length * len(self._layers),
        )

    @cached_property
    def _layers(self) -> tuple[Layer, ...]:
        kinds = {group: group.layer() for group in self.layers}
        return tuple(kinds[group] for group in _dealt(self.layers))

    @cached_property
    def _work_numbers(self) -> int:
        """As work.peak_numbers has it from a header; recurrent layers, whose inner lengths are not here, hardly ever decide."""
        numbers = 0
        if self.feed_forward_length:
            numbers = feed_forward_numbers(self.architecture, self.embedding_length, self.feed_forward_length)
        if self.experts_used:
            numbers = max(
                numbers, expert_numbers(self.architecture, self.embedding_length, self.experts_used, self.expert_length)
            )
        rows = len(self._layers) * self.per_layer_length
        return numbers + 2 * rows if numbers else 0


def _main_type(quantization: str) -> str:
    """How most weights of a quantisation are stored: "Q4_K_M" is mostly "Q4_K"."""
    name = quantization.removeprefix("UD-")
    while name and name not in _TYPE_NAMES:
        name = name.rpartition("_")[0]
    return _MIXED.get(quantization.removeprefix("UD-"), name or "Q4_K")


def _dealt(groups: Iterable[LayerGroup]) -> list[LayerGroup]:
    """Every layer's group in order of depth: 3 of one kind and 1 of another become A A B A."""
    places = [((i + 0.5) / group.count, group) for group in groups for i in range(group.count)]
    return [group for _, group in sorted(places, key=lambda place: place[0])]


class Catalogue:
    """All models, in the order of the file, as they were known on a date: "2026-11-26"."""

    def __init__(self, models: Iterable[Model], date: str = "") -> None:
        self.models, self.date = tuple(models), date
        self._by_id = {m.id: m for m in self.models}
        self._by_repo: dict[str, Model] = {}
        for model in self.models:
            for repo in (model.repo, model.gguf_repo, *model.aliases, *(v.repo for v in model.variants if v.repo)):
                self._by_repo.setdefault(repo.lower(), model)

    def get(self, id: str) -> Model | None:
        """A model by its id."""
        return self._by_id.get(id)

    def by_repo(self, repo: str) -> Model | None:
        """The model whose original or GGUF repository this is: "OWNER/NAME", exactly but for capitals."""
        return self._by_repo.get(repo.lower())

    def about(self, ruling: Ruling, repo: str | None, claims: Iterable[str] = (), makers: Iterable[str] = ()) -> About:
        """What rules of an organisation see of a model from this repository. `claims`: what a page or a file says that it was
        made from, "OWNER/NAME" or an address; `makers`: whom it names."""
        model = self.by_repo(repo) if repo else None
        bases = tuple(dict.fromkeys(map(repo_name, claims)))
        known = [self.by_repo(base) for base in bases]
        origin = model.repo if model else repo
        stated = [*bases, *([repo] if repo and model else [])]
        return About(
            ruling=ruling,
            repos=tuple(dict.fromkeys(filter(None, (repo, origin)))),
            makers=(*(names_of(model.maker) if model else ()), *self._makers([origin] if origin else [])),
            families=(*((model.family,) if model else ()), *_titles([origin] if origin else [])),
            bases=bases,
            base_makers=(*makers, *self._makers(stated), *(name for base in known if base for name in names_of(base.maker))),
            base_families=(*_titles(bases), *(base.family for base in known if base)),
        )

    def _makers(self, repos: Iterable[str]) -> tuple[str, ...]:
        """The owners of repositories, and what people call them: "meta-llama" is Meta."""
        owners = [repo.partition("/")[0] for repo in repos]
        return (*owners, *(name for owner in owners for name in self._called.get(owner.lower(), ())))

    @cached_property
    def _called(self) -> dict[str, tuple[str, ...]]:
        called: dict[str, tuple[str, ...]] = {}
        for model in self.models:
            owner = model.repo.partition("/")[0].lower()
            called[owner] = tuple(dict.fromkeys((*called.get(owner, ()), *names_of(model.maker))))
        return called


def _titles(repos: Iterable[str]) -> tuple[str, ...]:
    """The names of repositories without their owners."""
    return tuple(repo.rpartition("/")[2] for repo in repos)


@dataclass(frozen=True)
class _File:
    date: Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d\d-\d\d$")]
    makings: dict[str, tuple[Link, ...]]
    models: tuple[Model, ...]


def load(path: Path | None = None) -> Catalogue:
    """Read the catalogue, by default resources/catalogue.json. Raises Corrupt with the place in the file."""
    path = path or resource("catalogue.json")
    return read(path.read_bytes(), path.name)


def read(content: bytes, name: str) -> Catalogue:
    """The catalogue that a file of this name holds. Raises Corrupt with the place in the file."""
    try:
        found = msgspec.json.decode(content, type=_File)
        return Catalogue([_checked(model, found.makings, name) for model in found.models], found.date)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Corrupt(path=name, why=str(error)) from error


def _checked(model: Model, makings: dict[str, tuple[Link, ...]], name: str) -> Model:
    """The model with what is public of its making. Raises Corrupt where the file contradicts itself."""
    sizes = [v.size_bytes for v in model.variants]
    if model.making not in makings:
        raise Corrupt(path=name, why=f"{model.id} names the making “{model.making}”, which is not there")
    if sizes != sorted(sizes):
        raise Corrupt(path=name, why=f"the variants of {model.id} are not sorted from light to powerful")
    return replace(model, links=makings[model.making])
