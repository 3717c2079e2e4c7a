"""How open a model is: the ladder of three steps, and where what it was made from can be looked at."""

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.licences import Link, Ruling
from desktop.ui import verdict
from desktop.ui.bars import Ladder
from desktop.ui.buttons import Button
from desktop.ui.cards import Fold
from desktop.ui.duties import Entry
from desktop.ui.labels import Label, hint

STEPS = {"unknown": 0, "conditions": 1, "free": 2, "full": 3}
SIGNS = {
    "yes": ("check", "accent"),
    "partly": ("exclamation", "warning"),
    "no": ("cross", "warning"),
    "unknown": ("question", "soft"),
}


class OpennessView(QWidget):
    """The ladder with the name of its step."""

    def __init__(self, ruling: Ruling) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        number, said = STEPS.get(ruling.openness, 0), verdict.step(ruling)
        ladder = Ladder(number)
        ladder.setAccessibleName(self.tr("Step {number} of 3: {step}").format(number=number, step=said.words))
        ladder.setToolTip(self.tr("The steps: with conditions, free, fully open."))
        column.addWidget(ladder)
        column.addWidget(Label(said.words, "section", "soft"))


class MadeOf(QWidget):
    """What a model was made from, piece by piece: whether it is public, and a link to it."""

    link_clicked = Signal(str)

    def __init__(self, ruling: Ruling, *, wide: bool = False) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        fold = Fold(self.tr("What it was made from"), kind="fold", open_=wide)
        for link in ruling.links:
            fold.body.addWidget(self._entry(link))
        column.addWidget(fold)

    def _entry(self, link: Link) -> Entry:
        sign, tone = SIGNS[link.public]
        entry = Entry(_public(link), sign, tone)
        if link.url and link.url.startswith("https://"):
            host = link.url.removeprefix("https://").partition("/")[0]
            button = Button(self.tr("See it on {host}").format(host=host), "small_link", "external")
            button.setToolTip(hint(link.url))
            button.setAccessibleName(self.tr("{what}: see it on {host}").format(what=_public(link), host=host))
            button.clicked.connect(lambda: self.link_clicked.emit(link.url))
            entry.words.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
        elif link.url:
            entry.words.addWidget(Label(link.url, "small", "soft", selectable=True))
        return entry


def _public(link: Link) -> str:
    """One piece and whether it is public: "The training data is public in part."."""
    what = {
        "weights": _tr("The finished weights"),
        "data": _tr("The training data"),
        "code": _tr("The program that trained it"),
        "recipe": _tr("The recipe: settings and steps"),
        "checkpoints": _tr("Earlier stages of its training"),
    }[link.what]
    said = {"yes": _tr("public"), "partly": _tr("public in part"), "no": _tr("not public"), "unknown": _tr("not known")}
    return _tr("{what}: {public}").format(what=what, public=said[link.public])


def _tr(words: str) -> str:
    return QCoreApplication.translate("openness", words)
