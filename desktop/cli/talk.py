"""The command that talks with a model in the terminal."""

import sys
from dataclasses import asdict
from enum import StrEnum
from typing import Annotated

import typer

from desktop import terminal
from desktop.app import App
from desktop.cli.command import Context, Home, Json, Reference, Threads, commands, finish, opened
from desktop.engine import ChatOptions, Message, Piece, Reading, Reply
from desktop.errors import EngineCrashed


class Thinking(StrEnum):
    """Whether a model thinks before it answers."""

    on = "on"
    off = "off"


@commands.command()
def chat(
    reference: Reference,
    prompt: Annotated[str | None, typer.Option("--prompt", "-p", help="One question, one answer; - reads it from stdin.")] = None,
    system: Annotated[str, typer.Option(help="What the model should know before the talk.")] = "",
    max_tokens: Annotated[int, typer.Option(min=1)] = 2048,
    temperature: Annotated[float | None, typer.Option(min=0.0, max=5.0)] = None,
    seed: Annotated[int | None, typer.Option(min=0)] = None,
    thinking: Annotated[Thinking | None, typer.Option(help="Think before each answer, where the model has the choice.")] = None,
    context: Context = None,
    threads: Threads = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Talk with a model on this computer. What is said here is not stored."""
    thinks = None if thinking is None else thinking is Thinking.on
    options = ChatOptions(max_tokens=max_tokens, temperature=temperature, seed=seed, thinking=thinks)
    said = [Message("system", system)] if system else []
    with opened(home, json) as app:
        loaded = finish(app.open_model(reference, context=context, threads=threads))
        for notice in loaded.notices:
            terminal.complain(notice)
        if prompt is not None or json or not sys.stdin.isatty():
            question = sys.stdin.read() if prompt in (None, "-") else prompt
            reply = _answer(app, [*said, Message("user", str(question).strip())], options, quiet=json)
            if json:
                terminal.show_json({**asdict(reply), "load_s": loaded.load_s})
            return
        terminal.say(f"{app.target(reference).name}. Ctrl-C stops an answer, Ctrl-D ends the talk.")
        while (question := terminal.read_line()) is not None:
            if not question.strip():
                continue
            said.append(Message("user", question))
            try:
                reply = _answer(app, said, options, quiet=False)
                said.append(Message("assistant", reply.text, reply.thinking))
            except KeyboardInterrupt:
                terminal.say(" (stopped)")
                said.pop()
            except EngineCrashed as error:  # the next question starts it again
                terminal.complain(f"\n{error}")
                said.pop()


def _answer(app: App, said: list[Message], options: ChatOptions, *, quiet: bool) -> Reply:
    """Stream one answer to the terminal; thoughts are shown dimly."""

    def seen(item: Reading | Piece) -> None:
        if isinstance(item, Piece) and not quiet:
            terminal.show_piece(item.text, thinking=item.thinking)

    reply = finish(app.engine.chat(said, options), seen)
    if not quiet:
        terminal.say("")
    return reply
