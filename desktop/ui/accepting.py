"""Before a download whose licence has conditions: what it allows and asks for is shown once, and the person decides."""

from PySide6.QtCore import QObject, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from desktop.app import App
from desktop.consent import Terms
from desktop.errors import AlcoveError
from desktop.texts import Texts
from desktop.transfer import Progress
from desktop.ui import theme
from desktop.ui.buttons import Button
from desktop.ui.cards import Fold, line
from desktop.ui.duties import Duties, Entry
from desktop.ui.labels import Label
from desktop.ui.licence import as_far_as_we_know
from desktop.ui.licence_text import LicenceText
from desktop.ui.notice import Notice
from desktop.ui.permissions import Permissions
from desktop.ui.tasks import Tasks
from desktop.ui.window import Window

TASK = "terms of {reference}"
WIDTH, HEIGHT, FOOT = 560, 720, 128  # px at scale 1
ASKING = Progress(0, 0, 0.0, None, stage="ask")


class AcceptDialog(QDialog):
    """What the licence of one model says. `accept` is "Accept and get it", `reject` "Not now"; Return presses neither."""

    def __init__(self, terms: Terms, texts: Texts, parent: QWidget) -> None:
        super().__init__(parent)
        self.terms, self._texts = terms, texts
        self.setWindowTitle(self.tr("The licence of {name}").format(name=terms.name))
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self._inside = QWidget()
        self._inside.setProperty("kind", "page")
        self._body = QVBoxLayout(self._inside)
        self._body.setContentsMargins(24, 24, 24, 8)
        self._body.setSpacing(theme.GRID * 2)
        self._add_head()
        self._add_lists()
        self._body.addStretch(1)
        scroll = QScrollArea()
        scroll.setWidgetResizable(True)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setWidget(self._inside)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 16)
        column.setSpacing(theme.GRID)
        column.addWidget(scroll, 1)
        column.addWidget(line())
        column.addLayout(self._buttons())
        self._fit()
        self.read.setFocus()

    def _add_head(self) -> None:
        ruling = self.terms.ruling
        self._body.addWidget(Label(self.tr("Before you get {name}").format(name=self.terms.name), "card_title"))
        names = self.tr(" and the ").join(licence.name for licence in self.terms.missing)
        self._body.addWidget(Label(self.tr("It comes under the {names}.").format(names=names), "body", "soft"))
        if ruling.condition:
            tone = "bad" if "no" in (ruling.commercial.answer, ruling.share.answer) else "warning"
            notice = Notice(self.tr("What matters most"), ruling.condition, tone=tone)
            notice.sentence.set_tone("ink")
            self._body.addWidget(notice)
        self._body.addWidget(Permissions(ruling))
        if self.terms.unread:
            addresses = "\n".join(licence.url for licence in self.terms.unread)
            words = self.tr("Alcove could not fetch its text, and would note that none was read. The text is here:")
            self._body.addWidget(Label(f"{words}\n{addresses}", "small", "soft", selectable=True))
        self.read = Button(self.tr("Read the licence"), "link", "book")
        self.read.clicked.connect(self._read)
        self._body.addWidget(self.read, 0, Qt.AlignmentFlag.AlignLeft)

    def _add_lists(self) -> None:
        ruling = self.terms.ruling
        if ruling.duties:
            self._fold(self.tr("When you pass it on"), len(ruling.duties), open_=True).body.addWidget(Duties(ruling.duties))
        if ruling.restrictions:
            fold = self._fold(self.tr("What is not allowed"), len(ruling.restrictions))
            for each in ruling.restrictions:
                fold.body.addWidget(Entry(each, "cross"))

    def _fold(self, title: str, count: int, *, open_: bool = False) -> Fold:
        fold = Fold(self.tr("{title} · {count}").format(title=title, count=count), open_=open_, kind="fold")
        self._body.addWidget(fold)
        return fold

    def _buttons(self) -> QVBoxLayout:
        words = self.tr("You are asked once for each text. The time and your account's name are noted on this computer.")
        foot = QVBoxLayout()
        foot.setContentsMargins(24, 0, 24, 0)
        foot.setSpacing(theme.GRID)
        foot.addWidget(Label(words, "small", "soft"))
        self.decline = Button(self.tr("Not now"), "secondary")
        self.decline.clicked.connect(self.reject)
        self.agree = Button(self.tr("Accept and get it"), "primary")
        self.agree.clicked.connect(self.accept)
        row = QHBoxLayout()
        row.setSpacing(theme.GRID)
        row.addWidget(as_far_as_we_know(), 1)
        row.addWidget(self.decline)
        row.addWidget(self.agree)
        foot.addLayout(row)
        return foot

    def _read(self) -> None:
        dialog = LicenceText(self.terms.missing, self._texts, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.open()

    def _fit(self) -> None:
        room = (self.screen() or QGuiApplication.primaryScreen()).availableGeometry()
        width = min(theme.scaled(WIDTH), round(room.width() * 0.9))
        height = self._body.totalHeightForWidth(width) + theme.scaled(FOOT)
        self.resize(width, min(height, theme.scaled(HEIGHT), round(room.height() * 0.9)))


class Accepting(QObject):
    """`get` asks for what a model's licence wants; then `agreed` follows, and the download may begin, or `declined`.

    Several that are asked for at once are shown one after the other, and none whose licence has been accepted meanwhile.
    """

    asking = Signal(str, object)  # the Hub is being asked: Progress
    agreed = Signal(str)
    declined = Signal(str)
    failed = Signal(AlcoveError)  # it could not be noted

    def __init__(self, tasks: Tasks, app: App, window: Window) -> None:
        super().__init__(window)
        self._tasks, self._app, self._window = tasks, app, window
        self._waiting: list[Terms] = []
        self.dialog: AcceptDialog | None = None

    def get(self, reference: str) -> None:
        """The person wants this model."""
        if self._app.rights.asks_nothing(reference):
            self.agreed.emit(reference)
            return
        self.asking.emit(reference, ASKING)
        task = self._tasks.start(self._app.rights.terms(reference), key=TASK.format(reference=reference))
        task.done.connect(self._on_terms)
        task.failed.connect(lambda _: self.agreed.emit(reference))  # the download says what is wrong

    def cancel(self, reference: str) -> None:
        """The person does not want it any more, before anything could be asked."""
        self._tasks.cancel(TASK.format(reference=reference))

    def _on_terms(self, terms: Terms) -> None:
        self._waiting.append(terms)
        self._show_next()

    def _show_next(self) -> None:
        while self.dialog is None and self._waiting:
            first = self._waiting.pop(0)
            terms = self._app.consent.terms(first.reference, first.name, first.ruling)
            if terms.missing:
                self._show(terms)
            else:
                self.agreed.emit(terms.reference)

    def _show(self, terms: Terms) -> None:
        dialog = self.dialog = AcceptDialog(terms, self._app.texts, self._window)
        dialog.finished.connect(lambda result: self._on_decided(terms, accepted=result == QDialog.DialogCode.Accepted))
        dialog.open()

    def _on_decided(self, terms: Terms, *, accepted: bool) -> None:
        self.dialog = None
        try:
            if accepted:
                self._app.consent.accept(terms)
        except AlcoveError as error:
            self.failed.emit(error)
            accepted = False
        (self.agreed if accepted else self.declined).emit(terms.reference)
        self._show_next()
