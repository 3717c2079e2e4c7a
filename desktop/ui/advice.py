"""What this computer is and what suits it: looked up after the window is shown, and again when models come or go."""

from collections.abc import Generator
from dataclasses import dataclass

from PySide6.QtCore import QObject, Signal

from desktop import fit as fits
from desktop.app import App
from desktop.errors import AlcoveError
from desktop.fit import Fit
from desktop.hardware import Hardware
from desktop.library import LocalModel
from desktop.licences import Ruling
from desktop.offers import Target
from desktop.ui import verdict
from desktop.ui.chooser import ModelChoice
from desktop.ui.tasks import Tasks, once


@dataclass(frozen=True)
class About:
    """What the panel says of a model: its name, how it fits (None when that cannot be told), and what its licence allows."""

    reference: str
    name: str
    fit: Fit | None
    ruling: Ruling


class Advice(QObject):
    """Slow questions to the App, each as a task, with the latest answers kept."""

    hardware_found = Signal(object)  # Hardware
    offers_ranked = Signal(object)  # tuple[Offer, ...]
    choices_judged = Signal(object)  # tuple[ModelChoice, ...]
    described = Signal(object)  # About
    undescribed = Signal(str)  # the reference of a model that is gone, or whose file cannot be read
    failed = Signal(AlcoveError)

    def __init__(self, tasks: Tasks, app: App, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks, self._app = tasks, app
        self.hardware: Hardware | None = None

    def look(self) -> None:
        """Look at the computer, then judge everything for it."""
        task = self._tasks.start(once(self._app.hardware), key="hardware")
        task.done.connect(self._on_hardware)
        task.failed.connect(self.failed)

    def judge(self) -> None:
        """Rank the catalogue and judge the models that are here, when the computer is known."""
        if self.hardware is None:
            return
        task = self._tasks.start(once(self._app.offers, self.hardware), key="offers")
        task.done.connect(self.offers_ranked)
        task.failed.connect(self.failed)
        self._tasks.start(self._choices(self.hardware), key="choices").done.connect(self.choices_judged)

    def describe(self, reference: str) -> None:
        """Find out what the panel is to say of a model."""
        task = self._tasks.start(once(self._about, reference), key="about")
        task.done.connect(self.described)
        task.failed.connect(lambda _: self.undescribed.emit(reference))

    def _on_hardware(self, found: Hardware) -> None:
        self.hardware = found
        self.hardware_found.emit(found)
        self.judge()

    def _choices(self, found: Hardware) -> Generator[None, None, tuple[ModelChoice, ...]]:
        choices = []
        for local in self._app.library.list():
            if local.complete:
                yield
                target = self._app.target(local.id)
                judged = self._fit(target, found)
                choices.append(ModelChoice(local.id, name_of(target), verdict.verdict(judged.verdict).words if judged else ""))
        return tuple(choices)

    def _about(self, reference: str) -> About:
        target = self._app.target(reference)
        judged = self._fit(target, self.hardware) if self.hardware is not None else None
        return About(reference, name_of(target), judged, self._app.ruling(target))

    def _fit(self, target: Target, found: Hardware) -> Fit | None:
        """None for a file that cannot be read: opening it will say why."""
        try:
            shape = self._app.shape(target, self._app.header(target))
        except AlcoveError:
            return None
        return fits.fit(shape, found, self._app.rates, context=self._app.context(target))


def name_of(target: Target) -> str:
    """What people call it: the catalogue's name where it has one."""
    return target.model.name if target.model is not None else target.name


def unjudged(models: tuple[LocalModel, ...], app: App) -> tuple[ModelChoice, ...]:
    """The models that are here, before anything is known of the computer."""
    return tuple(ModelChoice(model.id, name_of(app.target(model.id))) for model in models if model.complete)
