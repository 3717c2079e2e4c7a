"""Selectable text that takes the height it needs, and how a run of it looks. Never loads anything."""

from typing import Any

from PySide6.QtCore import QMimeData, QSize, Qt, QUrl, Signal
from PySide6.QtGui import (
    QFont,
    QTextCharFormat,
    QTextFormat,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextBrowser

from desktop.ui import theme
from desktop.ui.labels import hint
from desktop.ui.markdown import Run


class TextView(QTextBrowser):
    """Selectable text as high as it needs to be. Never loads anything; `link_clicked` has the address that was clicked."""

    link_clicked = Signal(str)

    def __init__(self) -> None:
        super().__init__()
        self._heights: dict[int, int] = {}
        self._plain_width: int | None = None
        self.setOpenLinks(False)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.ClickFocus)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        policy = QSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        policy.setHeightForWidth(True)
        self.setSizePolicy(policy)
        self.document().setDocumentMargin(0)
        self.document().setIndentWidth(theme.scaled(28))
        self.document().setUndoRedoEnabled(False)
        self.verticalScrollBar().valueChanged.connect(self._stay)
        self.anchorClicked.connect(lambda url: self.link_clicked.emit(url.toString()))
        self.highlighted.connect(lambda url: self.viewport().setToolTip(hint(url.toString())))

    def loadResource(self, kind: int, name: QUrl | str) -> Any:
        """Nothing: no picture, no style sheet, no file."""
        return None

    def _stay(self, value: int) -> None:
        """All of the text is always shown; before a layout has made room for it, Qt would scroll to the cursor."""
        if value:
            self.verticalScrollBar().setValue(0)

    def hasHeightForWidth(self) -> bool:
        return True

    def heightForWidth(self, width: int) -> int:
        if width not in self._heights:  # layouts ask often, and laying text out is what costs
            document = self.document()
            drawn_at = document.textWidth()
            document.setTextWidth(width)
            self._heights[width] = round(document.size().height() + 0.49)
            if drawn_at != width:
                document.setTextWidth(drawn_at)
        return self._heights[width]

    def plain_width(self) -> int:
        """The width in pixels that the text would take without wrapping."""
        if self._plain_width is None:
            document = self.document()
            drawn_at = document.textWidth()
            document.setTextWidth(-1)
            self._plain_width = round(document.idealWidth() + 0.49)
            document.setTextWidth(drawn_at)
        return self._plain_width

    def changed(self) -> None:
        """The text is another one: what was measured no longer holds."""
        self._heights.clear()
        self._plain_width = None
        self.updateGeometry()

    def sizeHint(self) -> QSize:
        return QSize(theme.scaled(320), self.heightForWidth(max(64, self.width())))

    def minimumSizeHint(self) -> QSize:
        return QSize(64, theme.px("body"))

    def wheelEvent(self, event: QWheelEvent) -> None:
        event.ignore()  # the transcript scrolls, never the text in it

    def createMimeDataFromSelection(self) -> QMimeData:
        copied = QMimeData()  # plain: colours and faces of this window are no use elsewhere
        copied.setText(self.textCursor().selectedText().replace("\u2029", "\n").replace("\u2028", "\n"))
        return copied


def char_format(run: Run, tone: str = "ink") -> QTextCharFormat:
    """How one run looks."""
    face = QTextCharFormat()
    face.setForeground(theme.colour(tone))
    face.setFontWeight(QFont.Weight.DemiBold if run.bold else QFont.Weight.Normal)
    face.setFontItalic(run.italic)
    face.setFontStrikeOut(run.strike)
    if run.code:
        mono = theme.mono_font()
        face.setFontFamilies([mono.family()])
        face.setProperty(QTextFormat.Property.FontPixelSize, mono.pixelSize())
        face.setBackground(theme.colour("hover"))
    if run.link:
        face.setAnchor(True)
        face.setAnchorHref(run.link)
        face.setForeground(theme.colour("accent"))
        face.setFontUnderline(True)
    return face
