"""The panel beside the chat: how the model does on this computer, how full its memory is, and its licence."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QScrollArea, QVBoxLayout, QWidget

from desktop import text
from desktop.fit import Fit
from desktop.licences import Ruling
from desktop.ui import theme, verdict
from desktop.ui.bars import Bar
from desktop.ui.buttons import Button
from desktop.ui.cards import line
from desktop.ui.gauge import NEARLY_FULL
from desktop.ui.labels import FactRow, Label, hint
from desktop.ui.licence import LicenceView, as_far_as_we_know
from desktop.ui.notice import Notice
from desktop.ui.pills import Pill

WIDTH = 296  # px at scale 1


class ModelPanel(QScrollArea):
    """The right column. Call `show_model`, then `show_memory` and `show_rate` after each answer; scrolls where it must."""

    all_models_clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "panel")
        self.setAccessibleName(self.tr("This model"))
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        theme.follow(self._fit)
        inside = QWidget()
        inside.setProperty("kind", "page")
        self._column = QVBoxLayout(inside)
        self._column.setContentsMargins(20, 20, 20, 20)
        self._column.setSpacing(theme.GRID)
        self._add_model()
        self.licence = LicenceView()
        self._column.addWidget(self.licence)
        self._column.addStretch(1)
        self._foot = as_far_as_we_know()
        self._column.addWidget(self._foot)
        self.setWidget(inside)
        self.show_nothing()

    def _fit(self) -> None:
        self.setFixedWidth(theme.scaled(WIDTH))

    def _add_model(self) -> None:
        self._name = Label("", "card_title")
        self._pill = Pill()
        self._about = Label("", "small", "soft")
        self._choose = Button(self.tr("Choose a real model"), "link")
        self._choose.clicked.connect(self.all_models_clicked)
        self._writes = FactRow(self.tr("Writes"))
        self._takes = FactRow(self.tr("Takes"))
        self._thinks = Label(self.tr("It thinks before each answer."), "small", "soft")
        self._replaces = Label("", "small", "soft")
        self._asleep = Label(
            self.tr("It is asleep, so none of that memory is in use. Your next message wakes it up."), "small", "soft"
        )
        self._memory = FactRow(self.tr("Conversation memory"))
        self._bar = Bar()
        self._bar.setAccessibleName(self.tr("Conversation memory"))
        self._line = line()
        self._refused = Notice(tone="bad")
        facts = (self._pill, self._writes, self._takes, self._thinks, self._replaces, self._asleep)
        self._of_model = (*facts, self._memory, self._bar, self._line)
        self._column.addWidget(self._name)
        for widget in (self._refused, self._pill, self._about, self._choose, *self._of_model[1:]):
            self._column.addWidget(widget)
        self._column.setAlignment(self._choose, Qt.AlignmentFlag.AlignLeft)
        self._column.addSpacing(theme.GRID // 2)

    def show_model(self, name: str, fit: Fit | None, ruling: Ruling, *, guide: bool = False, refused: str = "") -> None:
        """Show a model, how it fits (None while that is not known) and its licence; `refused`: why it may not be used."""
        self._refused.title.setText(self.tr("Not allowed here"))
        self._refused.sentence.setText(refused)
        for each in (self._refused, self._refused.title, self._refused.sentence):
            each.setVisible(bool(refused))
        fit = None if refused else fit
        self._name.setText(name)
        self._about.setText(self.tr("A tiny model that came with Alcove and knows this app. It is not a real assistant."))
        self._about.setVisible(guide)
        self._choose.set_text(self.tr("Choose a real model"))
        self._choose.setVisible(guide)
        for part in (self._pill, self._writes, self._takes):
            part.setVisible(fit is not None)
        self._thinks.hide()
        self._replaces.hide()
        self._asleep.hide()
        if fit is not None:
            self._show_fit(fit)
        for widget in (self._memory, self._bar, self._line, self.licence, self._foot):
            widget.setVisible(True)
        self.show_memory(None if refused else 0, fit.context if fit is not None else 0)
        self.licence.show_ruling(ruling)
        self.verticalScrollBar().setValue(0)

    def _show_fit(self, fit: Fit) -> None:
        said = verdict.verdict(fit.verdict)
        words = self.tr("Runs well here") if fit.verdict == "runs_well" else said.words
        self._pill.show_as(words, said.tone, said.icon)
        self._pill.setToolTip(hint(fit.why))
        self._writes.set_value(verdict.pace(fit))
        self._writes.setVisible(fit.verdict != "too_big")  # it would not write at all
        cards = [use for use in fit.devices[1:] if not use.shares_main and use.total_bytes]
        taken = self.tr("{size} of memory").format(size=text.size(fit.total_bytes))
        if cards:
            card, main = text.size(sum(use.total_bytes for use in cards)), text.size(fit.devices[0].total_bytes)
            taken = self.tr("{card} of the graphics card, {main} of memory").format(card=card, main=main)
        self._takes.set_value(taken)
        self._takes.setToolTip(self.tr("The model, its conversation memory for the longest chat, and what it computes in."))

    def show_thinks(self, always: bool) -> None:
        """Whether the model thinks before each answer, and nothing can be done about it."""
        self._thinks.setVisible(always)

    def show_replaces(self, name: str, freed_bytes: int) -> None:
        """The next message opens this model in place of another one, which gives back so much memory."""
        words = self.tr("With the next message it takes the place of {name}, which gives back {size}.")
        self._replaces.setText(words.format(name=name, size=text.size(freed_bytes)))
        self._replaces.show()

    def show_asleep(self) -> None:
        """The model has given its memory back."""
        self._asleep.show()

    def show_memory(self, used_tokens: int | None, context: int) -> None:
        """How much of the conversation memory this chat takes, in tokens; None: not known before the next message."""
        self._memory.setVisible(used_tokens is not None)
        self._bar.setVisible(used_tokens is not None)
        if used_tokens is None:
            return
        share = min(1.0, used_tokens / context) if context else 0.0
        tone = "warning" if share >= NEARLY_FULL else "accent"
        self._memory.set_value(
            self.tr("{percent} %").format(percent=round(share * 100)), "warning" if tone == "warning" else "ink"
        )
        self._bar.set_fraction(share, tone)
        words = self.tr("This chat may grow to about {words}; then its oldest part is summarised or forgotten.")
        hint = words.format(words=verdict.words_of_context(context)) if context else ""
        self._memory.setToolTip(hint)
        self._bar.setToolTip(hint)

    def show_rate(self, tokens_per_s: float) -> None:
        """How fast the last answer was written: measured, no longer predicted."""
        if tokens_per_s > 0:
            self._writes.setVisible(True)
            self._writes.set_value(text.words_per_second(tokens_per_s))

    def show_nothing(self) -> None:
        """No model is chosen yet."""
        self._show_only(self.tr("No model yet"), self.tr("Choose a model to see how it runs here and what its licence allows."))

    def show_name(self, name: str) -> None:
        """A model of which nothing is known yet; what was said of another one goes."""
        self._show_only(name, "")

    def show_gone(self, name: str) -> None:
        """The model of a conversation is no longer here."""
        self._show_only(
            name, self.tr("This model is not on this computer any more, or its file cannot be read. Choose another one to go on.")
        )

    def _show_only(self, name: str, about: str) -> None:
        self._name.setText(name)
        self._about.setText(about)
        self._choose.set_text(self.tr("See the models"))
        self._refused.hide()
        self._about.setVisible(bool(about))
        self._choose.setVisible(bool(about))
        for widget in (*self._of_model, self.licence, self._foot):
            widget.setVisible(False)
