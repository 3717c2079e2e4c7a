"""A small Hub on the loopback address: the API, the redirect to a content network, ranges, hashes, and every way to fail.

In a test:

    with HubServer() as hub:
        hub.add("maker/model-GGUF", {"model-Q4_K_M.gguf": b"GGUF..."}, license="apache-2.0")
        hub.faults.append(Fault("cut", bytes=1000))          # the next download breaks after 1000 bytes
        ... HF_ENDPOINT = hub.endpoint ...
        assert hub.asked("cdn")[0].headers["Range"] == "bytes=1000-"

By hand, for demonstrations and screenshots:

    python -m tests.hub_server --port 8765 --dir FOLDER --rate 5000000 \\
        --model Qwen/Qwen3-0.6B-GGUF/Qwen3-0.6B-Q8_0.gguf=/path/to/a.gguf
    HF_ENDPOINT=http://127.0.0.1:8765 python -m desktop

--dir serves FOLDER/owner/repo/*.gguf; --model serves one file under any name (without a third part, under its own name).
As on the Hub, the API and /resolve/ are on one host (127.0.0.1) and the bytes on another (localhost, another port).
"""

import argparse
import hashlib
import json
import re
import socket
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.message import Message
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit

COMMIT = "c0ffee" + "0" * 34
CHUNK = 64 * 1024


@dataclass
class Fault:
    """One way to fail, or several ("no_range cut"), for the next `times` requests to `at` ("api", "resolve" or "cdn").

    times=None is for ever.

    none       nothing goes wrong; the fault after it meets the next request
    status     answers `status` (with `headers`, such as Retry-After or X-Error-Code)
    cut        closes the connection after `bytes` of the body
    hold       sends `bytes` of the body, then nothing until `release` is set
    silent     takes the request and answers nothing until `release` is set
    no_range   ignores Range and sends the whole file
    bad_range  answers a Range with another part than the one asked for, or says `headers["Content-Range"]`
    short      answers a Range with `bytes` of it at most
    flip       turns over a bit of the byte at position `bytes` of the file
    etag       names another ETag, as if the file had been replaced
    careless   takes no notice of If-Range
    html       sends a web page instead, as a hotel's network does
    longer     sends `bytes` more than there are
    unsized    sends the body without Content-Length
    """

    what: str
    at: str = "cdn"
    times: int | None = 1
    bytes: int = 0
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    release: threading.Event = field(default_factory=threading.Event)
    reached: threading.Event = field(default_factory=threading.Event)  # set when the fault begins to hold

    def does(self, *whats: str) -> bool:
        return not set(whats).isdisjoint(self.what.split())


@dataclass(frozen=True)
class Asked:
    """A request as it came in."""

    at: str
    path: str
    headers: Message


@dataclass(frozen=True)
class Content:
    """A file's bytes, in memory or on disk."""

    source: bytes | Path
    size: int
    sha256: str

    @classmethod
    def of(cls, source: bytes | Path) -> "Content":
        if isinstance(source, bytes):
            return cls(source, len(source), hashlib.sha256(source).hexdigest())
        with source.open("rb") as file:
            return cls(source, source.stat().st_size, hashlib.file_digest(file, "sha256").hexdigest())

    def read(self, start: int, length: int) -> bytes:
        if isinstance(self.source, bytes):
            return self.source[start : start + length]
        with self.source.open("rb") as file:
            file.seek(start)
            return file.read(length)


@dataclass
class Repo:
    """A repository; `card` is what its model card's YAML head says (license, base_model ...)."""

    id: str
    files: dict[str, Content]
    card: dict[str, Any]
    gated: bool = False
    private: bool = False
    downloads: int = 0
    weights: int = 0
    updated: str = "2026-01-02T03:04:05.000Z"


class HubServer:
    """The two servers and what they serve; `endpoint` is what HF_ENDPOINT should be."""

    def __init__(self, port: int = 0, rate: float | None = None, token: str = "hf_valid") -> None:
        self.repos: dict[str, Repo] = {}
        self.faults: list[Fault] = []
        self.requests: list[Asked] = []
        self.rate = rate  # bytes per second of each download, None for as fast as it goes
        self.token = token  # the one that opens gated repositories
        self.lock = threading.Lock()
        self.connections: set[socket.socket] = set()
        self._servers = [_Server(("127.0.0.1", port), _Api, self), _Server(("127.0.0.1", 0), _Cdn, self)]
        self._threads = [threading.Thread(target=s.serve_forever, args=(0.02,), name="hub") for s in self._servers]

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self._servers[0].server_port}"

    @property
    def cdn(self) -> str:
        return f"http://localhost:{self._servers[1].server_port}"

    def add(
        self,
        repo: str,
        files: Mapping[str, bytes | Path],
        *,
        gated: bool = False,
        private: bool = False,
        downloads: int = 100,
        weights: int = 0,
        updated: str = "2026-01-02T03:04:05.000Z",
        **card: Any,
    ) -> Repo:
        """Serve a repository; keywords beyond the named ones are its card: license="mit", base_model="a/b".

        weights: what the Hub says of its GGUF files, if anything.
        """
        contents = {name: Content.of(source) for name, source in files.items()}
        self.repos[repo] = Repo(repo, contents, card, gated, private, downloads, weights, updated)
        return self.repos[repo]

    def asked(self, at: str) -> list[Asked]:
        """The requests so far to "api", "resolve" or "cdn"."""
        with self.lock:
            return [request for request in self.requests if request.at == at]

    def take_fault(self, at: str) -> Fault | None:
        """The fault that the request which has just come in meets."""
        with self.lock:
            for fault in self.faults:
                if fault.at == at and fault.times != 0:
                    fault.times = fault.times and fault.times - 1
                    return fault
        return None

    def __enter__(self) -> "HubServer":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        for fault in self.faults:
            fault.release.set()
        for server in self._servers:
            server.shutdown()
        with self.lock:
            for connection in self.connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    continue  # closed by the other side already
        for server, thread in zip(self._servers, self._threads, strict=True):
            server.server_close()  # waits for the threads of its requests
            thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = False

    def __init__(self, address: tuple[str, int], handler: type[BaseHTTPRequestHandler], hub: HubServer) -> None:
        self.hub = hub
        super().__init__(address, handler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is what many tests are about; nothing to print."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: _Server

    def setup(self) -> None:
        super().setup()
        with self.server.hub.lock:
            self.server.hub.connections.add(self.connection)

    def finish(self) -> None:
        with self.server.hub.lock:
            self.server.hub.connections.discard(self.connection)
        super().finish()

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def begin(self, at: str) -> Fault | None:
        """Note the request and meet its fault; a fault of the kind "status", "silent" or "html" is answered here."""
        hub = self.server.hub
        with hub.lock:
            hub.requests.append(Asked(at, self.path, self.headers))
        fault = hub.take_fault(at)
        if fault and fault.does("silent"):
            fault.reached.set()
            fault.release.wait()
        if fault and fault.does("status"):
            self.answer(fault.status, b"{}", fault.headers)
        if fault and fault.does("html"):
            self.answer(200, b"<!doctype html><title>Welcome to our network</title>", {"Content-Type": "text/html"})
        return fault

    def answer(self, status: int, body: bytes = b"", headers: Mapping[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", **(headers or {})}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, repo: Repo | None) -> bool:
        """Answer as the Hub does for a repository that this client may not see."""
        authorization = self.headers.get("Authorization")
        if authorization is not None and authorization != f"Bearer {self.server.hub.token}":
            self.answer(401, b'{"error":"Invalid credentials in Authorization header"}')
        elif repo is None or (repo.private and not authorization):
            self.answer(404 if authorization else 401, b'{"error":"Repository not found"}', {"X-Error-Code": "RepoNotFound"})
        else:
            return False
        return True


class _Api(_Handler):
    """huggingface.co: /api/models, and /owner/repo/resolve/revision/file with its redirect."""

    def do_GET(self) -> None:
        url = urlsplit(self.path)
        if match := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", unquote(url.path)):
            self.resolve(*match.groups())
            return
        if url.path == "/alcove-bundle.json":  # which is how a mirror is told from a Hub
            self.answer(404, b'{"error":"Not found"}')
            return
        if (fault := self.begin("api")) and fault.does("status", "html"):
            return
        query = parse_qs(url.query)
        if url.path == "/api/models":
            self.search(query)
        elif match := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/([^/]+))?", unquote(url.path)):
            self.describe(match[1], match[2], blobs="blobs" in query)
        elif url.path == "/api/whoami-v2":
            known = self.headers.get("Authorization") == f"Bearer {self.server.hub.token}"
            self.answer(*((200, b'{"name":"person"}') if known else (401, b'{"error":"Invalid username or password."}')))
        else:
            self.answer(404, b'{"error":"Not found"}')

    do_HEAD = do_GET

    def search(self, query: dict[str, list[str]]) -> None:
        words = query.get("search", [""])[0].lower().split()
        found = [
            repo
            for repo in self.server.hub.repos.values()
            if all(word in repo.id.lower() for word in words)
            and not repo.private
            and ("gguf" not in query.get("filter", []) or any(name.endswith(".gguf") for name in repo.files))
        ]
        found.sort(key=lambda repo: repo.updated if query.get("sort") == ["lastModified"] else repo.downloads, reverse=True)
        limit = int(query.get("limit", ["20"])[0])
        wanted = {"_id", "id", *query.get("expand", [])}  # without any, the Hub sends a choice of its own, without sizes too
        listed = [self.described(repo, blobs=False) for repo in found[:limit]]
        listed = [{key: value for key, value in each.items() if key in wanted} if "expand" in query else each for each in listed]
        self.answer(200, json.dumps(listed).encode())

    def describe(self, name: str, revision: str | None, *, blobs: bool) -> None:
        repo = self.server.hub.repos.get(name)
        if self.refuse(repo):
            return
        if revision not in (None, "main", COMMIT):
            self.answer(404, b'{"error":"Invalid rev id"}', {"X-Error-Code": "RevisionNotFound"})
            return
        assert repo is not None
        self.answer(200, json.dumps(self.described(repo, blobs=blobs)).encode())

    def described(self, repo: Repo, *, blobs: bool) -> dict[str, Any]:
        files: list[dict[str, Any]] = [{"rfilename": name} for name in repo.files]
        if blobs:
            for file, content in zip(files, repo.files.values(), strict=True):
                lfs = {"sha256": content.sha256, "size": content.size, "pointerSize": 135}
                file |= {"size": content.size, "blobId": "0" * 40, "lfs": lfs}
        return {
            "id": repo.id,
            "modelId": repo.id,
            "sha": COMMIT,
            "private": repo.private,
            "gated": "manual" if repo.gated else False,
            "downloads": repo.downloads,
            "lastModified": repo.updated,
            "gguf": {"total": repo.weights, "architecture": "llama", "context_length": 4096} if repo.weights else None,
            "tags": ["gguf", f"license:{repo.card.get('license')}"],
            "cardData": repo.card,
            "siblings": files,
        }

    def resolve(self, name: str, revision: str, file: str) -> None:
        if (fault := self.begin("resolve")) and fault.does("status", "html"):
            return
        hub = self.server.hub
        repo = hub.repos.get(name)
        if self.refuse(repo):
            return
        assert repo is not None
        if revision not in ("main", COMMIT):
            self.answer(404, b"Invalid rev id", {"X-Error-Code": "RevisionNotFound"})
        elif file not in repo.files:
            self.answer(404, b"Entry not found", {"X-Error-Code": "EntryNotFound"})
        elif repo.gated and "Authorization" not in self.headers:
            self.answer(401, b"Access to this model is restricted", {"X-Error-Code": "GatedRepo"})
        else:
            content = repo.files[file]
            self.answer(
                302,
                headers={
                    "Location": f"{hub.cdn}/{name}/{quote(file)}?X-Amz-Signature=secret-signature",
                    "X-Repo-Commit": COMMIT,
                    "X-Linked-Etag": f'"{content.sha256}"',
                    "X-Linked-Size": str(content.size),
                    "Accept-Ranges": "bytes",
                },
            )


class _Cdn(_Handler):
    """The content network: bytes, with ranges."""

    def do_GET(self) -> None:
        if (fault := self.begin("cdn")) and fault.does("status", "html"):
            return
        owner, name, file = unquote(urlsplit(self.path).path).lstrip("/").split("/", 2)
        content = self.server.hub.repos[f"{owner}/{name}"].files[file]
        etag = '"replaced"' if fault and fault.does("etag") else f'"{content.sha256}"'
        start, end = self.range(content, etag, fault)
        if start >= content.size:
            self.answer(416, headers={"Content-Range": f"bytes */{content.size}"})
            return
        self.send_response(200 if end is None else 206)
        end = content.size if end is None else end
        told = start - 1 if fault and fault.does("bad_range") else start
        if self.sent_status == 206:
            end = min(end, start + fault.bytes) if fault and fault.does("short") else end
            usual = f"bytes {told}-{end - 1}/{content.size}"
            self.send_header("Content-Range", fault.headers.get("Content-Range", usual) if fault else usual)
        extra = fault.bytes if fault and fault.does("longer") else 0
        if fault and fault.does("unsized"):
            self.send_header("Connection", "close")
        else:
            self.send_header("Content-Length", str(end - start + extra))
        self.send_header("ETag", etag)
        self.send_header("Accept-Ranges", "bytes")
        self.end_headers()
        if self.command != "HEAD":
            self.send_body(content, start, end, fault)
            self.wfile.write(b"\0" * extra)

    do_HEAD = do_GET

    def send_response(self, code: int, message: str | None = None) -> None:
        self.sent_status = code
        super().send_response(code, message)

    def range(self, content: Content, etag: str, fault: Fault | None) -> tuple[int, int | None]:
        """Start and end of what to send; end is None for the whole file with status 200."""
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        changed = self.headers.get("If-Range", etag) != etag and not (fault and fault.does("careless"))
        if not match or changed or (fault and fault.does("no_range")):
            return 0, None
        return int(match[1]), min(int(match[2]) + 1, content.size) if match[2] else content.size

    def send_body(self, content: Content, start: int, end: int, fault: Fault | None) -> None:
        stop = start + fault.bytes if fault and fault.does("cut", "hold") else end
        began, position = time.monotonic(), start
        if isinstance(content.source, Path) and not fault and not self.server.hub.rate:
            self.wfile.flush()
            with content.source.open("rb") as file:
                self.connection.sendfile(file, start, end - start)
            return
        while position < end:
            if position >= stop and fault:
                if fault.does("cut"):
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                fault.reached.set()
                fault.release.wait()
                stop = end
            data = content.read(position, min(CHUNK, (stop if position < stop else end) - position))
            if fault and fault.does("flip") and position <= fault.bytes < position + len(data):
                at = fault.bytes - position
                data = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
            self.wfile.write(data)
            position += len(data)
            if self.server.hub.rate and (early := (position - start) / self.server.hub.rate - (time.monotonic() - began)) > 0:
                time.sleep(early)


def main() -> None:
    parser = argparse.ArgumentParser(description="A small Hub on this computer")
    parser.add_argument("--port", type=int, default=8765)
    parser.add_argument("--dir", type=Path, help="a folder with owner/repo/*.gguf")
    parser.add_argument("--model", action="append", default=[], metavar="OWNER/REPO[/NAME.gguf]=FILE")
    parser.add_argument("--licence", default="apache-2.0", help="the licence in every card")
    parser.add_argument("--rate", type=float, help="bytes per second")
    parser.add_argument("--gated", action="append", default=[], metavar="OWNER/REPO", help="opens with the token hf_valid")
    parser.add_argument("--card", action="append", default=[], metavar='OWNER/REPO={"license": ...}', help="its card, as JSON")
    options = parser.parse_args()
    cards = {repo: json.loads(card) for repo, _, card in (text.partition("=") for text in options.card)}
    repos: dict[str, dict[str, bytes | Path]] = {}
    for path in sorted(options.dir.glob("*/*/*.gguf")) if options.dir else ():
        repos.setdefault(f"{path.parent.parent.name}/{path.parent.name}", {})[path.name] = path
    for text in options.model:
        name, _, path = text.partition("=")
        owner, repo, *file = name.split("/", 2)
        repos.setdefault(f"{owner}/{repo}", {})[file[0] if file else Path(path).name] = Path(path)
    with HubServer(options.port, options.rate) as hub:
        for repo, files in repos.items():
            base = repo.removesuffix("-GGUF").removesuffix("-gguf")
            card = {"license": options.licence, "base_model": base, **cards.get(repo, {})}
            hub.add(repo, files, gated=repo in options.gated, **card)
            print(f"{hub.endpoint}/{repo}: {', '.join(files)}", flush=True)
        print(f"HF_ENDPOINT={hub.endpoint}   (Ctrl-C ends it)", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            print()


if __name__ == "__main__":
    main()
