"""The window: three columns, the pages in the middle, and the ways between them. Pages signal up; this calls down."""

from collections.abc import Callable

from PySide6.QtCore import QByteArray, QTimer, Signal
from PySide6.QtGui import (
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeySequence,
    QResizeEvent,
    QShortcut,
)
from PySide6.QtWidgets import QHBoxLayout, QMainWindow, QStackedWidget, QVBoxLayout, QWidget

from desktop.address import is_loopback
from desktop.app import App
from desktop.errors import AlcoveError
from desktop.ui import theme
from desktop.ui.chat import ChatPage
from desktop.ui.crash import CrashDialog
from desktop.ui.dropping import DropHint, files_in
from desktop.ui.locking import Strip
from desktop.ui.model_panel import ModelPanel
from desktop.ui.notice import Toast
from desktop.ui.sidebar import NARROW_WIDTH, WIDTH, Sidebar

WIDE = 1000  # px at text scale 1, of the window: below it the panel folds and the left column narrows
PRIVACY_MS = 400  # how often the privacy line is compared with what the network does
SMALLEST = (640, 440)  # px
FIRST_SIZE = (1280, 800)  # px


class Window(QMainWindow):
    """The frame: which page is shown, the panel, the privacy line, the shortcuts. Knows nothing of models or downloads."""

    closing = Signal()
    restart_clicked = Signal()
    files_dropped = Signal(object)  # list[Path]

    def __init__(self, app: App, sidebar: Sidebar, chat: ChatPage, panel: ModelPanel) -> None:
        super().__init__()
        self._app = app
        self.sidebar, self.chat, self.panel = sidebar, chat, panel
        self._pages: dict[str, QWidget] = {"chat": chat}
        self.stack = QStackedWidget()
        self.stack.addWidget(chat)
        inside = QWidget()
        inside.setProperty("kind", "page")
        row = QHBoxLayout()
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(0)
        row.addWidget(sidebar)
        self.toast = Toast()
        middle = QVBoxLayout()
        middle.setSpacing(0)
        middle.addWidget(self.stack, 1)
        middle.addWidget(self.toast)
        row.addLayout(middle, 1)
        row.addWidget(panel)
        self._whole = QVBoxLayout()
        self._whole.setContentsMargins(0, 0, 0, 0)
        self._whole.setSpacing(0)
        self._whole.addLayout(row)
        inside.setLayout(self._whole)
        self.setCentralWidget(inside)
        self._drop_hint = DropHint(inside)
        self.setAcceptDrops(True)
        self.may_close: Callable[[], bool] = lambda: True  # asked before the window goes
        self._panel_open = app.settings.panel_open
        self._panel_over = False  # opened by hand in a window that is too narrow to keep it open
        self.setWindowTitle("Alcove")
        self.setMinimumSize(*SMALLEST)
        self._restore_place()
        self._add_shortcuts()
        chat.panel_clicked.connect(self.toggle_panel)
        theme.follow(self._arrange)  # with another text size, what is wide now may be narrow
        self._timer = QTimer(self)
        self._timer.timeout.connect(self.show_privacy)
        self._timer.start(PRIVACY_MS)
        self.show_privacy()

    # --- pages ----------------------------------------------------------------------------------------------------------------

    def add_page(self, name: str, page: QWidget) -> None:
        """A page for the middle column."""
        self._pages[name] = page
        self.stack.addWidget(page)

    @property
    def page(self) -> str:
        """The name of the page that is shown."""
        return next(name for name, page in self._pages.items() if page is self.stack.currentWidget())

    def show_page(self, name: str) -> None:
        """Show a page by its name, and mark it at the left."""
        self.stack.setCurrentWidget(self._pages[name])
        self.sidebar.show_current("settings" if name == "about" else name, self.chat.conversation_id)
        self._arrange()

    def show_decided(self) -> None:
        """What the organisation wants to be said: that its rules cannot be read or were changed, its own text, how long chats
        are kept."""
        policy, strips = self._app.policy, list[Strip]()
        if policy.broken:
            words = self.tr(
                "The rules of your organisation cannot be read, so Alcove stays offline and only its small guide can be used. "
                "Ask those who look after this computer. {why}"
            )
            strips.append(Strip(words.format(why=policy.broken), "bad"))
        elif self._app.has_outdated_parts:
            words = self.tr("Your organisation has changed its rules. Some of them hold only after a new start of Alcove.")
            strips.append(Strip(words, button=self.tr("Start again")))
            strips[-1].clicked.connect(self.restart_clicked)
        if policy.banner:
            strips.append(Strip(policy.banner))
        for strip in self.findChildren(Strip):
            self._whole.removeWidget(strip)
            strip.setParent(None)
        for place, strip in enumerate(strips):
            self._whole.insertWidget(place, strip)
        self.sidebar.show_kept(policy.retention_days, policy.origin("retention_days"))

    def show_crash(self, error: BaseException) -> None:
        """Say that there was a bug, with a report to copy; one dialog at a time. A stated error is told in its own words."""
        if isinstance(error, AlcoveError):  # of a click that nobody waits for: the disk is full, a file is gone
            self.toast.tell(error)
        elif self.findChild(CrashDialog) is None:
            CrashDialog(error, self).open()

    def show_percent(self, fraction: float | None) -> None:
        """How far downloads are, in the title, which is also what the system shows of a window that is not open."""
        words = "Alcove" if fraction is None else self.tr("{percent} % – Alcove").format(percent=round(fraction * 100))
        if words != self.windowTitle():
            self.setWindowTitle(words)

    # --- the privacy line -----------------------------------------------------------------------------------------------------

    def show_privacy(self) -> None:
        """What leaves this computer at this moment, from what the network really does."""
        busy = sorted((host, purpose) for host, purpose in self._app.network.busy if not is_loopback(host))
        if busy:
            host, purpose = busy[0]
            words = self.tr("Downloading from {host}") if purpose.startswith("download") else self.tr("Asking {host}")
            self.sidebar.show_privacy(words.format(host=host), "good", "globe")
        elif self._app.network.offline:
            kept = self._app.network.kept_offline
            words = self.tr("Offline by your organisation") if kept else self.tr("Offline: nothing can leave")
            self.sidebar.show_privacy(words, "good", "offline")
        else:
            self.sidebar.show_privacy(self.tr("Nothing leaves this computer"), "good", "lock")

    # --- columns --------------------------------------------------------------------------------------------------------------

    def toggle_panel(self) -> None:
        """Open or fold the panel at the right; remembered for windows with room for it."""
        shown = self.panel.isVisible()
        if self._wide():
            self._panel_open = self._app.settings.panel_open = not shown
        else:
            self._panel_over = not shown
        self._arrange()

    def _wide(self) -> bool:
        return self.width() >= theme.scaled(WIDE)

    def _arrange(self) -> None:
        wide = self._wide()
        if wide:
            self._panel_over = False
        shown = self.stack.currentWidget() is self.chat and (self._panel_open if wide else self._panel_over)
        self.panel.setVisible(shown)
        self.chat.show_panel_state(shown)
        self.sidebar.setFixedWidth(theme.scaled(WIDTH if wide else NARROW_WIDTH))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._arrange()

    # --- files from outside ---------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if files := files_in(event.mimeData()):
            self._drop_hint.show_for(files)
            event.acceptProposedAction()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        self._drop_hint.hide()

    def dropEvent(self, event: QDropEvent) -> None:
        self._drop_hint.hide()
        event.acceptProposedAction()
        self.files_dropped.emit(files_in(event.mimeData()))

    # --- shortcuts ------------------------------------------------------------------------------------------------------------

    def _add_shortcuts(self) -> None:
        for keys, act in (
            ("Ctrl+N", self.sidebar.new_clicked.emit),
            ("Ctrl+K", self.sidebar.focus_search),
            ("Ctrl+L", self._focus_message),
            ("Ctrl+,", lambda: self.sidebar.page_clicked.emit("settings")),
            ("Esc", self._on_escape),
            ("Ctrl+Q", self.close),
        ):
            QShortcut(QKeySequence(keys), self).activated.connect(act)

    def _focus_message(self) -> None:
        if self.page != "chat":
            self.show_page("chat")
        self.chat.focus_message()

    def _on_escape(self) -> None:
        """Leave the change of a question, else stop the answer."""
        if self.page == "chat" and not self.chat.leave_edit():
            self.chat.stop()

    # --- place ----------------------------------------------------------------------------------------------------------------

    def _restore_place(self) -> None:
        kept = QByteArray.fromBase64(QByteArray(self._app.settings.window.encode()))
        if kept.isEmpty() or not self.restoreGeometry(kept):
            room = self.screen().availableSize()
            self.resize(min(FIRST_SIZE[0], room.width()), min(FIRST_SIZE[1], room.height()))

    def closeEvent(self, event: QCloseEvent) -> None:
        if not self.may_close():
            event.ignore()
            return
        self._timer.stop()
        self._app.settings.window = bytes(self.saveGeometry().toBase64().data()).decode()
        self.closing.emit()
        super().closeEvent(event)
