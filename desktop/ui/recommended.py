"""The catalogue judged for this computer: a search field, chips, and a card a model."""

from collections.abc import Sequence

from PySide6.QtCore import QTimer, Signal
from PySide6.QtGui import QAction, QActionGroup, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QLineEdit, QMenu, QScrollBar, QVBoxLayout, QWidget

from desktop.comparison import freeness
from desktop.offers import Offer
from desktop.ui import theme
from desktop.ui.buttons import Chip
from desktop.ui.flow import Flow
from desktop.ui.labels import Label
from desktop.ui.licence_chips import licence_chips, what_to_change, wish_of
from desktop.ui.model_row import ModelRow
from desktop.ui.notice import Notice
from desktop.ui.order import Order
from desktop.ui.rows import Rows
from desktop.ui.shortlist import Wish, languages, matches

NARROW = 800  # px at scale 1; below it the cards take two lines
LANGUAGES = 30  # in the menu


class Recommended(QWidget):
    """Signals carry the offer (`opened`) or its reference."""

    opened = Signal(object)  # Offer
    get_clicked = Signal(str)
    cancel_clicked = Signal(str)
    chat_clicked = Signal(str)

    def __init__(self, scroll: QScrollBar) -> None:
        super().__init__()
        self._offers: Sequence[Offer] = ()
        self._language = ""
        self._kept_offline = False
        self.search = QLineEdit()
        self.search.setPlaceholderText(self.tr("Search by name, maker or use"))
        self.search.setAccessibleName(self.tr("Search the recommended models"))
        self.search.setClearButtonEnabled(True)
        self._wait = QTimer(self)
        self._wait.setSingleShot(True)
        self._wait.setInterval(120)
        self._wait.timeout.connect(self._filter)
        self.search.textChanged.connect(lambda: self._wait.start())
        self.chips = {
            "fits": Chip(self.tr("Fits this computer"), checked=True),
            "small": Chip(self.tr("Small download")),
            **licence_chips(),
            "pictures": Chip(self.tr("Reads pictures")),
            "thinks": Chip(self.tr("Thinks first")),
        }
        self.language = Chip(self.tr("Any language"))
        self.language.setMenu(QMenu(self.language))
        self._count = Label("", "small", "soft", wrap=False)
        self.sort = Order([self.tr("best here first"), self.tr("freest licence first")])
        self.sort.chosen.connect(lambda _: self._filter())
        self.rows: Rows[Offer, ModelRow] = Rows(self._make, lambda offer: offer.reference, scroll)
        self._none = Notice(
            self.tr("No model is like that"),
            "",
            self.tr("Clear the filters"),
        )
        self._none.clicked.connect(self.clear)
        self._none.hide()
        self._waiting = Label(self.tr("Looking at this computer …"), "body", "soft")
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID * 2)
        column.addLayout(self._search_line())
        column.addWidget(self._chip_line())
        for widget in (self._waiting, self._none, self.rows):
            column.addWidget(widget)
        theme.follow(self._arrange)

    def _search_line(self) -> QHBoxLayout:
        line = QHBoxLayout()
        line.setSpacing(theme.GRID * 2)
        line.addWidget(self.search, 1)
        line.addWidget(self._count)
        return line

    def _chip_line(self) -> QWidget:
        chips = Flow()
        for chip in self.chips.values():
            chip.toggled.connect(self._filter)
            chips.add(chip)
        chips.add(self.language)
        chips.add(self.sort)
        return chips

    def show_offers(self, offers: Sequence[Offer]) -> None:
        """Show these, best first; cards of offers that have not changed stay as they are."""
        if tuple(offers) != tuple(self._offers):
            self._offers = offers
            self.rows.forget()
            self._fill_languages()
        self._waiting.hide()
        self._filter()

    def keep_offline(self) -> None:
        """Nothing can be fetched on this computer."""
        self._kept_offline = True
        for row in self.rows.built():
            row.getting.keep_offline()

    def clear(self) -> None:
        """Take every filter away but the one that it fits."""
        self.search.clear()
        self._language = ""
        for name, chip in self.chips.items():
            chip.setChecked(name == "fits")
        self._fill_languages()
        self._filter()

    def row(self, reference: str) -> ModelRow | None:
        """The card of an offer, if it has been built."""
        return self.rows.get(reference)

    def wish(self, without: str = "") -> Wish:
        """What is asked for now, perhaps without one of the chips."""
        on = {name: self.chips[name].isChecked() and name != without for name in ("fits", "small", "pictures", "thinks")}
        return Wish(words=self.search.text(), language=self._language, licence=wish_of(self.chips, without), **on)

    def _matching(self, without: str = "") -> list[Offer]:
        wish = self.wish(without)
        return [offer for offer in self._offers if matches(offer, wish)]

    def _filter(self) -> None:
        shown = self._matching()
        if self.sort.current():
            shown.sort(key=lambda offer: freeness(offer.ruling))
        self.rows.show_items(shown)
        self._none.setVisible(bool(self._offers) and not shown)
        if not shown:
            change = what_to_change(self.chips, lambda name: len(self._matching(name)))
            words = "{change}" if self._kept_offline else self.tr("{change} A search may find others.")
            self._none.sentence.setText(words.format(change=change))
            self._none.sentence.show()
        self._count.setText(self.tr("{count} models").format(count=len(shown)) if len(shown) != 1 else self.tr("1 model"))
        self._count.setVisible(bool(self._offers))

    def _fill_languages(self) -> None:
        menu = self.language.menu()
        menu.clear()
        group = QActionGroup(menu)
        for name in ("", *languages(self._offers)[:LANGUAGES]):
            action = QAction(name or self.tr("Any language"), menu)
            action.setCheckable(True)
            action.setChecked(name == self._language)
            action.triggered.connect(lambda _=False, name=name: self._choose_language(name))
            group.addAction(action)
            menu.addAction(action)
        self._show_language()

    def _choose_language(self, name: str) -> None:
        self._language = name
        self._show_language()
        self._filter()

    def _show_language(self) -> None:
        self.language.setText(self._language or self.tr("Any language"))
        self.language.setAccessibleName(self.tr("Language: {name}").format(name=self.language.text()))
        self.language.setChecked(bool(self._language))

    def _make(self, offer: Offer) -> ModelRow:
        row = ModelRow(offer)
        row.set_narrow(self._is_narrow())
        if self._kept_offline:
            row.getting.keep_offline()
        reference = offer.reference
        row.clicked.connect(lambda: self.opened.emit(offer))
        row.getting.get_clicked.connect(lambda: self.get_clicked.emit(reference))
        row.getting.cancel_clicked.connect(lambda: self.cancel_clicked.emit(reference))
        row.getting.chat_clicked.connect(lambda: self.chat_clicked.emit(reference))
        return row

    def _is_narrow(self) -> bool:
        return self.width() < theme.scaled(NARROW)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        for row in self.rows.built():
            row.set_narrow(self._is_narrow())
