"""What is known of each licence, as its file in resources/licences/ has it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Literal

Reply = Literal["yes", "if", "no", "unknown"]
STRICTNESS: tuple[Reply, ...] = ("yes", "if", "unknown", "no")  # least strict first
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
    """Countries in which a licence grants nothing.

    `named`: what is in the names of the models that it is about, as regular expressions, where it is not about all of a licence;
    `exactly` is what to say of those.
    """

    excluded: tuple[str, ...]
    scope: str
    clause: str | None = None
    named: tuple[str, ...] = ()
    exactly: str | None = None

    def is_of(self, names: Iterable[str]) -> bool:
        """Whether a model with one of these names is one of those."""
        return any(re.search(pattern, name.lower()) for pattern in self.named for name in names)


@dataclass(frozen=True)
class Link:
    """One of the things that make a model fully open, whether it is public, and where. `note` is a whole sentence."""

    what: Literal["weights", "data", "code", "recipe", "checkpoints"]
    public: Literal["yes", "partly", "no", "unknown"]
    url: str | None = None
    note: str | None = None


@dataclass(frozen=True)
class Licence:
    """One file of resources/licences/. With `text_read` false it is known from others, not from its full text.

    What is empty there the licence does not have, but for the fields that `unknown` names: those nobody has read.
    """

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
    condition: str | None = None  # for work, the one that matters most, where that is not the whole of the answer's reason
    version: str | None = None
    date: str | None = None
    text_path: Path | None = None  # the full text, for those that may be passed on
    stated_as: tuple[str, ...] = ()  # tags of other licences that its makers use for it: no contradiction
    models: tuple[str, ...] = ()  # original repositories under it, as patterns: "meta-llama/Llama-3.1-*"
    named: tuple[str, ...] = ()  # what is in the names of models that others made from those, as regular expressions
    duties: tuple[Duty, ...] = ()
    restrictions: tuple[str, ...] = ()
    thresholds: tuple[Threshold, ...] = ()
    naming: str | None = None
    territory: Territory | None = None
    termination: str | None = None
    governing_law: str | None = None
    unknown: tuple[str, ...] = ()
    unsure: dict[str, str] = field(default_factory=dict, hash=False)  # field -> why it is less sure than the rest
    notes: str | None = None

    def is_of(self, repo: str) -> bool:
        """Whether it is the licence of an original repository, "OWNER/NAME", as far as we know."""
        return any(fnmatchcase(repo.lower(), pattern.lower()) for pattern in self.models)
