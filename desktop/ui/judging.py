"""How one model would run: at once by the formula, and by the engine itself when the choice has rested for a moment."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from PySide6.QtCore import QObject, QTimer, Signal

from desktop.errors import AlcoveError
from desktop.fit import Fit, Wish
from desktop.ui.tasks import Task, Tasks

JUDGE_TASK = "judge"  # one at a time: whoever asks now is the one who is looked at
REST_S = 0.3  # without a change before the engine is asked


Estimate = Callable[[str, Wish], Fit | None]  # instant; None where nothing is known before the file's header is read
Judge = Callable[[str, Wish], Iterator[Any]]  # yields App's steps, returns its Judgement


@dataclass(frozen=True)
class Judges:
    """What a page needs to judge models: App's two ways, and what was wished of each model before."""

    tasks: Tasks
    estimate: Estimate
    judge: Judge
    wishes: Callable[[str], Wish]  # by a model's reference
    host: str  # where models come from, and what is read of them before
    accuracy: Callable[[], str] = lambda: ""  # how exact such figures have been here, as a sentence


class Judging(QObject):
    """Asked with `ask`, as often as one likes; `leave` when nobody looks any more."""

    estimated = Signal(object)  # Fit
    checking = Signal(str)  # "header" or "engine": what is asked now
    settled = Signal(object)  # Judgement
    failed = Signal(AlcoveError)

    def __init__(self, judges: Judges, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._judges = judges
        self._task: Task | None = None
        self._asked: tuple[str, Wish] | None = None
        self._rest = QTimer(self)
        self._rest.setSingleShot(True)
        self._rest.setInterval(round(REST_S * 1000))
        self._rest.timeout.connect(self._check)

    def ask(self, reference: str, wish: Wish) -> Fit | None:
        """Estimate now, and check soon; what was being checked is given up."""
        self.leave()
        self._asked = reference, wish
        fit = self._judges.estimate(reference, wish)
        if fit is not None:
            self.estimated.emit(fit)
        self._rest.start()
        return fit

    def again(self) -> None:
        """Check once more, without waiting: the person asked for it."""
        if self._asked is not None:
            self.leave()
            self._check()

    def leave(self) -> None:
        """Stop what is being checked."""
        self._rest.stop()
        if self._task is not None:
            self._task.cancel()
            self._task = None

    def _check(self) -> None:
        assert self._asked is not None
        self.checking.emit("")
        task = self._task = self._judges.tasks.start(self._judges.judge(*self._asked), key=JUDGE_TASK)
        task.yielded.connect(self._on_step)
        task.done.connect(self._on_done)
        task.failed.connect(self._on_failed)

    def _on_step(self, step: object) -> None:
        if self.sender() is self._task:
            self.checking.emit(getattr(step, "stage", ""))

    def _on_done(self, judgement: object) -> None:
        if self.sender() is self._task:
            self._task = None
            self.settled.emit(judgement)

    def _on_failed(self, error: AlcoveError) -> None:
        if self.sender() is self._task:
            self._task = None
            self.failed.emit(error)
