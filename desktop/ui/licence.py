"""What the licence of a model lets one do: the badge, three questions, what to do when passing it on, and who says so."""

from functools import partial

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.licences import UNKNOWN, Ruling
from desktop.policy import Verdict
from desktop.ui import theme, verdict
from desktop.ui.buttons import Button
from desktop.ui.cards import Fold
from desktop.ui.duties import Duties, Entry
from desktop.ui.evidence import EvidenceView
from desktop.ui.labels import Label
from desktop.ui.licence_change import ChangeNotice
from desktop.ui.notice import Notice
from desktop.ui.openness import MadeOf, OpennessView
from desktop.ui.permissions import Permissions
from desktop.ui.pills import Pill
from desktop.versions import Change


class LicenceView(QWidget):
    """The licence beside the chat, or `wide` as a part of a page, where every sentence is open from the start."""

    read_clicked = Signal(object)  # Ruling: of which the text is to be shown
    compare_clicked = Signal(object)  # Ruling
    visit_clicked = Signal(str)  # an address
    change_clicked = Signal(object)  # Change: the two are to be compared

    def __init__(self, *, wide: bool = False) -> None:
        super().__init__()
        self._wide = wide
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.GRID)
        self._content: QWidget | None = None
        if wide:  # the narrow panel has it at its foot
            self._column.addWidget(as_far_as_we_know())

    @property
    def is_filled(self) -> bool:
        """Whether it says anything yet."""
        return self._content is not None

    def show_ruling(self, ruling: Ruling, change: Change | None = None, said: Verdict | None = None) -> None:
        """Say what this ruling says, what changes with a newer version where one is known of, and the organisation's word."""
        content = _Content(ruling, change, said, wide=self._wide)
        content.change_clicked.connect(lambda: self.change_clicked.emit(change))
        content.read_clicked.connect(lambda: self.read_clicked.emit(ruling))
        content.compare_clicked.connect(lambda: self.compare_clicked.emit(ruling))
        content.visit_clicked.connect(self.visit_clicked)
        if self._content is not None:
            self._content.hide()
            self._content.deleteLater()
        self._content = content
        self._column.insertWidget(0, content)
        content.show()


def as_far_as_we_know() -> Label:
    """The sentence that stands below every licence."""
    words = QCoreApplication.translate("licence", "As far as we know; this is not legal advice.")
    return Label(words, "small", "soft")


def organisations_word(said: Verdict) -> Notice:
    """What the organisation decided about a licence, told as its own word and not as ours."""
    tr = partial(QCoreApplication.translate, "licence")
    approved = said.decision == "approved"
    title = tr("Your organisation approved this licence") if approved else tr("Your organisation refused this licence")
    who = " · ".join(each for each in (said.by, said.date or "") if each)
    return Notice(title, f"“{said.text}” {who}".strip(), tone="good" if approved else "bad")


class _Content(QWidget):
    """One ruling; made anew for each."""

    read_clicked = Signal()
    compare_clicked = Signal()
    visit_clicked = Signal(str)
    change_clicked = Signal()

    def __init__(self, ruling: Ruling, change: Change | None, said: Verdict | None, *, wide: bool) -> None:
        super().__init__()
        self._ruling, self._wide = ruling, wide
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.GRID)
        if change is not None:
            notice = ChangeNotice(change)
            notice.clicked.connect(self.change_clicked)
            self._column.addWidget(notice)
        self._add_heading()
        self._add_condition()
        if said is not None:
            self._column.addWidget(organisations_word(said))
        self._column.addWidget(Permissions(ruling, wide=wide))
        self._column.addSpacing(theme.GRID // 2)
        self._add_lists()
        evidence = EvidenceView(ruling, wide=wide)
        evidence.visit_clicked.connect(self.visit_clicked)
        self._column.addWidget(evidence)
        self._add_links()

    def _add_heading(self) -> None:
        ruling, said = self._ruling, verdict.licence(self._ruling)
        self._column.addWidget(Label(self.tr("Licence"), "section", "accent"))
        self._column.addWidget(Label(ruling.name, "card_title", selectable=True))
        self._column.addWidget(Pill(said.words, said.tone, said.icon))
        self._column.addWidget(OpennessView(ruling))
        if ruling.openness != "unknown" or self._wide:  # else the field below says the same
            self._column.addWidget(Label(ruling.headline, "small", "soft"))

    def _add_condition(self) -> None:
        """The one that matters most stands before everything else; where all reasons are open, only if none of them tells it."""
        ruling = self._ruling
        told = self._wide and ruling.condition in (ruling.commercial.because, ruling.share.because)
        if ruling.condition and not told and ruling.condition != ruling.headline:
            tone = "bad" if "no" in (ruling.commercial.answer, ruling.share.answer) else "warning"
            notice = Notice(sentence=ruling.condition, tone=tone)
            notice.setAccessibleName(self.tr("The condition that matters most"))
            notice.sentence.set_tone("ink")
            self._column.addWidget(notice)

    def _add_lists(self) -> None:
        ruling = self._ruling
        if ruling.duties:
            self._fold(self.tr("When you pass it on"), len(ruling.duties)).body.addWidget(Duties(ruling.duties))
        places = tuple(each.scope for each in ruling.territory if each.scope != ruling.condition)
        if forbidden := (*places, *ruling.restrictions):
            fold = self._fold(self.tr("What is not allowed"), len(forbidden))
            for each in forbidden:
                fold.body.addWidget(Entry(each, "cross"))
        if ruling.audit.answer in ("yes", "if") and ruling.links:
            made_of = MadeOf(ruling, wide=self._wide)
            made_of.link_clicked.connect(self.visit_clicked)
            self._column.addWidget(made_of)

    def _fold(self, title: str, count: int) -> Fold:
        fold = Fold(self.tr("{title} · {count}").format(title=title, count=count), open_=self._wide, kind="fold")
        self._column.addWidget(fold)
        return fold

    def _add_links(self) -> None:
        named = [licence for licence in self._ruling.licences if licence.url or licence.text_path]
        if named:
            unknown = all(licence.id == UNKNOWN for licence in named)
            words = self.tr("Read the licence") if len(named) == 1 else self.tr("Read the licences")
            read = Button(self.tr("What this means") if unknown else words, "link", "book")
            read.clicked.connect(self.read_clicked)
            self._column.addWidget(read, 0, Qt.AlignmentFlag.AlignLeft)
        compare = Button(self.tr("Compare with another"), "link", "compare")
        compare.clicked.connect(self.compare_clicked)
        self._column.addWidget(compare, 0, Qt.AlignmentFlag.AlignLeft)
