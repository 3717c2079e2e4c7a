"""The commands about what the organisation decided: policy show, policy check."""

from pathlib import Path
from typing import Annotated

import typer

from desktop import policy, terminal
from desktop.app import App
from desktop.cli.command import Home, Json, commands, opened
from desktop.errors import NotFound
from desktop.policy import Policy

group = typer.Typer(help="What your organisation decided: which models may be used, its word on licences.", no_args_is_help=True)
commands.add_typer(group, name="policy")
PolicyFile = Annotated[Path, typer.Argument(metavar="FILE", help="A policy.json.", dir_okay=False)]


@group.command()
def show(json: Json = False, home: Home = None) -> None:
    """What holds on this computer, and in which files it was decided; exit status 1 when it cannot be read."""
    with opened(home, json) as app:
        _tell(app, app.policy, as_json=json)


@group.command()
def check(file: PolicyFile, json: Json = False, home: Home = None) -> None:
    """Whether a file of rules is valid, before it is rolled out; exit status 1 when it is not."""
    with opened(home, json) as app:
        try:
            checked = policy.check(file)
        except OSError as error:
            raise NotFound(what=f"file {file}", host="This computer") from error
        _tell(app, checked, as_json=json)


def _tell(app: App, told: Policy, *, as_json: bool) -> None:
    problems = told.problems(app.licences)
    if as_json:
        terminal.show_json({"policy": told.to_json(), "sources": [each.where for each in told.sources], "problems": problems})
    else:
        for line in told.lines():
            terminal.say(line)
        for problem in problems:
            terminal.complain(f"! {problem}")
    if problems:
        raise typer.Exit(1)
