"""The models on this computer: how big, when last used, where from, under which licence; and removing one, with time to undo."""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QBoxLayout, QHBoxLayout, QVBoxLayout, QWidget

from desktop import gguf, text
from desktop.comparison import freeness
from desktop.errors import AlcoveError
from desktop.library import Library, LocalModel
from desktop.licences import Ruling
from desktop.transfer import Progress
from desktop.ui import theme, verdict
from desktop.ui.buttons import Button, IconButton
from desktop.ui.cards import Card
from desktop.ui.checking import Checking
from desktop.ui.fit_fold import FitFold
from desktop.ui.flow import Flow
from desktop.ui.getting import Getting
from desktop.ui.judging import Judges
from desktop.ui.labels import ElidedLabel, Label, hint
from desktop.ui.licence_chips import licence_chips, what_to_change, wish_of
from desktop.ui.notice import Notice
from desktop.ui.order import Order
from desktop.ui.others import Others
from desktop.ui.pills import Pill
from desktop.ui.reference import reference_of, same, without_commit
from desktop.ui.tasks import Tasks
from desktop.ui.thrown import Thrown
from desktop.ui.undo import Removals

NARROW = 720  # px at scale 1; below it the buttons at the top stand below the words
LICENCES_TASK = "licences of the models on this computer"


class LocalModels(QWidget):
    """Call `show_library` whenever files have come or gone. `removals` holds what waits for its undo."""

    get_clicked = Signal(str)
    cancel_clicked = Signal(str)
    chat_clicked = Signal(str)
    open_file_clicked = Signal()
    register_clicked = Signal()
    counted = Signal(int)
    wished = Signal(str, object)  # as FitFold's
    look_again_clicked = Signal()
    models_clicked = Signal()
    act_clicked = Signal(str, object)

    def __init__(
        self, library: Library, tasks: Tasks, ruling: Callable[[LocalModel], Ruling], removals: Removals, judges: Judges
    ) -> None:
        super().__init__()
        self._library, self._tasks, self._ruling, self._judges = library, tasks, ruling, judges
        self._removals = removals
        self._rows: dict[str, LocalRow] = {}
        self.refusal: Callable[[LocalModel], str] = lambda model: ""  # why one may not be used, "" where it may
        self._rulings: dict[str, Ruling] = {}
        self._refused: dict[str, str] = {}
        self._names: dict[str, str] = {}
        self._running: dict[str, Progress] = {}
        self._kept_offline = False
        self._sum = Label("", "small", "soft")
        open_file = Button(self.tr("Open a model file …"), "secondary", "folder")
        open_file.clicked.connect(self.open_file_clicked)
        self.checking = Checking(library, tasks, self._name_of)
        self.check = Button(self.tr("Check the files"), "quiet", "check")
        self.check.clicked.connect(self.checking.begin)
        listed = Button(self.tr("Licences …"), "secondary", "balance")
        listed.clicked.connect(self.register_clicked)
        self._head, buttons = QBoxLayout(QBoxLayout.Direction.LeftToRight), QHBoxLayout()
        self._head.setSpacing(theme.GRID)
        self._head.addWidget(self._sum, 1)
        self._head.addLayout(buttons)
        for button in (self.check, listed, open_file):
            buttons.addWidget(button)
        self.others, self.thrown = Others(), Thrown()
        self._column = QVBoxLayout()
        self._column.setSpacing(theme.GRID + 2)
        self._filters = self._filter_line()
        self._none = Notice(self.tr("No model here has such a licence"), button=self.tr("Clear the filters"))
        self._none.clicked.connect(self.clear)
        self._none.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID * 2)
        column.addLayout(self._head)
        column.addWidget(self.others)
        column.addWidget(self.checking)
        column.addWidget(self._filters)
        column.addWidget(self._none)
        column.addLayout(self._column)
        column.addWidget(self.thrown)
        removals.changed.connect(self.show_library)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        beside = event.size().width() >= theme.scaled(NARROW)
        self._head.setDirection(QBoxLayout.Direction.LeftToRight if beside else QBoxLayout.Direction.TopToBottom)

    def _filter_line(self) -> Flow:
        """What narrows and sorts the list, and how many are left."""
        self.chips = licence_chips()
        line = Flow()
        for chip in self.chips.values():
            chip.toggled.connect(lambda _: self._filter())
            line.add(chip)
        self.sort = Order([self.tr("by name"), self.tr("freest licence first")])
        self.sort.chosen.connect(lambda _: self._filter())
        self._count = Label("", "small", "soft", wrap=False)
        self._count.setMinimumHeight(self.sort.sizeHint().height())  # on one line with the chips
        line.add(self.sort)
        line.add(self._count)
        return line

    def keep_offline(self) -> None:
        """Nothing can be fetched on this computer, also not the rest of a file."""
        self._kept_offline = True
        for row in self._rows.values():
            row.getting.keep_offline()

    def clear(self) -> None:
        """Take the filters away."""
        for chip in self.chips.values():
            chip.setChecked(False)

    def _matching(self, without: str = "") -> list[str]:
        wish = wish_of(self.chips, without)
        return [id for id in self._rows if wish.takes(self._rulings.get(id))]

    def _filter(self) -> None:
        """Show what has such a licence, in the order that is wanted; what is not known yet comes last."""
        shown, asks = self._matching(), wish_of(self.chips).asks
        order = list(self._rows)
        if self.sort.current():
            order.sort(key=lambda id: (id not in self._rulings, freeness(self._rulings[id]) if id in self._rulings else ()))
        for place, id in enumerate(order):
            self._column.insertWidget(place, self._rows[id])
            self._rows[id].setVisible(id in shown)
        words = self.tr("{count} of {all} models").format(count=len(shown), all=len(self._rows))
        self._count.setText(words)
        self._count.setVisible(asks)
        self._none.setVisible(asks and not shown)
        if asks and not shown:
            self._none.sentence.setText(what_to_change(self.chips, lambda name: len(self._matching(name))))
            self._none.sentence.show()

    def show_library(self) -> None:
        """Look at the folder again."""
        models = [model for model in self._library.list() if not self._removals.holds(model.id)]
        for row in self._rows.values():
            row.hide()
            row.deleteLater()
        self._rows = {model.id: self._row(model) for model in models}
        for row in self._rows.values():
            self._column.addWidget(row)
        self._filters.setVisible(len(models) > 1)
        self._filter()
        own = [model for model in models if model.origin == "own"]
        if own:
            words = self.tr("Your models take {size} in {folder}; {free} are free.")
            roots = {model.root or self._library.folder for model in own}
            if roots != {self._library.folder}:
                words = self.tr("Your models take {size} in {count} folders; {free} are free in {folder}.")
                roots.add(self._library.folder)
            size, free = text.size(sum(model.done_bytes for model in own)), text.size(self._library.free_bytes())
            words = words.format(size=size, folder=self._library.folder, free=free, count=len(roots))
        else:
            words = self.tr("What you get is kept in {folder}.").format(folder=self._library.folder)
            if all(model.origin == "guide" for model in models):
                words = f"{self.tr('Only the small guide is here so far.')} {words}"
        self._sum.setText(words)
        self.thrown.show_removed(self._library.removed())
        self.counted.emit(sum(model.complete for model in models))
        self._ask_licences(models)

    def show_names(self, names: Mapping[str, str]) -> None:
        """How the models of repositories are called, by repository; a file's own name is for those who look closely."""
        if names != self._names:
            self._names = dict(names)
            if self._rows:
                self.show_library()

    def _name_of(self, id: str) -> str:
        """How a model is called here."""
        row = self._rows.get(id)
        return self._names.get(row.model.repo or "", row.model.name) if row else id

    def _row(self, model: LocalModel) -> "LocalRow":
        row = LocalRow(model, self._names.get(model.repo or "", model.name), self._judges)
        row.fold.opened.connect(lambda: self._on_opened(row))
        row.fold.wished.connect(self.wished)
        row.fold.look_again_clicked.connect(self.look_again_clicked)
        row.fold.models_clicked.connect(self.models_clicked)
        row.fold.act_clicked.connect(self.act_clicked)
        if self._kept_offline:
            row.getting.keep_offline()
        reference = reference_of(model)
        row.getting.get_clicked.connect(lambda: self.get_clicked.emit(reference))
        row.getting.cancel_clicked.connect(lambda: self.cancel_clicked.emit(reference))
        row.getting.chat_clicked.connect(lambda: self.chat_clicked.emit(model.id))
        row.remove.clicked.connect(lambda: self._removals.add(model))
        if (ruling := self._rulings.get(model.id)) is not None:
            row.show_ruling(ruling, self._refused.get(model.id, ""))
        if (progress := self._running.get(without_commit(reference))) is not None:
            row.show_progress(progress)
        return row

    def _on_opened(self, opened: "LocalRow") -> None:
        """One at a time: each opened one is checked while it is looked at."""
        for row in self._rows.values():
            if row is not opened:
                row.fold.close_view()

    def look_again(self) -> None:
        """The computer was looked at again."""
        for row in self._rows.values():
            row.fold.look_again()

    def _ask_licences(self, models: list[LocalModel]) -> None:
        """Read what the files say of their licences, off the UI thread: a header may hold megabytes of vocabulary."""
        unknown = [model for model in models if model.complete and model.id not in self._rulings]
        if unknown:
            self._tasks.start(self._rule(unknown), key=LICENCES_TASK).yielded.connect(self._on_ruled)

    def _rule(self, models: list[LocalModel]) -> Iterator[tuple[str, Ruling, str]]:
        for model in models:
            try:
                ruling, refused = self._ruling(model), self.refusal(model)
            except AlcoveError:  # a damaged file is listed all the same; opening it says what is wrong
                continue
            yield model.id, ruling, refused

    def _on_ruled(self, found: tuple[str, Ruling, str]) -> None:
        id, ruling, refused = found
        self._rulings[id], self._refused[id] = ruling, refused
        if id in self._rows:
            self._rows[id].show_ruling(ruling, refused)
            self._filter()

    def show_progress(self, reference: str, progress: Progress) -> None:
        """A download goes on; its unfinished file may be in the list."""
        self._running[without_commit(reference)] = progress
        for row in self._of(reference):
            row.show_progress(progress)

    def show_over(self, reference: str) -> None:
        """A download has ended in one way or another."""
        self._running.pop(without_commit(reference), None)
        self.show_library()

    def _of(self, reference: str) -> list["LocalRow"]:
        return [row for row in self._rows.values() if same(reference_of(row.model), reference)]


class LocalRow(Card):
    """One file: name, facts, licence, Chat or Resume, Remove; how it runs below."""

    def __init__(self, model: LocalModel, name: str, judges: Judges) -> None:
        super().__init__(padding=16, spacing=theme.GRID)
        self.model = model
        self.setAccessibleName(name)
        self.licence = Pill()
        self.licence.hide()
        self.getting = Getting(self.tr("Resume"), name, compact=True)
        self.getting.setMinimumWidth(theme.scaled(104))
        self.getting.show_chat() if model.complete else self.getting.show_paused(model.done_bytes, model.size_bytes)
        self.getting.setVisible(not model.missing)
        self.remove = IconButton("trash", self._remove_words().format(name=name))
        self.remove.setVisible(model.origin not in ("guide", "shared"))
        words = QVBoxLayout()
        words.setSpacing(2)
        title = ElidedLabel(name, "card_title")
        title.setToolTip(hint(str(model.path)))
        words.addWidget(title)
        words.addWidget(Label(self._facts(), "small", "bad" if model.missing else "soft"))
        self.refused = Label("", "small", "bad")
        self.refused.hide()
        words.addWidget(self.refused)
        self.fold = FitFold(judges, model.id, name)
        self.fold.button.setVisible(model.complete and not model.missing and model.origin != "guide")
        words.addWidget(self.fold.button, 0, Qt.AlignmentFlag.AlignLeft)
        row = QHBoxLayout()
        row.setSpacing(theme.GRID * 2)
        row.addLayout(words, 1)
        row.addWidget(self.licence)
        row.addWidget(self.getting)
        row.addWidget(self.remove)
        if model.origin in ("guide", "shared"):
            row.addSpacing(self.remove.width() + theme.GRID * 2)
        self.body.addLayout(row)
        self.body.addWidget(self.fold)

    def _remove_words(self) -> str:
        return self.tr("Forget {name}; the file stays where it is") if self.model.origin == "linked" else self.tr("Remove {name}")

    def _facts(self) -> str:
        model = self.model
        if model.missing:
            return self.tr("The file is no longer at {path}. Put it back, or forget it.").format(path=model.path)
        if not model.complete:
            done = self.tr("{done} of {size} are here; the rest can be fetched at any time.")
            return done.format(done=text.size(model.done_bytes), size=text.size(model.size_bytes))
        origin = {
            "guide": self.tr("came with Alcove; a tiny model that knows this app"),
            "linked": self.tr("lies at {path}").format(path=model.path),
            "shared": self.tr("shared by all users of this computer"),
        }.get(model.origin) or (
            self.tr("from {repo}").format(repo=model.repo) if model.repo else self.tr("put into the folder by hand")
        )
        if model.origin == "linked" and model.program:
            origin = self.tr("belongs to {program}, and lies there").format(program=model.program)
        name = model.file if model.program and model.file else model.path.name
        bits = gguf.QUANTIZATIONS.get((gguf.quantization(name) or "").removeprefix("UD-"))
        precision = verdict.precision(bits) if bits else ""
        used = self.tr("last used {day}").format(day=_day(model.last_used)) if model.last_used else ""
        return " · ".join(fact for fact in (precision, text.size(model.size_bytes), used, origin) if fact)

    def show_ruling(self, ruling: Ruling, refused: str) -> None:
        """Show what its licence allows, or why the organisation does not allow the model."""
        said = verdict.refused() if refused else verdict.licence(ruling)
        self.licence.show_as(said.words, said.tone, said.icon)
        self.licence.setToolTip(refused or ruling.headline)
        self.licence.show()
        self.refused.setText(refused)
        self.refused.setVisible(bool(refused))
        if refused:
            self.getting.show_refused(refused)
            self.getting.hide()
            self.fold.button.hide()

    def show_progress(self, progress: Progress) -> None:
        """The rest of it is on its way."""
        self.getting.show_progress(progress)
        self.remove.setEnabled(False)


def _day(moment: str) -> str:
    """An ISO time as a day in the person's own time: "21 Nov 2026"."""
    return f"{datetime.fromisoformat(moment).astimezone():%d %b %Y}".lstrip("0")
