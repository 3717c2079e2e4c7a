"""What the organisation decided: which models may be used here, and its own word on licences. Read once at start, never written.

    /etc/alcove/policy.json, then /etc/alcove/policy.d/*.json in the order of their names

Lists of several files add up. A model that a rule of "deny" is about is not allowed, whatever else is said; where there are rules
of "allow", every licence of a model has to be covered by one of them. What a stranger's page claims of where a model comes from
can forbid it, and never allow it. A file that cannot be read or understood allows nothing but the guide.

    {
      "models": {
        "deny": [{"maker": "Meta", "reason": "Not before the review in March."}, {"use": "commercial"}],
        "allow": [{"openness": "free"}, {"openness": "full"}, {"licence": "gemma"}]
      },
      "licences": [
        {"licence": "gemma", "decision": "approved", "text": "Legal approved Gemma.", "by": "Legal", "date": "2026-03-01"}
      ]
    }
"""

import os
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec

from desktop.errors import AlcoveError, Corrupt
from desktop.licences import Licence, Licences, Ruling
from desktop.paths import POLICY

LARGEST_BYTES = 1_000_000  # of a file of rules; a longer one is no policy
MAY_NOT = ("no", "unknown")  # answers to whether a model may be used at work that a company has to take for no
STEPS = {
    "conditions": "open weights with conditions",
    "free": "models that are free",
    "full": "models that are fully open",
    "unknown": "models whose licence is not known",
}

Name = Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
Day = Annotated[str, msgspec.Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Some models: all that is given has to hold. In names, * and ? stand for any letters, and capitals do not matter.

    `use`: "commercial" is about what may not be used at work in a rule that denies, about what may in one that allows.
    """

    licence: Name | None = None  # an id
    openness: Literal["conditions", "free", "full", "unknown"] | None = None
    maker: Name | None = None
    family: Name | None = None
    repository: Name | None = None  # OWNER/NAME
    use: Literal["commercial"] | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if not any((self.licence, self.openness, self.maker, self.family, self.repository, self.use)):
            raise ValueError("a rule names a licence, openness, maker, family, repository or use")

    @property
    def models(self) -> str:
        """The models that it is about, in words."""
        words = [
            STEPS[self.openness] if self.openness else "",
            f"models by {self.maker}" if self.maker else "",
            f"models of the family {self.family}" if self.family else "",
            f"models from {self.repository}" if self.repository else "",
            f"models under the licence {self.licence}" if self.licence else "",
            "models that may not be used at work" if self.use else "",
        ]
        return ", ".join(filter(None, words))


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The organisation's own word on a licence: "Legal approved Gemma on 2026-03-01"."""

    licence: Name  # an id
    decision: Literal["approved", "refused"]
    text: Name
    by: str = ""
    date: Day | None = None


class Models(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which models may be used."""

    allow: tuple[Rule, ...] = ()
    deny: tuple[Rule, ...] = ()


class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What one file of rules may say."""

    models: Models = Models()
    licences: tuple[Verdict, ...] = ()


@dataclass(frozen=True)
class Source:
    """Rules, and the file that they stand in."""

    where: str
    content: Content


@dataclass(frozen=True)
class About:
    """What rules are compared with. `bases`, and their makers and families, are claims of a page or a file."""

    ruling: Ruling
    repos: tuple[str, ...] = ()  # where it comes from, and the maker's own where that is known for sure
    makers: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    bases: tuple[str, ...] = ()
    base_makers: tuple[str, ...] = ()
    base_families: tuple[str, ...] = ()


@dataclass(frozen=True)
class Decision:
    """Why a model is not allowed, as a sentence, and where that was decided."""

    sentence: str
    where: str


@dataclass(frozen=True)
class Policy:
    """All that was decided. `broken` says why it cannot be known; then nothing is allowed."""

    sources: tuple[Source, ...] = ()
    broken: str = ""

    @property
    def is_set(self) -> bool:
        """Whether anything was decided at all."""
        return bool(self.sources or self.broken)

    def refusal(self, about: About) -> str | None:
        """Why a model is not allowed, as one or two sentences; None where it is."""
        found = self.decision(about)
        return found.sentence if found else None

    def decision(self, about: About) -> Decision | None:
        """The same with the file that decides."""
        if self.broken:
            return Decision(f"The rules of your organisation cannot be read, so no model is allowed. {self.broken}", self.broken)
        found = self._refused(about.ruling) or self._denied(about)
        return found or self._not_among_allowed(about)

    def verdict_on(self, ruling: Ruling) -> Verdict | None:
        """The organisation's word on a model's licences: a refusal of any, or an approval where all are approved."""
        verdicts = [self._verdict(id) for _, id in _licences(ruling)]
        refused = next((each for each in verdicts if each and each.decision == "refused"), None)
        return refused or (verdicts[0] if verdicts and all(verdicts) else None)

    def approves(self, licence: Licence) -> Verdict | None:
        """The organisation's approval of one licence, if there is one."""
        found = self._verdict(licence.id)
        return found if found and found.decision == "approved" else None

    def _verdict(self, id: str) -> Verdict | None:
        given = [each for source in self.sources for each in source.content.licences if each.licence == id]
        return min(given, key=lambda each: each.decision != "refused", default=None)

    def _refused(self, ruling: Ruling) -> Decision | None:
        found = self.verdict_on(ruling)
        if found is None or found.decision != "refused":
            return None
        where = next(source.where for source in self.sources if found in source.content.licences)
        name = next(name for name, id in _licences(ruling) if id == found.licence)
        return Decision(f"Your organisation refused the licence {name}. {_sentence(found.text)}", where)

    def _denied(self, about: About) -> Decision | None:
        for source in self.sources:
            for rule in source.content.models.deny:
                if any(self._is_about(rule, about, id, denies=True) for _, id in _licences(about.ruling)):
                    said = f"Your organisation does not allow {rule.models}. {_sentence(rule.reason)}"
                    return Decision(said.strip(), source.where)
        return None

    def _not_among_allowed(self, about: About) -> Decision | None:
        rules = [rule for source in self.sources for rule in source.content.models.allow]
        if not rules:
            return None
        for name, id in _licences(about.ruling):
            if not any(self._is_about(rule, about, id, denies=False) for rule in rules):
                where = next(source.where for source in self.sources if source.content.models.allow)
                said = f"Your organisation allows only models that it has chosen, and this one ({name}) is not among them."
                return Decision(said, where)
        return None

    def _is_about(self, rule: Rule, about: About, licence: str, *, denies: bool) -> bool:
        """Whether a rule means this model, as far as one of its licences is concerned."""
        bases, makers, families = (about.bases, about.base_makers, about.base_families) if denies else ((), (), ())
        at_work = about.ruling.commercial.answer not in MAY_NOT or self._is_approved(about.ruling)
        return (
            (not rule.licence or _like(licence, rule.licence))
            and (not rule.openness or about.ruling.openness in _steps(rule.openness, denies=denies))
            and (not rule.maker or _any_like((*about.makers, *makers), rule.maker))
            and (not rule.family or _any_like((*about.families, *families), rule.family))
            and (not rule.repository or _any_like((*about.repos, *bases), rule.repository))
            and (not rule.use or at_work is not denies)
        )

    def _is_approved(self, ruling: Ruling) -> bool:
        found = self.verdict_on(ruling)
        return found is not None and found.decision == "approved"

    def problems(self, licences: Licences) -> list[str]:
        """What in it cannot be meant so: ids that are no licences, the same models allowed and denied."""
        if self.broken:
            return [self.broken]
        said = [each for source in self.sources for each in source.content.licences]
        both = {x.licence for x in said if x.decision == "approved"} & {x.licence for x in said if x.decision == "refused"}
        found = [f"{source.where}: {why}" for source in self.sources for why in _problems(source.content, licences)]
        return found + [f"the licence {id} is both approved and refused, so it is refused" for id in sorted(both)]

    def lines(self) -> Iterator[str]:
        """All of it in sentences, file by file."""
        if not self.is_set:
            yield "Your organisation has decided nothing here: every model may be used."
        for source in self.sources:
            yield f"{source.where}:"
            content = source.content
            yield from (f"  not allowed: {rule.models}. {_sentence(rule.reason)}".rstrip() for rule in content.models.deny)
            yield from (f"  allowed: {rule.models}. {_sentence(rule.reason)}".rstrip() for rule in content.models.allow)
            yield from (f"  {each.decision}: {each.licence}. {_sentence(each.text)}" for each in content.licences)

    def to_json(self) -> dict[str, Any]:
        """All rules together, by their keys."""
        contents = [source.content for source in self.sources]
        return {
            "models": {
                "allow": [msgspec.to_builtins(rule) for content in contents for rule in content.models.allow],
                "deny": [msgspec.to_builtins(rule) for content in contents for rule in content.models.deny],
            },
            "licences": [msgspec.to_builtins(verdict) for content in contents for verdict in content.licences],
        }


def read(folder: Path | None = None) -> Policy:
    """What holds on this computer. No error: a policy that cannot be read is one that allows nothing."""
    found: list[Source] = []
    try:
        for source in SOURCES if folder is None else (lambda: _from_files(folder),):
            found += source()
    except (AlcoveError, OSError) as error:
        return Policy(broken=str(error) if isinstance(error, AlcoveError) else f"{error.filename}: {error.strerror}.")
    return Policy(tuple(found))


def check(path: Path) -> Policy:
    """One file by itself, whether it is in force or not. Raises Corrupt, and OSError where it cannot be read."""
    return Policy((Source(str(path), _decode(path)),))


def _from_files(folder: Path) -> Iterator[Source]:
    """On Linux, and elsewhere but on Windows: files that only an administrator may write."""
    first = folder / "policy.json"
    if os.path.lexists(first):
        yield Source(str(first), _decode(first))
    more = folder / "policy.d"
    if os.path.lexists(more):
        for name in sorted(name for name in os.listdir(more) if name.endswith(".json")):
            yield Source(str(more / name), _decode(more / name))


SOURCES: tuple[Callable[[], Iterable[Source]], ...] = (lambda: () if sys.platform == "win32" else _from_files(POLICY),)


def _decode(path: Path) -> Content:
    with path.open("rb") as file:
        content = file.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise Corrupt(path=str(path), why="it is larger than any policy")
    try:
        return msgspec.json.decode(content, type=Content)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Corrupt(path=str(path), why=str(error)) from error


def _problems(content: Content, licences: Licences) -> Iterator[str]:
    named = [rule.licence for rule in (*content.models.allow, *content.models.deny) if rule.licence]
    for id in dict.fromkeys([*named, *(verdict.licence for verdict in content.licences)]):
        if not any(_like(known, id) for known in licences):
            yield f"there is no licence “{id}”; alcove licence ID knows them"
    denied = [msgspec.structs.replace(rule, reason="") for rule in content.models.deny]
    for rule in content.models.allow:
        if msgspec.structs.replace(rule, reason="") in denied:
            yield f"{rule.models} are both allowed and denied, so they are denied"


def _steps(openness: str, *, denies: bool) -> tuple[str, ...]:
    """The steps of the ladder that a rule means: what nobody states may have conditions, so it goes where those go."""
    return ("conditions", "unknown") if denies and openness == "conditions" else (openness,)


def names_of(maker: str) -> tuple[str, ...]:
    """How a maker may be called: "Alibaba (Qwen)" is Alibaba, and Qwen."""
    return (maker, *filter(None, (part.strip() for part in re.split(r"[()]", maker)))) if "(" in maker else (maker,)


def _licences(ruling: Ruling) -> tuple[tuple[str, str], ...]:
    """Name and id of each licence."""
    return tuple((licence.name, licence.id) for licence in ruling.licences)


def _any_like(names: Iterable[str], pattern: str) -> bool:
    return any(_like(name, pattern) for name in names)


def _like(name: str, pattern: str) -> bool:
    return fnmatchcase(_plain(name), _plain(pattern))


def _plain(name: str) -> str:
    return re.sub(r"[\s_]+", "-", name.strip().lower())


def _sentence(words: str) -> str:
    """Words of an administrator's as a sentence."""
    return words if not words or words.endswith((".", "?", "!")) else f"{words}."
