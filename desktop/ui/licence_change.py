"""Another version of a model comes under another licence: said beside the chat, and asked about before it is downloaded."""

from PySide6.QtCore import QCoreApplication, Signal
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from desktop.comparison import Point
from desktop.licences import Ruling
from desktop.ui import theme, verdict
from desktop.ui.buttons import Button
from desktop.ui.cards import line
from desktop.ui.labels import Label
from desktop.ui.notice import Notice
from desktop.ui.pills import Pill
from desktop.versions import Change

WIDTH, ANSWER = 640, 172  # px at scale 1: of the dialog, of a column with answers


class ChangeNotice(Notice):
    """What was, what is, and what changes, in a field with one button that leads to the comparison."""

    def __init__(self, change: Change) -> None:
        title = _tr("A newer version has another licence")
        lines = [
            _tr("The one you have: {licence}.").format(licence=change.was.name),
            _tr("The newer one: {licence}.").format(licence=change.now.name),
            *([in_words(point) for point in change.answers] or [_tr("The three answers stay the same.")]),
        ]
        super().__init__(title, "\n".join(lines), tone="warning", button=_tr("Compare the two"), narrow=True)


class LicenceChange(QDialog):
    """Asks before such a version is downloaded."""

    compare_clicked = Signal()

    def __init__(self, change: Change, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Another licence"))
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(theme.GRID * 2)
        title = self.tr("This version of {name} has another licence").format(name=change.name)
        column.addWidget(Label(title, "card_title"))
        words = self.tr("You have one on this computer already. What you may do with the new one is not the same.")
        column.addWidget(Label(words if change.answers else self.tr("The three answers stay the same."), "body", "soft"))
        column.addLayout(self._table(change))
        row = QHBoxLayout()
        row.setSpacing(theme.GRID)
        compare = Button(self.tr("Compare the two"), "link", "compare")
        compare.clicked.connect(self._on_compare_clicked)
        keep = Button(self.tr("Keep what I have"))
        keep.clicked.connect(self.reject)
        self.get = Button(self.tr("Download it"), "primary")
        self.get.clicked.connect(self.accept)
        row.addWidget(compare)
        row.addStretch(1)
        row.addWidget(keep)
        row.addWidget(self.get)
        column.addLayout(row)
        width = theme.scaled(WIDTH)
        self.resize(width, column.totalHeightForWidth(width))
        keep.setFocus()

    def _table(self, change: Change) -> QGridLayout:
        """The licences, and each of the three answers: as it was, and as it is."""
        grid = QGridLayout()
        grid.setHorizontalSpacing(theme.GRID * 2)
        grid.setVerticalSpacing(theme.GRID)
        grid.setColumnStretch(0, 1)
        for column, words in enumerate(("", self.tr("The one you have"), self.tr("The new one"))):
            grid.addWidget(Label(words, "section", "soft"), 0, column)
            grid.setColumnMinimumWidth(column, theme.scaled(ANSWER) if column else 0)
        grid.addWidget(line(), 1, 0, 1, 3)
        grid.addWidget(Label(self.tr("Licence"), "small"), 2, 0)
        grid.addWidget(Label(change.was.name, "small", selectable=True), 2, 1)
        grid.addWidget(Label(change.now.name, "small", selectable=True), 2, 2)
        rows = zip(verdict.questions(), _answers(change.was), _answers(change.now), strict=True)
        for row, (question, *answers) in enumerate(rows, 3):
            grid.addWidget(Label(question, "small"), row, 0)
            for column, said in enumerate(answers, 1):
                grid.addWidget(Pill(said.words, said.tone, said.icon), row, column)
        return grid

    def _on_compare_clicked(self) -> None:
        self.reject()
        self.compare_clicked.emit()


def in_words(point: Point) -> str:
    """How one of the three answers changes: "May I use it at work? It was Yes, it becomes No."."""
    assert point.answers is not None
    asked = dict(zip(("commercial", "share", "audit"), verdict.questions(), strict=True))[point.what]
    said = {"yes": _tr("yes"), "if": _tr("yes with conditions"), "no": _tr("no"), "unknown": _tr("not known")}
    if point.what == "audit":
        said["if"] = _tr("in part")
    was, now = (said[given.answer] for given in point.answers)
    if was == now:
        return _tr("{question} The conditions are other ones.").format(question=asked)
    return _tr("{question} It was {was}, it becomes {now}.").format(question=asked, was=was, now=now)


def _answers(ruling: Ruling) -> tuple[verdict.Saying, verdict.Saying, verdict.Saying]:
    return verdict.answer(ruling.commercial), verdict.answer(ruling.share), verdict.answer(ruling.audit, of_making=True)


def _tr(words: str) -> str:
    return QCoreApplication.translate("licence_change", words)
