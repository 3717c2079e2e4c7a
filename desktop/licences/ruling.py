"""What one may do with a model: of all licences that apply, the stricter one decides each answer."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from desktop.licences.evidence import Evidence, Source, Statement, all_names
from desktop.licences.knowledge import STRICTNESS, UNKNOWN, Answer, Duty, Licence, Link, Territory, Threshold

LONGEST = 29  # words of a sentence
T = TypeVar("T")


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
    nearly: Literal["nearly", "restricted"] | None = None  # open: but for some of its data, or for uses that are banned
    unheard: tuple[str, ...] = ()  # repositories it was made from, of whose licence nothing could be found out

    @property
    def gap(self) -> str | None:
        """What is missing in the chain down to the original, as a sentence."""
        if not self.unheard:
            return None
        more = f" and {len(self.unheard) - 1} more" if len(self.unheard) > 1 else ""
        return f"It was made from {self.unheard[0]}{more}, of whose licence nothing could be found out; that may ask for more."

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
            "gap": self.gap,
            "url": self.url,
            "text_path": str(self.text_path) if self.text_path else None,
            "text_read": self.text_read,
            "accepted": None,  # Alcove keeps no register of acceptances yet
        }


def _as_json(answer: Answer) -> dict[str, str | None]:
    return {"answer": answer.answer, "because": answer.because, "clause": answer.clause}


def rule(said: list[Statement], evidence: Evidence, unknown: Licence) -> Ruling:
    """What follows from what the sources say."""
    names = all_names(evidence)
    applying = [_exactly(each, names) for each in sorted(_applying(said, unknown), key=_severity, reverse=True)]
    strictest, openness = applying[0], _openness(applying, evidence.openness)
    return Ruling(
        licence=" + ".join(x.id for x in applying),
        name=" and ".join(x.name for x in applying),
        version=" + ".join(x.version or "" for x in applying).strip(" +"),
        openness=openness,
        headline=strictest.headline,
        commercial=_strictest([x.commercial for x in applying]),
        share=_strictest([x.share for x in applying]),
        audit=_audit(evidence),
        duties=_once(duty for x in applying for duty in x.duties),
        restrictions=_once(r for x in applying for r in x.restrictions),
        sources=tuple(Source(s.source, s.says, s.url, s.link) for s in said),
        conflict=_conflict(said),
        url=strictest.url,
        text_path=strictest.text_path,
        text_read=all(x.text_read for x in applying),
        licences=tuple(applying),
        links=evidence.links,
        condition=_condition(applying),
        thresholds=_once(each for x in applying for each in x.thresholds),
        territory=_once(x.territory for x in applying if x.territory),
        naming=_once(x.naming for x in applying if x.naming),
        notice="\n\n".join(_wording(applying, "notice")) or None,
        credits=_wording(applying, "credit"),
        nearly=_nearly(evidence, openness, applying),
    )


def _once(found: Iterable[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(found))


def _applying(said: list[Statement], unknown: Licence) -> list[Licence]:
    """Every licence that counts.

    A base that may be passed on under any terms says what its maker allowed, but nothing about the changed version.
    """
    applying: list[Licence] = []
    for statement in said:
        for licence, tag in zip(statement.licences, statement.tags, strict=True):
            already = licence in applying or any(tag in x.stated_as for x in applying)
            if not already and not (statement.is_base and licence.share.answer == "yes"):
                applying.append(licence)
    if all(s.is_base for s in said):
        applying.append(unknown)
    return applying


def _exactly(licence: Licence, names: tuple[str, ...]) -> Licence:
    """What a licence says of a model with one of these names, where it excludes countries for some models only."""
    territory = licence.territory
    if territory is None or territory.exactly is None or not territory.is_of(names):
        return licence
    countries = " and the ".join(territory.excluded)
    because = f"People and companies based in the {countries} get no licence. {licence.commercial.because}"
    return replace(
        licence,
        headline=f"Not licensed in the {countries}; elsewhere free for work, with conditions.",
        condition=territory.exactly,
        commercial=replace(licence.commercial, because=because),
        territory=replace(territory, scope=territory.exactly),
    )


def _severity(licence: Licence) -> tuple[int, int, bool]:
    at_work, passed_on = (STRICTNESS.index(a.answer) for a in (licence.commercial, licence.share))
    return at_work, passed_on, licence.openness == "conditions"


def _condition(applying: list[Licence]) -> str | None:
    """The sentence of the strictest answer that is not simply yes: what is forbidden first, and work before passing on."""
    asked = [(x, answer) for x in applying for answer in (x.commercial, x.share)]
    for forbidden in (True, False):
        for licence, answer in asked:
            if answer.answer == "no" if forbidden else answer.answer != "yes":
                return licence.condition if licence.condition and answer == licence.commercial else answer.because
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


def _conflict(said: list[Statement]) -> str | None:
    """One sentence when a source contradicts a more trusted one: the most trusted of these, and the first against it."""
    for number, first in enumerate(said, 1):
        against = [each for each in said[number:] if _contradicts(first, each)]
        if against:
            other = against[0]
            others = [each.source for each in against[1:] if each.says == other.says and not (each.is_ours or other.is_ours)]
            told = _disagreement(first, other, others[:1])
            return told if len(told.split()) <= LONGEST else _disagreement(first, other, [])
    return None


def _disagreement(first: Statement, other: Statement, same: list[str]) -> str:
    sources = _with_small_the(" and ".join([other.source, *same]))
    return f"{first.sentence}, but {sources} {'say' if same else other.verb} {other.says}; the stricter one decides."


def _with_small_the(sources: str) -> str:
    return re.sub(r"(^| and )The ", lambda found: found[0].replace("The", "the"), sources)


def _contradicts(first: Statement, other: Statement) -> bool:
    """Whether `other` adds a licence, or leaves out one with conditions. A base model speaks only for itself."""
    left_out = any(x.openness == "conditions" and not other.names(x) for x in first.licences)
    accepted = {*first.tags, *(tag for x in first.licences for tag in (x.id, *x.tags, *x.stated_as))}
    if first.is_base:
        return left_out
    if other.is_base:
        return any(x.openness == "conditions" and x not in first.licences for x in other.licences)
    return left_out or not accepted.issuperset(other.tags)


def _nearly(evidence: Evidence, openness: str, applying: list[Licence]) -> Literal["nearly", "restricted"] | None:
    """How near a model that is not fully open is to it: code and recipe are public, and at least some of the data."""
    public = {link.what: link.public for link in evidence.links}
    if openness == "full" or public.get("code") != "yes" or public.get("recipe") != "yes":
        return None
    if public.get("data") not in ("yes", "partly"):
        return None
    return "restricted" if any(x.restrictions for x in applying) else "nearly"


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
