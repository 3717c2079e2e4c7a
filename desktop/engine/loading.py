"""Before a file is opened: a fence around the memory that it may take, and one reading of it that can be watched and stopped."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

DISK_BLOCK = 4 << 20


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
