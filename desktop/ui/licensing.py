"""What the window does about licences: their texts are read, two are compared, and pages outside are asked about first."""

from collections.abc import Callable

from PySide6.QtCore import QObject, Qt

from desktop.app import App
from desktop.errors import AlcoveError
from desktop.licences import UNKNOWN, Ruling
from desktop.targets import name_of
from desktop.ui.browser import ask_to_visit
from desktop.ui.compare import ComparePage
from desktop.ui.licence_change import LicenceChange
from desktop.ui.licence_text import LicenceText
from desktop.ui.side_chooser import Choice
from desktop.ui.tasks import Tasks, once
from desktop.ui.window import Window
from desktop.versions import Change

TEXT_TASK = "licence text"
CHANGE_TASK = "change of licence {reference}"
COMPARE_TASK = "compare {side}"
PAGE = "compare"


class Licensing(QObject):
    """Knows the App; pages and panel call it through their signals."""

    def __init__(self, tasks: Tasks, app: App, window: Window, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks, self._app, self._window = tasks, app, window
        self._from = "chat"  # the page that the comparison leads back to
        self.page = ComparePage()
        window.add_page(PAGE, self.page)
        self.page.back_clicked.connect(lambda: window.show_page(self._from))
        self.page.chosen.connect(self._on_chosen)

    def read(self, reference: str, ruling: Ruling) -> None:
        """Show the texts of a model's licences, as far as they are here."""
        licences = [each for each in ruling.licences if each.url or each.text_path]
        host = self._app.hub.host if reference and not self._app.settings.offline else ""
        dialog = LicenceText(licences, self._app.texts, self._window, host=host)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.fetch_clicked.connect(lambda: self._fetch(reference, dialog))
        dialog.open()

    def _fetch(self, reference: str, dialog: LicenceText) -> None:
        dialog.show_fetching()
        task = self._tasks.start(self._app.rights.fetch_text(self._app.targets.of(reference)), key=TEXT_TASK)
        dialog.finished.connect(task.cancel)
        task.done.connect(dialog.show_fetched)
        task.failed.connect(dialog.show_failed)

    def visit(self, address: str) -> None:
        """Ask before the browser opens."""
        ask_to_visit(address, self._window)

    def compare(self, name: str, ruling: Ruling) -> None:
        """Put a licence beside another one, which is chosen there."""
        self._from = self._window.page
        self.page.set_choices(self._choices())
        self._window.show_page(PAGE)
        self.page.show_first(name, ruling)

    def show_change(self, change: Change) -> None:
        """Put the licence of the version here beside that of the other."""
        self.compare(self.tr("{name}, as you have it").format(name=change.name), change.was)
        self.page.show_side(1, self.tr("{name}, the other version").format(name=change.name), change.now)

    def ask_before(self, reference: str, go_on: Callable[[str], None]) -> None:
        """Go on with a download, after a question where it comes under another licence than the version that is here."""
        if not self._app.rights.other_versions(reference):
            return go_on(reference)
        task = self._tasks.start(self._app.rights.licence_change(reference), key=CHANGE_TASK.format(reference=reference))
        task.done.connect(lambda change: self._on_looked(change, reference, go_on))
        task.failed.connect(lambda _: go_on(reference))  # it meets the same, and has the words for it

    def _on_looked(self, change: Change | None, reference: str, go_on: Callable[[str], None]) -> None:
        if change is None:
            return go_on(reference)
        dialog = LicenceChange(change, self._window)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(lambda: go_on(reference))
        dialog.compare_clicked.connect(lambda: self.show_change(change))
        dialog.open()

    def _choices(self) -> list[Choice]:
        """Everything that has a licence and can be told without asking anybody: models here, the catalogue, licences."""
        app = self._app
        here = [
            Choice(each.id, name_of(app.targets.of(each.id)), self.tr("on this computer"))
            for each in app.library.list()
            if each.complete
        ]
        listed = [Choice(each.id, each.name, self.tr("can be downloaded")) for each in app.catalogue.models]
        licences = [Choice(id, each.name, self.tr("licence")) for id, each in app.licences.items() if id != UNKNOWN]
        known: dict[str, Choice] = {}
        for choice in (
            *here,
            *sorted(listed, key=lambda each: each.name.lower()),
            *sorted(licences, key=lambda each: each.name.lower()),
        ):
            known.setdefault(choice.reference, choice)
        return list(known.values())

    def _on_chosen(self, side: int, reference: str, name: str) -> None:
        """Find its licence; a file's own word may take a moment to read."""
        task = self._tasks.start(once(self._app.rights.licence, reference), key=COMPARE_TASK.format(side=side))
        task.done.connect(lambda ruling: self.page.show_side(side, name, ruling))
        task.failed.connect(self._on_failed)

    def _on_failed(self, error: AlcoveError) -> None:
        self._window.toast.tell(error)
