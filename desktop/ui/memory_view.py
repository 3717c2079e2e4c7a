"""What a model would take of the memory: a bar with its legend for the main memory, and one for each graphics card."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QCoreApplication, QRectF, QSize, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop import text
from desktop.fit import DeviceUse, Fit
from desktop.ui import theme, verdict
from desktop.ui.bars import MemoryBar
from desktop.ui.flow import Flow
from desktop.ui.labels import FactRow, Label

HEIGHT = 12  # px of a bar
SHADES = {"model": 1.0, "conversation": 0.6, "workspace": 0.35}  # of the verdict's colour
OTHERS = 0.45  # of the soft colour
REST = 25_000_000  # bytes; less than that is not worth a word


@dataclass(frozen=True)
class Store:
    """One memory and what would lie in it, in bytes; `free_bytes` is what the model may take of it."""

    name: str
    parts: dict[str, int]  # "model", "conversation", "workspace"
    memory_bytes: int
    free_bytes: int
    margin_bytes: int = 0  # to stay free beside
    close_bytes: int = 0  # of it, what other programs should give back, as the help says

    @property
    def needed_bytes(self) -> int:
        return sum(self.parts.values())

    @property
    def others_bytes(self) -> int:
        """What the system and other programs hold."""
        return max(0, self.memory_bytes - self.free_bytes)


def stores(fit: Fit) -> list[Store]:
    """The main memory first, then every graphics card with a memory of its own that takes part."""
    own = [use for use in fit.devices[1:] if not use.shares_main and use.total_bytes]
    main = [use for use in fit.devices if use not in own]
    first = main[0]
    close = next((change.close_bytes for change in fit.changes if change.kind == "close_apps"), 0)
    found = [Store("", _parts(main), first.memory_bytes, first.free_bytes, fit.margin_bytes, close)]
    return found + [Store(use.name, _parts([use]), use.memory_bytes, use.free_bytes) for use in own]


def _parts(uses: Sequence[DeviceUse]) -> dict[str, int]:
    weights, kv = sum(use.weights_bytes for use in uses), sum(use.kv_bytes for use in uses)
    return {"model": weights, "conversation": kv, "workspace": sum(use.total_bytes for use in uses) - weights - kv}


def part_name(part: str) -> str:
    """What a part of the bar stands for, in words."""
    tr = QCoreApplication.translate
    return {
        "model": tr("memory_view", "Model"),
        "conversation": tr("memory_view", "Conversation memory"),
        "workspace": tr("memory_view", "Workspace"),
        "others": tr("memory_view", "Other programs"),
        "free": tr("memory_view", "Free"),
        "missing": tr("memory_view", "Missing"),
    }[part]


def part_hint(part: str) -> str:
    """The same as a sentence, for who looks closer."""
    tr = QCoreApplication.translate
    return {
        "model": tr("memory_view", "The model itself; the lighter its version, the less."),
        "conversation": tr("memory_view", "What the model keeps of a conversation; the longer it may become, the more."),
        "workspace": tr("memory_view", "What the engine computes in, and the engine itself."),
        "others": tr("memory_view", "What the system and the programs that run now hold."),
        "free": tr("memory_view", "What stays free beside the model."),
        "missing": tr("memory_view", "What lies behind the mark in the bar has no room."),
    }[part]


class MemoryView(QWidget):
    """One bar a memory; `show_fit` moves them."""

    def __init__(self) -> None:
        super().__init__()
        self.bars: list[StoreBar] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.GRID * 2)

    def show_fit(self, fit: Fit) -> None:
        """Show what a judged model takes of each memory."""
        found = stores(fit)
        while len(self.bars) > len(found):
            gone = self.bars.pop()
            gone.hide()
            gone.deleteLater()
        while len(self.bars) < len(found):
            self.bars.append(StoreBar())
            self._column.addWidget(self.bars[-1])
            self.bars[-1].show()
        for bar, store in zip(self.bars, found, strict=True):
            bar.show_store(store, verdict.bar_tone(fit.verdict), alone=len(found) == 1)


class StoreBar(QWidget):
    """One memory: its name and what of it is needed, the bar, the legend."""

    def __init__(self) -> None:
        super().__init__()
        self.head = FactRow("")
        self.bar = MemoryBar(HEIGHT)
        self._legends = {part: _Legend(part) for part in ("model", "conversation", "workspace", "others", "free")}
        legend = Flow(theme.GRID * 2)
        for each in self._legends.values():
            legend.add(each)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(6)
        for widget in (self.head, self.bar, legend):
            column.addWidget(widget)

    def show_store(self, store: Store, tone: str, *, alone: bool) -> None:
        """Show another memory, or other amounts in it."""
        main = self.tr("Memory") if alone else self.tr("Main memory")
        self.head.name.setText(self.tr("Graphics card · {name}").format(name=store.name) if store.name else main)
        self.head.set_value(self._amount(store))
        parts = [(store.parts[part], tone, shade) for part, shade in SHADES.items()]
        self.bar.set_parts([*parts, (store.others_bytes, "soft", OTHERS)], store.memory_bytes)
        left = store.free_bytes - store.needed_bytes
        if left < store.margin_bytes and tone != "accent":
            left = -store.close_bytes or min(-1, left - store.margin_bytes)  # as much must be closed, or saved
        amounts = {**store.parts, "others": store.others_bytes, "missing" if left < 0 else "free": abs(left)}
        for legend, (part, amount) in zip(self._legends.values(), amounts.items(), strict=True):
            legend.show_amount(part, amount, tone)
        told = "; ".join(f"{part_name(part)} {text.size(amount)}" for part, amount in amounts.items())
        self.bar.setAccessibleName(f"{self.head.name.text()}: {self.head.value.text()}")
        self.bar.setAccessibleDescription(told)

    def _amount(self, store: Store) -> str:
        """What is needed of what is free; more than that is no part of it."""
        if store.needed_bytes > store.free_bytes:
            needed, free = text.size(store.needed_bytes), text.size(store.free_bytes)
            return self.tr("needs {needed}, {free} are free").format(needed=needed, free=free)
        return self.tr("takes {amount} that are free").format(amount=verdict.amount_of(store.needed_bytes, store.free_bytes))


class _Legend(QWidget):
    """A dot in the colour of a part, what it stands for, and how much it is."""

    def __init__(self, part: str) -> None:
        super().__init__()
        self._dot = _Dot()
        self._words = Label("", "small", "soft", wrap=False)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(6)
        row.addWidget(self._dot)
        row.addWidget(self._words)
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)

    def show_amount(self, part: str, amount_bytes: int, tone: str) -> None:
        """Show another amount, in the bar's colour; nothing where it is not worth a word."""
        self.setHidden(amount_bytes < REST and part not in ("free", "missing"))
        self._words.setText(self.tr("{name} {size}").format(name=part_name(part), size=text.size(amount_bytes)))
        self._words.set_tone("bad" if part == "missing" else "soft")
        self.setToolTip(part_hint(part))
        if part in SHADES:
            self._dot.show_colour(tone, SHADES[part])
        else:
            self._dot.show_colour(*(("soft", OTHERS) if part == "others" else ("ink" if part == "missing" else "track", 1.0)))
        self.updateGeometry()


class _Dot(QWidget):
    """A round spot of colour."""

    def __init__(self) -> None:
        super().__init__()
        self._tone, self._opacity = "accent", 1.0
        self.setFixedSize(QSize(10, 10))

    def show_colour(self, tone: str, opacity: float) -> None:
        """A named colour."""
        self._tone, self._opacity = tone, opacity
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        fill = QColor(theme.colour(self._tone))
        fill.setAlphaF(self._opacity)
        edge = "ink" if theme.line_width() > 1 else "soft" if self._tone == "track" else ""
        painter.setPen(theme.colour(edge) if edge else Qt.PenStyle.NoPen)
        painter.setBrush(fill)
        painter.drawEllipse(QRectF(0.5, 0.5, 9, 9))
