"""Whether the models on this computer are still what they were when they came: every byte is read again, and the end is told."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QHBoxLayout

from desktop import keeping, text
from desktop.errors import AlcoveError
from desktop.keeping import Verified
from desktop.library import Library
from desktop.transfer import Progress
from desktop.ui import theme
from desktop.ui.bars import Bar
from desktop.ui.buttons import Button, IconButton
from desktop.ui.cards import Card
from desktop.ui.details import CopyDetails
from desktop.ui.labels import Label
from desktop.ui.messages import explain
from desktop.ui.tasks import Tasks

CHECK_TASK = "check the models on this computer"


class Checking(Card):
    """Hidden until `begin`. `name_of` gives a model's name by its id."""

    def __init__(self, library: Library, tasks: Tasks, name_of: Callable[[str], str]) -> None:
        super().__init__(padding=16, spacing=theme.GRID)
        self._library, self._tasks, self._name_of = library, tasks, name_of
        self.title = Label("", "card_title")
        self.stop = Button(self.tr("Stop"))
        self.stop.clicked.connect(lambda: tasks.cancel(CHECK_TASK))
        self.close_button = IconButton("cross", self.tr("Hide this"))
        self.close_button.clicked.connect(self.hide)
        self.bar = Bar()
        self.bar.setAccessibleName(self.tr("How far the check is"))
        self.said = Label("", "small", "soft", selectable=True)
        head = QHBoxLayout()
        head.setSpacing(theme.GRID * 2)
        head.addWidget(self.title, 1)
        head.addWidget(self.stop)
        head.addWidget(self.close_button)
        self.body.addLayout(head)
        self.body.addWidget(self.bar)
        self.body.addWidget(self.said)
        self.copy_details = CopyDetails()
        self.body.addWidget(self.copy_details, 0, Qt.AlignmentFlag.AlignLeft)
        self.hide()

    def begin(self) -> None:
        """Read every model again."""
        if self._tasks.get(CHECK_TASK) is not None:
            return
        self._show(self.tr("Checking the models on this computer"), "", running=True)
        self.bar.set_fraction(0.0)
        task = self._tasks.start(keeping.verify(self._library), key=CHECK_TASK)
        task.yielded.connect(self._on_progress)
        task.done.connect(self._on_done)
        task.failed.connect(self._on_failed)
        task.cancelled.connect(self.hide)

    def _on_progress(self, progress: Progress) -> None:
        self.bar.set_fraction(progress.done_bytes / max(1, progress.size_bytes))
        done, whole = text.size(progress.done_bytes), text.size(progress.size_bytes)
        words = self.tr("{done} of {whole} are read again. You can go on chatting.")
        if progress.left_s is not None:
            words = self.tr("{done} of {whole} are read again, {time} left. You can go on chatting.")
        self.said.setText(words.format(done=done, whole=whole, time=text.duration(progress.left_s or 0)))

    def _on_done(self, found: Sequence[Verified]) -> None:
        bad = [each for each in found if not each.ok]
        if not bad:
            good = self.tr("Every file is what it was when it came")
            self._show(good, self.tr("{count} models were read and compared with their checksums.").format(count=len(found)))
            return
        title = self.tr("{name} is not what it was").format(name=self._name_of(bad[0].id))
        if len(bad) > 1:
            title = self.tr("{count} of {all} models are not what they were").format(count=len(bad), all=len(found))
        lines = [f"{self._name_of(each.id)}: {each.why}" for each in bad]
        self._show(title, "\n".join([*lines, self.tr("Remove what is damaged below, and get it again.")]))

    def _on_failed(self, error: AlcoveError) -> None:
        explained = explain(error)
        self._show(explained.title, explained.sentence)
        self.copy_details.show_for(error)

    def _show(self, title: str, said: str, *, running: bool = False) -> None:
        self.copy_details.show_for(None)
        self.title.setText(title)
        self.said.setText(said)
        self.setAccessibleName(title)
        self.bar.setVisible(running)
        self.stop.setVisible(running)
        self.close_button.setVisible(not running)
        self.show()
