"""The register of licences: which models are here, under which licence, who says so, who accepted it when, and what it asks for.

What an auditor asks for, of every model that can be used on this computer, wherever its files lie.
"""

import csv
import hashlib
import io
import re
from collections.abc import Callable, Generator, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from desktop.acceptance import Acceptance, asking
from desktop.consent import Consent
from desktop.errors import AlcoveError
from desktop.library import Library, LocalModel
from desktop.licences import Ruling
from desktop.policy import Verdict
from desktop.texts import Text, Texts

RISKY = re.compile(r"^\s*[=+\-@\t\r\uff1d\uff0b\uff0d\uff20|%]")  # beginnings that a spreadsheet takes for a formula
UNSEEN = re.compile(r"[\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")


@dataclass(frozen=True)
class Row:
    """One model. `ruling` None: its file could not be read, `why` says how so. `hashes` go with the files in their order."""

    model: LocalModel
    name: str
    ruling: Ruling | None
    hashes: tuple[str | None, ...] = ()
    texts: tuple[Text | None, ...] = ()  # as the ruling's licences
    accepted: tuple[Acceptance, ...] = ()
    verdict: Verdict | None = None
    refusal: str = ""
    why: str = ""

    @property
    def acceptance(self) -> str:
        """Whether it was accepted: "not needed", "accepted" or "not accepted" here; "not known" where nobody states a licence."""
        if self.ruling is None or not (wanted := asking(self.ruling)):
            return "not needed" if self.ruling and self.ruling.openness in ("free", "full") else "not known"
        return "accepted" if len(self.accepted) == len(wanted) else "not accepted"

    def to_json(self) -> dict[str, Any]:
        """The keys of `alcove licence register --format json`."""
        model, ruling = self.model, self.ruling
        licences = ruling.licences if ruling else ()
        files = zip((*model.files, *model.projectors), self.hashes, strict=True)
        told = ruling.to_json() if ruling else {}
        keys = ("licence", "name", "version", "openness", "commercial", "share", "audit", "duties", "restrictions", "sources")
        return {
            "model": model.id,
            "model_name": self.name,
            "repository": model.repo,
            "revision": model.revision,
            "origin": model.program or model.origin,
            "fetched": model.fetched,
            "size_bytes": model.size_bytes,
            "files": [{"path": str(path), "sha256": sha256} for path, sha256 in files],
            **{("licence_name" if key == "name" else key): told.get(key) for key in keys},
            "conflict": told.get("conflict"),
            "gap": told.get("gap"),
            "licences": [
                {"id": x.id, "name": x.name, "version": x.version, "url": x.url, "text_sha256": text.sha256 if text else None}
                for x, text in zip(licences, self.texts, strict=True)
            ],
            "acceptance": self.acceptance,
            "accepted": [to_json(each) for each in self.accepted],
            "organisation": msgspec.to_builtins(self.verdict) if self.verdict else None,
            "allowed": not self.refusal,
            "refusal": self.refusal or None,
            "problem": self.why or None,
        }

    def cells(self) -> dict[str, str]:
        """The same for a table, a line a model."""
        told = self.to_json()
        given = {each: told[each] or {} for each in ("commercial", "share", "audit")}
        verdict = self.verdict
        return {
            "model": self.model.id,
            "model_name": self.name,
            "repository": self.model.repo or "",
            "revision": self.model.revision or "",
            "origin": told["origin"],
            "files": _listed(file["path"] for file in told["files"]),
            "file_sha256": _listed(file["sha256"] or "not known" for file in told["files"]),
            "size_bytes": str(self.model.size_bytes),
            "fetched": self.model.fetched or "",
            "licence": told["licence"] or "",
            "licence_name": told["licence_name"] or self.why,
            "licence_version": told["version"] or "",
            "licence_text_sha256": _listed(each["text_sha256"] or "not here" for each in told["licences"]),
            "stated_by": _listed(f"{each['from']}: {each['says']}" for each in told["sources"] or ()),
            "conflict": told["conflict"] or "",
            "gap": told["gap"] or "",
            "openness": told["openness"] or "",
            "use_at_work": given["commercial"].get("answer", ""),
            "pass_on": given["share"].get("answer", ""),
            "check_how_made": given["audit"].get("answer", ""),
            "duties": _listed(told["duties"] or ()),
            "acceptance": self.acceptance,
            "accepted_at": _listed(each.at for each in self.accepted),
            "accepted_by": _listed(f"{each.user} ({each.through})" if each.through else each.user for each in self.accepted),
            "accepted_text_sha256": _listed(each.text_sha256 or "no text was read" for each in self.accepted),
            "organisation": f"{verdict.decision}: {verdict.text}" if verdict else "",
            "allowed": "no" if self.refusal else "yes",
        }


def rows(
    library: Library,
    consent: Consent,
    texts: Texts,
    look: Callable[[LocalModel], tuple[str, Ruling, str]],
) -> Generator[Row, None, tuple[Row, ...]]:
    """A row for each model that can be used; `look` tells its name, its licence, and why it is not allowed, or ""."""
    found = []
    for model in library.list():
        if not model.complete or model.missing:
            continue
        hashes = tuple(library.known_hash(model, path) for path in (*model.files, *model.projectors))
        if model.origin == "guide":  # it has no record, and is small
            hashes = (hashlib.sha256(model.path.read_bytes()).hexdigest(),)
        try:
            name, ruling, refusal = look(model)
        except AlcoveError as error:
            row = Row(model, model.name, None, hashes, why=str(error))
        else:
            here = tuple(texts.of(licence) for licence in ruling.licences)
            accepted = consent.acceptances.of(ruling, texts)
            row = Row(model, name, ruling, hashes, here, accepted, consent.policy.verdict_on(ruling), refusal)
        found.append(row)
        yield row
    return tuple(found)


def to_json(acceptance: Acceptance) -> dict[str, Any]:
    """An acceptance with all its keys."""
    return {field: getattr(acceptance, field) for field in Acceptance.__struct_fields__}


def as_csv(rows: Iterable[Row]) -> bytes:
    """All of them for a spreadsheet: quoted, and with nothing in it that one would calculate."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    lines: list[Mapping[str, str]] = [row.cells() for row in rows]
    writer.writerow(lines[0] if lines else ())
    writer.writerows([_harmless(cell) for cell in line.values()] for line in lines)
    return out.getvalue().encode()


def as_json(rows: Iterable[Row]) -> bytes:
    """All of them as one object."""
    return msgspec.json.format(msgspec.json.encode({"models": [row.to_json() for row in rows]}), indent=2) + b"\n"


def _listed(words: Iterable[str]) -> str:
    return "; ".join(words)


def _harmless(cell: str) -> str:
    """A cell as text, whatever it begins with, and without control characters."""
    plain = UNSEEN.sub(" ", cell)
    return f"'{plain}" if RISKY.match(plain) else plain
