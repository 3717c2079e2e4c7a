"""Check a frozen Alcove before anyone packs it, and say what it asks of a system. Usage: tree.py [FOLDER] (dist/alcove).

It fails on: a library that is neither where the loader looks for it nor comes with every desktop; one of the build's own system
that leaked in, or a folder of that where a file looks for libraries; the same library twice (two copies of ggml: models are
computed by the one that knows no modules); an engine for one kind of processor only, or with AMX (see desktop/engine/llama.py);
parts that were meant to stay out; a folder over 170 MB, models that an installer carries aside. Needs readelf on Linux;
elsewhere only names and sizes are checked.
"""

import os
import platform
import re
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

LIMIT_BYTES = 170_000_000
# What every Linux desktop has, by the name that a program asks for it.
OF_THE_SYSTEM = re.compile(
    r"(ld-linux[-\w]*|lib(c|m|dl|pthread|rt|util|resolv|stdc\+\+|gcc_s|z|zstd|GL|EGL|GLX|OpenGL|X11|X11-xcb|xcb|xcb-(glx|randr|render"
    r"|shape|shm|sync|xfixes|xkb)|wayland-(client|cursor|egl)|glib-2\.0|gthread-2\.0|dbus-1|fontconfig|freetype|vulkan|cuda|expat"
    r"|gobject-2\.0|gio-2\.0|drm|Xau|Xdmcp|systemd|selinux|mount|blkid|gmodule-2\.0|png16|brotli\w+))\.so(\.\d+)*"
)
UNWANTED = re.compile(
    r"(^|/)(numpy|hf_xet|setuptools|pip|tkinter|libqgtk3\.so|libQt6(Network|Qml|Quick)\.so|.*sapphirerapids.*)(/|$|\.)"
)
LEAST = ("x64", "sse42", "haswell")  # modules of an engine for every x86-64 processor


@dataclass(frozen=True)
class Library:
    """What a file of ELF says of itself: its name, whom it asks for, and where, and which versions of the C libraries."""

    path: str
    soname: str
    needs: tuple[str, ...]
    places: tuple[str, ...]
    versions: tuple[str, ...]


def main(folder: Path) -> int:
    """Print what is wrong, or what the tree is; 1 when something is wrong."""
    libraries = list(read(folder)) if sys.platform == "linux" else []
    wrong = [*of_files(folder), *of_libraries(libraries), *of_places(folder, libraries)]
    for each in wrong:
        print(f"wrong: {each}")
    if libraries and not wrong:
        for family in ("GLIBC", "GLIBCXX"):
            print(f"oldest {family}: {'.'.join(map(str, newest(libraries, family)))}")
        print("asked of the system:", *sorted({need for library in libraries for need in library.needs} - provided(libraries)))
    print(f"{folder}: {size(folder) / 1e6:.1f} MB, {sum(1 for _ in files(folder))} files")
    return int(bool(wrong))


def files(folder: Path) -> Iterator[Path]:
    """All files but the models that an installer carries; links are none."""
    for place, folders, names in os.walk(folder):
        if Path(place) == folder and "models" in folders:
            folders.remove("models")
        yield from (path for name in names if not (path := Path(place, name)).is_symlink())


def size(folder: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in files(folder))


def read(folder: Path) -> Iterator[Library]:
    """Every library and program in the tree, as readelf tells."""
    elf = [path for path in files(folder) if path.open("rb").read(4) == b"\x7fELF"]
    if not elf:
        return
    told = subprocess.run(["readelf", "-dVW", "/dev/null", *map(str, elf)], capture_output=True, text=True, check=False).stdout
    for part in re.split(r"^File: ", told, flags=re.M)[1:]:
        name, _, about = part.partition("\n")
        soname = re.search(r"\(SONAME\).*\[(.+)\]", about)
        needs = tuple(re.findall(r"\(NEEDED\).*\[(.+)\]", about))
        places = tuple(place for found in re.findall(r"\((?:RUN|R)PATH\).*\[(.*)\]", about) for place in found.split(":"))
        versions = tuple(re.findall(r"Name: (GLIBC(?:XX)?_[\d.]+)", about))
        yield Library(os.path.relpath(name, folder), soname[1] if soname else Path(name).name, needs, places, versions)


def provided(libraries: list[Library]) -> set[str]:
    """The names that libraries of the tree answer to."""
    return {library.soname for library in libraries} | {Path(library.path).name for library in libraries}


def newest(libraries: list[Library], family: str) -> tuple[int, ...]:
    """The newest version of a family of symbols that something in the tree asks for: the oldest system must have it."""
    found = [each.partition("_")[2] for library in libraries for each in library.versions if each.startswith(f"{family}_")]
    return max((tuple(map(int, each.split("."))) for each in found), default=(0,))


def of_files(folder: Path) -> Iterator[str]:
    """What is wrong with the files, whatever the system."""
    names = [path.relative_to(folder).as_posix() for path in files(folder)]
    yield from (f"{name} was meant to stay out" for name in names if UNWANTED.search(name))
    for path in folder.rglob("*"):
        if path.is_symlink() and not (path.exists() and folder.resolve() in path.resolve().parents):
            yield f"the link {path.relative_to(folder)} leads out of the folder or nowhere"
    if not any("resources/starter/" in name for name in names):
        yield "the guide is missing"
    if size(folder) > LIMIT_BYTES:
        yield f"it has {size(folder) / 1e6:.1f} MB, over {LIMIT_BYTES / 1e6:.0f}"


def of_libraries(libraries: list[Library]) -> Iterator[str]:
    """What is wrong with the libraries of a tree for Linux."""
    there = provided(libraries)
    for library in libraries:
        if OF_THE_SYSTEM.fullmatch(library.soname):
            yield f"{library.path} belongs to the system of the build"
        for need in library.needs:
            if need not in there and not OF_THE_SYSTEM.fullmatch(need):
                yield f"{library.path} asks for {need}, which is neither here nor on every desktop"
    for soname, count in Counter(library.soname for library in libraries).items():
        if count > 1 and soname.startswith("lib"):
            yield f"{soname} is there {count} times"
    modules = {match[1] for name in there if (match := re.match(r"libggml-cpu-(\w+)\.so", name))}
    if libraries and platform.machine() == "x86_64":
        yield from (f"the engine has no module for processors of the kind {each}" for each in LEAST if each not in modules)


def of_places(folder: Path, libraries: list[Library]) -> Iterator[str]:
    """What is wrong with where libraries look for each other: in folders that they name, and beside the program."""
    there = provided(libraries)
    for library in libraries:
        ours = [place for place in library.places if re.match(r"\$(ORIGIN|\{ORIGIN\})(/|$)", place)]
        yield from (f"{library.path} looks for libraries in {place}" for place in library.places if place not in ours)
        home = (folder / library.path).parent
        places = [home / re.sub(r"^\$\{?ORIGIN\}?/?", "", place) for place in ours] + [folder / "_internal"]
        for need in there.intersection(library.needs):
            if not any((place / need).exists() for place in places):
                yield f"{library.path} asks for {need}, which lies where it does not look"


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1] if sys.argv[1:] else "dist/alcove")))
