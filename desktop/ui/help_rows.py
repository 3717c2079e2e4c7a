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

    def __init__(self, before: QWidget) -> None:
        super().__init__()
        self._before = before  # what the keyboard reaches before the first row
        self.rows: list[HelpRow] = []
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.GRID)
        self._column.addWidget(Label(self.tr("What would help"), "strong"))
        self.hide()

    def show_changes(self, changes: Sequence[Change], version: Version) -> None:
        """Show these instead, in the rows that are there: they may change at each move of the slider."""
        while len(self.rows) < len(changes):
            row = HelpRow()
            row.asked.connect(self.asked)
            self._column.addWidget(row)
            QWidget.setTabOrder(self.rows[-1].button if self.rows else self._before, row.button)
            self.rows.append(row)
        for row, change in zip(self.rows, changes, strict=False):
            row.show_change(change, version(change))
        for index, row in enumerate(self.rows):
            row.setVisible(index < len(changes))
        self.setVisible(bool(changes))


class HelpRow(QWidget):
    """One change: the sentence, what it leads to, its button."""

    asked = Signal(object)  # Change

    def __init__(self) -> None:
        super().__init__()
        self._change: Change | None = None
        self._told = Label("", "small", selectable=True)
        self._pill, self._needs = Pill(), Label("", "small", "soft", wrap=False)
        self.button = Button("")
        self.button.setProperty("small", True)
        self.button.clicked.connect(lambda: self.asked.emit(self._change))
        self._result = QWidget()
        below = QHBoxLayout(self._result)
        below.setContentsMargins(0, 0, 0, 0)
        below.setSpacing(theme.GRID)
        below.addWidget(self._pill)
        below.addWidget(self._needs)
        below.addStretch(1)
        column = QVBoxLayout()
        column.setSpacing(theme.GRID // 2)
        column.addWidget(self._told)
        column.addWidget(self._result)
        row = QHBoxLayout(self)
        row.setContentsMargins(0, 0, 0, 0)
        row.setSpacing(theme.GRID * 2)
        row.addLayout(column, 1)
        row.addWidget(self.button, 0, Qt.AlignmentFlag.AlignVCenter)

    def show_change(self, change: Change, version: str) -> None:
        """Show another change; `version` is how its lighter version is called."""
        self._change = change
        told, words, said = sentence(change, version), button_words(change, version), verdict.verdict(change.verdict)
        self._told.setText(told)
        self._result.setVisible(change.kind != "smaller_model")  # of which nothing is known yet
        self._pill.show_as(said.words, said.tone, said.icon)
        self._needs.setText(self.tr("then needs {size}").format(size=text.size(change.needed_bytes)))
        self.button.set_text(words)
        self.button.setAccessibleDescription(told)
        self.button.setVisible(bool(words))
