"""What the person said: a bubble at the right."""

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.conversations import Stored
from desktop.ui import theme
from desktop.ui.prose import ProseView, plain

BUBBLE_SHARE = 0.72  # of the column that a question may take
BUBBLE_SIDE, BUBBLE_TOP = 16, 11  # px between its edge and its text


class Question(QWidget):
    """What the person said: a bubble at the right, as wide as its text."""

    def __init__(self, message: Stored) -> None:
        super().__init__()
        self.message = message
        self.setAccessibleName(self.tr("You"))
        self.bubble = QFrame()
        self.bubble.setProperty("kind", "bubble")
        self.text = ProseView()
        self.text.show_segment(tuple(plain(message.text)))
        inside = QVBoxLayout(self.bubble)
        inside.setContentsMargins(BUBBLE_SIDE, BUBBLE_TOP, BUBBLE_SIDE, BUBBLE_TOP)
        inside.addWidget(self.text)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addStretch(1)
        row.addWidget(self.bubble)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.bubble.setFixedWidth(self._bubble_width(event.size().width()))

    def heightForWidth(self, width: int) -> int:
        edge = 2 * theme.line_width()
        inside = self._bubble_width(width) - 2 * BUBBLE_SIDE - edge
        return self.text.heightForWidth(inside) + 2 * BUBBLE_TOP + edge

    def _bubble_width(self, width: int) -> int:
        """As wide as its text, up to a share of the column."""
        wanted = self.text.plain_width() + 2 * (BUBBLE_SIDE + theme.line_width()) + 2
        return min(max(160, round(width * BUBBLE_SHARE)), wanted)
