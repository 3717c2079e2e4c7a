"""The register of licences: every model that is here, in stable keys, and in a table that no spreadsheet calculates with."""

import csv
import io
import json
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import msgspec
import pytest

from desktop import cli, record, register
from desktop.app import App
from desktop.cli.command import finish
from desktop.library import Provenance
from desktop.paths import GUIDE
from tests import gguf_files

EVIL = '=HYPERLINK("http://evil.example","x")'


@pytest.fixture
def app(tmp_path: Path) -> Iterator[App]:
    """Has the guide, a downloaded Gemma, an adopted file with an odd name, one that is damaged, one that states nothing."""
    app = App.open(tmp_path / "home")
    path = record.place(app.library.folder, "google/gemma-3-1b-it-qat-q4_0-gguf", "gemma-3-1b-it-q4_0.gguf")
    path.parent.mkdir(parents=True)
    gguf_files.llama(path, metadata={"general.license": "gemma"})
    record.write(
        record.beside(path), Provenance(sha256="a" * 64, licence="gemma", revision="c0ffee", fetched="2026-11-26T10:00:00+00:00")
    )
    odd = gguf_files.llama(tmp_path / "odd.gguf", metadata={"general.license": "apache-2.0"})
    app.library.link(odd, Provenance(id=EVIL, program="LM Studio"))
    (app.library.folder / "by" / "hand").mkdir(parents=True)
    (app.library.folder / "by" / "hand" / "broken.gguf").write_bytes(b"GGUF")
    gguf_files.llama(app.library.folder / "by" / "hand" / "nobody-said.gguf", metadata={"general.license": ""})
    yield app
    app.close()


def by_model(app: App) -> dict[str, register.Row]:
    return {row.model.id: row for row in finish(app.rights.register())}


def test_every_model_has_a_row_with_what_an_auditor_asks_for(app: App) -> None:
    found = by_model(app)
    assert set(found) == {"guide", "gemma-3-1b-it-q4_0", EVIL, "broken", "nobody-said"}
    told = found["gemma-3-1b-it-q4_0"].to_json()
    assert told["licence"] == "gemma"
    assert (told["commercial"]["answer"], told["openness"], told["acceptance"]) == ("if", "conditions", "not accepted")
    assert told["files"][0]["sha256"] == "a" * 64
    assert {"from": "The file itself", "says": "Gemma Terms of Use"} in told["sources"]
    assert any("Gemma Terms of Use" in duty for duty in told["duties"])
    assert found["guide"].to_json()["acceptance"] == "not needed"
    assert found["guide"].to_json()["files"][0]["sha256"] == sha256(GUIDE.read_bytes()).hexdigest()
    assert found[EVIL].to_json()["origin"] == "LM Studio"
    assert found["nobody-said"].to_json()["acceptance"] == "not known", "which is not the same as not needed"
    broken = found["broken"].to_json()
    assert (broken["licence"], broken["acceptance"]) == (None, "not known")
    assert broken["problem"]
    assert set(told) == set(broken), "the same keys, whatever is known"


def test_who_accepted_which_text_and_when(app: App) -> None:
    text = app.texts.keep("gemma", b"Gemma Terms of Use", "https://example.org/gemma")
    ruling = by_model(app)["gemma-3-1b-it-q4_0"].ruling
    assert ruling
    app.consent.acceptances.accept(ruling, "gemma-3-1b:Q4_0", app.texts)
    row = by_model(app)["gemma-3-1b-it-q4_0"]
    (accepted,) = row.to_json()["accepted"]
    assert (accepted["text_sha256"], accepted["model"]) == (text.sha256, "gemma-3-1b:Q4_0")
    assert row.to_json()["licences"][0]["text_sha256"] == text.sha256
    assert row.cells()["acceptance"] == "accepted"
    assert row.cells()["accepted_by"] == accepted["user"]


def test_no_cell_is_a_formula(app: App) -> None:
    table = list(csv.reader(io.StringIO(register.as_csv(finish(app.rights.register())).decode())))
    assert len({len(line) for line in table}) == 1
    cells = {cell for line in table for cell in line}
    assert f"'{EVIL}" in cells
    assert not [cell for cell in cells if cell.lstrip()[:1] in set("=+-@\t\r")]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)", "  =1", "\t=1", "\r\n=1", "＝1", "|calc", "\u200b=1", "%0A"])
def test_what_a_spreadsheet_would_calculate_is_text(cell: str) -> None:
    assert register._harmless(cell).startswith("'")


def test_it_is_written_to_a_file_or_a_pipe(app: App, tmp_path: Path, capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    home = ("--home", str(tmp_path / "home"))
    out = tmp_path / "register.csv"
    assert cli.run(["licence", "register", "--output", str(out), *home], lambda home: 99) == 0
    lines = list(csv.DictReader(io.StringIO(out.read_bytes().decode())))
    assert {line["model"] for line in lines} == {"guide", "gemma-3-1b-it-q4_0", f"'{EVIL}", "broken", "nobody-said"}
    assert cli.run(["licence", "register", "--format", "json", "--output", str(tmp_path / "r.json"), *home], lambda home: 99) == 0
    assert len(msgspec.json.decode((tmp_path / "r.json").read_bytes())["models"]) == 5
    capfdbinary.readouterr()
    assert cli.run(["licence", "register", "--output", str(tmp_path), *home], lambda home: 99) == 1
    assert cli.run(["licence", "gemma", "--output", str(out), *home], lambda home: 99) == 2
    assert cli.run(["licence", "guide", "--json", *home], lambda home: 99) == 0
    assert json.loads(capfdbinary.readouterr().out)["accepted"] is None
    assert cli.run(["licence", "gemma", "--json", *home], lambda home: 99) == 0
    assert json.loads(capfdbinary.readouterr().out)["accepted"] == []
