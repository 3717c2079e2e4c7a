"""The first page: this computer, three offers, and a way to talk at once."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QGridLayout, QLineEdit, QWidget

from desktop.errors import AlcoveError
from desktop.hardware import Hardware
from desktop.library import LocalModel
from desktop.offers import Offer
from desktop.transfer import Progress
from desktop.ui import theme
from desktop.ui.buttons import Button
from desktop.ui.computer_card import ComputerCard
from desktop.ui.flow import Flow
from desktop.ui.locking import KeptOffline
from desktop.ui.notice import Notice
from desktop.ui.offer_card import BlankCard, OfferCard
from desktop.ui.others import Others
from desktop.ui.page import Page

ROLES = ("quick", "balanced", "best")  # from left to right
CARD_WIDTH = 232  # px at scale 1; narrower, and the cards stand below each other


class FirstRun(Page):
    """Call `show_hardware` and `show_offers` when they are known; until then it waits quietly.

    Signals carry an offer's reference. A download is followed with show_progress, show_done, show_failed, show_cancelled.
    """

    get_clicked = Signal(str)
    cancel_clicked = Signal(str)
    chat_clicked = Signal(str)
    guide_clicked = Signal()
    all_models_clicked = Signal()
    open_file_clicked = Signal()
    online_clicked = Signal()  # the person wants the offline switch off
    skip_clicked = Signal()  # the computer is not to be measured now

    def __init__(self, host: str) -> None:
        """host: where models come from."""
        super().__init__(
            self.tr("A private assistant, on this computer"),
            self.tr(
                "It runs here, works without internet, and sends nothing anywhere. "
                "Choose one to start; you can change it at any time."
            ),
        )
        self.guide_only = False  # no other model may be used
        self._kept: KeptOffline | None = None
        self._cards: list[OfferCard] = []
        self._rate = 0.0
        self._columns = 0
        self._standing: Sequence[OfferCard | BlankCard] = ()
        self.computer = ComputerCard()
        self.computer.skip_clicked.connect(self.skip_clicked)
        self._offline = Notice(
            self.tr("Alcove is set to offline"),
            self.tr("Models come from {host}. Allow connections to get one; the small guide works without.").format(host=host),
            self.tr("Allow connections"),
            tone="warning",
        )
        self._offline.clicked.connect(self.online_clicked)
        self._nothing = Notice(
            self.tr("No model fits into the memory that is free now"),
            self.tr("Close other programs and start Alcove again, or talk to the small guide: it needs almost nothing."),
            self.tr("Talk to the guide"),
            tone="warning",
        )
        self._nothing.clicked.connect(self.guide_clicked)
        self._meanwhile = Notice(
            self.tr("You can talk to the small guide meanwhile"),
            self.tr("It is a tiny model that knows this app, not a real assistant. The download goes on beside it."),
            self.tr("Talk to the guide"),
            tone="good",
        )
        self._meanwhile.clicked.connect(self.guide_clicked)
        self._row = QWidget()
        self._grid = QGridLayout(self._row)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setSpacing(theme.GRID * 2)
        self.others = Others("secondary")
        self._ways = self._links()
        for widget in (self._offline, self.computer, self.others, self._nothing, self._row, self._meanwhile, self._ways):
            self.body.addWidget(widget)
        for hidden in (self._offline, self._nothing, self._meanwhile):
            hidden.hide()
        self._put([BlankCard() for _ in ROLES])

    def _links(self) -> QWidget:
        links = Flow(theme.GRID * 3)
        for words, signal in (
            (self.tr("See all models that fit"), self.all_models_clicked),
            (self.tr("Try the small built-in guide now"), self.guide_clicked),
            (self.tr("I already have a model file"), self.open_file_clicked),
        ):
            link = Button(words, "link")
            link.clicked.connect(signal)
            links.add(link)
        return links

    # --- what is known --------------------------------------------------------------------------------------------------------

    def show_hardware(self, hardware: Hardware) -> None:
        """Say what this computer is."""
        self.computer.show_hardware(hardware)

    def show_measuring(self, fraction: float) -> None:
        """How fast this computer is, is being measured; the offers are shown meanwhile."""
        self.computer.show_measuring(fraction)

    def show_measured(self) -> None:
        """That is over."""
        self.computer.show_measured()

    def show_offers(self, offers: Sequence[Offer]) -> None:
        """Show the three that carry a role, or say that none fits."""
        dense = [o.model.params_total for o in offers if o.verdict == "runs_well" and o.model.params_active is None]
        self.computer.show_largest(max(dense, default=0))
        able = [o for o in offers if o.role in ROLES and (o.local is not None or self._kept is None)]
        chosen = sorted(able, key=lambda o: ROLES.index(o.role or ""))
        before = {card.offer.reference: card for card in self._cards}
        if self._cards and [o.reference for o in chosen] == list(before):
            for offer in chosen:  # the same again, perhaps with a download running in it
                before[offer.reference].show_offer(offer)
            return
        self._cards = [OfferCard(offer) for offer in chosen]
        for card in self._cards:
            self._connect(card)
        self._put(self._cards)
        self._row.setVisible(bool(self._cards))
        self._nothing.setVisible(not self._cards and self._kept is None)
        if refused := next((offer.refused for offer in offers if offer.refused), ""):
            self._nothing.title.setText(self.tr("Your organisation allows none of the models that would run here"))
            self._nothing.sentence.setText(refused)
        if self._cards:
            suggested = next((c for c in self._cards if c.offer.role == "balanced"), self._cards[0])
            self._choose(suggested)
            if self.isVisible() and not before and not isinstance(self.window().focusWidget(), QLineEdit):
                suggested.setFocus()  # Return gets it; nobody is interrupted who writes already
        self._show_times()

    def _connect(self, card: OfferCard) -> None:
        reference = card.offer.reference
        card.clicked.connect(card.setFocus)
        card.chosen.connect(lambda: self._choose(card))
        card.moved.connect(lambda step: self._move(card, step))
        card.getting.get_clicked.connect(lambda: self.get_clicked.emit(reference))
        card.getting.cancel_clicked.connect(lambda: self.cancel_clicked.emit(reference))
        card.getting.chat_clicked.connect(lambda: self.chat_clicked.emit(reference))

    def _choose(self, chosen: OfferCard) -> None:
        for card in self._cards:
            card.choose() if card is chosen else card.let_go()

    def _move(self, card: OfferCard, step: int) -> None:
        self._cards[(self._cards.index(card) + step) % len(self._cards)].setFocus()

    def show_offline(self, on: bool, kept_by: str = "") -> None:
        """The offline switch, which is not the person's where a policy, `kept_by`, has locked it: then it stays so."""
        if on and kept_by and self._kept is None:
            self._kept = KeptOffline(self.tr("Talk to the guide"), kept_by, guide_only=self.guide_only)
            self._kept.use_clicked.connect(self.guide_clicked)
            self._kept.open_file_clicked.connect(self.open_file_clicked)
            self.body.insertWidget(0, self._kept)
            self.subtitle.setText(self.tr("It runs here, works without internet, and sends nothing anywhere."))
            self._row.hide()
            self._ways.hide()
        self._offline.setVisible(on and not kept_by)

    # --- downloads ------------------------------------------------------------------------------------------------------------

    def show_progress(self, reference: str, progress: Progress) -> None:
        """A download goes on."""
        if progress.left_s is not None and progress.bytes_per_s:  # after the first second: a rate that means something
            self._rate = progress.bytes_per_s
            self._show_times(but=reference)
        for card in self._of(reference):
            card.getting.show_progress(progress)
            self._meanwhile.show()

    def show_done(self, reference: str, local: LocalModel) -> None:
        """A download is here."""
        for card in self._of(reference):
            card.getting.show_chat()
            self._meanwhile.hide()

    def show_failed(self, reference: str, error: AlcoveError) -> None:
        """A download ended with an error."""
        for card in self._of(reference):
            card.getting.show_failed(error)
            self._meanwhile.hide()

    def show_cancelled(self, reference: str) -> None:
        """A download was stopped; what has arrived is kept."""
        for card in self._of(reference):
            card.getting.show_get()
            self._meanwhile.hide()

    def _of(self, reference: str) -> list[OfferCard]:
        return [card for card in self._cards if card.offer.reference == reference]

    def _show_times(self, but: str = "") -> None:
        for card in self._cards:
            if self._rate and card.offer.reference != but:
                card.show_time(self._rate)

    # --- places ---------------------------------------------------------------------------------------------------------------

    def _put(self, cards: Sequence[OfferCard | BlankCard]) -> None:
        """Take away what stands in the row and put these there."""
        while (item := self._grid.takeAt(0)) is not None:
            if (widget := item.widget()) is not None and widget not in cards:
                widget.hide()
                widget.deleteLater()
        self._columns, self._standing = 0, cards
        self._arrange()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    def _arrange(self) -> None:
        """Side by side where there is room, else below each other."""
        cards = self._standing
        margins = self._column.contentsMargins()
        room = self.viewport().width() - margins.left() - margins.right()
        columns = min(3, len(cards)) if room >= 3 * theme.scaled(CARD_WIDTH) else 1
        if columns == self._columns or not cards:
            return
        self._columns = columns
        for index, card in enumerate(cards):
            self._grid.addWidget(card, index // columns, index % columns)
            card.set_tall(columns > 1)
            card.show()
        for column in range(3):
            self._grid.setColumnStretch(column, 1 if column < columns else 0)
