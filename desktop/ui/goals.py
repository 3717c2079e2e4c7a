"""What matters most in a model's answers, as a choice of four, with what the choice changes here."""

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QButtonGroup, QPushButton, QVBoxLayout, QWidget

from desktop import text
from desktop.fit import Fit
from desktop.ui import icons, theme, verdict
from desktop.ui.flow import Flow
from desktop.ui.labels import Label

GOALS: tuple[str | None, ...] = (None, "speed", "quality", "long")
ICONS = {None: "balance", "speed": "bolt", "quality": "sparkle", "long": "chat"}
A_LITTLE = 0.03  # of speed or memory: less is the same for a person


def _tr(words: str) -> str:
    return QCoreApplication.translate("goals", words)


def name(goal: str | None) -> str:
    """How a goal is called."""
    return {
        None: _tr("Balanced"),
        "speed": _tr("Fast answers"),
        "quality": _tr("Best answers"),
        "long": _tr("Long conversations"),
    }[goal]


def sets(goal: str | None) -> str:
    """What a goal asks for, in plain words."""
    return {
        None: _tr("A usual length of conversation, and a speed that suits this computer."),
        "speed": _tr("Whatever makes answers come sooner, also a shorter conversation memory or a smaller form of it."),
        "quality": _tr("The conversation is kept in its most exact form, even where that is slower."),
        "long": _tr("The longest conversation that stays fast enough to its end, in a smaller form where that adds much."),
    }[goal]


def effect(fit: Fit, usual: Fit) -> str:
    """What a goal's settings change beside the balanced ones: "2 words a second faster, 0.4 GB less memory"."""
    told = []
    faster = (fit.tokens_per_s - usual.tokens_per_s) * text.WORDS_PER_TOKEN
    if usual.tokens_per_s and abs(faster) >= max(0.5, A_LITTLE * usual.tokens_per_s):
        words = _tr("about {count} words a second faster") if faster > 0 else _tr("about {count} words a second slower")
        told.append(words.format(count=max(1, round(abs(faster)))))
    more = fit.total_bytes - usual.total_bytes
    if abs(more) > A_LITTLE * usual.total_bytes:
        words = _tr("{size} more memory") if more > 0 else _tr("{size} less memory")
        told.append(words.format(size=text.size(abs(more))))
    if fit.context != usual.context:
        words = _tr("remembers {words} instead of {usual}")
        told.append(words.format(words=verdict.words_of_context(fit.context), usual=verdict.words_of_context(usual.context)))
    if not told:
        return _tr("For this model, on this computer, that is the same as balanced.")
    return _tr("Beside balanced: {changes}.").format(changes=", ".join(told))


class GoalChoice(QWidget):
    """Four buttons of which one is pressed; `chosen` is emitted by a person's click only."""

    chosen = Signal(object)  # the goal: str or None

    def __init__(self) -> None:
        super().__init__()
        self.buttons = QButtonGroup(self)
        row = Flow()
        for index, goal in enumerate(GOALS):
            button = _GoalButton(goal)
            self.buttons.addButton(button, index)
            row.add(button)
        self.buttons.idClicked.connect(lambda index: self.chosen.emit(GOALS[index]))
        self.about = Label("", "small", "soft")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID)
        column.addWidget(Label(self.tr("What matters most"), "strong"))
        column.addWidget(row)
        column.addWidget(self.about)
        self.show_goal(None)

    def show_goal(self, goal: str | None) -> None:
        """Press another one, without telling."""
        self.buttons.button(GOALS.index(goal)).setChecked(True)
        self.about.setText(sets(goal))

    def show_effect(self, words: str) -> None:
        """Say what the pressed one changes; "" says nothing."""
        self.about.setText(f"{sets(GOALS[self.buttons.checkedId()])} {words}".strip())


class _GoalButton(QPushButton):
    """One of the four, with its picture."""

    def __init__(self, goal: str | None) -> None:
        super().__init__(name(goal))
        self._goal = goal
        self.setProperty("kind", "choice")
        self.setCheckable(True)
        self.setAccessibleName(name(goal))
        self.setAccessibleDescription(sets(goal))
        self.setToolTip(sets(goal))
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.toggled.connect(self._draw)
        theme.follow(self._draw)

    def _draw(self) -> None:
        self.setIcon(icons.icon(ICONS[self._goal], "on_chosen" if self.isChecked() else "soft"))
