"""One model in full: its variants from light to powerful, memory, licence, and where the file comes from."""

from collections.abc import Sequence

from PySide6.QtCore import QCoreApplication, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QButtonGroup, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from desktop import text
from desktop.fit import Change, Wish
from desktop.offers import Offer
from desktop.policy import Verdict
from desktop.ui import theme, verdict
from desktop.ui.buttons import Button, IconButton
from desktop.ui.cards import Card, Fold
from desktop.ui.fit_view import FitView
from desktop.ui.flow import Flow
from desktop.ui.getting import Getting
from desktop.ui.judging import Judges
from desktop.ui.labels import FactRow, Label
from desktop.ui.licence import LicenceView
from desktop.ui.notice import Notice


class ModelDetail(QWidget):
    """Shows the variants of one model, each judged for this computer with what was wished of the model before."""

    back_clicked = Signal()
    variant_chosen = Signal(object)  # Offer
    get_clicked = Signal(str)
    cancel_clicked = Signal(str)
    chat_clicked = Signal(str)
    read_clicked = Signal(str, object)  # the reference, and the Ruling of which the text is to be shown
    compare_clicked = Signal(str, object)  # the model's name, and the Ruling
    visit_clicked = Signal(str)

    def __init__(self, choices: Sequence[Offer], chosen: Offer, judges: Judges, wish: Wish, said: Verdict | None = None) -> None:
        super().__init__()
        self._choices = tuple(choices)
        self._wish, self._host = wish, judges.host
        self.fit = FitView(judges, self._version)
        self._facts_of_file: QWidget | None = None
        self.offer = chosen
        model = chosen.model
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(theme.GRID * 2)
        self.back = Button(self.tr("All models"), "link", "chevron-left")
        self.back.clicked.connect(self.back_clicked)
        self._column.addWidget(self.back, 0, Qt.AlignmentFlag.AlignLeft)
        heading = QVBoxLayout()
        heading.setSpacing(theme.GRID // 2)
        heading.addWidget(Label(model.name, "title", selectable=True))
        heading.addWidget(
            Label(self.tr("{maker} · {description}").format(maker=model.maker, description=model.description), "body", "soft")
        )
        heading.addWidget(Label(self._facts(), "small", "soft"))
        self._column.addLayout(heading)
        if chosen.refused:
            self._column.addWidget(Notice(self.tr("Not allowed here"), chosen.refused, tone="bad"))
        self._column.addWidget(self._fit_card())
        self._column.addWidget(self._licence_card(said))
        self._column.addWidget(self._source_card())
        self.choose(chosen)

    def _facts(self) -> str:
        """What kind of model it is, in words between dots."""
        model = self.offer.model
        facts = [self.tr("{count} parameters").format(count=text.billions(model.params_total))]
        if model.params_active:
            facts.append(self.tr("{count} of them at work for each word").format(count=text.billions(model.params_active)))
        facts.append(self.tr("from {year}").format(year=model.released[:4]))
        if model.reads_pictures:
            facts.append(self.tr("reads pictures too, with a second file that comes along, often near a gigabyte"))
        facts += {"yes": [self.tr("thinks before it answers")], "switchable": [self.tr("can think before it answers")]}.get(
            model.thinks, []
        )
        if model.languages_claim or model.languages:
            facts.append(model.languages_claim or ", ".join(model.languages))
        return " · ".join(facts)

    # --- how it would run -----------------------------------------------------------------------------------------------------

    def _fit_card(self) -> Card:
        card = Card(spacing=theme.GRID * 2)
        card.body.addWidget(Label(self.tr("On this computer"), "section", "accent"))
        self.variants = QButtonGroup(self)
        row = Flow()
        for index, offer in enumerate(self._choices):
            button = _choice(_name_of(offer))
            self.variants.addButton(button, index)
            row.add(button)
        self.variants.idClicked.connect(lambda index: self.choose(self._choices[index]))
        self._precision = Label("", "small", "soft")
        choice = QVBoxLayout()
        choice.setSpacing(theme.GRID)
        if len(self._choices) > 1:
            choice.addWidget(Label(self.tr("Light ↔ Powerful"), "strong"))
        choice.addWidget(row)
        choice.addWidget(self._precision)
        card.body.addLayout(choice)
        self.fit.lighter_asked.connect(self._on_lighter_asked)
        card.body.addWidget(self.fit)
        self.getting = Getting("", self.offer.model.name)
        self.getting.get_clicked.connect(lambda: self.get_clicked.emit(self.offer.reference))
        self.getting.cancel_clicked.connect(lambda: self.cancel_clicked.emit(self.offer.reference))
        self.getting.chat_clicked.connect(lambda: self.chat_clicked.emit(self.offer.reference))
        self.getting.set_kind("primary")
        self.getting.setMaximumWidth(theme.scaled(360))
        card.body.addWidget(self.getting)
        return card

    def choose(self, offer: Offer) -> None:
        """Show another variant, with the conversation as long as before."""
        self.offer = offer
        self.variants.button(self._choices.index(offer)).setChecked(True)
        about = self.tr(" The size is an estimate.") if offer.variant.approximate else ""
        self._precision.setText(verdict.precision_why(offer.variant.bits) + about)
        self.fit.show_model(offer.reference, self._wish)
        self.getting.set_words(self.tr("Get it · {size}").format(size=text.size(offer.size_bytes)))
        self.getting.show_chat() if offer.local is not None else self.getting.show_get()
        self.getting.setVisible(not offer.refused)
        self._show_source()
        self.variant_chosen.emit(offer)

    def wish(self, wish: Wish) -> None:
        """What was wished of the model, for other variants too."""
        self._wish = wish

    def _lighter(self, change: Change) -> Offer | None:
        """The variant that a change means: the largest that is small enough."""
        most = change.max_size_bytes or 0
        able = [offer for offer in self._choices if offer.size_bytes <= most and offer is not self.offer]
        return max(able, key=lambda offer: offer.size_bytes, default=None)

    def _version(self, change: Change) -> str:
        offer = self._lighter(change)
        return _name_of(offer) if offer else ""

    def _on_lighter_asked(self, change: Change) -> None:
        offer = self._lighter(change)
        if offer is not None:
            self.wish(self.fit.wish)
            self.choose(offer)
            self.variants.button(self._choices.index(offer)).setFocus()

    # --- licence and source ---------------------------------------------------------------------------------------------------

    def _licence_card(self, said: Verdict | None) -> Card:
        card = Card()
        licence = LicenceView(wide=True)
        licence.show_ruling(self.offer.ruling, said=said)
        licence.read_clicked.connect(lambda ruling: self.read_clicked.emit(self.offer.reference, ruling))
        licence.compare_clicked.connect(lambda ruling: self.compare_clicked.emit(self.offer.model.name, ruling))
        licence.visit_clicked.connect(self.visit_clicked)
        card.body.addWidget(licence)
        return card

    def _source_card(self) -> Card:
        card = self._source = Card()
        card.body.addWidget(Label(self.tr("Where the file comes from"), "section", "accent"))
        return card

    def _show_source(self) -> None:
        if self._facts_of_file is not None:
            self._facts_of_file.hide()
            self._facts_of_file.deleteLater()
        inside = self._facts_of_file = QWidget()
        column = QVBoxLayout(inside)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID)
        offer, model = self.offer, self.offer.model
        repo = offer.variant.repo or model.gguf_repo
        column.addWidget(FactRow(self.tr("Downloaded from"), self.tr("{repo} on {host}").format(repo=repo, host=self._host)))
        column.addWidget(FactRow(self.tr("Made from"), model.repo))
        if offer.local is not None and offer.local.sha256:
            column.addWidget(_checksum(offer.local.sha256))
            column.addWidget(FactRow(self.tr("File"), str(offer.local.path)))
        else:
            words = self.tr("Its SHA-256 is asked from {host} and checked while the file arrives.").format(host=self._host)
            column.addWidget(FactRow(self.tr("Checksum"), words))
        fold = Fold(self.tr("Details"), kind="fold")
        for name, value in (
            (
                self.tr("Quantisation"),
                self.tr("{code}, {bits} bits a weight").format(code=offer.variant.quantization, bits=offer.variant.bits),
            ),
            (self.tr("Architecture"), model.architecture),
            (self.tr("Layers"), str(sum(group.count for group in model.layers))),
            (self.tr("Made for"), self.tr("{count} tokens").format(count=f"{model.context_length:,}")),
            (self.tr("What we know it from"), model.confidence),
            *(((self.tr("Note"), model.notes),) if model.notes else ()),
        ):
            fold.body.addWidget(FactRow(name, value))
        column.addWidget(fold)
        self._source.body.addWidget(inside)
        inside.show()


def _name_of(offer: Offer) -> str:
    """How a variant is called: "Usual · 4.9 GB"."""
    words = QCoreApplication.translate("model_detail", "{precision} · {size}")
    return words.format(precision=verdict.precision(offer.variant.bits), size=text.size(offer.size_bytes))


def _choice(words: str) -> QPushButton:
    """One of several in a row of which one is chosen."""
    button = QPushButton(words)
    button.setProperty("kind", "choice")
    button.setCheckable(True)
    button.setAccessibleName(words)
    button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
    button.setCursor(Qt.CursorShape.PointingHandCursor)
    return button


def _checksum(sha256: str) -> QWidget:
    """The checksum that was verified, with a button to copy it."""
    row = QWidget()
    fact = FactRow(row.tr("SHA-256, checked"), f"{sha256[:16]}…")
    fact.value.setToolTip(sha256)
    copy = IconButton("copy", row.tr("Copy the checksum"))
    copy.clicked.connect(lambda: QGuiApplication.clipboard().setText(sha256))
    line = QHBoxLayout(row)
    line.setContentsMargins(0, 0, 0, 0)
    line.setSpacing(theme.GRID)
    line.addWidget(fact, 1)
    line.addWidget(copy)
    return row
