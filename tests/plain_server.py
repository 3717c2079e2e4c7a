"""A plain web server over a folder, on loopback: Python's own, with single ranges unless told otherwise; and nginx."""

import os
import re
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

NGINX = shutil.which("nginx")


class _Handler(SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: list[str]
    ranges: bool

    def __init__(self, *args: Any, asked: list[str], ranges: bool, **named: Any) -> None:
        self.asked, self.ranges = asked, ranges
        super().__init__(*args, **named)

    def log_message(self, format: str, *args: Any) -> None:
        """Quiet."""

    def send_head(self) -> BytesIO | BinaryIO | None:  # type: ignore[override]
        self.asked.append(self.path)
        match = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        path = Path(self.translate_path(self.path))
        if not (self.ranges and match and path.is_file()):
            return super().send_head()
        size = path.stat().st_size
        start, end = int(match[1]), min(int(match[2] or size), size - 1)
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{end}/{size}")
        self.send_header("Content-Length", str(end + 1 - start))
        self.end_headers()
        return BytesIO(path.read_bytes()[start : end + 1])


@contextmanager
def served(folder: Path, *, ranges: bool = True) -> Iterator[tuple[str, list[str]]]:
    """The address of a server over this folder, and the paths that it is asked for."""
    asked: list[str] = []
    handler = partial(_Handler, directory=str(folder), asked=asked, ranges=ranges)
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextmanager
def nginx(folder: Path, scratch: Path) -> Iterator[str]:
    """The address of an nginx over this folder, as its simplest configuration makes one."""
    assert NGINX is not None
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    scratch.mkdir()
    temporary = "".join(f"{kind}_temp_path {scratch}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    user = "user root;" if os.geteuid() == 0 else ""
    server = f"server {{ listen 127.0.0.1:{port}; root {folder}; }}"
    config = f"{user} daemon off; pid {scratch}/pid; events {{}} http {{ access_log off; {temporary} {server} }}"
    (scratch / "nginx.conf").write_text(config)
    command = [NGINX, "-e", str(scratch / "error.log"), "-p", str(scratch), "-c", str(scratch / "nginx.conf")]
    with subprocess.Popen(command) as process:
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_for(port: int) -> None:
    give_up_s = time.monotonic() + 10
    while time.monotonic() < give_up_s:
        with socket.socket() as probe:
            probe.settimeout(0.2)
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
    raise TimeoutError("nginx did not start")
