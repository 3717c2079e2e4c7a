"""Text in the type scale: one label class, one that is cut with dots, and a row of label and value."""

import re

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QFontMetrics, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtGui import Qt as RichText  # its functions for markup; QtCore's Qt has none
from PySide6.QtWidgets import QHBoxLayout, QLabel, QSizePolicy, QWidget

from desktop.ui import theme

LONGEST_WORD = 120  # px at scale 1 that a text asks for at least


def hint(words: str) -> str:
    """Words from elsewhere for a tool tip: where they look like markup Qt would draw it, and fetch its pictures."""
    return RichText.convertFromPlainText(words) if RichText.mightBeRichText(words) else words


def breakable(words: str) -> str:
    """Names of files and the like may be broken after their signs, where a line would break only between words."""
    return re.sub(r"(?<=\w)[_/\\](?=\w)", "\\g<0>\u200b", words)


class Label(QLabel):
    """Plain text that wraps. kind: "title", "card_title", "body", "small", "section" (small and bold); tone: "ink", "soft",
    "accent", "warning", "bad"."""

    def __init__(
        self, text: str = "", kind: str = "body", tone: str = "ink", *, wrap: bool = True, selectable: bool = False
    ) -> None:
        super().__init__()
        self._breaks = wrap and not selectable  # what is copied must be what was said
        self.setTextFormat(Qt.TextFormat.PlainText)  # names and sentences from elsewhere are never markup
        self.setProperty("kind", kind)
        self.setProperty("tone", tone)
        self.setWordWrap(wrap)
        if selectable:
            self.setTextInteractionFlags(
                Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
            )

        self.setText(text)

    def setText(self, text: str) -> None:
        self._said = text
        super().setText(breakable(text) if self._breaks else text)

    def text(self) -> str:
        return self._said

    def minimumSizeHint(self) -> QSize:
        """A word that is too long for its place must not widen the page."""
        least = super().minimumSizeHint()
        return QSize(min(least.width(), theme.scaled(LONGEST_WORD)), least.height()) if self.wordWrap() else least

    def set_tone(self, tone: str) -> None:
        """Show it in another colour."""
        if self.property("tone") != tone:
            self.setProperty("tone", tone)
            repolish(self)


class ElidedLabel(QLabel):
    """One line that is cut with dots when there is no room; the whole text is then its tool tip, and else `tip`."""

    def __init__(self, text: str = "", kind: str = "body", tone: str = "ink") -> None:
        super().__init__(text)
        self.tip = ""
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setProperty("kind", kind)
        self.setProperty("tone", tone)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)

    def minimumSizeHint(self) -> QSize:
        return QSize(min(theme.scaled(48), super().minimumSizeHint().width()), super().minimumSizeHint().height())

    def sizeHint(self) -> QSize:
        return QSize(self.fontMetrics().horizontalAdvance(self.text()) + 2, super().sizeHint().height())

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.setToolTip(hint(self.text()) if self._shown() != self.text() else self.tip)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setPen(self.palette().windowText().color())
        painter.drawText(self.contentsRect(), int(self.alignment() | Qt.AlignmentFlag.AlignVCenter), self._shown())

    def _shown(self) -> str:
        return QFontMetrics(self.font()).elidedText(self.text(), Qt.TextElideMode.ElideRight, self.contentsRect().width())


class FactRow(QWidget):
    """A soft label at the left and its value at the right: "Download      2.5 GB · 3 min"."""

    def __init__(self, name: str, value: str = "", tone: str = "ink") -> None:
        super().__init__()
        self.name = Label(name, "small", "soft", wrap=False)
        self.value = Label(value, "small", tone, wrap=True)
        self.value.setAlignment(Qt.AlignmentFlag.AlignRight | Qt.AlignmentFlag.AlignVCenter)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GRID * 2)
        row.addWidget(self.name)
        row.addWidget(self.value, 1)

    def set_value(self, value: str, tone: str = "ink") -> None:
        """Show another value."""
        self.value.setText(value)
        self.value.set_tone(tone)


def repolish(widget: QWidget) -> None:
    """Let the style sheet see a property that has changed."""
    widget.style().unpolish(widget)
    widget.style().polish(widget)
    widget.update()
