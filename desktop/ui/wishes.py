"""What a person wishes of each model, kept in the settings, and App asked how the model runs so."""

from collections.abc import Callable, Generator
from typing import Any

from desktop.app import App
from desktop.errors import AlcoveError
from desktop.fit import Fit, Wish
from desktop.judging import Judgement, Step, settings_key
from desktop.offers import Target


class Wishes:
    """Models are named by their references, each of which is looked up once: a slider asks many times a second.

    `known()` tells whether the computer was looked at; that takes a second, and nobody waits for it here.
    """

    def __init__(self, app: App, known: Callable[[], bool]) -> None:
        self._app, self._known = app, known
        self._targets: dict[str, Target] = {}

    def forget(self) -> None:
        """Files have come or gone."""
        self._targets.clear()

    def estimate(self, reference: str, wish: Wish) -> Fit | None:
        """By the formula, at once; None while the computer is not known, and for a file of which nothing was read yet."""
        target = self._target(reference)
        if not self._known() or target is None:
            return None
        try:
            return self._app.estimates.of(target, context=wish.context, kv_type=wish.kv_type, goal=wish.goal)
        except AlcoveError:  # the check, which follows, tells why
            return None

    def judge(self, reference: str, wish: Wish) -> Generator[Step, None, Judgement]:
        """By the engine; slow, and raises as Estimates.judge."""
        return self._app.estimates.judge(reference, context=wish.context, kv_type=wish.kv_type, goal=wish.goal)

    def of(self, reference: str) -> Wish:
        """What was chosen for a model before."""
        target, kept = self._target(reference), self._app.settings
        if target is None:
            return Wish()
        key = settings_key(target)
        return Wish(kept.contexts.get(key), kept.kv_types.get(key), None, kept.goals.get(key))

    def keep(self, reference: str, wish: Wish) -> None:
        """Put what was chosen for a model into the settings: it is opened so from now on."""
        target, kept = self._target(reference), self._app.settings
        if target is None:
            return
        key = settings_key(target)
        choices: tuple[tuple[dict[str, Any], int | str | None], ...] = (
            (kept.contexts, wish.context),
            (kept.kv_types, wish.kv_type),
            (kept.goals, wish.goal),
        )
        for chosen, value in choices:
            if value:
                chosen[key] = value
            else:
                chosen.pop(key, None)

    def _target(self, reference: str) -> Target | None:
        if reference not in self._targets:
            try:
                self._targets[reference] = self._app.targets.of(reference)
            except AlcoveError:
                return None
        return self._targets[reference]
