"""Searching the Hub, or a mirror, for models that the engine can read: asked as one types, what fits this computer first."""

from collections.abc import Callable, Generator, Iterable
from datetime import date, datetime
from functools import partial
from typing import Protocol

from PySide6.QtCore import QDate, QEvent, QLocale, QObject, Qt, QTimer, Signal
from PySide6.QtGui import QKeyEvent
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from desktop.comparison import freeness
from desktop.errors import AlcoveError, Offline
from desktop.hub import Sort
from desktop.library import LocalModel
from desktop.licences import Licences, Ruling
from desktop.repo import Repo
from desktop.search import PAGE, Found, by_fit
from desktop.transfer import Progress
from desktop.ui import theme
from desktop.ui.buttons import Button
from desktop.ui.fit_fold import FitFold
from desktop.ui.flow import Flow
from desktop.ui.judging import Judges
from desktop.ui.labels import Label
from desktop.ui.licence_chips import licence_chips, what_to_change, wish_of
from desktop.ui.messages import TRY_AGAIN, explain
from desktop.ui.notice import Notice
from desktop.ui.order import Order
from desktop.ui.repo_card import RepoCard
from desktop.ui.tasks import Task, Tasks

SEARCH_TASK = "search the Hub"
LOOK_TASK = "look at {repo}"
TYPING_S = 0.35  # without a key before it is asked
SHORTEST = 2  # characters
MOST = 100  # repositories that the Hub tells at once
SORTS = ("fit", "downloads", "date", "licence")


class Finder(Protocol):
    """What is asked: search.Search."""

    def find(self, words: str, limit: int = ..., sort: Sort = ...) -> Generator[None, None, Found]: ...

    def page(self, id: str) -> Generator[None, None, Repo]: ...


class HubSearch(QWidget):
    """`free_bytes` (set when the computer is known) lets the sizes be judged."""

    get_clicked = Signal(str)
    cancel_clicked = Signal(str)
    chat_clicked = Signal(str)
    online_clicked = Signal()
    act_clicked = Signal(str, object)  # what an error's button does, and the error
    wished = Signal(str, object)  # as FitFold's
    look_again_clicked = Signal()
    page_clicked = Signal(str)  # an address
    token_entered = Signal(str)
    read_clicked = Signal(str, object)  # these three as RepoCard's
    compare_clicked = Signal(str, object)
    visit_clicked = Signal(str)

    def __init__(self, tasks: Tasks, finder: Finder, licences: Licences, judges: Judges) -> None:
        super().__init__()
        self._tasks, self._finder, self._licences, self._judges = tasks, finder, licences, judges
        self.refusal: Callable[[Repo, Ruling], str] = lambda repo, ruling: ""  # why it may not be used, "" where it may
        self._task: Task | None = None
        self._asked = 0  # how many searches there were: each has a key of its own, for none waits until another has hung up
        self._limit = PAGE
        self._offline = False
        self._free_bytes = 0
        self._found: Found | None = None
        self._cards: list[RepoCard] = []
        self._states: dict[str, Callable[[RepoCard], None]] = {}
        self.field = QLineEdit()
        self.field.setPlaceholderText(self.tr("Name of a model, maker or repository"))
        self.field.setAccessibleName(self.tr("Search {host}").format(host=judges.host))
        self.field.setClearButtonEnabled(True)
        self.field.installEventFilter(self)
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(round(TYPING_S * 1000))
        self._wait.timeout.connect(self.ask)
        self.field.textChanged.connect(lambda: self._wait.start())
        self.field.returnPressed.connect(self.ask)
        self.said = Label("", "small", "soft")
        self.sort = Order(
            [self.tr("what fits first"), self.tr("most downloaded"), self.tr("newest"), self.tr("freest licence first")]
        )
        self.sort.chosen.connect(lambda _: self.ask())
        self.more = Button(self.tr("More results"))
        self.more.clicked.connect(self._on_more_clicked)
        self.more.hide()
        self._results = QVBoxLayout()
        self._results.setSpacing(theme.GRID + 2)
        self._notice: Notice | None = None
        self._notice_place = QVBoxLayout()
        self.chips = licence_chips()
        self._chip_line = Flow()
        for chip in self.chips.values():
            chip.toggled.connect(lambda _: self._filter())
            self._chip_line.add(chip)
        self._chip_line.add(self.sort)
        self._none = Notice(self.tr("Nothing that was found has such a licence"), button=self.tr("Clear the filters"))
        self._none.clicked.connect(self._clear_filters)
        self._build()
        self._say_nothing_yet()

    def _build(self) -> None:
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID * 2)
        column.addWidget(self.field)
        column.addWidget(self._chip_line)
        column.addWidget(self.said)
        column.addWidget(self._none)
        column.addLayout(self._notice_place)
        column.addLayout(self._results)
        column.addWidget(self.more, 0, Qt.AlignmentFlag.AlignHCenter)

    def show_offline(self, on: bool) -> None:
        """The offline switch; what stood there as an error may be over now."""
        was, self._offline = self._offline, on
        if on or was:
            self.ask()

    def show_free(self, free_bytes: int) -> None:
        """How much memory a model may take here: results of before are judged anew."""
        if free_bytes != self._free_bytes:
            self._free_bytes = free_bytes
            if self._found is not None and not any(card.is_open for card in self._cards):
                self._show_found(self._found)

    # --- asking ---------------------------------------------------------------------------------------------------------------

    def ask(self) -> None:
        """Search for what stands in the field; what was searched for before is given up."""
        self._limit = PAGE
        self._clear()
        self._ask()

    def _ask(self) -> None:
        self._wait.stop()
        self._clear_notice()
        if self._task is not None:
            self._task.cancel()
            self._task = None
        words = self.field.text().strip()
        if len(words) < SHORTEST:
            return self._say_offline() if self._offline else self._say_nothing_yet()
        self._say(self.tr("Searching for “{words}” …").format(words=words))
        self._asked += 1
        sort: Sort = "date" if SORTS[self.sort.current()] == "date" else "downloads"
        task = self._task = self._tasks.start(self._finder.find(words, self._limit, sort), key=f"{SEARCH_TASK} {self._asked}")
        task.done.connect(self._on_done)
        task.failed.connect(self._on_failed)

    def _on_more_clicked(self) -> None:
        self._limit = min(MOST, self._limit + PAGE)
        self.more.setEnabled(False)
        self._ask()

    def _on_done(self, found: Found) -> None:
        if self.sender() is self._task:  # else it is of a search that was given up
            self._show_found(found)

    def _show_found(self, found: Found) -> None:
        """Put the cards in their order; those that are there already stay as they are, and where the keyboard is."""
        self._found = found
        best = by_fit(found.repos, self._free_bytes) if SORTS[self.sort.current()] == "fit" else list(found.repos)
        before = {card.repo.id: card for card in self._cards}
        self._cards = [before.pop(repo.id) if repo.id in before else self._card(repo) for repo in best]
        _take_away(before.values())
        if SORTS[self.sort.current()] == "licence":
            self._cards.sort(key=lambda card: freeness(card.ruling))
        for place, card in enumerate(self._cards):
            self._results.insertWidget(place, card)
            card.show_guess(self._free_bytes)
        self._filter()
        self.more.setVisible(found.more and self._limit < MOST)
        self.more.setEnabled(True)
        self.sort.setVisible(bool(self._cards))

    def _matching(self, without: str = "") -> list[RepoCard]:
        wish = wish_of(self.chips, without)
        return [card for card in self._cards if wish.takes(card.ruling)]

    def _filter(self) -> None:
        """Show those with such a licence; the others stay, hidden."""
        shown = self._matching()
        for card in self._cards:
            card.setVisible(card in shown)
        self._none.setVisible(bool(self._cards) and not shown)
        if self._cards and not shown:
            self._none.sentence.setText(what_to_change(self.chips, lambda name: len(self._matching(name))))
            self._none.sentence.show()
        if self._found is not None:
            self._say_found(self._found)

    def _clear_filters(self) -> None:
        for chip in self.chips.values():
            chip.setChecked(False)

    def _say_found(self, found: Found) -> None:
        count = len(found.repos)
        if not count:
            return self._say(self.tr("Nothing was found. Try fewer or other words."))
        words = self.tr("1 repository") if count == 1 else self.tr("{count} repositories").format(count=count)
        if wish_of(self.chips).asks:
            words = self.tr("{shown} of {all}").format(shown=len(self._matching()), all=words)
        if found.old:
            said = self.tr("{host} cannot be asked now. {when}")
            words += " · " + said.format(host=self._judges.host, when=self.when(found.asked_at, date.today()))
        self._say(words)

    def when(self, asked_at: datetime, today: date) -> str:
        """Of which day an answer is."""
        day = asked_at.astimezone().date()
        if (today - day).days <= 1:
            return self.tr("From today's search.") if day == today else self.tr("From yesterday's search.")
        said = QLocale().toString(QDate(day.year, day.month, day.day), QLocale.FormatType.ShortFormat)
        return self.tr("From a search on {day}.").format(day=said)

    def _card(self, repo: Repo) -> RepoCard:
        card = RepoCard(repo, self._licences, self._judges, self.refusal)
        card.opened.connect(lambda: self._look(card))
        card.get_clicked.connect(self.get_clicked)
        card.cancel_clicked.connect(self.cancel_clicked)
        card.chat_clicked.connect(self.chat_clicked)
        card.page_clicked.connect(self.page_clicked)
        card.token_entered.connect(self.token_entered)
        card.read_clicked.connect(self.read_clicked)
        card.compare_clicked.connect(self.compare_clicked)
        card.visit_clicked.connect(self.visit_clicked)
        card.moved.connect(lambda step: self._go(card, step))
        return card

    def _look(self, card: RepoCard) -> None:
        """Ask for the files of a repository, once it is opened."""
        task = self._tasks.start(self._finder.page(card.repo.id), key=LOOK_TASK.format(repo=card.repo.id))
        task.done.connect(lambda repo: self._on_looked(card, repo))
        task.failed.connect(lambda error: self._on_not_looked(card, error))

    def _on_looked(self, card: RepoCard, repo: Repo) -> None:
        if card not in self._cards:  # another search came in between
            return
        card.show_files(repo, self._free_bytes)
        for fold in card.folds():
            fold.opened.connect(partial(self._on_opened, fold))
            fold.wished.connect(self.wished)
            fold.look_again_clicked.connect(self.look_again_clicked)
            fold.act_clicked.connect(self.act_clicked)
        for show in self._states.values():
            show(card)

    def _on_not_looked(self, card: RepoCard, error: AlcoveError) -> None:
        if card in self._cards:
            notice = card.show_error(error)
            act = explain(error).act
            notice.clicked.connect((lambda: self._look(card)) if act == TRY_AGAIN else lambda: self.act_clicked.emit(act, error))

    def _on_opened(self, opened: FitFold) -> None:
        """One at a time: what is opened is checked while it is looked at."""
        for card in self._cards:
            for fold in card.folds():
                if fold is not opened:
                    fold.close_view()

    def look_again(self) -> None:
        """The computer was looked at again."""
        for card in self._cards:
            for fold in card.folds():
                fold.look_again()

    def _on_failed(self, error: AlcoveError) -> None:
        if self.sender() is not self._task:  # a search that was given up
            return
        self.more.setEnabled(True)
        self._say("")
        if isinstance(error, Offline):
            return self._say_offline()
        words = explain(error)
        notice = self._show_notice(Notice(words.title, words.sentence, words.button, tone="warning").about(error))
        notice.clicked.connect(self._ask if words.act == TRY_AGAIN else lambda: self.act_clicked.emit(words.act, error))

    # --- keyboard -------------------------------------------------------------------------------------------------------------

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Down leads from the field into the results."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and event.key() == Qt.Key.Key_Down:
            if shown := self._matching():
                shown[0].opener.setFocus(Qt.FocusReason.TabFocusReason)
            return True
        return super().eventFilter(watched, event)

    def _go(self, card: RepoCard, step: int) -> None:
        """From one result to the next, or back into the field."""
        shown = self._matching()
        place = shown.index(card) + step
        if place < 0:
            self.field.setFocus(Qt.FocusReason.BacktabFocusReason)
        elif place < len(shown):
            shown[place].opener.setFocus(Qt.FocusReason.TabFocusReason)

    # --- downloads ------------------------------------------------------------------------------------------------------------

    def show_progress(self, reference: str, progress: Progress) -> None:
        """A download goes on."""
        self._show(reference, lambda card: card.show_progress(reference, progress))

    def show_done(self, reference: str, local: LocalModel) -> None:
        """A download is here."""
        self._show(reference, lambda card: card.show_done(reference))

    def show_failed(self, reference: str, error: AlcoveError) -> None:
        """A download ended with an error."""
        self._show(reference, lambda card: card.show_failed(reference, error))

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
        self._none.hide()
        self.sort.hide()
        words = self.tr("Type to search {host} for models in the GGUF format. What you type is sent there, and nothing else.")
        self._say(words.format(host=self._judges.host))

    def _say_offline(self) -> None:
        self._say("")
        words = self.tr("Searching asks {host}. Allow connections to search; what is on this computer works without.")
        words = words.format(host=self._judges.host)
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
        _take_away(self._cards)
        self._cards, self._found = [], None
        self._none.hide()
        self.more.hide()
        self.sort.setVisible(len(self.field.text().strip()) >= SHORTEST)


def _take_away(cards: Iterable[RepoCard]) -> None:
    for card in cards:
        card.hide()
        card.deleteLater()
