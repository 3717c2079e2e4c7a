"""A field to find a model or a licence in: one types, and chooses from what is known here."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QModelIndex, Qt, Signal
from PySide6.QtGui import QFocusEvent, QIcon, QStandardItem, QStandardItemModel
from PySide6.QtWidgets import QCompleter, QLineEdit, QListView

from desktop.ui import icons, theme

KEY, NAME = Qt.ItemDataRole.UserRole, Qt.ItemDataRole.UserRole + 1
SHOWN = 12  # lines of the list


@dataclass(frozen=True)
class Choice:
    """Something that has a licence, or is one: the reference of it, its name, and where it is from in words."""

    reference: str
    name: str
    kind: str


class SideChooser(QLineEdit):
    """`chosen` has the reference and the name. What is typed and not chosen is forgotten when one leaves the field."""

    chosen = Signal(str, str)

    def __init__(self, name: str) -> None:
        super().__init__()
        self._shown = ""
        self._names: dict[str, str] = {}
        self.setAccessibleName(name)
        self.setPlaceholderText(self.tr("Type the name of a model or a licence"))
        self._model = QStandardItemModel(self)
        self._list = QCompleter(self._model, self)
        self._list.setCaseSensitivity(Qt.CaseSensitivity.CaseInsensitive)
        self._list.setFilterMode(Qt.MatchFlag.MatchContains)
        self._list.setCompletionRole(NAME)  # what is searched in, and put into the field
        self._list.setMaxVisibleItems(SHOWN)
        self._list.activated[QModelIndex].connect(self._on_activated)  # type: ignore[index]
        shown = QListView()
        shown.setProperty("kind", "popup")
        shown.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)  # long names end in dots
        self._list.setPopup(shown)
        self.setCompleter(self._list)
        self._open = self.addAction(QIcon(), QLineEdit.ActionPosition.TrailingPosition)
        self._open.setToolTip(self.tr("Show all"))
        self._open.triggered.connect(self.show_all)
        theme.follow(self._load_icon)

    def set_choices(self, choices: Sequence[Choice]) -> None:
        """What can be chosen, in this order."""
        self._model.clear()
        self._names = {choice.reference: choice.name for choice in choices}
        for choice in choices:
            item = QStandardItem(self.tr("{name} · {kind}").format(name=choice.name, kind=choice.kind))
            item.setData(choice.reference, KEY)
            item.setData(choice.name, NAME)
            self._model.appendRow(item)

    def show_chosen(self, name: str) -> None:
        """What is chosen now."""
        self._shown = name
        self.setText(name)
        self.setCursorPosition(0)

    def show_all(self) -> None:
        """Open the whole list."""
        self.setFocus(Qt.FocusReason.OtherFocusReason)
        self._list.setCompletionPrefix("")
        self._list.complete()

    def choose(self, reference: str) -> None:
        """Choose by program, as a click on it does."""
        self.show_chosen(self._names[reference])
        self.chosen.emit(reference, self._names[reference])

    def _on_activated(self, index: QModelIndex) -> None:
        self.choose(str(index.data(KEY)))

    def focusInEvent(self, event: QFocusEvent) -> None:
        super().focusInEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.selectAll()

    def focusOutEvent(self, event: QFocusEvent) -> None:
        super().focusOutEvent(event)
        if event.reason() != Qt.FocusReason.PopupFocusReason:
            self.show_chosen(self._shown)

    def _load_icon(self) -> None:
        self._open.setIcon(icons.icon("chevron-down", "soft"))
