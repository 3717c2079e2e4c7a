"""Buttons: with text, with an icon only, links, chips, tabs and a switch. The keyboard focuses them, a click does not."""

from PySide6.QtCore import QRectF, QSize, Qt, Signal
from PySide6.QtGui import QIcon, QPainter, QPaintEvent
from PySide6.QtWidgets import QAbstractButton, QButtonGroup, QHBoxLayout, QPushButton, QSizePolicy, QWidget

from desktop.ui import icons, theme
from desktop.ui.labels import hint

INKS = {"primary": "on_accent", "link": "accent", "danger": "bad", "quiet": "soft", "fold": "soft", "small_link": "accent"}


class Button(QPushButton):
    """A button with text. kind: "primary" (one a page), "secondary", "quiet" (no frame, soft), "link" (accent text), "danger"."""

    def __init__(self, text: str, kind: str = "secondary", icon: str = "") -> None:
        super().__init__(text)
        self._icon, self._ink = icon, INKS.get(kind, "ink")
        self.setProperty("kind", kind)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAutoDefault(False)
        self.setAccessibleName(text)
        theme.follow(self._load_icon)

    def set_text(self, text: str) -> None:
        """Change what it says, also for those who listen."""
        self.setText(text)
        self.setAccessibleName(text)

    def set_icon(self, name: str, colour: str = "") -> None:
        """Change its icon, in the colour of its text if nothing else is said; "" takes it away."""
        self._icon, self._ink = name, colour or INKS.get(str(self.property("kind")), "ink")
        self._load_icon()

    def _load_icon(self) -> None:
        if self._icon:
            self.setIcon(icons.icon(self._icon, self._ink))
            self.setIconSize(QSize(theme.scaled(18), theme.scaled(18)))
        elif not self.icon().isNull():
            self.setIcon(QIcon())


class IconButton(Button):
    """A square button with an icon only; `name` is its tool tip and what a screen reader says."""

    def __init__(self, icon: str, name: str, tone: str = "soft") -> None:
        self._tone = tone
        super().__init__("", "icon", icon)
        self.setAccessibleName(name)
        self.setToolTip(hint(name))

    def _load_icon(self) -> None:
        side = theme.scaled(20)
        self.setIcon(icons.icon(self._icon, self._tone))
        self.setIconSize(QSize(side, side))
        self.setFixedSize(side + 14, side + 14)


class Chip(QPushButton):
    """A filter in the shape of a pill that is on or off."""

    def __init__(self, text: str, checked: bool = False) -> None:
        super().__init__(text)
        self.setProperty("kind", "chip")
        self.setCheckable(True)
        self.setChecked(checked)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(text)


class Tabs(QWidget):
    """Two to four words in a row of which one is chosen."""

    chosen = Signal(int)

    def __init__(self, names: list[str]) -> None:
        super().__init__()
        self._group = QButtonGroup(self)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GRID // 2)
        for index, name in enumerate(names):
            tab = QPushButton(name)
            tab.setProperty("kind", "tab")
            tab.setCheckable(True)
            tab.setFocusPolicy(Qt.FocusPolicy.TabFocus)
            tab.setCursor(Qt.CursorShape.PointingHandCursor)
            self._group.addButton(tab, index)
            row.addWidget(tab)
        self._group.button(0).setChecked(True)
        self._group.idClicked.connect(self.chosen)

    def choose(self, index: int) -> None:
        """Choose by program; emits `chosen` when it was another one."""
        if self._group.checkedId() != index:
            self._group.button(index).setChecked(True)
            self.chosen.emit(index)

    def current(self) -> int:
        """The chosen one."""
        return self._group.checkedId()

    def hide_tab(self, index: int) -> None:
        """Offer one no more."""
        self._group.button(index).hide()

    def set_name(self, index: int, name: str) -> None:
        """Change what a tab says."""
        self._group.button(index).setText(name)


class Switch(QAbstractButton):
    """A switch that is on or off at once; `name` is what a screen reader says (the text beside it is a label)."""

    def __init__(self, name: str, on: bool = False) -> None:
        super().__init__()
        self.setCheckable(True)
        self.setChecked(on)
        self.setAccessibleName(name)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(44), theme.scaled(26))

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setOpacity(1.0 if self.isEnabled() else 0.5)
        groove = QRectF(self.rect()).adjusted(1, 1, -1, -1)
        painter.setPen(theme.colour("accent" if self.isChecked() else "soft"))
        painter.setBrush(theme.colour("accent" if self.isChecked() else "track"))
        painter.drawRoundedRect(groove, groove.height() / 2, groove.height() / 2)
        side = groove.height() - 6
        left = groove.right() - side - 3 if self.isChecked() else groove.left() + 3
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(theme.colour("on_accent" if self.isChecked() else "soft"))
        painter.drawEllipse(QRectF(left, groove.top() + 3, side, side))
