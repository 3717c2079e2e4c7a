"""The left column: new chat, search in everything said, conversations by day, the other pages, and the privacy line."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from PySide6.QtCore import QEvent, QLocale, QObject, QPoint, QSize, Qt, QTimer, Signal
from PySide6.QtGui import QAction, QKeyEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QListWidgetItem, QMenu, QVBoxLayout

from desktop.conversations import Conversation, Conversations, Hit
from desktop.ui import icons, theme
from desktop.ui.buttons import Button
from desktop.ui.cards import line
from desktop.ui.conversation_list import HIT, ID, SECTION, TITLE, ConversationList
from desktop.ui.labels import Label, hint, repolish
from desktop.ui.nav import NavButton
from desktop.ui.tasks import Tasks, once

SEARCH = "search conversations"  # the key of the task
SEARCH_AFTER_MS = 120
MOST_HITS = 50
WIDTH, NARROW_WIDTH = 248, 236  # px


class Sidebar(QFrame):
    """Shows what the store holds; `refresh` after a change elsewhere."""

    new_clicked = Signal()
    opened = Signal(int)
    renamed = Signal(int, str)
    delete_clicked = Signal(int)
    page_clicked = Signal(str)  # "models", "downloads" or "settings"
    privacy_clicked = Signal()

    def __init__(self, tasks: Tasks, conversations: Conversations) -> None:
        super().__init__()
        self._tasks, self._conversations = tasks, conversations
        self._current: int | None = None
        self._build()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(SEARCH_AFTER_MS)
        self._timer.timeout.connect(self._search)
        self.refresh()

    def _build(self) -> None:
        self.new_button = Button(self.tr("New chat"), "primary")
        self.new_button.setToolTip(self.tr("New chat (Ctrl+N)"))
        self.new_button.clicked.connect(self.new_clicked)
        self.search_field = QLineEdit()
        self.search_field.setPlaceholderText(self.tr("Search everything said  Ctrl K"))
        self.search_field.setAccessibleName(self.tr("Search in all conversations"))
        self.search_field.textChanged.connect(self._on_search_typed)
        self.search_field.returnPressed.connect(self._open_first)
        self.search_field.installEventFilter(self)
        self._clear = QAction(self)
        self._clear.setToolTip(self.tr("Clear the search"))
        self._clear.triggered.connect(self.search_field.clear)
        self.list = ConversationList(self.tr("Conversations"))
        self.list.opened.connect(self.opened)
        self.list.renamed.connect(self.renamed)
        self.list.delete_pressed.connect(self.delete_clicked)
        self.list.menu_wanted.connect(self._open_menu)
        self.pages = {
            "models": NavButton(self.tr("Models"), "models"),
            "downloads": NavButton(self.tr("Downloads"), "download"),
            "settings": NavButton(self.tr("Settings"), "settings"),
        }
        for name, button in self.pages.items():
            button.clicked.connect(lambda _on=False, name=name: self._on_page_clicked(name))
        self.privacy = Button("", "privacy")
        self.privacy.clicked.connect(self.privacy_clicked)
        column = QVBoxLayout(self)
        column.setContentsMargins(12, 16, 12, 12)
        column.setSpacing(0)
        column.addWidget(self.new_button)
        column.addSpacing(12)
        column.addWidget(self.search_field)
        column.addSpacing(theme.GRID)
        column.addWidget(self.list, 1)
        self.kept = Label("", "small", "soft")
        self.kept.setContentsMargins(theme.GRID, theme.GRID, 0, 0)
        self.kept.hide()
        column.addWidget(self.kept)
        column.addSpacing(theme.GRID)
        for button in self.pages.values():
            column.addWidget(button)
            column.addSpacing(2)
        column.addSpacing(6)
        column.addWidget(line())
        column.addSpacing(6)
        row = QHBoxLayout()
        row.addWidget(self.privacy, 1)
        column.addLayout(row)
        theme.follow(self._load_icons)
        self.show_privacy(self.tr("Nothing leaves this computer"), "good", "lock")

    # --- what the window calls ------------------------------------------------------------------------------------------------

    def refresh(self) -> None:
        """Read the list again; a running search stays."""
        if not self.search_field.text().strip():
            self._show_list(self._conversations.list())

    def show_current(self, page: str, conversation_id: int | None = None) -> None:
        """Mark where the window is: a page by its name, or "chat" with a conversation."""
        for name, button in self.pages.items():
            button.setChecked(name == page)
        self._current = conversation_id if page == "chat" else None
        self.list.mark(self._current)

    def show_downloads(self, count: int, fraction: float | None) -> None:
        """How many downloads run or wait, and how far they are together."""
        self.pages["downloads"].show_progress(count, fraction)

    def show_kept(self, days: int | None, where: str) -> None:
        """How long conversations are kept where an organisation has decided that; None: nobody has."""
        words = self.tr("Conversations are deleted {days} days after their last message. Set by your organisation.")
        self.kept.setText(words.format(days=days))
        self.kept.setToolTip(hint(self.tr("Decided in {where}").format(where=where)))
        self.kept.setVisible(days is not None)

    def show_privacy(self, words: str, tone: str, icon: str) -> None:
        """The line at the foot. tone: "good" or "warning"."""
        if self.privacy.text() == words:
            return
        self.privacy.setProperty("tone", tone)
        self.privacy.setText(words)
        self.privacy.setAccessibleName(self.tr("{words}. Shows the network activity.").format(words=words))
        self.privacy.setToolTip(words)
        self.privacy.set_icon(icon, "warning" if tone == "warning" else "accent")
        repolish(self.privacy)

    def focus_search(self) -> None:
        """Put the cursor into the search field."""
        self.search_field.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.search_field.selectAll()

    # --- list and search ------------------------------------------------------------------------------------------------------

    def _show_list(self, conversations: Iterable[Conversation]) -> None:
        self.list.begin()
        section = ""
        for each in conversations:
            if (name := self.section_of(each.updated, date.today())) != section:
                self.list.add_section(name)
                section = name
            self.list.add(each.id, each.title)
        if not section:
            self.list.add_section(self.tr("No conversations yet"))
        self.list.mark(self._current)

    def section_of(self, updated: str, today: date) -> str:
        """The heading under which a conversation stands, by its last use."""
        day = datetime.fromisoformat(updated).astimezone().date()
        if day >= today:
            return self.tr("Today")
        if day == today - timedelta(days=1):
            return self.tr("Yesterday")
        if day > today - timedelta(days=8):
            return self.tr("Previous 7 days")
        month = QLocale().standaloneMonthName(day.month)
        return month if day.year == today.year else f"{month} {day.year}"

    def _on_search_typed(self, words: str) -> None:
        if words.strip():
            self.search_field.addAction(self._clear, QLineEdit.ActionPosition.TrailingPosition)
            self._timer.start()
        else:
            self.search_field.removeAction(self._clear)
            self._timer.stop()
            self._tasks.cancel(SEARCH)
            self.refresh()

    def _search(self) -> None:
        words = self.search_field.text().strip()
        task = self._tasks.start(once(self._conversations.search, words, MOST_HITS), key=SEARCH)
        task.done.connect(self._show_hits)

    def _show_hits(self, hits: tuple[Hit, ...]) -> None:
        self.list.begin()
        count = self.tr("The best {count}") if len(hits) == MOST_HITS else self.tr("{count} found")
        words = count.format(count=len(hits)) if hits else self.tr("Nothing found")
        self.list.add_section(words)
        for hit in hits:
            self.list.add_hit(hit.conversation.id, hit.conversation.title, hit.snippet)
        self.list.mark(self._current)

    def _open_first(self) -> None:
        if self.search_field.text().strip():
            self.list.open_first()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if watched is self.search_field and isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress:
            if event.key() == Qt.Key.Key_Down:
                self.list.setFocus(Qt.FocusReason.TabFocusReason)
                self.list.go_to_first()
                return True
            if event.key() == Qt.Key.Key_Escape and self.search_field.text():
                self.search_field.clear()
                return True
        return super().eventFilter(watched, event)

    def _open_menu(self, item: QListWidgetItem, where: QPoint) -> None:
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        rename = menu.addAction(icons.icon("edit"), self.tr("Rename"))
        rename.setShortcut(Qt.Key.Key_F2)
        rename.setEnabled(item.data(SECTION) != HIT)
        rename.triggered.connect(lambda: self.list.edit_title(item))
        delete = menu.addAction(icons.icon("trash"), self.tr("Delete"))
        delete.setShortcut(Qt.Key.Key_Delete)
        delete.triggered.connect(lambda: self.delete_clicked.emit(item.data(ID)))
        menu.setAccessibleName(item.data(TITLE))
        menu.popup(where)

    def _on_page_clicked(self, name: str) -> None:
        self.pages[name].setChecked(True)
        self.page_clicked.emit(name)

    def _load_icons(self) -> None:
        self._clear.setIcon(icons.icon("cross", "soft"))

    def sizeHint(self) -> QSize:
        return QSize(WIDTH, 600)
