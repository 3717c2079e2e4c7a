"""The model of a conversation, as a button that opens a list of those on this computer."""

from dataclasses import dataclass

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QMenu, QPushButton

from desktop.ui import icons, theme
from desktop.ui.labels import hint

WIDEST, NARROWEST = 240, 96  # px: of the name at most, of the whole button at least
SLACK = 4  # px, so that rounding cuts no name


@dataclass(frozen=True)
class ModelChoice:
    """A model on this computer: its reference, its name, and its verdict in words ("Runs well"), empty while unknown."""

    reference: str
    name: str
    verdict: str = ""


class ModelChooser(QPushButton):
    """`chosen` has the reference."""

    chosen = Signal(str)
    more_clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self._choices: tuple[ModelChoice, ...] = ()
        self._reference, self._name = "", ""
        self.setProperty("kind", "chooser")
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setLayoutDirection(Qt.LayoutDirection.RightToLeft)  # the arrow stands after the name
        self.clicked.connect(self.open_menu)
        theme.follow(self._draw)

    def show_current(self, reference: str, name: str) -> None:
        """The model that is used now."""
        self._reference, self._name = reference, name
        self._draw()
        self.updateGeometry()

    def set_choices(self, choices: tuple[ModelChoice, ...]) -> None:
        """What the list offers."""
        self._choices = choices

    def menu_of_models(self) -> QMenu:
        """The list as it is now."""
        menu = QMenu(self)
        menu.setLayoutDirection(Qt.LayoutDirection.LeftToRight)
        for choice in self._choices:
            name = self.fontMetrics().elidedText(choice.name, Qt.TextElideMode.ElideMiddle, theme.scaled(320)).replace("&", "&&")
            action = menu.addAction(f"{name}\t{choice.verdict}" if choice.verdict else name)
            action.setCheckable(True)
            action.setChecked(choice.reference == self._reference)
            action.triggered.connect(lambda _on, reference=choice.reference: self.chosen.emit(reference))
        if self._choices:
            menu.addSeparator()
        menu.addAction(icons.icon("download"), self.tr("Get another model…")).triggered.connect(self.more_clicked)
        return menu

    def open_menu(self) -> None:
        """Open the list below the button."""
        menu = self.menu_of_models()
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        width = menu.sizeHint().width()
        menu.popup(self.mapToGlobal(QPoint(self.width() - width, self.height() + 4)))

    def sizeHint(self) -> QSize:
        """As wide as the name, up to a limit; what is drawn follows the room there is."""
        room = min(self.fontMetrics().horizontalAdvance(self._shown()), theme.scaled(WIDEST))
        return QSize(room + self._around() + SLACK, super().sizeHint().height())

    def minimumSizeHint(self) -> QSize:
        return QSize(theme.scaled(NARROWEST), super().minimumSizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._draw()

    def _shown(self) -> str:
        return self._name or self.tr("Choose a model")

    def _around(self) -> int:
        """Px that frame, padding and arrow take."""
        return super().sizeHint().width() - self.fontMetrics().horizontalAdvance(self.text().replace("&&", "&"))

    def _draw(self) -> None:
        shown = self._shown()
        room = min(self.width() - self._around(), theme.scaled(WIDEST))
        self.setText(self.fontMetrics().elidedText(shown, Qt.TextElideMode.ElideMiddle, room).replace("&", "&&"))
        self.setToolTip(hint(shown) if self.text() != shown else "")
        self.setAccessibleName(self.tr("Model: {name}").format(name=shown))
        self.setIcon(icons.icon("chevron-down"))
        self.setIconSize(QSize(theme.scaled(16), theme.scaled(16)))
