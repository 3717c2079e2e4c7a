"""Getting a model, in one place of a card or a row: the button, then the progress with Cancel, then Chat; or why it failed."""

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QSizePolicy, QVBoxLayout, QWidget

from desktop import text
from desktop.errors import AlcoveError
from desktop.transfer import Progress
from desktop.ui import theme
from desktop.ui.bars import Bar
from desktop.ui.buttons import Button
from desktop.ui.details import CopyDetails
from desktop.ui.labels import ElidedLabel, Label, hint, repolish
from desktop.ui.messages import explain


def fraction(progress: Progress) -> float:
    """The share that has arrived, 0 to 1."""
    return progress.done_bytes / progress.size_bytes if progress.size_bytes else 0.0


def progress_words(progress: Progress, *, short: bool = False) -> str:
    """How far a download is: "34 % · 12 MB/s · 2 min left", or only "34 %" where there is little room."""
    stages = {
        "ask": _tr("Asking …"),
        "check": _tr("Checking …") if short else _tr("Checking what is here …"),
        "mend": _tr("Mending …") if short else _tr("Getting a damaged piece again …"),
        "queue": _tr("Waiting …") if short else _tr("Waiting for its turn …"),
        "wait": _tr("Waiting …") if short else _tr("Trying again in a moment …"),
    }
    if progress.stage in stages:
        return stages[progress.stage]
    said = [_tr("{percent} %").format(percent=int(fraction(progress) * 100))]
    if short:
        return said[0]
    if progress.bytes_per_s:
        said.append(text.rate(progress.bytes_per_s))
    if progress.left_s is not None:
        said.append(_tr("{time} left").format(time=text.duration(progress.left_s)))
    return " · ".join(said)


def _tr(words: str) -> str:
    return QCoreApplication.translate("getting", words)


class Getting(QWidget):
    """One button that turns into what comes after it. `name` is the model's, for those who listen."""

    get_clicked = Signal()
    cancel_clicked = Signal()
    chat_clicked = Signal()

    def __init__(self, words: str, name: str, *, compact: bool = False) -> None:
        super().__init__()
        self._words, self._name, self._compact = words, name, compact
        self._ready = self._refused = self._kept_offline = False
        self.button = Button(words)
        self.button.clicked.connect(self._on_clicked)
        self.bar = Bar()
        self.bar.setAccessibleName(self.tr("Download of {name}").format(name=name))
        self.said = ElidedLabel("", "small", "soft")
        self.cancel = Button(self.tr("Cancel"), "link")
        self.cancel.setAccessibleName(self.tr("Cancel the download of {name}").format(name=name))
        self.cancel.clicked.connect(self.cancel_clicked)
        self.sentence = Label("", "small", "bad")
        self._running = QWidget()
        line = QHBoxLayout()
        line.setSpacing(theme.GRID)
        line.addWidget(self.said, 1)
        line.addWidget(self.cancel)
        inside = QVBoxLayout(self._running)
        inside.setContentsMargins(0, 0, 0, 0)
        inside.setSpacing(2)
        inside.addWidget(self.bar)
        inside.addLayout(line)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID)
        column.addWidget(self.sentence)
        self.copy_details = CopyDetails()
        column.addWidget(self.copy_details, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._running)
        column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignRight if compact else Qt.AlignmentFlag(0))
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Preferred)
        self.show_get()

    def set_kind(self, kind: str) -> None:
        """Make its button "primary" or "secondary"."""
        if self.button.property("kind") != kind:
            self.button.setProperty("kind", kind)
            repolish(self.button)

    def set_words(self, words: str) -> None:
        """Change what its button says while the model is not here; `show_get` shows it."""
        self._words = words

    def keep_offline(self) -> None:
        """Nothing can be fetched on this computer: there is a button only for what is here; with room, a sentence says so."""
        self._kept_offline = True
        self._show_button(self.button.text(), ready=self._ready)

    def show_get(self) -> None:
        """It is not here."""
        self._show_button(self._words, ready=False)

    def show_chat(self) -> None:
        """It is here."""
        self._show_button(self.tr("Chat"), ready=True)

    def show_paused(self, done_bytes: int, size_bytes: int) -> None:
        """A part of it is here."""
        done = self.tr("Resume at {percent} %").format(percent=int(100 * done_bytes / max(1, size_bytes)))
        self._show_button(self.tr("Resume") if self._compact else done, ready=False)
        self.button.setToolTip(done)

    def show_refused(self, reason: str) -> None:
        """The organisation does not allow it, for this reason; nothing else is shown here from now on."""
        self._refused = True
        for widget in (self.button, self._running):
            widget.hide()
        self.sentence.setText(self.tr("Not allowed here") if self._compact else reason)
        self.sentence.setToolTip(hint(reason))
        self.sentence.setAccessibleDescription(reason)
        self.sentence.show()

    def show_progress(self, progress: Progress) -> None:
        """It is on its way."""
        if self._refused:
            return
        self.sentence.hide()
        self.copy_details.show_for(None)
        self.button.hide()
        self._running.setMinimumHeight(self.button.sizeHint().height())  # so that nothing below moves
        self._running.show()
        self.bar.set_fraction(fraction(progress))
        self.said.setText(progress_words(progress, short=self._compact))
        self.said.setToolTip(progress_words(progress))

    def show_failed(self, error: AlcoveError) -> None:
        """It could not be had, for this reason; where there is little room, a hint tells it, and the downloads tell more."""
        if self._refused:
            return
        sentence = explain(error).sentence
        self._show_button(self.tr("Try again"), ready=False)
        self.sentence.setText(self.tr("Not downloaded") if self._compact else sentence)
        self.sentence.setToolTip(hint(sentence))
        self.button.setToolTip(hint(sentence))
        self.button.setAccessibleDescription(sentence)
        self.sentence.show()
        if not self._compact:
            self.copy_details.show_for(error)

    def _show_button(self, words: str, *, ready: bool) -> None:
        if self._refused:
            return
        self._ready = ready
        absent = self._kept_offline and not ready
        self._running.hide()
        self.sentence.setVisible(absent and not self._compact)
        if absent:
            self.sentence.setText(self.tr("Your organisation keeps Alcove offline, so it cannot be downloaded here."))
            self.sentence.set_tone("soft")
        self.copy_details.show_for(None)
        self.button.set_text(words)
        self.button.setAccessibleName(f"{words}: {self._name}")
        self.button.setToolTip("")
        self.button.setAccessibleDescription("")
        self.button.setVisible(not absent)

    def _on_clicked(self) -> None:
        (self.chat_clicked if self._ready else self.get_clicked).emit()
