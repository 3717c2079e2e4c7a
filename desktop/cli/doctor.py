"""The command doctor: what this computer has, what is wrong, whether the Hub can be reached, and what was ever sent."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from desktop import logs, support, terminal, text
from desktop.app import App
from desktop.cli.command import Home, Json, commands, finish, opened
from desktop.errors import AlcoveError
from desktop.hardware import Hardware


@commands.command()
def doctor(
    connection: Annotated[
        bool, typer.Option("--connection", help="Also ask the Hub or its mirror, and say what stands in the way.")
    ] = False,
    network_log: Annotated[
        Path | None,
        typer.Option(help="Only write the record of all requests, of earlier sessions too, to this file ('-': here)."),
    ] = None,
    report: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Only save a zip for support, without chats, tokens and names.")
    ] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """What this computer has, what the engine can use, and what is wrong."""
    with opened(home, json) as app:
        if network_log is not None:
            _write_log(app, network_log, json)
            return
        if report is not None:
            _save_report(app, report, json)
            return
        found = measured(app)
        free_bytes = app.library.free_bytes()
        tested = _test(app) if connection else None
        problems = [*app.problems(found), *_in_the_way(tested)]
        if json:
            network = support.network(app) | ({"connection": tested} if tested else {})
            terminal.show_json(support.facts(app, found) | {"network": network, "problems": problems})
            return
        others = (
            ("Models", f"{app.library.folder}, {text.size(free_bytes)} free"),
            ("Network", str(tested["sentence"]) if tested else _network_words(app)),
            ("Protection", terminal.confined_words(found.engine.confined)),
            ("Speed", terminal.rates_words(app.computer.rates)),
            ("Log", str(app.paths.logs / logs.NAME)),
            ("Estimates", app.computer.accuracy or "None could be checked yet; alcove bench MODEL checks one."),
        )
        terminal.show_computer(found, others, problems)


def _network_words(app: App) -> str:
    if app.network.offline:
        return "offline by your organisation" if app.network.kept_offline else "offline by your choice"
    return f"{app.hub.endpoint}, only when you ask for a model"


def _test(app: App) -> dict[str, Any]:
    """What came of asking the Hub, as facts."""
    try:
        return {"ok": True, **asdict(finish(app.test_connection()))}
    except AlcoveError as error:
        return {"ok": False, "kind": error.kind, "sentence": str(error)}


def _in_the_way(tested: dict[str, Any] | None) -> list[dict[str, str]]:
    if tested is None or tested["ok"]:
        return []
    return [
        {
            "what": tested["sentence"],
            "fix": "See Settings, Network, in the window; on a company's computer, ask its IT department.",
        }
    ]


def _write_log(app: App, file: Path, json: bool) -> None:
    """Copy the record of all requests, a JSON object a line, out of the home folder."""
    count = app.network.record.export(file)
    if json:
        terminal.show_json({"path": str(file), "requests": count})
    else:
        terminal.say(f"{count} requests are in {file}.")


def _save_report(app: App, file: Path, json: bool) -> None:
    """What support asks for, as one file that can be read before it is handed on."""
    files = finish(support.gather(app))
    support.save(files, file)
    if json:
        terminal.show_json({"path": str(file), "files": list(files)})
    else:
        terminal.say(f"The report is in {file}. Read it before you hand it on; README.txt says what is in it.")


def measured(app: App) -> Hardware:
    """This computer, whose speed is measured first where that is due."""
    found = app.computer.hardware()
    if app.computer.measure_due:
        with terminal.steps() as show:
            finish(app.computer.measure(), lambda step: show(step.text, step.fraction))
    return found
