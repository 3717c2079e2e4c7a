"""What nobody may read: the Hub's access token and the proxy's password, kept by the system's keyring. The only home of keyring.

Where there is no keyring that works, a secret is remembered until Alcove is closed, and written nowhere.
"""

from pathlib import Path

TOKEN, PROXY = "Hugging Face access token", "password of the proxy"


class Keychain:
    """The secrets of one home, by what they are. A keyring may take its time and ask the person: never call in the UI thread."""

    def __init__(self, home: Path) -> None:
        self._service = f"Alcove ({home})"
        self._known: dict[str, str | None] = {}  # what was looked up, and what no keyring would take

    def get(self, name: str) -> str | None:
        """A secret, or None. The keyring is asked once."""
        if name not in self._known:
            import keyring
            from keyring.errors import KeyringError

            try:
                self._known[name] = keyring.get_password(self._service, name)
            except (KeyringError, RuntimeError, OSError):  # none is there, or it stays locked
                self._known[name] = None
        return self._known[name]

    def keep(self, name: str, secret: str) -> bool:
        """Keep a secret; whether it will still be there at the next start."""
        import keyring
        from keyring.errors import KeyringError

        self._known[name] = secret
        try:
            keyring.set_password(self._service, name, secret)
            return keyring.get_password(self._service, name) == secret  # one that takes all and keeps nothing
        except (KeyringError, RuntimeError, OSError):
            return False

    def forget(self, name: str) -> None:
        """Remove a secret, if there is one."""
        import keyring
        from keyring.errors import KeyringError

        self._known[name] = None
        try:
            keyring.delete_password(self._service, name)
        except (KeyringError, RuntimeError, OSError):
            return
