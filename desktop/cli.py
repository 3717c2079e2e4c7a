"""The command line: a door of its own, one function a command. `--json` prints one object with stable keys.

Exit status: 0 done, 1 a stated error (one sentence on stderr), 2 wrong usage, 130 stopped by Ctrl-C.
"""

import errno
import os
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import typer

from desktop import __version__, fit, speed, terminal, text
from desktop.address import proxy_for, without_password
from desktop.app import App
from desktop.engine import ChatOptions, Message, Piece, Reading, Reply
from desktop.errors import AlcoveError, BadReference, EngineCrashed
from desktop.hardware import Hardware, Memory
from desktop.library import LocalModel
from desktop.offers import Offer

Result = TypeVar("Result")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Home = Annotated[Path | None, typer.Option("--home", help="The folder for every file that Alcove writes.", envvar="ALCOVE_HOME")]
Reference = Annotated[
    str, typer.Argument(metavar="MODEL", help="qwen3-8b, qwen3-8b:Q5_K_M, hf:OWNER/REPO/FILE.gguf, a path, or guide.")
]

commands = typer.Typer(
    name="alcove",
    help="A private AI chat on your own computer. Without a command, the window opens.",
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def run(arguments: list[str], open_window: Callable[[Path | None], int]) -> int:
    """Carry out a command line; `open_window(home)` is called when it names no command. Returns the exit status."""

    @commands.callback(invoke_without_command=True)
    def window(
        context: typer.Context,
        home: Home = None,
        version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
    ) -> None:
        if version:
            terminal.say(f"alcove {__version__}")
        elif context.invoked_subcommand is None:
            raise typer.Exit(open_window(home))
        elif home is not None:
            os.environ["ALCOVE_HOME"] = str(home)  # given before the command, it holds for the command

    try:
        status = int(commands(arguments, standalone_mode=False) or 0)
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


@contextmanager
def opened(home: Path | None, as_json: bool) -> Iterator[App]:
    """An App for one command; a stated error ends the command with exit 1, its sentence and, with --json, its object."""
    try:
        app = App.open(home)
        try:
            yield app
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


# --- this computer ------------------------------------------------------------------------------------------------------------


@commands.command()
def doctor(json: Json = False, home: Home = None) -> None:
    """What this computer has, what the engine can use, and what is wrong."""
    with opened(home, json) as app:
        found = app.hardware()
        folder = app.library.folder
        free_bytes = app.library.free_bytes()
        problems = app.problems(found)
        proxy = proxy_for(app.hub.endpoint)
        if json:
            engine = {k: getattr(found.engine, k) for k in ("name", "version", "backends", "gpu_offload")}
            terminal.show_json(
                {
                    "memory": asdict(found.memory),
                    "cpu": asdict(found.cpu),
                    "gpus": [asdict(g) for g in found.gpus],
                    "engine": engine,
                    "disk": {"models_dir": str(folder), "free_bytes": free_bytes},
                    "network": {
                        "offline": app.network.offline,
                        "proxy": without_password(proxy) if proxy else None,
                        "hub": app.hub.endpoint,
                    },
                    "problems": problems,
                }
            )
            return
        network = "offline by your choice" if app.network.offline else f"{app.hub.endpoint}, only when you ask for a model"
        others = (("Models", f"{folder}, {text.size(free_bytes)} free"), ("Network", network))
        terminal.show_computer(found, others, problems)


@commands.command()
def suggest(
    json: Json = False,
    home: Home = None,
    everything: Annotated[bool, typer.Option("--all", help="Also models that do not fit.")] = False,
    context: Annotated[int | None, typer.Option(help="Tokens of conversation memory.", min=256)] = None,
) -> None:
    """Models for this computer, best first; three of them carry a role."""
    with opened(home, json) as app:
        ranked = app.offers(app.hardware(), context)
        shown = [o for o in ranked if everything or o.verdict != "too_big"]
        if json:
            terminal.show_json({"offers": [_offer_json(o) for o in shown]})
        else:
            terminal.show_offers(shown, everything=everything)


def _offer_json(o: Offer) -> dict[str, Any]:
    return {
        "id": o.id,
        "model": o.model.name,
        "variant": o.variant.quantization,
        "reference": o.reference,
        "size_bytes": o.size_bytes,
        "total_bytes": o.fit.total_bytes,
        "context": o.fit.context,
        "verdict": o.verdict,
        "tokens_per_s": o.tokens_per_s,
        "licence": o.ruling.licence,
        "openness": o.ruling.openness,
        "role": o.role,
        "why": o.why,
    }


@commands.command("fit")
def fit_command(
    reference: Reference,
    context: Annotated[int | None, typer.Option(help="Tokens of conversation memory.", min=256)] = None,
    kv_type: Annotated[Literal["f16", "q8_0", "q4_0"], typer.Option(help="How conversation memory is stored.")] = "f16",
    gpu_layers: Annotated[int | None, typer.Option(help="Layers on the graphics card; default: as many as fit.", min=0)] = None,
    assume_ram: Annotated[
        int | None, typer.Option(help="Judge for a computer with this much free memory, in bytes.", min=1)
    ] = None,
    assume_vram: Annotated[
        int | None, typer.Option(help="Judge for a graphics card with this much free memory, in bytes.", min=0)
    ] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Will it run here, how, and how fast."""
    with opened(home, json) as app:
        started_s = time.monotonic()
        target = app.target(reference)
        header = app.header(target)
        found = assumed(app.hardware(), assume_ram, assume_vram)
        judged = fit.fit(app.shape(target, header), found, app.rates, context=context, kv_type=kv_type, gpu_layers=gpu_layers)
        if json:
            read = {"header_bytes_read": header.data_offset if header else 0, "took_s": time.monotonic() - started_s}
            terminal.show_json({**asdict(judged), **read})
        else:
            terminal.show_fit(target.name, judged)


def assumed(found: Hardware, ram_bytes: int | None, vram_bytes: int | None) -> Hardware:
    """This computer with another amount of free memory, for questions about other computers."""
    if ram_bytes is not None:
        found = replace(found, memory=Memory(ram_bytes, ram_bytes, found.memory.limited_by))
    if vram_bytes is not None:
        found = replace(found, gpus=speed.assume_gpu(found, vram_bytes))
    return found


# --- models -------------------------------------------------------------------------------------------------------------------


@commands.command()
def search(
    words: Annotated[list[str], typer.Argument(help="Words of the model's name.")],
    limit: Annotated[int, typer.Option(help="Repositories at most.", min=1, max=100)] = 10,
    json: Json = False,
    home: Home = None,
) -> None:
    """Models on the Hub that this engine can read (GGUF files)."""
    with opened(home, json) as app:
        found = list(app.hub.search(" ".join(words), limit))
        if json:
            keys = ("name", "size_bytes", "quantization")
            models = [
                {
                    "repo": repo.id,
                    "files": [{k: getattr(f, k) for k in keys} for f in repo.files],
                    "licence": repo.licence_tag,
                    "gated": repo.gated,
                    "downloads": repo.downloads,
                    "updated": repo.updated,
                }
                for repo in found
            ]
            terminal.show_json({"models": models})
        else:
            terminal.show_repos(found)


@commands.command()
def get(
    reference: Reference,
    progress: Annotated[Literal["auto", "json", "none"], typer.Option(help="json: a line per half second on stderr.")] = "auto",
    json: Json = False,
    home: Home = None,
) -> None:
    """Download a model, verify it, keep it. Ctrl-C keeps the part; the same command goes on from there."""
    with opened(home, json) as app, terminal.progress(progress) as show:
        started_s = time.monotonic()
        resumed_bytes = done_bytes = 0

        def seen(step: Any) -> None:
            nonlocal resumed_bytes, done_bytes
            resumed_bytes, done_bytes = max(resumed_bytes, step.resumed_bytes), step.done_bytes
            show(step)

        model = finish(app.get(reference), seen)
        took_s = time.monotonic() - started_s
        fetched_bytes = max(0, done_bytes - resumed_bytes)
    if json:
        facts = {"path": str(model.path), "sha256": model.sha256, "size_bytes": model.size_bytes}
        terminal.show_json({**facts, "fetched_bytes": fetched_bytes, "resumed_bytes": resumed_bytes, "took_s": took_s})
    else:
        checked = "checked against the Hub's hash" if model.sha256 else "opened from where it is"
        terminal.say(f"{model.name} is here ({text.size(model.size_bytes)}, {checked}): alcove chat {model.id}")


@commands.command("list")
def list_command(json: Json = False, home: Home = None) -> None:
    """Models on this computer."""
    with opened(home, json) as app:
        keys = ("id", "size_bytes", "origin", "sha256", "last_used", "complete")
        models = [(m, _licence_of(app, m)) for m in app.library.list()]
        if json:
            rows = [{k: getattr(m, k) for k in keys} | {"path": str(m.path), "licence": licence} for m, licence in models]
            terminal.show_json({"models": rows})
        else:
            terminal.show_library(models)


def _licence_of(app: App, model: LocalModel) -> str | None:
    """What decides for a model that is here; for an unfinished or broken one, what its page said."""
    try:
        return app.ruling(app.target(model.id)).licence if model.complete else model.licence
    except AlcoveError:
        return model.licence


@commands.command()
def remove(model: Annotated[str, typer.Argument(help="An id from: alcove list")], json: Json = False, home: Home = None) -> None:
    """Delete a model that Alcove downloaded; only forget one that lies elsewhere."""
    with opened(home, json) as app:
        local = app.library.get(model) or app.target(model).local
        if local is None:
            raise BadReference(reference=model)
        freed_bytes = app.library.remove(local.id)
        if json:
            terminal.show_json({"freed_bytes": freed_bytes})
        elif freed_bytes:
            terminal.say(f"{local.name} is gone; {text.size(freed_bytes)} are free again.")
        else:
            terminal.say(f"{local.name} is forgotten; its file stays where it is.")


@commands.command()
def licence(reference: Reference, json: Json = False, home: Home = None) -> None:
    """What the licence of a model lets you do; the id of a licence works too."""
    with opened(home, json) as app:
        ruling = app.licence(reference)
        if json:
            terminal.show_json(ruling.to_json())
        else:
            terminal.show_ruling(ruling)


# --- chat ---------------------------------------------------------------------------------------------------------------------


@commands.command()
def chat(
    reference: Reference,
    prompt: Annotated[str | None, typer.Option("--prompt", "-p", help="One question, one answer; - reads it from stdin.")] = None,
    system: Annotated[str, typer.Option(help="What the model should know before the talk.")] = "",
    max_tokens: Annotated[int, typer.Option(min=1)] = 2048,
    temperature: Annotated[float | None, typer.Option(min=0.0, max=5.0)] = None,
    seed: Annotated[int | None, typer.Option(min=0)] = None,
    context: Annotated[int | None, typer.Option(help="Tokens of conversation memory.", min=256)] = None,
    threads: Annotated[int | None, typer.Option(min=1)] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Talk with a model on this computer. What is said here is not stored."""
    options = ChatOptions(max_tokens=max_tokens, temperature=temperature, seed=seed)
    said = [Message("system", system)] if system else []
    with opened(home, json) as app:
        loaded = finish(app.open_model(reference, context=context, threads=threads))
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
                said.append(Message("assistant", _answer(app, said, options, quiet=False).text))
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
