"""What an empty chat shows: who will answer, and some things to ask."""

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QFrame, QGridLayout, QScrollArea, QVBoxLayout, QWidget

from desktop.ui import theme
from desktop.ui.buttons import Button
from desktop.ui.cards import ChoiceCard
from desktop.ui.labels import Label

GUIDE = "guide"  # the reference of the small model inside the app
WIDEST = 640  # px
NARROW = 480  # px below which the cards stand in one column


class Start(QScrollArea):
    """`asked` has the question of the card that was clicked."""

    asked = Signal(str)
    more_models_clicked = Signal()

    def __init__(self) -> None:
        super().__init__()
        self.setWidgetResizable(True)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        inside = QWidget()
        inside.setProperty("kind", "page")
        self.setWidget(inside)
        self.title = Label("", "title")
        self.sentence = Label("", "body", "soft")
        self.link = Button(self.tr("Get a real model"), "link")
        self.link.clicked.connect(self.more_models_clicked)
        self._grid = QGridLayout()
        self._grid.setSpacing(12)
        self.cards: list[ChoiceCard] = []
        self._column = QVBoxLayout(inside)
        self._column.setSpacing(theme.GRID)
        self._column.addStretch(2)
        self._column.addWidget(self.title)
        self._column.addWidget(self.sentence)
        self._column.addWidget(self.link, 0, Qt.AlignmentFlag.AlignLeft)
        self._column.addSpacing(theme.GRID * 2)
        self._column.addLayout(self._grid)
        self._column.addStretch(3)
        self.show_model("", "")

    def show_model(self, reference: str, name: str) -> None:
        """Say who answers, and offer what suits it."""
        if not reference:
            self.title.setText(self.tr("Choose a model first"))
            self.sentence.setText(
                self.tr("A model is the part that answers. It is downloaded once and then works without internet.")
            )
        elif reference == GUIDE:
            self.title.setText(self.tr("Ask the small guide"))
            self.sentence.setText(
                self.tr("It is a tiny model that came with Alcove and knows this app, not a real assistant. It is ready now.")
            )
        else:
            self.title.setText(self.tr("What can {name} do for you?").format(name=name))
            self.sentence.setText(self.tr("It runs on this computer. What you write stays here."))
        self.link.setVisible(reference in ("", GUIDE))
        self._show_cards(self._for_guide() if reference == GUIDE else self._for_everyone() if reference else [])

    def _for_guide(self) -> list[tuple[str, str]]:
        return [
            (self.tr("This app"), self.tr("What can you do?")),
            (self.tr("Open weights"), self.tr("What is an open-weight model?")),
            (self.tr("Memory"), self.tr("What can I run with 16 GB of memory?")),
            (self.tr("Privacy"), self.tr("Does anything I write leave this computer?")),
        ]

    def _for_everyone(self) -> list[tuple[str, str]]:
        return [
            (self.tr("Write"), self.tr("Write a friendly reminder to a customer whose invoice is two weeks late.")),
            (self.tr("Explain"), self.tr("Explain compound interest to a twelve-year-old, with an example.")),
            (self.tr("Plan"), self.tr("Plan a vegetarian dinner for six people, with a shopping list.")),
            (self.tr("Code"), self.tr("Write a Python function that finds duplicate files in a folder.")),
        ]

    def _show_cards(self, prompts: list[tuple[str, str]]) -> None:
        for card in self.cards:
            self._grid.removeWidget(card)
            card.hide()
            card.deleteLater()
        self.cards = []
        for title, question in prompts:
            card = ChoiceCard(question, padding=16, spacing=4)
            card.body.addWidget(Label(title, "section", "accent"))
            card.body.addWidget(Label(question, "body"))
            card.body.addStretch(1)
            card.clicked.connect(lambda question=question: self.asked.emit(question))
            self.cards.append(card)
        self._place_cards()
        for before, card in zip([self.link, *self.cards], self.cards, strict=False):
            QWidget.setTabOrder(before, card)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        side = max(theme.GRID * 3 + 4, (event.size().width() - WIDEST) // 2)
        self._column.setContentsMargins(side, theme.GRID * 3, side, theme.GRID * 3)
        self._place_cards()

    def _place_cards(self) -> None:
        columns = 1 if self.width() < NARROW else 2
        for index, card in enumerate(self.cards):
            self._grid.addWidget(card, index // columns, index % columns)
