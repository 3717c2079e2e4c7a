"""What this computer is and what suits it: looked up after the window is shown, and again when models come or go."""

from collections.abc import Generator
from dataclasses import dataclass, replace

from PySide6.QtCore import QObject, Signal

from desktop.app import App
from desktop.errors import AlcoveError
from desktop.fit import Fit
from desktop.hardware import Hardware
from desktop.library import LocalModel
from desktop.licences import Ruling
from desktop.policy import Verdict
from desktop.targets import Target, name_of
from desktop.ui import verdict
from desktop.ui.chooser import ModelChoice
from desktop.ui.tasks import Tasks, once
from desktop.versions import Change

MEASURE_TASK = "measure"


@dataclass(frozen=True)
class About:
    """What the panel says of a model: its name, how it fits (None when that cannot be told), and what its licence allows."""

    reference: str
    name: str
    fit: Fit | None
    ruling: Ruling
    replaces: str = ""  # the name of another model that is open now and would be given up
    freed_bytes: int = 0  # what that gives back
    sees: bool = False  # whether it takes pictures
    refused: str = ""  # why the organisation does not allow it
    change: Change | None = None  # of the licence, with a newer version that is known of
    said: Verdict | None = None  # the organisation's word on the licence


class Advice(QObject):
    """Slow questions to the App, each as a task, with the latest answers kept."""

    hardware_found = Signal(object)  # Hardware
    offers_ranked = Signal(object)  # tuple[Offer, ...]
    choices_judged = Signal(object)  # tuple[ModelChoice, ...]
    described = Signal(object)  # About
    undescribed = Signal(str)  # the reference of a model that is gone, or whose file cannot be read
    measuring = Signal(float)  # how fast this computer is, is being measured: 0 to 1
    measured = Signal()  # that is over, in one way or another
    settled = Signal()  # all this has been found out: the computer is free for something else
    failed = Signal(AlcoveError)

    def __init__(self, tasks: Tasks, app: App, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks, self._app = tasks, app
        self.hardware: Hardware | None = None
        self._asked_to_measure = False

    def look(self) -> None:
        """Look at the computer, then judge everything for it."""
        task = self._tasks.start(once(self._app.computer.hardware), key="hardware")
        task.done.connect(self._on_hardware)
        task.failed.connect(self.failed)

    def judge(self) -> None:
        """Rank the catalogue and judge the models that are here, when the computer is known."""
        if self.hardware is None:
            return
        task = self._tasks.start(once(self._app.suggestions.offers, self.hardware), key="offers")
        task.done.connect(self.offers_ranked)
        task.failed.connect(self.failed)
        task.over.connect(self._measure)
        task = self._tasks.start(self._choices(self.hardware), key="choices")
        task.done.connect(self.choices_judged)
        task.over.connect(self._measure)

    def describe(self, reference: str) -> None:
        """Find out what the panel is to say of a model."""
        task = self._tasks.start(once(self._about, reference), key="about")
        task.done.connect(self.described)
        task.failed.connect(lambda _: self.undescribed.emit(reference))

    def stop_measuring(self) -> None:
        """Not now: the person does not want to wait, or the computer is needed. It is done at the next start."""
        self._tasks.cancel(MEASURE_TASK)

    def _measure(self) -> None:
        """When this computer or its engine are new: once a start, after everything that is shown without it."""
        busy = self._tasks.get("offers") or self._tasks.get("choices")
        if busy:
            return
        if self._asked_to_measure or not self._app.computer.measure_due:
            self.settled.emit()
            return
        self._asked_to_measure = True
        task = self._tasks.start(self._app.computer.measure(), key=MEASURE_TASK)
        task.yielded.connect(lambda step: self.measuring.emit(step.fraction))
        task.done.connect(self.judge)
        task.cancelled.connect(self.settled)
        task.failed.connect(self.settled)
        task.over.connect(self.measured)

    def _on_hardware(self, found: Hardware) -> None:
        self.hardware = found
        self.hardware_found.emit(found)
        self.judge()

    def _choices(self, found: Hardware) -> Generator[None, None, tuple[ModelChoice, ...]]:
        choices = []
        for local in self._app.library.list():
            if local.complete:
                yield
                target = self._app.targets.of(local.id)
                judged = self._fit(target, found)
                words = verdict.verdict(judged.verdict).words if judged else ""
                words = verdict.refused().words if self._refused(target) else words
                choices.append(ModelChoice(local.id, name_of(target), words))
        return tuple(choices)

    def _refused(self, target: Target) -> str:
        """Why the organisation does not allow a model; a file that cannot be read says so when it is opened."""
        try:
            return self._app.rights.refusal(target)
        except AlcoveError:
            return ""

    def _about(self, reference: str) -> About:
        target, opened = self._app.targets.of(reference), self._app.running.opened
        is_open = opened is not None and opened.path == target.path
        judged = self._fit(target, self.hardware) if self.hardware is not None and not is_open else None
        fit = opened.fit if opened is not None and is_open else judged
        ruling, sees = self._app.rights.ruling(target), self._app.running.sees(reference)
        about = About(reference, name_of(target), fit, ruling, sees=sees, refused="" if is_open else self._refused(target))
        about = replace(about, change=self._app.rights.newer_licence(target), said=self._app.policy.verdict_on(ruling))
        if is_open or opened is None or judged is None:
            return about
        return replace(about, replaces=self._name(opened.reference), freed_bytes=sum(self._app.engine.held_bytes().values()))

    def _name(self, reference: str) -> str:
        """Of a model that was opened, even if its file is gone since."""
        try:
            return name_of(self._app.targets.of(reference))
        except AlcoveError:
            return reference

    def _fit(self, target: Target, found: Hardware) -> Fit | None:
        """None for a file that cannot be read: opening it will say why."""
        try:
            return self._app.estimates.of(target, hardware=found)
        except AlcoveError:
            return None


def unjudged(models: tuple[LocalModel, ...], app: App) -> tuple[ModelChoice, ...]:
    """The models that are here, before anything is known of the computer."""
    return tuple(ModelChoice(model.id, name_of(app.targets.of(model.id))) for model in models if model.complete)
