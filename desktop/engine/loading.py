"""Before a file is opened: a fence around the memory that it may take, and one reading of it that can be watched and stopped."""

import sys
from collections.abc import Iterator
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


def read_once(path: Path) -> Iterator[float]:
    """Bring a file into the system's cache; yields the share done. Mapping it would read it, too, but unseen and unstoppable."""
    done, size = 0, path.stat().st_size
    block = bytearray(DISK_BLOCK)
    with path.open("rb", buffering=0) as file:
        while count := file.readinto(block):
            done += count
            yield min(1.0, done / size)
