"""What Alcove is made of: bills and notices of a tree, files that nobody knows, sums with a signature, two builds compared."""

import json
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib import metadata
from pathlib import Path

import pytest

from desktop import parts
from desktop.parts import Part

ROOT = Path(__file__).parent.parent
SUPPLY = ROOT / "installers" / "supply"
sys.path.insert(0, str(SUPPLY))

import compare  # noqa: E402
import notices  # noqa: E402
import sbom  # noqa: E402
import supplied  # noqa: E402

FILES = (
    "alcove",
    "_internal/libssl.so.3",
    "_internal/base_library.zip",
    "_internal/python3.11/lib-dynload/_json.cpython-311-x86_64-linux-gnu.so",
    "_internal/PySide6/Qt/lib/libQt6Core.so.6",
    "_internal/PySide6/Qt/lib/libicuuc.so.73",
    "_internal/PySide6/QtCore.abi3.so",
    "_internal/llama_cpp/lib/libllama.so",
    "_internal/llama_cpp/lib/libggml-cpu-haswell.so",
    "_internal/resources/catalogue.json",
    "_internal/resources/fonts/Inter-Regular.otf",
    "_internal/resources/starter/alcove-guide.gguf",
)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A stand-in for a frozen Alcove: the names of some files, and one of a package that is installed here."""
    of_rich = next(file.as_posix() for file in metadata.files("rich") or () if file.name == "METADATA")
    for name in (*FILES, f"_internal/{of_rich}"):
        file = tmp_path / "alcove" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(name)
    of_text = supplied._text
    monkeypatch.setattr(supplied, "_of_debian", lambda library: None)
    monkeypatch.setattr(supplied, "_text", lambda name: of_text(name) if name != "pyinstaller" else "of the packer")
    return tmp_path / "alcove"


def test_every_file_of_a_tree_is_in_its_bill(tree: Path) -> None:
    assert sbom.main([str(tree)]) == 0
    bill = json.loads((tree / "_internal" / "resources" / parts.BILL).read_text())
    assert (bill["bomFormat"], bill["specVersion"]) == ("CycloneDX", "1.6")
    components = {each["name"]: each for each in bill["components"]}
    listed = {file["name"]: name for name, each in components.items() for file in each.get("components", ())}
    assert set(FILES) <= set(listed)
    assert listed["_internal/PySide6/Qt/lib/libicuuc.so.73"] == "ICU"
    assert listed["_internal/PySide6/QtCore.abi3.so"] == "Qt for Python"
    assert listed["_internal/llama_cpp/lib/libggml-cpu-haswell.so"] == "ggml"
    assert listed["_internal/python3.11/lib-dynload/_json.cpython-311-x86_64-linux-gnu.so"] == "Python"
    assert components["Qt"]["version"] == metadata.version("PySide6-Essentials")
    assert components["ICU"]["version"] == "73"
    assert components["Qt"]["licenses"] == [{"expression": "LGPL-3.0-only"}]
    assert components["rich"]["purl"] == f"pkg:pypi/rich@{metadata.version('rich')}"
    refs = [each["bom-ref"] for each in bill["components"]]
    assert len(refs) == len(set(refs))
    assert {ref for line in bill["dependencies"] for ref in line["dependsOn"]} <= set(refs)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("_ssl.pyd", "Python"),
        ("PySide6/QtCore.pyd", "Qt for Python"),
        ("PIL/_imaging.pyd", ""),  # of the package that lists it, which is not this one's
        ("../alcove.exe", "PyInstaller bootloader"),
        ("llama_cpp/lib/libggml-vulkan.so", "ggml"),
        ("llama_cpp/lib/libcublasLt.so.13", "NVIDIA cuBLAS"),
        ("llama_cpp/lib/cudart64_13.dll", "NVIDIA CUDA runtime"),
        ("python311.dll", "Python"),
        ("VCRUNTIME140.dll", "Microsoft Visual C++ runtime"),
        ("vcruntime140.dll", "Microsoft Visual C++ runtime"),
    ],
)
def test_files_of_other_systems_are_told_apart(name: str, part: str) -> None:
    assert supplied._owner(name, supplied._natives(), {}) == part


def test_the_same_tree_gives_the_same_bill(tree: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        sbom.main([str(tree), str(tmp_path / name)])
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


@pytest.mark.parametrize("write", [sbom.main, notices.main])
def test_a_file_that_nobody_knows_fails(tree: Path, write: object, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "_internal" / "libmystery.so.1").touch()
    assert callable(write)
    assert write([str(tree)]) == 1
    assert "libmystery.so.1" in capsys.readouterr().err


def test_notices_hold_the_texts_and_how_to_exchange_qt(tree: Path) -> None:
    assert notices.main([str(tree)]) == 0
    told = (tree / "_internal" / "resources" / parts.NOTICES).read_text()
    version = metadata.version("PySide6-Essentials")
    for words in (
        "GNU LESSER GENERAL PUBLIC LICENSE",
        "GNU GENERAL PUBLIC LICENSE",
        "SIL OPEN FONT LICENSE",
        "ggml authors",
        "PYTHON SOFTWARE FOUNDATION LICENSE",
        "put builds of your own",
        f"/{version}/single/",
        "Copyright (c) 2020 Will McGugan",
    ):
        assert words in told, words


def test_a_part_without_a_licence_fails(tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    (tree / "_internal" / "libxcb-image.so.0").touch()  # its text comes from the system, which has none here
    assert notices.main([str(tree)]) == 1
    assert "XCB utilities" in capsys.readouterr().err


def test_a_part_that_says_no_licence_fails(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    bare = [part for package in [metadata.distribution("rich")] for part in parts.of_package(package)]
    monkeypatch.setattr(parts, "of_package", lambda package: iter([*bare, Part("libxyz", "1", within="rich")]))
    assert sbom.main([str(tree)]) == 1
    assert "libxyz 1" in capsys.readouterr().err


def test_the_commit_of_the_engine_is_that_of_the_pinned_package() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = next(each.partition("==")[2] for each in project["dependencies"] if each.startswith("llama-cpp-python=="))
    engine = [
        each for each in tomllib.loads((SUPPLY / "native.toml").read_text())["part"] if each["name"] in ("llama.cpp", "ggml")
    ]
    assert all(f"llama-cpp-python {pinned} " in each["note"] for each in engine)


def test_an_add_on_tells_of_its_parts_beside_the_program(tree: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    of_cuda = tmp_path / "alcove-cuda"
    for name in ("libggml-cuda.so", "libcublas.so.13"):
        (of_cuda / "_internal/llama_cpp/lib").mkdir(parents=True, exist_ok=True)
        (of_cuda / "_internal/llama_cpp/lib" / name).write_text(name)
    beside = tree / "_internal" / "resources"
    of_text = supplied._text
    monkeypatch.setattr(supplied, "_text", lambda name: of_text(name) if name != "nvidia-cublas" else "THE TERMS OF NVIDIA")
    sbom.main([str(tree)])
    notices.main([str(tree)])
    sbom.main([str(of_cuda), str(beside / "about/sbom-cuda.cdx.json")])
    notices.main([str(of_cuda), str(beside / "about/THIRD-PARTY-NOTICES-cuda.txt")])
    assert sbom.main([str(tree)]) == 0  # what an add-on wrote there is no part
    monkeypatch.setattr(parts, "resource", lambda name: beside / name)
    bill = json.loads(parts.told_bill())
    components = {each["name"]: each for each in bill["components"]}
    of_ggml = [file["name"] for file in components["ggml"]["components"]]
    assert of_ggml == ["_internal/llama_cpp/lib/libggml-cpu-haswell.so", "_internal/llama_cpp/lib/libggml-cuda.so"]
    assert components["NVIDIA cuBLAS"]["licenses"] == [{"license": {"name": "NVIDIA CUDA Toolkit End User License Agreement"}}]
    below = {line["ref"]: line["dependsOn"] for line in bill["dependencies"]}
    assert set(below[bill["metadata"]["component"]["bom-ref"]]) == {each["bom-ref"] for each in bill["components"]}
    assert bill["serialNumber"] != json.loads((beside / parts.BILL).read_text())["serialNumber"]
    assert "NVIDIA cuBLAS" in parts.versions()
    told = parts.told_notices()
    assert "THE TERMS OF NVIDIA" in told
    assert "SIL OPEN FONT LICENSE" in told


def test_from_sources_what_is_installed_is_told() -> None:
    told, bill = parts.told_notices(), json.loads(parts.told_bill())
    named = {each["name"].lower() for each in bill["components"]}
    assert {"pyside6_essentials", "keyring", "pillow", "inter", "python", "typer"} <= named
    assert not {"pytest", "ruff", "mypy", "hypothesis", "alcove"} & named
    assert "SIL OPEN FONT LICENSE" in told
    assert "NVIDIA" in told  # a package without a file of its licence: it stands above its code


@pytest.mark.parametrize(
    ("licence", "form"),
    [
        ("MIT", {"expression": "MIT"}),
        ("GPL-3.0-or-later WITH GCC-exception-3.1", {"expression": "GPL-3.0-or-later WITH GCC-exception-3.1"}),
        ("(MIT OR Apache-2.0) AND ISC", {"expression": "(MIT OR Apache-2.0) AND ISC"}),
        ("Apache 2.0", {"license": {"name": "Apache 2.0"}}),
        ("BSD", {"license": {"name": "BSD"}}),
        ("BSD License", {"license": {"name": "BSD License"}}),
    ],
)
def test_licences_in_a_bill(licence: str, form: object) -> None:
    assert parts.bill([Part("x", "1", licence)])["components"][0]["licenses"] == [form]


def test_a_text_that_several_parts_share_stands_once() -> None:
    told = parts.notices([Part("one", "1", "MIT", texts=("SAME\n",)), Part("two", "2", "MIT", texts=("SAME",))])
    assert told.count("SAME") == 1
    assert "one 1" in told
    assert "two 2" in told


@pytest.mark.skipif(sys.platform == "win32" or not shutil.which("ssh-keygen"), reason="needs sh and ssh-keygen")
def test_sums_are_signed_and_a_changed_file_is_found(tmp_path: Path) -> None:
    dist = tmp_path / "dist"
    dist.mkdir()
    (dist / "alcove_0.1.0.deb").write_text("a package")
    (dist / "alcove 0.1.0.rpm").write_text("another")
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True)
    script = ["sh", str(SUPPLY / "sums.sh"), str(dist)]
    assert "unsigned" in subprocess.run(script, check=True, capture_output=True, text=True).stdout
    assert not (dist / "SHA256SUMS.sig").exists()
    for _ in range(2):
        subprocess.run(script, check=True, capture_output=True, env={"ALCOVE_SIGNING_KEY": str(key), "PATH": "/usr/bin:/bin"})
    assert len((dist / "SHA256SUMS").read_text().splitlines()) == 2
    public = key.with_suffix(".pub").read_text().split()
    (tmp_path / "allowed").write_text(f"alcove-release {public[0]} {public[1]}\n")
    check = f"ssh-keygen -Y verify -f {tmp_path}/allowed -I alcove-release -n alcove -s SHA256SUMS.sig < SHA256SUMS"
    assert subprocess.run(["sh", "-c", check], cwd=dist, capture_output=True, check=False).returncode == 0
    with (dist / "SHA256SUMS").open("a") as sums:
        sums.write("0  x\n")
    assert subprocess.run(["sh", "-c", check], cwd=dist, capture_output=True, check=False).returncode != 0


@pytest.mark.skipif(sys.platform == "win32", reason="needs sh")
def test_an_empty_folder_is_no_release(tmp_path: Path) -> None:
    done = subprocess.run(["sh", str(SUPPLY / "sums.sh"), str(tmp_path)], capture_output=True, text=True, check=False)
    assert (done.returncode, "There is no file" in done.stderr) == (1, True)


@pytest.mark.skipif(sys.platform == "win32", reason="not everyone may make links there")
def test_two_builds_are_compared_in_every_way(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in "ab":
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "same").write_text("same")
        (tmp_path / name / "other").write_text("begins alike " + name)
        (tmp_path / name / "link").symlink_to("sub/same" if name == "a" else "other")
    (tmp_path / "a" / "one").touch()
    assert compare.main(str(tmp_path / "a"), str(tmp_path / "a")) == 0
    capsys.readouterr()
    assert compare.main(str(tmp_path / "a"), str(tmp_path / "b")) == 1
    told = capsys.readouterr().out
    assert "only in A: one" in told
    assert "another content: other: 14 and 14 bytes, from byte 13" in told
    assert "another kind: link: link to sub/same, link to other" in told
    assert told.endswith("3 differences\n")


def test_packages_are_looked_into(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, when in (("a", 1), ("b", 2)):
        with tarfile.open(tmp_path / f"{name}.tar.gz", "w:gz") as packed:
            entry = tarfile.TarInfo("file")
            entry.mtime = when
            packed.addfile(entry)
        with zipfile.ZipFile(tmp_path / f"{name}.zip", "w") as zipped:
            zipped.writestr(zipfile.ZipInfo("file"), name)
        tar = (tmp_path / f"{name}.tar.gz").read_bytes()
        head = f"{'data.tar.gz':<16}{0:<12}{0:<6}{0:<6}{'100644':<8}{len(tar):<10}`\n".encode()
        (tmp_path / f"{name}.deb").write_bytes(b"!<arch>\n" + head + tar + b"\n" * (len(tar) % 2))
    for kind, line in (
        ("tar.gz", "another kind: file: 644 0:0 1, 644 0:0 2"),
        ("zip", "another content: file: 1 and 1 bytes, from byte 0"),
        ("deb", "another kind: data.tar.gz/file: 644 0:0 1, 644 0:0 2"),
    ):
        assert compare.main(str(tmp_path / f"a.{kind}"), str(tmp_path / f"b.{kind}")) == 1
        assert line in capsys.readouterr().out
