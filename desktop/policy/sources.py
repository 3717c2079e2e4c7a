"""The places that rules are read from: files, the registry of Windows, the managed preferences of macOS. Nothing here writes."""

import codecs
import json
import os
import stat
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from desktop.errors import Corrupt
from desktop.paths import user_policy
from desktop.policy import wording
from desktop.policy.rules import Source
from desktop.policy.schema import LISTS, Content

LARGEST_BYTES = 1_000_000  # of a file of rules; a longer one is no policy
KEY = r"Software\Policies\Alcove"  # one key for programs of 32 and of 64 bits since Windows 7
DOMAIN = "org.alcove.Alcove"
MANAGED = Path("/Library/Managed Preferences")


def here(folder: Path) -> Iterator[Source]:
    """All rules for this computer and this person. Raises Corrupt, and OSError where one of them cannot be read."""
    if sys.platform == "win32":
        import winreg

        yield from of_registry(winreg)
        return
    if sys.platform == "darwin":
        import pwd  # whom the system takes the person for; a variable could say anything

        yield from of_preferences(MANAGED, pwd.getpwuid(os.getuid()).pw_name)
    yield from of_folder(folder)
    if sys.platform != "darwin" and os.path.lexists(user_policy()):  # a home that may not be looked into has no rules in it
        yield Source(str(user_policy()), of_file(user_policy()), machine=False)


def of_folder(folder: Path) -> Iterator[Source]:
    """Files that only an administrator may write: policy.json, then policy.d in the order of names. One that the person can
    change counts as the person's own."""
    more = folder / "policy.d"
    names = sorted(name for name in os.listdir(more) if name.endswith(".json")) if _is_there(more) else []
    first = folder / "policy.json"
    for path in ([first] if _is_there(first) else []) + [more / name for name in names]:
        places = (path, path.parent, Path(os.path.realpath(path)).parent)  # a link may lead to where anybody can write
        loose = os.name == "posix" and os.geteuid() != 0 and any(os.access(each, os.W_OK) for each in places)
        yield Source(str(path), of_file(path), machine=not loose, loose=loose)


def of_file(path: Path) -> Content:
    """One file of rules, in UTF-8. Raises as `here`."""
    content = _bytes(path).removeprefix(codecs.BOM_UTF8)  # which editors of Windows put before it
    try:
        found = msgspec.json.decode(content, type=Content)
        json.loads(content, object_pairs_hook=wording.twice)
    except (ValueError, RecursionError) as error:  # those of msgspec, json, UTF-8 are ValueErrors
        raise Corrupt(path=str(path), why=wording.why(error, content)) from error
    return found


def of_preferences(folder: Path, user: str) -> Iterator[Source]:
    """What a profile of macOS has set, for the computer and for the person."""
    for path, machine in ((folder / f"{DOMAIN}.plist", True), (folder / user / f"{DOMAIN}.plist", False)):
        if not _is_there(path):
            continue
        tree = _plist(path)
        if isinstance(tree, dict):
            tree = {name: each for name, each in tree.items() if not str(name).startswith("Payload")}  # of the profile itself
        yield Source(str(path), _content(tree, str(path)), machine)


def _plist(path: Path) -> Any:
    import plistlib  # late: only macOS pays for it
    from xml.parsers.expat import ExpatError

    try:
        return plistlib.loads(_bytes(path))
    except (ExpatError, ValueError, LookupError, TypeError, RecursionError) as error:  # all that it is known to raise
        raise Corrupt(path=str(path), why=str(error) or "it is no property list") from error


def of_registry(winreg: Any) -> Iterator[Source]:
    """What group policies have written, for the computer and for the person; `winreg` is the module of that name."""
    for root, name in ((winreg.HKEY_LOCAL_MACHINE, "HKLM"), (winreg.HKEY_CURRENT_USER, "HKCU")):
        where = rf"{name}\{KEY}"
        try:
            key = winreg.OpenKey(root, KEY, 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY)
        except FileNotFoundError:
            continue
        with key:
            tree = _tree(winreg, key)
        for name_ in ("models", "licences"):
            if isinstance(text := tree.get(name_), str):
                tree[name_] = _json(text, rf"{where}\{name_}")
        if tree:  # a key may stay behind when a policy goes
            yield Source(where, _content(tree, where), machine=name == "HKLM")


def _tree(winreg: Any, key: Any) -> dict[str, Any]:
    """The values of a key and of those below it. Of several lines one text is made; a key of numbered values is a list."""
    subkeys, values, _ = winreg.QueryInfoKey(key)
    tree: dict[str, Any] = {}
    for number in range(values):
        name, value, _ = winreg.EnumValue(key, number)
        tree[name.lower()] = "\n".join(value) if isinstance(value, list) else value
    for number in range(subkeys):
        name = winreg.EnumKey(key, number)
        with winreg.OpenKey(key, name, 0, winreg.KEY_READ | winreg.KEY_WOW64_64KEY) as below:
            inside = _tree(winreg, below)
        if name.lower() not in LISTS:
            tree[name.lower()] = inside
        elif inside:
            tree[name.lower()] = [inside[each] for each in sorted(inside, key=lambda each: (len(each), each))]
    return tree


def _json(text: str, where: str) -> Any:
    content = text.encode("utf-8", "replace")
    try:
        msgspec.json.decode(content)  # json by itself would take NaN
        return json.loads(content, object_pairs_hook=wording.twice)
    except (ValueError, RecursionError) as error:
        raise Corrupt(path=where, why=wording.why(error, content)) from error


def _content(tree: Any, where: str) -> Content:
    try:
        return msgspec.convert(tree, Content, strict=False)  # the registry has numbers for yes and no
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Corrupt(path=where, why=wording.why(error)) from error


def _bytes(path: Path) -> bytes:
    with open(path, "rb", opener=_at_once) as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise Corrupt(path=str(path), why="it is no file")
        content = file.read(LARGEST_BYTES + 1)
    if len(content) > LARGEST_BYTES:
        raise Corrupt(path=str(path), why="it is larger than any policy")
    return content


def _is_there(path: Path) -> bool:
    """Raises OSError where that is not to be known: a folder that may not be looked into may hold rules."""
    try:
        os.lstat(path)
    except FileNotFoundError:
        return False
    return True


def _at_once(path: str, flags: int) -> int:
    """Open without waiting for the other end of a pipe."""
    return os.open(path, flags | getattr(os, "O_NONBLOCK", 0))
