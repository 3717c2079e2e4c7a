"""Bars: how far something is, what fills the memory, and the ladder of openness."""

from collections.abc import Sequence

from PySide6.QtCore import QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPainterPath, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from desktop.ui import theme


class Bar(QWidget):
    """Segments from the left on a track. Each segment is (share of the whole, colour name, opacity)."""

    GAP = 0.0  # px between segments

    def __init__(self, height: int = 8) -> None:
        super().__init__()
        self._height = height
        self._segments: tuple[tuple[float, str, float], ...] = ()
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def set_fraction(self, fraction: float, tone: str = "accent") -> None:
        """Show one segment; for a progress or a share."""
        self.setAccessibleDescription(f"{fraction:.0%}")
        self.set_segments([(fraction, tone, 1.0)])

    def set_segments(self, segments: Sequence[tuple[float, str, float]]) -> None:
        """Show these segments, cut where the track ends."""
        made = tuple(segments)
        if made != self._segments:
            self._segments = made
            self.update()

    def sizeHint(self) -> QSize:
        return QSize(120, self._height)

    def minimumSizeHint(self) -> QSize:
        return QSize(24, self._height)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        box = QRectF(0, (self.height() - self._height) / 2, self.width(), self._height)
        shape = QPainterPath()
        shape.addRoundedRect(box, self._height / 2, self._height / 2)
        painter.setClipPath(shape)
        painter.fillRect(box, theme.colour("track"))
        left = box.left()
        for share, tone, opacity in self._segments:
            width = min(max(0.0, share) * box.width(), box.right() - left)
            fill = QColor(theme.colour(tone))
            fill.setAlphaF(opacity)
            painter.fillRect(QRectF(left, box.top(), max(0.0, width - self.GAP), box.height()), fill)
            left += width
        if theme.line_width() > 1:  # high contrast: the track needs its edge
            painter.setPen(theme.colour("ink"))
            painter.setBrush(Qt.BrushStyle.NoBrush)
            painter.drawRoundedRect(box.adjusted(0.5, 0.5, -0.5, -0.5), self._height / 2, self._height / 2)


class MemoryBar(Bar):
    """What a model would take of a memory. Parts that go beyond its end stand behind a mark there."""

    GAP = 1.0  # so that two shades beside each other are two parts
    MARK = 3  # px by which the mark is higher and lower than the bar

    def __init__(self, height: int = 8) -> None:
        super().__init__(height)
        self._end = 1.0  # where the memory ends, as a share of the bar

    def set_memory(self, weights_bytes: int, kv_bytes: int, compute_bytes: int, free_bytes: int, tone: str = "accent") -> None:
        """Of what is free: model, conversation memory, workspace. tone: "accent", "warning" or "bad", by the verdict."""
        self.set_parts([(weights_bytes, tone, 1.0), (kv_bytes, tone, 0.6), (compute_bytes, tone, 0.35)], free_bytes)

    def set_parts(self, parts: Sequence[tuple[int, str, float]], memory_bytes: int) -> None:
        """Each part is (bytes, colour name, opacity), from the left; the memory has `memory_bytes`."""
        whole = max(1, memory_bytes, sum(amount for amount, _, _ in parts))
        end = memory_bytes / whole
        if end != self._end:
            self._end = end
            self.update()
        self.set_segments([(amount / whole, tone, opacity) for amount, tone, opacity in parts])

    def sizeHint(self) -> QSize:
        return QSize(120, self._height + 2 * self.MARK if self._height > 8 else self._height)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._end > 0.999 or self._height <= 8:  # a thin bar of a list has no room for the mark
            return
        with QPainter(self) as painter:
            left = min(self.width() - 2.0, max(0.0, self._end * self.width() - 1))
            painter.fillRect(QRectF(left, 0, 2, self.height()), theme.colour("ink"))


class Ladder(QWidget):
    """Three steps of openness, filled up to `step` (0 = unknown)."""

    STEPS = 3

    def __init__(self, step: int = 0) -> None:
        super().__init__()
        self._step = step
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)

    def sizeHint(self) -> QSize:
        return QSize(120, 8)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        gap = 4.0
        width = (self.width() - gap * (self.STEPS - 1)) / self.STEPS
        for index in range(self.STEPS):
            painter.setPen(theme.colour("ink") if theme.line_width() > 1 else Qt.PenStyle.NoPen)
            painter.setBrush(theme.colour("accent" if index < self._step else "track"))
            box = QRectF(index * (width + gap), 0, width, 8).adjusted(0.5, 0.5, -0.5, -0.5)
            painter.drawRoundedRect(box, 4, 4)
