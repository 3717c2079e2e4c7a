"""The packages of Linux, as far as a second shows it: what describes the program, what a tree needs, and a model inside."""

import gzip
import os
import re
import shutil
import subprocess
import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path

import pytest

from desktop import __version__, bundle
from desktop.app import App
from desktop.cli.command import finish
from desktop.library import Library
from desktop.paths import GUIDE
from tests import gguf_files

ROOT = Path(__file__).resolve().parents[1]
HERE = ROOT / "installers" / "linux"
pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="packages of Linux are made on Linux")


def tool(name: str) -> str:
    """A tool of the system; without it the test is left out."""
    return shutil.which(name) or pytest.skip(f"there is no {name} here")


def out(*command: object, **more: object) -> str:
    """What a command prints; it has to succeed."""
    done = subprocess.run([str(each) for each in command], capture_output=True, text=True, check=False, **more)  # type: ignore[call-overload]
    assert done.returncode == 0, done.stdout + done.stderr
    return str(done.stdout)


def test_the_desktop_entry_is_valid_and_opens_model_files() -> None:
    entry = HERE / "alcove.desktop"
    assert "Exec=alcove %f" in entry.read_text()
    assert out(tool("desktop-file-validate"), entry) == ""


def test_the_metadata_is_valid(tmp_path: Path) -> None:
    text = (HERE / "org.alcove.Alcove.metainfo.xml").read_text().replace("@VERSION@", __version__).replace("@DATE@", "2026-11-01")
    (tmp_path / "org.alcove.Alcove.metainfo.xml").write_text(text)
    out(tool("appstreamcli"), "validate", "--no-net", tmp_path / "org.alcove.Alcove.metainfo.xml")


def test_model_files_have_a_type_by_their_name_and_by_their_first_bytes() -> None:
    name = "{http://www.freedesktop.org/standards/shared-mime-info}"
    kind = ElementTree.parse(HERE / "alcove.xml").getroot().find(f"{name}mime-type")
    assert kind is not None
    assert kind.attrib["type"] == "application/x-gguf"
    assert f"MimeType={kind.attrib['type']};" in (HERE / "alcove.desktop").read_text()
    assert [each.attrib["pattern"] for each in kind.findall(f"{name}glob")] == ["*.gguf"]
    assert [each.attrib["value"] for each in kind.iter(f"{name}match")] == [GUIDE.read_bytes()[:4].decode()]


def test_the_man_page_tells_every_command_and_the_version() -> None:
    page = out(sys.executable, HERE / "manpage.py", "2026-11-01")
    assert page.startswith(f'.TH ALCOVE 1 "2026-11-01" "Alcove {__version__}"')
    shown = page.replace("\\", "")
    for words in (
        "alcove open FILE",
        "alcove chat MODEL",
        "alcove bundle create FOLDER",
        "alcove policy show",
        "--licence-checked",
    ):
        assert words in shown
    assert not re.search(r"\{|\}|None", page)


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A frozen program as to its form: something that starts, and a library that needs another one."""
    folder = tmp_path / "tree"
    (folder / "_internal").mkdir(parents=True)
    shutil.copy(tool("true"), folder / "alcove")
    return folder


def build(tree: Path, folder: Path, *more: object) -> str:
    """The deb of a tree, and its control file."""
    for name in ("dpkg-deb", "objdump"):
        tool(name)
    environment = {**os.environ, "PYTHON": sys.executable, "SOURCE_DATE_EPOCH": "1790000000"}
    out("sh", HERE / "build.sh", "--tree", tree, "--out", folder, "--only", "deb", "--quick", *more, env=environment)
    return out("dpkg-deb", "-f", folder / f"alcove_{__version__}_amd64.deb")


def test_a_deb_says_what_it_needs_and_has_what_a_desktop_reads(tree: Path, tmp_path: Path) -> None:
    control = build(tree, tmp_path / "out")
    assert f"Version: {__version__}\n" in control
    assert re.search(r"^Depends: .*libc6 \(>= 2\.\d+\)", control, re.MULTILINE)
    package = tmp_path / "out" / f"alcove_{__version__}_amd64.deb"
    listed = out("dpkg-deb", "-c", package)
    assert re.search(r"root/root .* \./usr/bin/alcove -> \.\./lib/alcove/alcove", listed)
    out("dpkg-deb", "-x", package, tmp_path / "there")
    share = tmp_path / "there" / "usr" / "share"
    assert f'version="{__version__}" date="2026-09-21"' in (share / "metainfo" / "org.alcove.Alcove.metainfo.xml").read_text()
    changes = gzip.decompress((share / "doc" / "alcove" / "changelog.gz").read_bytes()).decode()
    assert changes.startswith(f"alcove ({__version__}) unstable; urgency=medium\n\n  * ")
    assert (share / "icons" / "hicolor" / "256x256" / "apps" / "alcove.png").read_bytes().startswith(b"\x89PNG")
    assert "/etc" not in listed  # what the organisation decided is nobody's but its own


def test_models_inside_are_read_by_the_library_and_are_still_a_bundle(tmp_path: Path) -> None:
    tiny = gguf_files.llama(tmp_path / "Tiny-Q8_0.gguf", metadata={"general.license": "apache-2.0"})
    app = App.open(tmp_path / "home")
    app.library.link(tiny)
    finish(app.sending.create(tmp_path / "bundle", ["Tiny-Q8_0"], licence_checked=True))
    app.close()
    made = [tmp_path / "one", tmp_path / "two"]
    for folder in made:
        out(sys.executable, ROOT / "installers" / "app" / "models.py", tmp_path / "bundle", folder)
    (model,) = [m for m in Library(tmp_path / "own", GUIDE, shared=[made[0]]).list() if m.origin == "shared"]
    assert (model.id, model.complete, model.path.read_bytes()) == ("Tiny-Q8_0", True, tiny.read_bytes())
    assert [checked.ok for checked in finish(bundle.verify(made[0]))] == [True]
    assert list(made[0].rglob("LICENCE-apache-2.0.txt"))
    files = [{path.relative_to(folder): path.read_bytes() for path in folder.rglob("*") if path.is_file()} for folder in made]
    assert files[0] == files[1]


def test_a_bundle_that_is_not_what_it_says_comes_into_no_package(tmp_path: Path) -> None:
    app = App.open(tmp_path / "home")
    app.library.link(gguf_files.llama(tmp_path / "Tiny-Q8_0.gguf"))
    finish(app.sending.create(tmp_path / "bundle", ["Tiny-Q8_0"], licence_checked=True))
    app.close()
    (file,) = (tmp_path / "bundle").rglob("*.gguf")
    file.write_bytes(file.read_bytes()[:-1] + b"\x01")
    command = [sys.executable, ROOT / "installers" / "app" / "models.py", tmp_path / "bundle", tmp_path / "models"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "was not taken" in done.stderr
    assert not (tmp_path / "models").exists()


def test_the_portable_archive_installs_and_uninstalls_for_one_user(tree: Path, tmp_path: Path) -> None:
    """A home with odd letters; the program is copied, nobody else's file is touched."""
    home = tmp_path / 'a "home" & $x %f'
    (home / ".local" / "share" / "applications").mkdir(parents=True)
    other = home / ".local" / "share" / "applications" / "other.desktop"
    other.write_text("[Desktop Entry]")
    for name in ("install", "uninstall", "refresh"):
        shutil.copy(HERE / name, tree)
    for file in ("applications/alcove.desktop", "mime/packages/alcove.xml"):
        (tree / "share" / file).parent.mkdir(parents=True)
        shutil.copy(HERE / Path(file).name, tree / "share" / file)
    (tree / "share" / "icons").mkdir()
    environment = {"HOME": str(home), "PATH": os.environ["PATH"]}
    for _ in range(2):  # the second time as an upgrade
        out(tree / "install", "--root", env=environment)
    out(home / ".local" / "bin" / "alcove", env=environment)
    entry = (home / ".local" / "share" / "applications" / "alcove.desktop").read_text()
    assert 'a \\\\"home\\\\" & \\\\$x %%f/.local/bin/alcove" %f\n' in entry
    if shutil.which("desktop-file-validate"):
        out("desktop-file-validate", home / ".local" / "share" / "applications" / "alcove.desktop")
    out(home / ".local" / "lib" / "alcove" / "uninstall", env=environment)
    assert [path for path in home.rglob("*") if path.is_file() and path.name != "mimeinfo.cache"] == [other]
