"""A line that opens what a licence lets one do, below something that has little room."""

from desktop.licences import Ruling
from desktop.ui.cards import Fold
from desktop.ui.licence import LicenceView


class LicenceFold(Fold):
    """Built when it is opened for the first time. Connect to the signals of `.view`."""

    def __init__(self, ruling: Ruling, name: str) -> None:
        super().__init__("", kind="fold")
        self.button.set_text(self.tr("What its licence allows"))
        self.button.setAccessibleName(self.tr("What the licence of {name} allows").format(name=name))
        self._ruling = ruling
        self.view = LicenceView(wide=True)
        self.body.addWidget(self.view)
        self.opened.connect(self._on_opened)

    def _on_opened(self, on: bool) -> None:
        if on and not self.view.is_filled:
            self.view.show_ruling(self._ruling)
