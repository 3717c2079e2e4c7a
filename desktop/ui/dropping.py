"""Files that are dragged onto the window: which of them are meant, and what is said while they hang above it."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, Qt
from PySide6.QtWidgets import QFrame, QVBoxLayout, QWidget

from desktop.ui import theme
from desktop.ui.labels import Label


def files_in(mime: QMimeData) -> list[Path]:
    """The files and folders of this computer in what is dragged."""
    return [Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile()]


def models_in(mime: QMimeData) -> list[Path]:
    """Those of them that are model files by their name."""
    return [path for path in files_in(mime) if path.suffix.lower() == ".gguf"]


class DropHint(QFrame):
    """Covers what is below it while files are held above the window, and says what letting go does."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self._around = parent
        self.setProperty("kind", "drop")
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.title, self._about = Label("", "title"), Label("", "body", "soft")
        column = QVBoxLayout(self)
        column.setSpacing(theme.GRID)
        column.addStretch(1)
        for label in (self.title, self._about):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            column.addWidget(label)
        column.addStretch(1)
        parent.installEventFilter(self)
        self.hide()

    def show_for(self, files: Sequence[Path]) -> None:
        """Say what would happen with these."""
        if any(path.suffix.lower() == ".gguf" or path.is_dir() for path in files):
            self.title.setText(self.tr("Let go to use it here"))
            self._about.setText(self.tr("The file stays where it is; nothing is copied."))
        else:
            self.title.setText(self.tr("This is no model file"))
            self._about.setText(self.tr("Alcove uses files whose names end in .gguf."))
        self.setAccessibleName(self.title.text())
        self._place()
        self.show()
        self.raise_()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        if event.type() == QEvent.Type.Resize:
            self._place()
        return super().eventFilter(watched, event)

    def _place(self) -> None:
        self.setGeometry(self._around.rect())
