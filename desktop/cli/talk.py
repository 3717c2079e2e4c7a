"""The command that talks with a model in the terminal."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from desktop import picture, terminal
from desktop.app import App
from desktop.cli.command import Context, Home, Json, Reference, Threads, commands, finish, opened
from desktop.engine import ChatOptions, Message, Piece, Reading, Reply
from desktop.errors import CannotSee, EngineCrashed, NotFound


@commands.command()
def chat(
    reference: Reference,
    prompt: Annotated[str | None, typer.Option("--prompt", "-p", help="One question, one answer; - reads it from stdin.")] = None,
    system: Annotated[str, typer.Option(help="What the model should know before the talk.")] = "",
    max_tokens: Annotated[int, typer.Option(min=1)] = 2048,
    temperature: Annotated[float | None, typer.Option(min=0.0, max=5.0)] = None,
    seed: Annotated[int | None, typer.Option(min=0)] = None,
    image: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A picture for the first question; repeatable.")
    ] = None,
    context: Context = None,
    threads: Threads = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Talk with a model on this computer. What is said here is not stored."""
    options = ChatOptions(max_tokens=max_tokens, temperature=temperature, seed=seed)
    said = [Message("system", system)] if system else []
    with opened(home, json) as app:
        pictures = tuple(_picture(path) for path in image or ())
        loaded = finish(app.open_model(reference, context=context, threads=threads))
        if pictures and not loaded.sees:
            raise CannotSee(name=app.target(reference).name)
        if prompt is not None or json or not sys.stdin.isatty():
            question = sys.stdin.read() if prompt in (None, "-") else prompt
            reply = _answer(app, [*said, Message("user", str(question).strip(), pictures=pictures)], options, quiet=json)
            if json:
                terminal.show_json({**asdict(reply), "load_s": loaded.load_s})
            return
        terminal.say(f"{app.target(reference).name}. Ctrl-C stops an answer, Ctrl-D ends the talk.")
        while (question := terminal.read_line()) is not None:
            if not question.strip():
                continue
            said.append(Message("user", question, pictures=pictures))
            try:
                said.append(Message("assistant", _answer(app, said, options, quiet=False).text))
                pictures = ()
            except KeyboardInterrupt:
                terminal.say(" (stopped)")
                said.pop()
            except EngineCrashed as error:  # the next question starts it again
                terminal.complain(f"\n{error}")
                said.pop()


def _picture(path: Path) -> bytes:
    """A picture's file, made ready. Raises NotFound, NotAPicture."""
    try:
        return picture.prepared(path.read_bytes(), str(path))
    except OSError as error:
        raise NotFound(what=f"file {path}", host="This computer") from error


def _answer(app: App, said: list[Message], options: ChatOptions, *, quiet: bool) -> Reply:
    """Stream one answer to the terminal; thoughts are shown dimly."""

    def seen(item: Reading | Piece) -> None:
        if isinstance(item, Piece) and not quiet:
            terminal.show_piece(item.text, thinking=item.thinking)

    reply = finish(app.engine.chat(said, options), seen)
    if not quiet:
        terminal.say("")
    return reply
