"""Passing a model on: whether its licence allows that, and the papers that have to go along, in a folder that people can read.

OWNER/REPO/LICENCE/READ-ME-FIRST.txt     what one may do, and has to do, in plain words
OWNER/REPO/LICENCE/LICENCE-gemma.txt     the whole text of each licence
OWNER/REPO/LICENCE/NOTICE.txt            the sentence that a licence wants in a file of this name
OWNER/REPO/LICENCE/CREDIT.txt            the lines that have to be shown
OWNER/REPO/LICENCE/CHANGES.txt           what was changed, which most licences want to be told
"""

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from desktop.acceptance import Acceptance
from desktop.errors import NotChecked, NotToBePassedOn
from desktop.library import LocalModel
from desktop.licences import UNKNOWN, Ruling
from desktop.texts import Text, Texts

CHECKED = "Whoever made this bundle has read the licence (--licence-checked)."
WIDE = 78  # letters of a line
ANSWERS = {"yes": "Yes.", "if": "Yes, if …", "no": "No.", "unknown": "Not known."}


@dataclass(frozen=True)
class Passed:
    """What is known of the licences of a model that is passed on. `checked`: who vouches for what Alcove cannot know, or ""."""

    ruling: Ruling
    texts: dict[str, Text]
    accepted: tuple[Acceptance, ...] = ()
    checked: str = ""


def check(name: str, ruling: Ruling, texts: Texts | None, word: str) -> str:
    """Whether a model may be passed on; returns the word of whoever vouches for it where one is needed.

    With texts, those of licences with conditions have to be here. Raises NotToBePassedOn, NotChecked.
    """
    for licence in ruling.licences:
        if licence.share.answer == "no":
            clause = f", Section {licence.share.clause}" if licence.share.clause else ""
            raise NotToBePassedOn(name=name, licence=licence.name, clause=clause, because=licence.share.because)
    needs = _unsure(ruling, texts)
    if needs and not word:
        stated, because = needs
        raise NotChecked(name=name, licence=stated, because=because)
    return word if needs else ""


def _unsure(ruling: Ruling, texts: Texts | None) -> tuple[str, str] | None:
    """A licence of which it cannot be said whether it lets the model be passed on as it is, and why."""
    for licence in ruling.licences:
        if licence.share.answer == "unknown":
            return licence.name, licence.share.because
        if texts is not None and licence.openness == "conditions" and texts.of(licence) is None:
            return licence.name, f"Its text has to go along, and it is not on this computer; it is at {licence.url}."
    return None


def texts_of(ruling: Ruling, texts: Texts) -> dict[str, Text]:
    """The texts that are here, by the id of their licence."""
    found = {licence.id: texts.of(licence) for licence in ruling.licences}
    return {id: text for id, text in found.items() if text}


def papers(model: LocalModel, passed: Passed) -> dict[str, bytes]:
    """The files that go into the folder LICENCE beside a model, by their names."""
    ruling = passed.ruling
    changes = list(_changes(model))
    written = {
        "READ-ME-FIRST.txt": _page(_read_me(model, passed)),
        "NOTICE.txt": ruling.notice or "",
        "CREDIT.txt": "\n".join(ruling.credits),
        "CHANGES.txt": _page(changes),
    }
    found = {name: f"{words}\n".encode() for name, words in written.items() if words}
    return found | {f"LICENCE-{id}.txt": text.path.read_bytes() for id, text in passed.texts.items()}


def _read_me(model: LocalModel, passed: Passed) -> Iterator[str]:
    ruling = passed.ruling
    yield f"{model.name}: {ruling.name}"
    yield ruling.headline
    for question, answer in (
        ("May I use it at work?", ruling.commercial),
        ("May I change it and pass it on?", ruling.share),
    ):
        clause = f" (Section {answer.clause})" if answer.clause else ""
        yield f"{question} {ANSWERS[answer.answer]} {answer.because}{clause}"
    yield from _listed("What you have to do when you pass it on:", [duty.text for duty in ruling.duties])
    yield from _listed("What is not allowed:", ruling.restrictions)
    yield from _listed("Who says that this is its licence:", [f"{source.from_}: {source.says}" for source in ruling.sources])
    if ruling.conflict:
        yield ruling.conflict
    here = [f"LICENCE-{id}.txt" for id in passed.texts]
    missing = [f"{each.name}: {each.url}" for each in ruling.licences if each.id not in passed.texts and each.id != UNKNOWN]
    yield from _listed("The texts of the licences are beside this file:", here)
    yield from _listed("The texts of these licences are not here, only at their makers':", missing)
    if passed.checked:
        yield f"Alcove could not check all that its licence asks for. {passed.checked}"
    yield "As far as we know. This is not legal advice."


def _changes(model: LocalModel) -> Iterator[str]:
    yield "What was changed"
    if model.repo:
        at = f" (revision {model.revision})" if model.revision else ""
        yield f"These files are as they were published in {model.repo}{at}. Alcove has changed nothing in them."
    else:
        yield "Alcove has changed nothing in these files."
    if model.base_models:
        made = ", ".join(model.base_models)
        yield f"Whoever published them there made them from {made}, and has converted them into another format at least."
    yield "When you change them, write below what you changed, and when."


def _listed(title: str, entries: Sequence[str]) -> Iterator[str]:
    if entries:
        lines = [textwrap.fill(f"- {entry}", WIDE, subsequent_indent="  ", break_long_words=False) for entry in entries]
        yield "\n".join([title, *lines])


def _page(paragraphs: Iterator[str] | Sequence[str]) -> str:
    """Paragraphs in lines that every program shows."""
    return "\n\n".join(
        each if "\n" in each else textwrap.fill(each, WIDE, break_long_words=False, break_on_hyphens=False) for each in paragraphs
    )
