"""The rules of a policy: what is locked and what is proposed, and which models may be used."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any

import msgspec

from desktop.licences import Licence, Ruling
from desktop.policy.schema import Content, Models, Rule, Verdict
from desktop.settings import Decided

MAY_NOT = ("no", "unknown")  # answers to whether a model may be used at work that a company has to take for no


@dataclass(frozen=True)
class Source:
    """Rules, and the place that they stand in. `machine`: they hold for everybody here, whoever runs the program."""

    where: str
    content: Content
    machine: bool = True
    loose: bool = False  # the person who runs the program could change them


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
    """All that was decided. `broken` says why it cannot be known; then nothing is allowed.

    Of several sources the first that says something of a setting holds: those of the machine come before those of the person.
    """

    sources: tuple[Source, ...] = ()
    broken: str = ""

    @property
    def is_set(self) -> bool:
        """Whether anything was decided at all."""
        return bool(self.sources or self.broken)

    @property
    def judges_models(self) -> bool:
        """Whether anything was decided about models; else no file has to be read for it."""
        return bool(self.broken) or any(each.content.models != Models() or each.content.licences for each in self.sources)

    # --- settings -------------------------------------------------------------------------------------------------------------

    @property
    def decided(self) -> Decided:
        """What lies over the person's settings and below them. Where the rules cannot be read, Alcove stays offline."""
        locked = {"offline": True} if self.broken else self._first("locked")
        return Decided(locked, self._first("defaults"))

    @property
    def locks(self) -> dict[str, str]:
        """Where each locked setting was locked, by its name."""
        return {name: self.place("locked", name) for name in self.decided.locked}

    def place(self, part: str, name: str) -> str:
        """Where the value of a setting in "locked" or "defaults" comes from; what is wrong, where the rules are broken."""
        named = (each.where for each in self.sources if name in msgspec.to_builtins(getattr(each.content, part)))
        return next(named, self.broken)

    def origin(self, name: str) -> str:
        """Where what holds of a key that is no setting was said; "" where nobody said it."""
        holds = getattr(self, name, False)  # that a switch is on, nobody has to say
        said = (each for each in self.sources if name in each.content.given())
        return next((each.where for each in said if name == "shared_folders" or getattr(each.content, name) == holds), "")

    def _first(self, part: str) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for source in reversed(self.sources):
            found |= msgspec.to_builtins(getattr(source.content, part))
        return found

    def allows(self, name: str) -> bool:
        """Whether a switch, such as "pictures", was left on everywhere."""
        return all(getattr(each.content, name) is not False for each in self.sources)

    @property
    def banner(self) -> str:
        """What stands at the top of the window."""
        return next((each.content.banner for each in self.sources if each.content.banner.strip()), "")

    @property
    def retention_days(self) -> int | None:
        """After how many days without a message a chat is deleted, the shortest that was said; None: never."""
        return min((each.content.retention_days for each in self.sources if each.content.retention_days), default=None)

    @property
    def shared_folders(self) -> tuple[str, ...]:
        """Folders with models for all, in the order in which they are read. The person's own rules add none where the machine's
        say which folders are read."""
        closed = any(each.machine and "more_folders" in each.content.given().get("locked", {}) for each in self.sources)
        open_ = [each for each in self.sources if each.machine or not closed]
        return tuple(dict.fromkeys(folder for each in open_ for folder in each.content.shared_folders))

    # --- models ---------------------------------------------------------------------------------------------------------------

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
        """A refusal goes first; an approval lifts rules, so it counts only where it is said for the whole machine."""
        said = [(source.machine, each) for source in self.sources for each in source.content.licences if each.licence == id]
        given = [each for machine, each in said if machine or each.decision == "refused"]
        return min(given, key=lambda each: each.decision != "refused", default=None)

    def _refused(self, ruling: Ruling) -> Decision | None:
        found = self.verdict_on(ruling)
        if found is None or found.decision != "refused":
            return None
        where = next(source.where for source in self.sources if found in source.content.licences)
        name = next(name for name, id in _licences(ruling) if id == found.licence)
        return Decision(f"Your organisation refused the licence {name}. {sentence(found.text)}", where)

    def _denied(self, about: About) -> Decision | None:
        for source in self.sources:
            for rule in source.content.models.deny:
                if any(self._is_about(rule, about, id, denies=True) for _, id in _licences(about.ruling)):
                    said = f"Your organisation does not allow {rule.models}. {sentence(rule.reason)}"
                    return Decision(said.strip(), source.where)
        return None

    def _not_among_allowed(self, about: About) -> Decision | None:
        for machine in (True, False):  # what a person's rules allow may not be more than what the machine's do
            chosen = [source for source in self.sources if source.machine is machine and source.content.models.allow]
            rules = [rule for source in chosen for rule in source.content.models.allow]
            for name, id in _licences(about.ruling) if rules else ():
                if not any(self._is_about(rule, about, id, denies=False) for rule in rules):
                    said = f"Your organisation allows only models that it has chosen, and this one ({name}) is not among them."
                    return Decision(said, chosen[0].where)
        return None

    def _is_about(self, rule: Rule, about: About, licence: str, *, denies: bool) -> bool:
        """Whether a rule means this model, as far as one of its licences is concerned."""
        bases, makers, families = (about.bases, about.base_makers, about.base_families) if denies else ((), (), ())
        at_work = about.ruling.commercial.answer not in MAY_NOT or self._is_approved(about.ruling)
        return (
            (not rule.licence or like(licence, rule.licence))
            and (not rule.openness or about.ruling.openness in _steps(rule.openness, denies=denies))
            and (not rule.maker or _anylike((*about.makers, *makers), rule.maker))
            and (not rule.family or _anylike((*about.families, *families), rule.family))
            and (not rule.repository or _anylike((*about.repos, *bases), rule.repository))
            and (not rule.use or at_work is not denies)
        )

    def _is_approved(self, ruling: Ruling) -> bool:
        found = self.verdict_on(ruling)
        return found is not None and found.decision == "approved"


def _steps(openness: str, *, denies: bool) -> tuple[str, ...]:
    """The steps of the ladder that a rule means: what nobody states may have conditions, so it goes where those go."""
    return ("conditions", "unknown") if denies and openness == "conditions" else (openness,)


def names_of(maker: str) -> tuple[str, ...]:
    """How a maker may be called: "Alibaba (Qwen)" is Alibaba, and Qwen."""
    return (maker, *filter(None, (part.strip() for part in re.split(r"[()]", maker)))) if "(" in maker else (maker,)


def _licences(ruling: Ruling) -> tuple[tuple[str, str], ...]:
    """Name and id of each licence."""
    return tuple((licence.name, licence.id) for licence in ruling.licences)


def _anylike(names: Iterable[str], pattern: str) -> bool:
    return any(like(name, pattern) for name in names)


def like(name: str, pattern: str) -> bool:
    """Whether a name is what a rule means."""
    return fnmatchcase(_plain(name), _plain(pattern))


def _plain(name: str) -> str:
    return re.sub(r"[\s_]+", "-", name.strip().lower())


def sentence(words: str) -> str:
    """Words of an administrator's as a sentence."""
    return words if not words or words.endswith((".", "?", "!")) else f"{words}."
