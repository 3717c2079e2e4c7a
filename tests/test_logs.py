"""The log: lines with time and level, files that stay small with two writers, and not a word that is nobody's business."""

import logging
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from desktop import __version__, cli, logs
from desktop.app import App
from desktop.errors import DiskFull, ServerRefused

log = logging.getLogger("desktop.test")


@pytest.fixture
def written(tmp_path: Path) -> Iterator[Path]:
    """A log that is being written."""
    (tmp_path / "logs").mkdir()
    handler = logs.start(tmp_path / "logs")
    yield tmp_path / "logs" / logs.NAME
    logs.stop(handler)


def test_each_line_says_when_how_bad_and_where(written: Path) -> None:
    log.info("a model was opened")
    log.debug("not by default")
    (line,) = written.read_text().splitlines()
    assert line.split()[1] == "INFO"
    assert line.endswith("desktop.test: a model was opened")
    assert line[10] == "T"
    assert "Z " in line


@pytest.mark.parametrize(("level", "count"), [("debug", 3), ("warning", 1), ("WARNING ", 1), ("nonsense", 2)])
def test_how_much_is_told_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, level: str, count: int) -> None:
    monkeypatch.setenv("ALCOVE_LOG", level)
    handler = logs.start(tmp_path)
    log.debug("small")
    log.info("usual")
    log.warning("bad")
    logs.stop(handler)
    assert len((tmp_path / logs.NAME).read_text().splitlines()) == count


def test_an_exception_is_told_without_its_words(written: Path) -> None:
    try:
        try:
            int("what I asked my doctor")
        except ValueError as error:
            raise KeyError("my secret answer") from error
    except KeyError as error:
        log.error("nobody caught it", exc_info=error)
    text = written.read_text()
    assert "tests/test_logs.py" in text
    assert "caused by" in text
    assert "KeyError" in text
    assert "ValueError" in text
    assert "doctor" not in text
    assert "secret" not in text


def test_folders_logins_and_tokens_are_taken_out(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "verysecrettoken")
    log.info("in %s/x by http://me:pw@proxy:3128 with hf_abcdefgh", Path.home())
    text = written.read_text()
    assert "in ~/x by http://<login>@proxy:3128 with <token>" in text


def test_a_stated_error_is_its_kind_and_figures() -> None:
    assert logs.told(DiskFull(needed_bytes=5, free_bytes=3, folder="/home/anna/x")) == "disk_full needed_bytes=5 free_bytes=3"
    assert logs.told(ServerRefused(host="hf.co", status=503, why="secret")) == "server_refused host=hf.co status=503"


def test_files_stay_small_and_few(written: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    handler = logging.getLogger("desktop").handlers[-1]
    monkeypatch.setattr(handler, "maxBytes", 1000)
    for number in range(100):
        log.info("line %d of many", number)
    kept = logs.files(written.parent)
    assert len(kept) == 1 + logs.OLDER
    assert all(file.stat().st_size <= 1000 for file in kept)
    assert "line 99 of many" in kept[0].read_text()


WRITER = """
import logging, sys
from pathlib import Path
from desktop import logs
logs.OLDER = 200
handler = logs.start(Path(sys.argv[1]))
handler.maxBytes = 2000
for number in range(300):
    logging.getLogger("desktop.test").info("%s-%d", sys.argv[2], number)
"""


def test_no_line_is_lost_where_two_processes_write(tmp_path: Path) -> None:
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path), name]) for name in ("window", "command")]
    assert [writer.wait(60) for writer in writers] == [0, 0]
    files = [file for file in tmp_path.iterdir() if file.suffix != ".lock"]
    lines = {line.rpartition(" ")[2] for file in files for line in file.read_text().splitlines()}
    assert lines == {f"{name}-{number}" for name in ("window", "command") for number in range(300)}
    assert len(files) > 10


def test_a_place_that_cannot_be_written_stops_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "logs").write_text("a file where the folder should be")
    handler = logs.start(tmp_path / "logs")
    log.error("nobody will read this")
    logs.stop(handler)
    assert capsys.readouterr().err == ""


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_stops_nobody(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / logs.NAME).symlink_to("/dev/full")
    handler = logs.start(tmp_path)
    log.error("nobody will read this")
    log.error("nor this")
    logs.stop(handler)
    assert capsys.readouterr().err == ""


def test_the_program_says_that_it_starts_and_ends(tmp_path: Path) -> None:
    app = App.open(tmp_path / "home")
    app.close()
    lines = (tmp_path / "home" / "logs" / logs.NAME).read_text().splitlines()
    assert re.fullmatch(rf"\S+Z INFO {os.getpid()} desktop.app: Alcove {__version__} starts as .* on .* with Python .*", lines[0])
    assert lines[-1].endswith("Alcove ends")
    logging.getLogger("desktop.test").error("after the end")
    assert len((tmp_path / "home" / "logs" / logs.NAME).read_text().splitlines()) == len(lines)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ("list", "list"),
        ("policy show --json", "policy show"),
        ("licence Brustkrebs", "licence"),  # which it refuses
        ("bundle verify /Brustkrebs", "bundle verify"),
        ("policy check Brustkrebs.json", "policy check"),
        ("fit /home/Brustkrebs.gguf --context 4096", "fit"),
    ],
)
def test_each_start_says_which_command_it_was_and_nothing_of_what_was_typed(tmp_path: Path, arguments: str, named: str) -> None:
    cli.run(["--home", str(tmp_path / "home"), "catalogue", "show"], lambda home: 9)  # what went before does not stay
    cli.run([*arguments.split(), "--home", str(tmp_path / "home")], lambda home: 9)
    written = (tmp_path / "home" / "logs" / logs.NAME).read_text()
    assert re.findall("starts as the command (.*) on ", written) == ["catalogue show", named]
    assert "Brustkrebs" not in written
