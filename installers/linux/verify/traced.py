"""What a traced session did: python traced.py LOG ROOT HOME [FOLDER…] tells what it connected to and what it wrote elsewhere.

LOG is of `strace -f -y -e trace=%network,%file` of a program below ROOT, HOME is Alcove's folder there. Exit status 1 when a call
leads to another computer, when the network activity log in HOME names other hosts than the calls, or when a file was written
outside HOME and the other folders.
"""

import json
import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[3]))

from tests.traced import leads_out

WRITES = re.compile(
    r"\b(?:(?:open|openat|openat2)\((?:.*)(?:O_WRONLY|O_RDWR|O_CREAT|O_TRUNC)|(?:creat|mkdir|mkdirat|mknod|mknodat|rename|renameat"
    r"|renameat2|unlink|unlinkat|rmdir|link|linkat|symlink|symlinkat|truncate|chmod|fchmodat|chown|lchown|fchownat|utimensat|setxattr)\()"
)
# Devices that keep nothing, and what the kernel shows of the process itself.
NO_FILES = re.compile(r"^/dev/(null|tty|shm/|dri/|ptmx)|^/proc/|^/memfd:")


def connected(calls: list[str]) -> set[tuple[str, str]]:
    """Address and port of each connection that was begun."""
    found = set()
    for call in calls:
        if re.search(r"\bconnect\(.*AF_INET", call):
            host = re.search(r'inet_addr\("([^"]*)"|inet_pton\(AF_INET6, "([^"]*)"', call)
            port = re.search(r"port=htons\((\d+)\)", call)
            if host and port and port[1] != "0":
                found.add((host[1] or host[2], port[1]))
    return found


def written(calls: list[str], homes: list[str]) -> Iterator[str]:
    """Each path outside these folders that was opened for writing, made, moved or removed, with success."""
    for call in calls:
        if not WRITES.search(call) or re.search(r"= -1 ", call):
            continue
        for path in _paths(call):
            if not NO_FILES.match(path) and not any(path == home or path.startswith(f"{home}/") for home in homes):
                yield path


def _paths(call: str) -> Iterator[str]:
    """The paths of a call, from the top."""
    for folder, path in re.findall(r'(?:(?:AT_FDCWD|\d+)<([^>]*)>, )?"((?:[^"\\]|\\.)*)"', call):
        yield path if path.startswith("/") else f"{folder}/{path}" if folder else path


def logged(home: Path) -> tuple[set[str], set[str]]:
    """The hosts of the network activity log, and those of them that answered; to one that rules forbid nothing was sent."""
    path = home / "logs" / "network.jsonl"
    lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()] if path.exists() else []
    return {line["host"] for line in lines}, {line["host"] for line in lines if line["status"] is not None}


def addresses(hosts: set[str]) -> set[str]:
    """What the names stand for."""
    return {str(found[4][0]) for host in hosts for found in socket.getaddrinfo(host, None)}


def main(log: Path, root: str, home: str, *others: str) -> int:
    calls = log.read_text(encoding="utf-8", errors="replace").replace(root, "").splitlines()
    (hosts, answered), to = logged(Path(root + home)), connected(calls)
    wrong = [f"leads out: {call}" for call in calls if leads_out(call)]
    wrong += [f"written: {path}" for path in sorted(set(written(calls, [home, *others])))]
    wrong += [f"not in the log: {address}" for address in sorted({host for host, _ in to} - addresses(hosts))]
    wrong += [f"in the log alone: {host}" for host in sorted(answered) if not addresses({host}) & {host for host, _ in to}]
    words = f"the log has {', '.join(sorted(hosts))}" if hosts else "no host in the log"
    print(f"{len(calls)} calls, {len(to)} addresses connected to, {words}, {len(wrong)} that should not be")
    print(*wrong[:40], sep="\n")
    return int(not calls or bool(wrong))


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]), *sys.argv[2:]))
