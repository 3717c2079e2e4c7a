"""Searching the Hub for models that the engine can read: asked as one types, shown one by one as they are found."""

from collections.abc import Callable, Iterator
from functools import partial

from PySide6.QtCore import QTimer, QUrl, Signal
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from desktop.errors import AlcoveError, Offline
from desktop.hub import Repo
from desktop.library import LocalModel
from desktop.licences import Licences
from desktop.transfer import Progress
from desktop.ui import theme
from desktop.ui.fit_fold import FitFold
from desktop.ui.judging import Judges
from desktop.ui.labels import Label
from desktop.ui.messages import TRY_AGAIN, explain
from desktop.ui.notice import Notice
from desktop.ui.repo_card import RepoCard
from desktop.ui.tasks import Task, Tasks

SEARCH_TASK = "search the Hub"
TYPING_S = 0.35  # without a key before it is asked
SHORTEST = 2  # characters


class HubSearch(QWidget):
    """`search(words)` is the Hub's; `free_bytes` (set when the computer is known) lets the sizes be judged."""

    get_clicked = Signal(str)
    cancel_clicked = Signal(str)
    chat_clicked = Signal(str)
    online_clicked = Signal()
    act_clicked = Signal(str, object)  # what an error's button does, and the error
    wished = Signal(str, object)  # as FitFold's
    look_again_clicked = Signal()

    def __init__(self, tasks: Tasks, search: Callable[[str], Iterator[Repo]], licences: Licences, judges: Judges) -> None:
        super().__init__()
        self._tasks, self._search, self._licences, self._judges = tasks, search, licences, judges
        self._task: Task | None = None
        self._error: AlcoveError | None = None
        self._offline = False
        self._free_bytes = 0
        self._cards: list[RepoCard] = []
        self._states: dict[str, Callable[[RepoCard], None]] = {}
        self.field = QLineEdit()
        self.field.setPlaceholderText(self.tr("Name of a model, maker or repository"))
        self.field.setAccessibleName(self.tr("Search the Hugging Face Hub"))
        self.field.setClearButtonEnabled(True)
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(round(TYPING_S * 1000))
        self._wait.timeout.connect(self.ask)
        self.field.textChanged.connect(lambda: self._wait.start())
        self.field.returnPressed.connect(self.ask)
        self.said = Label("", "small", "soft")
        self._results = QVBoxLayout()
        self._results.setSpacing(theme.GRID + 2)
        self._notice: Notice | None = None
        self._notice_place = QVBoxLayout()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID * 2)
        column.addWidget(self.field)
        column.addWidget(self.said)
        column.addLayout(self._notice_place)
        column.addLayout(self._results)
        self._say_nothing_yet()

    def show_offline(self, on: bool) -> None:
        """The offline switch; what stood there as an error may be over now."""
        was, self._offline = self._offline, on
        if on:
            self._tasks.cancel(SEARCH_TASK)
            self._say_offline()
        elif was:
            self._clear_notice()
            self.ask()

    def show_free(self, free_bytes: int) -> None:
        """How much memory a model may take here."""
        self._free_bytes = free_bytes

    # --- asking ---------------------------------------------------------------------------------------------------------------

    def ask(self) -> None:
        """Search for what stands in the field; what was searched for before is given up."""
        self._wait.stop()
        words = self.field.text().strip()
        if self._offline:
            return self._say_offline()
        self._clear()
        self._tasks.cancel(SEARCH_TASK)
        self._task = None
        if len(words) < SHORTEST:
            return self._say_nothing_yet()
        self._say(self.tr("Searching for “{words}” …").format(words=words))
        task = self._task = self._tasks.start(self._search(words), key=SEARCH_TASK)
        task.yielded.connect(self._on_found)
        task.done.connect(self._on_done)
        task.failed.connect(self._on_failed)

    def _on_found(self, repo: Repo) -> None:
        if self.sender() is not self._task:  # a search that was given up
            return
        card = RepoCard(repo, self._licences, self._free_bytes, self._judges)
        card.get_clicked.connect(self.get_clicked)
        card.cancel_clicked.connect(self.cancel_clicked)
        card.chat_clicked.connect(self.chat_clicked)
        card.page_clicked.connect(lambda address: QDesktopServices.openUrl(QUrl(address)))
        card.token_clicked.connect(lambda: self.act_clicked.emit("settings", None))
        for show in self._states.values():
            show(card)
        for fold in card.folds():
            fold.opened.connect(partial(self._on_opened, fold))
            fold.wished.connect(self.wished)
            fold.look_again_clicked.connect(self.look_again_clicked)
            fold.models_clicked.connect(self.field.setFocus)
            fold.act_clicked.connect(self.act_clicked)
        self._cards.append(card)
        self._results.addWidget(card)
        card.show()

    def _on_opened(self, opened: FitFold) -> None:
        """One at a time: each opened one is checked while it is looked at."""
        for card in self._cards:
            for fold in card.folds():
                if fold is not opened:
                    fold.close_view()

    def look_again(self) -> None:
        """The computer was looked at again."""
        for card in self._cards:
            for fold in card.folds():
                fold.look_again()

    def _on_done(self) -> None:
        if self.sender() is not self._task:  # a search that was given up
            return
        count = len(self._cards)
        if not count:
            self._say(self.tr("Nothing was found. Try fewer or other words."))
        else:
            self._say(self.tr("1 repository") if count == 1 else self.tr("{count} repositories").format(count=count))

    def _on_failed(self, error: AlcoveError) -> None:
        if self.sender() is not self._task:  # a search that was given up
            return
        self._say("")
        if isinstance(error, Offline):
            return self._say_offline()
        self._error = error
        words = explain(error)
        notice = self._show_notice(Notice(words.title, words.sentence, words.button, tone="warning"))
        notice.clicked.connect(self.ask if words.act == TRY_AGAIN else lambda: self.act_clicked.emit(words.act, error))

    # --- downloads ------------------------------------------------------------------------------------------------------------

    def show_progress(self, reference: str, progress: Progress) -> None:
        """A download goes on."""
        self._show(reference, lambda card: card.show_progress(reference, progress))

    def show_done(self, reference: str, local: LocalModel) -> None:
        """A download is here."""
        self._show(reference, lambda card: card.show_done(reference))

    def show_failed(self, reference: str, sentence: str) -> None:
        """A download ended with an error."""
        self._show(reference, lambda card: card.show_failed(reference, sentence))

    def show_cancelled(self, reference: str) -> None:
        """A download was stopped."""
        self._show(reference, lambda card: card.show_cancelled(reference))
        self._states.pop(reference, None)

    def _show(self, reference: str, show: Callable[[RepoCard], None]) -> None:
        self._states[reference] = show  # for cards of a later search
        for card in self._cards:
            show(card)

    def _say(self, words: str) -> None:
        self.said.setText(words)
        self.said.setVisible(bool(words))

    # --- states ---------------------------------------------------------------------------------------------------------------

    def _say_nothing_yet(self) -> None:
        self._say(
            self.tr("Type to search huggingface.co for models in the GGUF format. What you type is sent there, and nothing else.")
        )

    def _say_offline(self) -> None:
        self._say("")
        words = self.tr("Searching asks huggingface.co. Allow connections to search; what is on this computer works without.")
        notice = self._show_notice(
            Notice(self.tr("Alcove is set to offline"), words, self.tr("Allow connections"), tone="warning")
        )
        notice.clicked.connect(self.online_clicked)

    def _show_notice(self, notice: Notice) -> Notice:
        self._clear_notice()
        self._notice = notice
        self._notice_place.addWidget(notice)
        notice.show()
        return notice

    def _clear_notice(self) -> None:
        if self._notice is not None:
            self._notice.hide()
            self._notice.deleteLater()
            self._notice = None

    def _clear(self) -> None:
        self._clear_notice()
        for card in self._cards:
            card.hide()
            card.deleteLater()
        self._cards = []
