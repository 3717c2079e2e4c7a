"""Main memory, and how much of it this program may use: a container may allow less than the machine has."""

import sys
from collections.abc import Iterator
from pathlib import Path

import psutil

from desktop.hardware.facts import Memory

UNLIMITED = 1 << 60  # control groups of version 1 write "no limit" as a number near 2^63


def read(root: Path = Path("/")) -> Memory:
    """Total and available memory in bytes, as they are now."""
    machine = psutil.virtual_memory()
    limits = list(cgroup_limits(root)) if sys.platform == "linux" else []
    return limited(Memory(machine.total, machine.available), limits)


def limited(machine: Memory, limits: list[tuple[int, int]]) -> Memory:
    """The machine's memory under control groups, each a (limit, usage) in bytes."""
    total = min([machine.total_bytes, *(limit for limit, _ in limits)])
    left = [max(0, limit - usage) for limit, usage in limits]
    available = min([machine.available_bytes, *left])
    return Memory(total, available, "cgroup" if total < machine.total_bytes else "machine")


def cgroup_limits(root: Path) -> Iterator[tuple[int, int]]:
    """(limit, usage) in bytes of each control group around this process that sets a limit; files it can drop are no usage."""
    groups = (root / "proc/self/cgroup").read_text() if (root / "proc/self/cgroup").is_file() else ""
    for line in groups.splitlines():
        number, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        if number == "0" and not controllers:
            yield from _limits(root / "sys/fs/cgroup", path, ("memory.max", "memory.current", "inactive_file"))
        elif "memory" in controllers.split(","):
            names = ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file")
            yield from _limits(root / "sys/fs/cgroup/memory", path, names)


def _limits(mount: Path, path: str, names: tuple[str, str, str]) -> Iterator[tuple[int, int]]:
    """The limits of a group and of those around it. In a container the group may be mounted as the root itself."""
    limit_name, usage_name, droppable = names
    parts = [part for part in path.split("/") if part not in ("", "..")]
    for depth in range(len(parts), -1, -1):
        folder = mount.joinpath(*parts[:depth])
        limit, usage = _number(folder / limit_name), _number(folder / usage_name)
        if limit is not None and usage is not None and limit < UNLIMITED:
            yield limit, max(0, usage - _stat(folder / "memory.stat", droppable))


def _number(path: Path) -> int | None:
    """The number in a file; None for "max", or where it cannot be read."""
    try:
        return int(path.read_text())
    except (OSError, ValueError):
        return None


def _stat(path: Path, name: str) -> int:
    try:
        pairs = (line.split() for line in path.read_text().splitlines())
        return next((int(pair[1]) for pair in pairs if len(pair) == 2 and pair[0] == name), 0)
    except (OSError, ValueError):
        return 0
