"""What the organisation has decided, as the window shows it: the mark beside what is locked, being offline, the strip on top."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QSizePolicy, QWidget

from desktop.ui.buttons import Button
from desktop.ui.cards import Card
from desktop.ui.flow import Flow
from desktop.ui.labels import Label, hint
from desktop.ui.sign import Sign


class LockMark(QWidget):
    """A lock and "Set by your organisation", reached by keyboard too; where that was decided is its tool tip.

    `name` is what is locked, for those who listen.
    """

    def __init__(self, name: str, where: str) -> None:
        super().__init__()
        words = self.tr("Set by your organisation")
        self.words = Label(words, "small", "soft", wrap=False)
        line = QHBoxLayout(self)
        line.setContentsMargins(0, 0, 0, 0)
        line.setSpacing(6)
        line.addWidget(Sign("lock", side=14))
        line.addWidget(self.words)
        line.addStretch(1)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setAccessibleName(self.tr("{name}: {words}").format(name=name, words=words))
        self.setAccessibleDescription(where)
        self.setToolTip(hint(self.tr("Decided in {where}").format(where=where)))


def lock(control: QWidget, mark: LockMark) -> None:
    """Let a control be used no more, and say why."""
    control.setEnabled(False)
    control.setToolTip(mark.toolTip())
    control.setAccessibleDescription(mark.words.text())


class KeptOffline(Card):
    """Says that the organisation keeps Alcove offline, decided in `where`, and offers what works: `use` is the first of it.

    guide_only: its rules cannot be read, so no other model may be used.
    """

    use_clicked = Signal()
    open_file_clicked = Signal()

    def __init__(self, use: str, where: str, *, guide_only: bool) -> None:
        super().__init__(spacing=12)
        title = self.tr("Your organisation keeps Alcove offline")
        words = self.tr(
            "So nothing can be downloaded here. The small guide works, and so does every model that is on this computer, "
            "in a shared folder or in a file that you have."
        )
        words = self.tr("So nothing can be downloaded here, and only the small guide can be used.") if guide_only else words
        self.use, self.open_file = Button(use, "primary"), Button(self.tr("Add a model file …"), "secondary", "folder")
        self.use.clicked.connect(self.use_clicked)
        self.open_file.clicked.connect(self.open_file_clicked)
        buttons = Flow()
        for button in (self.use, self.open_file):
            buttons.add(button)
        self.open_file.setVisible(not guide_only)
        for part in (Label(title, "card_title"), Label(words, "body", "soft"), LockMark(title, where), buttons):
            self.body.addWidget(part)


class Strip(QFrame):
    """A line of plain text across the top of the window, with a button where one is named. tone: "neutral" or "bad"."""

    clicked = Signal()

    def __init__(self, words: str, tone: str = "neutral", button: str = "") -> None:
        super().__init__()
        self.setProperty("kind", "strip")
        self.setProperty("tone", tone)
        self.words = Label(" ".join(words.split()), "small", selectable=True)
        self.words.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.words.setAccessibleName(self.words.text())
        line = QHBoxLayout(self)
        line.setContentsMargins(16, 7, 16, 7)
        line.setSpacing(10)
        sign = Sign("warning", "bad") if tone == "bad" else Sign("info")
        line.addWidget(sign, 0, Qt.AlignmentFlag.AlignVCenter if button else Qt.AlignmentFlag.AlignTop)
        line.addWidget(self.words, 1)
        self.button = Button(button, "small_link")
        self.button.clicked.connect(self.clicked)
        self.button.setVisible(bool(button))
        line.addWidget(self.button)
