"""The text of a licence, read offline: what is here with search and jumps to what is cited, or what is known where it is not."""

from collections.abc import Sequence
from datetime import datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QStackedWidget, QVBoxLayout, QWidget

from desktop import clauses
from desktop.errors import AlcoveError
from desktop.licences import UNKNOWN, Licence
from desktop.texts import Text, Texts
from desktop.ui import theme, verdict
from desktop.ui.browser import ask_to_visit
from desktop.ui.buttons import Button, Tabs
from desktop.ui.details import CopyDetails
from desktop.ui.duties import CopyButton
from desktop.ui.labels import Label
from desktop.ui.messages import explain
from desktop.ui.reader import Reader

WIDTH, WIDTH_OF_TEXT = 520, 840  # px at scale 1; licences are written in lines of 80 letters
HEIGHT = 620
SHORT = 30  # characters of a name on a tab


class LicenceText(QDialog):
    """Shows the licences of one model in full. `fetch_clicked` asks `host` for those that are not here; "": nobody is asked."""

    fetch_clicked = Signal()

    def __init__(self, licences: Sequence[Licence], texts: Texts, parent: QWidget | None = None, *, host: str = "") -> None:
        super().__init__(parent)
        self.licences, self._texts, self._host = tuple(licences), texts, host
        self.setWindowTitle(" · ".join(licence.name for licence in licences))
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(24, 24, 24, 24)
        self._column.setSpacing(theme.GRID * 2)
        self.tabs = Tabs([_short(licence.name) for licence in self.licences])
        self.tabs.setAccessibleName(self.tr("Which licence"))
        self.tabs.setVisible(len(self.licences) > 1)
        self._stack = QStackedWidget()
        self.tabs.chosen.connect(self._on_chosen)
        self._column.addWidget(self.tabs, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addWidget(self._stack, 1)
        self._add_buttons()
        self.show_texts()
        self._fit()

    def show_texts(self) -> None:
        """Look again which texts are here."""
        while (page := self._stack.currentWidget()) is not None:
            self._stack.removeWidget(page)
            page.deleteLater()
        for licence in self.licences:
            self._stack.addWidget(_Page(licence, self._texts.of(licence)))
        self._on_chosen(self.tabs.current())

    def show_fetching(self) -> None:
        """The texts are on their way."""
        self.fetch.setEnabled(False)
        self.fetch.set_text(self.tr("Asking {host} …").format(host=self._host))

    def show_fetched(self) -> None:
        """What could be had is here; the others are not handed out like this."""
        self.show_texts()
        if self.page.content is None:
            words = self.tr("{host} does not hand this text out without the maker's agreement.")
            self._say_not_here(words.format(host=self._host))
        self._fit()

    def show_failed(self, error: AlcoveError) -> None:
        """They could not be had."""
        self._say_not_here(explain(error).sentence)
        self.copy_details.show_for(error)

    def _say_not_here(self, sentence: str) -> None:
        self.fetch.hide()
        self._said.setText(sentence)
        self._said.show()

    @property
    def page(self) -> "_Page":
        """The licence that is looked at."""
        page = self._stack.currentWidget()
        assert isinstance(page, _Page)
        return page

    def _on_chosen(self, index: int) -> None:
        self._stack.setCurrentIndex(index)
        page = self.page
        self.fetch.setVisible(bool(self._host) and page.content is None and page.licence.id != UNKNOWN)
        self.copy.setVisible(page.content is not None)
        self.visit.setVisible(page.licence.url.startswith("https://"))
        self._said.hide()
        self.copy_details.hide()

    def _add_buttons(self) -> None:
        self._said = Label("", "small", "soft")
        self._said.hide()
        self._column.addWidget(self._said)
        self.copy_details = CopyDetails()
        self._column.addWidget(self.copy_details, 0, Qt.AlignmentFlag.AlignLeft)
        row = QHBoxLayout()
        row.setSpacing(theme.GRID)
        self.copy = Button(self.tr("Copy the text"), "quiet", "copy")
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.page.content or ""))
        self.fetch = Button(self.tr("Get the text from {host}").format(host=self._host), "secondary", "download")
        self.fetch.clicked.connect(self.fetch_clicked)
        self.visit = Button(self.tr("The maker's page"), "secondary", "external")
        self.visit.clicked.connect(lambda: ask_to_visit(self.page.licence.url, self))
        close = Button(self.tr("Close"), "primary")
        close.clicked.connect(self.accept)
        row.addWidget(self.copy)
        row.addStretch(1)
        for button in (self.fetch, self.visit, close):
            row.addWidget(button)
        self._column.addLayout(row)
        close.setFocus()  # and not the default: Return in the field goes to the next place

    def _fit(self) -> None:
        room = (self.screen() or QGuiApplication.primaryScreen()).availableGeometry()
        any_text = any(self._texts.of(licence) for licence in self.licences)
        width = min(theme.scaled(WIDTH_OF_TEXT if any_text else WIDTH), round(room.width() * 0.9))
        height = theme.scaled(HEIGHT) if any_text else self._column.totalHeightForWidth(width)
        self.resize(width, min(height, round(room.height() * 0.9)))


class _Page(QWidget):
    """One licence: its text where that is here, else what is known of it."""

    def __init__(self, licence: Licence, text: Text | None) -> None:
        super().__init__()
        self.licence = licence
        self.content = text.read() if text is not None else None
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.GRID)
        self._column.addWidget(Label(licence.name, "card_title", selectable=True))
        if text is not None and self.content is not None:
            self._column.addWidget(Label(self._origin(text), "small", "soft", selectable=True))
            self.reader = Reader(self.content, licence.name, self._marks(self.content))
            self._column.addWidget(self.reader, 1)
        else:
            self._add_summary()

    def _origin(self, text: Text) -> str:
        """Which version it is, and where this text comes from."""
        dated = self._version()
        if text.url is None:
            came = self.tr("This text came with Alcove.")
        else:
            day = f"{datetime.fromisoformat(text.fetched).astimezone():%d %b %Y}".lstrip("0") if text.fetched else ""
            came = self.tr("Fetched from {url} on {day}; its SHA-256 begins with {sha256}.")
            came = came.format(url=text.url, day=day, sha256=text.sha256[:12])
        return f"{dated} {came}".strip()

    def _version(self) -> str:
        licence = self.licence
        if licence.version and licence.date:
            return self.tr("Version {version} of {date}.").format(version=licence.version, date=licence.date)
        return self.tr("Version {version}.").format(version=licence.version) if licence.version else ""

    def _marks(self, content: str) -> list[tuple[str, str, int]]:
        """What is cited of it and can be found in it: the words of the jump, the same in full, and the place."""
        licence, (at_work, pass_on, _) = self.licence, verdict.questions()
        training, territory = licence.outputs_for_training, licence.territory
        cited = (
            (self.tr("Use at work: {clause}"), at_work, licence.commercial.clause),
            (self.tr("Passing it on: {clause}"), pass_on, licence.share.clause),
            (self.tr("Training on its answers: {clause}"), self.tr("May I train on its answers?"), training.clause),
            *((self.tr("The limit: {clause}"), each.effect, each.clause) for each in licence.thresholds),
            *(((self.tr("Where: {clause}"), territory.scope, territory.clause),) if territory else ()),
        )
        marks: dict[str, tuple[str, str, int]] = {}
        for words, question, citation in cited:
            for clause in clauses.parts(citation):
                place = clauses.find(content, clause)
                if place is not None:
                    name = self.tr("section {number}").format(number=clause) if clause[0].isdigit() else clause
                    heard = self.tr("{question} Go to {clause}.").format(question=question, clause=name)
                    marks.setdefault(words.format(clause=name), (words.format(clause=name), heard, place))
        return list(marks.values())

    def _add_summary(self) -> None:
        licence = self.licence
        if licence.id != UNKNOWN:  # then there is no text anywhere
            self._column.addWidget(Label(self._version(), "small", "soft")) if self._version() else None
            self._column.addWidget(Label(self.tr("Its full text is not on this computer. In short:"), "body"))
        self._column.addWidget(Label(licence.summary, "body", selectable=True))
        if licence.url.startswith("https://"):
            self._column.addWidget(Label(self.tr("The text is here:"), "small", "soft"))
            self._column.addWidget(Label(licence.url, "small", selectable=True))
            self._column.addWidget(CopyButton(self.tr("Copy the address"), licence.url), 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addStretch(1)


def _short(name: str) -> str:
    """A licence's name that fits on a tab; the whole stands below it."""
    return name if len(name) <= SHORT else name[: SHORT - 1].rstrip() + "…"
