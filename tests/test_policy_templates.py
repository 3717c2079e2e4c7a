"""The templates for administrators are those of the schema, are whole, and write what Alcove reads."""

import importlib.util
import json
import plistlib
import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any

import msgspec
import pytest

import desktop
from desktop import licences, policy
from desktop.policy import Content, Policy, sources
from desktop.policy.schema import SETTINGS
from tests.registry import KEY, Registry

FOLDER = Path(desktop.__file__).parent.parent / "installers" / "policy"
NS = "{http://schemas.microsoft.com/GroupPolicy/2006/07/PolicyDefinitions}"

# Of the schema of ADMX files: what may stand in an element, in this order, and its attributes ("!" where one has to be there).
ADMX = {
    "policyDefinitions": (
        "policyNamespaces supersededAdm resources supportedOn categories policies",
        "revision! schemaVersion!",
    ),
    "policyNamespaces": ("target using", ""),
    "target": ("", "prefix! namespace!"),
    "resources": ("", "minRequiredRevision! fallbackCulture"),
    "supportedOn": ("products definitions", "ref"),
    "definitions": ("definition", ""),
    "definition": ("or and", "name! displayName!"),
    "categories": ("category", ""),
    "category": ("parentCategory seeAlso keywords", "name! displayName! explainText"),
    "parentCategory": ("", "ref!"),
    "policies": ("policy", ""),
    "policy": (
        "parentCategory seeAlso keywords supportedOn enabledValue disabledValue enabledList disabledList elements",
        "name! class! displayName! explainText presentation key! valueName",
    ),
    "enabledValue": ("delete decimal string", ""),
    "disabledValue": ("delete decimal string", ""),
    "delete": ("", ""),
    "elements": ("*", ""),
    "text": ("", "id! key valueName! required maxLength expandable soft"),
    "decimal": ("", "id key valueName value required minValue maxValue storeAsText soft"),
    "enum": ("item", "id! key valueName! required"),
    "item": ("value valueList", "displayName!"),
    "value": ("delete decimal string", ""),
    "string": ("", ""),
    "list": ("", "id! key valuePrefix additive expandable explicitValue"),
    "multiText": ("", "id! key valueName! required maxLength maxStrings soft"),
}
ADML = {
    "policyDefinitionResources": ("displayName description annotation resources", "revision! schemaVersion!"),
    "displayName": ("", ""),
    "description": ("", ""),
    "resources": ("stringTable presentationTable", ""),
    "stringTable": ("string", ""),
    "string": ("", "id!"),
    "presentationTable": ("presentation", ""),
    "presentation": ("*", "id!"),
    "textBox": ("label defaultValue", "refId!"),
    "label": ("", ""),
    "decimalTextBox": ("", "refId! defaultValue spin spinStep"),
    "dropdownList": ("", "refId! noSort defaultItem"),
    "listBox": ("", "refId!"),
    "multiTextBox": ("", "refId! showAsDialog defaultHeight"),
}
FIELDS = {"text": "textBox", "decimal": "decimalTextBox", "enum": "dropdownList", "list": "listBox", "multiText": "multiTextBox"}


@pytest.fixture(scope="module")
def generate() -> Any:
    spec = importlib.util.spec_from_file_location("generate", FOLDER / "generate.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def admx() -> ET.Element:
    return ET.parse(FOLDER / "alcove.admx").getroot()


@pytest.fixture(scope="module")
def adml() -> ET.Element:
    return ET.parse(FOLDER / "en-US" / "alcove.adml").getroot()


def test_the_files_are_those_of_the_schema(generate: Any) -> None:
    for name, content in generate.files().items():
        assert (FOLDER / name).read_bytes() == content, f"{name} is old: PYTHONPATH=. python installers/policy/generate.py"


@pytest.mark.parametrize(("file", "known"), [("alcove.admx", ADMX), ("en-US/alcove.adml", ADML)])
def test_every_element_is_one_of_microsofts_schema(file: str, known: dict[str, tuple[str, str]]) -> None:
    for element in ET.parse(FOLDER / file).getroot().iter():
        tag = element.tag.removeprefix(NS)
        inside, attributes = (each.split() for each in known[tag])
        assert set(element.attrib) <= {each.rstrip("!") for each in attributes}, tag
        assert {each.rstrip("!") for each in attributes if each.endswith("!")} <= set(element.attrib), tag
        children = [child.tag.removeprefix(NS) for child in element]
        if inside != ["*"]:
            assert set(children) <= set(inside), tag
            assert children == sorted(children, key=inside.index), tag


def test_every_reference_leads_somewhere_and_every_name_is_one(admx: ET.Element, adml: ET.Element) -> None:
    for root, path, key in (
        (adml, f".//{NS}string", "id"),
        (adml, f".//{NS}presentation", "id"),
        (admx, f".//{NS}policy", "name"),
        (admx, f".//{NS}category", "name"),
    ):
        names = [each.get(key) for each in root.iterfind(path)]
        assert names
        assert len(names) == len(set(names))
        assert all(re.fullmatch(r"\w+", str(name)) for name in names)
    used = re.findall(r"\$\((string|presentation)\.(\w+)\)", (FOLDER / "alcove.admx").read_text())
    for kind in ("string", "presentation"):
        there = {each.get("id") for each in adml.iterfind(f".//{NS}{kind}")}
        assert {name for found, name in used if found == kind} == there
    categories = {each.get("name") for each in admx.iterfind(f".//{NS}category")}
    assert {each.get("ref") for each in admx.iterfind(f".//{NS}parentCategory")} <= categories
    assert {each.get("ref") for each in admx.iterfind(f".//{NS}policy/{NS}supportedOn")} == {"supported"}
    assert all((each.text or "").strip() for each in adml.iterfind(f".//{NS}string"))


def test_every_value_has_its_field(admx: ET.Element, adml: ET.Element) -> None:
    presentations = {each.get("id"): each for each in adml.iterfind(f".//{NS}presentation")}
    for made in admx.iterfind(f".//{NS}policy"):
        elements = made.find(f"{NS}elements")
        if elements is None:
            assert made.get("valueName")
            assert made.get("presentation") is None
            continue
        fields = presentations[str(made.get("presentation"))[len("$(presentation.") : -1]]
        expected = [(FIELDS[each.tag.removeprefix(NS)], each.get("id")) for each in elements]
        assert [(each.tag.removeprefix(NS), each.get("refId")) for each in fields] == expected


def test_the_template_knows_every_key(admx: ET.Element) -> None:
    named = {each.get("name") for each in admx.iterfind(f".//{NS}policy")}
    of_settings = {f"{part}_{each.name}" for part in ("locked", "defaults") for each in SETTINGS}
    assert named == of_settings | set(Content.__struct_fields__) - {"locked", "defaults"}


# --- what is written is what is read --------------------------------------------------------------------------------------------

TYPED = {
    "hub_endpoint": "https://models.example.com",
    "models": '{"deny":\n  [{"maker": "Meta"}]}',
    "licences": '[{"licence": "gemma",\n "decision": "approved", "text": "Said Legal."}]',
}


def applied(made: ET.Element, *, on: bool = True) -> dict[str, Any]:
    """What a group policy writes below our key when it is enabled, or disabled: a tree as tests.registry has it."""
    tree: dict[str, Any] = {}

    def place(key: str) -> dict[str, Any]:
        assert key == KEY or key.startswith(f"{KEY}\\")
        spot = tree
        for name in key[len(KEY) :].split("\\")[1:]:
            spot = spot.setdefault(name, {})
        return spot

    key = str(made.get("key"))
    if name := made.get("valueName"):
        (value,) = made.find(f"{NS}{'enabledValue' if on else 'disabledValue'}") or ()
        if value.tag == f"{NS}decimal":
            place(key)[name] = int(str(value.get("value")))
    for element in made.find(f"{NS}elements") or () if on else ():
        name = str(element.get("valueName"))
        match element.tag.removeprefix(NS):
            case "text":
                place(key)[name] = TYPED.get(name, "a text")
            case "decimal":
                place(key)[name] = int(str(element.get("maxValue")))
            case "enum":
                place(key)[name] = element[-1].findtext(f"{NS}value/{NS}string")
            case "list":
                assert element.get("valuePrefix") == ""
                place(str(element.get("key"))).update({"1": "one.example", "2": "two.example"})
            case "multiText":
                place(key)[name] = TYPED[name].split("\n")
    return tree


def merged(trees: list[dict[str, Any]]) -> dict[str, Any]:
    whole: dict[str, Any] = {}
    for tree in trees:
        for name, value in tree.items():
            whole[name] = merged([whole.get(name, {}), value]) if isinstance(value, dict) else value
    return whole


def test_what_all_policies_write_together_is_read(admx: ET.Element) -> None:
    tree = merged([applied(each) for each in admx.iterfind(f".//{NS}policy")])
    (source,) = sources.of_registry(Registry(tree))
    said = source.content.given()
    assert said["locked"] == said["defaults"]
    assert set(said["locked"]) == {each.name for each in SETTINGS}
    assert said["locked"]["offline"] is True
    assert said["locked"]["text_scale"] == 1.6
    assert said["locked"]["sleep_after_min"] == (1 << 31) - 1
    assert said["locked"]["allowed_hosts"] == ["one.example", "two.example"]
    assert said["shared_folders"] == ["one.example", "two.example"]
    assert said["models"] == {"deny": [{"maker": "Meta"}]}
    assert said["licences"] == [{"licence": "gemma", "decision": "approved", "text": "Said Legal."}]
    assert (said["local_server"], said["retention_days"], said["banner"]) == (False, 36500, "a text")


def test_what_each_policy_writes_alone_is_read(admx: ET.Element) -> None:
    for made in admx.iterfind(f".//{NS}policy"):
        for on in (True, False):
            if tree := applied(made, on=on):
                assert len(list(sources.of_registry(Registry(tree)))) == 1
        for choice in made.iterfind(f".//{NS}item/{NS}value/{NS}string"):
            part, name = str(made.get("name")).split("_", 1)
            assert list(sources.of_registry(Registry({part: {name: choice.text}})))


def test_the_profile_is_whole_and_what_it_sets_is_read(generate: Any, tmp_path: Path) -> None:
    whole = plistlib.loads((FOLDER / "alcove.mobileconfig").read_bytes())
    (payload,) = whole["PayloadContent"]
    assert (whole["PayloadType"], payload["PayloadType"]) == ("Configuration", "org.alcove.Alcove")
    for each in (whole, payload):
        assert each["PayloadVersion"] == 1
        assert each["PayloadIdentifier"].startswith("org.alcove.Alcove.")
        assert re.fullmatch(r"[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}", each["PayloadUUID"])
    assert whole["PayloadUUID"] != payload["PayloadUUID"]
    (tmp_path / "org.alcove.Alcove.plist").write_bytes(plistlib.dumps(payload, fmt=plistlib.FMT_BINARY))
    (source,) = sources.of_preferences(tmp_path, "me")
    assert source.content == msgspec.convert(generate.EXAMPLE, Content)


def test_the_example_is_valid(generate: Any) -> None:
    checked = policy.check(FOLDER / "policy.example.json")
    assert policy.problems(checked, licences.load()) == []
    assert json.loads((FOLDER / "policy.example.json").read_text()) == checked.sources[0].content.given()
    assert isinstance(checked, Policy)
