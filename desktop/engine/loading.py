"""Around the opening of a file: a fence round the memory that it may take, memory made ready for it by a thread of its own, and
one reading of the file that can be watched and stopped."""

import ctypes
import re
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

DISK_BLOCK = 4 << 20
POPULATE, STEP, LARGE = 23, 32 << 20, 64 << 20  # MADV_POPULATE_WRITE of Linux 5.14; bytes at once; bytes of an area worth it
AREA = re.compile(r"(?m)^([0-9a-f]+)-([0-9a-f]+) rw-p \S+ 00:00 0 *$")  # of no file, in /proc/self/maps


def fence_in(free_bytes: int) -> None:
    """Let an allocation beyond the free memory fail, which is told; Linux would grant it, and stall the machine later."""
    if sys.platform == "linux":
        import resource

        most = resource.getrlimit(resource.RLIMIT_DATA)[1]
        wanted = taken() + free_bytes + psutil.swap_memory().free
        resource.setrlimit(resource.RLIMIT_DATA, (wanted if most < 0 else min(wanted, most), most))


def taken() -> int:
    """Bytes of memory that this process has reserved for itself, mapped files aside; 0 where only Linux could tell."""
    return int(psutil.Process().memory_info().data) if sys.platform == "linux" else 0


class Populating:
    """Has the system clear the memory for the weights in a thread of its own, while they are read and repacked in another.

    Clearing it took a third of the time to open a model. Linux only; elsewhere nothing happens. `begin` is to be called once the
    memory is reserved; what the process had reserved before is left alone.
    """

    def __init__(self) -> None:
        self._before = set(_large_areas())
        self._enough = threading.Event()
        self._thread: threading.Thread | None = None

    def begin(self) -> None:
        """Begin, unless that was done."""
        if self._thread is None and sys.platform == "linux":
            self._thread = threading.Thread(target=self._populate, daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Be done before the memory may be given back."""
        self._enough.set()
        if self._thread:
            self._thread.join()

    def _populate(self) -> None:
        advise = ctypes.CDLL(None).madvise
        advise.argtypes = ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int
        for start, end in _large_areas():
            if (start, end) in self._before:
                continue
            for address in range(start, end, STEP):
                if self._enough.is_set() or advise(address, min(STEP, end - address), POPULATE):
                    return  # the work is done, or this Linux is older, or there is no more memory


def _large_areas() -> list[tuple[int, int]]:
    """Begin and end of large areas of memory that belong to no file."""
    try:
        areas = AREA.findall(Path("/proc/self/maps").read_text())
    except OSError:
        return []
    found = [(int(start, 16), int(end, 16)) for start, end in areas]
    return [(start, end) for start, end in found if end - start >= LARGE]


class Peak:
    """The most main memory that this process has had resident at once since this was made; mapped files count."""

    def __init__(self) -> None:
        with suppress(OSError):  # Linux forgets the peak of the model before; other systems never do
            Path("/proc/self/clear_refs").write_text("5")
        self._before = _most_ever()

    @property
    def bytes(self) -> int:
        """Bytes; what is resident now where an earlier model needed more and the system tells no later peak."""
        most = _most_ever()
        return most if most > self._before else int(psutil.Process().memory_info().rss)


def _most_ever() -> int:
    if sys.platform == "win32":
        return int(psutil.Process().memory_info().peak_wset)
    if sys.platform == "linux":
        return int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) << 10
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss  # in bytes on macOS


def read_once(path: Path) -> Iterator[float]:
    """Bring a file into the system's cache; yields the share done. Mapping it would read it, too, but unseen and unstoppable."""
    done, size = 0, path.stat().st_size
    block = bytearray(DISK_BLOCK)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(block):
            done += count
            yield min(1.0, done / size)
