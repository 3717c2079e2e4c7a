"""How things look in a terminal: tables, a progress bar, streamed text. In a pipe everything is plain lines."""

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from typing import Any, TypeVar

from rich.console import Console, JustifyMethod
from rich.markup import escape
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn
from rich.table import Table

from desktop import text
from desktop.engine import Benched
from desktop.fit import Fit
from desktop.hardware import Hardware, sentence
from desktop.library import LocalModel
from desktop.licences import Ruling
from desktop.offers import Offer
from desktop.repo import Repo
from desktop.speed import Rates

VERDICT_WORDS = {
    "runs_well": "runs well",
    "runs_slowly": "runs, slowly",
    "close_apps": "runs if you close other apps",
    "too_big": "too big",
}
SHORT_VERDICTS = {"runs_well": "well", "runs_slowly": "slowly", "close_apps": "alone", "too_big": "no"}
ANSWER_WORDS = {"yes": "yes", "if": "yes, if …", "no": "no", "unknown": "not known"}
OPENNESS_WORDS = {
    "conditions": "open weights, with conditions",
    "free": "open weights, free",
    "full": "fully open: weights, data, code and recipe",
    "unknown": "nobody has stated a licence that Alcove knows",
}
STAGE_WORDS = {
    "ask": "Asking",
    "check": "Checking what is here",
    "download": "Getting",
    "mend": "Getting a damaged piece again",
    "wait": "Waiting for the next try",
    "verify": "Checking",
    "move": "Moving",
    "copy": "Copying",
}
METHOD_WORDS = {
    "engine": "The engine's own figures for this file.",
    "formula": "Calculated; the engine was not asked.",
}
LOAD_WORDS = {"read": "read into memory", "mmap": "mapped from the disk"}
USUAL_ROWS = 15  # of the suggestions, unless all are wanted

Choice = TypeVar("Choice")

PIPE_COLUMNS = 1000  # in a pipe, no line is wrapped or cut

out = Console(highlight=False)
if not out.is_terminal:
    out.width = PIPE_COLUMNS
err = Console(stderr=True, highlight=False)


def say(line: str) -> None:
    """One plain line, not cut."""
    out.print(line, soft_wrap=True, markup=False)


def complain(line: str) -> None:
    """One plain line on stderr, not cut."""
    err.print(line, soft_wrap=True, markup=False)


def write(content: bytes) -> None:
    """Text in UTF-8 that is meant for a file or another program, exactly as it is."""
    sys.stdout.flush()
    sys.stdout.buffer.write(content)
    sys.stdout.flush()


def show_json(content: dict[str, Any]) -> None:
    """One JSON object."""
    print(json.dumps(content, ensure_ascii=False, indent=2, default=str), flush=True)


def show_computer(found: Hardware, others: Sequence[tuple[str, str]], problems: Sequence[dict[str, str]]) -> None:
    """What this computer has, with other facts as rows, and what is wrong."""
    memory, cpu, engine = found.memory, found.cpu, found.engine
    table = Table(box=None, show_header=False, pad_edge=False)
    for name, value in (
        ("Memory", f"{text.size(memory.available_bytes)} of {text.size(memory.total_bytes)} free now"),
        ("Processor", f"{cpu.name}, {cpu.physical_cores} cores ({' '.join(cpu.features)})"),
        *(("Graphics", f"{gpu.name}: {gpu.why}") for gpu in found.gpus),
        ("Engine", f"{engine.name} {engine.version} ({', '.join(engine.backends) or 'no backend'})"),
        *others,
    ):
        table.add_row(f"[dim]{name}[/]", escape(value))
    out.print(f"[bold]{escape(sentence(found))}[/]")
    out.print(table)
    for problem in problems:
        out.print(f"[yellow]![/] {escape(problem['what'])} {escape(problem['fix'])}", soft_wrap=True)
    if not problems:
        out.print("[green]✓[/] Nothing is wrong.")


def show_offers(offers: Sequence[Offer], *, everything: bool) -> None:
    """A table of offers, those with a role first, from quick to best."""
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0), header_style="dim")
    for head in ("", "Model", "Size", "Memory", "Words/s", "Runs", "Licence"):
        justify: JustifyMethod = "right" if head in ("Size", "Memory", "Words/s") else "left"
        table.add_column(head, justify=justify, no_wrap=head != "Licence", overflow="fold")
    order = ("quick", "balanced", "best", None)
    for o in sorted(offers, key=lambda o: order.index(o.role))[: None if everything else USUAL_ROWS]:
        words = f"{o.tokens_per_s * text.WORDS_PER_TOKEN:.0f}"
        sizes = (text.size(o.size_bytes), text.size(o.fit.total_bytes))
        table.add_row(
            o.role or "", o.id, *sizes, words, "not allowed" if o.refused else SHORT_VERDICTS[o.verdict], o.ruling.licence
        )
    out.print(table)
    for o in sorted((o for o in offers if o.role), key=lambda o: order.index(o.role)):
        out.print(f"[bold]{o.role:<8}[/] {escape(o.why)}", soft_wrap=True)
    for why in dict.fromkeys(o.refused for o in offers if o.refused):
        out.print(f"[dim]not allowed: {escape(why)}[/]", soft_wrap=True)
    if offers and not offers[0].refused:
        out.print(f"[dim]Get one with: alcove get {next((o.id for o in offers if o.role == 'balanced'), offers[0].id)}[/]")


def show_fit(name: str, judged: Fit, note: str) -> None:
    """A verdict with what each device would hold, how it would be opened, and what would help."""
    out.print(f"[bold]{escape(name)}[/]: {VERDICT_WORDS[judged.verdict]}. {escape(judged.why)}", soft_wrap=True)
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for head in ("", "Model", "Conversation memory", "Workspace", "Engine", "Together", "Free now"):
        table.add_column(head, justify="right" if head else "left", no_wrap=True)
    for use in judged.devices:
        engine = use.process_bytes + use.projector_bytes
        parts = (use.weights_bytes, use.kv_bytes, use.compute_bytes, engine, use.total_bytes, use.free_bytes)
        name = "Main memory" if use is judged.devices[0] else use.name
        table.add_row(escape(name), *(text.size(part) for part in parts))
    out.print(table)
    for what, said in (
        ("Plan", _plan_words(judged)),
        ("Speed", _speed_words(judged)),
        ("Source", note or METHOD_WORDS[judged.method]),
    ):
        if said:
            out.print(f"[dim]{what:<7}[/] {escape(said)}", soft_wrap=True)
    for step in judged.help:
        say(f"  → {step}")


def _plan_words(judged: Fit) -> str:
    plan = judged.plan
    words = round(plan.context * text.WORDS_PER_TOKEN, -2)
    parts = [f"{plan.context:,} tokens of conversation, about {words:,.0f} words"]
    if plan.kv_type != "f16":
        parts.append(f"kept in a smaller form ({plan.kv_type})")
    if plan.gpu_layers:
        cards = ", ".join(use.name for use in judged.devices[1:])
        parts.append(f"{'all' if plan.gpu_layers >= judged.layers else plan.gpu_layers} of {judged.layers} layers on {cards}")
    parts.append(LOAD_WORDS[plan.load_mode])
    return "; ".join([*parts, f"{'1 thread' if plan.threads == 1 else f'up to {plan.threads} threads'}."])


def _speed_words(judged: Fit) -> str:
    if not judged.tokens_per_s:
        return ""
    writes = text.about_pace(judged.tokens_per_s, judged.tokens_per_s_low, judged.tokens_per_s_high)
    reads = f", reads {text.about_words_per_second(judged.prompt_tokens_per_s)}" if judged.prompt_tokens_per_s else ""
    return f"Writes {writes}{reads}."


def show_bench(name: str, benched: Benched, predicted: Fit, predicted_tokens_per_s: float) -> None:
    """What was measured beside what was predicted."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for head in ("", "Measured", "Predicted", "Difference"):
        table.add_column(head, justify="right" if head else "left")
    rates = (
        ("Writes", benched.tokens_per_s, predicted_tokens_per_s),
        ("Reads", benched.prompt_tokens_per_s, predicted.prompt_tokens_per_s),
    )
    for what, measured, told in rates:
        table.add_row(what, f"{measured:.1f} tokens/s", f"{told:.1f} tokens/s", f"{percent(told, measured):+.0f} %")
    memory, told = benched.peak_bytes, predicted.main_bytes
    table.add_row(
        "Main memory" if predicted.gpu_layers else "Memory", text.size(memory), text.size(told), f"{percent(told, memory):+.1f} %"
    )
    out.print(f"[bold]{escape(name)}[/], threads: {benched.threads}", soft_wrap=True)
    out.print(table)
    say(f"A question of 512 tokens is read in {benched.first_token_s:.1f} s.")


def percent(told: float, measured: float) -> float:
    """By how many per cent a prediction was too high; 0 where nothing was measured."""
    return 100 * (told / measured - 1) if measured else 0.0


def rates_words(rates: Rates) -> str:
    """How fast this computer is, and how and since when that is known."""
    if not rates.memory_bytes_per_s:
        return "not measured; estimated from the names of the parts"
    card = f", {text.rate(rates.gpu_bytes_per_s)} on graphics cards" if rates.gpu_bytes_per_s else ""
    when = (
        f", measured on {datetime.fromisoformat(rates.measured_at).astimezone():%d.%m.%Y at %H:%M}" if rates.measured_at else ""
    )
    corrected = ", corrected by real answers" if rates.measured or rates.gpu_learned else ""
    return f"{text.rate(rates.memory_bytes_per_s)} of weights on the processor{card}{when}{corrected}"


def confined_words(confined: Sequence[str]) -> str:
    """What keeps a model file that takes over the engine from everything else."""
    if {"landlock", "seccomp"} <= set(confined):
        return "the engine can read the open model but nothing else of yours, has no network, and starts no programs"
    if "seccomp" in confined:
        return "the engine has no network and starts no programs; this system cannot keep your files from it"
    if "landlock" in confined:
        return "the engine can read the open model but nothing else of yours; this system keeps only parts of the network from it"
    return "the engine does without network and programs; this system would not stop a model file that takes it over"


FITS_WORDS = {"fits": "should fit", "light": "fits in a lighter size", "tight": "may just fit", "too_big": "too big"}


def show_repos(found: Sequence[tuple[Repo, str]], refused: Mapping[str, str]) -> None:
    """Repositories of the Hub with the references of their files, and whether they should fit here and are allowed."""
    for repo, guess in found:
        gate = " · needs an access token" if repo.gated else ""
        fits = f" · {FITS_WORDS[guess]}" if guess in FITS_WORDS else ""
        facts = f"{fits} · {repo.licence_tag or 'licence not stated'} · {repo.downloads:,} downloads · {repo.updated[:10]}{gate}"
        out.print(f"[bold]{escape(repo.id)}[/]{escape(facts)}")
        if why := refused.get(repo.id):
            say(f"  Not allowed here. {why}")
            continue
        for file in repo.files:
            say(f"  {text.size(file.size_bytes):>8}  hf:{repo.id}/{file.name}")
    if not found:
        say("No models found. Try fewer or other words.")


def show_library(models: Sequence[tuple[LocalModel, str | None]]) -> None:
    """The models on this computer, each with the id of its licence."""
    table = Table(box=None, pad_edge=False, header_style="dim")
    for head in ("Model", "Size", "Licence", "Origin", "Last used"):
        table.add_column(head, justify="right" if head == "Size" else "left", overflow="fold")
    for model, licence in models:
        name = model.id if model.complete else f"{model.id} ({'its file is gone' if model.missing else 'unfinished'})"
        used = (model.last_used or "never")[:10]
        table.add_row(escape(name), text.size(model.size_bytes), licence or "", model.program or model.origin, used)
    out.print(table)


def show_ruling(ruling: Ruling) -> None:
    """What a licence allows, with duties and who says so."""
    out.print(f"[bold]{escape(ruling.name)}[/] · {OPENNESS_WORDS[ruling.openness]}", soft_wrap=True)
    for warning in filter(None, (ruling.conflict, ruling.gap)):
        out.print(f"[yellow]![/] {escape(warning)}", soft_wrap=True)
    questions = ("May I use it at work?", "May I change it and pass it on?", "Can anyone check how it was made?")
    for question, answer in zip(questions, (ruling.commercial, ruling.share, ruling.audit), strict=True):
        out.print(f"  {question:<34} [bold]{ANSWER_WORDS[answer.answer]}[/]")
        out.print(f"    [dim]{escape(answer.because)}[/]", soft_wrap=True)
    for duty in ruling.duties:
        say(f"  ☐ {duty.text}")
        if duty.copy and duty.copy not in duty.text:
            say(f"    “{duty.copy}”")
    for restriction in ruling.restrictions:
        say(f"  ✗ {restriction}")
    for source in ruling.sources:
        out.print(f"  [dim]{escape(source.from_)}: {escape(source.says)}[/]", soft_wrap=True)
    if ruling.url:
        say(f"  {ruling.url}")
    out.print("[dim]As far as we know; this is not legal advice.[/]")


def show_piece(piece: str, *, thinking: bool) -> None:
    """The next part of an answer; thoughts are dim."""
    out.print(piece, end="", markup=False, style="dim" if thinking else None, soft_wrap=True)


@contextmanager
def progress(kind: str) -> Iterator[Callable[[Any], None]]:
    """How a download is shown: "json" lines on stderr, "auto" a bar on a terminal, else nothing; takes transfer.Progress."""
    if kind == "json":
        yield _JsonLines()
    elif kind == "auto" and err.is_terminal:
        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
        with Progress(*columns, console=err, transient=True) as bar:
            task = bar.add_task(STAGE_WORDS["ask"], total=None)
            yield lambda step: bar.update(
                task, completed=step.done_bytes, total=step.size_bytes or None, description=STAGE_WORDS[step.stage]
            )
    else:
        yield lambda step: None


@contextmanager
def steps() -> Iterator[Callable[[str, float], None]]:
    """A bar on a terminal for what takes a while: takes what is going on and how far it is, from 0 to 1."""
    if not err.is_terminal:
        yield lambda words, fraction: None
        return
    with Progress(TextColumn("{task.description}"), BarColumn(), console=err, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda words, fraction: bar.update(task, completed=fraction, description=words)


class _JsonLines:
    """A line per half second, and one at the end."""

    def __init__(self) -> None:
        self._told_s = 0.0

    def __call__(self, step: Any) -> None:
        if time.monotonic() - self._told_s >= 0.5 or step.done_bytes == step.size_bytes:
            self._told_s = time.monotonic()
            facts = {"done_bytes": step.done_bytes, "size_bytes": step.size_bytes, "bytes_per_s": step.bytes_per_s}
            print(json.dumps(facts), file=sys.stderr, flush=True)


def read_choice(question: str, choices: Mapping[str, Choice]) -> Choice:
    """What the person chose by its letter; the last choice at the end of the input."""
    while True:
        try:
            typed = input(f"{question} ").strip().lower()[:1]
        except EOFError:
            print()
            return list(choices.values())[-1]
        if typed in choices:
            return choices[typed]


def can_ask() -> bool:
    """Whether somebody sits there who can be asked."""
    return bool(sys.stdin and sys.stdin.isatty() and err.is_terminal)


def read_line() -> str | None:
    """A question from the keyboard; None at its end. Ctrl-C ends the command, as anywhere else."""
    with suppress(ImportError):
        import readline  # noqa: F401  (gives input() a history and line editing where the system has it)
    try:
        return input("\n› ")
    except EOFError:
        print()
        return None
    except KeyboardInterrupt:
        print()
        raise
