"""The test of the connection, against real servers and proxies of this computer: each thing in the way has its sentence."""

import json
import select
import socket
import ssl
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from desktop import mirror
from desktop.diagnosis import Diagnosis, diagnose
from desktop.errors import AlcoveError, Forbidden, NoCertificate, Offline, ServerRefused, Unreachable
from desktop.hub import Hub
from desktop.judging import end
from desktop.network import Network
from tests.hub_server import Fault, HubServer
from tests.test_network import serving

CERTIFICATE = Path(__file__).with_name("localhost.pem")
LOGIN = "Basic " + b64encode(b"me:secret").decode()


class Proxy(BaseHTTPRequestHandler):
    """Leads every address to one server of this computer, by CONNECT and for plain requests, whoever has the login if it asks."""

    to = ("127.0.0.1", 0)
    login: str | None = None

    def do_CONNECT(self) -> None:
        if self.refuses():
            return
        with socket.create_connection(self.to) as server:
            self.send_response(200)
            self.end_headers()
            ends = {self.connection: server, server: self.connection}
            while ready := select.select(list(ends), [], [], 5)[0]:
                for end_ in ready:
                    if not (piece := end_.recv(65536)):
                        return
                    ends[end_].sendall(piece)

    def do_GET(self) -> None:
        if self.refuses():
            return
        server = HTTPConnection(*self.to)
        server.request("GET", self.path.partition(urlsplit(self.path).netloc)[2], headers={"Host": self.headers["Host"]})
        answer = server.getresponse()
        body = answer.read()
        server.close()
        self.send_response(answer.status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def refuses(self) -> bool:
        if self.login is None or self.headers.get("Proxy-Authorization") == self.login:
            return False
        self.send_error(407)
        return True

    def log_message(self, format: str, *args: object) -> None:
        pass


def answering(status: int, body: bytes, headers: dict[str, str]) -> type[BaseHTTPRequestHandler]:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Answer


@pytest.fixture
def network() -> Network:
    return Network()


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        server.add("maker/model", {"model.gguf": b"GGUF"})
        yield server


def answer_of(network: Network, endpoint: str, token: str | None = None) -> Diagnosis:
    return end(diagnose(Hub(network, endpoint, token), network))


def stopped(network: Network, endpoint: str, token: str | None = None) -> AlcoveError:
    with pytest.raises(AlcoveError) as caught:
        answer_of(network, endpoint, token)
    return caught.value


def test_the_hub_answers(network: Network, hub: HubServer) -> None:
    found = answer_of(network, hub.endpoint)
    assert found.sentence.startswith("127.0.0.1 answered in 0.")
    assert (found.hub, found.proxy, found.token) == ("127.0.0.1", None, False)
    assert {(a.host, a.purpose) for a in network.activity} == {("127.0.0.1", "test the connection")}


def test_the_token_is_shown_and_known_or_refused(network: Network, hub: HubServer) -> None:
    assert "It knows the access token." in answer_of(network, hub.endpoint, hub.token).sentence
    refused = stopped(network, hub.endpoint, "hf_old")
    assert isinstance(refused, ServerRefused)
    assert "the access token was not accepted; check it in Settings" in str(refused)


def test_a_mirror_that_knows_nobody(network: Network) -> None:
    with serving(answering(200, b"[]", {})) as server:  # whatever it is asked
        assert answer_of(network, f"http://127.0.0.1:{server.server_port}").token is False


MODEL = {
    "repo": "maker/model",
    "reference": "hf:maker/model/model.gguf",
    "files": [{"name": "model.gguf", "path": "maker/model/model.gguf", "size_bytes": 4, "sha256": "0" * 64}],
}


def test_a_plain_web_server_with_a_bundle(network: Network) -> None:
    class Plain(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            there = self.path == f"/{mirror.NAME}"
            body = json.dumps({"format": 1, "created": "2026-11-26", "models": [MODEL]}).encode() if there else b"Not found"
            self.send_response(200 if there else 404)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: object) -> None:
            pass

    with serving(Plain) as server:
        assert "It is a mirror; number of models: 1." in answer_of(network, f"http://127.0.0.1:{server.server_port}").sentence


def test_offline_and_not_allowed(network: Network) -> None:
    network.offline = True
    assert isinstance(stopped(network, "https://hub.example"), Offline)
    network.offline = False
    network.allowed_hosts = ("mirror.example",)
    assert isinstance(stopped(network, "https://hub.example"), Forbidden)


def test_a_name_that_nobody_knows(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown(*_: object) -> None:
        raise socket.gaierror(-2, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    assert "its name could not be found" in str(stopped(network, "https://hub.example"))


def test_something_else_answers(network: Network) -> None:
    for status, body in ((200, b"<html>welcome</html>"), (404, b"nothing here"), (200, b'{"models": []}'), (200, b"[1]")):
        with serving(answering(status, body, {})) as server:
            error = stopped(network, f"http://127.0.0.1:{server.server_port}")
        assert "something answers there, but it is no Hub" in str(error)


def test_a_network_that_wants_a_login_first(network: Network) -> None:
    with ExitStack() as stack:
        portal = stack.enter_context(serving(answering(200, b"<html>sign in</html>", {})))
        there = f"http://localhost:{portal.server_port}/"
        server = stack.enter_context(serving(answering(302, b"", {"Location": there})))
        error = stopped(network, f"http://127.0.0.1:{server.server_port}")
    assert "sent the request on to localhost; sign in there" in str(error)


def test_a_hub_with_a_problem_of_its_own(network: Network, hub: HubServer) -> None:
    hub.faults.append(Fault("status", at="api", status=503))
    assert "a problem of its own" in str(stopped(network, hub.endpoint))


def test_a_clock_that_is_wrong(network: Network) -> None:
    for date, wrong in (("Mon, 01 Jan 2001 00:00:00 GMT", True), ("yesterday", False)):
        with serving(answering(200, b"[]", {"Date": date})) as server:
            found = answer_of(network, f"http://127.0.0.1:{server.server_port}")
        assert ("Check the date of this computer" in found.sentence) is wrong


def through(network: Network, proxy: HTTPServer, login: str = "") -> None:
    network.proxy_for = lambda url: f"http://{login}127.0.0.1:{proxy.server_port}" if "example" in url else None


def test_a_proxy_with_a_password(network: Network, hub: HubServer) -> None:
    class Asking(Proxy):
        to, login = ("127.0.0.1", urlsplit(hub.endpoint).port or 0), LOGIN

    with serving(Asking) as proxy:
        for login in ("", "me:wrong@"):
            through(network, proxy, login)
            for endpoint in ("http://hub.example", "https://hub.example"):
                assert "the proxy wants a name and a password" in str(stopped(network, endpoint))
        through(network, proxy, "me:secret@")
        found = answer_of(network, "http://hub.example")
        assert found.proxy == f"http://127.0.0.1:{proxy.server_port}"
        assert found.sentence.startswith("hub.example answered in")
        assert f"through the proxy http://127.0.0.1:{proxy.server_port}." in found.sentence
        assert "secret" not in repr(found)


def test_a_proxy_that_is_not_there(network: Network) -> None:
    network.proxy_for = lambda url: "http://127.0.0.1:1"
    error = stopped(network, "https://hub.example")
    assert isinstance(error, Unreachable)
    assert "the connection was refused (through the proxy http://127.0.0.1:1)" in str(error)


def test_a_proxy_that_opens_what_is_secret(network: Network, tmp_path: Path) -> None:
    """As in companies that look into what is sent: the certificate is the proxy's, and is to be given to Alcove."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with serving(answering(200, b"[]", {}), context) as server:

        class Looking(Proxy):
            to = ("127.0.0.1", server.server_port)

        with serving(Looking) as proxy:
            through(network, proxy)
            error = str(stopped(network, "https://hub.example"))
            assert "its certificate is not trusted" in error
            assert "give Alcove the company's certificate" in error
            with pytest.raises(NoCertificate):
                network.trust(tmp_path / "absent.pem")
            network.trust(CERTIFICATE)  # which is for another name
            assert "Hostname mismatch" in str(stopped(network, "https://hub.example"))
        assert answer_of(network, f"https://localhost:{server.server_port}").hub == "localhost"
