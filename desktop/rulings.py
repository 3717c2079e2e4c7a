"""What the licence of one model allows, from all that is known of it on this computer: catalogue, cards, and its own file."""

from dataclasses import replace
from pathlib import Path

from desktop import card, gguf
from desktop.card import Card
from desktop.catalogue import Catalogue
from desktop.licences import GUIDE as GUIDE_EVIDENCE
from desktop.licences import Evidence, Licences, Ruling, copied_from, repo_name
from desktop.local import LocalModel
from desktop.paths import GUIDE
from desktop.repo import Repo
from desktop.targets import Target


def of(target: Target, licences: Licences, catalogue: Catalogue) -> Ruling:
    """The ruling on a target. Raises as gguf.read_file."""
    if target.path == GUIDE:
        return licences.rule(GUIDE_EVIDENCE)
    known = before(target, _cards(target.local) if target.local else (Card(target.name),), catalogue)
    if target.path is not None:
        header = gguf.read_file(target.path)
        stated, link = _licence(header)
        names = (*known.names, *(str(header.metadata.get(f"general.{key}", "")) for key in ("name", "basename")))
        known = replace(known, file_license=stated, file_link=link, file_base_models=base_models(header), names=names)
    return licences.rule(known)


def before(target: Target, cards: tuple[Card, ...], catalogue: Catalogue) -> Evidence:
    """What is known of a target by cards, before its file is here."""
    known = replace(target.model.evidence, cards=cards) if target.model else evidence(cards, catalogue)
    url = target.url or (target.local.url if target.local else None)
    return replace(known, names=tuple(filter(None, (target.name, Path(target.file or "").stem, repo_name(url or "")))))


def evidence(cards: tuple[Card, ...], catalogue: Catalogue) -> Evidence:
    """What is known of the model of a repository, by its cards; of a copy, what the catalogue has on the same model."""
    models = (catalogue.by_repo(repo) for repo in (*(card.repo for card in cards[:1]), *copied_from(cards)))
    model = next((each for each in models if each), None)
    return replace(model.evidence if model else Evidence(), cards=cards)


def of_repo(repo: Repo) -> Evidence:
    """What is known of all that lies in a repository on the Hub, by its cards and the names of its files."""
    return Evidence(cards=repo.cards, names=tuple(Path(file.name).stem for file in repo.files if file.kind != "mmproj"))


def repos(target: Target) -> tuple[str, ...]:
    """The repositories that a target comes from, the original one first."""
    cards = target.local.cards if target.local else ()
    bases = target.local.base_models if target.local else ()
    known = (target.model.repo if target.model else None, *(each.repo for each in reversed(cards)), *bases, target.repo)
    return tuple(dict.fromkeys(repo for repo in known if repo))


def _cards(local: LocalModel) -> tuple[Card, ...]:
    """What was stored when it was downloaded; an earlier version of Alcove kept less."""
    if local.cards or not (local.licence or local.base_models or local.repo):
        return local.cards or (Card(local.name),)  # of a file that nobody knows anything of, the name may tell
    stated = {"license": (local.licence or "").split(","), "base_model": list(local.base_models)}
    return (card.read(local.repo or local.name, stated),)


def _licence(header: gguf.Header) -> tuple[str | None, str | None]:
    """What a GGUF says of its licence: the tag, or the name where the tag is "other"; and the address of the text."""
    keys = ("license", "license_name", "license_link")
    content = {key: header.metadata.get(f"general.{key.replace('_', '.')}") for key in keys}
    said = card.read("", content)
    return said.stated, said.link


def base_models(header: gguf.Header) -> tuple[str, ...]:
    """What a model was made from, as its GGUF tells it: the address, else the name with its organisation."""
    count = header.metadata.get("general.base_model.count", 0)
    found = []
    for number in range(min(count, card.MOST_BASES) if isinstance(count, int) else 0):
        url, name, owner = (
            " ".join(card.listed(header.metadata.get(f"general.base_model.{number}.{key}")))
            for key in ("repo_url", "name", "organization")
        )
        found.append(url or ("/".join(part.replace(" ", "-") for part in (owner, name)) if owner and name else ""))
    return tuple(each for each in found if each)
