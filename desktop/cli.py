"""The command line: a door of its own, one function a command. `--json` prints one object with stable keys.

Exit status: 0 done, 1 a stated error (one sentence on stderr), 2 wrong usage, 130 stopped by Ctrl-C.
"""

import json
import shutil
import sys
import time
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, replace
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from desktop import __version__, fit, speed, text
from desktop.app import App
from desktop.engine import ChatOptions, Message, Piece, Reading, Reply
from desktop.errors import AlcoveError, BadReference
from desktop.hardware import Hardware, Memory, sentence
from desktop.licences import Ruling
from desktop.network import proxy_for
from desktop.offers import Offer

Result = TypeVar("Result")
Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
Home = Annotated[Path | None, typer.Option("--home", help="The folder for every file that Alcove writes.", envvar="ALCOVE_HOME")]
Reference = Annotated[
    str, typer.Argument(metavar="MODEL", help="qwen3-8b, qwen3-8b:Q5_K_M, hf:OWNER/REPO/FILE.gguf, a path, or guide.")
]

VERDICT_WORDS = {
    "runs_well": "runs well",
    "runs_slowly": "runs, slowly",
    "close_apps": "runs if you close other apps",
    "too_big": "too big",
}
ANSWER_WORDS = {"yes": "yes", "if": "yes, if …", "no": "no", "unknown": "not known"}

out = Console(highlight=False)
err = Console(stderr=True, highlight=False)
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
            out.print(f"alcove {__version__}")
        elif context.invoked_subcommand is None:
            raise typer.Exit(open_window(home))
        elif home is not None:
            context.obj = home

    try:
        return int(commands(arguments, standalone_mode=False) or 0)
    except KeyboardInterrupt:
        return 130
    except typer.Abort:
        return 130
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
            _print_json({"error": {"kind": error.kind, "message": str(error), **error.facts}})
        err.print(str(error), soft_wrap=True, markup=False)
        raise typer.Exit(1) from None


def _print_json(content: dict[str, Any]) -> None:
    print(json.dumps(content, ensure_ascii=False, indent=2, default=str), flush=True)


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
        free_bytes = shutil.disk_usage(folder).free
        problems = app.problems(found)
        if json:
            engine = {k: getattr(found.engine, k) for k in ("name", "version", "backends", "gpu_offload")}
            _print_json(
                {
                    "memory": asdict(found.memory),
                    "cpu": asdict(found.cpu),
                    "gpus": [asdict(g) for g in found.gpus],
                    "engine": engine,
                    "disk": {"models_dir": str(folder), "free_bytes": free_bytes},
                    "network": {"offline": app.network.offline, "proxy": proxy_for(app.hub.endpoint), "hub": app.hub.endpoint},
                    "problems": problems,
                }
            )
            return
        out.print(f"[bold]{sentence(found)}[/]")
        rows = [
            ("Memory", f"{text.size(found.memory.available_bytes)} of {text.size(found.memory.total_bytes)} free now"),
            ("Processor", f"{found.cpu.name}, {found.cpu.physical_cores} cores ({' '.join(found.cpu.features)})"),
            *((("Graphics"), f"{g.name}: {g.why}") for g in found.gpus),
            ("Engine", f"{found.engine.name} {found.engine.version} ({', '.join(found.engine.backends) or 'no backend'})"),
            ("Models", f"{folder}, {text.size(free_bytes)} free"),
            (
                "Network",
                "offline by your choice" if app.network.offline else f"{app.hub.endpoint}, only when you ask for a model",
            ),
        ]
        table = Table(box=None, show_header=False, pad_edge=False)
        for row in rows:
            table.add_row(f"[dim]{row[0]}[/]", row[1])
        out.print(table)
        for problem in problems:
            out.print(f"[yellow]![/] {problem['what']} {problem['fix']}")
        if not problems:
            out.print("[green]✓[/] Nothing is wrong.")


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
            _print_json({"offers": [_offer_json(o) for o in shown]})
            return
        table = Table(box=None, pad_edge=False, header_style="dim")
        for head in ("", "Model", "Download", "Memory", "Verdict", "Words/s", "Licence"):
            table.add_column(
                head, justify="right" if head in ("Download", "Memory", "Words/s") else "left", no_wrap=head == "Model"
            )
        for o in sorted(shown, key=lambda o: o.role is None)[: None if everything else 15]:
            words = f"{o.tokens_per_s * text.WORDS_PER_TOKEN:.0f}"
            table.add_row(
                o.role or "",
                o.id,
                text.size(o.size_bytes),
                text.size(o.fit.total_bytes),
                VERDICT_WORDS[o.verdict],
                words,
                o.ruling.name,
            )
        out.print(table)
        out.print(f"[dim]Get one with: alcove get {shown[0].id if shown else 'MODEL'}[/]")


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
            _print_json({**asdict(judged), **read})
            return
        out.print(f"[bold]{target.name}[/]: {VERDICT_WORDS[judged.verdict]}. {judged.why}", soft_wrap=True)
        for name, amount in (
            ("Model", judged.weights_bytes),
            ("Conversation memory", judged.kv_bytes),
            ("Workspace", judged.compute_bytes),
            ("Together", judged.total_bytes),
            ("Free now", judged.free_bytes),
        ):
            out.print(f"  {name:<20} {text.size(amount):>8}")
        if judged.tokens_per_s:
            out.print(f"  {'Writes':<20} {text.about_words_per_second(judged.tokens_per_s)}")
        for step in judged.help:
            out.print(f"  → {step}", soft_wrap=True)


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
            _print_json({"models": models})
            return
        for repo in found:
            gate = " · needs an access token" if repo.gated else ""
            out.print(f"[bold]{repo.id}[/] · {repo.licence_tag or 'licence not stated'} · {repo.downloads:,} downloads{gate}")
            for file in repo.files:
                out.print(f"  {text.size(file.size_bytes):>8}  hf:{repo.id}/{file.name}", soft_wrap=True)
        if not found:
            out.print("No models found. Try fewer or other words.")


@commands.command()
def get(
    reference: Reference,
    progress: Annotated[Literal["auto", "json", "none"], typer.Option(help="json: a line per half second on stderr.")] = "auto",
    json: Json = False,
    home: Home = None,
) -> None:
    """Download a model, verify it, keep it. Ctrl-C keeps the part; the same command goes on from there."""
    with opened(home, json) as app, _progress(progress) as show:
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
        _print_json({**facts, "fetched_bytes": fetched_bytes, "resumed_bytes": resumed_bytes, "took_s": took_s})
    else:
        checked = "checked against the Hub's hash" if model.sha256 else "opened from where it is"
        out.print(f"{model.name} is here ({text.size(model.size_bytes)}, {checked}): alcove chat {model.id}", soft_wrap=True)


@contextmanager
def _progress(kind: str) -> Iterator[Callable[[Any], None]]:
    """How a download is shown: a bar on a terminal, a JSON line per half second, or nothing."""
    if kind == "json":
        last_s = 0.0

        def line(step: Any) -> None:
            nonlocal last_s
            if time.monotonic() - last_s >= 0.5 or step.done_bytes == step.size_bytes:
                last_s = time.monotonic()
                facts = {"done_bytes": step.done_bytes, "size_bytes": step.size_bytes, "bytes_per_s": step.bytes_per_s}
                print(json.dumps(facts), file=sys.stderr, flush=True)

        yield line
    elif kind == "auto" and err.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        with Progress(*columns, console=err, transient=True) as bar:
            task = bar.add_task("Getting", total=None)
            words = {"ask": "Asking", "check": "Checking", "download": "Getting"}
            yield lambda s: bar.update(
                task, completed=s.done_bytes, total=s.size_bytes or None, description=words.get(s.stage, "Getting")
            )
    else:
        yield lambda step: None


@commands.command("list")
def list_command(json: Json = False, home: Home = None) -> None:
    """Models on this computer."""
    with opened(home, json) as app:
        keys = ("id", "size_bytes", "origin", "licence", "sha256", "last_used", "complete")
        models = [{k: getattr(m, k) for k in keys} | {"path": str(m.path)} for m in app.library.list()]
        for model, local in zip(models, app.library.list(), strict=True):
            model["licence"] = app.ruling(app.target(local.id)).licence if local.complete else local.licence
        if json:
            _print_json({"models": models})
            return
        table = Table(box=None, pad_edge=False, header_style="dim")
        for head in ("Model", "Size", "Licence", "Origin", "Last used"):
            table.add_column(head, justify="right" if head == "Size" else "left", overflow="fold")
        for m in models:
            name = m["id"] if m["complete"] else f"{m['id']} (unfinished)"
            table.add_row(name, text.size(m["size_bytes"]), m["licence"] or "", m["origin"], (m["last_used"] or "never")[:10])
        out.print(table)


@commands.command()
def remove(model: Annotated[str, typer.Argument(help="An id from: alcove list")], json: Json = False, home: Home = None) -> None:
    """Delete a model that Alcove downloaded; only forget one that lies elsewhere."""
    with opened(home, json) as app:
        local = app.library.get(model) or app.target(model).local
        if local is None:
            raise BadReference(reference=model)
        freed_bytes = app.library.remove(local.id)
        if json:
            _print_json({"freed_bytes": freed_bytes})
        else:
            out.print(
                f"{local.name} is gone; {text.size(freed_bytes)} are free again."
                if freed_bytes
                else f"{local.name} is forgotten."
            )


@commands.command()
def licence(reference: Reference, json: Json = False, home: Home = None) -> None:
    """What the licence of a model lets you do; the id of a licence works too."""
    with opened(home, json) as app:
        ruling = app.licence(reference)
        if json:
            _print_json(ruling.to_json())
        else:
            _print_ruling(ruling)


def _print_ruling(ruling: Ruling) -> None:
    steps = {
        "conditions": "open weights, with conditions",
        "free": "open weights, free",
        "full": "fully open: weights, data, code and recipe",
    }
    out.print(f"[bold]{ruling.name}[/] · {steps.get(ruling.openness, 'not known')}")
    if ruling.conflict:
        out.print(f"[yellow]![/] {ruling.conflict}", soft_wrap=True)
    questions = ("May I use it at work?", "May I change it and pass it on?", "Can anyone check how it was made?")
    for question, answer in zip(questions, (ruling.commercial, ruling.share, ruling.audit), strict=True):
        out.print(f"  {question:<34} [bold]{ANSWER_WORDS[answer.answer]}[/]")
        out.print(f"    [dim]{answer.because}[/]", soft_wrap=True)
    for duty in ruling.duties:
        out.print(f"  ☐ {duty.text}", soft_wrap=True)
    for source in ruling.sources:
        out.print(f"  [dim]{source.from_}: {source.says}[/]", soft_wrap=True)
    if ruling.url:
        out.print(f"  {ruling.url}", soft_wrap=True)
    out.print("[dim]As far as we know; this is not legal advice.[/]")


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
                _print_json({**asdict(reply), "load_s": loaded.load_s})
            return
        out.print(f"[dim]{app.target(reference).name}. Ctrl-C stops an answer, Ctrl-D ends the talk.[/]")
        while (question := _read_question()) is not None:
            if not question.strip():
                continue
            said.append(Message("user", question))
            try:
                said.append(Message("assistant", _answer(app, said, options, quiet=False).text))
            except KeyboardInterrupt:
                out.print("[dim] (stopped)[/]")
                said.pop()


def _read_question() -> str | None:
    with suppress(ImportError):
        import readline  # noqa: F401  (gives input() a history and line editing where the system has it)
    try:
        return input("\n› ")
    except (EOFError, KeyboardInterrupt):
        print()
        return None


def _answer(app: App, said: list[Message], options: ChatOptions, *, quiet: bool) -> Reply:
    """Stream one answer to the terminal; thoughts are shown dimly."""

    def seen(item: Reading | Piece) -> None:
        if isinstance(item, Piece) and not quiet:
            out.print(item.text, end="", markup=False, style="dim" if item.thinking else None, soft_wrap=True)

    reply = finish(app.engine.chat(said, options), seen)
    if not quiet:
        out.print()
    return reply
