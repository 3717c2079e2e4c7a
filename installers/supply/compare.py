"""Compares two builds, folders or packages, and lists every difference: what is missing, what is another file, where it begins.

    python installers/supply/compare.py A B     exit status 0: the same to the byte, 1: not

Folders are compared file by file with their kind, mode and links; a .zip, .tar.* or .whl is looked into, a .deb member by member.
"""

import hashlib
import io
import stat
import sys
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

AR = b"!<arch>\n"


def contents(path: Path) -> dict[str, tuple[str, bytes]]:
    """Every entry by its name: how it is (mode, or where a link leads), and its bytes."""
    if path.is_dir():
        return {each.relative_to(path).as_posix(): _entry(each) for each in sorted(path.rglob("*"))}
    return dict(_inside(path.name, path.read_bytes()))


def differences(ours: dict[str, tuple[str, bytes]], theirs: dict[str, tuple[str, bytes]]) -> Iterator[str]:
    """A line for each difference."""
    for name in sorted(ours.keys() | theirs.keys()):
        if name not in theirs or name not in ours:
            yield f"only in {'A' if name in ours else 'B'}: {name}"
            continue
        (how, content), (other_how, other) = ours[name], theirs[name]
        if how != other_how:
            yield f"another kind: {name}: {how}, {other_how}"
        if content != other:
            first = next((i for i, pair in enumerate(zip(content, other, strict=False)) if pair[0] != pair[1]), None)
            where = f"from byte {first}" if first is not None else "one goes on"
            yield f"another content: {name}: {len(content)} and {len(other)} bytes, {where}"


def _entry(path: Path) -> tuple[str, bytes]:
    if path.is_symlink():
        return f"link to {path.readlink()}", b""
    mode = stat.filemode(path.lstat().st_mode)
    return mode, path.read_bytes() if path.is_file() else b""


def _inside(name: str, content: bytes) -> Iterator[tuple[str, tuple[str, bytes]]]:
    """What is in a package; a file that is none is its own content."""
    if content.startswith(AR):
        yield from _in_ar(name, content)
    elif zipfile.is_zipfile(io.BytesIO(content)):
        with zipfile.ZipFile(io.BytesIO(content)) as packed:
            for each in packed.infolist():
                yield each.filename, (f"{each.date_time} {each.external_attr:o}", packed.read(each))
    elif (unpacked := _as_tar(content)) is not None:
        with unpacked:
            for member in unpacked:
                file = unpacked.extractfile(member) if member.isfile() else None
                how = f"{member.mode:o} {member.uid}:{member.gid} {member.mtime} {member.linkname}".rstrip()
                yield member.name, (how, file.read() if file else b"")
    else:
        yield "", ("file", content)


def _in_ar(name: str, content: bytes) -> Iterator[tuple[str, tuple[str, bytes]]]:
    """The members of a .deb: a version, and two archives."""
    place = len(AR)
    while place + 60 <= len(content):
        head = content[place : place + 60].decode("latin-1")
        member, size = head[:16].strip().rstrip("/"), int(head[48:58])
        part = content[place + 60 : place + 60 + size]
        yield member, (head[16:48].strip(), b"")
        for inner, entry in _inside(member, part):
            yield f"{member}/{inner}".rstrip("/") if inner else f"{member} as a whole", entry
        place += 60 + size + size % 2


def _as_tar(content: bytes) -> tarfile.TarFile | None:
    try:
        return tarfile.open(fileobj=io.BytesIO(content))
    except (tarfile.TarError, EOFError, OSError):
        return None


def main(ours: str, theirs: str) -> int:
    """Tell the differences; whole files that are the same need no look inside."""
    a, b = Path(ours), Path(theirs)
    found = list(differences(contents(a), contents(b)))
    if not found and a.is_file() and a.read_bytes() != b.read_bytes():
        found = ["another packing: what is inside is the same, the packages are not"]
    for line in found:
        print(line)
    for path in (a, b):
        if path.is_file():
            print(f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path}")
    print(f"{len(found)} differences" if found else "The same to the byte.")
    return 1 if found else 0


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1], sys.argv[2]))
