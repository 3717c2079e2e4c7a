"""The recipes for Windows, compiled here from a few files: what the installer's tables say is what Windows will do."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from desktop import __version__
from desktop.policy import sources
from tests.registry import KEY, Registry

ROOT = Path(__file__).resolve().parent.parent
RECIPES = ROOT / "installers" / "windows"
FILES = ("alcove.exe", "alcovew.exe", "_internal/base_library.zip", "_internal/llama_cpp/lib/ggml.dll", "_internal/a $y&é.txt")
HKCU, HKLM = "1", "2"


@pytest.fixture(scope="module")
def payload(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("payload")
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(name, encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def icon(payload: Path) -> Path:
    from PIL import Image

    out = payload.parent / "alcove.ico"
    Image.new("RGBA", (32, 32)).save(out)
    return out


@pytest.fixture(scope="module")
def compiled(payload: Path, icon: Path) -> "Compiled":
    if not (shutil.which("wixl") and shutil.which("msiinfo")):
        pytest.skip("no wixl and msitools here, which compile an MSI and read its tables")
    return Compiled(payload, icon)


class Compiled:
    """MSIs of the payload, each compiled once."""

    def __init__(self, payload: Path, icon: Path) -> None:
        self.payload, self.icon = payload, icon

    def msi(self, *options: str) -> Path:
        out = self.payload.parent / f"alcove{'-'.join(options)}.msi"
        if not out.exists():
            done = make(self.payload, out, "--icon", str(self.icon), *options)
            assert done.returncode == 0, done.stderr
        return out

    def table(self, name: str, *options: str) -> list[dict[str, str]]:
        """The rows of a table by the names of its columns."""
        command = ["msiinfo", "export", str(self.msi(*options)), name]  # an icon it writes into the folder where it runs
        told = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True, cwd=self.payload.parent)
        head, *rows = [line.strip("\r").split("\t") for line in told.stdout.split("\n")]
        return [dict(zip(head, row, strict=True)) for row in rows[2:] if row != [""]]

    def properties(self, *options: str) -> dict[str, str]:
        return {row["Property"]: row["Value"] for row in self.table("Property", *options)}

    def registry(self, *options: str) -> dict[tuple[str, str, str], str]:
        return {(row["Root"], row["Key"], row["Name"]): row["Value"] for row in self.table("Registry", *options)}


def make(payload: Path, out: Path, *options: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, str(RECIPES / "msi.py"), *options, str(payload), str(out)]
    return subprocess.run(command, capture_output=True, text=True, encoding="utf-8", cwd=ROOT)


def test_it_is_installed_for_everybody_unless_the_other_package_is_taken(compiled: Compiled) -> None:
    machine, user = compiled.properties(), compiled.properties("--scope", "user")

    assert machine["ALLUSERS"] == "1"
    assert "ALLUSERS" not in user
    assert machine["UpgradeCode"] != user["UpgradeCode"]
    assert {row[0] for row in compiled.registry()} == {HKLM}
    assert {row[0] for row in compiled.registry("--scope", "user")} == {HKCU}
    assert folders(compiled) == {"ProgramFiles64Folder", "Alcove"}
    assert folders(compiled, "--scope", "user") == {"LocalAppDataFolder", "Programs", "Alcove"}


def folders(compiled: Compiled, *options: str) -> set[str]:
    """What INSTALLDIR lies in."""
    rows = {row["Directory"]: row for row in compiled.table("Directory", *options)}
    found, at = set(), "INSTALLDIR"
    while at != "TARGETDIR":
        found.add(at if rows[at]["DefaultDir"] == "." else rows[at]["DefaultDir"])
        at = rows[at]["Directory_Parent"]
    return found


def test_all_files_of_the_tree_are_in_it_each_by_itself_and_for_64_bits(compiled: Compiled) -> None:
    components = {row["Component"]: row for row in compiled.table("Component")}
    held = [row["Component_"] for row in compiled.table("File")]

    assert sorted(row["FileName"].split("|")[-1] for row in compiled.table("File")) == sorted(Path(name).name for name in FILES)
    assert len(set(held)) == len(FILES)
    assert all(int(row["Attributes"]) & 256 for row in components.values())
    assert len({row["ComponentId"] for row in components.values()}) == len(components)


def test_windows_shows_it_with_its_version_and_offers_no_change(compiled: Compiled) -> None:
    properties = compiled.properties()

    assert properties["ProductVersion"] == __version__
    assert properties["ARPNOMODIFY"] == "1"
    assert properties["ARPPRODUCTICON"] in [row["Name"] for row in compiled.table("Icon")]
    assert "ARPHELPLINK" not in properties
    assert compiled.properties("--help-link", "https://it.example/alcove")["ARPHELPLINK"] == "https://it.example/alcove"


def test_a_newer_one_replaces_it_in_one_step_and_an_older_one_is_refused_with_a_sentence(compiled: Compiled) -> None:
    code = compiled.properties()["UpgradeCode"]
    related = {row["ActionProperty"]: row for row in compiled.table("Upgrade") if row["UpgradeCode"] == code}
    order = {row["Action"]: int(row["Sequence"]) for row in compiled.table("InstallExecuteSequence")}
    said = {row["Condition"]: row["Description"] for row in compiled.table("LaunchCondition")}

    assert related["WIX_UPGRADE_DETECTED"]["VersionMax"] == related["WIX_DOWNGRADE_DETECTED"]["VersionMin"] == __version__
    assert int(related["WIX_DOWNGRADE_DETECTED"]["Attributes"]) & 2  # only looked for
    assert said["NOT WIX_DOWNGRADE_DETECTED"].startswith("A newer version of Alcove is installed already")
    # Within the transaction: if the new one fails, the old one is still there.
    assert order["InstallInitialize"] < order["RemoveExistingProducts"] < order["ProcessComponents"]


def test_the_same_version_is_the_same_product_and_another_is_another(compiled: Compiled) -> None:
    again = compiled.properties("--help-link", "https://it.example/alcove")
    newer = compiled.properties("--version", "9.8.7")

    assert again["ProductCode"] == compiled.properties()["ProductCode"] != newer["ProductCode"]
    assert newer["UpgradeCode"] == again["UpgradeCode"]
    assert newer["ProductVersion"] == "9.8.7"


@pytest.mark.parametrize(
    ("component", "asked"),
    [
        ("Menu", 'SHORTCUTS <> "0"'),
        ("Desktop", 'DESKTOPSHORTCUT = "1"'),
        ("Path", 'ADDTOPATH <> "0"'),
        ("Gguf", 'OPENGGUF <> "0"'),
        ("ModelFolder", "MODELDIR"),
    ],
)
def test_what_is_asked_for_on_the_command_line_is_installed_and_always_removed(
    compiled: Compiled, component: str, asked: str
) -> None:
    conditions = {row["Component"]: row["Condition"] for row in compiled.table("Component")}

    assert conditions[component] == f'{asked} OR REMOVE = "ALL"'
    # What is not secure Windows takes from an administrator only: a rule for everybody is nobody else's to write.
    assert (asked.split()[0] in compiled.properties()["SecureCustomProperties"].split(";")) is (component != "ModelFolder")


def test_the_program_is_found_in_the_menu_on_the_path_and_under_open_with(compiled: Compiled) -> None:
    shortcuts = {row["Directory_"]: row["Target"] for row in compiled.table("Shortcut")}
    (path,) = compiled.table("Environment")
    (of_user,) = compiled.table("Environment", "--scope", "user")
    registry = compiled.registry()

    assert shortcuts == dict.fromkeys(("ProgramMenuFolder", "DesktopFolder"), "[INSTALLDIR]alcovew.exe")
    assert (path["Name"], path["Value"]) == ("=-*PATH", "[~];[INSTALLDIR]")  # added at the end for all, taken out again
    assert of_user["Name"] == "=-PATH"
    assert registry[HKLM, r"Software\Classes\.gguf\OpenWithProgids", "Alcove.Model"] == ""
    assert registry[HKLM, r"Software\Classes\Alcove.Model\shell\open\command", ""] == '"[INSTALLDIR]alcovew.exe" "%1"'
    assert not any(key == r"Software\Classes\.gguf" for _, key, _ in registry)  # what opens them now goes on to do so


def test_a_folder_that_was_chosen_once_is_found_again(compiled: Compiled) -> None:
    (search,) = compiled.table("RegLocator")

    assert compiled.registry()[search["Root"], search["Key"], search["Name"]] == "[INSTALLDIR]"
    assert {"Property": "INSTALLDIR", "Signature_": search["Signature_"]} in compiled.table("AppSearch")


def test_a_folder_of_models_becomes_a_rule_for_everybody(compiled: Compiled) -> None:
    told = {(root, key, name): value for (root, key, name), value in compiled.registry().items() if "Policies" in key}
    ((root, key, name), value) = next(iter(told.items()))
    (rules,) = sources.of_registry(Registry({key.removeprefix(KEY + "\\"): {name: value.replace("[MODELDIR]", "D:\\Models")}}))

    assert (root, len(told)) == (HKLM, 1)
    assert rules.content.given() == {"shared_folders": ["D:\\Models"]}
    assert not any("Policies" in key for _, key, _ in compiled.registry("--scope", "user"))  # where people may not write


def test_a_file_of_rules_goes_into_the_registry_or_nothing_is_installed(compiled: Compiled) -> None:
    actions = {row["Action"]: row for row in compiled.table("CustomAction")}
    rows = sorted(compiled.table("InstallExecuteSequence"), key=lambda row: int(row["Sequence"]))
    order = [row["Action"] for row in rows]

    assert actions["ImportRules"]["Target"] == 'import "[POLICYFILE]" /reg:64'
    # Within the transaction, with the system's rights, and its failure is one of the whole.
    assert int(actions["ImportRules"]["Type"]) & 0xFC0 == 0xC00
    assert [row["Condition"] for row in rows if row["Action"] in ("FindReg", "ImportRules")] == ["POLICYFILE AND NOT REMOVE"] * 2
    assert order.index("CostFinalize") < order.index("FindReg") < order.index("ImportRules")
    assert order.index("InstallInitialize") < order.index("ImportRules") < order.index("InstallFinalize")
    assert "POLICYFILE" not in compiled.properties()["SecureCustomProperties"].split(";")
    assert compiled.table("CustomAction", "--scope", "user") == []


def test_an_add_on_fits_one_version_and_goes_with_the_next(compiled: Compiled) -> None:
    properties = compiled.properties("--addon", "cuda")
    said = {row["Condition"]: row["Description"] for row in compiled.table("LaunchCondition", "--addon", "cuda")}
    removed = {row["ActionProperty"]: row for row in compiled.table("Upgrade")}["OLDCUDA"]

    assert f'Installed OR ALCOVEVERSION = "{__version__}"' in said
    assert removed["UpgradeCode"] == properties["UpgradeCode"]
    assert removed["VersionMax"] == __version__
    assert not int(removed["Attributes"]) & 2  # not only looked for
    assert compiled.properties("--addon", "vulkan")["UpgradeCode"] != properties["UpgradeCode"]


def test_more_than_an_msi_holds_is_refused_with_the_way_out(tmp_path: Path) -> None:
    with (tmp_path / "model.gguf").open("wb") as file:
        file.truncate(2**31)
    done = make(tmp_path, tmp_path / "out.msi")

    assert done.returncode == 1
    assert "carry large models beside it" in done.stderr
    assert not (tmp_path / "out.msi").exists()


def test_the_setup_compiles_without_a_warning(payload: Path, icon: Path) -> None:
    if not shutil.which("makensis"):
        pytest.skip("no makensis here, which compiles the setup")
    out = payload.parent / "alcove-setup.exe"
    words = {"VERSION": __version__, "PAYLOAD": payload, "ICON": icon, "OUT": out}
    defines = [f"-D{name}={value}" for name, value in words.items()]
    done = subprocess.run(
        ["makensis", "-V2", "-WX", "-NOCD", *defines, str(RECIPES / "alcove.nsi")], capture_output=True, text=True, cwd=ROOT
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert out.read_bytes()[:2] == b"MZ"
