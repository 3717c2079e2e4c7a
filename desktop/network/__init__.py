"""The one door to the outside: proxies, certificates, allowed hosts, timeouts, the offline switch, a record of every request.

Nothing else in Alcove opens a connection to another computer, and a guard below HTTP sees to it. `Network.client(purpose)` gives
a client whose every request, each hop of a redirect included, is checked before a socket is opened and recorded as an `Activity`.
The computer's own loopback address is no outside: it is allowed when offline and never goes through a proxy.
"""

import logging
import ssl
import threading
import weakref
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx2

from desktop.address import is_loopback, is_one_of, proxy_for
from desktop.errors import Forbidden, KeptOffline, NoCertificate, Offline
from desktop.network import guard
from desktop.network.activity import Activity, Exchange, Record
from desktop.network.door import Client
from desktop.network.failures import refusal, why
from desktop.network.metered import metered

__all__ = ["Activity", "Client", "Network", "Response", "metered", "refusal", "why"]

Response = httpx2.Response

# Both write whole addresses to the program's log, and those of a content network carry a signature.
logging.getLogger("httpx2").setLevel(logging.WARNING)
logging.getLogger("httpcore2").setLevel(logging.WARNING)


class Network:
    """Makes clients, decides what may leave, remembers what did. Safe to use from any thread.

    `proxy_for` names the proxy for an address, or None. `allowed_hosts`: when there are any, no other is connected to.
    """

    def __init__(self, *, offline: bool = False, ca_file: Path | None = None, log_path: Path | None = None) -> None:
        guard.stand()
        self.plain_hosts: set[str] = set()  # mirrors that were asked for by an explicit http:// address
        self.allowed_hosts: Sequence[str] = ()
        self.kept_offline = False  # the offline switch is not the person's
        self.proxy_for: Callable[[str], str | None] = proxy_for
        self.record = Record(log_path)
        self._offline = offline
        self._ca_file = ca_file
        self._lock = threading.Lock()
        self._clients: weakref.WeakSet[Client] = weakref.WeakSet()
        self._certificates: ssl.SSLContext | None = None

    @property
    def offline(self) -> bool:
        """The offline switch; turning it on also ends what is running."""
        return self._offline

    @offline.setter
    def offline(self, on: bool) -> None:
        self._offline = on
        if on:
            self.hang_up()

    def client(self, purpose: str) -> Client:
        """A client for one purpose, told in plain words ("download X"); close it, or use it in a `with`."""
        client = Client(self, purpose)
        with self._lock:
            self._clients.add(client)
        return client

    def hang_up(self) -> None:
        """End every request that is under way, from any thread."""
        with self._lock:
            clients = list(self._clients)
        for client in clients:
            client.hang_up()

    def check(self, url: httpx2.URL) -> None:
        """Raise Offline or Forbidden when this address may not be asked now."""
        if is_loopback(url.host):
            return
        if self.offline:
            raise (KeptOffline if self.kept_offline else Offline)(host=url.host)
        if self.allowed_hosts and not is_one_of(url.host, self.allowed_hosts):
            hosts = ", ".join(self.allowed_hosts)
            raise Forbidden(
                what=f"A connection to {url.host}", rule=f"the setting allowed_hosts lets Alcove connect only to {hosts}"
            )
        if url.scheme != "https" and url.host not in self.plain_hosts:
            raise Forbidden(what=f"An unencrypted connection to {url.host}", rule="Alcove connects by https only")

    @property
    def activity(self) -> tuple[Activity, ...]:
        """The latest requests, oldest first, those under way with their bytes so far."""
        return self.record.activity

    @property
    def busy(self) -> frozenset[tuple[str, str]]:
        """(host, purpose) of every request under way."""
        return frozenset((a.host, a.purpose) for a in self.activity if a.open)

    def certificates(self) -> ssl.SSLContext:
        """The system's certificates, and those of the organisation's own file if one was given. Raises NoCertificate."""
        with self._lock:
            if self._certificates is None:
                self._certificates = _trusting(self._ca_file)
            return self._certificates

    def trust(self, ca_file: Path | None) -> None:
        """Trust this file's certificates from the next connection on, in addition to the system's. Raises NoCertificate."""
        certificates = _trusting(ca_file)
        with self._lock:
            self._ca_file, self._certificates = ca_file, certificates

    def begin(self, host: str, purpose: str) -> Exchange:
        """Record a request that starts now."""
        return self.record.begin(host, purpose)


def _trusting(ca_file: Path | None) -> ssl.SSLContext:
    import truststore

    context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca_file is None:
        return context
    try:
        content = ca_file.read_bytes()
        if b"-----BEGIN" in content:
            context.load_verify_locations(str(ca_file))
        else:  # Windows exports them as bare bytes
            context.load_verify_locations(cadata=content)
    except (OSError, ValueError) as error:  # ssl.SSLError is an OSError; ValueError: nothing is in it
        raise NoCertificate(path=str(ca_file)) from error
    return context
