"""The command open: the window, with a model file in it."""

import os
from pathlib import Path
from typing import Annotated

import typer

from desktop.cli.command import Home, commands


@commands.command(name="open")
def open_file(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A model file (GGUF); it stays where it is.")],
    home: Home = None,
) -> None:
    """Open a model file in the window, ready to chat. The file alone does the same: alcove FILE."""
    path = Path(os.path.expanduser(file)).absolute()  # the window that is open already has a folder of its own
    raise typer.Exit(context.find_root().obj(home, path))
