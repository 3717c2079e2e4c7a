import errno
import os
import stat
import sys
from pathlib import Path

import pytest

from desktop import paths as places
from desktop.errors import NoRoomLeft, NotWritable, OddName
from desktop.paths import GUIDE, Paths, resource


def test_home_is_what_was_given_then_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALCOVE_HOME", str(tmp_path / "env"))
    assert Paths.default(tmp_path / "given").home == tmp_path / "given"
    assert Paths.default().home == tmp_path / "env"


def test_the_home_of_nobody_is_a_folder_of_that_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert Paths.default("~nobody-of-this-name/x").home == tmp_path / "~nobody-of-this-name" / "x"


def test_every_file_lies_below_the_home(tmp_path: Path) -> None:
    paths = Paths(tmp_path / "home")
    paths = Paths(tmp_path / "home")
    paths.create()
    for path in (paths.models, paths.database, paths.settings, paths.cache, paths.logs):
        assert paths.home in path.parents
    if os.name == "posix":
        assert stat.S_IMODE(paths.home.stat().st_mode) == 0o700  # chats are nobody else's business


def test_a_home_that_cannot_be_written_is_a_stated_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(NotWritable, match="--home"):
        Paths(tmp_path / "file" / "home").create()


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_a_full_disk_is_called_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "touch", refuse)
    with pytest.raises(NoRoomLeft, match=r"the disk is full: .* are free in .*\. Remove something"):
        Paths(tmp_path / "home").create()


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="elsewhere every name is text")
def test_a_home_whose_name_is_no_text_is_a_stated_error(tmp_path: Path) -> None:
    with pytest.raises(OddName, match=r"The name of .*/h\?me"):
        Paths(tmp_path / os.fsdecode(b"h\xf6me")).create()


def test_resources_come_with_the_program() -> None:
    assert GUIDE.is_file()
    assert resource("catalogue.json").is_file()


def test_models_for_everyone_are_found_wherever_the_variables_point(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(places.sys, "platform", "linux")
    monkeypatch.setattr(places, "OF_ALL_USERS", tmp_path / "elsewhere" / "alcove")
    found = places.shared_models()
    assert found[0] == tmp_path / "elsewhere" / "alcove" / "models"
    assert {Path("/usr/share/alcove/models"), Path("/usr/local/share/alcove/models")} < set(found)


def test_an_installed_program_reads_the_models_that_came_with_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "lib" / "alcove" / "alcove"
    assert program.parent / "models" not in places.shared_models()
    monkeypatch.setattr(places, "FROZEN", True)
    monkeypatch.setattr(places.sys, "executable", str(program))
    assert program.parent / "models" in places.shared_models()
