"""What every command is made of: the group it joins, the options it shares with others, an App for as long as it lasts."""

import logging
import os
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, TypeVar

import typer
from typer.core import TyperGroup

from desktop import logs, terminal
from desktop.app import App
from desktop.errors import AlcoveError

Result = TypeVar("Result")
log = logging.getLogger(__name__)


def folder(named: str) -> Path:
    """A folder that was named. An empty name is a script's unset variable; Path would take it for the folder we are in."""
    if not named:
        raise typer.BadParameter("No folder is named.")
    return Path(named)


Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Home = Annotated[
    Path | None,
    typer.Option(
        "--home", parser=folder, metavar="DIR", help="The folder for every file that Alcove writes.", envvar="ALCOVE_HOME"
    ),
]
Reference = Annotated[
    str, typer.Argument(metavar="MODEL", help="qwen3-8b, qwen3-8b:Q5_K_M, hf:OWNER/REPO/FILE.gguf, a path, or guide.")
]
Context = Annotated[int | None, typer.Option(help="Tokens of conversation memory.", min=256)]
Threads = Annotated[int | None, typer.Option(help="Threads of the processor; default: all cores but one.", min=1)]


_named: list[str] = []  # the command that is carried out, after the group that it is in


class Group(TyperGroup):
    """Notes which command is carried out: the names that we gave, and nothing of what was typed with them."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        name, *found = super().resolve_command(ctx, args)
        _named[:] = [*(_named if ctx.parent else ()), str(name)]
        return name, *found


class OrFile(Group):
    """A model file in the place of a command is opened in the window, as file managers ask for it."""

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        named = args[0]
        if named not in self.commands and (named.lower().endswith(".gguf") or os.path.isfile(named)):
            args = ["open", *args]
        return super().resolve_command(ctx, args)


commands = typer.Typer(
    name="alcove",
    cls=OrFile,
    help="A private AI chat on your own computer. Without a command, the window opens.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@contextmanager
def opened(home: Path | None, as_json: bool) -> Iterator[App]:
    """An App for one command; a stated error ends the command with exit 1, its sentence and, with --json, its object."""
    try:
        app = App.open(home, f"the command {' '.join(_named)}")
        try:
            yield app
        except AlcoveError as error:
            log.warning("refused: %s", logs.told(error))
            raise
        except Exception as error:
            if not hasattr(error, "exit_code") and not isinstance(error, typer.Abort | BrokenPipeError):  # the command's own end
                log.error("nobody caught it", exc_info=error)
            raise
        finally:
            app.close()
    except AlcoveError as error:
        if as_json:
            terminal.show_json({"error": {"kind": error.kind, "message": str(error), **error.facts}})
        terminal.complain(str(error))
        raise typer.Exit(1) from None


def finish(work: Generator[Any, None, Result], seen: Callable[[Any], None] = lambda item: None) -> Result:
    """Run a slow act to its end, showing each thing it yields; Ctrl-C closes it, so that it can clean up."""
    try:
        while True:
            seen(next(work))
    except StopIteration as end:
        result: Result = end.value
        return result
    finally:
        work.close()
