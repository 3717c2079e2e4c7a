"""Where models are kept, as a part of the settings: choosing another folder, and moving over what lies in the old one."""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QVBoxLayout, QWidget

from desktop import text
from desktop.errors import AlcoveError
from desktop.library import room_bytes
from desktop.settings import Settings
from desktop.transfer import Progress
from desktop.ui import theme
from desktop.ui.bars import Bar
from desktop.ui.buttons import Button, IconButton
from desktop.ui.details import CopyDetails
from desktop.ui.labels import ElidedLabel, Label, hint
from desktop.ui.messages import explain
from desktop.ui.setting import decided, row


class FolderLine(QWidget):
    """One folder that is read, and whether it is there, looked up whenever it is shown; `drop` takes it off the list."""

    def __init__(self, folder: str, drop: QWidget | None = None) -> None:
        super().__init__()
        self._folder = folder
        place = ElidedLabel(folder, "body")
        place.setToolTip(hint(folder))
        self._absent = Label(self.tr("It is not there at the moment."), "small", "warning", wrap=False)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.addWidget(place, 1)
        line.addWidget(self._absent)
        if drop is not None:
            line.addWidget(drop)
        self._look()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._look()

    def _look(self) -> None:
        self._absent.setVisible(not os.path.isdir(self._folder))


class FolderSettings(QWidget):
    """Changes `models_dir`, `moving_from` and `more_folders` of the settings, and says so."""

    changed = Signal(str)
    move_clicked = Signal()
    stop_clicked = Signal()

    def __init__(self, settings: Settings, folder: Path) -> None:
        super().__init__()
        self._settings, self._folder = settings, folder
        self._free = Label("", "small", "soft", wrap=False)
        self.folder = ElidedLabel("", "body")
        place = QHBoxLayout()
        place.setSpacing(theme.GRID * 2)
        place.addWidget(self.folder, 1)
        place.addWidget(self._free)
        self.refused = Label("", "small", "bad")
        self.refused.hide()
        column = self._column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID * 2)
        column.addLayout(place)
        column.addWidget(self._left_behind())
        column.addWidget(self.refused)
        self.copy_details = CopyDetails()
        column.addWidget(self.copy_details, 0, Qt.AlignmentFlag.AlignLeft)
        column.addWidget(self._others())
        self.show_folder(folder)
        self.show_others()

    def _left_behind(self) -> QWidget:
        """What is in the old folder, and what can be done about it; while it moves, how far that is."""
        self.left = QWidget()
        self.said = Label("", "small", "soft")
        self.bar = Bar()
        self.bar.setAccessibleName(self.tr("How far the move is"))
        self.move_button = Button(self.tr("Move here"), "primary")
        self.move_button.clicked.connect(self.move_clicked)
        self.leave = Button(self.tr("Leave there"))
        self.leave.clicked.connect(self._on_leave_clicked)
        self.stop = Button(self.tr("Stop"))
        self.stop.clicked.connect(self.stop_clicked)
        buttons = QHBoxLayout()
        buttons.setSpacing(theme.GRID)
        for button in (self.move_button, self.leave, self.stop):
            buttons.addWidget(button)
        buttons.addStretch(1)
        column = QVBoxLayout(self.left)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID)
        column.addWidget(self.said)
        column.addWidget(self.bar)
        column.addLayout(buttons)
        self._show_running(False)
        self.left.hide()
        return self.left

    def _others(self) -> QWidget:
        """The other folders that are read, a line each."""
        self.add_folder = Button(self.tr("Add a folder …"), "secondary", "plus")
        self.add_folder.clicked.connect(self._on_add_clicked)
        words = self.tr("Models in these are used as well: on another disk, or in a folder that others share.")
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID)
        column.addWidget(row(self.tr("Other folders"), words, self.add_folder, "more_folders"))
        self._lines = QVBoxLayout()
        self._lines.setSpacing(0)
        column.addLayout(self._lines)
        return whole

    def show_others(self) -> None:
        """Show which other folders are read."""
        while (item := self._lines.takeAt(0)) is not None:
            if (gone := item.widget()) is not None:
                gone.hide()
                gone.deleteLater()
        for folder in self._settings.more_folders:
            self._lines.addWidget(self._line(folder))

    def show_shared(self, folders: Sequence[str], where: str) -> None:
        """Show the folders that the organisation has everybody read; called once. `where`: the place that says so."""
        words = self.tr("Models in these can be used by all who use this computer. Nothing in them is changed.")
        whole = QWidget()
        column = QVBoxLayout(whole)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID)
        column.addWidget(decided(self.tr("Folders with models for everybody"), words, where))
        for folder in folders:
            column.addWidget(FolderLine(folder))
        self._column.addWidget(whole)

    def _line(self, folder: str) -> QWidget:
        drop = IconButton("cross", self.tr("Read {folder} no longer; its files stay").format(folder=folder))
        drop.setVisible(self.add_folder.isEnabled())
        drop.clicked.connect(lambda: self._set_others([each for each in self._settings.more_folders if each != folder]))
        return FolderLine(folder, drop)

    def _on_add_clicked(self) -> None:
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Choose a folder with models"), str(self._folder))
        if chosen:
            self.add(Path(chosen))

    def add(self, folder: Path) -> None:
        """Read the models of this folder as well."""
        known = {str(self._folder), *self._settings.more_folders}
        if str(folder) not in known:
            self._set_others([*self._settings.more_folders, str(folder)])

    def _set_others(self, folders: list[str]) -> None:
        self._settings.more_folders = folders
        self.show_others()
        self.changed.emit("more_folders")

    def show_folder(self, folder: Path) -> None:
        """Show where models are kept and how much room there is."""
        self._folder = folder
        self.folder.setText(str(folder))
        self.folder.setAccessibleName(self.tr("Folder for models: {folder}").format(folder=folder))
        self._free.setText(self.tr("{free} free").format(free=text.size(room_bytes(folder))))

    def show_left(self, count: int, size_bytes: int) -> None:
        """How many models are still in the old folder, none where there is no such folder."""
        if not self._settings.moving_from:
            count = 0
        old, size = self._settings.moving_from, text.size(size_bytes)
        if count == 1:
            words = self.tr("A model ({size}) is still in {folder}, and works from there.")
        else:
            words = self.tr("{count} models ({size}) are still in {folder}, and work from there.")
        self.said.setText(words.format(count=count, size=size, folder=old))
        self._show_running(False)
        self.left.setVisible(count > 0)

    def show_moving(self, progress: Progress) -> None:
        """The move goes on."""
        done, whole = text.size(progress.done_bytes), text.size(progress.size_bytes)
        words = self.tr("Moving your models: {done} of {whole}. You can go on chatting.")
        self.said.setText(words.format(done=done, whole=whole))
        self.bar.set_fraction(progress.done_bytes / progress.size_bytes if progress.size_bytes else 0.0)
        self._show_running(True)
        self.left.show()
        self._hide_refused()

    def show_refused(self, sentence: str) -> None:
        """Why something was not done."""
        self.refused.setText(sentence)
        self.refused.show()
        self.copy_details.show_for(None)
        self._show_running(False)

    def show_failed(self, error: AlcoveError) -> None:
        """The same of an error."""
        self.show_refused(explain(error).sentence)
        self.copy_details.show_for(error)

    def _hide_refused(self) -> None:
        self.refused.hide()
        self.copy_details.show_for(None)

    def _show_running(self, running: bool) -> None:
        self.bar.setVisible(running)
        self.stop.setVisible(running)
        self.move_button.setVisible(not running)
        self.leave.setVisible(not running)

    def ask(self) -> None:
        """Let the person choose another folder."""
        chosen = QFileDialog.getExistingDirectory(self, self.tr("Choose a folder for models"), str(self._folder))
        if chosen:
            self.choose(Path(chosen))

    def choose(self, folder: Path) -> None:
        """Keep models there from now on, if files can be written there; those in the old folder are still used."""
        if folder == self._folder:
            return
        try:
            folder.mkdir(parents=True, exist_ok=True)
            with tempfile.TemporaryFile(dir=folder):
                pass
        except OSError:
            self.show_refused(self.tr("Nothing can be written in {folder}. Choose another one.").format(folder=folder))
            return
        self._hide_refused()
        settings = self._settings
        others = [*settings.more_folders, settings.moving_from]
        settings.more_folders = [each for each in others if each and Path(each) not in (folder, self._folder)]
        settings.moving_from, settings.models_dir = str(self._folder), str(folder)
        self.show_folder(folder)
        self.show_others()
        self.changed.emit("models_dir")

    def _on_leave_clicked(self) -> None:
        """The old folder stays one that is read."""
        left, self._settings.moving_from = self._settings.moving_from, ""
        self.left.hide()
        self._set_others([*self._settings.more_folders, left])
