"""The program behind the window: which page leads where, what the pages are told, and what their buttons do."""

from contextlib import suppress
from pathlib import Path

from PySide6.QtCore import QObject, Qt, QTimer, QUrl
from PySide6.QtGui import QDesktopServices
from PySide6.QtWidgets import QApplication, QFileDialog

from desktop import offers, room, support, text
from desktop.adopting import Skipped
from desktop.app import App
from desktop.errors import AlcoveError, Gated, KeptOffline, Offline, ServerRefused
from desktop.fit import Fit, Wish
from desktop.library import LocalModel
from desktop.licences import Ruling
from desktop.targets import name_of
from desktop.ui import messages
from desktop.ui.about import AboutPage
from desktop.ui.accepting import Accepting
from desktop.ui.activity import ActivityPage
from desktop.ui.adoption import Adoption
from desktop.ui.advice import About, Advice, unjudged
from desktop.ui.browse import TABS, Browse
from desktop.ui.chat import ChatPage
from desktop.ui.connecting import Connecting
from desktop.ui.downloading import METERED, OFFLINE, Downloading
from desktop.ui.downloads import DownloadsPage
from desktop.ui.first_run import FirstRun
from desktop.ui.focus import FocusRing
from desktop.ui.judging import Judges
from desktop.ui.leaving import Leaving
from desktop.ui.licensing import Licensing
from desktop.ui.metering import Metering
from desktop.ui.model_panel import ModelPanel
from desktop.ui.reference import reference_of, same
from desktop.ui.register import RegisterPage
from desktop.ui.settings import SettingsPage
from desktop.ui.sidebar import Sidebar
from desktop.ui.start import GUIDE
from desktop.ui.system import System
from desktop.ui.tasks import Tasks, once
from desktop.ui.theme import Theme
from desktop.ui.undo import Removals
from desktop.ui.waking import Waking
from desktop.ui.watching import Watching
from desktop.ui.window import Window
from desktop.ui.wishes import Wishes

EXPIRE_MS = 3_600_000  # between two looks for conversations that are kept no longer


class Program(QObject):
    """Builds the window from the App's parts and connects them. `begin()` shows it, `end()` stops what runs."""

    def __init__(self, app: App, qt: QApplication) -> None:
        super().__init__()
        self.app = app
        self.theme = Theme(qt, app.settings.theme, app.settings.text_scale)
        self.tasks = Tasks(self)
        self._is_settled = False  # what the computer can do is known, and its speed
        self._read: dict[int, int] = {}  # tokens of each conversation that was held since the start
        self._rates: dict[str, float] = {}  # tokens a second of each model that has answered since the start
        self._fit: Fit | None = None  # of the model of the chat
        self._described = ""  # the reference of the model that the panel tells of
        self._before_register = "models"  # the page that the register was opened from
        self._offers: tuple[offers.Offer, ...] = ()
        self.advice = Advice(self.tasks, app, self)
        self.waking = Waking(self.tasks, app, self)
        self.wishes = Wishes(app, lambda: self.advice.hardware is not None)
        self.metering = Metering(self.tasks, lambda: app.settings.avoid_metered, self)
        self.downloading = Downloading(self.tasks, app.getting.get, app.downloads, self._held, self)
        self.adoption = Adoption(self.tasks, app.library, self)
        self.removals = Removals(self)
        self.window = Window(
            app,
            Sidebar(self.tasks, app.conversations),
            ChatPage(self.tasks, app.conversations, app.talking.turn, self.name_of),
            ModelPanel(),
        )
        self.system = System(self)
        self.leaving = Leaving(app, self.window, self.downloading, self.system)
        self.watching = Watching(self.tasks, app, self)
        self.starts_again = False  # once the window is closed
        self.ring = FocusRing(qt)
        self.first_run = FirstRun(app.hub.host)
        self.browse = Browse(
            app.licences,
            app.library,
            self.tasks,
            app.search,
            self._ruling,
            self.removals,
            self._judges(),
        )
        self.browse.local.refusal = lambda model: app.rights.refusal(app.targets.of_local(model))
        self.browse.hub.refusal = app.rights.refusal_of_repo
        self.browse.said_of = lambda ruling: app.policy.verdict_on(ruling)  # which may be another by then
        self.downloads = DownloadsPage(app.library, self.name_of, self.removals, app.downloads)
        self.settings = SettingsPage(app.settings, app.library.folder, app.hub.host)
        self.connecting = Connecting(self.tasks, app, self.settings.network, self)
        self.activity = ActivityPage(app.network)
        self.register = RegisterPage(self.tasks, app.rights.register)
        self.about = AboutPage(self.tasks, app.paths.home, lambda: support.gather(app))
        pages = {
            "first_run": self.first_run,
            "models": self.browse,
            "downloads": self.downloads,
            "settings": self.settings,
            "activity": self.activity,
            "register": self.register,
            "about": self.about,
        }
        for name, page in pages.items():
            self.window.add_page(name, page)
        self.licensing = Licensing(self.tasks, app, self.window, self)
        self.accepting = Accepting(self.tasks, app, self.window)
        self._expiry = QTimer(self)
        self._expiry.timeout.connect(self._expire)
        self._expiry.start(EXPIRE_MS)
        self._connect_chat()
        self._connect_models()
        self._connect_settings()
        self.settings.show_decided(app.policy, app.catalogue_keys)
        self._show_decided()
        self.watching.changed.connect(self._on_rules_changed)
        self.window.restart_clicked.connect(self.start_again)
        self.tasks.crashed.connect(self.window.show_crash)
        self.window.closing.connect(self.end)

    def _judges(self) -> Judges:
        wishes, host = self.wishes, self.app.hub.host
        return Judges(self.tasks, wishes.estimate, wishes.judge, wishes.of, host, lambda: self.app.computer.accuracy)

    def _show_decided(self) -> None:
        """What the organisation decided; its marks in Settings stay as they were at the start."""
        self.first_run.guide_only = self.browse.guide_only = bool(self.app.policy.broken)
        self.window.show_decided()
        self.window.chat.show_pictures_allowed(self.app.policy.allows("pictures"))

    def _on_rules_changed(self) -> None:
        """Other rules hold now than before, for all that is shown and all that runs."""
        self._show_decided()
        self._show_offline()
        self._library_changed()
        self.downloading.go_on()
        if self.app.running.opened is not None:
            self.waking.sleep()  # it is opened again by these rules
        self._expire()

    def start_again(self) -> None:
        """Close the window and open it anew, by the rules of now."""
        self.starts_again = True
        self.leaving.end()

    def _expire(self) -> None:
        """Delete the conversations that have become too old since the start."""
        gone: tuple[int, ...] = ()
        with suppress(AlcoveError):  # a disk that is full: the next time
            gone = self.app.expire()
        if self.window.chat.conversation_id in gone:
            self.new_chat()
        if gone:
            self.window.sidebar.refresh()

    def begin(self) -> None:
        """Show the window, then look at the computer."""
        self.window.chat.set_models(unjudged(self.app.library.list(), self.app))
        self._show_offline()
        if self._usable() or self.app.conversations.list():
            self.new_chat()
        else:
            self.window.show_page("first_run")
            self.adoption.look()
        self.ring.watch(self.window)
        self.window.show()
        self.metering.look()
        self.downloading.begin()
        QTimer.singleShot(0, self, self.advice.look)

    def end(self) -> None:
        """Stop what runs, keep the settings, let go of the files."""
        self.removals.settle()
        self.system.show_progress(None)
        self.system.hide_tray()
        self.tasks.close()
        with suppress(AlcoveError):  # the place of the window is not worth a word while it closes
            self.app.save_settings()
        self.app.close()

    # --- chat -----------------------------------------------------------------------------------------------------------------

    def _connect_chat(self) -> None:
        chat, sidebar, window = self.window.chat, self.window.sidebar, self.window
        sidebar.new_clicked.connect(self.new_chat)
        sidebar.opened.connect(self.open_conversation)
        sidebar.renamed.connect(self._rename)
        sidebar.delete_clicked.connect(self._delete)
        sidebar.page_clicked.connect(self._on_page_clicked)
        sidebar.privacy_clicked.connect(lambda: self._on_page_clicked("activity"))
        chat.changed.connect(self._on_conversation_changed)
        chat.answering.connect(self._on_answering)
        chat.read.connect(self._on_read)
        chat.answered.connect(self._on_answered)
        chat.opened.connect(self._show_thinking)
        chat.thinking_chosen.connect(self._choose_thinking)
        chat.model_chosen.connect(self._use_model)
        chat.more_models_clicked.connect(self.show_models)
        chat.seeing_models_clicked.connect(self._show_seeing_models)
        chat.act.connect(self._act)
        chat.undoable.connect(lambda words, undo: window.toast.say(words, self.tr("Undo"), undo))
        window.panel.all_models_clicked.connect(self.show_models)
        window.panel.licence.read_clicked.connect(lambda ruling: self.licensing.read(chat.reference, ruling))
        window.panel.licence.compare_clicked.connect(lambda ruling: self.licensing.compare(self.name_of(chat.reference), ruling))
        window.panel.licence.visit_clicked.connect(self.licensing.visit)
        window.panel.licence.change_clicked.connect(self.licensing.show_change)
        self.advice.described.connect(self._show_about)
        self.advice.undescribed.connect(self._on_undescribed)
        self.advice.settled.connect(self._on_settled, Qt.ConnectionType.SingleShotConnection)
        chat.typing.connect(self._wake)
        self.waking.progressed.connect(self._on_waking)
        self.waking.over.connect(self._on_woken)
        self.waking.slept.connect(lambda: self.advice.describe(chat.reference))

    def new_chat(self) -> None:
        """An empty chat with the model used last, or the guide, or the first page when there is nothing."""
        reference = self._usual_model()
        if not reference:
            self.window.show_page("first_run")
            return
        self.window.chat.start_new(reference)
        self._show_chat()

    def chat_with(self, reference: str) -> None:
        """An empty chat with this model, which is here."""
        self.window.chat.start_new(self._local_id(reference))
        self._use_model(self.window.chat.reference)
        self._show_chat()

    def open_conversation(self, conversation_id: int) -> None:
        """Show a conversation from the list."""
        self.window.chat.open(conversation_id)
        self._show_chat()

    def _show_chat(self) -> None:
        self.window.show_page("chat")
        self.window.chat.focus_message()
        self._show_thinking(self.window.chat.reference)
        self._describe(self.window.chat.reference)

    def _describe(self, reference: str) -> None:
        """Have the panel tell of this model; until more is known, nothing but its name, and nothing of another one."""
        if reference and reference != self._described:
            self._described, self._fit = reference, None
            self.window.panel.show_name(self.name_of(reference))
        self.advice.describe(reference)

    def _use_model(self, reference: str) -> None:
        self.app.settings.last_model = reference
        self._show_thinking(reference)
        self._describe(reference)
        self._wake()

    def _on_settled(self) -> None:
        """Nothing is left to be found out about the computer: open the model of the chat that is shown."""
        self._is_settled = True
        if self.window.page == "chat":
            self._wake()

    def _wake(self) -> None:
        """Open the model that the next message goes to, so that it needs no wait."""
        if self._is_settled:
            self.waking.wake(self.window.chat.reference)

    def _on_waking(self, reference: str, fraction: float) -> None:
        if reference == self.window.chat.reference:
            self.window.chat.show_waking(fraction)

    def _on_woken(self, reference: str) -> None:
        self.window.chat.show_waking(None)
        self.advice.describe(self.window.chat.reference)

    def _show_thinking(self, reference: str) -> None:
        """Offer to have the model think first, where it is known to have the choice."""
        if reference == self.window.chat.reference:
            try:
                on = self.app.talking.thinking(reference)
            except AlcoveError:  # a model that is gone
                on = None
            self.window.chat.show_thinking(on)
            opened, info = self.app.running.opened, self.app.engine.info
            self.window.panel.show_thinks(bool(opened and info and opened.reference == reference and info.thinks == "always"))

    def _choose_thinking(self, reference: str, on: bool) -> None:
        try:
            self.app.talking.choose_thinking(reference, on)
        except AlcoveError as error:
            self.window.toast.tell(error)

    def _usual_model(self) -> str:
        """The model used last if it is still here, else one that is here, else the guide; empty when there is none at all."""
        here = [model.id for model in self.app.library.list() if model.complete and not self.app.rights.denies(model)]
        last = self.app.settings.last_model
        if last in here:
            return last
        real = [model for model in here if model != GUIDE]
        return real[0] if real else GUIDE if GUIDE in here else ""

    def _usable(self) -> bool:
        """Whether there is a model of the person's own."""
        return any(model.complete and model.id != GUIDE for model in self.app.library.list())

    def name_of(self, reference: str) -> str:
        """How a model is called, also one that is gone."""
        try:
            return name_of(self.app.targets.of(reference))
        except AlcoveError:
            return reference

    def _local_id(self, reference: str) -> str:
        """The one name of a model that is here, whichever way it was referred to."""
        target = self.app.targets.of(reference)
        return target.local.id if target.local is not None else reference

    def _on_conversation_changed(self, conversation_id: int) -> None:
        self.window.sidebar.refresh()
        if self.window.page == "chat":
            self.window.sidebar.show_current("chat", self.window.chat.conversation_id)

    def _on_answering(self, conversation_id: int) -> None:
        self.waking.use(self.window.chat.reference if conversation_id else "")
        if conversation_id:
            self.advice.stop_measuring()  # the engine has something better to do
            self.app.settings.last_model = self.window.chat.reference

    def _on_read(self, conversation_id: int, tokens: int) -> None:
        self._read[conversation_id] = tokens
        if conversation_id == self.window.chat.conversation_id:
            self._show_memory()

    def _show_memory(self) -> None:
        """How full the memory of the conversation is, as it was counted last, and what a summary would cost."""
        chat, opened, info = self.window.chat, self.app.running.opened, self.app.engine.info
        fit, context = self._fit, self._fit.context if self._fit is not None else 0
        if opened is not None and info is not None and opened.reference == chat.reference:
            fit, context = opened.fit, info.context
        if chat.conversation_id is None or fit is None:
            return
        read = self._read.get(chat.conversation_id)
        rate = self._rates.get(chat.reference, fit.tokens_per_s)
        summary_s = room.summary_s(context, rate, fit.prompt_tokens_per_s, in_memory=read is not None and read < context)
        used = self.app.conversations.tokens(chat.conversation_id) if read is None else read
        self.window.panel.show_memory(used, context)
        chat.show_memory(used, context, summary_s)

    def _on_answered(self, reference: str, tokens_per_s: float) -> None:
        self._rates[reference] = tokens_per_s
        self.settings.show_accuracy(self.app.computer.accuracy)
        if reference == self.window.chat.reference:
            self.window.panel.show_rate(tokens_per_s)
            self.advice.describe(reference)  # as it was opened

    def _show_about(self, about: About) -> None:
        """Put what was found out into the panel, with what was measured since the start."""
        chat, panel = self.window.chat, self.window.panel
        if about.reference != chat.reference:
            return
        chat.show_sees(about.sees)
        panel.show_model(about.name, about.fit, about.ruling, guide=about.reference == GUIDE, refused=about.refused)
        if about.change is not None or about.said is not None:
            panel.licence.show_ruling(about.ruling, about.change, about.said)
        if about.replaces:
            panel.show_replaces(about.replaces, about.freed_bytes)
        if self.waking.asleep and self.app.running.opened is None:
            panel.show_asleep()
        self._show_thinking(about.reference)
        panel.show_rate(self._rates.get(about.reference, 0.0))
        self._fit = about.fit
        self._show_memory()

    def _on_undescribed(self, reference: str) -> None:
        if reference == self.window.chat.reference:
            self.window.panel.show_gone(self.name_of(reference))

    def _rename(self, conversation_id: int, title: str) -> None:
        self.app.conversations.rename(conversation_id, title)
        self.window.chat.retitle(conversation_id, title)
        self.window.sidebar.refresh()

    def _delete(self, conversation_id: int) -> None:
        """Into the trash, with a way back for some seconds."""
        found = self.app.conversations.get(conversation_id)
        if found is None:
            return
        self.app.talking.delete_conversation(conversation_id)
        was_shown = self.window.chat.conversation_id == conversation_id
        if was_shown:
            self.window.chat.stop()
            self.new_chat()
        self.window.sidebar.refresh()

        def undo() -> None:
            self.app.conversations.restore(conversation_id)
            self.window.sidebar.refresh()
            if was_shown:
                self.open_conversation(conversation_id)

        self.window.toast.say(self.tr("“{title}” was deleted.").format(title=found.title), self.tr("Undo"), undo)

    # --- models ---------------------------------------------------------------------------------------------------------------

    def _connect_models(self) -> None:
        for page in (self.first_run, self.browse, self.downloads):
            page.get_clicked.connect(self._get)
            page.cancel_clicked.connect(self.accepting.cancel)
            page.cancel_clicked.connect(self.downloading.cancel)
            page.chat_clicked.connect(self.chat_with)
            self.downloading.progressed.connect(page.show_progress)
            self.downloading.done.connect(page.show_done)
            self.downloading.failed.connect(page.show_failed)
            self.downloading.cancelled.connect(page.show_cancelled)
        self.accepting.agreed.connect(self.downloading.start)
        self.register.models_clicked.connect(self.show_models)
        self.register.back_clicked.connect(lambda: self.window.show_page(self._before_register))
        self.browse.local.register_clicked.connect(self.show_register)
        self.settings.register_clicked.connect(self.show_register)
        self.accepting.failed.connect(self.window.toast.tell)
        for start in (self.first_run, self.browse):
            self.accepting.asking.connect(start.show_progress)
            self.accepting.declined.connect(start.show_cancelled)
            start.open_file_clicked.connect(self.open_file)
            start.online_clicked.connect(lambda: self._set_offline(False))
        self.first_run.guide_clicked.connect(lambda: self.chat_with(GUIDE))
        self.first_run.all_models_clicked.connect(self.show_models)
        self.browse.act_clicked.connect(self._act)
        self.browse.read_clicked.connect(self.licensing.read)
        self.browse.compare_clicked.connect(self.licensing.compare)
        self.browse.visit_clicked.connect(self.licensing.visit)
        self.downloads.act_clicked.connect(self._act)
        self.downloads.models_clicked.connect(self.show_models)
        self.downloads.forget_clicked.connect(self.downloading.forget)
        self.downloads.moved.connect(self.downloading.move)
        self.downloads.pause_all_clicked.connect(self.downloading.pause_all)
        self.downloads.resume_all_clicked.connect(self.downloading.resume_all)
        for page in (self.browse, self.downloads):
            page.token_entered.connect(self._use_token)
            page.page_clicked.connect(self._open_page)
        self.downloading.started.connect(self._keep)
        self.downloading.changed.connect(self._show_downloads)
        self.downloading.done.connect(self._on_downloaded)
        self.downloading.failed.connect(self._on_download_failed)
        self.advice.hardware_found.connect(self.first_run.show_hardware)
        self.advice.measuring.connect(self.first_run.show_measuring)
        self.advice.measured.connect(self.first_run.show_measured)
        self.first_run.skip_clicked.connect(self.advice.stop_measuring)
        self.browse.wished.connect(self._on_wished)
        self.browse.look_again_clicked.connect(self.advice.look)
        self.advice.offers_ranked.connect(self._show_offers)
        self.advice.choices_judged.connect(self.window.chat.set_models)
        self.removals.added.connect(self._on_removal_added)
        self.removals.due.connect(self._remove)
        self.browse.tabs.chosen.connect(lambda index: self.adoption.look() if TABS[index] == "local" else None)
        for others in (self.first_run.others, self.browse.local.others):
            self.adoption.looking.connect(others.show_looking)
            self.adoption.found.connect(others.show_plan)
            others.take_clicked.connect(self.adoption.take)
            others.stop_clicked.connect(self.adoption.stop)
        self.browse.local.thrown.restore_clicked.connect(self._restore)
        self.browse.local.thrown.empty_clicked.connect(self._empty_trash)
        self.window.files_dropped.connect(self.adoption.take_files)
        self.adoption.taken.connect(self._on_taken)
        self.adoption.failed.connect(lambda error: self.window.toast.tell(error))

    def _get(self, reference: str) -> None:
        """Download a model, after what changes with it was said."""
        self.licensing.ask_before(reference, self.accepting.get)

    def show_models(self) -> None:
        """The list of models, whatever the page showed before; where none can be downloaded, of those that are here."""
        self.browse.show_library()
        self.browse.show_first()
        self.window.show_page("models")

    def show_register(self) -> None:
        """The licences of all models that are here; the way back leads to where one was."""
        self._before_register = self.window.page
        self.window.show_page("register")
        self.register.back.setFocus()

    def _show_seeing_models(self) -> None:
        """The list of models that read pictures."""
        self.browse.recommended.clear()
        self.browse.recommended.chips["pictures"].click()
        self.show_models()
        self.browse.show_tab("recommended")

    def open_file(self) -> None:
        """Use a model file that lies elsewhere on this computer."""
        chosen, _ = QFileDialog.getOpenFileName(
            self.window, self.tr("Open a model file"), str(Path.home()), self.tr("Models (*.gguf)")
        )
        if chosen:
            self.adoption.take_files([Path(chosen)])

    def open_model(self, path: Path) -> None:
        """Chat with a model file that was opened from outside the window."""
        if self.window.page not in ("first_run", "chat"):
            self.new_chat()
        self.adoption.take_files([path])

    def _on_taken(self, models: list[LocalModel], skipped: list[Skipped]) -> None:
        """Files of other places are used now, or not."""
        for others in (self.first_run.others, self.browse.local.others):
            others.forget(models)
        if not models and len(skipped) == 1 and self.app.library.get(skipped[0].twin):
            self.chat_with(skipped[0].twin)
        elif not models:
            self._show_skipped(skipped)
        else:
            self._library_changed()
            self._show_taken(models)

    def _show_skipped(self, skipped: list[Skipped]) -> None:
        """Why nothing is used of what was given."""
        if skipped and skipped[0].error is not None:
            self.window.toast.tell(skipped[0].error)
        else:
            self.window.toast.say(self.adoption.why(skipped[0]) if skipped else self.tr("There is no model file in it."))

    def _show_taken(self, models: list[LocalModel]) -> None:
        if len(models) > 1:
            if self.window.page == "first_run":
                self.show_models()
                self.browse.show_tab("local")
            self.window.toast.say(self.tr("{count} models can be used here now.").format(count=len(models)))
        elif self.window.page in ("first_run", "chat"):
            self.chat_with(models[0].id)
        else:
            words = self.tr("{name} is here.").format(name=self.name_of(models[0].id))
            self.window.toast.say(words, self.tr("Chat with it"), lambda: self.chat_with(models[0].id))

    def _ruling(self, model: LocalModel) -> Ruling:
        return self.app.rights.ruling(self.app.targets.of_local(model))

    def _show_offers(self, ranked: tuple[offers.Offer, ...]) -> None:
        hardware = self.advice.hardware
        assert hardware is not None
        self._offers = ranked
        self.first_run.show_offers(ranked)
        self.browse.show_offers(ranked, hardware, self.app.computer.rates)
        if self.window.chat.reference:
            self.advice.describe(self.window.chat.reference)

    def _held(self) -> str:
        """Why no download may run by itself now."""
        return OFFLINE if self.app.settings.offline else METERED if self.metering.on else ""

    def _show_held(self) -> None:
        self.downloads.show_held(self._held(), kept=self.app.settings.offline and self.app.network.kept_offline)

    def _on_metering_changed(self) -> None:
        self._show_held()
        self.downloading.go_on()

    def _show_downloads(self) -> None:
        count, fraction = len(self.downloading.active), self.downloading.fraction()
        self.window.sidebar.show_downloads(count, fraction)
        self.window.show_percent(fraction)
        self.system.show_progress(fraction)
        self.downloads.show_queue()

    def _on_downloaded(self, reference: str, local: LocalModel) -> None:
        self._library_changed()
        words = self.tr("{name} is here.").format(name=self.name_of(local.id))
        if not self._is_seen():
            self.system.notify(words, self.tr("It was checked, and can be talked to."))
        if self.window.page == "first_run":
            self.chat_with(local.id)
        else:
            self.window.toast.say(words, self.tr("Chat with it"), lambda: self.chat_with(local.id))

    def _on_download_failed(self, reference: str, error: AlcoveError) -> None:
        """Two pages have room to say why; anywhere else it is told at the foot, with the way online where that is missing."""
        if not self._is_seen():
            words = self.tr("{name} could not be downloaded.").format(name=self.name_of(reference))
            self.system.notify(words, messages.explain(error).sentence)
        if self.window.page not in ("first_run", "downloads"):
            words = self.tr("{name} could not be downloaded.").format(name=self.name_of(reference))
            button, act = self.tr("Show why"), lambda: self._on_page_clicked("downloads")
            if isinstance(error, Offline) and not isinstance(error, KeptOffline):
                words = self.tr("Alcove is set to offline, so {name} was not downloaded.").format(name=self.name_of(reference))
                button, act = self.tr("Allow connections"), lambda: self._set_offline(False)
            self.window.toast.say(words, button, act)

    def _is_seen(self) -> bool:
        return self.window.isVisible() and self.window.isActiveWindow()

    def _library_changed(self) -> None:
        self.wishes.forget()
        self.window.chat.set_models(unjudged(self.app.library.list(), self.app))
        self.browse.show_library()
        self.downloads.show_library()
        self._show_left()
        self.advice.judge()

    def _on_removal_added(self, model: LocalModel) -> None:
        words = self.tr("{name} will be removed.").format(name=self.name_of(model.id))
        self.window.toast.say(words, self.tr("Undo"), lambda: self.removals.undo(model.id))

    def _keep(self, reference: str) -> None:
        """What is fetched again is not removed after all."""
        for model in self.app.library.list():
            if same(reference, reference_of(model)) or same(reference, f"hf:{model.repo}/{model.file}"):
                self.removals.undo(model.id)

    def _remove(self, model: LocalModel) -> None:
        if self.app.running.opened is not None and self.app.running.opened.path == model.path:
            self.waking.sleep()
        try:
            self.app.library.remove(model.id)
        except AlcoveError as error:
            self.window.toast.tell(error)
        if not model.complete:
            self.downloading.forget(reference_of(model))
        self._library_changed()

    # --- everything else ------------------------------------------------------------------------------------------------------

    def _on_page_clicked(self, name: str) -> None:
        if name == "models":
            self.browse.show_library()
            if self.window.page == name:  # the second click leads from one model back to the list
                self.browse.close_model()
        elif name == "downloads":
            self.downloads.show_library()
        self.window.show_page(name)

    def _act(self, act: str, error: AlcoveError | None) -> None:
        """What a notice's button asks for."""
        if act == messages.MODELS:
            self.show_models()
        elif act == messages.SETTINGS:
            self._on_page_clicked("settings")
        elif act == messages.NEW_CHAT:
            self.new_chat()
        elif act == messages.SMALLER and error is not None:
            self.window.chat.use_model(str(error.facts["smaller"]))
            self._use_model(self.window.chat.reference)
            self.window.chat.try_again()
        elif act == messages.ANYWAY and error is not None:
            self.app.engine.crashes.forget(Path(str(error.facts["path"])))
            self.window.chat.try_again()
        elif act == messages.LONGER:
            self._show_length()
        elif act == messages.ACCEPT and error is not None:
            self.accepting.get(str(error.facts["reference"]))
        elif act == messages.OPEN_PAGE and error is not None:
            self._open_page(str(error.facts.get("page", "")))

    def _open_page(self, address: str) -> None:
        page = QUrl(address)
        if page.scheme() in ("https", "http"):
            QDesktopServices.openUrl(page)

    def _show_length(self) -> None:
        """Where the conversation memory of the chat's model is chosen: on its own page, or for all models in the settings."""
        target = self.app.targets.of(self.window.chat.reference)
        wanted = offers.reference_to(target.model, target.variant) if target.model and target.variant else ""
        offer = next((offer for offer in self._offers if offer.reference == wanted), None)
        if offer is None:
            self._on_page_clicked("settings")
            self.settings.context.setFocus()
            return
        self.show_models()
        self.browse.open_model(offer)

    # --- settings -------------------------------------------------------------------------------------------------------------

    def _connect_settings(self) -> None:
        self.settings.changed.connect(self._apply)
        self.settings.folder.move_clicked.connect(self._move)
        self.settings.folder.stop_clicked.connect(lambda: self.tasks.cancel("move models"))
        self._show_left()
        self.settings.about_clicked.connect(self._show_about_page)
        self.about.back_clicked.connect(lambda: self._on_page_clicked("settings"))
        self.about.licence_clicked.connect(lambda: self.licensing.read("", self.app.licences.describe("apache-2.0")))
        self.connecting.trouble.connect(self.window.toast.tell)
        self.settings.network.activity_clicked.connect(lambda: self._on_page_clicked("activity"))
        self.settings.network.token_entered.connect(lambda _: self.downloading.try_again(Gated, ServerRefused))
        self.settings.downloads.changed.connect(self.metering.look)
        self.metering.changed.connect(self._on_metering_changed)
        self.leaving.remembered.connect(self.settings.downloads.show_on_close)
        self.leaving.going_on.connect(self.waking.sleep)
        self.activity.offline_toggled.connect(self._set_offline)
        self.advice.hardware_found.connect(lambda found: self.settings.show_engine(found.engine))
        self.settings.show_accuracy(self.app.computer.accuracy)

    def _show_about_page(self) -> None:
        self.window.show_page("about")
        self.about.back.setFocus()

    def _apply(self, field: str) -> None:
        """Keep a setting that was changed, and let what depends on it follow."""
        try:
            self.app.save_settings()
        except AlcoveError as error:
            self.window.toast.tell(error)
        if field in ("theme", "text_scale"):
            self.theme.use(self.app.settings.theme, self.app.settings.text_scale)
        elif field == "offline":
            self._show_offline()
            self.downloading.go_on() if self.app.settings.offline else self.downloading.try_again(Offline)
        elif field == "context":
            self.advice.judge()
        elif field in ("models_dir", "more_folders"):
            self._library_changed()

    def _restore(self, id: str) -> None:
        """Take a model back out of the trash."""
        try:
            self.app.library.restore(id)
        except AlcoveError as error:
            self.window.toast.tell(error)
        self._library_changed()

    def _empty_trash(self) -> None:
        """Delete now what was removed; that takes a moment for large files."""
        before_bytes = self.app.library.free_bytes()
        task = self.tasks.start(once(self.app.library.empty_trash), key="empty the trash")
        task.done.connect(lambda _: self._say_emptied(before_bytes))
        task.over.connect(self._library_changed)

    def _say_emptied(self, before_bytes: int) -> None:
        words = self.tr("The trash is empty: {after} are free now, {before} were before.")
        after = text.size(self.app.library.free_bytes())
        self.window.toast.say(words.format(after=after, before=text.size(before_bytes)))

    def _move(self) -> None:
        """Carry the models of the old folder over."""
        task = self.tasks.start(self.app.move_models(self.app.library.folder), key="move models")
        task.yielded.connect(self.settings.folder.show_moving)
        task.failed.connect(self.settings.folder.show_failed)
        task.over.connect(self._library_changed)

    def _show_left(self) -> None:
        """What a change of the folder has left in the old one."""
        if self.tasks.get("move models") is None:
            old = Path(self.app.settings.moving_from)
            left = [model for model in self.app.library.list() if model.root == old and model.origin == "own"]
            self.settings.folder.show_folder(self.app.library.folder)
            self.settings.folder.show_left(len(left), sum(model.done_bytes for model in left))

    def _use_token(self, token: str) -> None:
        """Show the Hub this access token, and go on with what waited for one."""
        self.connecting.keep_token(token)
        self.downloading.try_again(Gated, ServerRefused)

    def _on_wished(self, reference: str, wish: Wish) -> None:
        self.wishes.keep(reference, wish)
        self._apply("contexts")

    def _set_offline(self, on: bool) -> None:
        self.app.settings.offline = on
        self._apply("offline")

    def _show_offline(self) -> None:
        for page in (self.first_run, self.browse, self.settings, self.activity):
            page.show_offline(self.app.settings.offline, self.app.policy.locks.get("offline", ""))
        self._show_held()
        self.window.show_privacy()
