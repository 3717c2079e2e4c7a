"""The commands about models: search, get, list, licence."""

import time
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import Annotated, Any, Literal

import typer

from desktop import rulings, terminal, text
from desktop import search as finder
from desktop.app import App
from desktop.cli import comparing
from desktop.cli.agreeing import agree
from desktop.cli.command import Home, Json, Reference, commands, finish, opened
from desktop.errors import AlcoveError, NotFound, UnknownArchitecture
from desktop.library import LocalModel
from desktop.need import Room
from desktop.repo import Repo
from desktop.versions import Change

JUDGE_S = 10.0  # before a download; a slow network is not kept busy with a second opinion for longer


@commands.command()
def search(
    words: Annotated[list[str], typer.Argument(help="Words of the model's name.")],
    limit: Annotated[int, typer.Option(help="Repositories at most.", min=1, max=100)] = 10,
    sort: Annotated[Literal["fit", "downloads", "date"], typer.Option(help="What comes first.")] = "fit",
    json: Json = False,
    home: Home = None,
) -> None:
    """Models on the Hub that this engine can read (GGUF files)."""
    with opened(home, json) as app:
        found = finish(app.search.find(text.valid(" ".join(words)), limit, "date" if sort == "date" else "downloads"))
        free_bytes = Room.of(app.computer.hardware(), {}).free_bytes
        repos = found.repos if sort != "fit" else finder.by_fit(found.repos, free_bytes)
        whole = list(_with_sizes(app, repos))
        guesses = [finder.judge(repo, free_bytes) for repo in whole]
        if json:
            facts = {"searched": found.asked_at.isoformat(timespec="seconds"), "more": found.more}
            models = [_found(app, repo, guess) for repo, guess in zip(whole, guesses, strict=True)]
            terminal.show_json({"models": models, **facts})
        else:
            refused = {repo.id: _refusal(app, repo) for repo in whole}
            terminal.show_repos(list(zip(whole, guesses, strict=True)), refused)
            if found.old:
                terminal.complain(f"{app.hub.host} cannot be asked now; this was found on {found.asked_at:%Y-%m-%d}.")


def _with_sizes(app: App, repos: Iterable[Repo]) -> Iterator[Repo]:
    """The same, asked one by one."""
    for repo in repos:
        with suppress(NotFound):  # removed between the two questions
            yield finish(app.search.repo(repo.id))


def _refusal(app: App, repo: Repo) -> str:
    """Why the organisation does not allow it, "" where it does."""
    return app.rights.refusal_of_repo(repo, app.licences.rule(rulings.of_repo(repo)))


def _found(app: App, repo: Repo, guess: str) -> dict[str, Any]:
    keys = ("name", "size_bytes", "quantization")
    return {
        "repo": repo.id,
        "files": [{k: getattr(f, k) for k in keys} for f in repo.files],
        "licence": repo.licence_tag,
        "gated": repo.gated,
        "downloads": repo.downloads,
        "updated": repo.updated,
        "fits": guess,
        "refusal": _refusal(app, repo) or None,
    }


@commands.command()
def get(
    reference: Reference,
    progress: Annotated[Literal["auto", "json", "none"], typer.Option(help="json: a line per half second on stderr.")] = "auto",
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="Accept the model's licence, which you have read; that is recorded.")
    ] = False,
    json: Json = False,
    home: Home = None,
) -> None:
    """Download a model, verify it, keep it. Ctrl-C keeps the part; the same command goes on from there."""
    with opened(home, json) as app:
        agree(app, reference, accept=accept_licence, may_ask=not json and progress != "json")
        _get(app, reference, progress, as_json=json)


def _get(app: App, reference: str, progress: Literal["auto", "json", "none"], *, as_json: bool) -> None:
    with terminal.progress(progress) as show:
        warning = _warning(app, reference)
        if warning and progress != "json":  # there, every line is an object
            terminal.complain(warning)
        changed = _changed(app, reference)
        if changed and progress != "json":
            terminal.complain(comparing.changed_words(changed))
        started_s = time.monotonic()
        resumed_bytes = done_bytes = 0

        def seen(step: Any) -> None:
            nonlocal resumed_bytes, done_bytes
            resumed_bytes, done_bytes = max(resumed_bytes, step.resumed_bytes), step.done_bytes
            show(step)

        model = finish(app.getting.get(reference), seen)
        took_s = time.monotonic() - started_s
        fetched_bytes = max(0, done_bytes - resumed_bytes)
    if as_json:
        facts = {"path": str(model.path), "sha256": model.sha256, "size_bytes": model.size_bytes}
        terminal.show_json(
            {**facts, "fetched_bytes": fetched_bytes, "resumed_bytes": resumed_bytes, "took_s": took_s, "warning": warning}
            | {"licence_change": comparing.changed_json(changed) if changed else None}
        )
    else:
        came = "checked against its hash" if model.sha256 else "as it came"
        how = came if fetched_bytes or resumed_bytes else "already"
        terminal.say(f"{model.name} is here ({text.size(model.size_bytes)}, {how}): alcove chat {model.id}")


def _changed(app: App, reference: str) -> Change | None:
    """What changes where another version of the model is here that came under another licence."""
    try:
        return finish(app.rights.licence_change(reference))
    except AlcoveError:  # the download has its own words for it
        return None


def _warning(app: App, reference: str) -> str:
    """Why a model that is not here yet would not run here as things are, by its header; empty where nothing speaks against it."""
    if app.targets.of(reference).path is not None:
        return ""
    give_up_at_s = time.monotonic() + JUDGE_S

    def in_time(_: object) -> None:
        if time.monotonic() > give_up_at_s:
            raise TimeoutError

    try:
        judged = finish(app.estimates.judge(reference), in_time).fit
    except UnknownArchitecture as error:
        return str(error)
    except (AlcoveError, TimeoutError):  # the download has its own words for it
        return ""
    return f"{judged.why} What would help: alcove fit {reference}" if judged.verdict in ("close_apps", "too_big") else ""


@commands.command("list")
def list_command(json: Json = False, home: Home = None) -> None:
    """Models on this computer."""
    with opened(home, json) as app:
        keys = ("id", "size_bytes", "sha256", "last_used", "complete", "repo")
        models = [(m, _licence_of(app, m)) for m in app.library.list()]
        if json:
            rows = [
                {k: getattr(m, k) for k in keys}
                | {"path": str(m.path), "origin": m.program or m.origin, "licence": licence, "files": [str(f) for f in m.files]}
                | {"allowed": not app.rights.denies(m)}
                for m, licence in models
            ]
            terminal.show_json({"models": rows})
        else:
            terminal.show_library(models)


def _licence_of(app: App, model: LocalModel) -> str | None:
    """What decides for a model that is here; for an unfinished or broken one, what its page said."""
    try:
        return app.rights.ruling(app.targets.of(model.id)).licence if model.complete else model.licence
    except AlcoveError:
        return model.licence
