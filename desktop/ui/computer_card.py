"""This computer in one sentence, with a fold that lists every device and why it is used or not."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QHBoxLayout, QVBoxLayout, QWidget

from desktop import text
from desktop.hardware import Hardware, sentence
from desktop.ui import theme
from desktop.ui.bars import Bar
from desktop.ui.buttons import Button
from desktop.ui.cards import Card, line
from desktop.ui.labels import Label
from desktop.ui.sign import Sign

ROOMY = 640  # px at scale 1, of a card that has room for a bar beside its words


class ComputerCard(Card):
    """Quiet until `show_hardware`; `show_largest` adds what runs well on it, `show_measuring` how far the measuring is."""

    skip_clicked = Signal()  # the measuring is not wanted now

    def __init__(self) -> None:
        super().__init__(padding=20, spacing=theme.GRID * 2)
        self._free, self._said = "", ""
        self._tile = _Tile()
        self.sentence = Label(self.tr("Looking at this computer …"), "strong")
        self.second = Label(self.tr("What it has decides which models run well."), "small", "soft")
        self.found = Button(self.tr("What was found"), "link", "chevron-down")
        self.found.setCheckable(True)
        self.found.toggled.connect(self._on_toggled)
        self.found.hide()
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.sentence)
        words.addWidget(self.second)
        row = QHBoxLayout()
        row.setSpacing(theme.GRID * 2)
        row.addWidget(self._tile, 0, Qt.AlignmentFlag.AlignVCenter)
        row.addLayout(words, 1)
        row.addWidget(self._measuring_part(), 0, Qt.AlignmentFlag.AlignVCenter)
        row.addWidget(self.found, 0, Qt.AlignmentFlag.AlignVCenter)
        self.body.addLayout(row)
        self._list: QWidget | None = None

    def _measuring_part(self) -> QWidget:
        part = self.measuring = QWidget()
        self._bar = Bar(6)
        self._bar.setFixedWidth(theme.scaled(96))
        self._bar.setAccessibleName(self.tr("How far the measuring is"))
        self.skip = Button(self.tr("Skip"), "small_link")
        self.skip.setAccessibleName(self.tr("Skip the measuring"))
        self.skip.clicked.connect(self.skip_clicked)
        row = QHBoxLayout(part)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GRID)
        row.addWidget(self._bar)
        row.addWidget(self.skip)
        part.hide()
        return part

    def show_measuring(self, fraction: float) -> None:
        """The computer's speed is being measured: 0 to 1 of it is done."""
        self.second.setText(self.tr("Measuring for a moment, so that the speeds below are its own …"))
        self._bar.set_fraction(fraction)
        self.measuring.show()

    def show_measured(self) -> None:
        """That is over, in one way or another."""
        self.measuring.hide()
        self._say(self._said)

    def show_hardware(self, hardware: Hardware) -> None:
        """Say what was found."""
        self.sentence.setText(sentence(hardware).rstrip("."))
        self._free = self.tr("{free} are free now.").format(free=text.size(hardware.memory.available_bytes))
        self._say(self._free)
        if self._list is not None:
            self._list.deleteLater()
        self._list = _devices(hardware, self)
        self._list.setVisible(self.found.isChecked())
        self.body.addWidget(self._list)
        self.found.show()

    def show_largest(self, params: float) -> None:
        """Say up to how many weights run well; 0 when none does."""
        if params:
            words = self.tr("{free} Models of up to about {count} parameters run well.")
            self._say(words.format(free=self._free, count=_rounded(params)))

    def _say(self, words: str) -> None:
        """What stands in the second line, unless the measuring needs it for a moment."""
        self._said = words
        if self.measuring.isHidden():
            self.second.setText(words)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._bar.setVisible(event.size().width() >= theme.scaled(ROOMY))  # the words alone say it too

    def _on_toggled(self, on: bool) -> None:
        self.found.set_icon("chevron-up" if on else "chevron-down")
        if self._list is not None:
            self._list.setVisible(on)


def _rounded(params: float) -> str:
    """Billions without a fraction from three on: nobody needs "8.2 billion" here."""
    return text.billions(round(params, -9) if params >= 3e9 else params)


def _devices(hardware: Hardware, parent: QWidget) -> QWidget:
    """Every device as a line: what it is and why it is used or not."""
    tr = parent.tr
    memory, cpu, engine = hardware.memory, hardware.cpu, hardware.engine
    limited = tr("; this container may use no more") if memory.limited_by == "cgroup" else ""
    free = tr("{free} of {total} are free now{limited}.").format(
        free=text.size(memory.available_bytes), total=text.size(memory.total_bytes), limited=limited
    )
    cores = tr("{name}, {cores} cores. {features}").format(
        name=cpu.name, cores=cpu.physical_cores, features=", ".join(cpu.features)
    )
    backends = ", ".join(engine.backends) or tr("processor only")
    found = [(tr("Memory"), free), (tr("Processor"), cores)]
    for gpu in hardware.gpus:
        size = f", {text.size(gpu.memory_total_bytes)}" if gpu.memory_total_bytes else ""
        found.append((tr("Graphics"), f"{gpu.name}{size}: {gpu.why}"))
    if not hardware.gpus:
        found.append((tr("Graphics"), tr("No graphics card was found; models run on the processor.")))
    found.append(
        (tr("Engine"), tr("{name} {version} ({backends})").format(name=engine.name, version=engine.version, backends=backends))
    )
    inside = QWidget()
    grid = QGridLayout(inside)
    grid.setContentsMargins(0, 0, 0, 0)
    grid.setHorizontalSpacing(theme.GRID * 3)
    grid.setVerticalSpacing(theme.GRID)
    grid.setColumnStretch(1, 1)
    grid.addWidget(line(), 0, 0, 1, 2)
    for index, (name, value) in enumerate(found, start=1):
        grid.addWidget(Label(name, "small", "soft", wrap=False), index, 0, Qt.AlignmentFlag.AlignTop)
        grid.addWidget(Label(value, "small", selectable=True), index, 1)
    return inside


class _Tile(QFrame):
    """The drawing of a computer on a soft square."""

    def __init__(self) -> None:
        super().__init__()
        self.setProperty("kind", "tile")
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.addWidget(Sign("computer", "accent", 22))
        theme.follow(self._fit)

    def _fit(self) -> None:
        self.setFixedSize(theme.scaled(40), theme.scaled(40))
