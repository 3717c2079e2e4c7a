"""By which proxy the network is reached: what the system says, none, or one with a name and a password."""

from collections.abc import Collection

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QGridLayout, QLineEdit, QVBoxLayout, QWidget

from desktop.address import STRAIGHT, is_address, with_scheme
from desktop.settings import Settings
from desktop.ui import theme
from desktop.ui.buttons import Button, Tabs
from desktop.ui.labels import Label
from desktop.ui.setting import row

SYSTEM, NONE, THIS = range(3)


class ProxySettings(QWidget):
    """Changes `proxy` and `proxy_user` of the settings; a password is handed on and not kept here."""

    changed = Signal(str)  # the field's name
    password_entered = Signal(str)

    def __init__(self, settings: Settings) -> None:
        super().__init__()
        self._settings = settings
        self.choice = Tabs([self.tr("System"), self.tr("None"), self.tr("This one")])
        self.choice.setAccessibleName(self.tr("Proxy"))
        self.address, self.user, self.password = self._fields()
        self.use = Button(self.tr("Use this proxy"))
        self.use.clicked.connect(self._on_entered)
        self._said = Label("", "small", "soft")
        self._said.hide()
        self._below = QWidget()
        fields = QGridLayout(self._below)
        fields.setContentsMargins(0, 0, 0, 0)
        fields.setSpacing(theme.GRID)
        fields.addWidget(self.address, 0, 0, 1, 3)
        fields.addWidget(self.user, 1, 0)
        fields.addWidget(self.password, 1, 1)
        fields.addWidget(self.use, 1, 2)
        fields.addWidget(self._said, 2, 0, 1, 3)
        whole = QVBoxLayout(self)
        whole.setContentsMargins(0, 0, 0, 0)
        whole.setSpacing(theme.GRID * 2)
        words = self.tr("Some networks let programs out only through one. System is right nearly everywhere.")
        whole.addWidget(row(self.tr("Proxy"), words, self.choice, "proxy"))
        whole.addWidget(self._below)
        chosen = {"": SYSTEM, STRAIGHT: NONE}.get(settings.proxy, THIS)
        self.choice.choose(chosen)
        self.choice.chosen.connect(self._on_chosen)
        self._below.setVisible(chosen == THIS)

    def _fields(self) -> tuple[QLineEdit, QLineEdit, QLineEdit]:
        address = QLineEdit("" if self._settings.proxy == STRAIGHT else self._settings.proxy)
        user, password = QLineEdit(self._settings.proxy_user), QLineEdit()
        password.setEchoMode(QLineEdit.EchoMode.Password)
        for field, hint, name in (
            (address, "proxy.example.com:3128", self.tr("Address of the proxy")),
            (user, self.tr("Name, if it asks for one"), self.tr("Name for the proxy")),
            (password, self.tr("Password"), self.tr("Password for the proxy")),
        ):
            field.setPlaceholderText(hint)
            field.setAccessibleName(name)
            field.returnPressed.connect(self._on_entered)
        return address, user, password

    def _on_chosen(self, index: int) -> None:
        self._below.setVisible(index == THIS)
        if index == THIS:  # which holds once an address is entered
            self.address.setFocus()
            return
        self._settings.proxy = STRAIGHT if index == NONE else ""
        self.changed.emit("proxy")

    def _on_entered(self) -> None:
        address = with_scheme(self.address.text().strip())
        if not is_address(address) or "@" in address:
            self._say(self.tr("This is no address of a proxy. One looks like proxy.example.com:3128."), "bad")
            return
        self._settings.proxy, self._settings.proxy_user = address, self.user.text().strip()
        self.address.setText(address)
        password = self.password.text()
        self.password.clear()
        if password:
            self.password_entered.emit(password)
        self._say(self.tr("It is in use from now on."), "soft")
        self.changed.emit("proxy")

    def show_decided(self, locks: Collection[str]) -> None:
        """What of it is locked: a name and a password may still be asked for."""
        self.address.setEnabled("proxy" not in locks)
        self.user.setEnabled("proxy_user" not in locks)

    def show_kept(self, kept: bool) -> None:
        """Whether the password will still be known at the next start."""
        if kept:
            self._say(self.tr("It is in use from now on. The password is kept in this computer's keyring."), "soft")
        else:
            words = self.tr("It is in use. No keyring on this computer would keep the password: enter it again after a restart.")
            self._say(words, "warning")

    def _say(self, words: str, tone: str) -> None:
        self._said.setText(words)
        self._said.set_tone(tone)
        self._said.show()
