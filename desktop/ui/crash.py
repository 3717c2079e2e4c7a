"""What a bug shows: a calm sentence, and a report that can be copied. The report holds no word of any conversation."""

import platform
import re
import sys
import traceback
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from PySide6.QtCore import Qt, qVersion
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QHBoxLayout, QPlainTextEdit, QVBoxLayout, QWidget

from desktop import __version__
from desktop.ui import theme
from desktop.ui.buttons import Button
from desktop.ui.labels import Label


def report(error: BaseException) -> str:
    """Where in the program it happened. The error's own text is left out, because it may quote a message, and so are folders."""
    frames = traceback.extract_tb(error.__traceback__)
    lines = [
        f"Alcove {__version__}, Python {platform.python_version()}, Qt {qVersion()}, {platform.system()} {platform.machine()}",
        *(f"  {_short(frame.filename)}:{frame.lineno} {frame.name}" for frame in frames),
        type(error).__name__,
    ]
    if error.__cause__ is not None:
        lines.append(f"caused by {type(error.__cause__).__name__}")
    return "\n".join(lines)


def _short(filename: str) -> str:
    """A file's path from its package on, without the person's folders."""
    parts = Path(filename).parts
    start = next((i for i, part in enumerate(parts) if re.fullmatch(r"desktop|site-packages|tests", part)), len(parts) - 1)
    return "/".join(parts[start:])


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
            show(error)

    sys.excepthook = hook
