import json
import socket
import ssl
import threading
from base64 import b64encode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer, ThreadingHTTPServer
from pathlib import Path

import httpx2
import pytest

from desktop.address import is_loopback, proxy_for, with_login, without_password
from desktop.errors import Forbidden, Gated, NoCertificate, NotFound, Offline, ServerRefused, Unreachable
from desktop.network import Client, Network, Response, refusal, why
from tests.hub_server import Fault, HubServer

CERTIFICATE = Path(__file__).with_name("localhost.pem")
BODY = b"GGUF" + bytes(200_000)


@pytest.fixture
def hub() -> Iterator[HubServer]:
    with HubServer() as server:
        server.add("maker/model", {"model.gguf": BODY})
        yield server


@pytest.fixture
def network(tmp_path: Path) -> Network:
    return Network(log_path=tmp_path / "logs" / "network.jsonl")


@contextmanager
def serving(handler: type[BaseHTTPRequestHandler], context: ssl.SSLContext | None = None) -> Iterator[HTTPServer]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = False
    server.handle_error = lambda *_: None  # type: ignore[method-assign]
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def replying(status: int, headers: dict[str, str], seen: list[tuple[str, str | None]]) -> type[BaseHTTPRequestHandler]:
    class Reply(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            seen.append((self.path, self.headers.get("Authorization")))
            self.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        do_CONNECT = do_GET

        def log_message(self, format: str, *args: object) -> None:
            pass

    return Reply


def file_url(hub: HubServer) -> str:
    return f"{hub.endpoint}/maker/model/resolve/main/model.gguf"


# --- what may leave -------------------------------------------------------------------------------------------------------------


def test_offline_refuses_before_any_connection(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    network.offline = True
    network.plain_hosts.add("mirror.example")
    seen: list[tuple[str, str | None]] = []
    with serving(replying(204, {}, seen)) as proxy, network.client("look") as client:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.server_port}")  # all that leaves would come here
        with pytest.raises(Offline) as caught:
            client.get("http://mirror.example/")
        assert seen == []
        network.offline = False
        client.get("http://mirror.example/")
        assert len(seen) == 1
        network.offline = True
        with pytest.raises(Offline):
            client.get("http://mirror.example/")
    assert caught.value.facts == {"host": "mirror.example"}
    assert len(seen) == 1
    assert network.activity[-1].error == str(caught.value)
    assert network.busy == frozenset()


def test_offline_leaves_the_computer_itself_reachable(network: Network, hub: HubServer) -> None:
    network.offline = True
    with network.client("look") as client:
        assert client.get(file_url(hub)).content == BODY


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.8.8.8", "::1", "[::1]"])
def test_loopback(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize(
    "host", ["localhost.example.org", "hub.localhost", "0.0.0.0", "10.0.0.1", "128.0.0.1", "", "example.org"]
)
def test_not_loopback(host: str) -> None:
    assert not is_loopback(host)


def test_plain_http_only_to_a_mirror_that_was_asked_for(network: Network) -> None:
    address = httpx2.URL("http://mirror.example/model.gguf")
    with network.client("look") as client, pytest.raises(Forbidden, match=r"unencrypted connection to mirror\.example"):
        client.get(address)
    network.plain_hosts.add("mirror.example")
    network.check(address)
    network.offline = True
    with pytest.raises(Offline):
        network.check(address)


def test_a_redirect_cannot_lead_out_while_offline(network: Network) -> None:
    network.offline = True
    with (
        serving(replying(302, {"Location": "https://example.org/x"}, [])) as server,
        network.client("look") as client,
        pytest.raises(Offline),
    ):
        client.get(f"http://127.0.0.1:{server.server_port}/")
    assert [a.host for a in network.activity] == ["127.0.0.1", "example.org"]


def test_a_redirect_cannot_lead_in(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    inside: list[tuple[str, str | None]] = []
    network.plain_hosts.add("mirror.example")
    with serving(replying(204, {}, inside)) as private:
        there = f"http://localhost:{private.server_port}/stop"
        with serving(replying(302, {"Location": there}, [])) as proxy, network.client("look") as client:
            monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.server_port}")
            with pytest.raises(Forbidden, match=r"redirect from mirror\.example"):
                client.get("http://mirror.example/")
            assert client.get(there).status_code == 204  # asked for in so many words
    assert [path for path, _ in inside] == ["/stop"]
    assert network.busy == frozenset()


def test_redirects_without_an_end_or_to_nowhere(network: Network) -> None:
    nowhere = f"https://{'n' * 300}.example/"
    for location, words in (("/again", "without an end"), (nowhere, "name could not be found")):
        with (
            serving(replying(302, {"Location": location}, [])) as server,
            network.client("look") as client,
            pytest.raises(Unreachable, match=words),
        ):
            client.get(f"http://127.0.0.1:{server.server_port}/")
    assert network.busy == frozenset()


def test_a_token_stays_with_its_host(network: Network, hub: HubServer) -> None:
    with network.client("look") as client:
        client.get(file_url(hub), headers={"Authorization": f"Bearer {hub.token}"})
    assert hub.asked("resolve")[0].headers["Authorization"] == f"Bearer {hub.token}"
    assert hub.asked("cdn")[0].headers["Authorization"] is None


# --- proxies and certificates ---------------------------------------------------------------------------------------------------


@pytest.fixture
def no_proxies(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)


@pytest.mark.usefixtures("no_proxies")
def test_the_environments_proxy_is_used_but_never_for_loopback(
    network: Network, hub: HubServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    network.plain_hosts.add("mirror.example")
    seen: list[tuple[str, str | None]] = []
    with serving(replying(204, {}, seen)) as proxy, network.client("look") as client:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.server_port}")
        assert client.get("http://mirror.example/model").status_code == 204
        assert client.get(file_url(hub)).content == BODY
    assert [path for path, _ in seen] == ["http://mirror.example/model"]


@pytest.mark.usefixtures("no_proxies")
def test_proxies_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "proxy.example:3128")
    monkeypatch.setenv("no_proxy", "inside.example")
    assert proxy_for("https://huggingface.co/x") == "http://proxy.example:3128"
    assert proxy_for("https://hub.inside.example/x") is None
    assert proxy_for("http://huggingface.co/x") is None
    assert without_password("http://me:secret@proxy.example:3128") == "http://proxy.example:3128"


@pytest.mark.usefixtures("no_proxies")
def test_a_proxy_of_a_strange_kind_is_named_without_its_password(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("all_proxy", "socks5://me:secret@proxy.example:1080")
    with network.client("look") as client, pytest.raises(Unreachable, match="cannot use a proxy of this kind") as caught:
        client.get("https://huggingface.co/")
    assert "secret" not in str(caught.value)


@pytest.mark.usefixtures("no_proxies")
@pytest.mark.parametrize("proxy", ["http://me:secret@[::1", "http://me:secret@proxy.example:port", "http://me:secret@:8080"])
def test_a_proxy_that_is_no_address(network: Network, monkeypatch: pytest.MonkeyPatch, proxy: str) -> None:
    monkeypatch.setenv("https_proxy", proxy)
    with network.client("look") as client, pytest.raises(Unreachable, match="cannot use a proxy of this kind") as caught:
        client.get("https://huggingface.co/")
    assert "secret" not in str(caught.value)


@pytest.mark.usefixtures("no_proxies")
def test_a_proxy_that_is_not_there_is_named(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("https_proxy", "http://me:secret@127.0.0.1:1")
    with network.client("look") as client, pytest.raises(Unreachable, match="through the proxy http://127.0.0.1:1") as caught:
        client.get("https://huggingface.co/")
    assert "secret" not in f"{caught.value} {network.activity}"


@pytest.mark.usefixtures("no_proxies")
def test_a_proxy_that_refuses(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(replying(403, {}, [])) as proxy, network.client("look") as client:
        monkeypatch.setenv("https_proxy", f"http://127.0.0.1:{proxy.server_port}")
        with pytest.raises(Unreachable, match=r"the proxy did not let it through \(403 Forbidden\)"):
            client.get("https://huggingface.co/")


def test_a_certificate_must_be_trusted_and_the_companys_own_can_be_given(network: Network) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    with serving(replying(204, {}, []), context) as server:
        address = f"https://localhost:{server.server_port}/"
        with network.client("look") as client, pytest.raises(Unreachable, match="its certificate is not trusted"):
            client.get(address)
        with Network(ca_file=CERTIFICATE).client("look") as client:
            assert client.get(address).status_code == 204


def test_a_certificate_file_that_is_none(tmp_path: Path, hub: HubServer) -> None:
    (tmp_path / "ca.pem").write_text("no certificate")
    for name in ("ca.pem", "absent.pem"):
        with Network(ca_file=tmp_path / name).client("look") as client, pytest.raises(NoCertificate, match=name):
            client.get(file_url(hub))


def test_a_companys_certificate_may_be_bare_bytes(tmp_path: Path) -> None:
    pem = CERTIFICATE.read_text()
    start = pem.index("-----BEGIN CERTIFICATE")
    (tmp_path / "company.cer").write_bytes(ssl.PEM_cert_to_DER_cert(pem[start : pem.index("-----END CERTIFICATE") + 25]))
    (tmp_path / "empty.cer").touch()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    network = Network()
    with serving(replying(204, {}, []), context) as server, network.client("look") as client:
        address = f"https://localhost:{server.server_port}/"
        with pytest.raises(Unreachable, match="not trusted"):
            client.get(address)
        with pytest.raises(NoCertificate, match=r"empty\.cer"):
            network.trust(tmp_path / "empty.cer")
        network.trust(tmp_path / "company.cer")
        assert client.get(address).status_code == 204, "the same client follows"
        network.trust(None)
        with pytest.raises(Unreachable, match="not trusted"):
            client.get(address)


@pytest.mark.usefixtures("no_proxies")
def test_a_chosen_proxy_with_a_name_and_a_password(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[str | None] = []

    class Proxy(BaseHTTPRequestHandler):
        def do_CONNECT(self) -> None:
            seen.append(self.headers.get("Proxy-Authorization"))
            self.send_error(502 if seen[-1] == f"Basic {b64encode(b'me:p:@ss').decode()}" else 407)

        do_GET = do_CONNECT

        def log_message(self, format: str, *args: object) -> None:
            pass

    network.plain_hosts.add("mirror.example")
    with serving(Proxy) as server, network.client("look") as client:
        chosen = f"127.0.0.1:{server.server_port}"
        network.proxy_for = lambda url: proxy_for(url, chosen)
        with pytest.raises(Unreachable, match="the proxy wants a name and a password"):
            client.get("https://huggingface.co/")
        refused = refusal(client.get("http://mirror.example/"), what="x", repo="x/y", page="")
        assert "the proxy wants a name and a password" in str(refused)
        network.proxy_for = lambda url: with_login(proxy_for(url, chosen) or "", "me", "p:@ss")
        with pytest.raises(Unreachable, match="502") as caught:  # known, and let no further
            client.get("https://huggingface.co/")
        assert "p:@ss" not in str(caught.value)
        monkeypatch.setenv("no_proxy", "mirror.example")
        assert proxy_for("http://mirror.example/", chosen) is None
    assert len(seen) == 3


def test_only_allowed_hosts_at_every_hop(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    network.allowed_hosts = ("Mirror.example", "*.hf.co")
    network.plain_hosts.add("mirror.example")
    for address in ("https://cdn.hf.co/x", "https://a.b.hf.co/x", "http://mirror.example/", "http://127.0.0.1/"):
        network.check(httpx2.URL(address))
    for address in ("https://hf.co/", "https://nothf.co/", "https://mirror.example.org/", "https://huggingface.co/"):
        with pytest.raises(Forbidden, match=r"allowed_hosts lets Alcove connect only to Mirror\.example, \*\.hf\.co"):
            network.check(httpx2.URL(address))
    with serving(replying(302, {"Location": "https://cdn.example.org/x"}, [])) as proxy, network.client("look") as client:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{proxy.server_port}")
        with pytest.raises(Forbidden, match=r"A connection to cdn\.example\.org"):
            client.get("http://mirror.example/")


# --- what goes wrong ------------------------------------------------------------------------------------------------------------


def test_a_refused_connection(network: Network) -> None:
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        port = server.getsockname()[1]
    with network.client("look") as client, pytest.raises(Unreachable) as caught:
        client.get(f"http://127.0.0.1:{port}/")
    assert str(caught.value) == "127.0.0.1 could not be reached: the connection was refused."


def test_a_cut_body(network: Network, hub: HubServer) -> None:
    hub.faults.append(Fault("cut", bytes=1000))
    with network.client("look") as client, pytest.raises(Unreachable, match="the connection was cut"):
        client.get(file_url(hub))
    assert network.activity[-1].error == "the connection was cut"


@pytest.mark.parametrize(
    ("cause", "words"),
    [
        (socket.gaierror(-2, "?"), "its name could not be found; this computer may not be connected to the internet"),
        (OSError(101, "Network is unreachable"), "there is no network connection"),
        (ssl.SSLError("handshake failure"), "no secure connection could be made"),
        (RuntimeError("?"), "no connection could be made"),
    ],
)
def test_why(cause: Exception, words: str) -> None:
    error = httpx2.ConnectError("x")
    error.__cause__ = cause
    assert why(error) == words


@pytest.mark.parametrize("message", ["certificate is not yet valid", "certificate has expired", "“hub” certificate is expired"])
def test_a_wrong_clock_is_named(message: str) -> None:
    cause = ssl.SSLCertVerificationError("x")
    cause.verify_message = message
    error = httpx2.ConnectError("x")
    error.__cause__ = cause
    assert "check the date of this computer" in why(error)


def test_timeouts_in_plain_words() -> None:
    assert why(httpx2.ConnectTimeout("x")) == "it did not answer within 10 seconds"
    assert why(httpx2.ReadTimeout("x")) == "nothing came from it for 15 seconds"


def test_no_request_is_without_a_timeout(network: Network, hub: HubServer) -> None:
    with network.client("look") as client:
        asked = client.get(file_url(hub), timeout=None).request.extensions["timeout"]
    assert asked == {"connect": 10.0, "read": 15.0, "write": 15.0, "pool": 15.0}


@pytest.mark.parametrize(
    ("status", "headers", "kind", "words"),
    [
        (404, {}, NotFound, "has no file x"),
        (401, {"X-Error-Code": "RepoNotFound"}, NotFound, "has no file x"),
        (401, {"X-Error-Code": "GatedRepo"}, Gated, "open https://hub/maker/model, accept"),
        (403, {}, Gated, "agree to its terms"),
        (429, {"Retry-After": "7"}, ServerRefused, "too many requests"),
        (503, {}, ServerRefused, "a problem of its own"),
        (451, {}, ServerRefused, "Unavailable For Legal Reasons"),
    ],
)
def test_refusals(status: int, headers: dict[str, str], kind: type[Exception], words: str) -> None:
    response = Response(status, headers=headers, request=httpx2.Request("GET", "https://hub/x"))
    error = refusal(response, what="file x", repo="maker/model", page="https://hub/maker/model")
    assert type(error) is kind
    assert words in str(error)
    assert error.facts.get("wait_s") == (7.0 if status == 429 else None)


def test_a_wrong_token_is_told_from_a_closed_gate() -> None:
    request = httpx2.Request("GET", "https://hub/x", headers={"Authorization": "Bearer hf_old"})
    error = refusal(Response(401, request=request), what="file x", repo="maker/model", page="")
    assert "the access token was not accepted" in str(error)
    assert "hf_old" not in str(error)


# --- what is remembered ---------------------------------------------------------------------------------------------------------


def test_every_hop_is_recorded_with_its_bytes(network: Network, hub: HubServer) -> None:
    with network.client("download model.gguf") as client:
        client.get(file_url(hub))
    first, second = network.activity
    assert (first.host, first.status, first.open) == ("127.0.0.1", 302, False)
    assert (second.host, second.status, second.purpose) == ("localhost", 200, "download model.gguf")
    assert len(BODY) < second.received_bytes < len(BODY) + 1000
    assert 0 < second.sent_bytes < 1000


def test_busy_while_it_runs(network: Network, hub: HubServer) -> None:
    hub.faults.append(fault := Fault("hold", bytes=1000))
    with network.client("download model.gguf") as client, client.stream("GET", file_url(hub)) as response:
        chunks = response.iter_raw()
        next(chunks)
        assert network.busy == {("localhost", "download model.gguf")}
        assert network.activity[-1].received_bytes >= 1000
        fault.release.set()
        assert sum(len(chunk) for chunk in chunks) > 0
    assert network.busy == frozenset()


def test_the_log_has_a_line_for_each_and_no_secret(network: Network, hub: HubServer, tmp_path: Path) -> None:
    with network.client("look") as client:
        client.get(file_url(hub) + "?token=hf_query", headers={"Authorization": f"Bearer {hub.token}"})
    text = (tmp_path / "logs" / "network.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [(line["host"], line["status"]) for line in lines] == [("127.0.0.1", 302), ("localhost", 200)]
    assert set(lines[0]) == {"time", "host", "purpose", "sent_bytes", "received_bytes", "status", "error"}
    assert not any(secret in text for secret in (hub.token, "hf_query", "secret-signature", "resolve"))


def test_the_log_is_turned_over(network: Network, hub: HubServer, tmp_path: Path) -> None:
    log = tmp_path / "logs" / "network.jsonl"
    log.parent.mkdir()
    log.write_text("x" * 1_000_000 + "\n")
    with network.client("look") as client:
        client.get(file_url(hub))
    assert log.stat().st_size < 1000
    assert (tmp_path / "logs" / "network.old.jsonl").stat().st_size > 1_000_000


def test_a_log_that_cannot_be_written_stops_nothing(hub: HubServer, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    network = Network(log_path=tmp_path / "file" / "network.jsonl")
    with network.client("look") as client:
        assert client.get(file_url(hub)).status_code == 200
    assert len(network.activity) == 2


def test_memory_is_bounded(network: Network) -> None:
    network.offline = True
    with network.client("look") as client:
        for _ in range(510):
            with pytest.raises(Offline):
                client.get("https://huggingface.co/")
    assert len(network.activity) == 500


# --- stopping -------------------------------------------------------------------------------------------------------------------


def read_in_thread(client: Client, url: str) -> tuple[threading.Thread, list[Exception]]:
    errors: list[Exception] = []

    def read() -> None:
        try:
            client.get(url)
        except Unreachable as error:
            errors.append(error)

    thread = threading.Thread(target=read)
    thread.start()
    return thread, errors


@pytest.mark.parametrize("what", ["hold", "silent"])
def test_hang_up_wakes_a_thread_that_waits(network: Network, hub: HubServer, what: str) -> None:
    hub.faults.append(fault := Fault(what, bytes=1000))
    with network.client("look") as client:
        thread, errors = read_in_thread(client, file_url(hub))
        assert fault.reached.wait(5)
        network.hang_up()
        thread.join(1)
        assert not thread.is_alive()
        assert len(errors) == 1
        fault.release.set()
        assert client.get(file_url(hub)).status_code == 200, "the client can be used again"


def test_hang_up_works_through_tls() -> None:
    holding, release = threading.Event(), threading.Event()

    class Hold(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Length", "1000000")
            self.end_headers()
            self.wfile.write(bytes(1000))
            holding.set()
            release.wait()

        def log_message(self, format: str, *args: object) -> None:
            pass

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(CERTIFICATE)
    network = Network(ca_file=CERTIFICATE)
    with serving(Hold, context) as server, network.client("look") as client:
        thread, errors = read_in_thread(client, f"https://localhost:{server.server_port}/")
        assert holding.wait(5)
        network.hang_up()
        thread.join(1)
        stopped = not thread.is_alive()
        release.set()
    assert stopped
    assert str(errors[0]) == "localhost could not be reached: the connection was cut."


def test_abort_is_for_good(network: Network, hub: HubServer) -> None:
    with network.client("look") as client:
        client.abort()
        with pytest.raises(Unreachable, match="the connection was cut"):
            client.get(file_url(hub))
    assert hub.requests == []


def test_turning_offline_on_hangs_up(network: Network, hub: HubServer) -> None:
    hub.faults.append(fault := Fault("hold", bytes=1000))
    with network.client("look") as client:
        thread, errors = read_in_thread(client, file_url(hub))
        assert fault.reached.wait(5)
        network.offline = True
        thread.join(1)
        assert not thread.is_alive()
        assert len(errors) == 1
