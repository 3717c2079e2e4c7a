"""A line of the left column that leads to a page, with a badge and a thin bar for what runs there."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QPushButton

from desktop.ui import icons, theme
from desktop.ui.bars import Bar
from desktop.ui.pills import Badge


class NavButton(QPushButton):
    """Checked while its page is shown."""

    def __init__(self, text: str, icon: str) -> None:
        super().__init__(f" {text}")  # Qt leaves too little between icon and words
        self._name, self._icon = text, icon
        self.setProperty("kind", "nav")
        self.setCheckable(True)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(text)
        self._badge = Badge()
        self._badge.setParent(self)
        self._bar = Bar(3)
        self._bar.setParent(self)
        self._bar.hide()
        theme.follow(self._load_icon)

    def show_progress(self, count: int, fraction: float | None) -> None:
        """How many things run there, and how far they are together; None when nothing runs."""
        self._badge.set_count(count)
        self._bar.setVisible(fraction is not None)
        if fraction is not None:
            self._bar.set_fraction(fraction)
            words = self.tr("{name}, {percent} % done").format(name=self._name, percent=round(fraction * 100))
        else:
            words = self._name
        self.setAccessibleName(words)
        self._place()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._place()

    def _load_icon(self) -> None:
        self.setIcon(icons.icon(self._icon, "soft"))
        self.setIconSize(QSize(theme.scaled(18), theme.scaled(18)))
        self._place()

    def _place(self) -> None:
        self._badge.adjustSize()
        self._badge.move(self.width() - self._badge.width() - 12, (self.height() - self._badge.height()) // 2)
        self._bar.setGeometry(12, self.height() - 5, self.width() - 24, 3)
