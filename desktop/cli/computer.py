"""The commands about this computer and what runs on it: suggest, fit, bench."""

from dataclasses import asdict
from typing import Annotated, Any, Literal

import typer

from desktop import offers, terminal
from desktop.app import App
from desktop.cli.assumed import Cores, CpuName, GpuName, Ram, Vram, assumed
from desktop.cli.command import Context, Home, Json, Reference, Threads, commands, finish, opened
from desktop.cli.doctor import measured
from desktop.engine import BenchStep
from desktop.judging import BenchReport, Judgement
from desktop.offers import Offer, Wanted
from desktop.projector import workspace_bytes

Goal = Annotated[
    Literal["speed", "quality", "long"] | None,
    typer.Option(help="What matters most: speed, the quality of answers, or long conversations."),
]
KvType = Annotated[
    Literal["f16", "q8_0", "q4_0"] | None, typer.Option(help="How conversation memory is stored; default: what suits the goal.")
]
STAGE_WORDS = {"header": "Reading the file's header", "engine": "Asking the engine"}
GpuLayers = Annotated[int | None, typer.Option(help="Layers on the graphics card; default: as many as fit.", min=0)]


@commands.command()
def suggest(
    everything: Annotated[bool, typer.Option("--all", help="Also models that do not fit.")] = False,
    language: Annotated[list[str] | None, typer.Option(help="Only models that know it: German, or de. May be repeated.")] = None,
    task: Annotated[Literal["chat", "code", "pictures", "thinking"] | None, typer.Option(help="Only models for this.")] = None,
    goal: Goal = None,
    context: Context = None,
    ram: Ram = None,
    vram: Vram = None,
    gpu: GpuName = None,
    cpu: CpuName = None,
    cores: Cores = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Models for this computer, or for an assumed one, best first; three of them carry a role."""
    wanted = Wanted(tuple(_language(each) for each in language or ()), task, goal)
    with opened(home, json) as app:
        found, rates = assumed(app.computer.hardware(), app.computer.rates, ram=ram, vram=vram, gpu=gpu, cpu=cpu, cores=cores)
        ranked = app.suggestions.offers(found, context, wanted, rates)
        shown = [o for o in ranked if everything or o.verdict != "too_big"]
        if json:
            terminal.show_json({"offers": [_offer_json(o) for o in shown]})
        else:
            terminal.show_offers(shown, everything=everything)
            if rates.memory_bytes_per_s == 0:
                terminal.say("The speeds are estimated from the names of the parts; alcove doctor measures this computer's.")


def _language(words: str) -> str:
    """A language as the catalogue calls it; those that it does not name are left to models of very many."""
    if len(words) <= 3 and words.lower() not in offers.LANGUAGES:
        raise typer.BadParameter(f"“{words}” is not known as a language; its English name will do.")
    return offers.LANGUAGES.get(words.lower(), words.capitalize())


def _offer_json(o: Offer) -> dict[str, Any]:
    return {
        "id": o.id,
        "model": o.model.name,
        "variant": o.variant.quantization,
        "reference": o.reference,
        "size_bytes": o.size_bytes,
        "total_bytes": o.fit.total_bytes,
        "context": o.fit.context,
        "gpu_layers": o.fit.gpu_layers,
        "verdict": o.verdict,
        "tokens_per_s": o.tokens_per_s,
        "tokens_per_s_low": o.fit.tokens_per_s_low,
        "tokens_per_s_high": o.fit.tokens_per_s_high,
        "usual_tokens_per_s": o.usual.tokens_per_s,
        "licence": o.ruling.licence,
        "openness": o.ruling.openness,
        "allowed": not o.refused,
        "role": o.role,
        "why": o.why,
    }


@commands.command("fit")
def fit_command(
    reference: Reference,
    goal: Goal = None,
    context: Context = None,
    kv_type: KvType = None,
    gpu_layers: GpuLayers = None,
    projector: Annotated[
        str | None, typer.Option(metavar="FILE", help="The projector that goes with it, to count it in.")
    ] = None,
    ram: Ram = None,
    vram: Vram = None,
    gpu: GpuName = None,
    cpu: CpuName = None,
    cores: Cores = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Will it run here, how, and how fast: asked of the engine, from the file's header alone."""
    with opened(home, json) as app:
        found, rates = assumed(app.computer.hardware(), app.computer.rates, ram=ram, vram=vram, gpu=gpu, cpu=cpu, cores=cores)
        work = app.estimates.judge(
            reference,
            context=context,
            kv_type=kv_type,
            gpu_layers=gpu_layers,
            goal=goal,
            hardware=found,
            rates=rates,
            projector_bytes=_projector_bytes(app, projector) if projector else 0,
        )
        with terminal.steps() as show:
            judged = finish(work, lambda step: show(STAGE_WORDS[step.stage], step.fraction))
        if json:
            facts = {k: getattr(judged, k) for k in ("took_s", "source", "note")}
            terminal.show_json({**asdict(judged.fit), "header_bytes_read": _bytes_read(app, reference, judged), **facts})
        else:
            terminal.show_fit(app.targets.of(reference).name, judged.fit, judged.note)


def _bytes_read(app: App, reference: str, judged: Judgement) -> int:
    """What was read of the header: over the network, or from the file."""
    header = app.estimates.header(app.targets.of(reference)) if judged.source == "file" else None  # which is remembered
    return header.data_offset if header else judged.header_bytes_read


def _projector_bytes(app: App, reference: str) -> int:
    """What the part of a model that sees pictures takes."""
    header = app.estimates.header(app.targets.of(reference))
    if header is None or header.kind != "projector":
        raise typer.BadParameter(f"“{reference}” is no projector; its name usually begins with mmproj.")
    return header.weights_bytes + workspace_bytes(header)


@commands.command()
def bench(
    reference: Reference,
    context: Context = None,
    threads: Threads = None,
    kv_type: KvType = None,
    gpu_layers: GpuLayers = None,
    load_mode: Annotated[
        Literal["read", "mmap"] | None,
        typer.Option(help="Read into memory, or mapped from the disk; default: as the plan has it."),
    ] = None,
    depth: Annotated[int, typer.Option(help="Tokens of conversation that come before.", min=0)] = 0,
    json: Json = False,
    home: Home = None,
) -> None:
    """Measure this computer with a model that is on it, beside what was predicted."""
    with opened(home, json) as app:
        measured(app)
        with terminal.steps() as show:
            work = app.running.bench(
                reference,
                context=context,
                kv_type=kv_type,
                gpu_layers=gpu_layers,
                load_mode=load_mode,
                threads=threads,
                depth=depth,
            )
            report = finish(
                work, lambda step: show("Measuring" if isinstance(step, BenchStep) else "Opening the model", step.fraction)
            )
        if json:
            terminal.show_json(_bench_json(report, app.computer.accuracy))
        else:
            terminal.show_bench(app.targets.of(reference).name, report.benched, report.fit, report.predicted_tokens_per_s)
            terminal.say(f"Opened in {report.load_s:.1f} s. {app.computer.accuracy}")


def _bench_json(report: BenchReport, accuracy: str) -> dict[str, Any]:
    benched, predicted = report.benched, report.fit
    return {
        "load_s": report.load_s,
        "prompt_tokens_per_s": benched.prompt_tokens_per_s,
        "tokens_per_s": benched.tokens_per_s,
        "first_token_s": benched.first_token_s,
        "threads": benched.threads,
        "peak_memory_bytes": benched.peak_bytes,
        "predicted": {
            "tokens_per_s": report.predicted_tokens_per_s,
            "prompt_tokens_per_s": predicted.prompt_tokens_per_s,
            "total_bytes": predicted.total_bytes,
        },
        "errors_percent": {
            "tokens_per_s": terminal.percent(report.predicted_tokens_per_s, benched.tokens_per_s),
            "prompt_tokens_per_s": terminal.percent(predicted.prompt_tokens_per_s, benched.prompt_tokens_per_s),
            "total_bytes": terminal.percent(predicted.main_bytes, benched.peak_bytes),  # no process tells what it has on a card
        },
        "plan": asdict(predicted.plan),
        "accuracy": accuracy,
    }
