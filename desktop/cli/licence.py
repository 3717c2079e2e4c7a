"""The command about licences: what one lets you do, and the register of all that are here."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from desktop import comparison, register, terminal
from desktop.acceptance import asking
from desktop.app import App
from desktop.cli import comparing
from desktop.cli.command import Home, Json, Reference, commands, finish, opened
from desktop.licences import Ruling
from desktop.replacing import save

REGISTER = "register"
Form = Literal["csv", "json"]


@commands.command()
def licence(
    reference: Reference,
    compare: Annotated[str | None, typer.Option(metavar="OTHER", help="Another model or licence, to put beside it.")] = None,
    form: Annotated[Form | None, typer.Option("--format", help="Of the register: for spreadsheets, or for programs.")] = None,
    output: Annotated[Path | None, typer.Option(metavar="FILE", help="Where the register is written; default: here.")] = None,
    json: Json = False,
    home: Home = None,
) -> None:
    """What the licence of a model lets you do; the id of a licence works too. "register" lists the licences of all models here,
    who accepted them and when."""
    if reference != REGISTER and (form or output):
        raise typer.BadParameter("--format and --output are for: alcove licence register")
    with opened(home, json) as app:
        if reference == REGISTER:
            _register(app, form or ("json" if json else "csv"), output)
        elif compare is not None:
            found = comparison.compare(app.rights.licence(reference), app.rights.licence(compare))
            terminal.show_json(found.to_json()) if json else comparing.show(found, (reference, compare))
        else:
            _tell(app, reference, as_json=json)


def _tell(app: App, reference: str, *, as_json: bool) -> None:
    ruling = app.rights.licence(reference)
    texts, accepted, said = _texts(app, ruling), _accepted(app, ruling), _organisation(app, ruling)
    if as_json:
        text_path = next((each["path"] for each in texts), None)
        more = {"accepted": accepted, "organisation": said, "texts": texts, "text_path": text_path}
        terminal.show_json(ruling.to_json() | more)
        return
    terminal.show_ruling(ruling)
    for each in texts:
        terminal.say(f"  The text: {each['path']}")
    for line in accepted or ():
        read = "" if line["text_sha256"] else "; no text was read"
        terminal.say(f"  {line['name']}: accepted on {str(line['at'])[:10]} by {line['user']}{read}")
    if said:
        terminal.say(f"  Your organisation {said['decision']} this licence: “{said['text']}”")


def _texts(app: App, ruling: Ruling) -> list[dict[str, str]]:
    """The texts of a model's licences that are here."""
    here = [app.texts.of(licence) for licence in ruling.licences]
    return [{"licence": each.id, "path": str(each.path), "sha256": each.sha256} for each in here if each]


def _organisation(app: App, ruling: Ruling) -> dict[str, str | None] | None:
    """The organisation's own word on a licence; None where it said nothing."""
    said = app.policy.verdict_on(ruling)
    return {"decision": said.decision, "text": said.text, "by": said.by, "date": said.date} if said else None


def _accepted(app: App, ruling: Ruling) -> list[dict[str, object]] | None:
    """Who accepted the licence as it is now; None where it asks nothing."""
    if not asking(ruling):
        return None
    return [register.to_json(each) for each in app.consent.acceptances.of(ruling, app.texts)]


def _register(app: App, form: Form, output: Path | None) -> None:
    with terminal.steps() as show:
        rows = finish(app.rights.register(), lambda row: show(row.model.id, 0.0))
    content = register.as_csv(rows) if form == "csv" else register.as_json(rows)
    if output is None:
        terminal.write(content)
        return
    save(output, content)
    terminal.complain(f"{output} lists {'1 model' if len(rows) == 1 else f'{len(rows)} models'}.")
