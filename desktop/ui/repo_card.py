"""One repository that a search on the Hub found: licence and whether it should fit; opened, its files from light to powerful."""

from collections.abc import Callable

from PySide6.QtCore import QEvent, QObject, Qt, Signal
from PySide6.QtGui import QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop import rulings, text
from desktop.errors import AlcoveError
from desktop.fit import Fit
from desktop.licences import Licences, Ruling
from desktop.repo import File, Repo
from desktop.search import bits_of, guess, judge, models_of, needed_bytes, size_bytes, usual_files
from desktop.transfer import Progress
from desktop.ui import theme, verdict
from desktop.ui.bars import MemoryBar
from desktop.ui.buttons import Button
from desktop.ui.cards import Card, Fold
from desktop.ui.fit_fold import FitFold
from desktop.ui.gate import GateSteps
from desktop.ui.getting import Getting
from desktop.ui.judging import Judges
from desktop.ui.labels import ElidedLabel, Label, hint
from desktop.ui.licence_fold import LicenceFold
from desktop.ui.messages import explain
from desktop.ui.notice import Notice
from desktop.ui.pills import Pill

ROOMY = 640  # px at scale 1, of a row that has room for a bar
STEPS = {Qt.Key.Key_Down: 1, Qt.Key.Key_Up: -1}
FIRST = 4  # files shown at once; the others are folded away


class RepoCard(Card):
    """Signals carry a file's reference, "hf:owner/name/file.gguf", or an address. After `opened`, call `show_files`."""

    opened = Signal()
    moved = Signal(int)  # the keyboard goes to the next one, or to the one before
    get_clicked = Signal(str)
    cancel_clicked = Signal(str)
    chat_clicked = Signal(str)
    page_clicked = Signal(str)
    token_entered = Signal(str)
    read_clicked = Signal(str, object)  # as ModelDetail's; nothing of it is here, so the reference is ""
    compare_clicked = Signal(str, object)
    visit_clicked = Signal(str)

    def __init__(self, repo: Repo, licences: Licences, judges: Judges, refusal: Callable[[Repo, Ruling], str]) -> None:
        super().__init__(padding=16, spacing=theme.GRID + 2)
        self.repo = repo
        self._judges = judges
        self._files: dict[str, FileRow] = {}
        self._inside: QWidget | None = None
        self.setAccessibleName(repo.id)
        self.guess = Label("", "small", "soft", wrap=False)
        self.opener = Button(self.tr("Sizes"), "small_link", "chevron-down")
        self.opener.setCheckable(True)
        self.opener.setAccessibleName(self.tr("Sizes of {name}").format(name=repo.id))
        self.opener.toggled.connect(self._on_toggled)
        self.opener.installEventFilter(self)
        self._licences, self._refusal = licences, refusal
        self._pill: Pill | None = None
        self._add_head()
        self._show_licence()

    @property
    def is_open(self) -> bool:
        """Whether its files are shown."""
        return self.opener.isChecked()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """The arrows lead from one result to the next."""
        if isinstance(event, QKeyEvent) and event.type() == QEvent.Type.KeyPress and (step := STEPS.get(Qt.Key(event.key()))):
            self.moved.emit(step)
            return True
        return super().eventFilter(watched, event)

    def _add_head(self) -> None:
        self._facts, self._pill_place = ElidedLabel("", "small", "soft"), QHBoxLayout()
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(ElidedLabel(self.repo.id, "card_title"))
        below = QHBoxLayout()
        below.setSpacing(theme.GRID)
        below.addWidget(self.guess)
        below.addWidget(self._facts, 1)
        words.addLayout(below)
        row = QHBoxLayout()
        row.setSpacing(theme.GRID * 2)
        row.addLayout(words, 1)
        row.addLayout(self._pill_place)
        row.addWidget(self.opener)
        self.body.addLayout(row)

    def _show_licence(self) -> None:
        """What its licence allows, as far as its cards are known."""
        repo = self.repo
        ruling = self.ruling = self._licences.rule(rulings.of_repo(repo))
        self.refused = self._refusal(repo, ruling)
        said = verdict.refused() if self.refused else verdict.licence(ruling)
        if self._pill is not None:
            self._pill.deleteLater()
        self._pill = Pill(said.words, said.tone, said.icon)
        self._pill.setToolTip(hint(self.refused or ruling.conflict or f"{ruling.name}. {ruling.headline}"))
        self._pill_place.addWidget(self._pill)
        facts = [
            self.tr("{count} downloads").format(count=f"{repo.downloads:,}"),
            self.tr("changed in {month}").format(month=repo.updated[:7]) if repo.updated else "",
            ruling.name,
            self.tr("the maker wants your agreement") if repo.gated else "",
        ]
        self._facts.setText(" · ".join(fact for fact in facts if fact))

    def show_guess(self, free_bytes: int) -> None:
        """Whether it should fit into so much free memory, and what its usual size is."""
        words = {
            "fits": self.tr("should fit"),
            "light": self.tr("fits in a lighter size"),
            "tight": self.tr("may just fit"),
            "too_big": self.tr("too big"),
            "unknown": "",
        }[judge(self.repo, free_bytes)]
        usual = usual_files(models_of(self.repo), 1)
        size = size_bytes(self.repo, usual[0]) if usual else 0
        about = self.tr("about {size}").format(size=text.size(size)) if size else ""
        self.guess.setText(" · ".join(each for each in (words, about) if each))
        self.guess.setVisible(bool(self.guess.text()))
        self.guess.set_tone("bad" if words == self.tr("too big") else "ink")
        self.opener.setAccessibleDescription(self.guess.text())

    def _on_toggled(self, on: bool) -> None:
        self.opener.set_icon("chevron-up" if on else "chevron-down")
        if on and not self._files:
            self._show_inside(Label(self.tr("Asking {host} …").format(host=self._judges.host), "small", "soft"))
            self.opened.emit()
        elif self._inside is not None:
            self._inside.setVisible(on)
        if not on:
            for fold in self.folds():
                fold.close_view()

    def show_error(self, error: AlcoveError) -> Notice:
        """Its files could not be listed; the caller connects the button."""
        words = explain(error)
        notice = Notice(words.title, words.sentence, words.button, tone="warning").about(error)
        self._show_inside(notice)
        return notice

    def show_files(self, repo: Repo, free_bytes: int) -> None:
        """Its files with their sizes, the usual ones first."""
        self.repo = repo
        self._show_licence()
        self.show_guess(free_bytes)
        inside = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID + 2)
        if self.refused:
            column.addWidget(Notice(self.tr("Not allowed here"), self.refused, tone="bad"))
        elif repo.gated:
            column.addWidget(self._gate())
        models = sorted(models_of(repo), key=lambda file: size_bytes(repo, file))
        usual = usual_files(models, FIRST)
        others = [file for file in models if file not in usual]
        for file in sorted(usual, key=models.index):
            column.addWidget(self._row(file, free_bytes))
        if others:
            words = self.tr("1 more size") if len(others) == 1 else self.tr("{count} more sizes").format(count=len(others))
            fold = Fold(words, kind="fold")
            for file in others:
                fold.body.addWidget(self._row(file, free_bytes))
            column.addWidget(fold)
        if not models:
            words = self.tr("Its files are no models by themselves.")
            column.addWidget(Label(words, "small", "soft"))
        column.addWidget(self._licence())
        self._show_inside(inside)

    def _show_inside(self, widget: QWidget) -> None:
        if self._inside is not None:
            self._inside.hide()
            self._inside.deleteLater()
        self._inside = widget
        self.body.addWidget(widget)
        widget.setVisible(self.is_open)

    def _licence(self) -> LicenceFold:
        fold = LicenceFold(self.ruling, self.repo.id)
        fold.view.read_clicked.connect(lambda ruling: self.read_clicked.emit("", ruling))
        fold.view.compare_clicked.connect(lambda ruling: self.compare_clicked.emit(self.repo.id, ruling))
        fold.view.visit_clicked.connect(self.visit_clicked)
        return fold

    def _gate(self) -> GateSteps:
        gate = GateSteps(self.repo.files[0].url.partition("/resolve/")[0])
        gate.page_clicked.connect(self.page_clicked)
        gate.token_entered.connect(self.token_entered)
        return gate

    def _row(self, file: File, free_bytes: int) -> "FileRow":
        row = FileRow(file, size_bytes(self.repo, file), free_bytes, self._judges)
        row.getting.get_clicked.connect(lambda: self.get_clicked.emit(row.reference))
        row.getting.cancel_clicked.connect(lambda: self.cancel_clicked.emit(row.reference))
        row.getting.chat_clicked.connect(lambda: self.chat_clicked.emit(row.reference))
        if self.refused:
            row.getting.show_refused(self.refused)
            row.getting.hide()
        self._files[row.reference] = row
        return row

    def folds(self) -> list[FitFold]:
        """The part of each file that tells how it would run."""
        return [row.fold for row in self._files.values()]

    def show_progress(self, reference: str, progress: Progress) -> None:
        """A download goes on."""
        if (row := self._files.get(reference)) is not None:
            row.getting.show_progress(progress)

    def show_done(self, reference: str) -> None:
        """A download is here."""
        if (row := self._files.get(reference)) is not None:
            row.getting.show_chat()

    def show_failed(self, reference: str, error: AlcoveError) -> None:
        """A download ended with an error."""
        if (row := self._files.get(reference)) is not None:
            row.getting.show_failed(error)

    def show_cancelled(self, reference: str) -> None:
        """A download was stopped."""
        if (row := self._files.get(reference)) is not None:
            row.getting.show_get()


class FileRow(QWidget):
    """One file: how close to the original, its size, whether it should fit, and the button; what it really needs below."""

    def __init__(self, file: File, size: int, free_bytes: int, judges: Judges) -> None:
        super().__init__()
        self.reference = f"hf:{file.repo}/{file.name}"
        precision = verdict.precision(bits_of(file)) if file.quantization else self.tr("One size")
        words = self.tr("{precision} · {size}").format(precision=precision, size=text.size(size))
        name = Label(words, "small", wrap=False)
        name.setToolTip(hint(file.name))
        name.setMinimumWidth(theme.scaled(150))
        needed = needed_bytes(size)
        fits = self.fits = Label(self._guess(size, free_bytes), "small", "soft")
        fits.setToolTip(self.tr("Guessed from the size of the file. “How it runs” reads its first part and tells exactly."))
        bar = self._bar = MemoryBar()
        self._judged = free_bytes > 0
        bar.set_fraction(needed / max(1, free_bytes), "accent" if needed <= free_bytes else "bad")
        bar.setFixedWidth(theme.scaled(96))
        bar.setVisible(self._judged)
        self.getting = Getting(self.tr("Get it"), file.name, compact=True)
        self.getting.setFixedWidth(theme.scaled(120))
        name.setAccessibleDescription(file.name)
        self.fold = FitFold(judges, self.reference, file.name)
        self.fold.judged.connect(self.show_fit)
        row = QHBoxLayout()
        row.setSpacing(theme.GRID * 2)
        row.addWidget(name)
        row.addWidget(bar)
        row.addWidget(fits, 1)
        row.addWidget(self.fold.button)
        row.addWidget(self.getting)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID)
        column.addLayout(row)
        column.addWidget(self.fold)

    def show_fit(self, fit: Fit) -> None:
        """Its header was read: no guess any more."""
        said = verdict.verdict(fit.verdict)
        self.fits.setText(f"{said.words} · {verdict.speed(fit)}")
        self.fits.set_tone({"good": "ink"}.get(said.tone, said.tone))
        self.fits.setToolTip(hint(fit.why))
        self._bar.set_memory(fit.weights_bytes, fit.kv_bytes, fit.compute_bytes, fit.free_bytes, verdict.bar_tone(fit.verdict))

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._bar.setVisible(self._judged and event.size().width() >= theme.scaled(ROOMY))  # the words alone say it too

    def _guess(self, size: int, free_bytes: int) -> str:
        """An honest guess: nothing but the size is known."""
        words = {
            "fits": self.tr("should fit: about {needed} of {free}"),
            "tight": self.tr("may just fit: about {needed} of {free}"),
            "too_big": self.tr("too big: about {needed}, {free} are free"),
        }
        said = words.get(guess(size, free_bytes), "")
        return said.format(needed=text.size(needed_bytes(size)), free=text.size(free_bytes))
