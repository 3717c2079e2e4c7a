"""One repository that a search on the Hub found: its licence in words, and its files from light to powerful."""

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QHBoxLayout, QVBoxLayout, QWidget

from desktop import gguf, text
from desktop.fit import Fit
from desktop.hub import File, Repo
from desktop.licences import Evidence, Licences
from desktop.transfer import Progress
from desktop.ui import theme, verdict
from desktop.ui.bars import MemoryBar
from desktop.ui.cards import Card, Fold
from desktop.ui.fit_fold import FitFold
from desktop.ui.getting import Getting
from desktop.ui.judging import Judges
from desktop.ui.labels import ElidedLabel, Label, hint
from desktop.ui.notice import Notice
from desktop.ui.pills import Pill

ROOMY = 640  # px at scale 1, of a row that has room for a bar
FIRST = 4  # files shown at once; the others are folded away
MORE_THAN_WEIGHTS = 1.15  # memory for a file's size: conversation memory and workspace on top, a rule of thumb


class RepoCard(Card):
    """Signals carry a file's reference, "hf:owner/name/file.gguf", or an address."""

    get_clicked = Signal(str)
    cancel_clicked = Signal(str)
    chat_clicked = Signal(str)
    page_clicked = Signal(str)
    token_clicked = Signal()

    def __init__(self, repo: Repo, licences: Licences, free_bytes: int, judges: Judges) -> None:
        super().__init__(padding=16, spacing=theme.GRID + 2)
        self.repo = repo
        self._judges = judges
        self._files: dict[str, FileRow] = {}
        self.setAccessibleName(repo.id)
        self._add_head(licences)
        if repo.gated:
            self._add_gate()
        models = sorted((file for file in repo.files if file.kind == "model"), key=lambda file: file.size_bytes)
        usual = sorted(models, key=lambda file: abs(_bits(file) - 4.9))[:FIRST]  # the sizes most people want
        others = [file for file in models if file not in usual]
        for file in sorted(usual, key=lambda file: file.size_bytes):
            self.body.addWidget(self._row(file, free_bytes))
        if others:
            fold = Fold(self.tr("{count} more sizes").format(count=len(others)), kind="fold")
            for file in others:
                fold.body.addWidget(self._row(file, free_bytes))
            self.body.addWidget(fold)
        if not models:
            words = self.tr("Its files come in several parts, or are no whole models; Alcove cannot get these yet.")
            self.body.addWidget(Label(words, "small", "soft"))

    def _add_head(self, licences: Licences) -> None:
        repo = self.repo
        tag = repo.licence_name if repo.licence_tag in (None, "other") else repo.licence_tag
        ruling = licences.rule(Evidence(hub_card=tag, file_base_models=repo.base_models))
        said = verdict.licence(ruling)
        pill = Pill(said.words, said.tone, said.icon)
        pill.setToolTip(hint(f"{ruling.name}. {ruling.headline}"))
        facts = [
            self.tr("{count} downloads").format(count=f"{repo.downloads:,}"),
            self.tr("changed in {month}").format(month=repo.updated[:7]) if repo.updated else "",
            ruling.name,
        ]
        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(ElidedLabel(repo.id, "card_title"))
        words.addWidget(ElidedLabel(" · ".join(fact for fact in facts if fact), "small", "soft"))
        row = QHBoxLayout()
        row.setSpacing(theme.GRID * 2)
        row.addLayout(words, 1)
        row.addWidget(pill)
        self.body.addLayout(row)

    def _add_gate(self) -> None:
        address = self.repo.files[0].url.partition("/resolve/")[0]
        words = self.tr(
            "1. Open its page and accept the terms with a Hugging Face account. 2. Make an access token there. "
            "3. Enter the token in Settings, then get the model here."
        )
        notice = Notice(self.tr("The maker wants your agreement first"), words, self.tr("Open the page"), tone="warning")
        notice.button.setToolTip(hint(address))
        notice.clicked.connect(lambda: self.page_clicked.emit(address))
        self.body.addWidget(notice)

    def _row(self, file: File, free_bytes: int) -> "FileRow":
        row = FileRow(file, free_bytes, self._judges)
        row.getting.get_clicked.connect(lambda: self.get_clicked.emit(row.reference))
        row.getting.cancel_clicked.connect(lambda: self.cancel_clicked.emit(row.reference))
        row.getting.chat_clicked.connect(lambda: self.chat_clicked.emit(row.reference))
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

    def show_failed(self, reference: str, sentence: str) -> None:
        """A download ended with an error."""
        if (row := self._files.get(reference)) is not None:
            row.getting.show_failed(sentence)

    def show_cancelled(self, reference: str) -> None:
        """A download was stopped."""
        if (row := self._files.get(reference)) is not None:
            row.getting.show_get()


class FileRow(QWidget):
    """One file: how close to the original, its size, whether it should fit, and the button; what it really needs below."""

    def __init__(self, file: File, free_bytes: int, judges: Judges) -> None:
        super().__init__()
        self.reference = f"hf:{file.repo}/{file.name}"
        precision = verdict.precision(_bits(file)) if file.quantization else self.tr("One size")
        words = self.tr("{precision} · {size}").format(precision=precision, size=text.size(file.size_bytes))
        name = Label(words, "small", wrap=False)
        name.setToolTip(hint(file.name))
        name.setMinimumWidth(theme.scaled(150))
        needed = round(file.size_bytes * MORE_THAN_WEIGHTS)
        fits = self.fits = Label(self._guess(needed, free_bytes), "small", "soft")
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

    def _guess(self, needed_bytes: int, free_bytes: int) -> str:
        """An honest guess: nothing but the size is known."""
        if not free_bytes:
            return ""
        needed, free = text.size(needed_bytes), text.size(free_bytes)
        if needed_bytes <= free_bytes * 0.9:
            return self.tr("should fit: about {needed} of {free}").format(needed=needed, free=free)
        if needed_bytes <= free_bytes * 1.05:
            return self.tr("may just fit: about {needed} of {free}").format(needed=needed, free=free)
        return self.tr("too big: about {needed}, {free} are free").format(needed=needed, free=free)


def _bits(file: File) -> float:
    """Bits a weight, by the file's name; the usual where it does not say."""
    return gguf.QUANTIZATIONS.get((file.quantization or "").removeprefix("UD-"), 4.9)
