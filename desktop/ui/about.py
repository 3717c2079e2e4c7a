"""The page About: which version this is and under which licence, what others made in it, where the files are, and help."""

from collections.abc import Callable, Generator
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import QCoreApplication, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices, QShowEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout

from desktop import __version__, parts
from desktop.errors import AlcoveError, NotWritable
from desktop.replacing import save
from desktop.ui import theme
from desktop.ui.buttons import Button
from desktop.ui.cards import Card, line
from desktop.ui.details import CopyDetails
from desktop.ui.labels import Label
from desktop.ui.messages import explain
from desktop.ui.page import Page
from desktop.ui.reader import Reader
from desktop.ui.setting import row, section
from desktop.ui.support_report import SupportReport
from desktop.ui.tasks import Tasks, once

NOTICES_HEIGHT = 380  # px at scale 1


class AboutPage(Page):
    """`gather` makes the texts of a report for support. The notices are read when the page is first shown."""

    back_clicked = Signal()
    licence_clicked = Signal()

    def __init__(self, tasks: Tasks, home: Path, gather: Callable[[], Generator[None, None, dict[str, str]]]) -> None:
        super().__init__(self.tr("About Alcove"))
        self._tasks, self._home, self._gather = tasks, home, gather
        self.reader: Reader | None = None
        self.dialog: SupportReport | None = None
        self.back = Button(self.tr("Back"), "link", "chevron-left")
        self.back.clicked.connect(self.back_clicked)
        self.above.addWidget(self.back, 0, Qt.AlignmentFlag.AlignLeft)
        self.set_title(self.tr("About Alcove"), self.tr("Version {version}").format(version=__version__))
        for card in (self._own(), self._help(), self._others()):
            self.body.addWidget(card)

    # --- itself ---------------------------------------------------------------------------------------------------------------

    def _own(self) -> Card:
        card = section(self.tr("This program"))
        read = Button(self.tr("Read the licence"), "secondary", "balance")
        read.clicked.connect(self.licence_clicked)
        words = self.tr("Alcove and its guide are under the Apache License 2.0: you may use, study, change and pass them on.")
        card.body.addWidget(row(self.tr("Licence"), words, read))
        card.body.addWidget(line())
        open_ = Button(self.tr("Open the folder"), "secondary", "folder")
        open_.clicked.connect(lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(self._home))))
        words = self.tr("All that Alcove keeps lies in {folder}, apart from models for which you chose another place.")
        card.body.addWidget(row(self.tr("Your data"), words.format(folder=self._home), open_))
        return card

    # --- help -----------------------------------------------------------------------------------------------------------------

    def _help(self) -> Card:
        card = section(self.tr("When something does not work"))
        self.report = Button(self.tr("Save a report for support …"), "secondary", "file")
        self.report.clicked.connect(self._on_report_clicked)
        words = self.tr(
            "What this computer has, what is set and what happened, without your chats and without names. "
            "You see all of it before it is saved, and nothing is sent."
        )
        card.body.addWidget(row(self.tr("Report for support"), words, self.report))
        self.said_of_report, self.details_of_report = _said(card)
        return card

    def _on_report_clicked(self) -> None:
        self.report.setEnabled(False)
        task = self._tasks.start(self._gather(), key="report for support")
        task.done.connect(self._show_report)
        task.failed.connect(lambda error: _tell(self.said_of_report, self.details_of_report, error))
        task.over.connect(lambda: self.report.setEnabled(True))

    def _show_report(self, files: dict[str, str]) -> None:
        self.dialog = SupportReport(files, self.window())
        self.dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.dialog.saved.connect(self._on_saved)
        self.dialog.open()

    def _on_saved(self, file: Path) -> None:
        _say(self.said_of_report, self.details_of_report, self.tr("The report is in {file}.").format(file=file))

    # --- others ---------------------------------------------------------------------------------------------------------------

    def _others(self) -> Card:
        card = section(self.tr("What others made"))
        words = self.tr(
            "Alcove stands on the work of many: llama.cpp, Qt, Python and more. Here is all of it, with its licences. "
            "Qt is used under the LGPL; you may exchange it, and the notices say how."
        )
        card.body.addWidget(Label(words, "body", "soft"))
        self._place = QVBoxLayout()
        self._waiting = Label(self.tr("Reading the notices …"), "small", "soft")
        self._place.addWidget(self._waiting)
        card.body.addLayout(self._place)
        self.save_notices = Button(self.tr("Save the notices …"), "secondary", "file")
        self.save_notices.clicked.connect(lambda: self._ask_where("alcove-notices.txt", parts.told_notices))
        self.save_bill = Button(self.tr("Save the list of parts (SBOM) …"), "secondary", "file")
        self.save_bill.clicked.connect(lambda: self._ask_where("alcove.cdx.json", parts.told_bill))
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.GRID)
        buttons.addWidget(self.save_notices)
        buttons.addWidget(self.save_bill)
        buttons.addStretch(1)
        card.body.addLayout(buttons)
        self.said, self.copy_details = _said(card)
        return card

    def _ask_where(self, proposed: str, told: Callable[[], str]) -> None:
        chosen, _ = QFileDialog.getSaveFileName(self, self.tr("Save as"), str(Path.home() / proposed))
        if chosen:
            self.save_as(Path(chosen), told)

    def save_as(self, file: Path, told: Callable[[], str]) -> None:
        """Write what is told there."""
        task = self._tasks.start(once(_write, file, told), key=f"save {file.name}")
        task.done.connect(lambda _: _say(self.said, self.copy_details, self.tr("It is in {file}.").format(file=file)))
        task.failed.connect(lambda error: _tell(self.said, self.copy_details, error))
        task.over.connect(self._show_foot)

    def _show_foot(self) -> None:
        """What came of it stands below the buttons, perhaps below what is seen."""
        last = self.said if self.copy_details.isHidden() else self.copy_details
        QTimer.singleShot(0, self, lambda: self.ensureWidgetVisible(last))  # when it has its place

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self.reader is None and self._tasks.get("notices") is None:
            task = self._tasks.start(once(parts.told_notices), key="notices")
            task.done.connect(self._show_notices)

    def _show_notices(self, told: str) -> None:
        self._waiting.hide()
        self.reader = Reader(told, self.tr("Notices about parts that others made"))
        self.reader.setFixedHeight(theme.scaled(NOTICES_HEIGHT))
        self._place.addWidget(self.reader)
        chain = (self.report, self.reader.field, self.reader.before, self.reader.after, self.reader.text, self.save_notices)
        for before, after in pairwise(chain):  # it came last, and stands in front of the buttons
            self.setTabOrder(before, after)


def _said(card: Card) -> tuple[Label, CopyDetails]:
    """A line for what came of it, and the details of an error."""
    said, copy = Label("", "small", "soft"), CopyDetails()
    said.hide()
    card.body.addWidget(said)
    card.body.addWidget(copy, 0, Qt.AlignmentFlag.AlignLeft)
    return said, copy


def _say(said: Label, copy: CopyDetails, words: str) -> None:
    said.setText(words)
    said.set_tone("soft")
    said.show()
    copy.show_for(None)


def _tell(said: Label, copy: CopyDetails, error: AlcoveError) -> None:
    no_place = QCoreApplication.translate("about", "It cannot be written there. Choose another place.")
    said.setText(no_place if isinstance(error, NotWritable) else explain(error).sentence)
    said.set_tone("bad")
    said.show()
    copy.show_for(error)


def _write(file: Path, told: Callable[[], str]) -> None:
    save(file, told().encode())
