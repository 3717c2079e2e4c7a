"""Writes the templates for administrators beside itself, all from the one schema in desktop/policy/schema.py.

    PYTHONPATH=. python installers/policy/generate.py

schema.json for editors, alcove.admx and en-US/alcove.adml for group policies and Intune, alcove.mobileconfig for macOS,
policy.example.json, and POLICY.md, which lists every key. They are committed; tests/test_policy_templates.py says when they
are old.
"""

import json
import plistlib
import uuid
import xml.etree.ElementTree as ET
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from desktop import policy
from desktop.policy.schema import NEWER, RULES, SINCE, Content
from desktop.policy.sources import DOMAIN, KEY
from desktop.settings import Settings

HERE = Path(__file__).resolve().parent
NAMESPACE = "http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions"
MOST_LETTERS = 16_000  # of rules in the field of an editor
SCALES = ("0.85", "1.0", "1.15", "1.25", "1.5", "1.6")
PARTS = {
    "locked": ("Locked settings", "Nobody can change it here."),
    "defaults": ("Proposed settings", "It holds where the person has not chosen."),
}
EXAMPLE: dict[str, Any] = {
    "locked": {"hub_endpoint": "https://models.example.com", "allowed_hosts": ["models.example.com"], "avoid_metered": True},
    "defaults": {"sleep_after_min": 15, "when_full": "summarise"},
    "models": {
        "allow": [{"openness": "free"}, {"openness": "full"}, {"licence": "gemma"}],
        "deny": [{"maker": "Meta", "reason": "Not before the review in March."}, {"use": "commercial"}],
    },
    "licences": [
        {"licence": "gemma", "decision": "approved", "text": "Legal approved Gemma.", "by": "Legal", "date": "2026-03-01"}
    ],
    "banner": "For internal use. Questions: it-help@example.com",
    "retention_days": 90,
    "catalogue_updates": False,
    "remote_endpoints": False,
    "local_server": False,
}

Schema = dict[str, Any]


def settings() -> dict[str, Schema]:
    """The settings that can be locked, each with what JSON Schema says of it."""
    found: dict[str, Schema] = policy.json_schema()["$defs"]["Some"]["properties"]
    return found


def others() -> dict[str, Schema]:
    """The keys beside them, without those of rules."""
    found = policy.json_schema()["$defs"]["Content"]["properties"]
    return {name: _not_null(each) for name, each in found.items() if name not in RULES}


def _not_null(schema: Schema) -> Schema:
    """The same of a key that may also be left out."""
    return {**schema, **schema["anyOf"][0]} if "anyOf" in schema else schema


def span(schema: Schema) -> tuple[float, float]:
    """The least number that may be said, and the most."""
    return schema["minimum"], schema["exclusiveMaximum"] - 1 if "exclusiveMaximum" in schema else schema["maximum"]


def since(name: str) -> str:
    """The version that knew a key first."""
    return NEWER.get(name, SINCE)


def title(name: str) -> str:
    """A key as an editor of policies shows it."""
    words = name.replace("_", " ").capitalize().replace("Ca ", "CA ").replace("dir", "folder")
    return f"{words} ({name})"


# --- group policies -------------------------------------------------------------------------------------------------------------


class Templates:
    """An ADMX and its ADML, to which policies are added."""

    def __init__(self) -> None:
        self.admx = ET.Element(f"{{{NAMESPACE}}}policyDefinitions", revision="1.0", schemaVersion="1.0")
        self.adml = ET.Element(f"{{{NAMESPACE}}}policyDefinitionResources", revision="1.0", schemaVersion="1.0")
        target = _add(_add(self.admx, "policyNamespaces"), "target")
        target.attrib.update(prefix="alcove", namespace=f"{DOMAIN}.Policies")
        _add(self.admx, "resources", minRequiredRevision="1.0")
        _add(self.adml, "displayName").text = "Alcove"
        _add(self.adml, "description").text = "What an organisation decides about Alcove."
        resources = _add(self.adml, "resources")
        self._strings, self._presentations = _add(resources, "stringTable"), _add(resources, "presentationTable")
        supported = _add(_add(_add(self.admx, "supportedOn"), "definitions"), "definition", name="supported")
        supported.set("displayName", self._say("supported", f"Alcove {SINCE} or later"))
        self._categories = _add(self.admx, "categories")
        self._category("alcove", "Alcove", "")
        for part, (name, _) in PARTS.items():
            self._category(part, name, "alcove")
        self._policies = _add(self.admx, "policies")

    def _category(self, name: str, words: str, parent: str) -> None:
        category = _add(self._categories, "category", name=name, displayName=self._say(f"category_{name}", words))
        if parent:
            _add(category, "parentCategory", ref=parent)

    def _say(self, id: str, words: str) -> str:
        _add(self._strings, "string", id=id).text = words
        return f"$(string.{id})"

    def add(self, part: str, name: str, schema: Schema, explained: str) -> None:
        """One policy. part: "locked", "defaults", or "" for a key that is no setting."""
        id, key = f"{part}_{name}" if part else name, f"{KEY}\\{part}" if part else KEY
        made = _add(self._policies, "policy", name=id)
        made.set("class", "Both")
        only_off = schema.get("const") is False
        made.set("displayName", self._say(id, f"Keep off: {title(name)}" if only_off else title(name)))
        made.set("explainText", self._say(f"{id}_explained", explained))
        made.set("key", key)
        _add(made, "parentCategory", ref=part or "alcove")
        _add(made, "supportedOn", ref="supported")
        if only_off or schema.get("type") == "boolean":
            self._switch(made, name, only_off=only_off)
        else:
            made.set("presentation", f"$(presentation.{id})")
            field = _add(self._presentations, "presentation", id=id)
            self._field(_add(made, "elements"), field, name, key, schema)

    def _switch(self, made: ET.Element, name: str, *, only_off: bool) -> None:
        """Enabled is 1, disabled is 0. What this version has none of can only be kept off: enabled is 0."""
        made.set("valueName", name)
        _add(_add(made, "enabledValue"), "decimal", value="0" if only_off else "1")
        off = _add(made, "disabledValue")
        _add(off, "delete") if only_off else _add(off, "decimal", value="0")

    def _field(self, elements: ET.Element, field: ET.Element, name: str, key: str, schema: Schema) -> None:
        value: Callable[..., ET.Element] = lambda kind, **more: _add(elements, kind, id=name, valueName=name, **more)  # noqa: E731
        label = title(name)
        if name in RULES:
            value("multiText", maxLength=str(MOST_LETTERS), required="true")
            _add(field, "multiTextBox", refId=name).text = label
        elif schema.get("type") == "array":
            _add(elements, "list", id=name, key=f"{key}\\{name}", valuePrefix="")
            _add(field, "listBox", refId=name).text = label
        elif schema.get("type") == "integer":
            least, most = span(schema)
            value("decimal", minValue=str(least), maxValue=str(most), required="true")
            _add(field, "decimalTextBox", refId=name, defaultValue=str(least), spin="false").text = label
        elif choices := (SCALES if schema.get("type") == "number" else schema.get("enum")):
            made = value("enum", required="true")
            for choice in choices:
                item = _add(made, "item", displayName=self._choice(choice))
                _add(_add(item, "value"), "string").text = choice
            _add(field, "dropdownList", refId=name, noSort="true").text = label
        else:
            value("text", maxLength=str(schema.get("maxLength", 1023)))
            _add(_add(field, "textBox", refId=name), "label").text = label

    def _choice(self, choice: str) -> str:
        id = f"choice_{choice.replace('.', '_')}"
        known = any(each.get("id") == id for each in self._strings)
        return f"$(string.{id})" if known else self._say(id, choice)


def _add(parent: ET.Element, tag: str, **attributes: str) -> ET.Element:
    return ET.SubElement(parent, f"{{{NAMESPACE}}}{tag}", attributes)


def templates() -> Templates:
    """All that the registry can say."""
    made, built_in = Templates(), Settings()
    for part, (_, effect) in PARTS.items():
        for name, schema in settings().items():
            usual = json.dumps(getattr(built_in, name))
            made.add(part, name, schema, f"{schema['description']} {effect} Built in: {usual}. Since {since(name)}.")
    for name, schema in others().items():
        made.add("", name, schema, f"{schema['description']} Since {since(name)}.")
    content = policy.json_schema()["$defs"]["Content"]["properties"]
    for name in ("models", "licences"):
        words = f"{content[name]['description']} The text is JSON, as in policy.example.json under “{name}”. Since {since(name)}."
        made.add("", name, content[name], words)
    return made


def xml(root: ET.Element) -> bytes:
    """A file of XML."""
    ET.register_namespace("", NAMESPACE)
    ET.indent(root)
    return ET.tostring(root, encoding="utf-8", xml_declaration=True) + b"\n"


# --- macOS, JSON, words ---------------------------------------------------------------------------------------------------------


def profile() -> bytes:
    """A configuration profile with the example's values."""

    def payload(kind: str, name: str) -> dict[str, Any]:
        return {
            "PayloadType": kind,
            "PayloadVersion": 1,
            "PayloadIdentifier": f"{DOMAIN}.{name}",
            "PayloadUUID": str(uuid.uuid5(uuid.NAMESPACE_DNS, f"{DOMAIN}.{name}")).upper(),
            "PayloadDisplayName": "Alcove",
        }

    whole = {
        **payload("Configuration", "profile"),
        "PayloadDescription": "What an organisation decides about Alcove: an example to be changed.",
        "PayloadOrganization": "Example",
        "PayloadScope": "System",
        "PayloadContent": [{**payload(DOMAIN, "settings"), **EXAMPLE}],
    }
    return plistlib.dumps(whole, sort_keys=False)


def page() -> str:
    """The list of all keys, for people."""
    built_in = Settings()
    rows = [_row(name, schema, getattr(built_in, name)) for name, schema in settings().items()]
    usual = {each.name: each.default for each in msgspec.structs.fields(Content)}
    more = [_row(name, schema, usual[name] if usual[name] is not msgspec.NODEFAULT else []) for name, schema in others().items()]
    rules = policy.json_schema()["$defs"]["Rule"]["properties"]
    words = (HERE / "POLICY.in.md").read_text(encoding="utf-8")
    keys = ", ".join(f"`{name}`" for name in rules)
    return words.format(settings="\n".join(rows), others="\n".join(more), rules=keys, since=SINCE, domain=DOMAIN, key=KEY)


def _row(name: str, schema: Schema, usual: object) -> str:
    cells = (f"`{name}`", _kind(schema), schema["description"], f"`{json.dumps(usual)}`", since(name))
    return f"| {' | '.join(each.replace('|', chr(92) + '|') for each in cells)} |"


def _kind(schema: Schema) -> str:
    if "enum" in schema:
        return ", ".join(f"`{each}`" for each in schema["enum"])
    if schema.get("const") is False:
        return "`false`"
    kind = {"boolean": "yes or no", "array": "list of texts", "string": "text"}.get(schema["type"])
    return kind or "number from {} to {}".format(*span(schema))


def files() -> dict[str, bytes]:
    """Every file that is written, by its name."""
    made = templates()
    return {
        "schema.json": (json.dumps(policy.json_schema(), indent=2, ensure_ascii=False) + "\n").encode(),
        "alcove.admx": xml(made.admx),
        "en-US/alcove.adml": xml(made.adml),
        "alcove.mobileconfig": profile(),
        "policy.example.json": (json.dumps(EXAMPLE, indent=2, ensure_ascii=False) + "\n").encode(),
        "POLICY.md": page().encode(),
    }


if __name__ == "__main__":
    (HERE / "en-US").mkdir(exist_ok=True)
    for name, content in files().items():
        (HERE / name).write_bytes(content)
