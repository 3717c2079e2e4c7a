"""How one model would run here: the verdict, what matters most, the memory, the length of conversations, what would help."""

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QHideEvent, QShowEvent
from PySide6.QtWidgets import QHBoxLayout, QSlider, QVBoxLayout, QWidget

from desktop import text
from desktop.errors import AlcoveError, Corrupt, NotAModel, UnknownArchitecture
from desktop.fit import Change, Fit, Wish
from desktop.judging import Judgement
from desktop.ui import focus, goals, theme, verdict
from desktop.ui.cards import Fold
from desktop.ui.checked import CheckedLine
from desktop.ui.help_rows import HelpRows, Version
from desktop.ui.judging import Judges, Judging
from desktop.ui.labels import FactRow, Label
from desktop.ui.memory_view import MemoryView
from desktop.ui.messages import TRY_AGAIN, Explained, explain, explain_remote
from desktop.ui.notice import Notice
from desktop.ui.pills import Pill
from desktop.ui.plan_view import PlanView

SHORTEST = 2048  # tokens at the left end of the slider


def lengths(longest: int, *also: int) -> tuple[int, ...]:
    """The conversation lengths that the slider offers, in tokens: doublings up to what the model was made for, and `also`."""
    steps = {longest, *(length for length in also if 0 < length < longest)}
    step = min(SHORTEST, longest)
    while step < longest:
        steps.add(step)
        step *= 2
    return tuple(sorted(steps))


class FitView(QWidget):
    """Call `show_model`; it estimates at once and has the engine check when nothing was changed for a moment.

    `version(change)` is how the lighter version that a change means is called, "" where there is none to show.
    """

    wished = Signal(object)  # Wish: the person chose a goal or a length
    lighter_asked = Signal(object)  # Change
    models_clicked = Signal()
    look_again_clicked = Signal()
    act_clicked = Signal(str, object)  # what an error's button does (ui/messages.py), and the error
    judged = Signal(object)  # Fit: estimated or checked

    def __init__(self, judges: Judges, version: Version = lambda _: "") -> None:
        super().__init__()
        self._judges, self._version = judges, version
        self._judging = Judging(judges, self)
        self._reference, self._wish = "", Wish()
        self._lengths: tuple[int, ...] = ()
        self._settled = False
        self._error: AlcoveError | None = None
        self.fit: Fit | None = None
        self.pill, self.speed = Pill(), Label("", "small", "soft")
        self.goals = goals.GoalChoice()
        self.memory = MemoryView()
        self.length = FactRow(self.tr("Length of the conversation"))
        self.slider = self._slider()
        self.why = Label("", "body", selectable=True)
        self.checked = CheckedLine()
        self.help = HelpRows(self.checked.again)
        self.notice = Notice("-", "-", "-", tone="warning")
        self.notice.hide()
        self.plan = PlanView()
        self.details = Fold(self.tr("Details of how it would be opened"), kind="fold")
        self.details.body.addWidget(self.plan)
        self._build()
        self._connect()

    def _slider(self) -> QSlider:
        slider = QSlider(Qt.Orientation.Horizontal)
        slider.setAccessibleName(self.tr("Length of the conversation that the model remembers"))
        slider.setPageStep(1)
        slider.setMinimumHeight(24)
        return slider

    def _build(self) -> None:
        first = QHBoxLayout()
        first.setSpacing(theme.GRID)
        first.addWidget(self.pill)
        first.addWidget(self.speed, 1)
        said = _column(theme.GRID)
        said.addLayout(first)
        said.addWidget(self.why)
        talk = _column(focus.ROOM + 1)  # the ring round the slider leaves the words alone
        talk.addWidget(self.length)
        talk.addWidget(self.slider)
        self._known = QWidget()  # what only a judged model has
        known = _column(theme.GRID * 2, self._known)
        for part in (said, self.memory, talk):
            known.addWidget(part) if isinstance(part, QWidget) else known.addLayout(part)
        self._choices = QWidget()
        choices = _column(theme.GRID * 2, self._choices)
        for choice in (self.help, self.goals, self.details):
            choices.addWidget(choice)
        column = _column(theme.GRID * 2, self)
        for widget in (self.notice, self._known, self.checked, self._choices):
            column.addWidget(widget)

    def _connect(self) -> None:
        self._judging.estimated.connect(self._show_estimate)
        self._judging.checking.connect(self.checked.show_checking)
        self._judging.settled.connect(self._on_settled)
        self._judging.failed.connect(self._on_failed)
        self.slider.valueChanged.connect(self._on_moved)
        self.goals.chosen.connect(self._on_goal_chosen)
        self.help.asked.connect(self._on_help_asked)
        self.checked.again_clicked.connect(self._judging.again)
        self.notice.clicked.connect(self._on_notice_clicked)

    # --- what is asked --------------------------------------------------------------------------------------------------------

    def show_model(self, reference: str, wish: Wish) -> None:
        """Judge this model from now on, with what was wished of it before."""
        self._reference, self._wish = reference, wish
        self.goals.show_goal(wish.goal)
        self.fit, self._lengths = None, ()
        self._known.setVisible(False)
        self._choices.setVisible(False)
        self._ask()

    def stops(self) -> list[QWidget]:
        """What the keyboard reaches, as it is read."""
        rows = [row.button for row in self.help.rows]
        return [self.notice.button, self.slider, self.checked.again, *rows, *self.goals.buttons.buttons(), self.details.button]

    def look_again(self) -> None:
        """The computer was looked at again: judge once more."""
        self._settled = False
        if self.isVisible():
            self._ask()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._judging.leave()  # nobody looks any more

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._reference and not self._settled:
            self._ask()

    @property
    def wish(self) -> Wish:
        """What is asked for now."""
        return self._wish

    def context(self) -> int:
        """The shown length in tokens; 0 while nothing is known."""
        return self._lengths[self.slider.value()] if self._lengths else 0

    def _ask(self) -> None:
        self._settled = False
        self.notice.hide()
        self._judging.ask(self._reference, self._wish)

    def _want(self, wish: Wish) -> None:
        """The person wants something else."""
        self._wish = wish
        self.wished.emit(wish)
        self._ask()

    def _on_moved(self) -> None:
        self._want(replace(self._wish, context=self.context()))

    def _on_goal_chosen(self, goal: str | None) -> None:
        self.goals.show_goal(goal)
        self._want(Wish(goal=goal))  # which sets the length too

    def _on_help_asked(self, change: Change) -> None:
        """Do what a row proposes."""
        kinds = set(change.kind.split("+"))
        if kinds == {"close_apps"}:
            return self.look_again_clicked.emit()
        if kinds == {"smaller_model"}:
            return self.models_clicked.emit()
        wish = replace(self._wish, context=change.context or self._wish.context, kv_type=change.kv_type or self._wish.kv_type)
        if "lighter" not in kinds:
            return self._want(wish)
        self._wish = wish
        self.lighter_asked.emit(change)

    def _on_notice_clicked(self) -> None:
        assert self._error is not None
        act = self._explain(self._error).act
        self._judging.again() if act == TRY_AGAIN else self.act_clicked.emit(act, self._error)

    def _explain(self, error: AlcoveError) -> Explained:
        """A file of the Hub is not here, so it cannot be removed."""
        return (explain_remote if self._reference.startswith(("hf:", "http")) else explain)(error)

    # --- what is known --------------------------------------------------------------------------------------------------------

    def _show_estimate(self, fit: Fit) -> None:
        self.checked.show_estimate()
        self.plan.show_origin("")
        self._show(fit)

    def _on_settled(self, judgement: Judgement) -> None:
        self._settled = True
        self.notice.hide()
        self._show(judgement.fit)
        self.checked.show_accuracy(self._judges.accuracy())
        if judgement.source == "cache" and judgement.note:
            self.checked.show_kept(judgement.note)
        else:
            self.checked.show_checked(judgement.source, judgement.fit.method, self._judges.host)
        self.plan.show_origin(self._origin(judgement))

    def _origin(self, judgement: Judgement) -> str:
        if not judgement.header_bytes_read:
            return judgement.note
        words = self.tr("{size} of the file were read for this.").format(size=text.size(judgement.header_bytes_read))
        return f"{words} {judgement.note}".strip()

    def _on_failed(self, error: AlcoveError) -> None:
        """Why it could not be checked; what was estimated stays, unless the file itself is what is wrong."""
        self._settled, self._error = True, error
        words = self._explain(error)
        self.notice.title.setText(words.title)
        self.notice.sentence.setText(words.sentence)
        self.notice.button.set_text(words.button)
        self.notice.about(error).show()
        if isinstance(error, Corrupt | NotAModel | UnknownArchitecture):
            self._known.hide()
            self._choices.hide()
        self.checked.show_failed(again=words.act != TRY_AGAIN)

    def _show(self, fit: Fit) -> None:
        self.fit = fit
        said = verdict.verdict(fit.verdict)
        self.pill.show_as(said.words, said.tone, said.icon)
        self.speed.setText(verdict.speed(fit))
        self.why.setText(fit.why)
        self.memory.show_fit(fit)
        self._show_length(fit)
        self.help.show_changes(fit.changes, self._version)
        self.goals.show_effect(self._effect())
        self.plan.show_fit(fit)
        self._known.setVisible(True)
        self._choices.setVisible(True)
        self.judged.emit(fit)

    def _show_length(self, fit: Fit) -> None:
        context = fit.context
        if context not in self._lengths:  # else they stay, so that nothing moves under the hand
            self._lengths = lengths(max(fit.context_length, context), context)
        self.slider.blockSignals(True)
        self.slider.setRange(0, len(self._lengths) - 1)
        self.slider.setValue(self._lengths.index(context))
        self.slider.blockSignals(False)
        self.slider.setEnabled(len(self._lengths) > 1)
        words = verdict.words_of_context(context)
        self.length.set_value(self.tr("about {words}").format(words=words))
        self.slider.setAccessibleDescription(words)

    def _effect(self) -> str:
        """What the goal changes: both ways calculated, because a checked figure beside a calculated one tells nothing of it."""
        if self._wish.goal is None:
            return ""
        usual = self._judges.estimate(self._reference, replace(self._wish, goal="balanced"))
        chosen = self._judges.estimate(self._reference, self._wish)
        return goals.effect(chosen, usual) if chosen and usual else ""


def _column(gap: int, inside: QWidget | None = None) -> QVBoxLayout:
    """Things below each other, without a margin."""
    column = QVBoxLayout(inside) if inside is not None else QVBoxLayout()
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(gap)
    return column
