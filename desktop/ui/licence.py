"""What the licence of a model lets one do: the ladder, three questions, what to do when passing it on, and who says so."""

import re

from PySide6.QtCore import QCoreApplication, QEvent, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QHBoxLayout, QLabel, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from desktop.licences import UNKNOWN, Answer, Duty, Licence, Ruling
from desktop.ui import icons, theme, verdict
from desktop.ui.bars import Ladder
from desktop.ui.buttons import Button
from desktop.ui.cards import Fold
from desktop.ui.labels import FactRow, Label, hint
from desktop.ui.licence_text import LicenceText
from desktop.ui.notice import Notice

SHORT = 22  # characters
STEPS = {"unknown": 0, "conditions": 1, "free": 2, "full": 3}


class LicenceView(QWidget):
    """The licence beside the chat, or `wide` as a part of a page, where every sentence is open from the start."""

    def __init__(self, *, wide: bool = False) -> None:
        super().__init__()
        self._wide = wide
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.GRID)
        self._content: QWidget | None = None
        if wide:  # the narrow panel has it at its foot
            self._column.addWidget(as_far_as_we_know())

    def show_ruling(self, ruling: Ruling) -> None:
        """Say what this ruling says."""
        content = _Content(ruling, wide=self._wide)
        if self._content is not None:
            self._content.hide()
            self._content.deleteLater()
        self._content = content
        self._column.insertWidget(0, content)
        content.show()


def as_far_as_we_know() -> Label:
    """The sentence that stands below every licence."""
    return Label(QCoreApplication.translate("licence", "As far as we know. Not legal advice."), "small", "soft")


class _Content(QWidget):
    """One ruling; made anew for each."""

    def __init__(self, ruling: Ruling, *, wide: bool) -> None:
        super().__init__()
        self._wide = wide
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.GRID)
        self._add_heading(ruling)
        self._add_questions(ruling)
        self._add_duties(ruling)
        self._add_sources(ruling)
        self._add_texts(ruling)

    def _add_heading(self, ruling: Ruling) -> None:
        self._column.addWidget(Label(self.tr("Licence"), "section", "accent"))
        self._column.addWidget(Label(ruling.name, "card_title", selectable=True))
        ladder = Ladder(STEPS.get(ruling.openness, 0))
        step = verdict.step(ruling.openness).words
        ladder.setAccessibleName(self.tr("Step {number} of 3: {step}").format(number=STEPS.get(ruling.openness, 0), step=step))
        ladder.setToolTip(step)
        self._column.addWidget(ladder)
        self._column.addWidget(Label(self.tr("{step}. {headline}").format(step=step, headline=ruling.headline), "small", "soft"))
        if ruling.conflict:
            self._column.addWidget(Notice(self.tr("The sources disagree"), ruling.conflict, tone="warning"))

    def _add_questions(self, ruling: Ruling) -> None:
        asked = (
            (self.tr("Use it at work?"), self.tr("May I use it at work?"), ruling.commercial),
            (self.tr("Change and pass it on?"), self.tr("May I change it and pass it on?"), ruling.share),
            (self.tr("Check how it was made?"), self.tr("Can anyone check how it was made?"), ruling.audit),
        )
        block = QVBoxLayout()
        block.setSpacing(theme.GRID if self._wide else 0)
        for short, long, given in asked:
            block.addWidget(Question(long if self._wide else short, long, given, open_=self._wide))
        self._column.addLayout(block)

    def _add_duties(self, ruling: Ruling) -> None:
        for title, entries in (
            (self.tr("When you pass it on"), [_duty(duty) for duty in ruling.duties]),
            (self.tr("What is not allowed"), [_entry(each, "cross") for each in ruling.restrictions]),
        ):
            if entries:
                fold = Fold(self.tr("{title} · {count}").format(title=title, count=len(entries)), open_=self._wide, kind="fold")
                for entry in entries:
                    fold.body.addWidget(entry)
                self._column.addWidget(fold)

    def _add_sources(self, ruling: Ruling) -> None:
        if not ruling.sources:
            self._column.addWidget(Label(self.tr("Nobody states a licence for this model; ask its maker."), "small", "soft"))
        elif self._wide:
            self._column.addWidget(Label(self.tr("Who says so"), "section"))
            for source in ruling.sources:
                self._column.addWidget(FactRow(source.from_, source.says))
        else:
            said = Label(self._who_says(ruling), "small", "soft")
            said.setToolTip(hint("\n".join(f"{source.from_}: {source.says}" for source in ruling.sources)))
            self._column.addWidget(said)
        if ruling.sources and not ruling.text_read:
            self._column.addWidget(
                Label(self.tr("Alcove's makers know this licence only from others, not from its text."), "small", "soft")
            )

    def _who_says(self, ruling: Ruling) -> str:
        """In one sentence, as a narrow panel has room for."""
        names = [re.sub("^The ", "the ", source.from_) for source in ruling.sources]
        if len(names) == 1:
            return self.tr("So says {name}.").format(name=names[0])
        listed = self.tr("{first} and {last}").format(first=", ".join(names[:-1]), last=names[-1])
        if ruling.conflict:
            return self.tr("So say {names}.").format(names=listed)
        return self.tr("So say {names}. They agree.").format(names=listed)

    def _add_texts(self, ruling: Ruling) -> None:
        named = [licence for licence in ruling.licences if licence.url or licence.text_path]
        for licence in named:
            words = self.tr("Read the licence") if len(named) == 1 else self.tr("Read {name}").format(name=_short(licence.name))
            if licence.id == UNKNOWN:
                words = self.tr("What this means")
            link = Button(words, "link", "book")
            link.setToolTip(licence.name)
            link.clicked.connect(lambda _=False, licence=licence: self._read(licence))
            self._column.addWidget(link, 0, Qt.AlignmentFlag.AlignLeft)

    def _read(self, licence: Licence) -> None:
        dialog = LicenceText(licence, self.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()


class Question(QWidget):
    """One of the three questions with its answer; a click opens the sentence that matters."""

    opened = Signal(bool)

    def __init__(self, words: str, whole: str, given: Answer, *, open_: bool = False) -> None:
        super().__init__()
        said = verdict.answer(given)
        because = given.because + (self.tr(" (Section {clause})").format(clause=given.clause) if given.clause else "")
        self.button = _AnswerRow(words, said)
        self.button.setAccessibleName(f"{whole} {said.words}")
        self.button.setAccessibleDescription(because)
        self.button.setToolTip(because)
        self.button.toggled.connect(self._on_toggled)
        self.sentence = Label(because, "small", "soft", selectable=True)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(2)
        column.addWidget(self.button)
        column.addWidget(self.sentence)
        self.button.setChecked(open_)
        self.sentence.setVisible(open_)

    def _on_toggled(self, on: bool) -> None:
        self.sentence.setVisible(on)
        self.opened.emit(on)


class _AnswerRow(QPushButton):
    """Question at the left, answer with its sign at the right."""

    def __init__(self, words: str, said: verdict.Saying) -> None:
        super().__init__()
        self.setProperty("kind", "row")
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self._tone = {"good": "accent", "warning": "warning", "bad": "bad"}.get(said.tone, "soft")
        self._icon = said.icon
        self._sign = QLabel()
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(4)
        row.addWidget(Label(words, "small", wrap=False), 1)
        row.addWidget(self._sign)
        row.addWidget(Label(said.words, "section", self._tone, wrap=False))
        for label in self.findChildren(QLabel):
            label.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self._fit()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._fit()

    def _fit(self) -> None:
        self.setFixedHeight(theme.scaled(28))
        self._sign.setVisible(bool(self._icon))
        if self._icon:
            self._sign.setPixmap(icons.pixmap(self._icon, self._tone, theme.scaled(14), self.devicePixelRatioF()))


def _short(name: str) -> str:
    """A licence's name that fits into a narrow panel; the whole stands above it."""
    return name if len(name) <= SHORT else name[: SHORT - 1].rstrip() + "…"


class _Mark(QLabel):
    """A small drawing that follows the look."""

    def __init__(self, sign: str) -> None:
        super().__init__()
        self._sign = sign
        self._draw()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self._draw()

    def _draw(self) -> None:
        self.setPixmap(icons.pixmap(self._sign, "soft", theme.scaled(16), self.devicePixelRatioF()))


def _entry(words: str, sign: str) -> QWidget:
    """A sentence with a small sign before it; more can be put below the sentence, into the layout named "words"."""
    entry = QWidget()
    row = QHBoxLayout(entry)
    row.setContentsMargins(0, 0, 0, 0)
    row.setSpacing(theme.GRID)
    mark = _Mark(sign)
    column = QVBoxLayout()
    column.setSpacing(0)
    column.setObjectName("words")
    column.addWidget(Label(words, "small", selectable=True))
    row.addWidget(mark, 0, Qt.AlignmentFlag.AlignTop)
    row.addLayout(column, 1)
    return entry


def _duty(duty: Duty) -> QWidget:
    """Something to do, with a button that copies its exact wording where there is one."""
    entry = _entry(duty.text, "box")
    column = entry.findChild(QVBoxLayout, "words")
    if duty.copy and column is not None:
        copy = Button(entry.tr("Copy the wording"), "small_link", "copy")
        copy.setAccessibleName(entry.tr("Copy “{wording}”").format(wording=duty.copy))
        copy.setToolTip(duty.copy)
        copy.clicked.connect(lambda _=False, wording=duty.copy: QGuiApplication.clipboard().setText(wording))
        column.addWidget(copy, 0, Qt.AlignmentFlag.AlignLeft)
    return entry
