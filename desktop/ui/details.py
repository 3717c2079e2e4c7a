"""Copy details: what support asks for about an error goes onto the clipboard, by one button wherever an error is shown."""

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from PySide6.QtCore import qVersion
from PySide6.QtGui import QGuiApplication

from desktop import __version__, redaction
from desktop.errors import AlcoveError
from desktop.ui.buttons import Button
from desktop.ui.messages import explain

LONGEST = 400  # letters of a fact; what an engine says may be longer than anyone reads


def surroundings() -> str:
    """What runs here, and when it is."""
    system = f"{platform.system()} {platform.release()} {platform.machine()}"
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return f"Alcove {__version__}, Python {platform.python_version()}, Qt {qVersion()}, {system}, {now}"


def details(error: AlcoveError) -> str:
    """An error with its kind, its sentence and its facts, without names of people and folders, and without secrets."""
    facts = [f"  {name}: {str(value)[:LONGEST]}" for name, value in error.facts.items()]
    lines = [surroundings(), f"{error.kind}: {explain(error).sentence}", *facts]
    return redaction.of_here(_folders(error)).text("\n".join(lines))


def _folders(error: AlcoveError) -> dict[str, Path]:
    """The folders that it names; those in the person's own need no other name than "~"."""
    paths = [Path(value) for value in error.facts.values() if isinstance(value, str) and os.path.isabs(value)]
    around = dict.fromkeys(path.parent for path in paths if not path.is_relative_to(Path.home()))
    return {f"<folder {number}>": folder for number, folder in enumerate(around, 1)}


class CopyDetails(Button):
    """Hidden until there is an error to tell of."""

    def __init__(self) -> None:
        super().__init__("", "small_link", "copy")
        self._details = ""
        self.clicked.connect(self._on_clicked)
        self.hide()

    def show_for(self, error: AlcoveError | None) -> None:
        """Tell of this error from now on; None where there is none any more."""
        self._details = details(error) if error is not None else ""
        self.set_text(self.tr("Copy details"))
        self.setVisible(error is not None)

    def _on_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self._details)
        self.set_text(self.tr("Details are copied"))
