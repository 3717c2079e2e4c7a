"""The commands about what the organisation decided: policy show, policy check, policy schema."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer

from desktop import policy, settings, terminal
from desktop.cli.command import Group, Home, Json, commands, opened
from desktop.errors import Corrupt, NotFound
from desktop.policy import Policy, Value

group = typer.Typer(
    cls=Group,
    help="What your organisation decided: settings that are locked, which models may be used, its word on licences.",
    no_args_is_help=True,
)
commands.add_typer(group, name="policy")
PolicyFile = Annotated[Path, typer.Argument(metavar="FILE", help="A policy.json.", dir_okay=False)]


@group.command()
def show(json: Json = False, home: Home = None) -> None:
    """What holds on this computer, and where each value was decided; exit status 1 when it cannot be read."""
    with opened(home, json) as app:
        chosen = settings.chosen(app.paths.settings)
        held = list(policy.values(app.policy, chosen, str(app.paths.settings)))
        if not json:
            terminal.say("What holds here, and where it was decided:")
            for value in held:
                terminal.say(f"  {value}")
        _tell(app.policy, policy.problems(app.policy, app.licences), held, as_json=json)


@group.command()
def check(file: PolicyFile, json: Json = False, home: Home = None) -> None:
    """Whether a file of rules is valid, before it is rolled out; exit status 1 when it is not."""
    with opened(home, json) as app:
        try:
            checked = policy.check(file)
        except FileNotFoundError as error:
            raise NotFound(what=f"file {file}", host="This computer") from error
        except OSError as error:
            raise Corrupt(path=str(file), why=error.strerror or "it cannot be read") from error
        said = [each for each in policy.values(checked, {}, "") if each.from_ == str(file)]
        _tell(checked, policy.problems(checked, app.licences, in_force=False), said, as_json=json)


@group.command()
def schema() -> None:
    """What a policy may say, as JSON Schema, for editors and other tools."""
    terminal.show_json(policy.json_schema())


def _tell(told: Policy, problems: list[str], values: Iterable[Value], *, as_json: bool) -> None:
    if as_json:
        sources = [each.where for each in told.sources]
        listed = [each.to_json() for each in values]
        terminal.show_json({"policy": policy.to_json(told), "sources": sources, "problems": problems, "values": listed})
    else:
        for line in policy.lines(told):
            terminal.say(line)
        for problem in problems:
            terminal.complain(f"! {problem}")
    if problems:
        raise typer.Exit(1)
