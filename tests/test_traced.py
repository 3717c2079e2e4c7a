"""Nothing leaves this computer: the system calls of whole sessions, below Python, Qt and the engine. Linux, where strace is."""

import json
import os
import sys
from pathlib import Path

import pytest

from tests.traced import Traced, can_trace, leads_out, trace

needs_strace = pytest.mark.skipif(not can_trace(), reason="there is no strace here, or it may not be used")
PYTHON = [sys.executable, "-m"]


@needs_strace
def test_the_trace_finds_what_leads_out() -> None:
    """Nothing answers at this address and nothing is sent to it: a datagram's socket is only told where to."""
    code = "import socket; socket.socket(type=socket.SOCK_DGRAM).connect(('192.0.2.1', 9))"
    found = trace([sys.executable, "-c", f"import subprocess, sys; subprocess.run([sys.executable, '-c', {code!r}])"], os.environ)
    assert len(found.outside) == 1
    assert "192.0.2.1" in found.outside[0]


@pytest.mark.parametrize(
    ("line", "out"),
    [
        ('7 connect(3, {sa_family=AF_INET, sin_port=htons(443), sin_addr=inet_addr("192.0.2.1")}, 16) = -1 EINPROGRESS', True),
        (
            '7 connect(3, {sa_family=AF_INET6, sin6_port=htons(443), sin6_flowinfo=htonl(0), inet_pton(AF_INET6, "2001:db8::1", '
            "&sin6_addr), sin6_scope_id=0}, 28) = -1 ENETUNREACH",
            True,
        ),
        ('7 sendto(3, "x", 1, 0, {sa_family=AF_INET, sin_port=htons(9), sin_addr=inet_addr("10.0.0.1")}, 16) = 1', True),
        ('7 connect(3, {sa_family=AF_INET, sin_port=htons(53), sin_addr=inet_addr("127.0.0.53")}, 16) = 0', True),
        ('7 connect(3, {sa_family=AF_UNIX, sun_path="/run/systemd/resolve/io.systemd.Resolve"}, 42) = 0', True),
        ("7 connect(3, {sa_family=AF_VSOCK, svm_cid=VMADDR_CID_HOST, svm_port=1}, 16) = 0", True),
        ('7 connect(3, {sa_family=AF_INET, sin_port=htons(80), sin_addr=inet_addr("127.0.0.1")}, 16) = 0', False),
        ('7 connect(3, {sa_family=AF_UNIX, sun_path=@"/tmp/.X11-unix/X0"}, 20) = 0', False),
        ('7 sendto(3, "x", 1, 0, NULL, 0) = 1', False),
        ("7 socket(AF_INET, SOCK_STREAM|SOCK_CLOEXEC, IPPROTO_IP) = 3", False),
    ],
)
def test_what_leads_out(line: str, out: bool) -> None:
    assert leads_out(line) is out


@needs_strace
def test_a_whole_session_of_the_window(tmp_path: Path) -> None:
    found = trace([*PYTHON, "tests.session", str(tmp_path / "home")], os.environ)
    assert "the session is over" in found.output, found.output
    assert found.outside == ()
    assert found.calls, "the trace saw nothing at all"


@needs_strace
def test_the_command_line(tmp_path: Path) -> None:
    """Online but with nothing to look for, then offline with something."""
    environment = {**os.environ, "ALCOVE_HOME": str(tmp_path)}
    found = run(["doctor"], ["list"], ["chat", "guide", "-p", "Hello", "--max-tokens", "8"], environment=environment)
    assert (found.status, found.outside) == (0, ()), found.output
    (tmp_path / "settings.json").write_text(json.dumps({"offline": True}))
    file = "hf:owner/name/file.gguf"
    found = run(["search", "qwen"], ["get", file], ["fit", file], environment=environment)
    assert (found.status, found.outside) == (3, ()), found.output
    assert found.output.count("Alcove is set to offline") == 3


def run(*commands: list[str], environment: dict[str, str]) -> Traced:
    """Several commands one after the other; the status is how many of them went wrong."""
    code = f"import sys; from desktop import cli; sys.exit(sum(cli.run(each, lambda home: 9) for each in {commands!r}))"
    return trace([sys.executable, "-c", code], environment)
