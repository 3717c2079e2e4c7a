"""The page of licences: every model that is here, its licence, who accepted it and when; searched, and saved for an auditor."""

from collections.abc import Callable, Generator
from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt, Signal
from PySide6.QtGui import QResizeEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit

from desktop import register
from desktop.errors import NotWritable
from desktop.register import Row
from desktop.replacing import save
from desktop.ui import theme, verdict
from desktop.ui.buttons import Button
from desktop.ui.details import CopyDetails
from desktop.ui.labels import Label, hint
from desktop.ui.messages import explain
from desktop.ui.notice import Notice
from desktop.ui.page import Page
from desktop.ui.tables import TableModel, table
from desktop.ui.tasks import Tasks

TASK = "register of licences"
ROWS = 12  # shown at once
MODEL, LICENCE, ALLOWED, ACCEPTED, STATED = range(5)  # columns
NEEDS = {
    STATED: 760,
    ALLOWED: 520,
}  # px at scale 1 of the page, below which one goes; its words are in the tool tips and the list


class RegisterPage(Page):
    """Looks at the models whenever it is shown. `rows` is Rights.register."""

    back_clicked = Signal()
    models_clicked = Signal()

    def __init__(self, tasks: Tasks, rows: Callable[[], Generator[Row, None, tuple[Row, ...]]]) -> None:
        super().__init__(self.tr("Licences of your models"))
        self._tasks, self._rows = tasks, rows
        self._found: tuple[Row, ...] = ()
        self.back = Button(self.tr("Back"), "link", "chevron-left")
        self.back.clicked.connect(self.back_clicked)
        self.above.addWidget(self.back, 0, Qt.AlignmentFlag.AlignLeft)
        words = self.tr("What is on this computer, under which licence, and what was accepted: for you, and for an audit.")
        self.set_title(self.tr("Licences of your models"), words)
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search by model, licence or person"))
        self.search.setAccessibleName(self.tr("Search the licences"))
        self.search.setClearButtonEnabled(True)
        self.search.textChanged.connect(self._filter)
        self.save = Button(self.tr("Save the list …"), "secondary", "file")
        self.save.clicked.connect(self._on_save_clicked)
        self.said = Label("", "small", "soft")
        self.model = RegisterModel()
        self.table = table(self.model, self.tr("Models with their licences"), (MODEL, LICENCE, STATED))
        self._empty = Notice(
            self.tr("No model of your own is here yet"),
            self.tr("Each model that you get or open will stand here with its licence, and with what you accepted."),
            self.tr("See the models"),
        )
        self._empty.clicked.connect(self.models_clicked)
        self._none = Notice(self.tr("Nothing here matches this search"), button=self.tr("Clear the search"))
        self._none.clicked.connect(self.search.clear)
        row = QHBoxLayout()
        row.setSpacing(theme.GRID)
        row.addWidget(self.search, 1)
        row.addWidget(self.save)
        self.body.addLayout(row)
        for widget in (self._empty, self._none, self.table, self.said):
            self.body.addWidget(widget)
        self.copy_details = CopyDetails()
        self.body.addWidget(self.copy_details, 0, Qt.AlignmentFlag.AlignLeft)
        self._show((), known=False)

    def look(self) -> None:
        """Read what the files say of their licences, off the UI thread."""
        task = self._tasks.start(self._rows(), key=TASK)
        task.done.connect(lambda found: self._show(found, known=True))

    def _show(self, found: tuple[Row, ...], *, known: bool) -> None:
        self._found = found
        own = any(row.model.origin != "guide" for row in found)
        self._empty.setVisible(known and not own)
        self.search.setVisible(own)
        self.said.setText("" if known else self.tr("Reading the licences …"))
        self._filter()

    def _filter(self) -> None:
        words = self.search.text().lower().split()
        shown = [row for row in self._found if all(word in " ".join(row.cells().values()).lower() for word in words)]
        self.model.show_rows(shown)
        self._none.setVisible(bool(self._found) and not shown)
        self.table.setVisible(bool(shown))
        height = self.table.horizontalHeader().sizeHint().height() + len(shown) * theme.scaled(36) + 12
        self.table.setFixedHeight(min(height, theme.scaled(36) * (ROWS + 1) + 12))

    # --- saving ---------------------------------------------------------------------------------------------------------------

    def _on_save_clicked(self) -> None:
        kinds = self.tr("Table for a spreadsheet (*.csv);;For programs (*.json)")
        proposed = str(Path.home() / "alcove-licences.csv")
        chosen, _ = QFileDialog.getSaveFileName(self, self.tr("Save the list of licences"), proposed, kinds)
        if chosen:
            self.save_to(Path(chosen))

    def save_to(self, file: Path) -> None:
        """Write all models there, as a table or for programs by the file's name."""
        try:
            write = register.as_json if file.suffix.lower() == ".json" else register.as_csv
            save(file, write(self._found))
        except NotWritable as error:
            self._say(explain(error).sentence, "bad")
            self.copy_details.show_for(error)
        else:
            self._say(self.tr("{count} models are in {file}.").format(count=len(self._found), file=file.name), "soft")

    def _say(self, words: str, tone: str) -> None:
        self.said.setText(words)
        self.said.set_tone(tone)
        self.copy_details.show_for(None)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._say("", "soft")
        self.look()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        for column, least in NEEDS.items():
            self.table.setColumnHidden(column, event.size().width() < theme.scaled(least))


class RegisterModel(TableModel[Row]):
    """The rows as cells; what has no room in them is in the tool tips."""

    def __init__(self) -> None:
        super().__init__((self.tr("Model"), self.tr("Licence"), self.tr("At work"), self.tr("Accepted"), self.tr("Who says so")))

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        row, column = self.rows[index.row()], index.column()
        if role == Qt.ItemDataRole.DisplayRole:
            return self._cells(row)[column]
        if role == Qt.ItemDataRole.ToolTipRole:
            return hint(self._tips(row)[column] or self._cells(row)[column])
        if role == Qt.ItemDataRole.ForegroundRole:
            missing = column == ACCEPTED and row.acceptance == "not accepted"
            return theme.colour("warning") if missing else theme.colour("bad") if column == ALLOWED and row.refusal else None
        return None

    def _cells(self, row: Row) -> tuple[str, ...]:
        ruling = row.ruling
        if ruling is None:
            return row.name, self.tr("cannot be read"), "–", "–", "–"
        at_work = self.tr("Not allowed here") if row.refusal else verdict.answer(ruling.commercial).words
        stated = self.tr("They disagree") if ruling.conflict else ", ".join(source.from_ for source in ruling.sources)
        return row.name, ruling.name, at_work, self._accepted(row), stated or self.tr("nobody")

    def _accepted(self, row: Row) -> str:
        if row.acceptance == "not needed":
            return self.tr("Not needed")
        if row.acceptance == "not accepted":
            return self.tr("Not accepted here")
        if not row.accepted:  # nobody states what could be
            return "–"
        last = row.accepted[-1]
        day = f"{datetime.fromisoformat(last.at).astimezone():%d %b %Y}".lstrip("0")
        return self.tr("{day}, by {user}").format(day=day, user=last.user)

    def _tips(self, row: Row) -> tuple[str, ...]:
        ruling = row.ruling
        if ruling is None:
            return str(row.model.path), row.why, "", "", ""
        texts = [text.sha256 if text else self.tr("its text is not here") for text in row.texts]
        licences = [f"{licence.name} {licence.version or ''}".strip() for licence in ruling.licences]
        named = [f"{licence}: {text}" for licence, text in zip(licences, texts, strict=True)]
        accepted = [f"{each.name}: {each.at}, {each.text_sha256 or self.tr('no text was read')}" for each in row.accepted]
        sources = [f"{source.from_}: {source.says}" for source in ruling.sources] + ([ruling.gap] if ruling.gap else [])
        at_work = row.refusal or ruling.commercial.because
        return str(row.model.path), "\n".join(named), at_work, "\n".join(accepted), ruling.conflict or "\n".join(sources)
