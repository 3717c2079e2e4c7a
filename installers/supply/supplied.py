"""What a frozen tree is made of: every file belongs to a part, or is named as one that nobody knows.

Imported by sbom.py and notices.py. Runs in the environment that the tree was frozen in, because licences, versions and the lists
of files of packages are read from there.
"""

import hashlib
import platform
import pyexpat
import re
import shutil
import sqlite3
import ssl
import subprocess
import sys
import tomllib
import zlib
from dataclasses import replace
from fnmatch import fnmatchcase
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent.parent))

from desktop import __version__, parts  # noqa: E402
from desktop.parts import Part  # noqa: E402

# What sbom.py and notices.py write themselves; models that an installer carries, which have licences of their own beside them.
APART = ("resources/about/", "../models/")
KNOWN = HERE.parent.parent / "resources" / "licences" / "texts"


class Unknown(Exception):
    """Files that belong to no part that is known."""

    def __init__(self, files: list[str]) -> None:
        super().__init__(
            "These files belong to no known part; say in installers/supply/native.toml to which:\n" + "\n".join(files)
        )
        self.files = files


def asked(arguments: list[str], name: str) -> tuple[list[Part], Path]:
    """The parts of the tree that a command names, and the file to write: its second argument, else `name` where the window looks
    for it. Raises Unknown."""
    tree = Path(arguments[0])
    out = Path(arguments[1]) if len(arguments) > 1 else tree / "_internal" / "resources" / name
    return of_tree(tree), out


def of_tree(tree: Path) -> list[Part]:
    """All parts of a frozen tree (the folder with the program and _internal), with their files. Raises Unknown."""
    inside = tree / "_internal"
    natives, owners = _natives(), _owners()
    found: dict[str, list[tuple[str, str]]] = {}
    unknown: list[str] = []
    for file in sorted(path for path in tree.rglob("*") if path.is_file() and not path.is_symlink()):
        name = file.relative_to(inside).as_posix() if file.is_relative_to(inside) else f"../{file.relative_to(tree).as_posix()}"
        if name.startswith(APART):
            continue
        owner = _owner(name, natives, owners)
        if owner:
            found.setdefault(owner, []).append((file.relative_to(tree).as_posix(), _sha256(file)))
        else:
            unknown.append(name)
    if unknown:
        raise Unknown(unknown)
    return [*_native_parts(natives, found), *_packages(tree, found)]


@cache
def _told() -> dict[str, Any]:
    return tomllib.loads((HERE / "native.toml").read_text(encoding="utf-8"))


def _natives() -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = _told()["part"]
    return listed


def _owner(name: str, natives: list[dict[str, Any]], owners: dict[str, str]) -> str:
    """The part that a file belongs to: one of native.toml, else the package that has it in its list of files."""
    for part in natives:
        if any(_is_like(name, pattern) for pattern in part["files"]):
            return str(part["name"])
    if name in owners:
        return owners[name]
    folder = name.partition("/")[0]
    return owners.get(folder, "") if folder.endswith((".dist-info", ".libs")) else ""


def _is_like(name: str, pattern: str) -> bool:
    top = pattern.removeprefix("./")
    return fnmatchcase(name.lower(), top.lower()) and (top == pattern or "/" not in name)


@cache
def _owners() -> dict[str, str]:
    """The package of each file that is installed here, and of each folder of its own."""
    owners: dict[str, str] = {}
    for package in metadata.distributions():
        name, files = package.metadata["Name"], package.files or ()
        for path in map(str, files):
            owners.setdefault(path, name)
            owners.setdefault(path.partition("/")[0], name)
    return owners


def _packages(tree: Path, found: dict[str, list[tuple[str, str]]]) -> list[Part]:
    """The Python packages whose code is in the program or whose files lie beside it."""
    modules = _modules(tree)
    of_module = metadata.packages_distributions() if modules else {}
    names = {name for module in modules for name in of_module.get(module, ())} | set(found)
    names -= {"alcove", *(name for part in _natives() for name in (part["name"], *part.get("packages", ())))}
    listed: list[Part] = []
    for name in sorted(names, key=str.lower):
        own, *inside = parts.of_package(metadata.distribution(name))
        known = _told()["inside"]
        inside = [part if part.licence else replace(part, licence=known.get(part.name, "")) for part in inside]
        listed += [replace(own, files=tuple(found.get(name, ()))), *inside]
    return listed


def _modules(tree: Path) -> set[str]:
    """The modules that were frozen into the program; none where it is no frozen program (a stand-in of a test)."""
    program = next((path for path in (tree / "alcove", tree / "alcove.exe") if path.is_file()), None)
    if program is None or program.stat().st_size < 100_000:
        return set()
    from PyInstaller.archive.readers import CArchiveReader

    archive = CArchiveReader(str(program))
    return {name.partition(".")[0] for name in archive.open_embedded_archive("PYZ.pyz").toc}


def _native_parts(natives: list[dict[str, Any]], found: dict[str, list[tuple[str, str]]]) -> list[Part]:
    listed = []
    for told in natives:
        if not (files := found.get(told["name"])):
            continue
        system = _of_debian(Path(files[0][0]).name) if "text" not in told else None
        version = _told_version(told.get("version", "")) or (system[0] if system else _numbered(files))
        texts = tuple(map(_text, told.get("text") or told.get("else", ()))) if system is None else (system[1],)
        purl = told.get("purl", "pkg:generic/" + told["name"].lower().replace(" ", "-").replace("+", "%2B"))
        purl += f"@{version}" if version else ""
        part = Part(told["name"], version, told["licence"], purl, told.get("address", ""), texts, tuple(files))
        listed.append(replace(part, note=told.get("note", "")))
    return listed


def _told_version(name: str) -> str:
    return versions().get(name) or _version(name) or name if name else ""


def _numbered(files: list[tuple[str, str]]) -> str:
    """The version in the name of a library: libicuuc.so.73."""
    return next((found[1] for name, _ in files if (found := re.search(r"\.so\.([\d.]+)$", name))), "")


def versions() -> dict[str, str]:
    """Versions of what is no package, as this environment has them."""
    llama = _version("llama-cpp-python")
    return {
        "alcove": __version__,
        "python": platform.python_version(),
        "openssl": ssl.OPENSSL_VERSION.split()[1],
        "sqlite": sqlite3.sqlite_version,
        "zlib": zlib.ZLIB_RUNTIME_VERSION,
        "expat": pyexpat.EXPAT_VERSION.removeprefix("expat_"),
        "pyside": _version("PySide6-Essentials"),
        "llama": f"llama-cpp-python-{llama}" if llama else "",
    }


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return ""


def _text(name: str) -> str:
    """A licence in full: ours, one of the licences that models have, the font's, Python's, or that of an installed package."""
    if name == "python":
        return next(iter(parts.own()[-1].texts), "")
    places = (HERE / "texts" / name, KNOWN / name, KNOWN.parent.parent / "fonts" / name)
    if file := next((place for place in places if place.is_file()), None):
        return file.read_text(encoding="utf-8")
    return "\n".join(next(parts.of_package(metadata.distribution(name))).texts)


def _of_debian(library: str) -> tuple[str, str] | None:
    """Version and copyrights of a library that came from the system, by its package; None where there are no such packages."""
    if shutil.which("dpkg-query") is None:
        return None
    asked = subprocess.run(["dpkg-query", "-S", f"*/{library}"], capture_output=True, text=True, check=False).stdout
    for line in asked.splitlines():
        package = line.partition(": ")[0].split(",")[0]
        copyrights = Path("/usr/share/doc") / package.partition(":")[0] / "copyright"
        if copyrights.is_file():
            shown = subprocess.run(["dpkg-query", "-W", "-f=${Version}", package], capture_output=True, text=True, check=True)
            return shown.stdout, copyrights.read_text(encoding="utf-8", errors="replace")
    return None


def _sha256(file: Path) -> str:
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
