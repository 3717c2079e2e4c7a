"""What a model would take of the memory: the bar with its legend, and a slider for the conversation that moves it."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QSlider, QVBoxLayout, QWidget

from desktop import text
from desktop.fit import Fit
from desktop.ui import theme, verdict
from desktop.ui.bars import MemoryBar
from desktop.ui.flow import Flow
from desktop.ui.labels import FactRow, Label
from desktop.ui.pills import Pill

SHORTEST = 2048  # tokens at the left end of the slider


def lengths(longest: int) -> tuple[int, ...]:
    """The conversation lengths that the slider offers, in tokens: doublings up to what the model was made for."""
    steps = []
    step = min(SHORTEST, longest)
    while step < longest:
        steps.append(step)
        step *= 2
    return (*steps, longest)


class MemoryView(QWidget):
    """Call `show_judge` with how to judge a length; it asks again whenever the slider moves."""

    judged = Signal(object)  # Fit
    length_chosen = Signal(int)  # tokens, when the person moves the slider

    def __init__(self) -> None:
        super().__init__()
        self._judge: Callable[[int], Fit] | None = None
        self._lengths: tuple[int, ...] = ()
        self.pill, self.speed = Pill(), Label("", "small", "soft", wrap=False)
        self.bar = MemoryBar(12)
        self._parts = {
            "weights": _Legend(self.tr("Model"), 1.0),
            "kv": _Legend(self.tr("Conversation memory"), 0.6),
            "compute": _Legend(self.tr("Workspace"), 0.35),
            "free": _Legend(self.tr("Stays free"), 0.0),
        }
        self.length = FactRow(self.tr("Length of the conversation"))
        self.slider = QSlider(Qt.Orientation.Horizontal)
        self.slider.setAccessibleName(self.tr("Length of the conversation that the model remembers"))
        self.slider.setPageStep(1)
        self.slider.setMinimumHeight(28)
        self.slider.valueChanged.connect(self._on_moved)
        self.slider.valueChanged.connect(lambda: self.length_chosen.emit(self.context()))
        self.why = Label("", "body", selectable=True)
        self.help = Label("", "small", "soft", selectable=True)
        first = QHBoxLayout()
        first.setSpacing(theme.GRID)
        first.addWidget(self.pill)
        first.addWidget(self.speed)
        first.addStretch(1)
        legend = Flow(theme.GRID * 2)
        for part in self._parts.values():
            legend.add(part)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID + 4)
        column.addLayout(first)
        for widget in (self.bar, legend, self.length, self.slider, self.why, self.help):
            column.addWidget(widget)

    def show_judge(self, judge: Callable[[int], Fit], longest: int, context: int) -> None:
        """Judge with this from now on, from `context` tokens; `longest` is what the model was made for."""
        self._judge, self._lengths = judge, lengths(longest)
        self.slider.blockSignals(True)
        self.slider.setRange(0, len(self._lengths) - 1)
        self.slider.setValue(min(range(len(self._lengths)), key=lambda index: abs(self._lengths[index] - context)))
        self.slider.blockSignals(False)
        self.slider.setEnabled(len(self._lengths) > 1)
        self._on_moved()

    def context(self) -> int:
        """The chosen length in tokens."""
        return self._lengths[self.slider.value()] if self._lengths else 0

    def _on_moved(self) -> None:
        if self._judge is None:
            return
        fit = self._judge(self.context())
        tone = verdict.bar_tone(fit.verdict)
        said = verdict.verdict(fit.verdict)
        self.pill.show_as(said.words, said.tone, said.icon)
        self.speed.setText(verdict.speed(fit))
        self.bar.set_memory(fit.weights_bytes, fit.kv_bytes, fit.compute_bytes, fit.free_bytes, tone)
        self.bar.setAccessibleName(self.tr("{memory} of the free memory").format(memory=verdict.memory(fit)))
        over = fit.total_bytes > fit.free_bytes
        self._parts["weights"].show_amount(fit.weights_bytes, tone)
        self._parts["kv"].show_amount(fit.kv_bytes, tone)
        self._parts["compute"].show_amount(fit.compute_bytes, tone)
        self._parts["free"].show_amount(
            abs(fit.free_bytes - fit.total_bytes), tone, self.tr("Missing") if over else self.tr("Stays free")
        )
        words = verdict.words_of_context(self.context())
        self.length.set_value(self.tr("about {words}").format(words=words))
        self.slider.setAccessibleDescription(words)
        self.why.setText(fit.why)
        self.help.setText("\n".join(f"•  {step}" for step in fit.help))
        self.help.setVisible(bool(fit.help))
        self.judged.emit(fit)


class _Legend(QWidget):
    """A dot in a shade of the bar, what it stands for, and how much it is."""

    def __init__(self, name: str, opacity: float) -> None:
        super().__init__()
        self._name = name
        self._dot = _Dot(opacity)
        self._words = Label("", "small", "soft", wrap=False)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self._dot)
        row.addWidget(self._words)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_amount(self, amount_bytes: int, tone: str, name: str = "") -> None:
        """Show another amount, in the bar's colour."""
        self._words.setText(self.tr("{name} {size}").format(name=name or self._name, size=text.size(amount_bytes)))
        self._dot.show_tone(tone)
        self.updateGeometry()


class _Dot(QWidget):
    """A small disc; with opacity 0 it has the colour of the empty track."""

    def __init__(self, opacity: float) -> None:
        super().__init__()
        self._opacity, self._tone = opacity, "accent"
        self.setFixedSize(QSize(10, 10))

    def show_tone(self, tone: str) -> None:
        self._tone = tone
        self.update()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.StyleChange:
            self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        fill = QColor(theme.colour(self._tone if self._opacity else "line"))
        fill.setAlphaF(self._opacity or 1.0)
        painter.setPen(theme.colour("ink") if theme.line_width() > 1 else Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawEllipse(QRectF(0.5, 0.5, 9, 9))
