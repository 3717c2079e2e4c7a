"""What would help a model to run here: each change as a row with its figures, and a button where the app can do it."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop import text
from desktop.fit import Change
from desktop.ui import theme, verdict
from desktop.ui.buttons import Button
from desktop.ui.labels import Label
from desktop.ui.pills import Pill


def _tr(words: str) -> str:
    return QCoreApplication.translate("help_rows", words)


Version = Callable[[Change], str]  # how the lighter version that a change means is called; "" where there is none to show


def sentence(change: Change, version: str) -> str:
    """What a change is, without a word that only experts know."""
    lighter = _tr("choose the version “{name}”").format(name=version) if version else _tr("choose a lighter version")
    if not version and change.max_size_bytes:
        lighter = _tr("choose a lighter version of up to {size}").format(size=text.size(change.max_size_bytes))
    parts = {
        "close_apps": _tr("close other programs that use {size} together").format(size=text.size(change.close_bytes)),
        "shorter": _tr("shorten the conversation to about {words}").format(words=verdict.words_of_context(change.context or 0)),
        "smaller_memory": _tr("keep the conversation in a smaller form, which is hardly less exact"),
        "auto_gpu": _tr("let Alcove choose how much goes on the graphics card"),
        "lighter": lighter,
    }
    kinds = change.kind.split("+")
    if not set(kinds) <= set(parts):
        return change.sentence
    said = _tr(" and ").join(parts[kind] for kind in kinds)
    return f"{said[:1].upper()}{said[1:]}."


def button_words(change: Change, version: str) -> str:
    """What a change's button says; "" where there is nothing that a button could do."""
    kinds = set(change.kind.split("+"))
    if "lighter" in kinds:
        return _tr("Show me") if version else ""
    if kinds == {"smaller_model"}:
        return _tr("See other models")
    if kinds == {"close_apps"}:
        return _tr("Look again")
    return _tr("Do this")


class HelpRows(QWidget):
    """`asked` has the Change whose button was clicked. Hidden when there is nothing to say."""

    asked = Signal(object)  # Change

    def __init__(self) -> None:
        super().__init__()
        self._shown: tuple[Change, ...] | None = None
        self.rows: list[HelpRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.GRID)
        self._column.addWidget(Label(self.tr("What would help"), "strong"))
        self.hide()

    def show_changes(self, changes: Sequence[Change], version: Version) -> None:
        """Show these instead; the same again stay, with the focus that may be in them."""
        if tuple(changes) == self._shown:
            return
        self._shown = tuple(changes)
        for row in self.rows:
            row.hide()
            row.deleteLater()
        self.rows = [HelpRow(change, version(change)) for change in changes]
        for row in self.rows:
            row.asked.connect(self.asked)
            self._column.addWidget(row)
            row.show()
        self.setVisible(bool(changes))


class HelpRow(QWidget):
    """One change: the sentence, what it leads to, its button."""

    asked = Signal(object)  # Change

    def __init__(self, change: Change, version: str) -> None:
        super().__init__()
        told, words = sentence(change, version), button_words(change, version)
        said = verdict.verdict(change.verdict)
        becomes = self.tr("then needs {size}").format(size=text.size(change.needed_bytes))
        self.pill = Pill(said.words, said.tone, said.icon)
        self.button = Button(words)
        self.button.setProperty("small", True)
        self.button.setAccessibleDescription(told)
        self.button.setVisible(bool(words))
        self.button.clicked.connect(lambda: self.asked.emit(change))
        result = QWidget()
        below = QHBoxLayout(result)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(theme.GRID)
        below.addWidget(self.pill)
        below.addWidget(Label(becomes, "small", "soft", wrap=False))
        below.addStretch(1)
        column = QVBoxLayout()
        column.setSpacing(theme.GRID // 2)
        column.addWidget(Label(told, "small", selectable=True))
        if change.kind != "smaller_model":  # of which nothing is known yet
            column.addWidget(result)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GRID * 2)
        row.addLayout(column, 1)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignVCenter)
