"""What a tree of programs and libraries needs of the system, computed from the files: python needs.py deb|rpm TREE [BESIDE…].

Prints the relations for a package. BESIDE are trees that will be there as well. For deb this system's packages are asked, so
it has to have them; a library that nobody provides is an error, for the tree would not start elsewhere.
"""

import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Iterable, Iterator
from functools import cmp_to_key
from pathlib import Path

SYMBOLS = Path("/var/lib/dpkg/info")
# Of the driver's maker, and in no distribution under one name: the driver brings them, or the machine has no use for the tree.
DRIVERS = {"libcuda.so.1"}


def needed(tree: Path, beside: Iterable[Path] = ()) -> dict[str, set[str]]:
    """The libraries that are needed and not in the tree, each with the versions of symbols that are asked of it."""
    files = [path for path in sorted(tree.rglob("*")) if path.is_file() and not path.is_symlink() and _is_elf(path)]
    here = {path.name for folder in (tree, *beside) for path in folder.rglob("*")}
    found: dict[str, set[str]] = defaultdict(set)
    wanted = ""
    for line in _output("objdump", "-p", *map(str, files)).splitlines():
        if match := re.match(r"\s+NEEDED\s+(\S+)", line):
            found[match[1]]  # without versions, too
        elif match := re.match(r"\s+required from (\S+):", line):
            wanted = match[1]
        elif match := re.match(r"\s+0x[0-9a-f]+ 0x[0-9a-f]+ \d+ (\S+)", line):
            found[wanted].add(match[1])
    return {name: versions for name, versions in sorted(found.items()) if name not in here and name not in DRIVERS}


def for_deb(found: dict[str, set[str]]) -> list[str]:
    """The same as packages of Debian. Raises SystemExit for a library that no package on this system has."""
    paths = dict(_libraries())
    packages: dict[str, set[str]] = defaultdict(set)
    for name, versions in found.items():
        package = _package(paths[name]) if name in paths else ""
        if not package:
            raise SystemExit(f"needs.py: no package on this system has {name}; the tree lacks it, or the package is missing here")
        packages[package] |= _minimal(package, name, versions)
    return [_relation(package, versions) for package, versions in sorted(packages.items())]


def for_rpm(found: dict[str, set[str]]) -> list[str]:
    """The same as rpm words it, which asks nobody."""
    bare = [f"{name}()(64bit)" for name in found if not name.startswith("ld-linux")]
    return bare + [f"{name}({version})(64bit)" for name, versions in found.items() for version in sorted(versions)]


def _is_elf(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(4) == b"\x7fELF"


def _libraries() -> Iterator[tuple[str, str]]:
    """The libraries of this system by name, as its loader finds them."""
    for line in reversed(_output("/sbin/ldconfig", "-p").splitlines()):
        if match := re.match(r"\s+(\S+) \(libc6,x86-64[^)]*\) => (\S+)", line):
            yield match[1], match[2]


def _package(path: str) -> str:
    real = str(Path(path).resolve())
    for each in (real, real.removeprefix("/usr"), path, path.removeprefix("/usr")):
        done = subprocess.run(["dpkg", "-S", each], capture_output=True, text=True, check=False)
        if done.returncode == 0:
            return done.stdout.split(":")[0]
    return ""


def _minimal(package: str, name: str, versions: set[str]) -> set[str]:
    """From which version on a package has these versions of symbols, as it tells itself."""
    path = next((each for each in SYMBOLS.glob(f"{package}*.symbols")), None)
    found, inside = set(), False
    for line in path.read_text(encoding="utf-8").splitlines() if path else ():
        inside = line.split()[0] == name if not line.startswith((" ", "|", "*")) else inside
        symbol, _, version = line.strip().partition(" ")
        if inside and symbol.partition("@")[0] in versions and version:
            found.add(version.split()[0])
    return found


def _relation(package: str, versions: set[str]) -> str:
    latest = max(versions, key=cmp_to_key(_compare), default="")
    name = f"{package} (>= {latest})" if latest else package
    return f"{package.removesuffix('t64')} | {name}" if package.endswith("t64") else name  # its name before Debian 13


def _compare(one: str, other: str) -> int:
    return 1 if subprocess.run(["dpkg", "--compare-versions", one, "gt", other], check=False).returncode == 0 else -1


def _output(*command: str) -> str:
    return subprocess.run(
        command, capture_output=True, text=True, check=True, env={"LC_ALL": "C", "PATH": "/usr/bin:/bin"}
    ).stdout


if __name__ == "__main__":
    kind, tree, *beside = sys.argv[1:]
    found = needed(Path(tree), [Path(each) for each in beside])
    print(", ".join(for_deb(found)) if kind == "deb" else "\n".join(f"Requires: {each}" for each in for_rpm(found)))
