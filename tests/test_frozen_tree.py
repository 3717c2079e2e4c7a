"""The check of a frozen tree finds what must not be shipped; its hook leaves the environment as it was."""

import os
import platform
import runpy
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

APP = Path(__file__).parents[1] / "installers" / "app"
COMPILER = shutil.which("cc") if sys.platform == "linux" and platform.machine() == "x86_64" else None

pytestmark = pytest.mark.skipif(not (COMPILER and shutil.which("readelf")), reason="needs cc and readelf on Linux, x86-64")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A tree as small as can be, with nothing wrong."""
    folder = tmp_path / "alcove"
    for name in ("x64", "sse42", "haswell"):
        library(folder / "_internal/llama_cpp/lib" / f"libggml-cpu-{name}.so")
    library(folder / "_internal/llama_cpp/lib/libggml.so.0", "-Wl,-soname,libggml.so.0")
    (folder / "_internal/llama_cpp/lib/libggml.so").symlink_to("libggml.so.0")
    guide = folder / "_internal/resources/starter/alcove-guide.gguf"
    guide.parent.mkdir(parents=True)
    guide.write_bytes(b"GGUF")
    return folder


def library(path: Path, *options: str) -> None:
    """A library with one function, linked with these options."""
    path.parent.mkdir(parents=True, exist_ok=True)
    assert COMPILER
    command = [COMPILER, "-shared", "-fPIC", "-x", "c", "-", "-x", "none", "-o", str(path), *options]
    subprocess.run(command, input=b"int puts(const char *); int a(void) { return puts(0); }", check=True)


def check(folder: Path) -> tuple[int, str]:
    done = subprocess.run([sys.executable, str(APP / "tree.py"), str(folder)], capture_output=True, text=True, check=False)
    assert not done.stderr
    return done.returncode, done.stdout


def test_a_good_tree_passes_and_tells_what_it_asks_for(tree: Path) -> None:
    status, said = check(tree)
    assert status == 0
    assert "oldest GLIBC: 2." in said
    assert "asked of the system: libc.so.6" in said


def test_a_library_of_the_builds_system_that_leaked_in_is_found(tree: Path) -> None:
    library(tree / "_internal/libglib-2.0.so.0", "-Wl,-soname,libglib-2.0.so.0")
    assert "wrong: _internal/libglib-2.0.so.0 belongs to the system of the build" in check(tree)[1]


def test_a_library_that_is_nowhere_is_found(tree: Path, tmp_path: Path) -> None:
    library(tmp_path / "libmissing.so", "-Wl,-soname,libmissing.so.7")
    library(tree / "_internal/needy.so", "-Wl,--no-as-needed", str(tmp_path / "libmissing.so"))
    assert check(tree)[0] == 1
    assert "needy.so asks for libmissing.so.7" in check(tree)[1]


def test_a_library_that_lies_where_nobody_looks_is_found(tree: Path) -> None:
    """As libgomp, beside the program, did for the engine; with a place to look in, or beside the program, all is well."""
    engine, gomp = tree / "_internal/llama_cpp/lib", tree / "_internal/elsewhere/libgomp.so.1"
    library(gomp, "-Wl,-soname,libgomp.so.1")
    library(engine / "libggml-base.so", "-Wl,--no-as-needed", str(gomp))
    assert "libggml-base.so asks for libgomp.so.1, which lies where it does not look" in check(tree)[1]
    library(engine / "libggml-base.so", "-Wl,--no-as-needed", str(gomp), "-Wl,-rpath,$ORIGIN/../../elsewhere")
    assert check(tree)[0] == 0
    library(engine / "libggml-base.so", "-Wl,--no-as-needed", str(gomp))
    gomp.rename(tree / "_internal/libgomp.so.1")
    assert check(tree)[0] == 0


def test_a_folder_of_whoever_built_it_is_found(tree: Path) -> None:
    library(tree / "_internal/libgomp.so.1", "-Wl,-rpath,$ORIGIN:/home/me/python/lib")
    assert "libgomp.so.1 looks for libraries in /home/me/python/lib" in check(tree)[1]


def test_a_second_copy_of_the_engine_is_found(tree: Path) -> None:
    shutil.copy(tree / "_internal/llama_cpp/lib/libggml.so.0", tree / "_internal/libggml.so.0")
    assert "wrong: libggml.so.0 is there 2 times" in check(tree)[1]


def test_an_engine_for_one_processor_is_found(tree: Path) -> None:
    (tree / "_internal/llama_cpp/lib/libggml-cpu-sse42.so").unlink()
    library(tree / "_internal/llama_cpp/lib/libggml-cpu-sapphirerapids.so")
    said = check(tree)[1]
    assert "no module for processors of the kind sse42" in said
    assert "libggml-cpu-sapphirerapids.so was meant to stay out" in said


def test_a_tree_that_is_too_large_is_found_but_for_carried_models(tree: Path) -> None:
    (tree / "models").mkdir()
    for place in ("models/large.gguf", "_internal/large"):
        assert check(tree)[0] == 0
        with (tree / place).open("wb") as file:
            file.truncate(180_000_000)  # holds no room on the disk
    assert "over 170" in check(tree)[1]


def test_what_the_program_starts_does_not_see_its_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LD_LIBRARY_PATH", "/usr/lib/alcove/_internal")
    monkeypatch.setenv("LD_LIBRARY_PATH_ORIG", "/opt/theirs")
    monkeypatch.setenv("_PYI_PARENT_PROCESS_LEVEL", "1")  # the program started again would not look for them
    runpy.run_path(str(APP / "restore.py"))
    assert os.environ["LD_LIBRARY_PATH"] == "/opt/theirs"
    assert not {"LD_LIBRARY_PATH_ORIG", "_PYI_PARENT_PROCESS_LEVEL"} & set(os.environ)
    runpy.run_path(str(APP / "restore.py"))
    assert "LD_LIBRARY_PATH" not in os.environ
