"""hardware.memory: what the machine has, and what a control group leaves of it."""

from pathlib import Path

import psutil

from desktop.hardware import Memory
from desktop.hardware.memory import cgroup_limits, limited, read

GB = 10**9


def tree(root: Path, files: dict[str, str]) -> Path:
    for name, content in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content)
    return root


def test_this_machine_as_psutil_sees_it() -> None:
    found = read()
    assert 0 < found.available_bytes <= found.total_bytes <= psutil.virtual_memory().total


def test_version_2_with_a_limit_on_the_group_around(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/user.slice/app.scope\n",
            "sys/fs/cgroup/user.slice/memory.max": "8000000000\n",
            "sys/fs/cgroup/user.slice/memory.current": "3000000000\n",
            "sys/fs/cgroup/user.slice/memory.stat": "anon 900000000\nfile 2000000000\ninactive_file 1000000000\n",
            "sys/fs/cgroup/user.slice/app.scope/memory.max": "max\n",
            "sys/fs/cgroup/user.slice/app.scope/memory.current": "100\n",
        },
    )
    assert list(cgroup_limits(root)) == [(8 * GB, 2 * GB)]


def test_version_2_in_a_container_whose_group_is_mounted_as_the_root(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "proc/self/cgroup": "0::/../../kubepods/pod1\n",
            "sys/fs/cgroup/memory.max": "4294967296\n",
            "sys/fs/cgroup/memory.current": "1073741824\n",
        },
    )
    assert list(cgroup_limits(root)) == [(4294967296, 1073741824)]


def test_version_1_where_no_limit_is_a_huge_number(tmp_path: Path) -> None:
    root = tree(
        tmp_path,
        {
            "proc/self/cgroup": "12:cpu,cpuacct:/docker/abc\n11:memory:/docker/abc\n0::/\n",
            "sys/fs/cgroup/memory/docker/abc/memory.limit_in_bytes": "2000000000\n",
            "sys/fs/cgroup/memory/docker/abc/memory.usage_in_bytes": "1500000000\n",
            "sys/fs/cgroup/memory/docker/abc/memory.stat": "cache 1\ntotal_inactive_file 700000000\n",
            "sys/fs/cgroup/memory/memory.limit_in_bytes": "9223372036854771712\n",
            "sys/fs/cgroup/memory/memory.usage_in_bytes": "1\n",
        },
    )
    assert list(cgroup_limits(root)) == [(2 * GB, 800_000_000)]


def test_damaged_files_set_no_limit(tmp_path: Path) -> None:
    root = tree(tmp_path, {"proc/self/cgroup": "nonsense\n0::/\n", "sys/fs/cgroup/memory.max": "many\n"})
    assert list(cgroup_limits(root)) == []


def test_the_tightest_limit_counts() -> None:
    machine = Memory(32 * GB, 20 * GB)
    assert limited(machine, []) == Memory(32 * GB, 20 * GB, "machine")
    assert limited(machine, [(16 * GB, 1 * GB), (8 * GB, 2 * GB)]) == Memory(8 * GB, 6 * GB, "cgroup")
    assert limited(machine, [(24 * GB, 23 * GB)]) == Memory(24 * GB, 1 * GB, "cgroup")
    assert limited(machine, [(64 * GB, 1 * GB)]) == Memory(32 * GB, 20 * GB, "machine")
    assert limited(machine, [(4 * GB, 5 * GB)]).available_bytes == 0
