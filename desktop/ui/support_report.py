"""A report for support, to be read before it is saved: its files at the left, what stands in them at the right."""

from collections.abc import Mapping
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QFileDialog, QHBoxLayout, QListWidget, QStackedWidget, QVBoxLayout, QWidget

from desktop import support
from desktop.errors import AlcoveError
from desktop.ui import theme
from desktop.ui.buttons import Button
from desktop.ui.details import CopyDetails
from desktop.ui.labels import Label
from desktop.ui.reader import Reader

SIZE = (860, 600)  # px at scale 1
NAMES_WIDTH = 190  # px at scale 1


class SupportReport(QDialog):
    """`files` are the texts by their names. `saved` tells where it is."""

    saved = Signal(object)  # Path

    def __init__(self, files: Mapping[str, str], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Report for support"))
        self._files = files
        self.names = QListWidget()
        self.names.setAccessibleName(self.tr("Files of the report"))
        self.names.setProperty("kind", "files")
        self.names.setFixedWidth(theme.scaled(NAMES_WIDTH))
        self.pages = QStackedWidget()
        for name, content in files.items():
            self.names.addItem(name)
            self.pages.addWidget(Reader(content, name))
        self.names.currentRowChanged.connect(self.pages.setCurrentIndex)
        self.names.setCurrentRow(0)
        words = self.tr(
            "You see all that will be in it. There is no chat in it, no access token, no name of a person or of this computer. "
            "It becomes a file that you hand on yourself; nothing is sent."
        )
        self.refused = Label("", "small", "bad")
        self.refused.hide()
        self.copy_details = CopyDetails()
        middle = QHBoxLayout()
        middle.setSpacing(theme.GRID * 2)
        middle.addWidget(self.names)
        middle.addWidget(self.pages, 1)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(theme.GRID * 2)
        column.addWidget(Label(self.tr("Read it before you save it"), "card_title"))
        column.addWidget(Label(words, "body", "soft"))
        column.addLayout(middle, 1)
        column.addWidget(self.refused)
        column.addWidget(self.copy_details, 0, Qt.AlignmentFlag.AlignLeft)
        column.addLayout(self._buttons())
        room = (self.screen() or QGuiApplication.primaryScreen()).availableGeometry()
        width, height = map(theme.scaled, SIZE)
        self.resize(min(width, round(room.width() * 0.9)), min(height, round(room.height() * 0.9)))

    def _buttons(self) -> QHBoxLayout:
        self.save = Button(self.tr("Save the report …"), "primary", "download")
        self.save.clicked.connect(self._on_save_clicked)
        cancel = Button(self.tr("Cancel"))
        cancel.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.setSpacing(theme.GRID)
        row.addStretch(1)
        row.addWidget(cancel)
        row.addWidget(self.save)
        return row

    def _on_save_clicked(self) -> None:
        chosen, _ = QFileDialog.getSaveFileName(
            self, self.tr("Save the report"), str(Path.home() / support.NAME), self.tr("Archives (*.zip)")
        )
        if chosen:
            self.save_to(Path(chosen))

    def save_to(self, file: Path) -> None:
        """Write it there, and be done."""
        try:
            support.save(self._files, file)
        except AlcoveError as error:
            self.refused.setText(self.tr("{file} cannot be written. Choose another place.").format(file=file))
            self.refused.show()
            self.copy_details.show_for(error)
        else:
            self.saved.emit(file)
            self.accept()
