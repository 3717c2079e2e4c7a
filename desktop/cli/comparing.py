"""Two licences side by side, as lines."""

from collections.abc import Iterator
from typing import Any

from desktop.comparison import Comparison, Point
from desktop.terminal import OPENNESS_WORDS, say
from desktop.versions import Change

ANSWERS = {"yes": "yes", "if": "yes, with conditions", "no": "no", "unknown": "not known"}
POINT_WORDS = {
    "openness": "How open it is",
    "commercial": "May I use it at work?",
    "share": "May I change it and pass it on?",
    "audit": "Can anyone check how it was made?",
    "training": "May I train other models with its answers?",
    "limits": "From which size on something changes",
    "territory": "Where it holds",
    "naming": "How changed models must be called",
    "duties": "What to do when passing it on",
    "restrictions": "What is not allowed",
    "ending": "When it ends",
}


def show(found: Comparison, names: tuple[str, str]) -> None:
    """Two licences point by point; what only one of them says is marked in words."""
    for name, ruling in zip(names, (found.left, found.right), strict=True):
        say(f"{name}: {ruling.name}")
    for point in found.points:
        say(f"\n{POINT_WORDS[point.what]} · {'different' if point.differs else 'the same'}")
        for side, name in enumerate(names):
            for sentence in _said(point, side):
                say(f"  {name}: {sentence}")
    say(f"\nThey differ in {len(found.differing)} of {len(found.points)} points.")
    say("As far as we know; this is not legal advice.")


def _said(point: Point, side: int) -> Iterator[str]:
    """What one side says to a point."""
    sentences, others = (point.left, point.right) if side == 0 else (point.right, point.left)
    if point.what == "openness":
        yield from (OPENNESS_WORDS[each] for each in sentences)
    elif point.answers is not None:
        yield from (f"{ANSWERS[point.answers[side].answer]}: {each}" for each in sentences)
    else:
        yield from (each if each in others else f"only here: {each}" for each in sentences)
    if not sentences:
        yield "nothing is said about it"


def changed_words(change: Change) -> str:
    """A version that comes under another licence than the one here, and what changes in the answers."""
    said = f"{change.name} is here under the {change.was.name}; this version comes under the {change.now.name}."
    for point in change.answers:
        was, now = (ANSWERS[given.answer] for given in point.answers or ())
        said += f" {POINT_WORDS[point.what]} It was {was}, it becomes {now}."
    return said


def changed_json(change: Change) -> dict[str, Any]:
    """The same for programs."""
    answers = {point.what: [given.answer for given in point.answers or ()] for point in change.answers}
    return {"name": change.name, "was": change.was.licence, "now": change.now.licence, "answers": answers}
