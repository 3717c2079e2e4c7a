"""The commands about bundles: create, verify, install. A bundle carries models to computers without a network, or is a mirror."""

from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

import typer

from desktop import bundle, register, terminal, text
from desktop.cli.command import Group, Home, Json, commands, finish, opened
from desktop.cli.command import folder as named
from desktop.mirror import Model

Folder = Annotated[Path, typer.Argument(parser=named, metavar="FOLDER", help="The folder of the bundle.")]

bundles = typer.Typer(cls=Group, help="Carry models to computers without a network; a web server makes the same folder a mirror.")
commands.add_typer(bundles, name="bundle")


@bundles.command()
def create(
    folder: Folder,
    models: Annotated[list[str], typer.Argument(metavar="MODEL...", help="Model references; what is not here is fetched.")],
    licence_checked: Annotated[
        bool, typer.Option("--licence-checked", help="You have read a licence that Alcove does not know; that is noted.")
    ] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Write models with their hashes and licences into a folder; what it has already is not copied again.

    What a licence asks for goes along, and what may not be passed on is refused.
    """
    with opened(home, json) as app, terminal.progress("auto") as show:
        made = finish(app.sending.create(folder, models, licence_checked=licence_checked), show)
        sha256 = bundle.digest_of(folder)
    if json:
        terminal.show_json({"path": str(folder), "models": _rows(made.models), "sha256": sha256})
    else:
        size = text.size(sum(model.size_bytes for model in made.models))
        count = "1 model" if len(made.models) == 1 else f"{len(made.models)} models"
        terminal.say(f"{folder} holds {count} ({size}). The SHA-256 of their list is {sha256}.")
        terminal.say(f"Take them in on another computer with: alcove bundle install {folder}")


@bundles.command()
def verify(folder: Folder, json: Json = False, home: Home = None) -> None:
    """Read every file of a bundle and compare it with the list; exit status 1 when one is not what it says."""
    with opened(home, json), terminal.progress("auto") as show:
        checked = finish(bundle.verify(folder), show)
        sha256 = bundle.digest_of(folder)
    if json:
        rows = [
            row | {"ok": each.ok, "why": each.why} for each, row in zip(checked, _rows(c.model for c in checked), strict=True)
        ]
        terminal.show_json({"path": str(folder), "models": rows, "sha256": sha256})
    else:
        for each in checked:
            terminal.say(f"{'✓' if each.ok else '✗'} {each.model.reference}: {each.why}")
    if not all(each.ok for each in checked):
        raise typer.Exit(1)


@bundles.command()
def install(
    folder: Folder,
    in_place: Annotated[bool, typer.Option("--in-place", help="Use the files where they are, and copy nothing.")] = False,
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Accept the licences that whoever made it has not; that is recorded.")
    ] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Take the models of a bundle in, from a USB stick or a share, without a network."""
    with opened(home, json) as app, terminal.progress("auto") as show:
        taken, accepted = finish(app.receiving.install(folder, in_place=in_place, accept=accept_licence), show)
        sha256 = bundle.digest_of(folder)
    if json:
        rows = [{"id": m.id, "path": str(m.path), "size_bytes": m.size_bytes, "sha256": m.sha256} for m in taken]
        who = [register.to_json(each) for each in accepted]
        terminal.show_json({"path": str(folder), "models": rows, "sha256": sha256, "accepted": who})
    else:
        for each in accepted:
            terminal.say(f"{each.name}: accepted on {each.at[:10]} by {each.user}{', who made the bundle' * bool(each.through)}.")
        for model in taken:
            terminal.say(f"{model.name} is here ({text.size(model.size_bytes)}): alcove chat {model.id}")


def _rows(models: Iterable[Model]) -> list[dict[str, Any]]:
    return [
        {
            "reference": model.reference,
            "repo": model.repo,
            "size_bytes": model.size_bytes,
            "licence": model.licence_id,
            "licence_checked": model.licence_checked or None,
            "files": [{"path": e.path, "size_bytes": e.size_bytes, "sha256": e.sha256} for e in model.files],
        }
        for model in models
    ]
