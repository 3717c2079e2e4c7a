"""A report for support: what this computer has, what is set, what was decided, what happened. A zip of texts, sent to nobody.

Nothing in it is what was said in a chat or stands in a file of the person's: it is put together from facts of known kinds, and
names of people and computers, folders and secrets are taken out of it all once more.
"""

import io
import json
import platform
import sys
import zipfile
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any, Literal, get_origin, get_type_hints

import msgspec

from desktop import __version__, logs, parts, policy, redaction, replacing
from desktop.address import without_password
from desktop.app import App
from desktop.errors import AlcoveError
from desktop.hardware import Hardware
from desktop.judging import followed
from desktop.network import metered
from desktop.redaction import Redaction
from desktop.register import Row
from desktop.settings import Settings
from desktop.targets import public_name

NAME = "alcove-report.zip"
WHAT = """This is a report about Alcove {version} for whoever gives support.
It was saved as a file, and sent to nobody.

In it are texts only:

  doctor.json
      this computer: memory, processor, graphics, engine,
      free disk space, network settings, problems found
  versions.json
      of Alcove, Python, the system, and every library
  settings.json
      what was chosen; of texts that a person wrote,
      only whether there is one
  policy.json
      what the organisation decided
  models.json
      models that are here: name, size, licence;
      of a person's own files and private repositories no name
  estimates.json
      how right the estimates of memory and speed were
  crashes.json
      how often the engine ended by itself
  logs/
      what the program did, and where in the program
      an error happened
  logs/network.jsonl
      every connection: when, with which computer,
      what kind of purpose, how much

Not in it: what was said in chats, their titles, instructions
for models, names of files that were opened, access tokens,
passwords, names of people and of this computer.
"""
PUBLIC = ("hub_endpoint", "allowed_hosts", "catalogue_keys")  # settings in words that an administrator gives out
PURPOSES = ("download", "read the header", "look up", "read a licence", "test the connection", "look for a newer list of models")
GONE = "a model that is not here"


def facts(app: App, found: Hardware) -> dict[str, Any]:
    """What `alcove doctor --json` says, but for the network and problems."""
    return {
        "memory": asdict(found.memory),
        "cpu": asdict(found.cpu),
        "gpus": [asdict(g) for g in found.gpus],
        "engine": {k: getattr(found.engine, k) for k in ("name", "version", "backends", "gpu_offload", "confined")},
        "disk": {"models_dir": str(app.library.folder), "free_bytes": app.library.free_bytes()},
        "speed": asdict(app.computer.rates),
        "accuracy": app.computer.accuracy,
    }


def network(app: App) -> dict[str, Any]:
    """How it would connect."""
    proxy = app.network.proxy_for(app.hub.endpoint)
    return {
        "offline": app.network.offline,
        "proxy": without_password(proxy) if proxy else None,
        "hub": app.hub.endpoint,
        "token": app.token_from,
        "ca_file": app.settings.ca_file or None,
        "allowed_hosts": list(app.network.allowed_hosts),
        "metered": metered(),
    }


def gather(app: App) -> Generator[None, None, dict[str, str]]:
    """The texts of a report by their names. Raises nothing that is stated: what cannot be read is said in its place."""
    yield
    found = app.computer.hardware()
    yield
    with closing(app.rights.register()) as steps:
        rows = yield from followed(steps, lambda _: None)
    kept = redaction.of_here(_folders(app))
    files = {
        "doctor.json": _json({**facts(app, found), "network": _network(app), "problems": app.problems(found)}),
        "versions.json": _json(versions()),
        "settings.json": _json(_settings(app)),
        "policy.json": _json(_policy(app)),
        "models.json": _json([_model(app, row) for row in rows]),
        "estimates.json": _json([{**asdict(each), "model": _name(app, each.model)} for each in app.computer.record.entries]),
        "crashes.json": _json(_crashes(app)),
        **{f"logs/{file.name}": _read(file) for file in logs.files(app.paths.logs)},
        "logs/network.jsonl": "".join(_requests(app)),
    }
    yield
    return {"README.txt": WHAT.format(version=__version__), **{name: _without(kept, name, text) for name, text in files.items()}}


def save(files: Mapping[str, str], file: Path) -> None:
    """Write a report as a zip, whole or not at all. Raises NotWritable."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as report:
        for name, text in files.items():
            report.writestr(name, text.encode(errors="backslashreplace"))
    replacing.save(file, packed.getvalue())


def versions() -> dict[str, Any]:
    """What runs here, each with its version."""
    return {
        "alcove": __version__,
        "installed": bool(getattr(sys, "frozen", False)),
        "python": platform.python_version(),
        "system": platform.platform(),
        "machine": platform.machine(),
        "libraries": parts.versions(),
    }


def _folders(app: App) -> dict[str, Path]:
    """The folders that a person has chosen, and what stands for them."""
    others = (*app.library.more, *app.library.shared)
    numbered = {f"<folder {number}>": path for number, path in enumerate(others, 1)}
    return {"<alcove>": app.paths.home, "<models>": app.library.folder, **numbered}


def _without(kept: Redaction, name: str, text: str) -> str:
    """A text of the report redacted: JSON value by value, so that nothing hides behind how a letter is escaped."""
    if name.endswith(".json"):
        return _json(kept.value(json.loads(text)))
    if name.endswith(".jsonl"):
        return "".join(json.dumps(kept.value(json.loads(line)), ensure_ascii=False) + "\n" for line in text.splitlines())
    return kept.text(text)


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n"


def _read(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8", errors="replace")
    except OSError as error:
        return f"It could not be read: {error.strerror}\n"


def _network(app: App) -> dict[str, Any]:
    told = network(app)
    return {**told, "ca_file": bool(told["ca_file"])}


def _settings(app: App) -> dict[str, Any]:
    """Choices as they are; of what a person wrote only whether it is there, and how many there are of many."""
    hints = get_type_hints(Settings)
    return {name: _setting(name, value, hints[name]) for name, value in msgspec.structs.asdict(app.settings).items()} | {
        "last_model": _name(app, app.settings.last_model) if app.settings.last_model else ""
    }


def _setting(name: str, value: Any, hint: Any) -> Any:
    if name in PUBLIC or isinstance(value, bool | int | float) or get_origin(hint) is Literal:
        return value
    return ("set" if value else "") if isinstance(value, str) else len(value)


def _policy(app: App) -> dict[str, Any]:
    told = app.policy
    sources = [each.where for each in told.sources]
    return {
        "policy": _nameless(policy.to_json(told)),
        "sources": sources,
        "problems": policy.problems(told, app.licences),
        "changed_since_start": app.has_outdated_parts,
    }


def _nameless(value: Any) -> Any:
    """Without who decided something in the organisation, and who goes through its proxy."""
    if isinstance(value, Mapping):
        return {key: "set" if key in ("by", "proxy_user") and each else _nameless(each) for key, each in value.items()}
    return [_nameless(each) for each in value] if isinstance(value, list | tuple) else value


def _model(app: App, row: Row) -> dict[str, Any]:
    model = row.model
    return {
        "name": public_name(app.targets.of_local(model)),
        "origin": model.program or model.origin,
        "size_bytes": model.size_bytes,
        "here_bytes": model.done_bytes,
        "files": len(model.files),
        "sees": bool(model.projectors),
        "licences": [licence.id for licence in row.ruling.licences] if row.ruling else [],
        "acceptance": row.acceptance,
        "allowed": not row.refusal,
        "readable": row.ruling is not None,
        "missing": model.missing,
    }


def _name(app: App, reference: str) -> str:
    """What is gone may have been of a private repository, and nobody knows any more."""
    try:
        target = app.targets.of(reference)
    except AlcoveError:
        return GONE
    return public_name(target) if target.local or target.model else GONE


def _crashes(app: App) -> list[dict[str, Any]]:
    """How often in a row the engine ended with a model that is here."""
    models = app.library.list()
    times: Callable[[Path], int] = app.engine.crashes.times
    return [{"model": public_name(app.targets.of_local(each)), "times": times(each.path)} for each in models if times(each.path)]


def _requests(app: App) -> Iterator[str]:
    """The record of the network; a purpose may name a file, so only its kind is told."""
    for line in app.network.record.lines():
        with suppress(ValueError, TypeError):  # half a line, after a power cut
            request = dict(json.loads(line))
            purpose = str(request.get("purpose"))
            kind = next((kind for kind in PURPOSES if purpose.startswith(kind)), "something else")
            yield json.dumps({**request, "purpose": kind}) + "\n"
