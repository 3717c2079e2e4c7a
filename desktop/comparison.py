"""Two licences, or the licences of two models, side by side: what is the same, and what differs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from desktop.licences import STRICTNESS, Answer, Ruling

What = Literal[
    "openness", "commercial", "share", "audit", "training", "limits", "territory", "naming", "duties", "restrictions", "ending"
]
QUESTIONS: tuple[What, ...] = ("commercial", "share", "audit")
STEPS = ("unknown", "conditions", "free", "full")  # of openness, the freest last


@dataclass(frozen=True)
class Point:
    """One thing that is compared. `left` and `right` are sentences, none where a licence says nothing of it."""

    what: What
    left: tuple[str, ...]
    right: tuple[str, ...]
    differs: bool
    answers: tuple[Answer, Answer] | None = None  # of the questions that have one


@dataclass(frozen=True)
class Comparison:
    """What two rulings say to each point."""

    left: Ruling
    right: Ruling
    points: tuple[Point, ...]

    @property
    def differing(self) -> tuple[Point, ...]:
        """Where they are not the same."""
        return tuple(point for point in self.points if point.differs)

    def to_json(self) -> dict[str, Any]:
        """The keys of `alcove licence --compare --json`."""
        points = [{"what": p.what, "left": list(p.left), "right": list(p.right), "differs": p.differs} for p in self.points]
        return {
            "left": self.left.to_json(),
            "right": self.right.to_json(),
            "points": points,
            "differences": [point.what for point in self.differing],
        }


def compare(left: Ruling, right: Ruling) -> Comparison:
    """Put two rulings side by side."""
    points = [_said("openness", (left.openness,), (right.openness,))]
    asked = [_asked(what, getattr(left, what), getattr(right, what)) for what in QUESTIONS]
    points += [point for point in asked if point.what != "audit" or _is_known(point)]
    points.append(_asked("training", training(left), training(right)))
    points += [
        _said("limits", _limits(left), _limits(right)),
        _said("territory", tuple(t.scope for t in left.territory), tuple(t.scope for t in right.territory)),
        _said("naming", left.naming, right.naming),
        _said("duties", tuple(d.text for d in left.duties), tuple(d.text for d in right.duties)),
        _said("restrictions", left.restrictions, right.restrictions),
        _said("ending", _ending(left), _ending(right)),
    ]
    return Comparison(left, right, tuple(point for point in points if point.left or point.right))


def changed(was: Ruling, now: Ruling) -> tuple[Point, ...]:
    """Which of the three answers differ, with the reasons."""
    return tuple(point for point in compare(was, now).differing if point.what in QUESTIONS)


def freeness(ruling: Ruling) -> tuple[int, int, int]:
    """For sorting, the freest first: how open it is, then the answers about work and passing on."""
    at_work, passed_on = (STRICTNESS.index(given.answer) for given in (ruling.commercial, ruling.share))
    return at_work, -STEPS.index(ruling.openness), passed_on


def training(ruling: Ruling) -> Answer:
    """May one train other models with its answers: the strictest of all that apply."""
    answers = [licence.outputs_for_training for licence in ruling.licences]
    return max(answers, key=lambda given: STRICTNESS.index(given.answer)) if answers else Answer("unknown", "")


def _asked(what: What, left: Answer, right: Answer) -> Point:
    """Two answers are the same where their words are; of two that have conditions, these must be the same too."""
    differs = left.answer != right.answer or (left.answer == "if" and left.because != right.because)
    return Point(what, _sentence(left), _sentence(right), differs, (left, right))


def _is_known(point: Point) -> bool:
    """Of a licence without a model it is not known how something was made: there is nothing to compare with then."""
    return point.answers is not None and len({given.answer == "unknown" for given in point.answers}) == 1


def _sentence(given: Answer) -> tuple[str, ...]:
    return (given.because,) if given.because else ()


def _said(what: What, left: Sequence[str], right: Sequence[str]) -> Point:
    return Point(what, tuple(left), tuple(right), set(left) != set(right))


def _limits(ruling: Ruling) -> tuple[str, ...]:
    return _once(f"{each.limit:,} {each.unit}: {each.metric}. {each.effect}" for each in ruling.thresholds)


def _ending(ruling: Ruling) -> tuple[str, ...]:
    return _once(licence.termination for licence in ruling.licences if licence.termination)


def _once(sentences: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(sentences))
