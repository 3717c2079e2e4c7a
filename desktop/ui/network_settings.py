"""The network's part of the page Settings: offline, a test, the proxy, a company's certificate, the Hub's access token."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QFileDialog, QHBoxLayout, QLineEdit, QVBoxLayout, QWidget

from desktop.errors import AlcoveError
from desktop.hub import ENDPOINT
from desktop.policy import Policy
from desktop.settings import Settings
from desktop.ui import theme
from desktop.ui.buttons import Button, Switch
from desktop.ui.cards import Card, line
from desktop.ui.details import CopyDetails
from desktop.ui.labels import Label
from desktop.ui.messages import explain
from desktop.ui.proxy_settings import ProxySettings
from desktop.ui.setting import decided, row


class NetworkSettings(Card):
    """Changes fields of `settings` and says which. Secrets and files are handed on; the answers are shown by show_…()."""

    changed = Signal(str)  # the field's name
    activity_clicked = Signal()
    test_clicked = Signal()
    certificate_chosen = Signal(str)  # its path; "" for none any more
    proxy_password_entered = Signal(str)
    token_entered = Signal(str)
    token_removed = Signal()

    def __init__(self, settings: Settings, host: str) -> None:
        """host: where models come from."""
        super().__init__(spacing=theme.GRID * 2)
        self._settings, self._host = settings, host
        self.proxy = ProxySettings(settings)
        self.proxy.changed.connect(self.changed)
        self.proxy.password_entered.connect(self.proxy_password_entered)
        self.body.addWidget(Label(self.tr("Network"), "section", "accent"))
        self._add_offline()
        for part in (self._test(), self.proxy, self._certificate(), self._token()):
            self.body.addWidget(line())
            self.body.addWidget(part)
        self.show_certificate()
        self.show_token("none")

    def show_decided(self, policy: Policy, keys: Sequence[str] = ()) -> None:
        """What the organisation has locked that is shown nowhere else, and the keys of those who may sign newer lists."""
        self.proxy.show_decided(policy.locks)
        hub, hosts = self._settings.hub_endpoint, ", ".join(self._settings.allowed_hosts)
        shown = (
            ("hub_endpoint", self.tr("Where models come from"), hub or ENDPOINT),
            ("allowed_hosts", self.tr("Computers that may be asked"), hosts or self.tr("Those that are asked for.")),
        )
        for setting, name, value in shown:
            if setting in policy.locks:
                self.body.addWidget(line())
                self.body.addWidget(decided(name, value, policy.locks[setting]))
        if keys or "catalogue_keys" in policy.locks:
            name, words = self.tr("Who may sign newer lists of models"), self._signers(keys)
            where = policy.locks.get("catalogue_keys", "")
            self.body.addWidget(line())
            self.body.addWidget(decided(name, words, where) if where else row(name, words, Label("")))

    def _signers(self, keys: Sequence[str]) -> str:
        if not keys:
            return self.tr("Nobody: only the list that came with Alcove is used.")
        one = self.tr("Whoever has the secret part of this key. Other lists are not used.")
        words = self.tr("Whoever has the secret part of one of these keys. Other lists are not used.") if len(keys) > 1 else one
        return "\n".join((words, *keys))

    # --- offline --------------------------------------------------------------------------------------------------------------

    def _add_offline(self) -> None:
        self.offline = Switch(self.tr("Stay offline"), self._settings.offline)
        self.offline.toggled.connect(self._on_offline_toggled)
        words = self.tr("Alcove then connects to no other computer. Chats work as before; searching and downloading do not.")
        activity = Button(self.tr("See what was sent and received"), "link")
        activity.clicked.connect(self.activity_clicked)
        self.body.addWidget(row(self.tr("Stay offline"), words, self.offline, "offline"))
        self.body.addWidget(activity, 0, Qt.AlignmentFlag.AlignLeft)

    def show_offline(self, on: bool) -> None:
        """The offline switch, wherever it was moved."""
        self.offline.blockSignals(True)
        self.offline.setChecked(on)
        self.offline.blockSignals(False)
        self.offline.update()

    def _on_offline_toggled(self, on: bool) -> None:
        self._settings.offline = on
        self.changed.emit("offline")

    # --- test -----------------------------------------------------------------------------------------------------------------

    def _test(self) -> QWidget:
        self.test = Button(self.tr("Test connection"))
        self.test.clicked.connect(self.test_clicked)
        words = self.tr("Asks {host}, where models come from, and says what stands in the way.").format(host=self._host)
        self._tested = Label(words, "small", "soft")
        self.copy_tested = CopyDetails()
        return row(self.tr("Connection"), _one_below_the_other(self._tested, self.copy_tested), self.test)

    def show_testing(self) -> None:
        """The connection is being tested."""
        self._show_test(self.tr("Asking {host} …").format(host=self._host), "soft", over=False)

    def show_tested(self, sentence: str) -> None:
        """It works."""
        self._show_test(sentence, "ink", over=True)

    def show_not_connected(self, error: AlcoveError) -> None:
        """What stands in the way."""
        self._show_test(str(error), "bad", over=True)
        self.copy_tested.show_for(error)

    def _show_test(self, sentence: str, tone: str, *, over: bool) -> None:
        self._tested.setText(sentence)
        self._tested.set_tone(tone)
        self.test.setEnabled(over)
        self.copy_tested.show_for(None)

    # --- certificate ----------------------------------------------------------------------------------------------------------

    def _certificate(self) -> QWidget:
        self.choose_certificate = Button(self.tr("Choose a file …"), "secondary", "file")
        self.choose_certificate.clicked.connect(self._on_choose_clicked)
        self.drop_certificate = Button(self.tr("Do without it"), "quiet")
        self.drop_certificate.clicked.connect(lambda: self.certificate_chosen.emit(""))
        self._trusted = Label("", "small", "soft")
        both = _side_by_side(self.drop_certificate, self.choose_certificate)
        self.copy_refused = CopyDetails()
        words = _one_below_the_other(self._trusted, self.copy_refused)
        return row(self.tr("Certificate of your organisation"), words, both, "ca_file")

    def show_certificate(self, refused: AlcoveError | None = None) -> None:
        """Which file is trusted, or why one is not."""
        used = self._settings.ca_file
        words = self.tr("Only needed where a company looks into what is sent. The system's own certificates always count.")
        words = self.tr("{file} is trusted, in addition to the system's own.").format(file=Path(used).name) if used else words
        self._trusted.setText(explain(refused).sentence if refused else words)
        self.copy_refused.show_for(refused)
        self._trusted.set_tone("bad" if refused else "soft")
        self.drop_certificate.setVisible(bool(used))

    def _on_choose_clicked(self) -> None:
        kinds = self.tr("Certificates (*.pem *.crt *.cer *.der)") + ";;" + self.tr("All files (*)")
        chosen, _ = QFileDialog.getOpenFileName(self, self.tr("Choose a certificate"), str(Path.home()), kinds)
        if chosen:
            self.certificate_chosen.emit(chosen)

    # --- token ----------------------------------------------------------------------------------------------------------------

    def _token(self) -> QWidget:
        self.token = QLineEdit()
        self.token.setEchoMode(QLineEdit.EchoMode.Password)
        self.token.setPlaceholderText("hf_…")
        self.token.setAccessibleName(self.tr("Hugging Face access token"))
        self.token.returnPressed.connect(self._on_token_entered)
        self.use_token = Button(self.tr("Use it"))
        self.use_token.setAccessibleName(self.tr("Use this access token"))
        self.use_token.setEnabled(False)
        self.token.textChanged.connect(lambda words: self.use_token.setEnabled(bool(words.strip())))
        self.use_token.clicked.connect(self._on_token_entered)
        self.remove_token = Button(self.tr("Remove it"), "quiet")
        self.remove_token.setAccessibleName(self.tr("Remove the access token"))
        self.remove_token.clicked.connect(self.token_removed)
        self._token_said = Label("", "small", "soft")
        fields = _side_by_side(self.token, self.use_token, self.remove_token)
        return row(self.tr("Hugging Face access token"), self._token_said, fields)

    def show_token(self, found: str) -> None:
        """Where a token comes from, as App.token_from has it; the token itself is never shown."""
        words = {
            "none": self.tr("Some makers ask for one. It is sent to {host} only, and kept in this computer's keyring."),
            "keyring": self.tr("One is kept in this computer's keyring. It is sent to {host} only."),
            "session": self.tr("It is in use until Alcove is closed: no keyring on this computer would keep it."),
            "environment": self.tr("The one in HF_TOKEN is in use. It goes before one that is entered here."),
        }[found]
        self._token_said.setText(words.format(host=self._host))
        self._token_said.set_tone("warning" if found == "session" else "soft")
        self.remove_token.setVisible(found in ("keyring", "session"))
        for part in (self.token, self.use_token):
            part.setVisible(found != "environment")

    def _on_token_entered(self) -> None:
        token = self.token.text().strip()
        if token:
            self.token.clear()
            self.token_entered.emit(token)


def _one_below_the_other(words: Label, button: Button) -> QWidget:
    whole = QWidget()
    column = QVBoxLayout(whole)
    column.setContentsMargins(0, 0, 0, 0)
    column.setSpacing(2)
    column.addWidget(words)
    column.addWidget(button, 0, Qt.AlignmentFlag.AlignLeft)
    return whole


def _side_by_side(*parts: QWidget) -> QWidget:
    whole = QWidget()
    fields = QHBoxLayout(whole)
    fields.setContentsMargins(0, 0, 0, 0)
    fields.setSpacing(theme.GRID)
    if not isinstance(parts[0], QLineEdit):
        fields.addStretch(1)
    for part in parts:
        fields.addWidget(part, 1 if isinstance(part, QLineEdit) else 0)
    return whole
