"""What to do about a model whose maker wants consent first: four steps, with the page and the field for the token."""

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QLineEdit, QVBoxLayout, QWidget

from desktop.ui import theme
from desktop.ui.buttons import Button
from desktop.ui.flow import Flow
from desktop.ui.labels import Label, hint

TOKENS_PAGE = "https://huggingface.co/settings/tokens"


class GateSteps(QWidget):
    """`page` is the model's own, where its terms are accepted."""

    page_clicked = Signal(str)  # an address
    token_entered = Signal(str)

    def __init__(self, page: str) -> None:
        super().__init__()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(theme.GRID // 2)
        self.title = Label(self.tr("The maker wants your agreement first"), "strong")
        self.open_page, self.open_tokens = (
            Button(self.tr("Open the page"), "small_link"),
            Button(self.tr("Make a token"), "small_link"),
        )
        for button, address in ((self.open_page, page), (self.open_tokens, TOKENS_PAGE)):
            button.setToolTip(hint(address))
            button.clicked.connect(lambda _=False, address=address: self.page_clicked.emit(address))
        self.token = QLineEdit()
        self.token.setEchoMode(QLineEdit.EchoMode.Password)
        self.token.setPlaceholderText("hf_…")
        self.token.setAccessibleName(self.tr("Hugging Face access token"))
        self.token.setFixedWidth(theme.scaled(280))
        self.token.returnPressed.connect(self._on_entered)
        self.use = Button(self.tr("Use it"))
        self.use.setProperty("small", True)
        self.use.setAccessibleName(self.tr("Use this access token"))
        self.use.setEnabled(False)
        self.use.clicked.connect(self._on_entered)
        self.token.textChanged.connect(lambda words: self.use.setEnabled(bool(words.strip())))
        column.addWidget(self.title)
        for words, controls in (
            (self.tr("1. Open the model's page with a Hugging Face account."), (self.open_page,)),
            (self.tr("2. Accept the terms there. Some makers look at each request, which may take days."), ()),
            (self.tr("3. Make an access token that may read."), (self.open_tokens,)),
            (self.tr("4. Enter the token here. The download then goes on by itself."), ()),
        ):
            column.addWidget(_step(words, *controls))
        column.addWidget(_step("", self.token, self.use))

    def _on_entered(self) -> None:
        token = self.token.text().strip()
        if token:
            self.token.clear()
            self.token_entered.emit(token)


def _step(words: str, *controls: QWidget) -> QWidget:
    if not controls:
        return Label(words, "small", "soft")
    line = Flow()
    if words:
        line.add(Label(words, "small", "soft", wrap=False))
    for control in controls:
        line.add(control)
    return line
