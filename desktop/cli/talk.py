"""The command that talks with a model in the terminal."""

import sys
from dataclasses import asdict, replace
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Literal

import typer

from desktop import picture, room, terminal
from desktop.app import App
from desktop.cli.command import Context, Home, Json, Reference, Threads, commands, finish, opened
from desktop.engine import ChatOptions, Message, Piece, Reading, Reply
from desktop.errors import CannotSee, ContextFull, EngineCrashed, Forbidden, NoSummary, NotFound
from desktop.room import Summarising

WhenFull = Literal["ask", "summarise", "forget", "stop"]
FULL = "The conversation memory is full, so the answer stops here."
LONG = "The answer has reached its greatest length (--max-tokens)."
QUESTION = "[s]ummarise the older part, [f]orget the oldest part, or s[t]op?"
CHOICES: dict[str, WhenFull] = {"s": "summarise", "f": "forget", "t": "stop"}


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
    image: Annotated[
        list[Path] | None, typer.Option(metavar="FILE", help="A picture for the first question; repeatable.")
    ] = None,
    thinking: Annotated[Thinking | None, typer.Option(help="Think before each answer, where the model has the choice.")] = None,
    when_full: Annotated[WhenFull, typer.Option(help="What to do when the talk becomes too long for the model.")] = "ask",
    context: Context = None,
    threads: Threads = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Talk with a model on this computer. What is said here is not stored."""
    thinks = None if thinking is None else thinking is Thinking.on
    options = ChatOptions(max_tokens=max_tokens, temperature=temperature, seed=seed, thinking=thinks)
    with opened(home, json) as app:
        if image and not app.policy.allows("pictures"):
            raise Forbidden(what="Showing pictures to a model", rule="your organisation has turned this off")
        pictures = tuple(_picture(path) for path in image or ())
        if "when_full" in app.policy.locks:
            when_full = app.settings.when_full
        loaded = finish(app.running.open(reference, context=context, threads=threads))
        if pictures and not loaded.sees:
            raise CannotSee(name=app.targets.of(reference).name)
        for notice in loaded.notices:
            terminal.complain(notice)
        talk = _Talk(app, options, system, when_full, pictures)
        if prompt is not None or json or not sys.stdin.isatty():
            question = sys.stdin.read() if prompt in (None, "-") else prompt
            reply = talk.once(str(question).strip(), quiet=json)
            if json:
                full = reply.finish == "full"
                told = replace(reply, finish="length") if full else reply
                terminal.show_json({**asdict(told), "memory_full": full, "load_s": loaded.load_s})
            elif reply.finish in ("full", "length"):
                terminal.complain(FULL if reply.finish == "full" else LONG)
            return
        terminal.say(f"{app.targets.of(reference).name}. Ctrl-C stops an answer, Ctrl-D ends the talk.")
        while (question := terminal.read_line()) is not None:
            talk.ask(question)


class _Talk:
    """What was said so far, and what is done when it becomes too long."""

    def __init__(
        self, app: App, options: ChatOptions, system: str, when_full: WhenFull, pictures: tuple[bytes, ...] = ()
    ) -> None:
        self._pictures = pictures  # of the first question
        self._engine, self._options, self._when_full = app.engine, options, when_full
        self._head = [Message("system", system)] if system else []
        self._said: list[Message] = []
        self._unfinished = False

    def once(self, question: str, *, quiet: bool) -> Reply:
        """One answer. Raises what the engine raises."""
        self._said.append(Message("user", question, pictures=self._pictures))
        return self._stream(quiet=quiet)

    def ask(self, question: str) -> None:
        """Answer a question, or go on with the last answer where nothing was asked; what goes wrong is told."""
        if question.strip():
            self._said.append(Message("user", question, pictures=self._pictures))
        elif not self._unfinished:
            return
        try:
            self._answer()
        except KeyboardInterrupt:
            terminal.say(" (stopped)")
        except (EngineCrashed, ContextFull, NoSummary) as error:  # the next question starts the engine again
            terminal.complain(f"\n{error}")
        if self._said[-1].role == "user":  # it was not answered
            self._said.pop()
        else:
            self._pictures = ()

    def _answer(self) -> None:
        """Write until it ends by itself, making room as often as that is needed and wanted. Raises ContextFull."""
        while True:
            try:
                reply = self._stream()
            except ContextFull:
                if self._when_full == "ask":
                    terminal.say("The conversation has become too long for the model.")
                if not self._make_room():
                    raise
                continue
            self._keep(reply)
            self._unfinished = reply.finish in ("full", "length")
            if reply.finish == "length":
                terminal.say(f"{LONG} An empty line lets it go on.")
            if reply.finish != "full":
                return
            terminal.say(FULL)
            if not self._make_room():
                return

    def _keep(self, reply: Reply) -> None:
        begun = self._said.pop() if self._said[-1].role == "assistant" else Message("assistant", "")
        if begun.text + reply.text:
            self._said.append(replace(begun, text=begun.text + reply.text, thinking=begun.thinking + reply.thinking))

    def _make_room(self) -> bool:
        """Let the model read less; False when that is not wanted, or not possible. Raises LastTooLong, NoSummary."""
        how = terminal.read_choice(QUESTION, CHOICES) if self._when_full == "ask" else self._when_full
        if how == "ask" or how == "stop":
            return False
        said = [*self._head, *self._said]
        with terminal.steps() as show:

            def seen(item: Reading | Summarising) -> None:
                if isinstance(item, Summarising):
                    show("Summarising", item.fraction)

            shortened = finish(room.shorten(said, self._engine, self._options, how), seen)
        if shortened.first == len(self._head):
            return False
        self._said = room.with_summary(said[shortened.first :], shortened.summary)
        what = f"a summary of the older part: {shortened.summary}" if shortened.summary else "the newer part only."
        terminal.say(f"From now on the model reads {what}")
        return True

    def _stream(self, *, quiet: bool = False) -> Reply:
        """Stream one answer to the terminal; thoughts are shown dimly."""

        def seen(item: Reading | Piece) -> None:
            if isinstance(item, Piece) and not quiet:
                terminal.show_piece(item.text, thinking=item.thinking)

        reply = finish(self._engine.chat([*self._head, *self._said], self._options), seen)
        if not quiet:
            terminal.say("")
        return reply


def _picture(path: Path) -> bytes:
    """A picture's file, made ready. Raises NotFound, NotAPicture."""
    try:
        return picture.prepared(path.read_bytes(), str(path))
    except OSError as error:
        raise NotFound(what=f"file {path}", host="This computer") from error
