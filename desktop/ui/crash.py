"""What a bug shows: a calm sentence, and a report that can be copied. The report holds no word of any conversation."""

import logging
import sys
from collections.abc import Callable
from types import TracebackType

from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from desktop import logs
from desktop.ui import theme
from desktop.ui.buttons import Button
from desktop.ui.details import surroundings
from desktop.ui.labels import Label

log = logging.getLogger(__name__)


def report(error: BaseException) -> str:
    """What runs here, and where in the program it happened; nothing that the error itself says."""
    return f"{surroundings()}\n{logs.trail(error)}"


class CrashDialog(QDialog):
    """Non-modal: the window stays usable behind it."""

    def __init__(self, error: BaseException, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle(self.tr("Something went wrong"))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.report = report(error)
        shown = QPlainTextEdit(self.report)
        shown.setReadOnly(True)
        shown.setAccessibleName(self.tr("Report"))
        shown.setFont(theme.mono_font())
        copy, close = Button(self.tr("Copy the report"), icon="copy"), Button(self.tr("Close"), "primary")
        copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(self.report))
        close.clicked.connect(self.close)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(copy)
        buttons.addWidget(close)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 24, 24, 24)
        column.setSpacing(theme.GRID * 2)
        column.addWidget(Label(self.tr("Something went wrong that should not"), "card_title"))
        column.addWidget(
            Label(
                self.tr(
                    "Your conversations are saved, and Alcove goes on. If you tell us about it, please add this report; "
                    "it says where in the program it happened and holds nothing that you or a model wrote."
                ),
                "body",
                "soft",
            )
        )
        column.addWidget(shown, 1)
        column.addLayout(buttons)
        self.resize(theme.scaled(560), theme.scaled(380))


def install(show: Callable[[BaseException], None]) -> None:
    """Send every exception that nobody caught to `show`; Ctrl+C in the terminal still ends the program."""

    def hook(kind: type[BaseException], error: BaseException, trace: TracebackType | None) -> None:
        sys.__excepthook__(kind, error, trace)
        if isinstance(error, Exception):
            log.error("nobody caught it", exc_info=error)
            show(error)

    sys.excepthook = hook
