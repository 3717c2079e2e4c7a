"""The frame of a page: a title, an optional line below it, and a column that scrolls and never grows too wide to read."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from desktop.ui import theme
from desktop.ui.labels import Label

WIDEST = 936  # px, of the column
NARROW = 640  # px of the page below which the margins shrink


class Page(QScrollArea):
    """Put things into `.body` (below the title), `.header` (beside it) and `.above`; `set_title` changes what it is called."""

    def __init__(self, title: str = "", subtitle: str = "", widest: int = WIDEST) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setAccessibleName(title)
        self._widest = widest
        column = QWidget()
        column.setProperty("kind", "page")
        self._column = QVBoxLayout(column)
        self._column.setSpacing(0)
        self.title, self.subtitle = Label(title, "title"), Label(subtitle, "body", "soft")
        self.header = QHBoxLayout()
        self.header.setSpacing(theme.GRID)
        self.header.addWidget(self.title, 1)
        self.above = QVBoxLayout()  # for a way back
        self._column.addLayout(self.above)
        self._column.addLayout(self.header)
        self._column.addSpacing(theme.GRID)
        self._column.addWidget(self.subtitle)
        self.body = QVBoxLayout()
        self.body.setContentsMargins(0, theme.GRID * 2, 0, 0)
        self.body.setSpacing(theme.GRID * 2)
        self._column.addLayout(self.body)
        self._column.addStretch(1)
        self.title.setVisible(bool(title))
        self.subtitle.setVisible(bool(subtitle))
        self.setWidget(column)
        self._set_margins(WIDEST)

    def set_title(self, title: str, subtitle: str = "") -> None:
        """Change the title and the line below it."""
        self.title.setText(title)
        self.subtitle.setText(subtitle)
        self.title.setVisible(bool(title))
        self.subtitle.setVisible(bool(subtitle))
        self.setAccessibleName(title)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._set_margins(event.size().width())

    def _set_margins(self, width: int) -> None:
        least = theme.GRID * 3 if width < NARROW else theme.GRID * 6
        side = max(least, (width - self._widest) // 2)
        self._column.setContentsMargins(side, 40 if width >= NARROW else 24, side, 40)
