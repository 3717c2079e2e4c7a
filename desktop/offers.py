"""Which models to offer on this computer, in which order and why: by how useful they are at the speed they would have here."""

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

from desktop import fit as fits
from desktop import speed, text
from desktop.catalogue import Catalogue, Model, Variant
from desktop.fit import VERDICTS, Fit
from desktop.hardware import Hardware
from desktop.library import Library, LocalModel
from desktop.licences import Licences, Ruling
from desktop.speed import Rates, Speed
from desktop.targets import USUAL_BITS, Target, local_target, on_disk, reference_to, resolve

__all__ = [
    "LANGUAGES", "TASKS", "Offer", "Target", "Wanted", "local_target", "on_disk", "rank", "reference_to", "resolve", "variants",
]  # fmt: skip

RUNS = VERDICTS[:2]
ROLES = ("quick", "balanced", "best")
TASKS = ("chat", "code", "pictures", "thinking")
LANGUAGES = {
    "ar": "Arabic", "cs": "Czech", "da": "Danish", "de": "German", "el": "Greek", "en": "English", "es": "Spanish",
    "fi": "Finnish", "fr": "French", "he": "Hebrew", "hi": "Hindi", "hu": "Hungarian", "id": "Indonesian", "it": "Italian",
    "ja": "Japanese", "ko": "Korean", "nl": "Dutch", "no": "Norwegian", "pl": "Polish", "pt": "Portuguese", "ro": "Romanian",
    "ru": "Russian", "sv": "Swedish", "th": "Thai", "tr": "Turkish", "uk": "Ukrainian", "vi": "Vietnamese", "zh": "Chinese",
}  # fmt: skip
SMALL_PARAMS = 2.5e9  # models below it lose more by few bits and cost little, so they are offered with 8
MANY_BITS = 8.5
LOW_BITS = 3.9  # below, answers suffer visibly: only where nothing else fits, and never recommended

USUAL_DEPTH = 2048  # tokens said before, in a conversation that has lasted a while
COMFORT_TOKENS_PER_S = 5 / text.WORDS_PER_TOKEN  # five words a second: as fast as people read, who manage about four
SLOW_COST = 2.0  # doublings of the model that every halving of the speed below it takes away
INSTANT_TOKENS_PER_S = 10 / text.WORDS_PER_TOKEN
QUICK_BYTES, BALANCED_BYTES = 3.5e9, 12e9  # here in minutes, and without filling the disk of a small laptop
HURRY = 0.25  # for "balanced", four times as fast counts as half a generation
ROOM_SHARE = 0.25  # of what is free: what "balanced" leaves to other programs
CODER_BONUS = 1.0  # for code, a model that is made for it counts as much as one twice its size
FASTER = 1.25  # by which factor "quick" should be, beside "balanced"
NOTICEABLE = 1.15  # by which factor a less capable one must be faster, or half as large, to be a choice
CLEARLY_SMALLER = 0.8  # of the bytes, where a model is too much
Refusal = Callable[[Model, Ruling], str]  # why the organisation does not allow a model, "" where it does
STEP_UP = 0.25  # by how much a role must be more capable than the one before, or it is no choice


@dataclass(frozen=True)
class Wanted:
    """What a person asks of the models: every one of `languages` ("German"), a task of TASKS, and a goal as in fit.fit."""

    languages: tuple[str, ...] = ()
    task: str | None = None
    goal: str | None = None

    def takes(self, model: Model) -> bool:
        """Whether a model may be shown."""
        able = {
            None: True,
            "chat": _for_everyone(model),
            "code": model.chats and (is_coder(model) or model.thinks != "yes"),
            "pictures": model.chats and model.reads_pictures,
            "thinking": model.chats and model.thinks != "no" and not is_coder(model),
        }
        return able[self.task] and all(model.speaks(language) for language in self.languages)

    def bonus(self, model: Model) -> float:
        """What a model is worth more for this task than it is otherwise."""
        return CODER_BONUS if self.task == "code" and is_coder(model) else 0.0

    def recommends(self, model: Model) -> bool:
        """Whether it may carry a role, too."""
        fits_task = self.takes(model) and (self.task in ("code", "thinking") or _for_everyone(model))
        return model.core and fits_task


ANYTHING = Wanted()


@dataclass(frozen=True)
class Offer:
    """One variant of one model, judged for this computer. `id` is its reference: "qwen3-8b:Q4_K_M"."""

    id: str
    model: Model
    variant: Variant
    fit: Fit
    ruling: Ruling
    role: str | None = None
    local: LocalModel | None = None
    usual: Speed = Speed()  # in a conversation of USUAL_DEPTH tokens
    reason: str = ""  # of a role, in one sentence
    refused: str = ""  # why the organisation does not allow it

    @property
    def worth(self) -> float:
        """The model's quality, less what few bits cost: below the usual precision, half the bytes count as half the model."""
        return self.model.quality + min(0.0, math.log2(self.variant.bits / USUAL_BITS))

    @property
    def usefulness(self) -> float:
        """Its worth at the speed it surely has here: below a comfortable one, twice the time counts as a quarter of the model."""
        slower = min(0.0, math.log2(max(self.usual.low, 0.01) / COMFORT_TOKENS_PER_S))
        return self.worth + SLOW_COST * slower

    @property
    def reference(self) -> str:
        return self.id

    @property
    def size_bytes(self) -> int:
        return self.variant.size_bytes

    @property
    def verdict(self) -> str:
        return self.fit.verdict

    @property
    def tokens_per_s(self) -> float:
        return self.fit.tokens_per_s

    @property
    def left_bytes(self) -> int:
        """Of the main memory: what stays free beside it."""
        main, *cards = self.fit.devices
        return main.free_bytes - main.total_bytes - sum(card.total_bytes for card in cards if card.shares_main)

    @property
    def why(self) -> str:
        return self.refused or self.reason or self.fit.why


def is_coder(model: Model) -> bool:
    """Whether it is made for program code."""
    return "coder" in model.id


def _for_everyone(model: Model) -> bool:
    """One that talks, is no specialist for code, and does not think for minutes before each answer."""
    return model.chats and model.thinks != "yes" and not is_coder(model)


def variants(
    model: Model,
    licences: Licences,
    library: Library,
    hardware: Hardware,
    rates: Rates,
    context: int | None = None,
    refusal: Refusal = lambda model, ruling: "",
) -> tuple[Offer, ...]:
    """Every variant of a model judged, light to powerful."""
    return _Judging(licences, library.list(), hardware, rates, context, refusal=refusal).all_of(model)


def smaller(size_bytes: int, here: Iterable[LocalModel], ranked: Iterable[Offer]) -> LocalModel | Offer | None:
    """What may do where a model of this size is too much: the largest of those here, else the best that runs well."""
    most = int(size_bytes * CLEARLY_SMALLER)
    local = [model for model in here if model.complete and model.origin != "guide" and model.size_bytes <= most]
    if local:
        return max(local, key=lambda model: model.size_bytes)
    return next(
        (offer for offer in ranked if not offer.refused and offer.verdict == "runs_well" and offer.size_bytes <= most), None
    )


def rank(
    catalogue: Catalogue,
    licences: Licences,
    library: Library,
    hardware: Hardware,
    rates: Rates,
    context: int | None = None,
    wanted: Wanted = ANYTHING,
    refusal: Refusal = lambda model, ruling: "",
) -> tuple[Offer, ...]:
    """One offer a model, in the variant that suits this computer, best first. Up to three of those that fit carry a role.

    What the organisation does not allow comes last.
    """
    judging = _Judging(licences, library.list(), hardware, rates, context, wanted.goal, refusal)
    ranked = sorted(
        (_suited(judging.all_of(model), wanted) for model in catalogue.models if model.variants and wanted.takes(model)),
        key=lambda o: (
            bool(o.refused),
            VERDICTS.index(o.verdict),
            o.variant.bits < LOW_BITS,
            not o.model.core,
            -o.usefulness - wanted.bonus(o.model),
            o.size_bytes,
        ),
    )
    return _with_roles(ranked, wanted)


@dataclass(frozen=True)
class _Judging:
    """What variants are judged against."""

    licences: Licences
    local: Sequence[LocalModel]
    hardware: Hardware
    rates: Rates
    context: int | None
    goal: str | None = None
    refusal: Refusal = lambda model, ruling: ""

    @cached_property
    def known_rates(self) -> Rates:
        return speed.for_hardware(self.rates, self.hardware)

    def all_of(self, model: Model) -> tuple[Offer, ...]:
        ruling = self.licences.rule(model.evidence)
        refused = self.refusal(model, ruling)
        return tuple(self._offer(model, variant, ruling, refused) for variant in model.variants)

    def _offer(self, model: Model, variant: Variant, ruling: Ruling, refused: str) -> Offer:
        shape = model.shape(variant)
        fit = fits.fit(shape, self.hardware, self.rates, context=self.context, goal=self.goal, advise=False)
        kept = {"kv_type": fit.plan.kv_type, "load_mode": fit.plan.load_mode}
        usual = speed.predict(shape, self.known_rates, gpu_share=fit.gpu_share, depth=USUAL_DEPTH, **kept)
        local = on_disk(model, variant, self.local)
        return Offer(reference_to(model, variant), model, variant, fit, ruling, local=local, usual=usual, refused=refused)


def _suited(choices: Sequence[Offer], wanted: Wanted) -> Offer:
    """Of a model's variants: one that runs, not of few bits, with the best verdict, no slower than need be, of the usual bits.

    For speed that is the fastest which is not of few bits, for quality the most powerful.
    """
    small = choices[0].model.params_total < SMALL_PARAMS
    bits = MANY_BITS if small or wanted.goal == "quality" else USUAL_BITS
    return min(
        choices,
        key=lambda o: (
            o.verdict not in RUNS,
            o.variant.bits < LOW_BITS,
            VERDICTS.index(o.verdict),
            o.worth - o.usefulness,  # 0 for all that are comfortable
            -o.usual.tokens_per_s if wanted.goal == "speed" else abs(o.variant.bits - bits),
        ),
    )


def _with_roles(ranked: Sequence[Offer], wanted: Wanted) -> tuple[Offer, ...]:
    """Mark the quick, the balanced and the best offer: three different models, each more capable than the one before.

    On a slow computer nothing reaches the speed that a role asks for; then quick is what is fastest there.
    """

    def value(o: Offer) -> float:
        return o.worth + wanted.bonus(o.model)

    def pace(o: Offer) -> float:
        return value(o) + HURRY * math.log2(o.usual.tokens_per_s or 0.01)

    def below(o: Offer) -> list[Offer]:
        """Less capable ones that are worth it: faster, or comfortable all the same and half as large."""
        lesser = [other for other in able if value(other) <= value(o) - STEP_UP]
        return [
            other
            for other in lesser
            if other.usual.tokens_per_s >= NOTICEABLE * o.usual.tokens_per_s
            or (other.usual.low >= COMFORT_TOKENS_PER_S and 2 * other.size_bytes <= o.size_bytes)
        ]

    able = [
        o for o in ranked if not o.refused and o.verdict in RUNS and o.variant.bits >= LOW_BITS and wanted.recommends(o.model)
    ]
    if not able:
        return tuple(ranked)
    best = max(able, key=lambda o: o.usefulness + wanted.bonus(o.model))
    middle = sorted(_kept(below(best), BALANCED_WISHES), key=pace, reverse=True)
    pairs = [(o, _quick(below(o), o, pace)) for o in middle]
    balanced, quick = next((pair for pair in pairs if pair[1]), (None, middle[0] if middle else None))
    if balanced is None and quick:  # the middle is the fastest already: one that is between it and the best in both
        least = value(quick) + STEP_UP
        between = [o for o in below(best) if value(o) >= least and o.usual.tokens_per_s >= NOTICEABLE * best.usual.tokens_per_s]
        balanced = max(between, key=pace, default=None)
    roles = {o.id: role for role, o in zip(ROLES, (quick, balanced, best), strict=True) if o}
    return tuple(replace(o, role=roles[o.id], reason=_reason(roles[o.id], o)) if o.id in roles else o for o in ranked)


def _quick(choices: Sequence[Offer], balanced: Offer, pace: Callable[[Offer], float]) -> Offer | None:
    """Of those: one that answers at once and is soon here, else the fastest; None where none is faster than `balanced`."""
    least = balanced.usual.tokens_per_s
    instant = [o for o in choices if o.usual.low >= INSTANT_TOKENS_PER_S and o.size_bytes <= QUICK_BYTES]
    instant = [o for o in instant if o.usual.tokens_per_s >= FASTER * least]
    faster = [o for o in choices if o.usual.tokens_per_s > least]
    light = [o for o in faster if o.size_bytes < balanced.size_bytes] or faster  # a large mixture may be as fast as a small one
    return max(instant, key=pace, default=None) or max(light, key=lambda o: o.usual.tokens_per_s, default=None)


BALANCED_WISHES: tuple[Callable[[Offer], bool], ...] = (  # what a balanced offer should be, the weightiest first
    lambda o: o.usual.low >= COMFORT_TOKENS_PER_S,
    lambda o: o.size_bytes <= BALANCED_BYTES,
    lambda o: o.left_bytes >= ROOM_SHARE * o.fit.devices[0].free_bytes,
)


def _kept(choices: Sequence[Offer], wishes: Iterable[Callable[[Offer], bool]]) -> Sequence[Offer]:
    """Those that keep to as many of the wishes as can be had."""
    for wish in wishes:
        choices = [o for o in choices if wish(o)] or choices
    return choices


def _reason(role: str, o: Offer) -> str:
    """Why this one has the role, in one sentence."""
    pace = _pace_words(o.usual.tokens_per_s)
    if role == "quick":
        return f"Answers {pace}, and is a file of only {text.size(o.size_bytes)}."
    if role == "balanced":
        return f"Answers {pace}, and leaves {text.size(max(0, o.left_bytes))} of memory free."
    return f"The most capable that suits this computer; answers {pace}."


def _pace_words(tokens_per_s: float) -> str:
    """A speed beside that of reading, which is about four words a second."""
    words = tokens_per_s * text.WORDS_PER_TOKEN
    if words >= 10:
        return "much faster than you read"
    if words >= 5.5:
        return "faster than you read"
    if words >= 3.3:
        return "about as fast as you read"
    return f"slower than you read, {text.about_words_per_second(tokens_per_s)}"
