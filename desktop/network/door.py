"""The transport below every client: a request is checked, recorded and sent, and what goes wrong becomes a stated error."""

import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import suppress
from typing import TYPE_CHECKING, Any

import httpcore2
import httpx2

from desktop import __version__
from desktop.address import is_address, is_loopback, without_password
from desktop.errors import AlcoveError, Forbidden, Unreachable
from desktop.network import guard
from desktop.network.activity import Exchange
from desktop.network.failures import CONNECT_S, CUT, READ_S, why

if TYPE_CHECKING:
    from desktop.network import Network

TIMEOUT = httpx2.Timeout(READ_S, connect=CONNECT_S)
READ_BYTES = 1 << 18  # taken off a connection at once: httpcore2's own 64 KB cost more of the processor

httpcore2.HTTP11Connection.READ_NUM_BYTES = READ_BYTES


class Client(httpx2.Client):
    """An HTTP client that goes through the door. Its errors are AlcoveErrors: Offline, Forbidden, Unreachable."""

    def __init__(self, network: "Network", purpose: str) -> None:
        self._door = _Door(network, purpose)
        super().__init__(
            transport=self._door,
            headers={"User-Agent": f"alcove/{__version__}"},
            timeout=TIMEOUT,
            follow_redirects=True,  # a token is dropped by httpx2 when the next hop is another host or port
        )

    def send(self, request: httpx2.Request, **how: Any) -> httpx2.Response:
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


class _Door(httpx2.BaseTransport):
    """The transport below a Client: check, record, send, and translate what goes wrong."""

    def __init__(self, network: "Network", purpose: str) -> None:
        self.aborted = False
        self._network = network
        self._purpose = purpose
        self._lock = threading.Lock()
        self._ways: dict[tuple[str | None, ssl.SSLContext], httpx2.HTTPTransport] = {}
        self._sockets: list[socket.socket] = []

    def handle_request(self, request: httpx2.Request) -> httpx2.Response:
        host = request.url.host
        exchange = self._network.begin(host, self._purpose)
        try:
            self._network.check(request.url)
            asked = request.extensions.get("timeout", {})  # huggingface_hub asks for none at all
            request.extensions = {
                **request.extensions,
                "timeout": {key: asked.get(key) or usual for key, usual in TIMEOUT.as_dict().items()},
                "trace": lambda event, details: self._trace(event, details, request.url),
            }
            with guard.passage(lambda: not self._network.offline):
                response = self._way(request.url).handle_request(request)
            _refuse_inward(request.url, response)
        except (httpx2.TransportError, UnicodeError) as error:  # UnicodeError: of a name that none can have
            proxy = self._network.proxy_for(str(request.url))
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
        proxy, certificates = self._network.proxy_for(str(url)), self._network.certificates()
        if proxy and not is_address(proxy):
            raise Unreachable(host=url.host, why=f"Alcove cannot use a proxy of this kind ({without_password(proxy)})")
        with self._lock:
            if self.aborted:
                raise Unreachable(host=url.host, why=CUT)
            way = (proxy, certificates)  # either may be changed while a client lives
            if way not in self._ways:
                self._ways[way] = httpx2.HTTPTransport(verify=certificates, proxy=proxy)
            return self._ways[way]

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

    def __init__(self, stream: httpx2.SyncByteStream, exchange: Exchange) -> None:
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


def _refuse_inward(url: httpx2.URL, response: httpx2.Response) -> None:
    """Raise Forbidden when another computer sends us to a program that serves this one alone."""
    if not response.has_redirect_location or is_loopback(url.host):
        return
    with suppress(httpx2.InvalidURL):  # it leads nowhere, which is told later
        if is_loopback(url.join(response.headers["Location"]).host):
            response.close()
            raise Forbidden(what=f"A redirect from {url.host} to this computer itself", rule="it is no business of the other's")
