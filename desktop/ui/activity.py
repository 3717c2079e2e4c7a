"""The page Network activity: every request that left this computer, for whom, what for, how much went and came back."""

from datetime import datetime
from pathlib import Path

from PySide6.QtCore import QModelIndex, QPersistentModelIndex, Qt, QTimer, Signal
from PySide6.QtGui import QGuiApplication, QHideEvent, QShowEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout

from desktop import text
from desktop.address import is_loopback
from desktop.errors import AlcoveError
from desktop.network import Activity, Network
from desktop.ui import messages, theme
from desktop.ui.buttons import Button, Switch
from desktop.ui.cards import Card
from desktop.ui.details import CopyDetails
from desktop.ui.labels import Label, hint
from desktop.ui.locking import LockMark, lock
from desktop.ui.notice import Notice
from desktop.ui.page import Page
from desktop.ui.tables import TableModel, table

LOOK_S = 0.5  # between two looks at the network, only while the page is shown
ROWS = 12  # shown at once
RESULT = 5  # its column
WIDE = (1, 2)  # the columns that share what the others leave: host and purpose


class ActivityPage(Page):
    """Reads `network.activity` by itself while it is shown. offline_toggled: the person moved the switch."""

    offline_toggled = Signal(bool)

    def __init__(self, network: Network) -> None:
        super().__init__(self.tr("Network activity"))
        self._network = network
        self.sentence = Label("", "strong")
        self.details = Label(
            self.tr(
                "Alcove connects only when you search for a model, look closely at one, get one, or test the connection. "
                "Your conversations never leave this computer."
            ),
            "small",
            "soft",
        )
        self.offline = Switch(self.tr("Stay offline"), network.offline)
        self.offline.toggled.connect(self.offline_toggled)
        self.model = ActivityModel()
        self.table = table(self.model, self.tr("Requests of Alcove"), WIDE)
        self._empty = Notice(
            self.tr("Nothing has left this computer since Alcove was started"),
            self.tr("Each request will be listed here, with the computer that was asked and the reason."),
            tone="good",
        )
        self.copy = Button(self.tr("Copy the list"), "secondary", "copy")
        self.copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.model.as_text()))
        self._mark: LockMark | None = None
        self._card = self._head()
        self.body.addWidget(self._card)
        self.body.addWidget(self._empty)
        self.body.addWidget(self.table)
        self.save = Button(self.tr("Save the whole record …"), "secondary", "file")
        self.save.clicked.connect(self._on_save_clicked)
        self._saved = Label("", "small", "soft")
        row = QHBoxLayout()
        row.setSpacing(theme.GRID)
        row.addWidget(self.copy)
        row.addWidget(self.save)
        row.addWidget(self._saved, 1)
        self.copy_details = CopyDetails()
        row.addWidget(self.copy_details)
        self.body.addLayout(row)
        self._timer = QTimer(self)
        self._timer.setInterval(round(LOOK_S * 1000))
        self._timer.timeout.connect(self.look)
        self.look()

    def _head(self) -> Card:
        card = Card(spacing=2)
        words = QHBoxLayout()
        words.setSpacing(theme.GRID * 2)
        words.addWidget(self.sentence, 1)
        words.addWidget(Label(self.tr("Stay offline"), "body", wrap=False))
        words.addWidget(self.offline)
        card.body.addLayout(words)
        card.body.addWidget(self.details)
        return card

    def look(self) -> None:
        """Show what the network did so far."""
        requests = self._network.activity
        self.model.show_requests(requests)
        self._empty.setVisible(not requests)
        self.table.setVisible(bool(requests))
        self.copy.setVisible(bool(requests))
        busy = sorted({host for host, _ in self._network.busy if not is_loopback(host)})
        if busy:
            self.sentence.setText(self.tr("Connected to {hosts} now.").format(hosts=", ".join(busy)))
        elif self._network.offline:
            self.sentence.setText(self.tr("Nothing leaves this computer: Alcove is set to offline."))
        else:
            self.sentence.setText(self.tr("Nothing leaves this computer now."))
        height = self.table.horizontalHeader().height() + self.model.rowCount() * theme.scaled(36) + 12
        self.table.setFixedHeight(min(height, theme.scaled(36) * (ROWS + 1) + 12))

    def show_offline(self, on: bool, kept_by: str = "") -> None:
        """The offline switch, wherever it was moved; `kept_by` is the place where an organisation has locked it."""
        if kept_by and self._mark is None:
            self._mark = LockMark(self.tr("Stay offline"), kept_by)
            lock(self.offline, self._mark)
            self._card.body.addWidget(self._mark)
        self.offline.blockSignals(True)
        self.offline.setChecked(on)
        self.offline.blockSignals(False)
        self.offline.update()
        self.look()

    def _on_save_clicked(self) -> None:
        proposed = str(Path.home() / "alcove-network.jsonl")
        chosen, _ = QFileDialog.getSaveFileName(self, self.tr("Save the record of all requests"), proposed)
        if chosen:
            self.save_record(Path(chosen))

    def save_record(self, file: Path) -> None:
        """Write every request of this session and those before there, a line each."""
        try:
            count = self._network.record.export(file)
        except AlcoveError as error:
            self._say_saved(messages.explain(error).sentence, "bad")
            self.copy_details.show_for(error)
        else:
            words = self.tr("{count} requests, of earlier sessions too, are in {file}.")
            self._say_saved(words.format(count=count, file=file.name), "soft")

    def _say_saved(self, words: str, tone: str) -> None:
        self._saved.setText(words)
        self._saved.set_tone(tone)
        self.copy_details.show_for(None)

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._saved.setText("")
        self.look()
        self._timer.start()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._timer.stop()


class ActivityModel(TableModel[Activity]):
    """The requests, newest first, as rows of time, host, purpose, sent, received, result."""

    def __init__(self) -> None:
        super().__init__(
            (self.tr("Time"), self.tr("With"), self.tr("What for"), self.tr("Sent"), self.tr("Received"), self.tr("Result"))
        )

    def show_requests(self, requests: tuple[Activity, ...]) -> None:
        """Show these; they come oldest first."""
        newest = tuple(reversed(requests))
        if newest != self.rows:
            self.show_rows(newest)

    def data(self, index: QModelIndex | QPersistentModelIndex, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        request = self.rows[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return self._cells(request)[index.column()]
        if role == Qt.ItemDataRole.ToolTipRole:
            return hint(request.error or self._cells(request)[index.column()])
        if (
            role == Qt.ItemDataRole.ForegroundRole
            and index.column() == RESULT
            and (request.error or (request.status or 0) >= 400)
        ):
            return theme.colour("bad")
        return None

    def as_text(self) -> str:
        """The list for the clipboard, a line a request, with tabs."""
        rows = [self._heads, *(self._cells(request, whole=True) for request in self.rows)]
        return "\n".join("\t".join(row) for row in rows)

    def _cells(self, request: Activity, *, whole: bool = False) -> tuple[str, ...]:
        moment = request.time.astimezone()
        today = moment.date() == datetime.now().astimezone().date() and not whole
        return (
            f"{moment:%H:%M:%S}" if today else f"{moment:%Y-%m-%d %H:%M:%S}",
            request.host,
            request.purpose,
            _amount(request.sent_bytes),
            _amount(request.received_bytes),
            self._result(request),
        )

    def _result(self, request: Activity) -> str:
        if request.open:
            return self.tr("under way")
        if (request.status or 0) >= 400:
            return self.tr("refused ({status})").format(status=request.status)
        return request.error or self.tr("done")


def _amount(received_bytes: int) -> str:
    """Bytes, also the few of an answer that only points elsewhere."""
    return text.size(received_bytes) if received_bytes >= 1000 else f"{received_bytes} B" if received_bytes else "–"
