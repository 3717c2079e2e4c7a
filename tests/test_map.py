"""The map in desktop/__init__.py is true: imports point down its list, and each foreign library has one home."""

import ast
import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import desktop

ROOT = Path(desktop.__file__).parent
LEVELS = {
    name: level
    for level, line in enumerate(reversed([line for line in (desktop.__doc__ or "").splitlines() if line.startswith("    ")]))
    for name in line.split()
}
HOMES = {
    "PySide6": ("ui",),
    "shiboken6": ("ui",),
    "llama_cpp": ("engine.llama", "engine.pictures"),
    "PIL": ("picture",),
    "jinja2": ("engine.template", "engine.fence", "engine.limits"),
    "huggingface_hub": ("hub",),
    "sqlite3": ("conversations",),
    "pynvml": ("hardware.nvidia",),
    "httpx2": ("network",),
    "httpcore2": ("network",),
    "keyring": ("keychain",),
    "cryptography": ("editions",),
    "markdown_it": ("ui.markdown",),
    "typer": ("cli",),
    "rich": ("terminal",),
}
FILES = sorted(ROOT.rglob("*.py"))


def imports(path: Path) -> set[str]:
    """Every module that a file names in an import, at the top or inside a function."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import"
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_imports_point_down(path: Path) -> None:
    module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    own = module.split(".")[0]
    for name in imports(path):
        top, _, rest = name.partition(".")
        for library, homes in HOMES.items():
            assert top != library or any(f"{module}.".startswith(f"{home}.") for home in homes), f"{module} imports {library}"
        if top == "desktop" and (room := rest.split(".")[0]) in LEVELS and room != own:
            assert LEVELS[room] < LEVELS[own], f"{module} imports {room}, which is not below it"


def test_every_library_is_declared_and_none_without_need() -> None:
    imported = {name.partition(".")[0] for path in FILES for name in imports(path)} | {"pynvml"}  # which is loaded by its name
    homes = packages_distributions()
    ours = {"desktop", "shiboken6"}  # the second is the lower half of PySide6
    needed = {_plain(homes[name][0]) for name in imported - sys.stdlib_module_names - ours}
    project = tomllib.loads((ROOT.parent / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    assert needed == {_plain(re.split("[<>=]", each)[0]) for each in project["dependencies"]}


def _plain(name: str) -> str:
    return name.lower().replace("_", "-")


def test_the_map_names_every_room() -> None:
    rooms = {p.stem for p in ROOT.iterdir() if p.suffix == ".py" or (p / "__init__.py").exists()} - {"__init__"}
    assert rooms == set(LEVELS)
