"""The page Downloads: what is on its way, what waits to go on, what has come, what failed."""

from collections.abc import Callable

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout

from desktop.errors import AlcoveError
from desktop.library import Library, LocalModel
from desktop.transfer import Progress
from desktop.ui import theme
from desktop.ui.download_row import DownloadRow
from desktop.ui.notice import Notice
from desktop.ui.page import Page
from desktop.ui.reference import reference_of, same, without_commit
from desktop.ui.undo import Removals


class Downloads(Page):
    """Call `show_library` when the page is shown: unfinished files of earlier days are listed as paused.

    `name_of(reference)` is how a model is called. Signals carry a reference; cancel_clicked keeps what has arrived.
    """

    get_clicked = Signal(str)
    cancel_clicked = Signal(str)
    chat_clicked = Signal(str)
    models_clicked = Signal()
    act_clicked = Signal(str, object)  # what an error's button does (ui/messages.py), and the error

    def __init__(self, library: Library, name_of: Callable[[str], str], removals: Removals) -> None:
        super().__init__(self.tr("Downloads"))
        self._library, self._name_of, self._removals = library, name_of, removals
        self._rows: dict[str, DownloadRow] = {}
        self._empty = Notice(
            self.tr("Nothing is being downloaded"),
            self.tr("Models that you get appear here. They stay on this computer until you remove them."),
            self.tr("See the models"),
        )
        self._empty.clicked.connect(self.models_clicked)
        self._list = QVBoxLayout()
        self._list.setSpacing(theme.GRID + 2)
        self.body.addWidget(self._empty)
        self.body.addLayout(self._list)
        removals.changed.connect(self.show_library)
        self._tell()

    def show_library(self) -> None:
        """Look which unfinished files there are."""
        parts = [part for part in self._library.list() if not part.complete and not part.missing]
        waiting = {without_commit(reference_of(part)): part for part in parts if not self._removals.holds(part.id)}
        for key, row in list(self._rows.items()):
            if (row.state == "paused" and key not in waiting) or self._is_going(row):
                self._drop(key)
        for part in waiting.values():
            row = self._row(reference_of(part))
            row.part = part
            if row.state in ("new", "paused"):
                row.show_paused(part.done_bytes, part.size_bytes)
        self._tell()

    def _is_going(self, row: DownloadRow) -> bool:
        return row.part is not None and self._removals.holds(row.part.id)

    def show_progress(self, reference: str, progress: Progress) -> None:
        """A download goes on."""
        self._row(reference).show_progress(progress)
        self._tell()

    def show_done(self, reference: str, local: LocalModel) -> None:
        """A download is here."""
        row = self._row(reference)
        row.part = None
        row.show_done(local.size_bytes)
        self._tell()

    def show_failed(self, reference: str, error: AlcoveError) -> None:
        """A download ended with an error."""
        row = self._row(reference)
        row.part = self._part(reference)
        row.show_failed(error)
        self._tell()

    def show_cancelled(self, reference: str) -> None:
        """A download was stopped; what has arrived is kept."""
        row = self._row(reference)
        part = row.part = self._part(reference)
        if part is None:  # it had not begun
            self._drop(without_commit(reference))
        else:
            row.show_paused(part.done_bytes, part.size_bytes)
        self._tell()

    def show_offline(self, on: bool) -> None:
        """The offline switch: nothing can be resumed while it is on."""
        words = self.tr("Alcove is set to offline; downloads can go on when connections are allowed again.")
        self.set_title(self.tr("Downloads"), words if on else "")

    def _part(self, reference: str) -> LocalModel | None:
        found = (model for model in self._library.list() if not model.complete and not model.missing)
        return next((model for model in found if same(reference_of(model), reference)), None)

    def _row(self, reference: str) -> DownloadRow:
        """The row of a download; made, on top of the others, when there is none."""
        key = without_commit(reference)
        if key not in self._rows:
            row = self._rows[key] = DownloadRow(reference, self._name_of(reference))
            row.get_clicked.connect(lambda: self.get_clicked.emit(row.reference))
            row.cancel_clicked.connect(lambda: self.cancel_clicked.emit(row.reference))
            row.chat_clicked.connect(lambda: self.chat_clicked.emit(row.reference))
            row.act_clicked.connect(self.act_clicked)
            row.remove_clicked.connect(lambda: self._on_remove_clicked(key))
            self._list.insertWidget(0, row)
            row.show()
        return self._rows[key]

    def _on_remove_clicked(self, key: str) -> None:
        """Give up an unfinished file, with time to undo; a row without one only leaves the list."""
        part = self._rows[key].part
        if part is None:
            self._drop(key)
            self._tell()
        else:
            self._removals.add(part)

    def _drop(self, key: str) -> None:
        row = self._rows.pop(key)
        row.hide()
        row.deleteLater()

    def _tell(self) -> None:
        self._empty.setVisible(not self._rows)
