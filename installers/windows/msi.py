"""Compile an MSI from a folder of files: with WiX 3 (candle, light) on Windows, with wixl and msibuild elsewhere.

    python installers/windows/msi.py dist/alcove dist/alcove-0.1.0-x64.msi
    python installers/windows/msi.py --scope user dist/alcove dist/alcove-0.1.0-x64-user.msi
    python installers/windows/msi.py --addon cuda build/addon-cuda dist/alcove-0.1.0-x64-cuda.msi

wixl 0.101 knows less of the schema than WiX: what it lacks is taken out of the source and written into its tables, so that one
source stands for both. Exit status 1 with a sentence when a tool says no, or when the files do not fit into an MSI.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import uuid
import xml.etree.ElementTree as ElementTree
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from xml.sax.saxutils import quoteattr

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
NAMESPACE = "{http://schemas.microsoft.com/wix/2006/wi}"
FAMILY = uuid.UUID("a6ce9d1a-d5ef-4579-85c5-d0d68cc743af")  # what the codes of products and components are derived from
ADDONS = ("cuda", "vulkan")
LARGEST_BYTES = 2**31 - 1  # of an MSI, and of all files in it, which are in one cabinet
# Users' folders in a package for one user, and registry values instead of files as the key of shortcuts for all users.
UNWANTED_CHECKS = ("ICE38", "ICE43", "ICE57", "ICE64", "ICE91")
PREFIXES = {("set", "yes"): "=-*", ("set", "no"): "=-"}  # of the name of an environment variable, by Action and System


def main() -> int:
    """Read the command line, compile, say what was made."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("payload", type=Path, help="the folder that is to be installed")
    parser.add_argument("out", type=Path, help="the MSI")
    parser.add_argument("--scope", choices=("machine", "user"), default="machine")
    parser.add_argument("--addon", choices=ADDONS, default="", help="the folder holds a module of the engine, at its place")
    parser.add_argument("--version", default=version(), help="the version that it announces; for tests of upgrades")
    parser.add_argument("--icon", type=Path, default=ROOT / "build" / "icon" / "alcove.ico")
    parser.add_argument("--help-link", default="", help="the address that Windows shows beside the program")
    options = parser.parse_args()
    options.source = "addon.wxs" if options.addon else "alcove.wxs"
    try:
        compile_msi(options)
    except (OSError, ValueError, subprocess.CalledProcessError) as error:
        print(f"{options.out} was not made: {error}", file=sys.stderr)
        return 1
    print(f"{options.out}: {options.out.stat().st_size:,} bytes")
    return 0


def version() -> str:
    """The version of the program, from the one place where it stands."""
    found = re.search(r'^__version__ = "(.*)"', (ROOT / "desktop" / "__init__.py").read_text(encoding="utf-8"), re.MULTILINE)
    assert found
    return found[1]


def compile_msi(options: argparse.Namespace) -> None:
    """Raises ValueError where the files do not fit, CalledProcessError where a tool fails."""
    size = sum(path.stat().st_size for path in files(options.payload))
    if size > LARGEST_BYTES:
        raise ValueError(f"the files are {size:,} bytes and an MSI holds 2 GB; carry large models beside it (offline.cmd)")
    options.out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="msi-", dir=options.out.parent) as folder:
        work = Path(folder)
        sources = [HERE / options.source, work / "payload.wxs"]
        sources[1].write_text("\n".join(fragment(options)), encoding="utf-8")
        (compile_with_wix if shutil.which("candle") else compile_with_wixl)(sources, variables(options), work, options.out)


def variables(options: argparse.Namespace) -> dict[str, str]:
    """What the sources ask for. The product's code is the same whenever the same version is built."""
    product = f"{options.source} {options.addon} {options.scope} {options.version}"
    found = {
        "Version": options.version,
        "Scope": options.scope,
        "ProductCode": code(product),
        "Manufacturer": "The Alcove contributors",
        "AddOn": options.addon,
        "AddOnCode": code(f"add-on {options.addon}"),
        **{f"{addon.title()}Code": code(f"add-on {addon}") for addon in ADDONS},
        "Icon": os.path.relpath(options.icon),
    }
    return found | ({"HelpLink": options.help_link} if options.help_link else {})


def code(name: str) -> str:
    """A GUID that is always the same for a name."""
    return str(uuid.uuid5(FAMILY, name)).upper()


def files(payload: Path) -> list[Path]:
    """All files below a folder, in one order on every system."""
    return sorted((path for path in payload.rglob("*") if path.is_file()), key=lambda path: path.relative_to(payload).as_posix())


def fragment(options: argparse.Namespace) -> Iterator[str]:
    """The payload as WiX: a component for each file, in the folders where they lie."""
    found = files(options.payload)
    if not found:
        raise ValueError(f"there is no file in {options.payload}")
    yield '<Wix xmlns="http://schemas.microsoft.com/wix/2006/wi"><Fragment>'
    yield '<DirectoryRef Id="INSTALLDIR">'
    folders = {path.relative_to(options.payload).parent for path in found}
    yield from _folder(Path("."), folders | {parent for folder in folders for parent in folder.parents}, found, options)
    yield "</DirectoryRef></Fragment><Fragment>"
    yield '<ComponentGroup Id="Payload">'
    yield from (f'<ComponentRef Id="c{_id(path, options)}" />' for path in found)
    yield "</ComponentGroup></Fragment></Wix>"


def _folder(folder: Path, folders: set[Path], found: list[Path], options: argparse.Namespace) -> Iterator[str]:
    for path in (each for each in found if each.relative_to(options.payload).parent == folder):
        name = path.relative_to(options.payload).as_posix()
        guid = code(f"{options.source} {options.addon} {options.scope} {name}")
        yield f'<Component Id="c{_id(path, options)}" Guid="{guid}" Win64="yes">'
        source = quoteattr(os.path.relpath(path).replace("$", "$$"))  # wixl knows no other paths than relative ones
        yield f'<File Id="f{_id(path, options)}" Source={source} KeyPath="yes" /></Component>'
    for each in sorted(each for each in folders if each.parent == folder and each != folder):
        yield f'<Directory Id="d{_id(options.payload / each, options)}" Name={quoteattr(each.name)}>'
        yield from _folder(each, folders, found, options)
        yield "</Directory>"


def _id(path: Path, options: argparse.Namespace) -> str:
    return sha256(path.relative_to(options.payload).as_posix().encode()).hexdigest()[:24]


def compile_with_wix(sources: list[Path], known: dict[str, str], work: Path, out: Path) -> None:
    """WiX 3 on Windows: also checks the tables against Microsoft's rules."""
    defines = [f"-d{name}={value}" for name, value in known.items()]
    run("candle", "-nologo", "-arch", "x64", *defines, "-out", f"{work}\\", *map(str, sources))
    skipped = [f"-sice:{check}" for check in UNWANTED_CHECKS]
    objects = [str(work / source.with_suffix(".wixobj").name) for source in sources]
    run("light", "-nologo", "-spdb", *skipped, "-out", str(out), *objects)


def compile_with_wixl(sources: list[Path], known: dict[str, str], work: Path, out: Path) -> None:
    """wixl, and after it what it lacks."""
    defines = [word for name, value in known.items() for word in ("-D", f"{name}={value}")]
    plain = work / "plain.wxs"
    plain.write_text(run("wixl", "-E", "-a", "x64", *defines, str(sources[0])), encoding="utf-8")
    tree = ElementTree.parse(plain)
    statements = list(taken_out(tree))
    ElementTree.register_namespace("", NAMESPACE.strip("{}"))
    tree.write(plain, encoding="utf-8", xml_declaration=True)
    run("wixl", "-a", "x64", "-o", str(out), str(plain), str(sources[1]))
    for statement in statements:
        run("msibuild", str(out), "-q", statement)


def taken_out(tree: "ElementTree.ElementTree[ElementTree.Element]") -> Iterator[str]:
    """Remove what wixl 0.101 does not read; yields the SQL that says the same."""
    secure = ["WIX_DOWNGRADE_DETECTED", "WIX_UPGRADE_DETECTED"]
    for each in tree.iter(f"{NAMESPACE}UpgradeVersion"):
        secure.append(each.attrib["Property"])
    for each in tree.iter(f"{NAMESPACE}Property"):
        if each.attrib.pop("Secure", "") == "yes":
            secure.append(each.attrib["Id"])
    yield f"UPDATE `Property` SET `Value` = '{';'.join(secure)}' WHERE `Property` = 'SecureCustomProperties'"
    for each in tree.iter(f"{NAMESPACE}MajorUpgrade"):
        assert each.attrib.pop("Schedule") == "afterInstallInitialize"  # which is 1500
        yield "UPDATE `InstallExecuteSequence` SET `Sequence` = 1501 WHERE `Action` = 'RemoveExistingProducts'"
    for sequence in tree.iter(f"{NAMESPACE}InstallExecuteSequence"):
        for action in list(sequence):  # wixl would put them somewhere else each time
            sequence.remove(action)
            row = f"'{action.attrib['Action']}', '{action.text}', {action.attrib['Sequence']}"
            yield f"INSERT INTO `InstallExecuteSequence` (`Action`, `Condition`, `Sequence`) VALUES ({row})"
    for component in tree.iter(f"{NAMESPACE}Component"):
        for condition in component.findall(f"{NAMESPACE}Condition"):
            component.remove(condition)
            said = (condition.text or "").replace("'", "''")
            yield f"UPDATE `Component` SET `Condition` = '{said}' WHERE `Component` = '{component.attrib['Id']}'"
        for variable in component.findall(f"{NAMESPACE}Environment"):
            component.remove(variable)
            yield from _environment(variable.attrib, component.attrib["Id"])


def _environment(variable: dict[str, str], component: str) -> Iterator[str]:
    yield (
        "CREATE TABLE `Environment` (`Environment` CHAR(72) NOT NULL, `Name` CHAR(255) NOT NULL LOCALIZABLE, "
        "`Value` CHAR(255) LOCALIZABLE, `Component_` CHAR(72) NOT NULL PRIMARY KEY `Environment`)"
    )
    assert variable["Part"] == "last"
    name = PREFIXES[variable["Action"], variable["System"]] + variable["Name"]
    row = f"'{variable['Id']}', '{name}', '[~];{variable['Value']}', '{component}'"
    yield f"INSERT INTO `Environment` (`Environment`, `Name`, `Value`, `Component_`) VALUES ({row})"
    for action, place in (("RemoveEnvironmentStrings", 3300), ("WriteEnvironmentStrings", 5200)):
        yield f"INSERT INTO `InstallExecuteSequence` (`Action`, `Sequence`) VALUES ('{action}', {place})"


def run(*command: str) -> str:
    """What a tool wrote, where it succeeds without a warning."""
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", errors="replace")
    said = "\n".join(filter(None, (done.stderr.strip(), done.stdout.strip() if done.returncode else "")))
    if done.returncode or done.stderr:
        raise ValueError(f"{command[0]} said: {said or done.returncode}")
    return done.stdout


if __name__ == "__main__":
    sys.exit(main())
