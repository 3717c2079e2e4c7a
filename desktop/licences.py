"""What each licence lets one do, and which licence a model really has.

Several licences can apply to one model (DeepSeek's distils of Llama: MIT and Llama's): then all of them do, and the
stricter one decides each answer. The same holds where the catalogue, the maker's page and the file disagree. Nothing
stated is never "free": it is "unknown: ask the maker".
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any, Literal

import msgspec

from desktop.errors import Corrupt
from desktop.paths import resource

Reply = Literal["yes", "if", "no", "unknown"]
STRICTNESS: tuple[Reply, ...] = ("yes", "if", "unknown", "no")  # least strict first
NOT_STATED = frozenset({"", "other", "unknown", "none", "null", "no-license"})  # tags that say nothing
UNKNOWN = "unknown"  # id of the licence for what nobody stated or Alcove does not know


@dataclass(frozen=True)
class Answer:
    """May one? "yes", "if" (with conditions), "no" or "unknown"; the sentence that matters; where the text says so."""

    answer: Reply
    because: str
    clause: str | None = None


@dataclass(frozen=True)
class Duty:
    """Something to do when passing a model on; `copy` is the exact wording to copy, where there is one, and goes by its `kind`.

    "notice": into the file NOTICE; "credit": where people see it; "naming": into the name of a changed model.
    """

    text: str
    copy: str | None = None
    kind: Literal["notice", "credit", "naming", "other"] = "other"


@dataclass(frozen=True)
class Threshold:
    """A size above which something changes: `limit` people or US dollars of `metric`."""

    metric: str
    limit: int
    unit: Literal["people", "US dollars"]
    measured: str
    effect: str
    clause: str | None = None


@dataclass(frozen=True)
class Territory:
    """Countries in which a licence grants nothing."""

    excluded: tuple[str, ...]
    scope: str
    clause: str | None = None


@dataclass(frozen=True)
class Link:
    """One of the things that make a model fully open, whether it is public, and where. `note` is a whole sentence."""

    what: Literal["weights", "data", "code", "recipe", "checkpoints"]
    public: Literal["yes", "partly", "no", "unknown"]
    url: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Licence:
    """One file of resources/licences/. With `text_read` false it is known from others, not from its full text."""

    id: str
    name: str
    spdx: str  # an SPDX id, or a LicenseRef of ours
    url: str
    tags: tuple[str, ...]  # under which it is stated: Hub tags, license_name, common spellings
    openness: Literal["conditions", "free"]
    headline: str
    summary: str
    commercial: Answer
    share: Answer
    outputs_for_training: Answer
    applies_to: tuple[str, ...]
    sources: tuple[str, ...]
    text_read: bool
    confidence: Literal["sourced", "general knowledge"]
    version: str | None = None
    date: str | None = None
    text_path: Path | None = None  # the full text, for those that may be passed on
    stated_as: tuple[str, ...] = ()  # tags of other licences that its makers use for it: no contradiction
    models: tuple[str, ...] = ()  # original repositories under it, as patterns: "meta-llama/Llama-3.1-*"
    duties: tuple[Duty, ...] = ()
    restrictions: tuple[str, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    naming: str | None = None
    territory: Territory | None = None
    termination: str | None = None
    governing_law: str | None = None
    unsure: dict[str, str] = field(default_factory=dict, hash=False)  # field -> why it is less sure than the rest
    notes: str | None = None


@dataclass(frozen=True)
class Evidence:
    """What is known of a model's licence, most trusted first. Tags as the metadata has them, several joined by ","."""

    catalogue: tuple[str, ...] = ()  # licence ids
    hub_original: str | None = None  # the tag, or the name where the tag is "other", on the page of the original
    file_base_models: tuple[str, ...] = ()  # "OWNER/NAME" or addresses: what it was made from
    hub_card: str | None = None  # as hub_original, on the page of this download
    file_license: str | None = None  # general.license of the GGUF, or general.license.name
    openness: str | None = None  # the catalogue's word: "conditions", "free" or "full"
    links: tuple[Link, ...] = ()


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
    """Who says what about the licence."""

    from_: str
    says: str


@dataclass(frozen=True)
class Ruling:
    """What one may do with a model. `openness` is "unknown" only when nobody stated a licence that Alcove knows."""

    licence: str  # ids joined with " + "
    name: str
    version: str
    openness: Literal["conditions", "free", "full", "unknown"]
    headline: str
    commercial: Answer
    share: Answer
    audit: Answer
    duties: tuple[Duty, ...]
    restrictions: tuple[str, ...]
    sources: tuple[Source, ...]
    conflict: str | None
    url: str | None
    text_path: Path | None
    text_read: bool = True
    licences: tuple[Licence, ...] = ()  # strictest first
    links: tuple[Link, ...] = ()
    condition: str | None = None  # the one that matters most
    thresholds: tuple[Threshold, ...] = ()  # these three: of all licences that apply
    territory: tuple[Territory, ...] = ()
    naming: tuple[str, ...] = ()
    notice: str | None = None  # what the file NOTICE must say that goes along
    credits: tuple[str, ...] = ()  # exact lines

    def to_json(self) -> dict[str, Any]:
        """The keys of `alcove licence --json`; its openness has no word for unknown, so the strictest stands for it."""
        return {
            "licence": self.licence,
            "name": self.name,
            "version": self.version,
            "openness": "conditions" if self.openness == "unknown" else self.openness,
            "headline": self.headline,
            "commercial": _as_json(self.commercial),
            "share": _as_json(self.share),
            "audit": {"answer": self.audit.answer, "because": self.audit.because},
            "duties": [f"{d.text} “{d.copy}”" if d.copy and d.copy not in d.text else d.text for d in self.duties],
            "restrictions": list(self.restrictions),
            "sources": [{"from": s.from_, "says": s.says} for s in self.sources],
            "conflict": self.conflict,
            "url": self.url,
            "text_path": str(self.text_path) if self.text_path else None,
            "text_read": self.text_read,
            "accepted": None,  # Alcove keeps no register of acceptances yet
        }


def _as_json(answer: Answer) -> dict[str, str | None]:
    return {"answer": answer.answer, "because": answer.because, "clause": answer.clause}


@dataclass(frozen=True)
class _Statement:
    """One source's word: the licences it names and the tags it used, in the same order."""

    source: str
    licences: tuple[Licence, ...]
    tags: tuple[str, ...]
    is_base: bool = False

    @property
    def sentence(self) -> str:
        return f"{self.source} {'is under' if self.is_base else 'says'} {self.says}"

    @property
    def says(self) -> str:
        named = zip(self.licences, self.tags, strict=True)
        return " and ".join(f"“{tag}”, which Alcove does not know" if x.id == UNKNOWN else x.name for x, tag in named)

    def names(self, licence: Licence) -> bool:
        """Whether this source states that licence, by its own tag or by the one its makers use."""
        return licence in self.licences or any(tag in licence.stated_as for tag in self.tags)


class Licences(Mapping[str, Licence]):
    """All licences by id."""

    def __init__(self, licences: Iterable[Licence]) -> None:
        self._by_id = {x.id: x for x in licences}
        self._by_tag: dict[str, Licence] = {}
        for licence in self._by_id.values():
            own = {licence.spdx} if licence.spdx.startswith("LicenseRef") else set()
            for tag in {licence.id, licence.url, *licence.tags} | own:
                if (other := self._by_tag.setdefault(_normal(tag), licence)) is not licence:
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
        return self._by_tag.get(_normal(tag or ""), self.unknown)

    def of_repo(self, repo: str) -> tuple[Licence, ...]:
        """The licences of an original repository ("OWNER/NAME" or its address), as far as Alcove knows."""
        name = re.sub(r"^https?://[^/]+/", "", repo.strip()).strip("/").lower()
        return tuple(x for x in self.values() if any(fnmatchcase(name, pattern.lower()) for pattern in x.models))

    def describe(self, id: str) -> Ruling:
        """A licence by itself, without a model. Raises KeyError."""
        return self.rule(Evidence(catalogue=(self[id].id,)))

    def rule(self, evidence: Evidence) -> Ruling:
        """What one may do with a model of which this is known."""
        statements = self._statements(evidence)
        applying = sorted(self._applying(statements), key=_severity, reverse=True)
        strictest = applying[0]
        return Ruling(
            licence=" + ".join(x.id for x in applying),
            name=" and ".join(x.name for x in applying),
            version=" + ".join(x.version or "" for x in applying).strip(" +"),
            openness=_openness(applying, evidence.openness),
            headline=strictest.headline,
            commercial=_strictest([x.commercial for x in applying]),
            share=_strictest([x.share for x in applying]),
            audit=_audit(evidence),
            duties=tuple(dict.fromkeys(duty for x in applying for duty in x.duties)),
            restrictions=tuple(dict.fromkeys(r for x in applying for r in x.restrictions)),
            sources=tuple(Source(s.source, s.says) for s in statements),
            conflict=_conflict(statements),
            url=strictest.url,
            text_path=strictest.text_path,
            text_read=all(x.text_read for x in applying),
            licences=tuple(applying),
            links=evidence.links,
            condition=_condition(applying),
            thresholds=tuple(dict.fromkeys(each for x in applying for each in x.thresholds)),
            territory=tuple(dict.fromkeys(x.territory for x in applying if x.territory)),
            naming=tuple(dict.fromkeys(x.naming for x in applying if x.naming)),
            notice="\n\n".join(_wording(applying, "notice")) or None,
            credits=_wording(applying, "credit"),
        )

    def _statements(self, evidence: Evidence) -> list[_Statement]:
        """What each source says, most trusted first; sources that say nothing are left out."""
        bases = tuple(dict.fromkeys(x for repo in evidence.file_base_models for x in self.of_repo(repo)))
        catalogue = tuple(self[id] for id in evidence.catalogue)
        found = [
            _Statement("Alcove's catalogue", catalogue, tuple(x.id for x in catalogue)),
            self._stated("The original maker's page", evidence.hub_original),
            _Statement("The model it was made from", bases, tuple(x.id for x in bases), is_base=True),
            self._stated("The page of this download", evidence.hub_card),
            self._stated("The file itself", evidence.file_license),
        ]
        return [s for s in found if s.licences]

    def _stated(self, source: str, metadata: str | None) -> _Statement:
        """Read a tag or a list: "apache-2.0", "llama3.1,mit", "MIT OR Apache-2.0" (all are taken to apply)."""
        text = metadata or ""
        known = _normal(text) in self._by_tag
        parts = [_normal(t) for t in ([text] if known else re.split(r",|\bAND\b|\bOR\b|[()\[\]'\"]", text))]
        tags = tuple(tag for tag in dict.fromkeys(parts) if tag not in NOT_STATED)
        return _Statement(source, tuple(self.from_tag(tag) for tag in tags), tags)

    def _applying(self, statements: list[_Statement]) -> list[Licence]:
        """Every licence that counts. A free base says what its maker allowed, but nothing about the changed version."""
        applying: list[Licence] = []
        for statement in statements:
            for licence, tag in zip(statement.licences, statement.tags, strict=True):
                already = licence in applying or any(tag in x.stated_as for x in applying)
                if not already and not (statement.is_base and licence.openness == "free"):
                    applying.append(licence)
        if all(s.is_base for s in statements):
            applying.append(self.unknown)
        return applying


def _normal(tag: str) -> str:
    return re.sub(r"[\s_]+", "-", tag.strip().rstrip("/").lower())


def _severity(licence: Licence) -> tuple[int, int, bool]:
    at_work, passed_on = (STRICTNESS.index(a.answer) for a in (licence.commercial, licence.share))
    return at_work, passed_on, licence.openness == "conditions"


def _condition(applying: list[Licence]) -> str | None:
    """The sentence of the strictest answer that is not simply yes: about work first, then about passing on."""
    answers = [(x.commercial, x.territory, x.share) for x in applying]
    for forbidden in (True, False):
        for commercial, territory, share in answers:
            if territory and not forbidden:
                return territory.scope
            for answer in (commercial, share):
                if answer.answer == "no" if forbidden else answer.answer != "yes":
                    return answer.because
    return None


def _wording(applying: list[Licence], kind: str) -> tuple[str, ...]:
    """The exact words of the duties of one kind."""
    return tuple(dict.fromkeys(duty.copy for x in applying for duty in x.duties if duty.kind == kind and duty.copy))


def _strictest(answers: list[Answer]) -> Answer:
    """The strictest answer; where several are equally strict, all their reasons."""
    worst = max(answers, key=lambda a: STRICTNESS.index(a.answer)).answer
    deciding = list(dict.fromkeys(a for a in answers if a.answer == worst))
    clauses = [a.clause for a in deciding if a.clause]
    return Answer(worst, " ".join(dict.fromkeys(a.because for a in deciding)), "; ".join(clauses) or None)


def _openness(applying: list[Licence], catalogue: str | None) -> Literal["conditions", "free", "full", "unknown"]:
    if all(x.id == UNKNOWN for x in applying):
        return "unknown"
    if catalogue == "conditions" or any(x.openness == "conditions" for x in applying):
        return "conditions"
    return "full" if catalogue == "full" else "free"


def _conflict(statements: list[_Statement]) -> str | None:
    """One sentence when a source contradicts the most trusted one, naming all of them."""
    if not statements:
        return None
    first, *rest = statements
    against = [s for s in rest if _contradicts(first, s)]
    if not against:
        return None
    others = " and ".join(s.sentence[0].lower() + s.sentence[1:] for s in against)
    return f"{first.sentence}, but {others}; the stricter one decides here."


def _contradicts(first: _Statement, other: _Statement) -> bool:
    """Whether `other` adds a licence, or leaves out one with conditions. A base model speaks only for itself."""
    left_out = any(x.openness == "conditions" and not other.names(x) for x in first.licences)
    accepted = {tag for x in first.licences for tag in (x.id, *x.tags, *x.stated_as)}
    if first.is_base:
        return left_out
    if other.is_base:
        return any(x.openness == "conditions" and x not in first.licences for x in other.licences)
    return left_out or not accepted.issuperset(other.tags)


def _audit(evidence: Evidence) -> Answer:
    """Whether anyone can check how the model was made: decided by what is public, not by the licence."""
    public = {link.what: link.public for link in evidence.links}
    notes = " ".join(link.note for link in evidence.links if link.note)
    if evidence.openness == "full":
        sentence = "The training data, the code and the recipe are public, so experts can check how it was made."
        return Answer("yes", f"{sentence} {notes}".strip())
    if public.get("code") == public.get("recipe") == "yes" and public.get("data") == "partly":
        sentence = "The code and the recipe are public, but the training data only in part."
        return Answer("if", f"{sentence} {notes}".strip())
    if evidence.openness is None:
        sentence = "The licence does not decide this, and we do not know what the maker has published; ask the maker."
        return Answer("unknown", sentence)
    return Answer("no", f"Only the finished weights are published, not all that they were made from. {notes}".strip())


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
