"""What a program asks the system for, as strace tells it: which calls of it lead to another computer.

By hand: python -m tests.traced COMMAND…, which prints them and how many calls there were.
"""

import ipaddress
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

CALLS = ("connect", "sendto", "sendmsg", "sendmmsg")
LOCAL = ("AF_UNIX", "AF_NETLINK", "AF_UNSPEC")  # this computer's programs, its kernel, and the end of a connection
DNS_PORT = "53"  # a resolver on loopback asks another computer in its turn
RESOLVER = "io.systemd.Resolve"  # the same, by a socket of the system


@dataclass(frozen=True)
class Traced:
    """How a program ended, what it printed, every call about the network, and those that lead out."""

    status: int
    output: str
    calls: tuple[str, ...]

    @property
    def outside(self) -> tuple[str, ...]:
        return tuple(call for call in self.calls if leads_out(call))


def can_trace() -> bool:
    """Whether there is a strace that may be used here."""
    if not shutil.which("strace"):
        return False
    tried = subprocess.run(["strace", "-f", "-o", "/dev/null", "true"], capture_output=True, check=False)
    return tried.returncode == 0


def trace(command: Sequence[str], environment: Mapping[str, str], timeout_s: float = 120) -> Traced:
    """Run a program with all its processes under strace."""
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "calls"
        watch = ["strace", "-f", "--seccomp-bpf", "-qq", "-s", "200", "-e", "trace=network", "-e", "signal=none", "-o", str(log)]
        done = subprocess.run(
            [*watch, *command], env=dict(environment), capture_output=True, text=True, timeout=timeout_s, check=False
        )
        calls = tuple(log.read_text(encoding="utf-8", errors="replace").splitlines())
    return Traced(done.returncode, done.stdout + done.stderr, calls)


def leads_out(line: str) -> bool:
    """Whether this call connects or sends to another computer, or asks one for an address."""
    match = re.search(r"\b(\w+)\(", line)
    if match is None or match[1] not in CALLS:
        return False
    families = re.findall(r"sa_family=(\w+)", line)
    if RESOLVER in line or any(family not in (*LOCAL, "AF_INET", "AF_INET6") for family in families):
        return True
    hosts = re.findall(r'inet_addr\("([^"]*)"\)|inet_pton\(AF_INET6, "([^"]*)"', line)
    ports = re.findall(r"sin6?_port=htons\((\d+)\)", line)
    return DNS_PORT in ports or any(not ipaddress.ip_address(four or six).is_loopback for four, six in hosts)


if __name__ == "__main__":
    import os

    found = trace(sys.argv[1:], os.environ)
    print(found.output)
    print(*found.outside, sep="\n")
    print(f"{len(found.calls)} calls about the network, {len(found.outside)} of them to another computer; status {found.status}")
