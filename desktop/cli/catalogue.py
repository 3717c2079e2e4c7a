"""The commands about the list of models: catalogue show, update, sign."""

from pathlib import Path
from typing import Annotated

import typer

from desktop import editions, terminal
from desktop.cli.command import Group, Home, Json, commands, finish, opened

group = typer.Typer(
    cls=Group,
    help="The list of models that Alcove knows well: what is in use, a newer one, signing one.",
    no_args_is_help=True,
)
commands.add_typer(group, name="catalogue")
CatalogueFile = Annotated[Path, typer.Argument(metavar="FILE", help="A catalogue.json.", exists=True, dir_okay=False)]


@group.command()
def show(json: Json = False, home: Home = None) -> None:
    """Which list is in use, and which ones are not and why."""
    with opened(home, json) as app:
        used, refused = app.catalogue, [str(error) for error in app.edition.refused]
        if json:
            terminal.show_json({"date": used.date, "models": len(used.models), "refused": refused})
            return
        terminal.say(f"{len(used.models)} models, as of {used.date}.")
        for sentence in refused:
            terminal.say(sentence)


@group.command()
def update(json: Json = False, home: Home = None) -> None:
    """Get a newer list from the mirror that is set, if it is signed with a key of the setting catalogue_keys."""
    with opened(home, json) as app:
        before = {model.id for model in app.catalogue.models}
        found = finish(app.update_catalogue())
        new = [model.id for model in found.models if model.id not in before]
        if json:
            terminal.show_json({"date": found.date, "models": len(found.models), "new": new})
        else:
            terminal.say(f"The list of {found.date} is in use from now on: {len(found.models)} models, {len(new)} of them new.")


@group.command()
def sign(
    file: CatalogueFile,
    key: Annotated[Path, typer.Option(metavar="KEYFILE", help="The secret key; it is made when there is none.")],
    json: Json = False,
    home: Home = None,
) -> None:
    """Sign a list of models, for IT: put it and its .sig on a mirror or in a folder, and the public key in catalogue_keys."""
    with opened(home, json):
        public = editions.sign(file, key)
        signature = file.with_name(editions.SIGNATURE)
        if json:
            terminal.show_json({"path": str(signature), "public_key": public})
        else:
            terminal.say(f"The signature is in {signature}. The public key, for catalogue_keys in the settings: {public}")
