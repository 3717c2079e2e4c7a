"""The command line: a door of its own, one function a command. `--json` prints one object with stable keys.

Exit status: 0 done, 1 a stated error (one sentence on stderr), 2 wrong usage, 130 stopped by Ctrl-C.
"""

import errno
import os
import sys
from collections.abc import Callable
from typing import Annotated

import typer

from desktop import __version__, terminal
from desktop.cli import bundles, catalogue, computer, doctor, keeping, licence, models, policy, talk, window
from desktop.cli.command import Home, commands

__all__ = [
    "bundles",
    "catalogue",
    "computer",
    "doctor",
    "keeping",
    "licence",
    "models",
    "policy",
    "run",
    "talk",
    "window",
]  # importing them is what adds their commands


def run(arguments: list[str], open_window: Callable[..., int]) -> int:
    """Carry out a command line; `open_window(home)` is called when it names no command, `open_window(home, file)` for a file.

    Returns the exit status.
    """

    @commands.callback(invoke_without_command=True)
    def start(
        context: typer.Context,
        home: Home = None,
        version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    ) -> None:
        context.obj = open_window
        if version:
            terminal.say(f"alcove {__version__}")
        elif context.invoked_subcommand is None:
            raise typer.Exit(open_window(home))
        elif home is not None:
            os.environ["ALCOVE_HOME"] = str(home)  # given before the command, it holds for the command

    try:
        status = int(commands(arguments, standalone_mode=False) or 0)
        if sys.stdout:  # a script may have closed it
            sys.stdout.flush()  # what cannot be written is to be known here
        return status
    except KeyboardInterrupt:
        return 130
    except typer.Abort:
        return 130
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EPIPE) or error.filename is not None:
            raise
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # for what is still to be written when Python ends
        if error.errno == errno.ENOSPC:  # else the reader has gone, and nobody misses the rest
            terminal.complain("The output could not be written: the disk is full.")
        return 1
    except Exception as error:
        return _usage(error)


def _usage(error: Exception) -> int:
    """Wrong usage, as the parser words it, is exit 2; anything else is a bug and keeps its traceback."""
    show = getattr(error, "show", None)
    if show is None:
        raise error
    show()
    return 2
