"""What the network's part of Settings asks for: secrets go into the keyring, a certificate is trusted, the connection tested."""

from PySide6.QtCore import QObject, Signal

from desktop.app import App
from desktop.diagnosis import Diagnosis
from desktop.errors import AlcoveError
from desktop.keychain import PROXY
from desktop.ui.network_settings import NetworkSettings
from desktop.ui.tasks import Tasks, once


class Connecting(QObject):
    """Carries out for `card` what takes its time; `trouble` says why settings could not be kept."""

    trouble = Signal(AlcoveError)

    def __init__(self, tasks: Tasks, app: App, card: NetworkSettings, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._tasks, self._app, self._card = tasks, app, card
        card.token_entered.connect(self.keep_token)
        card.token_removed.connect(self.forget_token)
        card.proxy_password_entered.connect(self._keep_password)
        card.certificate_chosen.connect(self._trust)
        card.test_clicked.connect(self.test)
        card.show_token(app.token_from)

    def keep_token(self, token: str) -> None:
        """Show the Hub this token from now on, and at the next start if a keyring keeps it."""
        self._app.use_token(token)
        task = self._tasks.start(once(self._app.keep_token, token), key="token")
        task.done.connect(self._show_token)

    def forget_token(self) -> None:
        """Show the Hub no token any more."""
        task = self._tasks.start(once(self._app.forget_token), key="token")
        task.done.connect(lambda _: self._show_token(False))

    def _show_token(self, kept: bool) -> None:
        self._app.settings.token_kept = kept
        self._save()
        self._card.show_token(self._app.token_from)

    def _keep_password(self, password: str) -> None:
        task = self._tasks.start(once(self._app.keychain.keep, PROXY, password), key="password")
        task.done.connect(self._card.proxy.show_kept)

    def _trust(self, ca_file: str) -> None:
        try:
            self._app.trust(ca_file)
        except AlcoveError as error:
            self._card.show_certificate(error)
        else:
            self._card.show_certificate()

    def test(self) -> None:
        """Ask the Hub, and say what came of it."""
        self._card.show_testing()
        task = self._tasks.start(self._app.test_connection(), key="connection")
        task.done.connect(self._on_tested)
        task.failed.connect(self._card.show_not_connected)

    def _on_tested(self, found: Diagnosis) -> None:
        self._card.show_tested(found.sentence)

    def _save(self) -> None:
        try:
            self._app.save_settings()
        except AlcoveError as error:
            self.trouble.emit(error)
