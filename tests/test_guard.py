"""The wall around the door, in a process of its own: an audit hook holds until the process ends."""

import subprocess
import sys
from pathlib import Path

START = "import os, socket\nfrom desktop.network import guard\nfrom desktop.network import Network\nnetwork = Network()\n"
ROOT = Path(__file__).parent.parent


def run(code: str) -> str:
    """The last line of what went wrong in a process that has a door, or nothing."""
    done = subprocess.run([sys.executable, "-c", START + code], cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stderr.strip().rpartition("\n")[2]


WAYS_OUT = [
    "socket.create_connection(('192.0.2.1', 443), 1)",
    "socket.socket().connect(('192.0.2.1', 443))",
    "socket.socket().connect_ex(('192.0.2.1', 443))",
    "socket.socket(socket.AF_INET6).connect(('2001:db8::1', 443, 0, 0))",
    "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', ('192.0.2.1', 53))",
    "socket.socket(type=socket.SOCK_DGRAM).sendto(b'x', 0, ('192.0.2.1', 53))",
    "socket.socket().bind(('0.0.0.0', 0))",
    "socket.getaddrinfo('huggingface.co', 443)",
    "socket.getaddrinfo(b'huggingface.co', 443)",
    "socket.getaddrinfo('hub.localhost', 443)",
    "socket.gethostbyname('huggingface.co')",
    "socket.gethostbyname_ex('huggingface.co')",
    "socket.gethostbyaddr('192.0.2.1')",
    "socket.getnameinfo(('192.0.2.1', 443), 0)",
    "http.client.HTTPConnection('192.0.2.1', timeout=1).connect()",
    "with guard.passage(lambda: False): socket.create_connection(('192.0.2.1', 443), 1)",
    "with guard.passage(lambda: True): pass\nsocket.create_connection(('192.0.2.1', 443), 1)",
    *(["socket.socket(type=socket.SOCK_DGRAM).sendmsg([b'x'], [], 0, ('192.0.2.1', 53))"] if sys.platform != "win32" else []),
]


def test_nothing_gets_past_the_door() -> None:
    code = f"""
import http.client
for way in {WAYS_OUT!r}:
    try:
        exec(way)
    except guard.Refused:
        continue
    except Exception as error:
        way = (way, error)
    raise SystemExit(f"not refused: {{way}}")
"""
    assert run(code) == ""


def test_the_computer_itself_and_its_own_sockets_are_free(tmp_path: Path) -> None:
    own = f"s = socket.socket(socket.AF_UNIX); s.bind('{tmp_path}/s'); s.listen()\n"
    own += f"socket.socket(socket.AF_UNIX).connect('{tmp_path}/s')\n"
    code = (
        "network.offline = True\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "socket.create_connection(('localhost', server.getsockname()[1]))\n"
        "a, b = socket.socketpair(); a.sendmsg([b'x'])\n"
        "u = socket.socket(type=socket.SOCK_DGRAM); u.connect(server.getsockname()); u.sendmsg([b'x'])\n"
        "socket.getaddrinfo(None, 80)\n"
    )
    assert run(code + (own if sys.platform != "win32" else "")) == ""


def test_the_door_lets_its_own_thread_out_and_no_other() -> None:
    """The reserved address answers nobody: that it could be tried is what is looked at."""
    tried = "socket.socket(type=socket.SOCK_DGRAM).connect(('192.0.2.1', 443))"
    code = f"""
import threading
def other():
    try: {tried}
    except OSError as error: print(type(error).__name__, file=sys.stderr)
import sys
with guard.passage(lambda: True):
    try: {tried}
    except guard.Refused: raise SystemExit('refused')
    except OSError: pass  # a computer without any network
    thread = threading.Thread(target=other); thread.start(); thread.join()
"""
    assert run(code) == "Refused"


def test_the_switch_holds_in_the_middle_of_a_request() -> None:
    """The door looked before it was turned on, and the connection is made after: as if between two names of a host."""
    code = """
os.environ['http_proxy'] = 'http://192.0.2.1:3128'
network.plain_hosts.add('mirror.example')
check = network.check
def late(url):
    check(url)
    network.offline = True
network.check = late
network.client('look').get('http://mirror.example/')
"""
    assert "Alcove was set to offline" in run(code)


def test_a_request_through_the_door_passes() -> None:
    """It is stopped behind the guard, by a second hook, so that nothing is asked of anyone."""
    code = """
class Reached(Exception): pass
def stop(event, arguments):
    if event == 'socket.getaddrinfo' and arguments[0] == 'hub.example': raise Reached('it came through')
import sys
sys.addaudithook(stop)
network.client('look').get('https://hub.example/')
"""
    assert run(code).endswith("Reached: it came through")
