"""The text of a licence: what is stored here, or, where there is none, a question before the browser opens its address."""

from PySide6.QtCore import QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from desktop.licences import UNKNOWN, Licence
from desktop.ui import theme
from desktop.ui.buttons import Button
from desktop.ui.labels import Label

WIDTH, WIDTH_OF_TEXT = 520, 840  # px at scale 1; licences are written in lines of 80 letters


class LicenceText(QDialog):
    """Shows one licence in full; opens the browser only when asked to."""

    def __init__(self, licence: Licence, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._licence = licence
        self.setWindowTitle(licence.name)
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(24, 24, 24, 24)
        self._column.setSpacing(theme.GRID * 2)
        self._column.addWidget(Label(licence.name, "card_title", selectable=True))
        if licence.text_path is not None:
            self._add_text(licence.text_path.read_text(encoding="utf-8"))
            self._add_buttons()
            self.resize(min(theme.scaled(WIDTH_OF_TEXT), self._room(0.9)), 560)
        else:
            self._add_summary()
            self._add_buttons()
            width = min(theme.scaled(WIDTH), self._room(0.9))
            self.resize(width, self._column.totalHeightForWidth(width))

    def _add_text(self, content: str) -> None:
        self.text = QPlainTextEdit(content)
        self.text.setReadOnly(True)
        self.text.setFont(theme.mono_font())
        self.text.setAccessibleName(self._licence.name)
        self._column.addWidget(self.text, 1)

    def _add_summary(self) -> None:
        words = self.tr("Its full text is not stored in Alcove; it is on its maker's page. In short: {summary}")
        if self._licence.id == UNKNOWN:  # then there is no text anywhere
            words = "{summary}"
        self._column.addWidget(Label(words.format(summary=self._licence.summary), "body", selectable=True))
        self._column.addWidget(Label(self._licence.url, "small", "soft", selectable=True))
        self._column.addWidget(
            Label(self.tr("Your browser would connect to this address; Alcove itself does not."), "small", "soft")
        )
        self._column.addStretch(1)

    def _room(self, share: float) -> int:
        return round((self.screen() or QGuiApplication.primaryScreen()).availableGeometry().width() * share)

    def _add_buttons(self) -> None:
        row = QHBoxLayout()
        row.setSpacing(theme.GRID)
        has_page = self._licence.url.startswith("https://")
        copy = Button(self.tr("Copy the address"), "quiet", "copy")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self._licence.url))
        visit = Button(self.tr("Open it in the browser"), "secondary", "external")
        visit.clicked.connect(self._on_visit_clicked)
        close = Button(self.tr("Close"), "primary")
        close.clicked.connect(self.accept)
        for button in (copy, visit):
            button.setVisible(has_page)
        row.addWidget(copy)
        row.addStretch(1)
        row.addWidget(visit)
        row.addWidget(close)
        self._column.addLayout(row)
        close.setDefault(True)
        close.setFocus()

    def _on_visit_clicked(self) -> None:
        QDesktopServices.openUrl(QUrl(self._licence.url))
        self.accept()
