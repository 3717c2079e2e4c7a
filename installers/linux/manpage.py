"""The man page, written from the command line itself: python installers/linux/manpage.py DAY > alcove.1."""

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

import typer

from desktop import __version__
from desktop.cli import commands

BEFORE = """.SH NAME
alcove \\- private AI chat on your own computer, with the licence beside it
.SH SYNOPSIS
.B alcove
.RI [ FILE ]
.br
.B alcove
.I COMMAND
.RI [ OPTION... ]
.SH DESCRIPTION
Without a command the window opens, with a model file in it where one is named.
With a command it does the same work in the terminal.
.PP
.I MODEL
is an id such as qwen3-8b or qwen3-8b:Q5_K_M, hf:OWNER/REPO/FILE.gguf, the https address of a GGUF file, a path, an id from
.BR "alcove list" ,
or guide, the small model that comes with the program.
.SH OPTIONS
.TP
.BI \\-\\-home " DIR"
the folder for every file that Alcove writes; every command takes it
.TP
.B \\-\\-json
print one JSON object with stable keys; most commands take it
.TP
.B \\-\\-version
print the version
.TP
.BR \\-h ", " \\-\\-help
print what a command does and takes
"""
AFTER = """.SH EXIT STATUS
0 done, 1 a stated error (one sentence on standard error), 2 wrong usage, 130 stopped by Ctrl-C.
.SH ENVIRONMENT
.TP
.B ALCOVE_HOME
the folder for every file that Alcove writes, as
.B \\-\\-home
.TP
.B HF_ENDPOINT
the address of a mirror in place of Hugging Face
.TP
.B HF_TOKEN
the access token for Hugging Face
.SH FILES
.TP
.I ~/.local/share/alcove
what belongs to the person: chats, settings, models
.TP
.I /usr/lib/alcove/models
models that came with the package, read only
.TP
.I /etc/alcove/policy.json
what the organisation decided; no package writes or removes it
"""


def page(day: str) -> str:
    """The whole page, for the version that this is."""
    root = typer.main.get_command(commands)
    return "\n".join([f'.TH ALCOVE 1 "{day}" "Alcove {__version__}" "User Commands"', BEFORE + ".SH COMMANDS", *_of(root), AFTER])


def _of(command: Any, before: str = "") -> Iterator[str]:
    for name, each in sorted(command.commands.items()):
        if hasattr(each, "commands"):
            yield from _of(each, f"{before}{name} ")
        elif not each.hidden:
            arguments = [re.sub("[{}]", "", word) for word in each.collect_usage_pieces(typer.Context(each))][1:]
            yield f".SS {_plain(' '.join(['alcove', before + name, *arguments]))}"
            yield _plain(" ".join((each.help or "").split()))
            yield from _options(each)


def _options(command: Any) -> Iterator[str]:
    for option in command.params:
        if option.param_type_name == "option" and not option.hidden and option.name not in ("help", "home", "json"):
            words, about = option.get_help_record(typer.Context(command))
            yield f".TP\n.B {_plain(words)}\n{_plain(about.strip())}"


def _plain(words: str) -> str:
    """As roff takes it: hyphens are meant as such, and no line begins with a command."""
    escaped = words.replace("\\", "\\e").replace("-", "\\-")
    return f"\\&{escaped}" if escaped.startswith((".", "'")) else escaped


if __name__ == "__main__":
    print(page(sys.argv[1]), end="")
