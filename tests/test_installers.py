"""The recipes as a whole: scripts are parsed, what they name is there, and the workflow that runs them holds together."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
RECIPES = ROOT / "installers"
WORKFLOW = ROOT / ".github" / "workflows" / "release.yml"
NAMED = re.compile(r"(?<![\w./-])(?:installers|desktop|docs|resources)/[\w./-]*\w")
SCRIPTS = sorted(
    path for path in RECIPES.rglob("*") if path.is_file() and (path.suffix == ".sh" or path.read_bytes()[:9] == b"#!/bin/sh")
)


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda path: str(path.relative_to(RECIPES)))
def test_every_script_is_one_that_a_shell_reads(script: Path) -> None:
    shell = shutil.which("dash") or shutil.which("sh")
    if not shell:
        pytest.skip("no shell here")
    read = subprocess.run([shell, "-n", script], capture_output=True, text=True)

    assert read.returncode == 0, read.stderr


@pytest.mark.parametrize("script", [*SCRIPTS, *sorted(RECIPES.rglob("*.ps1")), WORKFLOW], ids=lambda path: path.name)
def test_every_file_of_ours_that_a_script_names_is_there(script: Path) -> None:
    named = NAMED.findall(script.read_text(encoding="utf-8").replace("\\", "/"))

    assert [name for name in named if not (ROOT / name).exists()] == []


def jobs() -> dict[str, Any]:
    found = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))["jobs"]
    assert isinstance(found, dict)
    return found


def steps() -> list[dict[str, Any]]:
    return [step for job in jobs().values() for step in job["steps"]]


def test_the_workflow_may_read_and_nothing_else() -> None:
    content = yaml.safe_load(WORKFLOW.read_text(encoding="utf-8"))

    assert content["permissions"] == {"contents": "read"}
    assert not any("permissions" in job for job in jobs().values())
    assert all("pull_request" not in str(event) for event in content[True])  # YAML's "on": no stranger's code beside secrets


def test_every_action_is_one_commit_that_nobody_can_move() -> None:
    used = [step["uses"] for step in steps() if "uses" in step]

    assert used
    assert [each for each in used if not re.fullmatch(r"actions/[\w-]+@[0-9a-f]{40}", each)] == []


def test_what_signs_runs_only_where_the_secrets_are() -> None:
    secret = [step for step in steps() if "secrets." in str(step)]

    assert secret
    assert all(step["if"] == "env.SIGNS == 'true'" for step in secret)
    assert all(job["env"]["SIGNS"].endswith("!= '' }}") for name, job in jobs().items() if name in ("windows", "macos"))


def test_every_system_is_built_tried_and_kept_in_that_order() -> None:
    for name in ("linux", "windows", "macos"):
        done = [str(step.get("run", step.get("uses", ""))) for step in jobs()[name]["steps"]]
        (tried,) = [place for place, step in enumerate(done) if re.search(r"check\.(ps1|sh)|verify\.sh", step)]
        (built,) = [place for place, step in enumerate(done) if re.search(rf"installers[/\\]{name}[/\\]build", step)]
        (kept,) = [place for place, step in enumerate(done) if "upload-artifact" in step]
        assert built < tried < kept
    assert jobs()["sums"]["needs"] == ["linux", "windows", "macos"]


@pytest.mark.skipif(os.name != "posix", reason="Windows has no such mark")
def test_a_script_that_a_package_runs_may_be_run() -> None:
    assert os.access(RECIPES / "macos" / "scripts" / "postinstall", os.X_OK)


def test_every_file_that_the_readme_links_or_runs_is_there() -> None:
    text = (RECIPES / "README.md").read_text(encoding="utf-8")
    linked = [RECIPES / target for target in re.findall(r"\]\(([^)#:]+)\)", text)]
    named = [ROOT / name for name in NAMED.findall(text.replace("\\", "/"))]

    assert len(linked) > 10
    assert [str(path) for path in [*linked, *named] if not path.exists()] == []


def test_the_readme_has_every_property_of_the_msi_and_every_secret_of_the_workflow() -> None:
    text = (RECIPES / "README.md").read_text(encoding="utf-8")
    source = (RECIPES / "windows" / "alcove.wxs").read_text(encoding="utf-8")
    asked = {name for name in re.findall(r'<Property Id="([A-Z]+)"', source) if not name.startswith("ARP")}
    asked |= set(re.findall(r"<Condition>(\w+) ", source) + re.findall(r">(\w+) AND NOT REMOVE<", source))
    secrets = re.findall(r"(?:secrets|vars)\.(\w+)", WORKFLOW.read_text(encoding="utf-8"))

    assert {"INSTALLDIR", "MODELDIR", "POLICYFILE"} <= asked
    assert [name for name in [*asked, *secrets] if f"`{name}`" not in text] == []
