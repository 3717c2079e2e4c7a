"""What a model file that has taken over the engine's process could do: nothing of what it would want."""

import json
import os
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from desktop.engine import LoadOptions, local
from desktop.engine.confine import Reach
from desktop.engine.local import LocalEngine
from desktop.engine.threads import Counts
from tests import gguf_files
from tests.engine import models, shapes
from tests.engine.test_local import ask, load, worker_of

linux = pytest.mark.skipif(sys.platform != "linux", reason="only Linux lets a program shut itself in")

# Runs in a process that has shut itself in as a worker does. Machine code asks the system itself, past Python.
PROBE = """
import ctypes, json, os, platform, socket, subprocess, sys, threading
from pathlib import Path
from desktop.engine import seccomp
from desktop.engine.confine import Reach, confine
home, port = Path(sys.argv[1]), int(sys.argv[2])
libc = ctypes.CDLL(None, use_errno=True)
column = ("x86_64", "aarch64").index(platform.machine())

def machine_code(number, *arguments):
    if libc.syscall(*map(ctypes.c_long, (number, *arguments))) < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))

def in_a_thread(act):
    found = []
    thread = threading.Thread(target=lambda: found.append(attempt(act)))
    thread.start(); thread.join()
    if found[0]:
        raise PermissionError(found[0])

attempts = {
    "read the model": lambda: (home / "model.gguf").read_bytes(),
    "list the processors": lambda: Path("/proc/cpuinfo").read_text(),
    "read a library": lambda: Path(json.__file__).read_text(),
    "keep a conversation": lambda: (home / "states" / "new").write_text("x"),
    "replace one kept": lambda: os.replace(home / "states" / "new", home / "states" / "old"),
    "use it": lambda: os.utime(home / "states" / "old"),
    "remove it": lambda: (home / "states" / "old").unlink(),
    "keep what a driver compiled": lambda: (home / "drivers" / "shader").write_text("x"),
    "start a thread": lambda: in_a_thread(lambda: None),
    "read chats": lambda: (home / "conversations.sqlite").read_bytes(),
    "read chats in a thread": lambda: in_a_thread((home / "conversations.sqlite").read_bytes),
    "list the home": lambda: os.listdir(home),
    "change the model": lambda: (home / "model.gguf").open("ab"),
    "write beside it": lambda: (home / "new").write_text("x"),
    "write into /tmp": lambda: Path("/tmp/alcove-probe").write_text("x"),
    "lock the person out": lambda: os.chmod(home, 0),
    "read the parent's memory": lambda: Path(f"/proc/{os.getppid()}/maps").read_text(),
    "read the parent's secrets": lambda: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    "end the parent": lambda: machine_code(seccomp.REFUSED["kill"][column], os.getppid(), 0),
    "end one of its threads": lambda: machine_code(seccomp.TGKILL[column], os.getppid(), os.getppid(), 0),
    "connect": lambda: socket.create_connection(("127.0.0.1", port)),
    "look up a name": lambda: socket.getaddrinfo("localhost", port),
    "connect as machine code": lambda: machine_code(seccomp.REFUSED["socket"][column], 2, 1, 0),
    "connect within the computer": lambda: machine_code(seccomp.REFUSED["socket"][column], 1, 1, 0),
    "start a program": lambda: subprocess.run(["/bin/true"]),
    "start one as machine code": lambda: machine_code(seccomp.REFUSED["execve"][column], 0, 0, 0),
    "become two": lambda: machine_code(seccomp.CLONE[column], 17, 0, 0, 0, 0),
    "go round all this": lambda: machine_code(seccomp.REFUSED["io_uring_setup"][column], 1, 0),
}

def attempt(act):
    try:
        act()
    except BaseException as error:
        return f"{type(error).__name__}: {error}"
    return ""

before = {name: attempt(attempts[name]) for name in ("read chats", "list the home", "connect", "start a program")}
held = confine(Reach((home / "model.gguf",), (home / "states",), home / "drivers"))
print(json.dumps({"held": held, "before": before, "after": {name: attempt(act) for name, act in attempts.items()}}))
"""
ALLOWED = 9  # of the attempts: the first


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, dict[str, str]]:
    """What a process that has shut itself in could do, and before."""
    import socket

    home = tmp_path_factory.mktemp("home")
    for name in ("model.gguf", "conversations.sqlite"):
        (home / name).write_bytes(b"what was said")
    Reach((), (home / "states",), home / "drivers").make_folders()
    root = str(Path(local.__file__).parents[2])
    with socket.create_server(("127.0.0.1", 0)) as server:
        command = [sys.executable, "-P", "-c", PROBE, str(home), str(server.getsockname()[1])]
        environment = {**os.environ, "PYTHONPATH": root}
        done = subprocess.run(command, capture_output=True, check=True, timeout=60, env=environment, cwd="/")
    found: dict[str, dict[str, str]] = json.loads(done.stdout)
    assert set(found["before"].values()) == {""}, "else it would prove nothing"
    return found


@linux
def test_the_system_holds_it(probed: dict[str, dict[str, str]]) -> None:
    assert "no_new_privs" in probed["held"]
    if set(probed["held"]) != {"python", "no_new_privs", "landlock", "seccomp"}:
        pytest.skip(f"this Linux has only {probed['held']}")
    attempts = list(probed["after"].items())
    assert [(name, why) for name, why in attempts[:ALLOWED] if why] == []
    assert [name for name, why in attempts[ALLOWED:] if "PermissionError" not in why] == []


LISTENING = """
import errno, json, socket
from desktop.engine import seccomp
kinds = {"packets": (1, 5), "stream": (1, 1), "datagrams": (1, 2), "internet": (2, 1), "internet in packets": (2, 5)}
before, found = socket.socket(1, 5), {}
held = seccomp.restrict(listens=True)

def attempt(name, act):
    try:
        act()
        found[name] = "done"
    except OSError as error:
        found[name] = errno.errorcode[error.errno]

for name, kind in kinds.items():
    attempt(name, lambda: socket.socket(*kind))
attempt("without waiting", lambda: socket.socket(1, 5 | socket.SOCK_NONBLOCK | socket.SOCK_CLOEXEC))
attempt("bind", lambda: before.bind(chr(0) + "alcove-listening"))
attempt("listen", lambda: before.listen())
attempt("connect", lambda: before.connect(chr(0) + "alcove-listening"))
attempt("go on", lambda: open("/dev/null"))
print(json.dumps([held, found]))
"""


@linux
def test_the_driver_of_a_card_may_wait_for_others_and_connect_to_nobody() -> None:
    """NVIDIA's makes a socket for packets at its start, and without it finds no card."""
    done = subprocess.run([sys.executable, "-c", LISTENING], capture_output=True, text=True, check=True, timeout=60)
    held, found = json.loads(done.stdout)
    if not held:
        pytest.skip("this Linux has no seccomp")
    allowed = {name for name, how in found.items() if how == "done"}
    assert allowed == {"packets", "without waiting", "bind", "listen", "go on"}
    assert {how for name, how in found.items() if name not in allowed} == {"EPERM"}


@linux
def test_a_card_is_looked_for_before_nothing_can_be_seen_any_more() -> None:
    code = (
        "import ctypes, os\nfrom desktop.engine import confine\n"
        "confine._has_nvidia = lambda: bool(os.listdir('/dev'))\nheld = confine.confine(confine.Reach())\n"
        "print('seccomp' in held, ctypes.CDLL(None).socket(1, 5, 0) >= 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split()[1] == "True"


@linux
def test_python_refuses_too_where_the_system_does_not(tmp_path: Path) -> None:
    program = (
        "import os, socket, subprocess, sys\n"
        "from desktop.engine import confine\n"
        "sys.addaudithook(confine._refuse)\n"
        "acts = [lambda: socket.create_connection(('127.0.0.1', 9)), socket.socket, lambda: os.system('true'), os.fork,\n"
        "        lambda: subprocess.run(['/bin/true']), lambda: os.execv('/bin/true', ['true']),\n"
        "        lambda: os.kill(os.getppid(), 0)]\n"
        "for act in acts:\n"
        "    try: act()\n"
        "    except PermissionError as error: print(error)\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(local.__file__).parents[2])}
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, check=True, timeout=60, env=environment, text=True)
    refused = [line.removeprefix("the engine's process does without ") for line in done.stdout.splitlines()]
    names = ["socket.getaddrinfo", "socket.__new__", "os.system", "os.fork", "subprocess.Popen", "os.exec", "os.kill"]
    assert refused == names


@linux
def test_every_thread_of_a_worker_is_held(engine: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker that listens, computes with several threads, and answers as ever."""
    monkeypatch.setattr(local, "counts", lambda processor, wanted: Counts((3,), (3,), 3))
    load(engine, gguf_files.llama(tmp_path / "model.gguf", width=256))
    assert ask(engine, max_tokens=4).completion_tokens >= 1  # random weights may end it at once
    if "seccomp" not in local.report(tmp_path / "cache").confined:
        pytest.skip("this Linux has no seccomp")
    tasks = list(Path(f"/proc/{worker_of(engine).pid}/task").iterdir())
    assert len(tasks) >= 4
    for task in tasks:
        told = (task / "status").read_text()
        assert "NoNewPrivs:\t1" in told
        assert "Seccomp:\t2" in told


@linux
def test_a_worker_knows_no_secret_and_leaves_no_picture_of_its_memory(
    engine: LocalEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_hush")
    monkeypatch.setenv("https_proxy", "http://me:hush@proxy.example")
    load(engine, models.write(tmp_path / "words.gguf", models.WORDS))
    notes = Path(f"/proc/{worker_of(engine).pid}")
    assert b"hush" not in (notes / "environ").read_bytes()
    assert b"PATH=" in (notes / "environ").read_bytes()
    assert int((notes / "coredump_filter").read_text(), 16) == 0


def test_each_model_has_a_process_of_its_own(engine: LocalEngine, tmp_path: Path) -> None:
    """What one model might have done to its process must not read what is said to the next."""
    one, other = (models.write(tmp_path / name, models.WORDS) for name in ("one.gguf", "other.gguf"))
    load(engine, one)
    first = worker_of(engine)
    load(engine, one, context=512)
    assert worker_of(engine) == first
    load(engine, other)
    assert worker_of(engine) != first
    assert not first.is_running()


def test_a_file_that_was_replaced_and_one_behind_a_link_can_be_opened(engine: LocalEngine, tmp_path: Path) -> None:
    path = models.write(tmp_path / "words.gguf", models.WORDS)
    load(engine, path)
    models.write(tmp_path / "new.gguf", [*models.WORDS[:2], models.END]).replace(path)
    load(engine, path)
    assert ask(engine).text == "word0 word1"
    (tmp_path / "elsewhere").mkdir()
    link = tmp_path / "elsewhere" / "link.gguf"
    link.symlink_to(path)
    load(engine, link)
    assert ask(engine).text == "word0 word1"


def test_all_parts_of_a_split_model_can_be_opened(engine: LocalEngine, tmp_path: Path) -> None:
    first, *_ = gguf_files.split(shapes.llama(tmp_path / "whole.gguf"), tmp_path)
    assert load(engine, first, chats=False).architecture == "llama"


def test_folders_are_made_and_drivers_compile_into_one_of_ours(tmp_path: Path) -> None:
    engine = LocalEngine(tmp_path / "cache")
    load(engine, models.write(tmp_path / "words.gguf", models.WORDS), states=tmp_path / "home" / "states")
    for folder in ("cache/drivers", "home/states"):
        assert (tmp_path / folder).stat().st_mode & 0o077 == 0 or sys.platform == "win32"
    engine.close()
    assert psutil.Process().children() == []


def test_the_report_tells_what_holds_the_engine(tmp_path: Path) -> None:
    confined = local.report(tmp_path / "cache").confined
    assert confined[0] == "python"
    assert len(confined) >= 2 or sys.platform != "linux"
    assert Reach.of(LoadOptions(tmp_path / "gone.gguf")).identities == ((0, 0),)
