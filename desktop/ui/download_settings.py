"""The part of Settings about downloads: how fast they may be, when they wait, what becomes of them when the window is closed."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QInputDialog

from desktop.settings import OnClose, Settings
from desktop.ui import theme
from desktop.ui.buttons import Switch
from desktop.ui.cards import Card, line
from desktop.ui.labels import Label
from desktop.ui.setting import Choice, row

MEGABYTE = 1_000_000
LIMITS = (0, 1, 2, 5, 10, 20)  # megabytes a second; 0: none
OWN = -1  # another limit than those
MOST_MB_PER_S = 1000.0
ON_CLOSE: tuple[OnClose, ...] = ("ask", "background", "next_start", "stop")


class DownloadSettings(Card):
    """Changes fields of `settings` and says which."""

    changed = Signal(str)

    def __init__(self, settings: Settings) -> None:
        super().__init__(spacing=theme.GRID * 2)
        self._settings = settings
        self.body.addWidget(Label(self.tr("Downloads"), "section", "accent"))
        limits = [(number * MEGABYTE, self._in_words(number * MEGABYTE)) for number in LIMITS]
        self.limit = Choice([*limits, (OWN, self.tr("Another …"))], settings.speed_limit, self._in_words)
        self.limit.setAccessibleName(self.tr("Speed limit"))
        self.limit.activated.connect(self._on_limit_chosen)
        words = self.tr("What all downloads together may take of the connection. It holds at once, also for one that runs.")
        self.body.addWidget(row(self.tr("Speed limit"), words, self.limit, "speed_limit"))
        self.body.addWidget(line())
        self.metered = Switch(self.tr("Wait while the connection is metered"), settings.avoid_metered)
        self.metered.toggled.connect(self._on_metered_toggled)
        words = self.tr(
            "Where the system tells that the connection is paid for by its amount. What has begun is stopped then, and goes on."
        )
        self.body.addWidget(row(self.tr("Wait while the connection is metered"), words, self.metered, "avoid_metered"))
        self.body.addWidget(line())
        self.on_close = Choice(list(enumerate(self._choices())), ON_CLOSE.index(settings.on_close), str)
        self.on_close.setAccessibleName(self.tr("When the window is closed during a download"))
        self.on_close.activated.connect(self._on_close_chosen)
        words = self.tr("Nothing that has arrived is lost in any case.")
        self.body.addWidget(row(self.tr("When the window is closed during a download"), words, self.on_close, "on_close"))

    def show_on_close(self) -> None:
        """The choice was made elsewhere."""
        self.on_close.setCurrentIndex(ON_CLOSE.index(self._settings.on_close))

    def _choices(self) -> tuple[str, ...]:
        return (
            self.tr("Ask me"),
            self.tr("Go on in the background"),
            self.tr("Go on at the next start"),
            self.tr("Stop until I resume it"),
        )

    def _in_words(self, bytes_per_s: int) -> str:
        return self.tr("{count} MB/s").format(count=f"{bytes_per_s / MEGABYTE:g}") if bytes_per_s else self.tr("No limit")

    def _on_limit_chosen(self) -> None:
        chosen = int(self.limit.currentData())
        if chosen == OWN:
            chosen = self._ask_limit()
            self.limit.choose(chosen)
        self._settings.speed_limit = chosen
        self.changed.emit("speed_limit")

    def _ask_limit(self) -> int:
        """The person's own limit, in bytes a second; the one that holds where no other is given."""
        now = self._settings.speed_limit
        title, words = self.tr("Speed limit"), self.tr("Megabytes a second that downloads may take:")
        given, ok = QInputDialog.getDouble(self, title, words, (now or 5 * MEGABYTE) / MEGABYTE, 0.1, MOST_MB_PER_S, 1)
        return round(given * MEGABYTE) if ok else now

    def _on_metered_toggled(self, on: bool) -> None:
        self._settings.avoid_metered = on
        self.changed.emit("avoid_metered")

    def _on_close_chosen(self) -> None:
        self._settings.on_close = ON_CLOSE[self.on_close.currentIndex()]
        self.changed.emit("on_close")
