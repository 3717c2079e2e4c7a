"""How verdicts, speeds, variants and licences are said in a few plain words, with the tone and the icon that go with them.

A tone is "good", "warning", "bad" or "neutral"; a saying never relies on its colour alone.
"""

from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication

from desktop import text
from desktop.fit import Fit
from desktop.licences import Answer, Ruling


@dataclass(frozen=True)
class Saying:
    """A few words with a tone and the name of an icon ("" for none)."""

    words: str
    tone: str = "neutral"
    icon: str = ""


def _tr(words: str) -> str:
    return QCoreApplication.translate("verdict", words)


def verdict(name: str) -> Saying:
    """Will it run here: one of the four verdicts."""
    return {
        "runs_well": Saying(_tr("Runs well"), "good", "check"),
        "runs_slowly": Saying(_tr("Runs, slowly"), "warning", "clock"),
        "close_apps": Saying(_tr("Runs if you close other apps"), "warning", "exclamation"),
        "too_big": Saying(_tr("Too big"), "bad", "cross"),
    }[name]


def bar_tone(name: str) -> str:
    """The colour of a memory bar under a verdict."""
    return {"good": "accent", "warning": "warning", "bad": "bad"}[verdict(name).tone]


def licence(ruling: Ruling, *, long: bool = False) -> Saying:
    """The one thing to know of a licence; `long` says it so that it stands without a heading."""
    commercial = ruling.commercial.answer
    if commercial == "no":
        return Saying(_tr("Not for work"), "bad", "cross")
    if commercial == "if":
        return Saying(_tr("Free for work, with conditions") if long else _tr("With conditions"), "warning", "exclamation")
    if commercial == "unknown":
        return Saying(_tr("Licence not known"), "warning", "exclamation")
    if ruling.openness == "full":
        return Saying(_tr("Fully open"), "good", "check")
    return Saying(_tr("Free for work"), "good", "check")


def questions() -> tuple[str, str, str]:
    """What everybody wants to know of a licence, in the order of Ruling's `commercial`, `share` and `audit`."""
    return _tr("May I use it at work?"), _tr("May I change it and pass it on?"), _tr("Can anyone check how it was made?")


def refused() -> Saying:
    """The organisation does not want a model to be used."""
    return Saying(_tr("Not allowed here"), "bad", "lock")


def answer(given: Answer, *, of_making: bool = False) -> Saying:
    """The answer to one of the three questions. `of_making`: to the third, where a No forbids nothing, and "if" is in part."""
    if of_making and given.answer == "if":
        return Saying(_tr("In part"), "warning", "exclamation")
    return {
        "yes": Saying(_tr("Yes"), "good", "check"),
        "if": Saying(_tr("Yes, if …"), "warning", "exclamation"),
        "no": Saying(_tr("No"), "warning" if of_making else "bad", "cross"),
        "unknown": Saying(_tr("Not known"), "warning", "question"),
    }[given.answer]


def because(given: Answer) -> str:
    """The sentence that matters, with the place in the text that says so."""
    if not given.clause:
        return given.because
    place = _tr("Section {clause}").format(clause=given.clause) if given.clause[0].isdigit() else given.clause
    return f"{given.because} ({place})"


def step(ruling: Ruling) -> Saying:
    """Where a licence stands on the ladder, and what is so near to the next step that it must be said."""
    if ruling.nearly == "restricted":
        return Saying(_tr("Made in the open, but its use is restricted"), "warning")
    if ruling.nearly == "nearly":
        said = rung(ruling.openness)
        return Saying(_tr("{step}; nearly fully open").format(step=said.words), said.tone)
    return rung(ruling.openness)


def rung(openness: str) -> Saying:
    """A step of the ladder by its name."""
    return {
        "conditions": Saying(_tr("Open weights, with conditions"), "warning"),
        "free": Saying(_tr("Open weights, free"), "good"),
        "full": Saying(_tr("Fully open: data and code too"), "good"),
    }.get(openness, Saying(_tr("How open it is, is not known"), "warning"))


def role(name: str) -> str:
    """What an offer is for, as its heading."""
    return {"quick": _tr("Quick"), "balanced": _tr("Balanced"), "best": _tr("Best answers")}[name]


def precision(bits: float) -> str:
    """How close a variant is to the original, by the bits it keeps of each weight."""
    if bits < 3.5:
        return _tr("Lightest")
    if bits < 4.6:
        return _tr("Light")
    if bits < 5.3:
        return _tr("Usual")
    if bits < 7:
        return _tr("Fuller")
    return _tr("Powerful") if bits < 12 else _tr("Original")


def precision_why(bits: float) -> str:
    """The same as a sentence."""
    if bits < 3.5:
        return _tr("Needs the least memory; answers are noticeably less careful.")
    if bits < 4.6:
        return _tr("Needs little memory; answers are a little less careful.")
    if bits < 5.3:
        return _tr("The usual choice: close to the original at about a third of its size.")
    if bits < 7:
        return _tr("A little closer to the original; needs more memory.")
    return _tr("Practically as good as the original; needs the most memory and writes the slowest.")


def memory(fit: Fit) -> str:
    """Needed against free: "3.4 of 11.2 GB"."""
    return amount_of(fit.total_bytes, fit.free_bytes)


def amount_of(needed_bytes: int, free_bytes: int) -> str:
    """The same of any memory."""
    return _tr("{needed} of {free}").format(needed=_shared_unit(needed_bytes, free_bytes), free=text.size(free_bytes))


def speed(fit: Fit) -> str:
    """How fast it writes, or why it does not."""
    if fit.verdict == "too_big":
        return _tr("needs {needed}, {free} are free").format(needed=text.size(fit.total_bytes), free=text.size(fit.free_bytes))
    return pace(fit)


def pace(fit: Fit) -> str:
    """How fast it would write: a figure, or a range where that is uncertain."""
    if not fit.tokens_per_s:
        return _tr("speed not known yet")
    return text.about_pace(fit.tokens_per_s, fit.tokens_per_s_low, fit.tokens_per_s_high)


def words_of_context(tokens: int) -> str:
    """A length of conversation in words: 8192 tokens -> "6,000 words"."""
    return _tr("{count} words").format(count=text.in_words(tokens))


def _shared_unit(amount: float, beside: float) -> str:
    """An amount without its unit where the one beside it has the same."""
    left, right = text.size(amount), text.size(beside)
    if right.endswith("GB") and 95e6 < amount < 1e9:
        return f"{amount / 1e9:.1f}"  # "0.8 of 21.5 GB"
    number, _, unit = left.partition(" ")
    return number if right.endswith(unit) else left
