"""What is known of one model's licence, and what each source makes of it: who states which licence, most trusted first."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from desktop.card import LONGEST, SILENT, Card
from desktop.licences.knowledge import UNKNOWN, Licence, Link

if TYPE_CHECKING:
    from desktop.licences import Licences

HUB = "https://huggingface.co"
NAME = "The model's name"
NAMED = re.compile(rf"^{NAME}$|^The name ")  # sources that are no more than a name
FORMS = r"gguf|i1|awq|gptq|exl[23]|mlx|onnx|fp8|fp16|bf16|nvfp4|mxfp4|\d+bit|bnb"  # at the end of the names of copies


@dataclass(frozen=True)
class Evidence:
    """What is known of a model's licence, most trusted first. Tags as the metadata has them, several joined by ","."""

    catalogue: tuple[str, ...] = ()  # licence ids
    cards: tuple[Card, ...] = ()  # of this download's repository first, then of what it was made from, up to the root
    hub_original: str | None = None  # the tag, or the name where the tag is "other", on the page of the original
    file_base_models: tuple[str, ...] = ()  # "OWNER/NAME" or addresses: what it was made from
    hub_card: str | None = None  # as hub_original, on the page of this download
    file_license: str | None = None  # general.license of the GGUF, or general.license.name
    openness: str | None = None  # the catalogue's word: "conditions", "free" or "full"
    links: tuple[Link, ...] = ()
    file_link: str | None = None  # general.license.link of the GGUF
    names: tuple[str, ...] = ()  # of the file, and of the model as its GGUF has it


GUIDE = Evidence(  # the model inside the app is ours, with everything it was made from
    file_license="apache-2.0",
    openness="full",
    links=(
        Link("weights", "yes", "starter/alcove-guide.gguf"),
        Link("data", "yes", "starter/data", "All of it lies in the folder of this program."),
        Link("code", "yes", "starter/train.py"),
        Link("recipe", "yes", "starter"),
    ),
)


@dataclass(frozen=True)
class Source:
    """Who says what about the licence. `url`: the page where it is said; `link`: the address it names for the licence."""

    from_: str
    says: str
    url: str | None = None
    link: str | None = None


@dataclass(frozen=True)
class Statement:
    """One source's word: the licences it names and the tags it used, in the same order.

    `is_base`: it speaks of a model that this one was made from. `is_ours`: what we know of a repository, whatever its page says.
    """

    source: str
    licences: tuple[Licence, ...]
    tags: tuple[str, ...]
    is_base: bool = False
    is_ours: bool = False
    url: str | None = None
    link: str | None = None

    @property
    def sentence(self) -> str:
        return f"{self.source} {self.verb} {self.says}"

    @property
    def verb(self) -> str:
        return "says" if not self.is_ours else "points to" if NAMED.search(self.source) else "is under"

    @property
    def says(self) -> str:
        named = zip(self.licences, self.tags, strict=True)
        words = (f"“{tag}”, which Alcove does not know" if x.id == UNKNOWN else x.name for x, tag in named)
        return " and ".join(dict.fromkeys(words))

    def names(self, licence: Licence) -> bool:
        """Whether this source states that licence, by its own tag or by the one its makers use."""
        return licence in self.licences or any(tag in licence.stated_as for tag in self.tags)


def statements(evidence: Evidence, known: "Licences") -> list[Statement]:
    """What each source says, most trusted first; sources that say nothing are left out."""
    catalogue = tuple(known[id] for id in evidence.catalogue)
    found = [
        Statement("Alcove's catalogue", catalogue, tuple(x.id for x in catalogue)),
        _stated(known, "The original maker's page", evidence.hub_original),
    ]
    seen = set()
    for ancestor in reversed(list(_ancestors(evidence.cards))):
        seen.add(ancestor.repo.lower())
        found += _of_repo(known, ancestor.repo, ancestor.card, f"The page of {ancestor.repo}", is_base=not ancestor.same)
        found += _named(known, f"The name of {ancestor.repo}", (ancestor.repo,), found)
    bases = [repo for repo in map(repo_name, evidence.file_base_models) if repo.lower() not in seen]
    found.append(_ours("The original model", _once(x for repo in bases for x in known.of_repo(repo))))
    for repo in bases:
        found += _named(known, f"The name of {repo}", (repo,), found)
    own = evidence.cards[0] if evidence.cards else None
    found += _named(known, NAME, (*([own.repo] if own else []), *evidence.names), found)
    if own:
        found += _of_repo(known, own.repo, own, "The page of this download")
    found.append(_stated(known, "The page of this download", evidence.hub_card))
    found.append(_stated(known, "The file itself", evidence.file_license, link=evidence.file_link))
    return [each for each in found if each.licences]


@dataclass(frozen=True)
class _Ancestor:
    """A repository that a model was made from. `same`: only its form was changed on the way. No card: nobody could read it."""

    repo: str
    card: Card | None
    same: bool


def _ancestors(cards: tuple[Card, ...]) -> Iterator[_Ancestor]:
    """What the first card's model was made from, nearest first, each once."""
    read = {card.repo.lower(): card for card in cards}
    queue = [(cards[0], True)] if cards else []
    seen = {card.repo.lower() for card, _ in queue}
    while queue:
        child, same = queue.pop(0)
        for base in map(repo_name, child.base_models):
            if base.lower() in seen:
                continue
            seen.add(base.lower())
            card, copied = read.get(base.lower()), same and _only_copies(child, base)
            yield _Ancestor(base, card, copied)
            if card is not None:
                queue.append((card, copied))


def copied_from(cards: tuple[Card, ...]) -> tuple[str, ...]:
    """The repositories that hold the same model as the first card's, in another form, nearest first."""
    return tuple(ancestor.repo for ancestor in _ancestors(cards) if ancestor.same)


def all_names(evidence: Evidence) -> tuple[str, ...]:
    """Of a model, its file, and all that it was made from."""
    pages = (name for card in evidence.cards for name in (card.repo, *card.base_models))
    return (*pages, *evidence.file_base_models, *evidence.names)


def unheard(evidence: Evidence, known: "Licences") -> tuple[str, ...]:
    """What a model was made from and of which nothing is known: no page that could be read, and a name that tells nothing."""
    return tuple(
        each.repo
        for each in _ancestors(evidence.cards)
        if (each.card is None or not (each.card.licences or each.card.link or each.card.base_models))
        and not known.of_repo(each.repo)
        and not known.of_name(each.repo)
    )


def _only_copies(child: Card, base: str) -> bool:
    """Whether a repository holds the same model as its base, in another form: it says so, or it has the same name."""
    if child.relation or len(child.base_models) != 1:
        return child.relation == "quantized"
    owner, _, name = base.lower().partition("/")
    own = re.sub(rf"([-_.]({FORMS}))+$", "", child.repo.lower().partition("/")[2])
    return own in (name, f"{owner}_{name}", f"{owner}-{name}")


def repo_name(repo: str) -> str:
    """The name of a repository, from that or from an address on its pages, at whatever revision."""
    name = re.sub(r"^(https?://[^/]+/|(www\.)?(huggingface\.co|hf\.co)/|hf:)", "", repo.strip(), flags=re.IGNORECASE)
    return re.sub(r"^(\w[\w.-]*/[\w.-]+)([/@?#].*)$", r"\1", name.strip("/"))


def _of_repo(known: "Licences", repo: str, card: Card | None, source: str, *, is_base: bool = False) -> list[Statement]:
    """What we know of a repository, and what its card says; one of them where they agree."""
    ours = known.of_repo(repo)
    stated, link = (card.stated, card.link) if card else (None, None)
    said = replace(_stated(known, source, stated, link=link), is_base=is_base, url=f"{HUB}/{repo}")
    exact = tuple(next((x for x in ours if tag in x.stated_as), told) for told, tag in zip(said.licences, said.tags, strict=True))
    said = replace(said, licences=exact)  # of several that have the same tag, the one of this repository
    if set(ours) <= set(exact):
        return [said]
    return [replace(_ours(repo, ours, is_base=is_base), url=f"{HUB}/{repo}"), said]


def _named(known: "Licences", source: str, names: Iterable[str], found: list[Statement]) -> list[Statement]:
    """What names tell of conditions, as far as nobody has said it yet: anyone may give a name, so none makes a model free."""
    said = {x.id for each in found for x in each.licences}
    told = (x for name in names for x in known.of_repo(name) or known.of_name(name))
    return [_ours(source, _once(x for x in told if x.openness == "conditions" and x.id not in said))]


def _once(licences: Iterable[Licence]) -> tuple[Licence, ...]:
    return tuple(dict.fromkeys(licences))


def _ours(source: str, licences: tuple[Licence, ...], *, is_base: bool = True) -> Statement:
    return Statement(source, licences, tuple(x.id for x in licences), is_base=is_base, is_ours=True)


def _stated(known: "Licences", source: str, metadata: str | None, *, link: str | None = None) -> Statement:
    """Read a tag or a list: "apache-2.0", "llama3.1,mit", "MIT OR Apache-2.0" (all are taken to apply)."""
    text = (metadata or "")[: LONGEST * 16]
    whole = known.from_tag(text).id != UNKNOWN
    parts = [normal(t) for t in ([text] if whole else re.split(r",|\bAND\b|\bOR\b|[()\[\]'\"]", text))]
    tags = tuple(tag for tag in dict.fromkeys(parts) if tag not in SILENT)
    licences = tuple(known.from_tag(tag) for tag in tags)
    by_link = _linked(known, link)
    if by_link.id == UNKNOWN or by_link in licences or any(tag in by_link.stated_as for tag in tags):
        return Statement(source, licences, tags, link=link)
    if all(x.id == UNKNOWN for x in licences) and (by_link.openness == "conditions" or not tags):
        licences, tags = (by_link,), tags[:1] or (by_link.id,)  # a name of its own, an address that is known
    else:
        licences, tags = (*licences, by_link), (*tags, by_link.id)
    return Statement(source, licences, tags, link=link)


def _linked(known: "Licences", link: str | None) -> Licence:
    """The licence that an address is of: by itself, or as that of the repository whose file it is."""
    found = known.from_tag(link)
    if found.id == UNKNOWN and re.search(r"/(blob|resolve|raw)/", link or ""):
        of_repo = known.of_repo(link or "")
        return of_repo[0] if len(of_repo) == 1 else found
    return found


def normal(tag: str) -> str:
    """A tag as tags are compared."""
    return re.sub(r"[\s_]+", "-", tag.strip().rstrip("/").lower())
