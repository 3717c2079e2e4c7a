"""What Alcove is made of: each part with its version and licence, as notices for people and as a bill of materials for programs.

An installed Alcove carries both as files, made when it was built (installers/supply). One that runs from its sources makes them
of the packages that are installed beside it.
"""

import hashlib
import json
import platform
import re
import tomllib
import uuid
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib import metadata
from itertools import takewhile
from pathlib import Path
from typing import Any

from desktop import __version__
from desktop.paths import RESOURCES, resource

NOTICES, BILL = "about/THIRD-PARTY-NOTICES.txt", "about/sbom.cdx.json"  # in the resources; an add-on has its own beside them
LICENCE_FILE = re.compile(r"(^|/)(licen[cs]e|copying|notice|authors)[^/]*$", re.IGNORECASE)
# Of SPDX: nearly all have a version in them, and the others are few. "BSD" and "Apache" are none.
IDENTIFIER = re.compile(
    r"[A-Za-z0-9.+-]*\d[A-Za-z0-9.+-]*|[A-Za-z0-9.-]+-exception"
    r"|MIT|MIT-CMU|ISC|Zlib|Unlicense|blessing|FTL|IJG|libtiff|HPND|curl|NCSA|WTFPL"
)
SPOKEN = {  # what packages of older times say for an identifier of SPDX
    "MIT License": "MIT",
    "ISC License": "ISC",
    "ISC License (ISCL)": "ISC",
    "Apache 2.0": "Apache-2.0",
    "Apache Software License": "Apache-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
}
LONGEST = 100  # letters of a licence's name; a longer one is its whole text
RULE = "=" * 100
ALCOVE = {"type": "application", "bom-ref": f"pkg:generic/alcove@{__version__}", "name": "Alcove", "version": __version__}


@dataclass(frozen=True)
class Part:
    """One part. `licence` is an SPDX expression where there is one; `texts` are its licences and notices in full.

    `files` are paths in the program's folder with their SHA-256; `within` is the part that this one is compiled into.
    """

    name: str
    version: str = ""
    licence: str = ""
    purl: str = ""
    address: str = ""
    texts: tuple[str, ...] = ()
    files: tuple[tuple[str, str], ...] = ()
    within: str = ""
    note: str = ""

    @property
    def ref(self) -> str:
        """What it is called in a bill of materials."""
        return self.purl or f"alcove:{self.within}/{self.name}@{self.version}"


def installed() -> list[Part]:
    """The packages that Alcove needs, and what those need, as far as they are installed, by name."""
    found: dict[str, metadata.Distribution] = {}
    wanted = [_name(line) for line in _needs()]
    while wanted:
        key = _key(wanted.pop())
        if key in found:
            continue
        try:
            found[key] = distribution = metadata.distribution(key)
        except metadata.PackageNotFoundError:  # for another system
            continue
        wanted += [_name(line) for line in distribution.requires or () if "extra ==" not in line]
    return [part for key in sorted(found) for part in of_package(found[key])]


def of_package(package: metadata.Distribution) -> Iterator[Part]:
    """A Python package, and what its own bills of materials say is compiled into it."""
    name, version = package.metadata["Name"], package.version
    texts = [file.read_text(encoding="utf-8", errors="replace") for file in _licence_files(package)] or _headings(package)
    yield Part(name, version, _licence(package), f"pkg:pypi/{_key(name)}@{version}", _address(package), tuple(texts))
    for file in package.files or ():
        if "/sboms/" in str(file) and file.name.endswith(".json"):
            bill = json.loads(file.read_text(encoding="utf-8"))
            yield from (_within(each, name) for each in bill.get("components", ()) if _key(each["name"]) != _key(name))


def own() -> list[Part]:
    """What lies in our own resources, and Python."""
    inter, guide = resource("fonts/OFL.txt").read_text(encoding="utf-8"), resource("licences/texts/apache-2.0.txt")
    return [
        Part("Inter", "4", "OFL-1.1", address="https://rsms.me/inter/", texts=(inter,)),
        Part("Alcove guide", __version__, "Apache-2.0", texts=(guide.read_text(encoding="utf-8"),)),
        Part("Python", platform.python_version(), "PSF-2.0", address="https://www.python.org/", texts=_of_python()),
    ]


def notices(parts: Sequence[Part], before: str = "") -> str:
    """All parts with their licences, then each text once, with the parts that it goes with."""
    told = [before] if before else []
    lines = [f"{part.name} {part.version} ({part.licence or 'see its text'})" for part in parts if not part.within]
    told.append("Alcove contains these parts:\n\n" + "\n".join(lines) + "\n")
    inside = [f"{part.name} {part.version}: {part.licence}, in {part.within}" for part in parts if part.within and part.licence]
    if inside:
        heading = "Compiled into them, or into some of their builds, as their makers list it:\n\n"
        told.append(heading + "\n".join(dict.fromkeys(inside)) + "\n")
    users: dict[str, list[Part]] = {}
    for part in parts:
        for text in part.texts:
            users.setdefault(text.strip(), []).append(part)
    for text, with_it in users.items():
        heads = dict.fromkeys(f"{part.name} {part.version}  {part.address}".strip() for part in with_it)
        notes = dict.fromkeys(part.note for part in with_it if part.note)
        told.append("\n".join([RULE, *heads, *notes, RULE, "", text, ""]))
    return "\n".join(told)


def bill(parts: Sequence[Part]) -> dict[str, Any]:
    """A bill of materials in the form of CycloneDX 1.6; the same parts give the same one, to the byte."""
    components: dict[str, dict[str, Any]] = {}
    for part in parts:
        components.setdefault(part.ref, _component(part))
    names = {part.name: part.ref for part in reversed(parts) if not part.within}
    below: dict[str, list[str]] = {ALCOVE["bom-ref"]: sorted(set(names.values()))}
    for part in parts:
        if part.within in names and part.ref not in below.setdefault(names[part.within], []):
            below[names[part.within]].append(part.ref)
    return _document(components, below)


def joined(bills: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """One bill for the program and its add-ons; a part that is in several has the files of all."""
    components: dict[str, dict[str, Any]] = {}
    below: dict[str, list[str]] = {}
    for bill in bills:
        for part in bill["components"]:
            known = components.setdefault(part["bom-ref"], part)
            if known is not part:
                known["components"] = known.get("components", []) + part.get("components", [])
        for line in bill["dependencies"]:
            refs = below.setdefault(line["ref"], [])
            refs += [ref for ref in line["dependsOn"] if ref not in refs]
    return _document(components, below)


def _document(components: dict[str, dict[str, Any]], below: dict[str, list[str]]) -> dict[str, Any]:
    number = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(components, sort_keys=True))
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{number}",
        "version": 1,
        "metadata": {"component": ALCOVE | {"licenses": [{"license": {"id": "Apache-2.0"}}], "purl": ALCOVE["bom-ref"]}},
        "components": list(components.values()),
        "dependencies": [{"ref": ref, "dependsOn": each} for ref, each in below.items()],
    }


def told_notices() -> str:
    """The notices of this Alcove and of the add-ons that are installed."""
    return "\n".join(_made(NOTICES)) or notices([*own(), *installed()])


def told_bill() -> str:
    """The bill of materials of this Alcove and of the add-ons that are installed, as JSON."""
    return as_json(_told())


def versions() -> dict[str, str]:
    """Each part with its version, as far as that is known: of those that were built in, else of all packages beside it."""
    if resource(BILL).is_file():
        return {each["name"]: each.get("version", "") for each in _told()["components"]}
    found = {each.metadata["Name"]: each.version for each in metadata.distributions()}
    return dict(sorted(found.items(), key=lambda each: each[0].lower()))


def _told() -> dict[str, Any]:
    made = _made(BILL)
    return joined(map(json.loads, made)) if made else bill([*own(), *installed()])


def _made(name: str) -> list[str]:
    """What was written of this kind when the program was built, and when its add-ons were: sbom.cdx.json, sbom-cuda.cdx.json."""
    main = resource(name)
    stem, dot, suffix = main.name.partition(".")
    files = [main, *sorted(main.parent.glob(f"{stem}-*{dot}{suffix}"))] if main.is_file() else []
    return [file.read_text(encoding="utf-8") for file in files]


def as_json(content: dict[str, Any]) -> str:
    """A bill as it is written down."""
    return json.dumps(content, indent=1, ensure_ascii=False) + "\n"


def _component(part: Part) -> dict[str, Any]:
    licence: dict[str, Any] = (
        {"expression": part.licence} if _is_expression(part.licence) else {"license": {"name": part.licence}}
    )
    made: dict[str, Any] = {"type": "library", "bom-ref": part.ref, "name": part.name}
    made |= {"version": part.version} if part.version else {}
    made |= {"licenses": [licence]} if part.licence else {}
    made |= {"purl": part.purl} if part.purl else {}
    made |= {"externalReferences": [{"type": "website", "url": part.address}]} if part.address else {}
    made |= {"properties": [{"name": "alcove:within", "value": part.within}]} if part.within else {}
    if part.files:
        made["components"] = [_file(part, path, sha256) for path, sha256 in part.files]
    return made


def _file(part: Part, path: str, sha256: str) -> dict[str, Any]:
    mark = hashlib.sha256(f"{part.ref} {path}".encode()).hexdigest()[:16]
    return {"type": "file", "bom-ref": f"file:{mark}", "name": path, "hashes": [{"alg": "SHA-256", "content": sha256}]}


def _is_expression(licence: str) -> bool:
    """Whether these are identifiers of SPDX, joined as SPDX joins them."""
    words = re.sub(r"[()]", " ", licence).split()
    ids = [word for word in words if word not in ("AND", "OR", "WITH")]
    return bool(ids) and len(ids) == (len(words) + 1) // 2 and all(IDENTIFIER.fullmatch(word) for word in ids)


def _within(component: dict[str, Any], name: str) -> Part:
    licences = [_licence_of(each) for each in component.get("licenses") or ()]
    licence = " AND ".join(f"({each})" if " " in each and len(licences) > 1 else each for each in licences if each)
    purl = str(component.get("purl") or "")
    return Part(component["name"], component.get("version") or "", licence, purl, within=name)


def _licence_of(told: dict[str, Any]) -> str:
    licence = told.get("license") or {}
    return str(told.get("expression") or licence.get("id") or licence.get("name") or "")


def _licence(package: metadata.Distribution) -> str:
    """Its licence by the newest of three ways to say it."""
    if expression := _first(package, "License-Expression"):
        return expression
    short = _first(package, "License").strip()
    if short and "\n" not in short and len(short) <= LONGEST:
        return SPOKEN.get(short, short)
    kinds = [
        SPOKEN.get(kind.rpartition(" :: ")[2], kind.rpartition(" :: ")[2])
        for kind in package.metadata.get_all("Classifier") or ()
        if kind.startswith("License ::")
    ]
    return ", ".join(kinds)


def _address(package: metadata.Distribution) -> str:
    urls = [line.partition(", ")[2] for line in package.metadata.get_all("Project-URL") or ()]
    return _first(package, "Home-page") or next(iter(urls), "") or f"https://pypi.org/project/{package.metadata['Name']}/"


def _licence_files(package: metadata.Distribution) -> Iterator[Path]:
    """Its licences and notices, as they came with it."""
    files: Iterable[metadata.PackagePath] = package.files or ()
    for file in files:
        if ".dist-info/" in str(file) and LICENCE_FILE.search(file.as_posix()):
            path = Path(str(file.locate()))
            if path.is_file():
                yield path


def _headings(package: metadata.Distribution) -> list[str]:
    """Of a package without a file of its licence: what stands above the code."""
    for file in package.files or ():
        path = Path(str(file.locate()))
        if path.suffix == ".py" and path.is_file():
            lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
            above = [line.lstrip("# ") for line in takewhile(lambda line: not line or line.startswith("#"), lines)]
            if any("copyright" in line.lower() for line in above):
                return ["\n".join(above)]
    return []


def _of_python() -> tuple[str, ...]:
    """The licence of Python, with those of what is compiled into it, where the installation has it."""
    file = Path(json.__file__).parent.parent / "LICENSE.txt"
    return (file.read_text(encoding="utf-8"),) if file.is_file() else ()


def _needs() -> list[str]:
    """What Alcove asks for: by its sources where it runs from them, for what is installed may be older."""
    sources = RESOURCES.parent / "pyproject.toml"
    if sources.is_file():
        asked: list[str] = tomllib.loads(sources.read_text(encoding="utf-8"))["project"]["dependencies"]
        return asked
    with suppress(metadata.PackageNotFoundError):
        return [line for line in metadata.requires("alcove") or () if "extra ==" not in line]
    return []


def _first(package: metadata.Distribution, key: str) -> str:
    return str(next(iter(package.metadata.get_all(key) or ()), ""))


def _name(requirement: str) -> str:
    return re.split(r"[\s;\[<>=!~(]", requirement, maxsplit=1)[0]


def _key(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()
