"""A page outside: the address is shown, and the browser opens only when the person says so."""

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QVBoxLayout, QWidget

from desktop.ui import theme
from desktop.ui.buttons import Button
from desktop.ui.labels import Label

WIDTH = 460  # px at scale 1


class Visit(QDialog):
    """Asks before the browser opens an address."""

    def __init__(self, address: str, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._address = address
        self.setWindowTitle(self.tr("Open a web page"))
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(theme.GRID * 2)
        column.addWidget(Label(self.tr("Open this page in your browser?"), "card_title"))
        column.addWidget(Label(address, "body", selectable=True))
        words = self.tr("Your browser would connect to this address; Alcove itself does not.")
        column.addWidget(Label(words, "small", "soft"))
        copy = Button(self.tr("Copy the address"), "quiet", "copy")
        copy.clicked.connect(self._on_copy_clicked)
        self.visit = Button(self.tr("Open the page"), "primary", "external")
        self.visit.clicked.connect(self._on_visit_clicked)
        cancel = Button(self.tr("Not now"))
        cancel.clicked.connect(self.reject)
        row = QHBoxLayout()
        row.setSpacing(theme.GRID)
        row.addWidget(copy)
        row.addStretch(1)
        row.addWidget(cancel)
        row.addWidget(self.visit)
        column.addLayout(row)
        width = theme.scaled(WIDTH)
        self.resize(width, column.totalHeightForWidth(width))
        cancel.setFocus()

    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self._address)
        self.reject()

    def _on_visit_clicked(self) -> None:
        QDesktopServices.openUrl(QUrl(self._address))
        self.accept()


def ask_to_visit(address: str, parent: QWidget | None = None) -> None:
    """Show the question; other addresses than those of web pages are never opened."""
    if address.startswith(("https://", "http://")):
        Visit(address, parent).open()
