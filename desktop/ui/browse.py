"""The page Models: what is recommended here, what is on this computer, and the Hub; and one model in full."""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QWidget

from desktop import offers
from desktop.errors import AlcoveError
from desktop.hardware import Hardware
from desktop.library import Library, LocalModel
from desktop.licences import Licences, Ruling
from desktop.offers import Offer
from desktop.policy import Verdict
from desktop.speed import Rates
from desktop.transfer import Progress
from desktop.ui import theme
from desktop.ui.buttons import Tabs
from desktop.ui.getting import Getting
from desktop.ui.hub_search import Finder, HubSearch
from desktop.ui.judging import Judges
from desktop.ui.local_models import LocalModels
from desktop.ui.locking import KeptOffline
from desktop.ui.model_detail import ModelDetail
from desktop.ui.notice import Notice
from desktop.ui.page import Page
from desktop.ui.recommended import Recommended
from desktop.ui.tasks import Tasks
from desktop.ui.undo import Removals

NARROW = 680  # px at scale 1; below it the tabs stand below the title
TABS = ("recommended", "local", "hub")
HUB = "huggingface.co"  # any other host is a mirror


class Browse(Page):
    """Signals carry a model reference. `finder` searches the Hub, `ruling` judges the licence of a file that is here."""

    get_clicked = Signal(str)
    cancel_clicked = Signal(str)
    chat_clicked = Signal(str)
    online_clicked = Signal()
    open_file_clicked = Signal()
    wished = Signal(str, object)  # a model's reference and the Wish
    look_again_clicked = Signal()  # other programs may have been closed
    act_clicked = Signal(str, object)  # what an error's button does (ui/messages.py), and the error or None
    page_clicked = Signal(str)  # an address
    token_entered = Signal(str)
    read_clicked = Signal(str, object)  # these three as ModelDetail's
    compare_clicked = Signal(str, object)
    visit_clicked = Signal(str)

    def __init__(
        self,
        licences: Licences,
        library: Library,
        tasks: Tasks,
        finder: Finder,
        ruling: Callable[[LocalModel], Ruling],
        removals: Removals,
        judges: Judges,
    ) -> None:
        super().__init__(self.tr("Models"))
        self._licences, self._library = licences, library
        self._judges = judges
        self.said_of: Callable[[Ruling], Verdict | None] = lambda ruling: None  # the organisation's word on a licence
        self._hardware: Hardware | None = None
        self._rates = Rates()
        self._progress: dict[str, Progress] = {}
        self._failures: dict[str, AlcoveError] = {}
        self._detail: ModelDetail | None = None
        self._scrolled = 0
        search = self.tr("Search the Hub") if judges.host == HUB else self.tr("Search for more")
        self.tabs = Tabs([self.tr("Recommended"), self.tr("On this computer"), search])
        self.header.addWidget(self.tabs)
        self.recommended = Recommended(self.verticalScrollBar())
        self.local = LocalModels(library, tasks, ruling, removals, judges)
        self.hub = HubSearch(tasks, finder, licences, judges)
        self._parts: tuple[QWidget, ...] = (self.recommended, self.local, self.hub)
        self.guide_only = False  # no other model may be used
        self._is_offline = False
        self._kept: KeptOffline | None = None
        self._offline = self._offline_notice()
        for part in (self._offline, *self._parts):
            self.body.addWidget(part)
        self.tabs.chosen.connect(self._on_tab_chosen)
        self.recommended.opened.connect(self.open_model)
        self.local.counted.connect(self._on_counted)
        self.local.open_file_clicked.connect(self.open_file_clicked)
        self.hub.online_clicked.connect(self.online_clicked)
        self.hub.page_clicked.connect(self.page_clicked)
        self.hub.token_entered.connect(self.token_entered)
        self.hub.read_clicked.connect(self.read_clicked)
        self.hub.compare_clicked.connect(self.compare_clicked)
        self.hub.visit_clicked.connect(self.visit_clicked)
        for judging in (self.local, self.hub):
            judging.act_clicked.connect(self.act_clicked)
            judging.wished.connect(self.wished)
            judging.look_again_clicked.connect(self.look_again_clicked)
        self.local.models_clicked.connect(lambda: self.show_tab("recommended"))
        for tab in (self.recommended, self.local, self.hub):
            tab.get_clicked.connect(self.get_clicked)
            tab.cancel_clicked.connect(self.cancel_clicked)
            tab.chat_clicked.connect(self.chat_clicked)
        self._show_part(self.recommended)

    def _offline_notice(self) -> Notice:
        words = self.tr("Models come from {host}. Allow connections to get one; those that are here work without.")
        words = words.format(host=self._judges.host)
        notice = Notice(self.tr("Alcove is set to offline"), words, self.tr("Allow connections"), tone="warning")
        notice.clicked.connect(self.online_clicked)
        return notice

    # --- what is known --------------------------------------------------------------------------------------------------------

    def show_offers(self, ranked: Sequence[Offer], hardware: Hardware, rates: Rates) -> None:
        """Show the catalogue as judged for this computer."""
        self._hardware, self._rates = hardware, rates
        self.recommended.show_offers(ranked)
        for part in (self.local, self.hub, *((self._detail.fit,) if self._detail else ())):
            part.look_again()
        self.hub.show_free(ranked[0].fit.free_bytes if ranked else hardware.memory.available_bytes)
        self.local.show_names(
            {
                repo: model.name
                for model in (offer.model for offer in ranked)
                for repo in (model.gguf_repo, model.repo, *(variant.repo for variant in model.variants if variant.repo))
            }
        )
        for reference, progress in self._progress.items():
            self._each(reference, partial(Getting.show_progress, progress=progress))

    def show_library(self) -> None:
        """Files have come or gone."""
        self.local.show_library()

    def show_offline(self, on: bool, kept_by: str = "") -> None:
        """The offline switch, which is not the person's where a policy, `kept_by`, has locked it: then it stays so."""
        if on and kept_by and self._kept is None:
            self._kept = KeptOffline(self.tr("See what is on this computer"), kept_by, guide_only=self.guide_only)
            self._kept.use_clicked.connect(lambda: self.show_tab("local"))
            self._kept.open_file_clicked.connect(self.open_file_clicked)
            self.body.insertWidget(0, self._kept)
            self.tabs.hide_tab(TABS.index("hub"))
            self.recommended.keep_offline()
            self.local.keep_offline()
            self.show_first()
        self._is_offline = on and not kept_by
        self.hub.show_offline(self._is_offline)
        self._show_part(self._detail or self._parts[self.tabs.current()])

    def show_first(self) -> None:
        """Show what is recommended; where nothing can be downloaded, what is here."""
        self.show_tab("recommended" if self._kept is None else "local")

    def show_tab(self, name: str) -> None:
        """Show "recommended", "local" or "hub"."""
        self.close_model()
        self.tabs.choose(TABS.index(name))

    # --- one model ------------------------------------------------------------------------------------------------------------

    def open_model(self, offer: Offer) -> None:
        """Show one model in full, in the variant of this offer."""
        if self._hardware is None:
            return
        choices = offers.variants(
            offer.model, self._licences, self._library, self._hardware, self._rates, refusal=lambda model, ruling: offer.refused
        )
        chosen = next(choice for choice in choices if choice.reference == offer.reference)
        self._scrolled = self.verticalScrollBar().value()
        wish = self._judges.wishes(offer.reference)
        detail = self._detail = ModelDetail(choices, chosen, self._judges, wish, self.said_of(chosen.ruling))
        detail.back_clicked.connect(self.close_model)
        detail.variant_chosen.connect(lambda _: self._show_state(detail))
        detail.fit.wished.connect(detail.wish)
        detail.fit.wished.connect(lambda wish: self.wished.emit(offer.reference, wish))
        detail.fit.models_clicked.connect(self.close_model)
        detail.fit.look_again_clicked.connect(self.look_again_clicked)
        detail.fit.act_clicked.connect(self.act_clicked)
        detail.get_clicked.connect(self.get_clicked)
        detail.cancel_clicked.connect(self.cancel_clicked)
        detail.chat_clicked.connect(self.chat_clicked)
        detail.read_clicked.connect(self.read_clicked)
        detail.compare_clicked.connect(self.compare_clicked)
        detail.visit_clicked.connect(self.visit_clicked)
        if self._kept is not None:
            detail.getting.keep_offline()
        self.body.addWidget(detail)
        self._show_state(detail)
        self._show_part(detail)
        self.verticalScrollBar().setValue(0)
        detail.back.setFocus()

    def close_model(self) -> None:
        """Go back to the list, to where one was."""
        if self._detail is None:
            return
        offer = self._detail.offer
        self._detail.hide()
        self._detail.deleteLater()
        self._detail = None
        self._show_part(self._parts[self.tabs.current()])
        self.verticalScrollBar().setValue(self._scrolled)
        row = self.recommended.row(offer.reference)
        if row is not None:
            row.setFocus()

    def _show_state(self, detail: ModelDetail) -> None:
        """A variant that is being fetched shows so."""
        reference = detail.offer.reference
        if reference in self._progress:
            detail.getting.show_progress(self._progress[reference])
        elif reference in self._failures:
            detail.getting.show_failed(self._failures[reference])

    # --- downloads ------------------------------------------------------------------------------------------------------------

    def show_progress(self, reference: str, progress: Progress) -> None:
        """A download goes on."""
        self._progress[reference] = progress
        self._failures.pop(reference, None)
        self._each(reference, lambda getting: getting.show_progress(progress))
        self.hub.show_progress(reference, progress)
        self.local.show_progress(reference, progress)

    def show_done(self, reference: str, local: LocalModel) -> None:
        """A download is here."""
        self._progress.pop(reference, None)
        self._each(reference, lambda getting: getting.show_chat())
        self.hub.show_done(reference, local)
        self.local.show_over(reference)

    def show_failed(self, reference: str, error: AlcoveError) -> None:
        """A download ended with an error."""
        self._progress.pop(reference, None)
        self._failures[reference] = error
        self._each(reference, lambda getting: getting.show_failed(error))
        self.hub.show_failed(reference, error)
        self.local.show_over(reference)

    def show_cancelled(self, reference: str) -> None:
        """A download was stopped; its part is kept."""
        self._progress.pop(reference, None)
        self._each(reference, lambda getting: getting.show_get())
        self.hub.show_cancelled(reference)
        self.local.show_over(reference)

    def _each(self, reference: str, show: Callable[[Getting], None]) -> None:
        if (row := self.recommended.row(reference)) is not None:
            show(row.getting)
        if self._detail is not None and self._detail.offer.reference == reference:
            show(self._detail.getting)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        beside = self.viewport().width() >= theme.scaled(NARROW)
        self.header.setDirection(QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom)

    # --- tabs -----------------------------------------------------------------------------------------------------------------

    def _on_tab_chosen(self, index: int) -> None:
        self._show_part(self._parts[index])
        self.verticalScrollBar().setValue(0)
        if TABS[index] == "local":
            self.local.show_library()
        elif TABS[index] == "hub":
            self.hub.field.setFocus()

    def _on_counted(self, count: int) -> None:
        self.tabs.set_name(1, self.tr("On this computer · {count}").format(count=count))

    def _show_part(self, shown: QWidget) -> None:
        for part in (*self._parts, *((self._detail,) if self._detail else ())):
            part.setVisible(part is shown)
        if self._kept is not None:
            self._kept.setVisible(shown is self.recommended)
        self._offline.setVisible(self._is_offline and shown is self.recommended)  # the search says it itself
        in_list = shown is not self._detail
        self.body.setContentsMargins(0, theme.GRID * 2 if in_list else 0, 0, 0)  # no title above a model's own page
        self.tabs.setVisible(in_list)
        self.title.setVisible(in_list)
