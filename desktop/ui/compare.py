"""The page on which two licences, or those of two models, stand side by side."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QGridLayout, QVBoxLayout, QWidget

from desktop.comparison import Comparison, Point, What, compare
from desktop.licences import Ruling
from desktop.ui import theme, verdict
from desktop.ui.buttons import Button, Chip
from desktop.ui.cards import Card
from desktop.ui.labels import Label
from desktop.ui.licence import as_far_as_we_know
from desktop.ui.openness import OpennessView
from desktop.ui.page import Page
from desktop.ui.pills import Pill
from desktop.ui.side_chooser import Choice, SideChooser

NARROW = 620  # px at scale 1 of the column; below it the two stand below each other


class ComparePage(Page):
    """`chosen` asks for the licence of a reference on one side (0 or 1); `show_side` brings it."""

    back_clicked = Signal()
    chosen = Signal(int, str, str)  # side, reference, name

    def __init__(self) -> None:
        super().__init__(self.tr("Compare licences"), self.tr("What one lets you do and the other does not."))
        self._sides: list[tuple[str, Ruling] | None] = [None, None]
        self.back = Button(self.tr("Back"), "link", "chevron-left")
        self.back.clicked.connect(self.back_clicked)
        self.above.addWidget(self.back, 0, Qt.AlignmentFlag.AlignLeft)
        self.choosers = (SideChooser(self.tr("The first of the two")), SideChooser(self.tr("The one to compare it with")))
        self._heads = (_Head(), _Head())
        for side, chooser in enumerate(self.choosers):
            chooser.chosen.connect(lambda reference, name, side=side: self.chosen.emit(side, reference, name))
        self.only = Chip(self.tr("Only what differs"))
        self.only.toggled.connect(lambda _: self._show())
        self._sum = Label("", "strong")
        self._empty = Label(
            self.tr("Choose what to compare with: a model on this computer, one that can be downloaded, or a licence."),
            "body",
            "soft",
        )
        self._grid = QGridLayout()
        self._grid.setSpacing(theme.GRID * 2)
        self.body.addLayout(self._grid)
        self.body.addWidget(self._empty)
        self.body.addWidget(self._sum)
        self.body.addWidget(self.only, 0, Qt.AlignmentFlag.AlignLeft)
        self._points = QVBoxLayout()
        self._points.setSpacing(theme.GRID * 2)
        self.body.addLayout(self._points)
        self.body.addWidget(as_far_as_we_know())
        self._cards: list[_PointCard] = []
        self._narrow: bool | None = None
        self._arrange()

    def set_choices(self, choices: Sequence[Choice]) -> None:
        """What can be compared."""
        for chooser in self.choosers:
            chooser.set_choices(choices)

    def show_first(self, name: str, ruling: Ruling) -> None:
        """Begin with one, and ask for the other."""
        self._sides[1] = None
        self.choosers[1].show_chosen("")
        self.show_side(0, name, ruling)
        self.verticalScrollBar().setValue(0)
        self.choosers[1].setFocus(Qt.FocusReason.OtherFocusReason)

    def show_side(self, side: int, name: str, ruling: Ruling) -> None:
        """One of the two is known."""
        self._sides[side] = name, ruling
        self.choosers[side].show_chosen(name)
        self._show()

    @property
    def comparison(self) -> Comparison | None:
        """What is shown, once both are chosen."""
        left, right = self._sides
        return compare(left[1], right[1]) if left and right else None

    def _show(self) -> None:
        for head, side in zip(self._heads, self._sides, strict=True):
            head.show_side(side[1] if side else None)
        for card in self._cards:
            card.hide()
            card.deleteLater()
        self._cards = []
        found = self.comparison
        for widget in (self._sum, self.only):
            widget.setVisible(found is not None)
        self._empty.setVisible(found is None)
        if found is None:
            return
        count, all_points = len(found.differing), len(found.points)
        words = self.tr("They differ in {count} of {all} points.") if count else self.tr("They say the same in all {all} points.")
        self._sum.setText(words.format(count=count, all=all_points))
        left, right = (side[0] for side in self._sides if side)
        for point in found.differing if self.only.isChecked() else found.points:
            card = _PointCard(point, (left, right), narrow=bool(self._narrow))
            self._cards.append(card)
            self._points.addWidget(card)
            card.show()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        narrow = self.viewport().width() < theme.scaled(NARROW)
        if narrow == self._narrow:
            return
        self._narrow = narrow
        for side in (0, 1):
            for row, widget in enumerate((self.choosers[side], self._heads[side])):
                self._grid.removeWidget(widget)
                place = (row + 2 * side, 0) if narrow else (row, side)
                self._grid.addWidget(widget, *place, Qt.AlignmentFlag.AlignTop)
            self._grid.setColumnStretch(side, 0 if narrow and side else 1)
        self._show()


class _Head(QWidget):
    """The licence of one side: its name, its badge and its step."""

    def __init__(self) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.GRID)
        self._inside: QWidget | None = None

    def show_side(self, ruling: Ruling | None) -> None:
        """Show it, or nothing."""
        if self._inside is not None:
            self._inside.hide()
            self._inside.deleteLater()
            self._inside = None
        if ruling is None:
            return
        inside = self._inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID)
        said = verdict.licence(ruling)
        column.addWidget(Label(ruling.name, "strong", selectable=True))
        column.addWidget(Pill(said.words, said.tone, said.icon))
        column.addWidget(OpennessView(ruling))
        column.addWidget(Label(ruling.headline, "small", "soft"))
        self._column.addWidget(inside)
        inside.show()


class _PointCard(Card):
    """One point: what it is, whether they differ, and what each of the two says."""

    def __init__(self, point: Point, names: tuple[str, str], *, narrow: bool) -> None:
        super().__init__(padding=16, spacing=theme.GRID)
        title = self._title(point.what)
        said = self._how(point)
        self.setAccessibleName(f"{title} {said}")
        head = QBoxLayout(QBoxLayout.Direction.TopToBottom if narrow else QBoxLayout.Direction.LeftToRight)
        head.setSpacing(theme.GRID // 2)
        head.addWidget(Label(title, "strong"), 1)
        head.addWidget(Label(said, "section", "warning" if point.differs else "soft", wrap=narrow))
        self.body.addLayout(head)
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.GRID * 3)
        grid.setVerticalSpacing(theme.GRID)
        for side in (0, 1) if point.left != point.right else (0,):
            grid.addWidget(self._side(point, side, names[side]), *((side, 0) if narrow else (0, side)))
            grid.setColumnStretch(side, 0 if narrow and side else 1)
        self.body.addLayout(grid)

    def _side(self, point: Point, side: int, name: str) -> QWidget:
        part = QWidget()
        column = QVBoxLayout(part)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID // 2)
        if point.left != point.right:
            column.addWidget(Label(name, "small", "soft"))
        sentences, others = (point.left, point.right) if side == 0 else (point.right, point.left)
        if point.answers is not None:
            given = verdict.answer(point.answers[side], of_making=point.what == "audit")
            column.addWidget(Pill(given.words, given.tone, given.icon))
        if point.what == "openness":
            sentences = others = tuple(verdict.rung(each).words for each in sentences)
        for sentence in sentences:
            column.addWidget(Label(sentence, "small", selectable=True))
            if point.answers is None and point.what != "openness" and sentence not in others:
                column.addWidget(Label(self.tr("Only here"), "section", "warning"))
        if not sentences:
            column.addWidget(Label(self.tr("Nothing is said about it."), "small", "soft"))
        column.addStretch(1)
        return part

    def _how(self, point: Point) -> str:
        """Whether they differ, in words."""
        if not point.differs:
            return self.tr("The same")
        if point.answers is not None and point.answers[0].answer == point.answers[1].answer:
            return self.tr("Both with conditions, but not the same ones")
        return self.tr("Different")

    def _title(self, what: What) -> str:
        at_work, pass_on, check = verdict.questions()
        return {
            "openness": self.tr("How open it is"),
            "commercial": at_work,
            "share": pass_on,
            "audit": check,
            "training": self.tr("May I train other models with its answers?"),
            "limits": self.tr("From which size on something changes"),
            "territory": self.tr("Where it holds"),
            "naming": self.tr("How changed models must be called"),
            "duties": self.tr("What to do when passing it on"),
            "restrictions": self.tr("What is not allowed"),
            "ending": self.tr("When it ends"),
        }[what]
