"""The one door to the outside: proxies, certificates, timeouts, the offline switch, and a record of every request.

Nothing else in Alcove opens a connection to another computer. `Network.client(purpose)` gives a client whose every request, each
hop of a redirect included, is checked against the offline switch before a socket is opened and is recorded as an `Activity`.
The computer's own loopback address is no outside: it is allowed when offline and never goes through a proxy.
"""

import errno
import json
import logging
import os
import socket
import ssl
import threading
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpcore2
import httpx2

from desktop import __version__, guard
from desktop.address import is_address, is_loopback, proxy_for, without_password
from desktop.errors import AlcoveError, Forbidden, Gated, NotFound, Offline, ServerRefused, Unreachable
from desktop.metered import metered

__all__ = ["Activity", "Client", "Network", "Response", "metered", "refusal", "why"]

CONNECT_S, READ_S = 10.0, 15.0
_TIMEOUT = httpx2.Timeout(READ_S, connect=CONNECT_S)
READ_BYTES = 1 << 20  # taken off a connection at once: httpcore2's own 64 KB cost half as much again of the processor
REMEMBERED = 500  # activities kept in memory
LOG_BYTES = 1_000_000  # the log file is turned over at this size; one older file is kept

Response = httpx2.Response

httpcore2.HTTP11Connection.READ_NUM_BYTES = READ_BYTES

# Both write whole addresses to the program's log, and those of a content network carry a signature.
logging.getLogger("httpx2").setLevel(logging.WARNING)
logging.getLogger("httpcore2").setLevel(logging.WARNING)


@dataclass(frozen=True)
class Activity:
    """One request: when, to whom, what for, how much; `error` in plain words, `open` while it still runs."""

    time: datetime
    host: str
    purpose: str
    sent_bytes: int = 0
    received_bytes: int = 0
    status: int | None = None
    error: str | None = None
    open: bool = True


class Network:
    """Makes clients, decides what may leave, remembers what did. Safe to use from any thread."""

    def __init__(self, *, offline: bool = False, ca_file: Path | None = None, log_path: Path | None = None) -> None:
        guard.stand()
        self.plain_hosts: set[str] = set()  # mirrors that were asked for by an explicit http:// address
        self._offline = offline
        self._ca_file = ca_file
        self._log_path = log_path
        self._lock = threading.Lock()
        self._exchanges: deque[_Exchange] = deque(maxlen=REMEMBERED)
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

    def client(self, purpose: str) -> "Client":
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
            raise Offline(host=url.host)
        if url.scheme != "https" and url.host not in self.plain_hosts:
            raise Forbidden(what=f"An unencrypted connection to {url.host}", rule="Alcove connects by https only")

    @property
    def activity(self) -> tuple[Activity, ...]:
        """The latest requests, oldest first, those under way with their bytes so far."""
        with self._lock:
            return tuple(exchange.activity for exchange in self._exchanges)

    @property
    def busy(self) -> frozenset[tuple[str, str]]:
        """(host, purpose) of every request under way."""
        return frozenset((a.host, a.purpose) for a in self.activity if a.open)

    def certificates(self) -> ssl.SSLContext:
        """The system's certificates, and those of the organisation's own file if one was given. Raises NotFound."""
        with self._lock:
            if self._certificates is None:
                import truststore

                context = truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
                if self._ca_file:
                    try:
                        context.load_verify_locations(str(self._ca_file))
                    except OSError as error:  # ssl.SSLError, for a file without a certificate, is one too
                        raise NotFound(what=f"certificate in {self._ca_file}", host="This computer") from error
                self._certificates = context
            return self._certificates

    def _begin(self, host: str, purpose: str) -> "_Exchange":
        exchange = _Exchange(self, Activity(datetime.now(UTC), host, purpose))
        with self._lock:
            self._exchanges.append(exchange)
        return exchange

    def _log(self, activity: Activity) -> None:
        """One JSON line. No path and no query: both can hold secrets."""
        if self._log_path is None:
            return
        fields = {k: v for k, v in vars(activity).items() if k not in ("time", "open")}
        line = json.dumps({"time": activity.time.isoformat(timespec="milliseconds"), **fields}, ensure_ascii=False)
        # A full disk or a folder made read-only must not stop the request itself; the memory still has the record.
        with self._lock, suppress(OSError):
            self._log_path.parent.mkdir(parents=True, exist_ok=True)
            if self._log_path.exists() and self._log_path.stat().st_size + len(line) > LOG_BYTES:
                os.replace(self._log_path, self._log_path.with_suffix(".old" + self._log_path.suffix))
            with self._log_path.open("a", encoding="utf-8") as log:
                log.write(line + "\n")


class Client(httpx2.Client):
    """An HTTP client that goes through the door. Its errors are AlcoveErrors: Offline, Forbidden, Unreachable."""

    def __init__(self, network: Network, purpose: str) -> None:
        self._door = _Door(network, purpose)
        super().__init__(
            transport=self._door,
            headers={"User-Agent": f"alcove/{__version__}"},
            timeout=_TIMEOUT,
            follow_redirects=True,  # a token is dropped by httpx2 when the next hop is another host or port
        )

    def send(self, request: httpx2.Request, **how: Any) -> Response:
        """As httpx2's; what goes wrong between two requests is an AlcoveError, too."""
        try:
            return super().send(request, **how)
        except httpx2.RequestError as error:  # too many redirects, or one to nowhere
            raise Unreachable(host=request.url.host, why=why(error)) from error

    def hang_up(self) -> None:
        """End the requests that are under way; new ones may follow."""
        self._door.hang_up()

    def abort(self) -> None:
        """End the requests that are under way, and any that has not begun yet, from another thread."""
        self._door.aborted = True
        self._door.hang_up()


class _Exchange:
    """A request while it runs: its Activity is replaced as bytes come in."""

    def __init__(self, network: Network, activity: Activity) -> None:
        self._network = network
        self.activity = activity

    def received(self, count: int) -> None:
        self.activity = replace(self.activity, received_bytes=self.activity.received_bytes + count)

    def answered(self, request: httpx2.Request, response: Response) -> None:
        sent = len(request.url.raw_path) + _length(request.headers) + int(request.headers.get("Content-Length", 0))
        self.activity = replace(
            self.activity, status=response.status_code, sent_bytes=sent, received_bytes=_length(response.headers)
        )

    def end(self, error: str | None = None) -> None:
        if self.activity.open:
            self.activity = replace(self.activity, open=False, error=error)
            self._network._log(self.activity)


class _Door(httpx2.BaseTransport):
    """The transport below a Client: check, record, send, and translate what goes wrong."""

    def __init__(self, network: Network, purpose: str) -> None:
        self.aborted = False
        self._network = network
        self._purpose = purpose
        self._lock = threading.Lock()
        self._ways: dict[str | None, httpx2.HTTPTransport] = {}
        self._sockets: list[socket.socket] = []

    def handle_request(self, request: httpx2.Request) -> Response:
        host = request.url.host
        exchange = self._network._begin(host, self._purpose)
        try:
            self._network.check(request.url)
            asked = request.extensions.get("timeout", {})  # huggingface_hub asks for none at all
            request.extensions = {
                **request.extensions,
                "timeout": {key: asked.get(key) or usual for key, usual in _TIMEOUT.as_dict().items()},
                "trace": lambda event, details: self._trace(event, details, request.url),
            }
            with guard.passage(lambda: not self._network.offline):
                response = self._way(request.url).handle_request(request)
            _refuse_inward(request.url, response)
        except (httpx2.TransportError, UnicodeError) as error:  # UnicodeError: of a name that none can have
            proxy = proxy_for(str(request.url))
            reason = why(error) + (f" (through the proxy {without_password(proxy)})" if proxy else "")
            exchange.end(reason)
            raise Unreachable(host=host, why=reason) from error
        except AlcoveError as error:
            exchange.end(str(error))
            raise
        exchange.answered(request, response)
        assert isinstance(response.stream, httpx2.SyncByteStream)
        response.stream = _Counted(response.stream, exchange)
        return response

    def hang_up(self) -> None:
        """Shut the sockets down, which wakes a thread that waits on one; closing them would not."""
        with self._lock:
            sockets = list(self._sockets)
        for each in sockets:
            with suppress(OSError):
                socket.socket.shutdown(each, socket.SHUT_RDWR)  # the plain one: SSLSocket's forgets its session

    def close(self) -> None:
        for way in self._ways.values():
            way.close()

    def _way(self, url: httpx2.URL) -> httpx2.HTTPTransport:
        """The pool of connections that leads to this address: straight, or through its proxy."""
        proxy = proxy_for(str(url))
        if proxy and not is_address(proxy):
            raise Unreachable(host=url.host, why=f"Alcove cannot use a proxy of this kind ({without_password(proxy)})")
        with self._lock:
            if self.aborted:
                raise Unreachable(host=url.host, why=_CUT)
            if proxy not in self._ways:
                self._ways[proxy] = httpx2.HTTPTransport(verify=self._network.certificates(), proxy=proxy)
            return self._ways[proxy]

    def _trace(self, event: str, details: dict[str, Any], url: httpx2.URL) -> None:
        """Called by httpcore2 for each step of a connection; remembers its sockets so that hang_up() finds them."""
        if not event.endswith(("connect_tcp.complete", "start_tls.complete")):
            return
        opened = details["return_value"].get_extra_info("socket")
        with self._lock:
            self._sockets = [each for each in self._sockets if each.fileno() != -1]
            self._sockets.append(opened)
        if self.aborted or (self._network.offline and not is_loopback(url.host)):
            self.hang_up()


class _Counted(httpx2.SyncByteStream):
    """A response's body that counts its bytes as they come off the wire."""

    def __init__(self, stream: httpx2.SyncByteStream, exchange: _Exchange) -> None:
        self._stream = stream
        self._exchange = exchange

    def __iter__(self) -> Iterator[bytes]:
        try:
            for chunk in self._stream:
                self._exchange.received(len(chunk))
                yield chunk
        except httpx2.TransportError as error:
            self._exchange.end(why(error))
            raise Unreachable(host=self._exchange.activity.host, why=why(error)) from error

    def close(self) -> None:
        self._exchange.end()
        self._stream.close()


def why(error: BaseException) -> str:
    """What went wrong with a connection, in plain words, without a full stop."""
    if isinstance(error, httpx2.ConnectTimeout):
        return f"it did not answer within {CONNECT_S:.0f} seconds"
    if isinstance(error, httpx2.TimeoutException):
        return f"nothing came from it for {READ_S:.0f} seconds"
    if isinstance(error, httpx2.TooManyRedirects):
        return "it sends from one address to the next without an end"
    if isinstance(error, httpx2.ProxyError):
        return f"the proxy did not let it through ({error})"
    for cause in _causes(error):
        match cause:
            case guard.Refused():
                return "Alcove was set to offline"
            case socket.gaierror() | UnicodeError():
                return "its name could not be found; this computer may not be connected to the internet"
            case ssl.SSLCertVerificationError():
                return (
                    f"its certificate is not trusted ({cause.verify_message}); "
                    "on a company network, give Alcove the company's certificate"
                )
            case ssl.SSLError():
                return "no secure connection could be made"
            case ConnectionRefusedError():
                return "the connection was refused"
            case OSError(errno=errno.ENETUNREACH | errno.EHOSTUNREACH | errno.ENETDOWN):
                return "there is no network connection"
    return "no connection could be made" if isinstance(error, httpx2.ConnectError) else _CUT


def refusal(response: Response, *, what: str, repo: str, page: str) -> AlcoveError:
    """The error for an answer of 400 and above: Gated, NotFound, or ServerRefused (fact `wait_s` if the server named one)."""
    host, status = response.url.host, response.status_code
    code = response.headers.get("X-Error-Code")  # huggingface.co hides what is private or gone behind a 401
    elsewhere = bool(response.history) and response.history[0].url.host != host
    if status in (401, 403) and elsewhere:
        return ServerRefused(host=host, status=status, why="the download link has expired", wait_s=0.0)
    if status in (404, 410) or code in ("RepoNotFound", "RevisionNotFound", "EntryNotFound"):
        return NotFound(what=what, host=host)
    if status == 401 and code != "GatedRepo" and "Authorization" in response.request.headers:
        return ServerRefused(
            host=host, status=status, why="the access token was not accepted; check it in Settings or in HF_TOKEN"
        )
    if status in (401, 403) and repo == host:  # any web server: there are no terms to accept
        return ServerRefused(host=host, status=status, why="it lets in only people whom it knows; fetch the file with a browser")
    if status in (401, 403):
        return Gated(repo=repo, page=page)
    facts = {"host": host, "status": status}
    wait = response.headers.get("Retry-After", "")
    if wait.isdecimal():
        facts["wait_s"] = float(wait)
    if status == 429:
        return ServerRefused(why="too many requests at the moment; try again in a few minutes", **facts)
    if status >= 500:
        return ServerRefused(why="it has a problem of its own; try again later", **facts)
    return ServerRefused(why=response.reason_phrase or "it did not say why", **facts)


_CUT = "the connection was cut"


def _refuse_inward(url: httpx2.URL, response: Response) -> None:
    """Raise Forbidden when another computer sends us to a program that serves this one alone."""
    if not response.has_redirect_location or is_loopback(url.host):
        return
    with suppress(httpx2.InvalidURL):  # it leads nowhere, which is told later
        if is_loopback(url.join(response.headers["Location"]).host):
            response.close()
            raise Forbidden(what=f"A redirect from {url.host} to this computer itself", rule="it is no business of the other's")


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _length(headers: httpx2.Headers) -> int:
    return sum(len(name) + len(value) + 4 for name, value in headers.raw)
