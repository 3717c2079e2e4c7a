"""What the person said: a bubble at the right, and above it the pictures that went with it."""

from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop.conversations import Stored
from desktop.ui import theme
from desktop.ui.prose import ProseView, plain
from desktop.ui.thumbnail import Thumbnail

BUBBLE_SHARE = 0.72  # of the column that a question may take
BUBBLE_SIDE, BUBBLE_TOP = 16, 11  # px between its edge and its text


class Question(QWidget):
    """What the person said: a bubble at the right, as wide as its text; the pictures that it is about stand above."""

    def __init__(self, message: Stored, pictures: tuple[bytes, ...] = ()) -> None:
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
        if not message.text:
            self.bubble.hide()
        self.pictures = [Thumbnail(file, self.tr("Picture {number}").format(number=n)) for n, file in enumerate(pictures, 1)]
        above, row = QHBoxLayout(), QHBoxLayout()
        for line, widgets in ((above, self.pictures), (row, [self.bubble])):
            line.setSpacing(theme.GRID)
            line.addStretch(1)
            for widget in widgets:
                line.addWidget(widget)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID)
        if pictures:
            column.addLayout(above)
        column.addLayout(row)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.bubble.setFixedWidth(self._bubble_width(event.size().width()))

    def heightForWidth(self, width: int) -> int:
        edge = 2 * theme.line_width()
        inside = self._bubble_width(width) - 2 * BUBBLE_SIDE - edge
        words = self.text.heightForWidth(inside) + 2 * BUBBLE_TOP + edge if self.message.text else 0
        above = max((picture.height() for picture in self.pictures), default=0)
        return words + above + (theme.GRID if words and above else 0)

    def _bubble_width(self, width: int) -> int:
        """As wide as its text, up to a share of the column."""
        wanted = self.text.plain_width() + 2 * (BUBBLE_SIDE + theme.line_width()) + 2
        return min(max(160, round(width * BUBBLE_SHARE)), wanted)
