"""Who says which licence a model has, and whether they agree."""

import re

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.licences import Ruling, Source
from desktop.ui import theme
from desktop.ui.buttons import Button
from desktop.ui.cards import Fold
from desktop.ui.labels import FactRow, Label, hint
from desktop.ui.notice import Notice


class EvidenceView(QWidget):
    """Each source with what it says: `wide` as a table, else in one sentence above a fold. A disagreement stands first."""

    visit_clicked = Signal(str)  # an address

    def __init__(self, ruling: Ruling, *, wide: bool = False) -> None:
        super().__init__()
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.GRID)
        if ruling.conflict:
            self._column.addWidget(Notice(self.tr("The sources disagree"), ruling.conflict, tone="warning"))
        if ruling.gap:
            self._column.addWidget(Notice(sentence=ruling.gap, tone="warning"))
        if not ruling.sources:
            self._say(self.tr("Nobody states a licence for this model; ask its maker."))
        elif wide:
            self._column.addSpacing(theme.GRID)
            self._column.addWidget(Label(self.tr("Who says so"), "section"))
            for source in ruling.sources:
                self._column.addLayout(self._entry(source, wide=True))
        else:
            self._add_sentence(ruling)
        if ruling.sources and not ruling.text_read:
            self._say(self.tr("Alcove's makers know this licence only from others, not from its text."))

    def _add_sentence(self, ruling: Ruling) -> None:
        if not ruling.conflict:
            self._say(self._who_says(ruling))
        if len(ruling.sources) == 1:
            return
        fold = Fold(self.tr("What each source says · {count}").format(count=len(ruling.sources)), kind="fold")
        for source in ruling.sources:
            fold.body.addLayout(self._entry(source, wide=False))
        self._column.addWidget(fold)

    def _entry(self, source: Source, *, wide: bool) -> QVBoxLayout:
        """Who says what, where the page that says it is, and which address that names for the licence."""
        entry = QVBoxLayout()
        entry.setSpacing(0)
        if wide:
            entry.addWidget(FactRow(source.from_, source.says))
        else:
            entry.addWidget(Label(source.from_, "small", "soft"))
            entry.addWidget(Label(source.says, "small", selectable=True))
        if source.link:
            entry.addWidget(Label(self.tr("It says that the licence lies at {link}").format(link=source.link), "small", "soft"))
        if source.url:
            see = Button(self.tr("See the page"), "small_link", "external")
            see.setAccessibleName(self.tr("{source}: see it in the browser").format(source=source.from_))
            see.setToolTip(hint(source.url))
            see.clicked.connect(lambda: self.visit_clicked.emit(source.url))
            entry.addWidget(see, 0, Qt.AlignmentFlag.AlignLeft)
        return entry

    def _who_says(self, ruling: Ruling) -> str:
        """In one sentence, as a narrow panel has room for."""
        names = [re.sub("^The ", "the ", source.from_) for source in ruling.sources]
        if len(names) == 1:
            return self.tr("So says {name}.").format(name=names[0])
        listed = self.tr("{first} and {last}").format(first=", ".join(names[:-1]), last=names[-1])
        return self.tr("So say {names}. They agree.").format(names=listed)

    def _say(self, words: str) -> None:
        self._column.addWidget(Label(words, "small", "soft"))
