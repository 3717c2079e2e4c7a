"""Small rounded words: a verdict or an answer with its icon, and a count."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLabel, QSizePolicy

from desktop.ui.labels import repolish
from desktop.ui.sign import Sign

TONES = {"good": "accent", "warning": "warning", "bad": "bad", "neutral": "soft"}
ICONS = {"good": "check", "warning": "exclamation", "bad": "cross", "neutral": ""}


class Pill(QFrame):
    """A word or two in colour with an icon, so that colour is never alone. tone: "good", "warning", "bad", "neutral"."""

    def __init__(self, text: str = "", tone: str = "neutral", icon: str | None = None) -> None:
        super().__init__()
        self._sign, self._words = Sign(), QLabel(text)
        self._told: tuple[str, str, str] | None = None
        self._words.setTextFormat(Qt.TextFormat.PlainText)
        self._words.setProperty("kind", "pill")
        row = QHBoxLayout(self)
        row.setContentsMargins(10, 4, 10, 4)
        row.setSpacing(4)
        row.addWidget(self._sign)
        row.addWidget(self._words)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.show_as(text, tone, icon)

    def show_as(self, text: str, tone: str, icon: str | None = None) -> None:
        """Say something else; without `icon` it is the tone's own, "" is none."""
        told = text, tone, ICONS[tone] if icon is None else icon
        if told == self._told:
            return  # restyling is slow, and a slider asks at each move
        self._told = told
        self._words.setText(text)
        self.setAccessibleName(text)
        self.setProperty("tone", tone)
        self._words.setProperty("tone", TONES[tone])
        repolish(self)
        repolish(self._words)
        self._sign.show_icon(told[2], TONES[tone])
        self._sign.setVisible(bool(told[2]))

    def text(self) -> str:
        """What it says."""
        return self._words.text()


class Badge(QLabel):
    """A count in a small round field; hidden when it is nothing."""

    def __init__(self, count: int = 0) -> None:
        super().__init__()
        self.setProperty("kind", "badge")
        self.setAlignment(Qt.AlignmentFlag.AlignCenter)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.set_count(count)

    def set_count(self, count: int) -> None:
        """Show another count."""
        self.setText(str(count))
        self.setVisible(count > 0)
