"""The page Settings: the models' folder, the look, the network, the length of conversations, and what Alcove is."""

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

from PySide6.QtCore import Qt, QTimer, Signal
from PySide6.QtWidgets import QHBoxLayout, QSlider, QWidget

from desktop import __version__, text
from desktop.engine import STATES_BYTES
from desktop.hardware import EngineReport
from desktop.policy import Policy
from desktop.settings import Settings, Theme, WhenFull
from desktop.ui import theme, verdict
from desktop.ui.buttons import Button, Switch, Tabs
from desktop.ui.cards import Card, line
from desktop.ui.download_settings import DownloadSettings
from desktop.ui.folder_settings import FolderSettings
from desktop.ui.labels import FactRow, Label
from desktop.ui.network_settings import NetworkSettings
from desktop.ui.page import Page
from desktop.ui.setting import Choice, Row, decided, row, section

THEMES: tuple[Theme, ...] = ("system", "light", "dark", "contrast")
WHEN_FULL: tuple[WhenFull, ...] = ("ask", "summarise", "forget")
SMALLEST, LARGEST, STEP = 85, 160, 5  # per cent of the type scale
LIVE_S = 0.15  # after the last move of the slider
SLEEPS = (10, 30, 60, 0)  # minutes; 0: never
CONTEXTS = (0, 2048, 4096, 8192, 16384, 32768, 65536)  # tokens; 0: what suits model and computer


class SettingsPage(Page):
    """Changes fields of `settings` and says which: the window keeps and applies them.

    `folder` is where models are kept now, `host` where they come from. The network's part has signals of its own.
    """

    changed = Signal(str)  # the field's name
    register_clicked = Signal()
    about_clicked = Signal()

    def __init__(self, settings: Settings, folder: Path, host: str) -> None:
        super().__init__(self.tr("Settings"))
        self._settings, self._folder = settings, folder
        self.downloads = DownloadSettings(settings)
        self.downloads.changed.connect(self.changed)
        self.network = NetworkSettings(settings, host)
        self.network.changed.connect(self.changed)
        self.offline = self.network.offline
        for card in (self._models(), self.downloads, self._look(), self.network, self._conversations(), self._about()):
            self.body.addWidget(card)

    def show_decided(self, policy: Policy, keys: Sequence[str] = ()) -> None:
        """What the organisation has locked, and what only it decides. keys: those that newer lists of models are signed with."""
        for each in self.findChildren(Row):
            if each.setting in policy.locks:
                each.lock(policy.locks[each.setting])
        self.folder.show_others()
        if policy.shared_folders:
            self.folder.show_shared(policy.shared_folders, policy.origin("shared_folders"))
        self.network.show_decided(policy, keys)
        if days := policy.retention_days:
            words = self.tr("They are deleted for good {days} days after their last message.").format(days=days)
            self._conversations_card.body.addWidget(line())
            where = policy.origin("retention_days")
            self._conversations_card.body.addWidget(decided(self.tr("Old conversations"), words, where))
        if policy.is_set:
            self._order_stops()

    def _order_stops(self) -> None:
        """The marks were made last; the Tab key meets them where they are seen."""
        here = [each for each in self.findChildren(QWidget) if each.window() is self.window()]  # lists that fold out are not
        for before, after in pairwise(each for each in here if each.focusPolicy() & Qt.FocusPolicy.TabFocus):
            QWidget.setTabOrder(before, after)

    # --- models ---------------------------------------------------------------------------------------------------------------

    def _models(self) -> Card:
        card = section(self.tr("Models"))
        self.folder = FolderSettings(self._settings, self._folder)
        self.folder.changed.connect(self.changed)
        choose = Button(self.tr("Choose another folder …"), "secondary", "folder")
        choose.clicked.connect(self.folder.ask)
        card.body.addWidget(row(self.tr("Folder"), self.tr("Where downloaded models are kept."), choose, "models_dir"))
        card.body.addWidget(self.folder)
        card.body.addWidget(line())
        card.body.addWidget(self._sleep())
        card.body.addWidget(line())
        listed = Button(self.tr("Show the licences …"), "secondary", "balance")
        listed.clicked.connect(self.register_clicked)
        words = self.tr("What is on this computer, under which licence, and what was accepted when.")
        card.body.addWidget(row(self.tr("Licences"), words, listed))
        return card

    def _sleep(self) -> QWidget:
        waits = [(minutes, self._in_minutes(minutes)) for minutes in SLEEPS]
        self.sleep_after = Choice(waits, self._settings.sleep_after_min, self._in_minutes)
        self.sleep_after.setAccessibleName(self.tr("Put the model to sleep after"))
        self.sleep_after.currentIndexChanged.connect(self._on_sleep_chosen)
        words = self.tr(
            "A model that sleeps leaves its memory to other programs. It wakes up when you write again, which takes a moment. "
            "It sleeps earlier when memory runs short."
        )
        return row(self.tr("Put the model to sleep after"), words, self.sleep_after, "sleep_after_min")

    def _in_minutes(self, minutes: int) -> str:
        return self.tr("{count} minutes").format(count=minutes) if minutes else self.tr("Never")

    def _on_sleep_chosen(self) -> None:
        self._settings.sleep_after_min = int(self.sleep_after.currentData())
        self.changed.emit("sleep_after_min")

    # --- look -----------------------------------------------------------------------------------------------------------------

    def _look(self) -> Card:
        card = section(self.tr("Look"))
        self.theme = Tabs([self.tr("System"), self.tr("Light"), self.tr("Dark"), self.tr("High contrast")])
        self.theme.setAccessibleName(self.tr("Theme"))
        self.theme.choose(THEMES.index(self._settings.theme))
        self.theme.chosen.connect(self._on_theme_chosen)
        words = self.tr("System follows what this computer is set to.")
        card.body.addWidget(row(self.tr("Theme"), words, self.theme, "theme"))
        self.scale = QSlider(Qt.Orientation.Horizontal)
        self.scale.setRange(SMALLEST // STEP, LARGEST // STEP)
        self.scale.setValue(round(self._settings.text_scale * 100 / STEP))
        self.scale.setMinimumWidth(180)
        self.scale.setMinimumHeight(28)
        self.scale.setAccessibleName(self.tr("Text size"))
        self._percent = Label("", "small", "soft", wrap=False)
        self._percent.setMinimumWidth(theme.scaled(44))
        self._percent.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        size = QWidget()
        line_ = QHBoxLayout(size)
        line_.setContentsMargins(0, 0, 0, 0)
        line_.addWidget(self.scale, 1)
        line_.addWidget(self._percent)
        card.body.addWidget(line())
        words = self.tr("All text in the window changes with it, as you see here.")
        card.body.addWidget(row(self.tr("Text size"), words, size, "text_scale"))
        self._live = QTimer(self)
        self._live.setSingleShot(True)
        self._live.setInterval(round(LIVE_S * 1000))
        self._live.timeout.connect(lambda: self.changed.emit("text_scale"))
        self.scale.valueChanged.connect(self._on_scaled)
        self._say_percent()
        return card

    def _on_theme_chosen(self, index: int) -> None:
        self._settings.theme = THEMES[index]
        self.changed.emit("theme")

    def _on_scaled(self, value: int) -> None:
        self._settings.text_scale = value * STEP / 100
        self._say_percent()
        self._live.start()

    def _say_percent(self) -> None:
        words = self.tr("{percent} %").format(percent=self.scale.value() * STEP)
        self._percent.setText(words)
        self.scale.setAccessibleDescription(words)

    # --- network --------------------------------------------------------------------------------------------------------------

    def show_offline(self, on: bool, kept_by: str = "") -> None:
        """The offline switch, wherever it was moved."""
        self.network.show_offline(on)

    # --- conversations and about ----------------------------------------------------------------------------------------------

    def _conversations(self) -> Card:
        card = self._conversations_card = section(self.tr("Conversations"))
        lengths = [(tokens, self._in_words(tokens)) for tokens in CONTEXTS]
        self.context = Choice(lengths, self._settings.context, self._in_words)
        self.context.setAccessibleName(self.tr("Conversation memory"))
        self.context.currentIndexChanged.connect(self._on_context_chosen)
        words = self.tr(
            "How much of a conversation a model keeps in mind. More takes more memory. For the next model that is opened."
        )
        card.body.addWidget(row(self.tr("Conversation memory"), words, self.context))
        card.body.addWidget(line())
        self.when_full = Tabs([self.tr("Ask me"), self.tr("Summarise it"), self.tr("Forget it")])
        self.when_full.setAccessibleName(self.tr("When a conversation becomes too long"))
        self.when_full.choose(WHEN_FULL.index(self._settings.when_full))
        self.when_full.chosen.connect(self._on_when_full_chosen)
        words = self.tr("What the model does with the oldest part. You always see all that was said.")
        card.body.addWidget(row(self.tr("When a conversation becomes too long"), words, self.when_full, "when_full"))
        card.body.addWidget(line())
        self.keep_ready = Switch(self.tr("Go on at once with earlier conversations"), self._settings.keep_ready)
        self.keep_ready.toggled.connect(self._on_keep_ready_toggled)
        words = self.tr(
            "What a model has read is kept on this computer, so that it need not read a long conversation again. "
            "It takes up to {size} and is deleted with the conversation."
        ).format(size=text.size(STATES_BYTES))
        card.body.addWidget(row(self.tr("Go on at once with earlier conversations"), words, self.keep_ready, "keep_ready"))
        return card

    def _on_when_full_chosen(self, index: int) -> None:
        self._settings.when_full = WHEN_FULL[index]
        self.changed.emit("when_full")

    def _in_words(self, tokens: int) -> str:
        if not tokens:
            return self.tr("What suits the model")
        return self.tr("about {words}").format(words=verdict.words_of_context(tokens))

    def _on_context_chosen(self) -> None:
        self._settings.context = int(self.context.currentData())
        self.changed.emit("context")

    def _on_keep_ready_toggled(self, on: bool) -> None:
        self._settings.keep_ready = on
        self.changed.emit("keep_ready")

    def _about(self) -> Card:
        card = section(self.tr("About"))
        self._engine = FactRow(self.tr("Engine"), self.tr("not asked yet"))
        self._accuracy = FactRow(self.tr("How right Alcove was here"))
        self._accuracy.hide()
        for fact in (
            FactRow(self.tr("Alcove"), self.tr("version {version}, Apache License 2.0").format(version=__version__)),
            self._engine,
            self._accuracy,
            FactRow(self.tr("Built with"), self.tr("llama.cpp (MIT), Qt and PySide (LGPL 3), Inter (SIL Open Font License)")),
            FactRow(self.tr("Telemetry"), self.tr("none: nothing is counted and nothing is reported")),
        ):
            card.body.addWidget(fact)
        more = Button(self.tr("About Alcove …"), "secondary", "info")
        more.clicked.connect(self.about_clicked)
        words = self.tr("What others made in it, with their licences; where its files are; a report for support.")
        card.body.addWidget(line())
        card.body.addWidget(row(self.tr("Licences and help"), words, more))
        return card

    def show_engine(self, engine: EngineReport) -> None:
        """Say which engine runs the models."""
        backends = ", ".join(engine.backends) or self.tr("processor only")
        words = self.tr("{name} {version} ({backends})")
        self._engine.set_value(words.format(name=engine.name, version=engine.version, backends=backends))

    def show_accuracy(self, sentence: str) -> None:
        """How right the estimates were on this computer; "" while nothing was measured."""
        self._accuracy.set_value(sentence)
        self._accuracy.setVisible(bool(sentence))
