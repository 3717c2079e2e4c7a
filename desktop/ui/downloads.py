"""The page Downloads: what is on its way, what waits, what has come, what failed."""

from collections.abc import Callable
from itertools import pairwise

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QVBoxLayout, QWidget

from desktop.downloads import Downloads
from desktop.errors import AlcoveError
from desktop.library import Library, LocalModel
from desktop.transfer import Progress
from desktop.ui import theme
from desktop.ui.buttons import Button
from desktop.ui.download_row import DownloadRow
from desktop.ui.notice import Notice
from desktop.ui.page import Page
from desktop.ui.reference import reference_of, without_commit
from desktop.ui.undo import Removals


class DownloadsPage(Page):
    """Call `show_library` when the page is shown: unfinished files that nobody asked for today are listed as paused.

    `name_of(reference)` is how a model is called. Signals carry a reference; cancel_clicked keeps what has arrived.
    """

    get_clicked = Signal(str)
    cancel_clicked = Signal(str)
    chat_clicked = Signal(str)
    forget_clicked = Signal(str)
    moved = Signal(str, int)  # to which place of the queue
    pause_all_clicked = Signal()
    resume_all_clicked = Signal()
    models_clicked = Signal()
    token_entered = Signal(str)
    act_clicked = Signal(str, object)  # what an error's button does (ui/messages.py), and the error
    page_clicked = Signal(str)  # an address

    def __init__(self, library: Library, name_of: Callable[[str], str], removals: Removals, queue: Downloads) -> None:
        super().__init__(self.tr("Downloads"))
        self._library, self._name_of, self._removals, self._queue = library, name_of, removals, queue
        self._rows: dict[str, DownloadRow] = {}
        self._held = ""  # why what waits waits, apart from others
        self._kept = False  # nothing can go on here
        self._given_up: set[str] = set()  # what is to go as soon as it has stopped
        self._empty = Notice(
            self.tr("Nothing is being downloaded"),
            self.tr("Models that you get appear here. They stay on this computer until you remove them."),
            self.tr("See the models"),
        )
        self._empty.clicked.connect(self.models_clicked)
        self.pause_all = Button(self.tr("Pause all"), "secondary", "pause")
        self.pause_all.clicked.connect(self.pause_all_clicked)
        self.resume_all = Button(self.tr("Resume all"), "secondary", "play")
        self.resume_all.clicked.connect(self.resume_all_clicked)
        self.header.addWidget(self.pause_all)
        self.header.addWidget(self.resume_all)
        self._list = QVBoxLayout()
        self._list.setSpacing(theme.GRID + 2)
        self.body.addWidget(self._empty)
        self.body.addLayout(self._list)
        removals.changed.connect(self.show_library)
        self.show_queue()

    # --- the list -------------------------------------------------------------------------------------------------------------

    def show_library(self) -> None:
        """Look which unfinished files there are, and what has become of the queue."""
        parts = [part for part in self._library.list() if not part.complete and not part.missing]
        going = {without_commit(reference_of(part)) for part in parts if self._removals.holds(part.id)}
        here = {without_commit(reference_of(part)): part for part in parts}
        for key, part in here.items():
            if key not in going:
                self._queue.note(reference_of(part))
        wanted = {without_commit(each.reference): each for each in self._queue.list()}
        for key, row in list(self._rows.items()):
            if key in going or (key not in wanted and row.state != "done"):
                self._drop(key)
        for key, each in wanted.items():
            if key not in going:
                row = self._row(each.reference)
                row.part = here.get(key)
                if each.state == "paused":
                    row.show_paused()
        self.show_queue()

    def show_queue(self) -> None:
        """Put the rows in their order, and say of each that waits how many come before it. Asks nothing of the disk."""
        queue = [each for each in self._queue.list() if without_commit(each.reference) in self._rows]
        rows = [self._rows[without_commit(each.reference)] for each in queue]
        if [self._list.indexOf(row) for row in rows] != list(range(len(rows))):
            for place, row in enumerate(rows):
                self._list.insertWidget(place, row)  # it keeps the keyboard's focus
            controls = [control for row in rows for control in row.controls]
            for control, following in pairwise(controls):
                QWidget.setTabOrder(control, following)
        waiting = [each for each in queue if each.state == "waiting"]
        for number, each in enumerate(waiting):
            row = self._rows[without_commit(each.reference)]
            if row.state in ("new", "waiting", "paused"):
                row.show_waiting(self._waits(number), first=number == 0)
        self._empty.setVisible(not self._rows)
        self.pause_all.setVisible(bool(waiting))
        self.resume_all.setVisible(not waiting and not self._kept and sum(each.state == "paused" for each in queue) > 1)

    def _waits(self, number: int) -> str:
        if self._held == "offline":
            return self.tr("Waiting until connections are allowed")
        if self._held == "metered":
            return self.tr("Waiting for a connection that is not metered")
        ordinals = [self.tr("second"), self.tr("third"), self.tr("fourth"), self.tr("fifth"), self.tr("sixth")]
        if number == 0:
            return self.tr("Waiting: next in the queue")
        if number <= len(ordinals):
            return self.tr("Waiting: {ordinal} in the queue").format(ordinal=ordinals[number - 1])
        return self.tr("Waiting: number {number} in the queue").format(number=number + 1)

    # --- what happens to one --------------------------------------------------------------------------------------------------

    def show_progress(self, reference: str, progress: Progress) -> None:
        """A download goes on, or waits for its turn."""
        row = self._row(reference)
        if progress.stage == "queue":
            row.part = self._part(reference)
            row.show_waiting(self.tr("Waiting"), first=True)
            self.show_queue()
        elif row.state == "running":
            row.show_progress(progress)
        else:
            row.show_progress(progress)
            self.show_queue()

    def show_done(self, reference: str, local: LocalModel) -> None:
        """A download is here."""
        row = self._row(reference)
        row.part = None
        self._given_up.discard(without_commit(reference))  # it was there before it could be stopped
        row.show_done(local.size_bytes)
        self._list.removeWidget(row)
        self._list.addWidget(row)
        self.show_queue()

    def show_failed(self, reference: str, error: AlcoveError) -> None:
        """A download ended with an error."""
        row = self._row(reference)
        row.part = self._part(reference)
        row.show_failed(error)
        self.show_queue()

    def show_cancelled(self, reference: str) -> None:
        """A download neither runs nor waits; what has arrived is kept."""
        row = self._row(reference)
        row.part = self._part(reference)
        self.show_library()
        key = without_commit(reference)
        if key in self._given_up:
            self._given_up.discard(key)
            if row.part is not None:
                self._removals.add(row.part)

    def show_held(self, why: str, *, kept: bool = False) -> None:
        """What keeps all of them from going on: "offline", "metered" or "" for nothing. kept: the organisation has decided it."""
        self._held, self._kept = why, kept
        words = self.tr("Alcove is set to offline; downloads can go on when connections are allowed again.")
        words = self.tr("Your organisation keeps Alcove offline, so nothing can be downloaded here.") if kept else words
        self.set_title(self.tr("Downloads"), words if why == "offline" else "")
        for row in self._rows.values():
            row.keep_offline(kept)
        self.show_queue()

    def _part(self, reference: str) -> LocalModel | None:
        found = (model for model in self._library.list() if not model.complete and not model.missing)
        key = without_commit(reference)
        return next((model for model in found if without_commit(reference_of(model)) == key), None)

    def _row(self, reference: str) -> DownloadRow:
        """The row of a download; made, below the others, when there is none."""
        key = without_commit(reference)
        if key not in self._rows:
            row = self._rows[key] = DownloadRow(reference, self._name_of(reference))
            row.keep_offline(self._kept)
            row.get_clicked.connect(lambda: self.get_clicked.emit(row.reference))
            row.cancel_clicked.connect(lambda: self.cancel_clicked.emit(row.reference))
            row.chat_clicked.connect(lambda: self.chat_clicked.emit(row.reference))
            row.moved.connect(lambda where: self._on_moved(key, where))
            row.act_clicked.connect(self.act_clicked)
            row.token_entered.connect(self.token_entered)
            row.page_clicked.connect(self.page_clicked)
            row.remove_clicked.connect(lambda: self._on_remove_clicked(key))
            self._list.addWidget(row)
            row.show()
        return self._rows[key]

    def _on_moved(self, key: str, where: str) -> None:
        """Past the one that waits before it or after it; those that are paused do not count."""
        order = [without_commit(each.reference) for each in self._queue.list()]
        waiting = [without_commit(reference) for reference in self._queue.waiting()]
        if key not in waiting:
            return
        at = waiting.index(key)
        to = {"up": at - 1, "down": at + 1, "top": 0}[where]
        if to != at and 0 <= to < len(waiting):
            self.moved.emit(self._rows[key].reference, order.index(waiting[to]))

    def _on_remove_clicked(self, key: str) -> None:
        """Give up an unfinished file, with time to undo; a row without one only leaves the list."""
        row = self._rows[key]
        if row.state in ("new", "running"):
            self._given_up.add(key)
            self.cancel_clicked.emit(row.reference)
        elif row.part is not None and row.state != "done":
            self.cancel_clicked.emit(row.reference)
            self._removals.add(row.part)
        else:
            self._drop(key)
            self.forget_clicked.emit(row.reference)
            self.show_queue()

    def _drop(self, key: str) -> None:
        row = self._rows.pop(key)
        self._list.removeWidget(row)
        row.hide()
        row.deleteLater()
