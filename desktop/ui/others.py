"""A card for the models of other programs on this computer: how many, whose, how big, and the offer to use them here."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QHBoxLayout

from desktop import text
from desktop.adopting import Candidate, Looking, Plan
from desktop.library import LocalModel
from desktop.ui import theme
from desktop.ui.buttons import Button, IconButton
from desktop.ui.cards import Card, Fold
from desktop.ui.labels import ElidedLabel, FactRow, Label

LISTED = 30  # more are counted only


class Others(Card):
    """Hidden until something is found. `take_clicked` carries the candidates; `kind` is that of its button."""

    take_clicked = Signal(object)  # tuple[Candidate, ...]
    stop_clicked = Signal()

    def __init__(self, kind: str = "primary") -> None:
        super().__init__(padding=16)
        self._plan = Plan()
        self._dismissed = False
        self.title = Label("", "card_title")
        about = Label(self.tr("They stay where they are, are not copied, and nothing of theirs is changed."), "small", "soft")
        self.take = Button(self.tr("Use them here"), kind)
        self.take.clicked.connect(lambda: self.take_clicked.emit(self._plan.candidates))
        self.close_button = IconButton("cross", self.tr("Hide this"))
        self.close_button.clicked.connect(self._on_close_clicked)
        self.looking = ElidedLabel("", "small")
        head = QHBoxLayout()
        head.setSpacing(theme.GRID * 2)
        head.addWidget(self.title, 1)
        head.addWidget(self.take)
        head.addWidget(self.close_button)
        self.body.addLayout(head)
        self.body.addWidget(about)
        self.body.addWidget(self.looking)
        self.fold: Fold | None = None
        self._about = about
        self.hide()

    def show_looking(self, looking: Looking) -> None:
        """Somebody's files are read in full, which takes a while: say so, with a way to stop it."""
        if looking.path is None or self._dismissed:
            return
        self.title.setText(self.tr("Looking at the models of other programs"))
        self.looking.setText(looking.path.name)
        self._arrange(found=False)

    def show_plan(self, plan: Plan) -> None:
        """Show what was found; nothing, where that is nothing."""
        self._plan = plan
        if self.fold is not None:
            self.fold.hide()
            self.fold.deleteLater()
            self.fold = None
        count = len(plan.candidates)
        if not count or self._dismissed:
            self.hide()
            return
        size, first = text.size(plan.size_bytes), self._program(plan.candidates[0])
        if count == 1:
            self.title.setText(self.tr("Found a model of {program} ({size})").format(program=first, size=size))
            self.take.set_text(self.tr("Use it here"))
        else:
            self.title.setText(self.tr("Found {count} models of other programs ({size})").format(count=count, size=size))
            self.take.set_text(self.tr("Use them here"))
        self.fold = Fold(self.tr("Which ones"))
        for candidate in plan.candidates[:LISTED]:
            words = self.tr("{size}, from {program}")
            words = words.format(size=text.size(candidate.size_bytes), program=self._program(candidate))
            self.fold.body.addWidget(FactRow(candidate.name, words))
        if count > LISTED:
            self.fold.body.addWidget(Label(self.tr("and {count} more").format(count=count - LISTED), "small", "soft"))
        self.body.addWidget(self.fold)
        self.setAccessibleName(self.title.text())
        self._arrange(found=True)

    def forget(self, models: Sequence[LocalModel]) -> None:
        """These are used here now."""
        paths = {model.path for model in models}
        left = tuple(candidate for candidate in self._plan.candidates if candidate.found.path not in paths)
        self.show_plan(Plan(left, self._plan.skipped))

    def _program(self, candidate: Candidate) -> str:
        return candidate.found.program or self.tr("another program")

    def _arrange(self, *, found: bool) -> None:
        self.take.setVisible(found)
        self._about.setVisible(found)
        self.looking.setVisible(not found)
        self.show()

    def _on_close_clicked(self) -> None:
        self._dismissed = True
        self.stop_clicked.emit()
        self.hide()
