"""What is wrong with rules that cannot be read, in the words of whoever wrote them: which key, and what it can be."""

import re
from difflib import get_close_matches
from typing import Any

import msgspec

from desktop.policy.schema import SETTINGS, Content, json_schema

KINDS = {
    "bool": "true or false, and no text",
    "str": "a text",
    "int": "a whole number, and no text",
    "float": "a number with a point, and no text",
    "array": "a list, in square brackets",
    "object": "a group, in braces",
}
UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def why(error: Exception, content: bytes = b"") -> str:
    """The reason without its end mark; `content` is the JSON that was read, for the number of the line."""
    if content.startswith(UTF_16):
        return "it is in UTF-16; save it in UTF-8"
    if isinstance(error, UnicodeDecodeError) or "utf-8" in str(error).lower():
        return "it is not in UTF-8; save it so"
    if isinstance(error, msgspec.ValidationError):
        return _invalid(str(error))
    if not content.strip() and isinstance(error, msgspec.DecodeError):
        return "nothing is in it"
    if found := re.fullmatch(r"JSON is malformed: (.*) \(byte (\d+)\)", str(error)):
        return f"it is no JSON ({found[1]} in line {content[: int(found[2])].count(10) + 1})"
    return "it ends too early" if "truncated" in str(error) else str(error) or "it is nested too deeply"


def twice(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """A group of a JSON file. Raises ValueError where a key is in it twice: which of the two was meant, nobody knows."""
    group: dict[str, Any] = {}
    for name, value in pairs:
        if name in group:
            raise ValueError(f"the key “{name}” is twice in the same group")
        group[name] = value
    return group


def _invalid(said: str) -> str:
    """A sentence of msgspec's about a value, put so that it names the key as it is written."""
    words, _, place = said.partition(" - at `$")
    place = place.rstrip("`").lstrip(".")
    if found := re.fullmatch(r"Object contains unknown field `(.*)`", words, re.DOTALL):
        return _unknown(found[1], place)
    if found := re.fullmatch(r"Object missing required field `(.*)`", words):
        return f"{_named(place)} lacks the key “{found[1]}”"
    if found := re.fullmatch(r"Invalid enum value '(.*)'", words, re.DOTALL):
        return f"{_named(place)} cannot be “{found[1]}”, but {_listed(_choices(place.rpartition('.')[2]))}"
    if found := re.fullmatch(r"Expected `(\w+)[ |a-z]*`, got `(\w+)[ |a-z]*`", words):
        return f"{_named(place)} has to be {KINDS.get(found[1], found[1])}"
    if re.fullmatch(r"Expected `\w+` of length >= 1", words):
        return f"{_named(place)} is empty; leave it out, or say something"
    if found := re.fullmatch(r"Expected `\w+[ |a-z]*`( of length)? ([<>]=?) ([\d.]+)", words):
        than = {">=": "at least", "<=": "at most", "<": "less than", ">": "more than"}[found[2]]
        return f"{_named(place)} has to be {than} {found[3]}{' letters long' if found[1] else ''}"
    if "matching regex" in words:
        return f"{_named(place)} has to be a day such as 2026-03-01"
    return f"{words} ({_named(place)})" if place else words


def _named(place: str) -> str:
    return f"“{place}”" if place else "all of it"


def _listed(choices: list[str]) -> str:
    return " or ".join(filter(None, (", ".join(f"“{each}”" for each in choices[:-1]), f"“{choices[-1]}”")))


def _unknown(name: str, place: str) -> str:
    if "telemetry" in name.lower():
        return "there is no telemetry in Alcove, so there is no key for it"
    where = f" in “{place}”" if place else ""
    settings, others = [each.name for each in SETTINGS], list(Content.__struct_fields__)
    known = _keys(place)
    if (near := _near(name, known)) is not None:
        return f"there is no key “{name}”{where}; perhaps “{near}” is meant"
    if not place and (near := _near(name, settings)) is not None:
        return f"“{name}” stands by itself, but “{near}” is a setting, which belongs in “locked” or in “defaults”"
    if place in ("locked", "defaults") and (near := _near(name, others)) is not None:
        return f"“{near}” does not belong in “{place}” but beside it"
    return f"there is no key “{name}”{where}; alcove policy schema lists all"


def _keys(place: str) -> list[str]:
    """The keys of the group at a place in the rules."""
    group = {"": "Content", "locked": "Some", "defaults": "Some", "models": "Models"}.get(place)
    group = group or ("Verdict" if place.startswith("licences") else "Rule")
    return list(json_schema()["$defs"][group]["properties"])


def _near(name: str, known: list[str]) -> str | None:
    """The key that looks like a name, as allowed_hosts does like allowedHosts."""
    plain = {_plain(each): each for each in known}
    found = get_close_matches(_plain(name), plain, 1, 0.8)
    return plain[found[0]] if found else None


def _plain(name: str) -> str:
    return re.sub(r"[\s_-]", "", name.lower())


def _choices(name: str) -> list[str]:
    """What a key with a few values can be."""
    for group in json_schema()["$defs"].values():
        schema = group.get("properties", {}).get(name, {})
        for each in (schema, *schema.get("anyOf", ())):
            if "enum" in each:
                return [choice for choice in each["enum"] if choice]
    return []
