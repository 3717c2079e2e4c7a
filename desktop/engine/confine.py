"""What the engine's process may touch: a model file comes from strangers, and whoever takes it over finds nothing there.

No network, no other program, no file of the person's but the model that is open. On Linux the system sees to it; elsewhere
only Python does, which stops a chat template that breaks out, but no machine code.
"""

import ctypes
import os
import shutil
import struct
import subprocess
import sys
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from desktop import gguf
from desktop.engine import LoadOptions, landlock, seccomp

NO_NEW_PRIVS = 38  # of prctl: no program that it starts gets more rights than it has
READS_ALL = 1 << 1 | 1 << 2  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH
REFUSED = ("socket.", "subprocess.", "os.system", "os.exec", "os.posix_spawn", "os.spawn", "os.fork", "os.startfile", "os.kill")
SYSTEM = ("/usr", "/lib", "/lib32", "/lib64", "/etc", "/opt", "/nix/store", "/gnu/store", "/run/opengl-driver", "/proc", "/sys")
OF_DRIVERS = (".local/share/vulkan", ".config/vulkan", ".drirc")  # below the home folder: which drivers there are
DEVICES = ("null", "zero", "full", "random", "urandom", "dri", "nvidia*", "kfd", "dxg", "nvhost*", "nvmap", "dma_heap", "accel")


@dataclass(frozen=True)
class Reach:
    """The files that a process may read and the folders that it may write to, beside what every engine needs.

    `compiled` is the folder for what the drivers of graphics devices compile. `identities` tell files apart that came to the
    same place one after the other: the way in is to the file, not to its name.
    """

    readable: tuple[Path, ...] = ()
    writable: tuple[Path, ...] = ()
    compiled: Path | None = None
    identities: tuple[tuple[int, int], ...] = ()

    @classmethod
    def of(cls, options: LoadOptions, compiled: Path | None = None) -> "Reach":
        """What opening a model takes: its files, and the folder for saved conversation memory."""
        files = [options.path.with_name(name).resolve() for name in gguf.part_names(options.path.name)]
        files += [options.projector.resolve()] if options.projector else []
        folders = (options.states,) if options.states else ()
        return cls(tuple(files), folders, compiled, tuple(_identity(file) for file in files))

    @property
    def folders(self) -> tuple[Path, ...]:
        """All that it may write to."""
        return (*self.writable, self.compiled) if self.compiled else self.writable

    def make_folders(self) -> None:
        """Make those that are not there yet: a way can only be opened to what is there."""
        for folder in self.folders:
            with suppress(OSError):  # then nothing is kept
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)


def _identity(file: Path) -> tuple[int, int]:
    try:
        found = file.stat()
    except OSError:  # which the engine will tell
        return 0, 0
    return found.st_dev, found.st_ino


def confine(reach: Reach) -> tuple[str, ...]:
    """Shut this process in, for good, while it has no other thread; returns what holds it."""
    _wake_card()
    if reach.compiled:  # a cache of its own: what it wrote into that of all programs, all programs would run
        os.environ["XDG_CACHE_HOME"] = os.environ["CUDA_CACHE_PATH"] = str(reach.compiled)
    held = ["python"]
    sys.addaudithook(_refuse)
    if sys.platform == "linux" and ctypes.CDLL(None).prctl(NO_NEW_PRIVS, 1, 0, 0, 0) == 0:
        _be_nobody()
        held.append("no_new_privs")
        listens = _has_nvidia()  # afterwards nobody here can look
        if landlock.restrict([*_programs(), *reach.readable], _devices(), reach.folders):
            held.append("landlock")
        if seccomp.restrict(listens=listens):
            held.append("seccomp")
    return tuple(held)


def _be_nobody() -> None:
    """Give up what root can do more than others, but for reading any file: which may be the model."""
    known = Path("/proc/self/status").read_text().partition("CapPrm:")[2].split()
    kept = int(known[0], 16) & READS_ALL if known else 0
    with suppress(AttributeError):  # not every C library has it
        set_rights = ctypes.CDLL(None).capset
        set_rights(struct.pack("Ii", 0x20080522, 0), struct.pack("6I", kept, kept, 0, 0, 0, 0))


def _refuse(event: str, _: object) -> None:
    """Python asks here before it does anything that reaches outside."""
    if event.startswith(REFUSED):
        raise PermissionError(f"the engine's process does without {event}")


def _programs() -> list[Path]:
    """Everything that programs, libraries and drivers are made of; nothing that a person wrote."""
    paths = [*SYSTEM, *sys.path, sys.prefix, sys.base_prefix, sys.executable]  # the last holds the modules of a frozen program
    paths += os.environ.get("LD_LIBRARY_PATH", "").split(os.pathsep)
    return [Path(path) for path in paths if path] + [Path.home() / name for name in OF_DRIVERS]


def _devices() -> list[Path]:
    """What a driver reads and writes, and this process's own notes in /proc."""
    found = [path for pattern in DEVICES for path in Path("/dev").glob(pattern)]
    if Path("/dev/kfd").exists():  # AMD's driver keeps counters there
        found.append(Path("/dev/shm"))
    return [*found, Path("/proc/self")]


def _has_nvidia() -> bool:
    """Whether there is a card of NVIDIA's, whose driver has a wish of its own."""
    return any(Path("/dev").glob("nvidia*"))


def _wake_card() -> None:
    """Have NVIDIA's last device made now: its driver would start a program of root's for it, and here it may start none."""
    asleep = Path("/proc/driver/nvidia").exists() and not Path("/dev/nvidia-uvm").exists()
    if asleep and (program := shutil.which("nvidia-modprobe")):
        with suppress(OSError, subprocess.TimeoutExpired):
            subprocess.run([program, "-c", "0", "-u"], stdin=subprocess.DEVNULL, timeout=10, check=False)
