"""The commands about the models that are here: adopt, verify, remove, restore, move."""

from pathlib import Path
from typing import Annotated

import typer

from desktop import adopting, keeping, terminal, text, trash
from desktop.adopting import Skipped
from desktop.cli.command import Home, Json, commands, finish, opened
from desktop.cli.command import folder as named
from desktop.errors import BadReference

Id = Annotated[str, typer.Argument(metavar="MODEL", help="An id from: alcove list")]


@commands.command()
def adopt(
    paths: Annotated[list[Path] | None, typer.Argument(metavar="[PATH]...", help="Files or folders; none: other apps'.")] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Use models of LM Studio, Ollama, Jan, GPT4All, llama.cpp and the Hugging Face cache, or your own files, where they lie."""
    with opened(home, json) as app:
        with terminal.steps() as show:
            found = finish(
                adopting.plan(app.library, paths or ()),
                lambda step: show(f"Looking at {step.path.name if step.path else 'folders'}", 0.0),
            )
        done = list(adopting.adopt(app.library, found.candidates))
        adopted = [model for model in done if not isinstance(model, Skipped)]
        skipped = [*found.skipped, *(each for each in done if isinstance(each, Skipped))]
        if json:
            models = [{"id": m.id, "path": str(m.path), "origin": m.program or m.origin} for m in adopted]
            others = [{"path": str(each.path), "why": each.why} for each in skipped]
            terminal.show_json({"adopted": models, "skipped": others})
            return
        for model in adopted:
            refused = app.rights.refusal(app.targets.of(model.id))
            said = f"is seen where it lies, and may not be used. {refused}" if refused else "is used where it lies."
            terminal.say(f"{model.id} ({model.program or 'your file'}, {text.size(model.size_bytes)}) {said}")
        for each in skipped:
            terminal.say(f"Not taken: {each.path}: {each.why}")
        if not done and not skipped:
            terminal.say("No models of other programs were found. Name a folder to look into: alcove adopt FOLDER")


@commands.command()
def verify(
    models: Annotated[list[str] | None, typer.Argument(metavar="[MODEL]...", help="Ids from: alcove list; none: all.")] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """Read models again and compare their hashes with what is noted of them; exit status 1 when one is damaged."""
    with opened(home, json) as app, terminal.progress("auto") as show:
        found = finish(keeping.verify(app.library, models or ()), show)
    if json:
        rows = [{"id": each.id, "ok": each.ok, "why": f"{each.why} {each.step}".strip()} for each in found]
        terminal.show_json({"verified": rows})
    else:
        for each in found:
            terminal.say(f"{'✓' if each.ok else '✗'} {each.id}: {each.why} {each.step}".rstrip())
    if not all(each.ok for each in found):
        raise typer.Exit(1)


@commands.command()
def move(
    folder: Annotated[Path, typer.Argument(parser=named, metavar="FOLDER", help="Where models are kept from now on.")],
    json: Json = False,
    home: Home = None,
) -> None:
    """Move all models to another folder or disk; the same command goes on with a move that was broken off."""
    with opened(home, json) as app, terminal.progress("auto") as show:
        before_bytes = app.library.free_bytes()
        moved = finish(app.move_models(folder), show)
        where, after_bytes = app.library.folder, app.library.free_bytes()
    if json:
        facts = {"files": moved.files, "size_bytes": moved.size_bytes}
        terminal.show_json({"path": str(where), **facts, "free_bytes_before": before_bytes, "free_bytes_after": after_bytes})
    else:
        terminal.say(f"Your models ({text.size(moved.size_bytes)}) are in {where} now, with {text.size(after_bytes)} still free.")


@commands.command()
def remove(
    model: Id,
    now: Annotated[bool, typer.Option("--now", help="Delete it at once; it cannot be restored then.")] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Put a model into the trash, from where it can be restored for a week; only forget one that lies elsewhere."""
    with opened(home, json) as app:
        local = app.library.get(model) or app.targets.of(model).local
        if local is None:
            raise BadReference(reference=model)
        before_bytes = app.library.free_bytes()
        freed_bytes = app.library.remove(local.id, now=now)
        after_bytes = app.library.free_bytes()
        if json:
            facts = {"free_bytes_before": before_bytes, "free_bytes_after": after_bytes}
            terminal.show_json({"freed_bytes": freed_bytes, "in_trash": not now, **facts})
        elif not freed_bytes:
            terminal.say(f"{local.name} is forgotten; its file stays where it is.")
        elif now:
            free = f"{text.size(after_bytes)} are free now, {text.size(before_bytes)} were before"
            terminal.say(f"{local.name} is gone: {text.size(freed_bytes)} less; {free}.")
        else:
            words = f"Its {text.size(freed_bytes)} are freed in {trash.DAYS} days, or when a download needs the room"
            terminal.say(f"{local.name} is in the trash. {words}; {text.size(after_bytes)} are free now.")
            terminal.say(f"Take it back with: alcove restore {local.id}")


@commands.command()
def restore(
    model: Annotated[str, typer.Argument(metavar="MODEL", help="The id that it had.")], json: Json = False, home: Home = None
) -> None:
    """Take a model back that was removed in the last week."""
    with opened(home, json) as app:
        local = app.library.restore(model)
        if json:
            terminal.show_json({"id": local.id, "path": str(local.path), "size_bytes": local.size_bytes})
        else:
            terminal.say(f"{local.name} is back: alcove chat {local.id}")
