"""The wall around the one door: Python asks here before it opens a connection, and nothing passes but through network.py.

It stands below HTTP and below every library: an audit hook of the interpreter, which holds until the process ends. What it lets
pass: this computer itself, the sockets of the system (desktop, keyring), and a thread that the door has let through. Qt has
sockets of its own, which Alcove does not use; tests/test_traced.py looks at the system calls of both.
"""

import socket
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from desktop.address import is_loopback

LOOKUPS = ("socket.getaddrinfo", "socket.gethostbyname", "socket.gethostbyaddr")
TO_ADDRESSES = ("socket.connect", "socket.sendto", "socket.sendmsg", "socket.bind")
IN_HOUSE = {getattr(socket, name) for name in ("AF_UNIX", "AF_NETLINK") if hasattr(socket, name)}  # lead to no other computer


class Refused(PermissionError):
    """A connection that did not come through the door, or came while Alcove is offline."""


_passage = threading.local()
_lock = threading.Lock()
_stands = False


def stand() -> None:
    """Shut this process in, for good; once is enough."""
    global _stands
    with _lock:
        if not _stands:
            sys.addaudithook(_ask)
            _stands = True


@contextmanager
def passage(is_open: Callable[[], bool]) -> Iterator[None]:
    """Let this thread out while the door is open: it is asked at every connection, so that a switch holds at once."""
    _passage.is_open = is_open
    try:
        yield
    finally:
        del _passage.is_open


def _ask(event: str, arguments: tuple[object, ...]) -> None:
    if not event.startswith("socket."):
        return
    if event in LOOKUPS:
        inside = _is_here(arguments[0])
    elif event in TO_ADDRESSES:
        inside = _stays(arguments[0], arguments[1])
    elif event == "socket.getnameinfo":
        inside = _is_here(arguments[0])
    else:
        return
    is_open: Callable[[], bool] = getattr(_passage, "is_open", bool)
    if not (inside or is_open()):
        raise Refused(f"{event} does not come through the door")


def _stays(opened: object, address: object) -> bool:
    """Whether what goes to this address of a socket stays on this computer."""
    if address is None or getattr(opened, "family", None) in IN_HOUSE:  # None: where the socket is connected to already
        return True
    return _is_here(address)


def _is_here(host: object) -> bool:
    """Whether this is the computer itself, and known without asking another one."""
    if isinstance(host, tuple):
        host = host[0]
    if isinstance(host, bytes | bytearray):
        host = host.decode("ascii", "replace")
    if host is None or not isinstance(host, str):
        return host is None
    return is_loopback(host)
