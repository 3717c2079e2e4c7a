"""What the Hub says of a model's licence: the cards of what it was made from, up to the root, and the texts beside them."""

import re
from collections import deque
from collections.abc import Generator, Iterator, Sequence
from contextlib import suppress
from dataclasses import replace
from urllib.parse import quote, unquote

from desktop.card import Card
from desktop.errors import AlcoveError, Corrupt, Gated, NotFound
from desktop.hub import ENDPOINT, Hub
from desktop.licences import Licence, Ruling, repo_name
from desktop.network import refusal
from desktop.repo import File
from desktop.texts import LARGEST_BYTES, Text, Texts

NAMES = ("LICENSE", "LICENSE.txt", "LICENSE.md")  # what makers call the file

STEPS, MOST = 8, 24  # from a model to its root; repositories in all, for a merge has many


def trace(hub: Hub, cards: tuple[Card, ...]) -> Generator[None, None, tuple[Card, ...]]:
    """The card of a repository, the first of these, and those of all that its model was made from, nearest first, each once.

    A card that cannot be had (gated, gone, or the network is off) is left out: it is no evidence. Raises nothing.
    """
    found = list(cards[:1])
    seen = {card.repo.lower() for card in found}
    queue = deque((card, 1) for card in found)
    while queue:
        child, step = queue.popleft()
        for repo in map(repo_name, child.base_models):
            if repo.lower() in seen or step > STEPS or len(seen) > MOST:
                continue
            seen.add(repo.lower())
            yield
            with suppress(AlcoveError):
                card = hub.card(repo)
                found.append(replace(card, repo=repo))  # by the name it was called: the Hub follows old ones
                queue.append((found[-1], step + 1))
    return tuple(found)


def fetch_texts(hub: Hub, ruling: Ruling, repos: Sequence[str], texts: Texts) -> Generator[int, None, tuple[Text, ...]]:
    """Get the texts of a ruling's licences that are not here, from these repositories or where our knowledge says they lie.

    Yields the bytes so far, returns all texts that are here then. Only the Hub's own host is asked; what it does not have, or
    shows only to those who agreed to its terms, stays missing. Raises NotWritable and the network's errors.
    """
    found, done = [], 0
    for licence in ruling.licences:
        text = texts.of(licence)
        places = () if text else _places(hub, licence, repos, ruling)
        for repo, name in places:
            yield done
            with suppress(NotFound, Gated, Corrupt):
                content = yield from _read(hub, repo, name, done)
                text = texts.keep(licence.id, content, _url(hub, repo, name))
                done += len(content)
                break
        if text is not None:
            found.append(text)
    return tuple(found)


def _places(hub: Hub, licence: Licence, repos: Sequence[str], ruling: Ruling) -> Iterator[tuple[str, str]]:
    """Where a licence may lie on the Hub, as (repository, file), likeliest first.

    Only where its own makers put it: whoever else uploads a file called LICENSE may have written anything into it.
    """
    linked = [_linked(hub, source.url, source.link) for source in ruling.sources if source.link]
    made = [repo for repo in repos if licence.is_of(repo)]
    known = _linked(hub, None, licence.url)
    ours = [place for place in linked if place and licence.is_of(place[0])]
    yield from dict.fromkeys([*([known] if known else []), *ours, *((repo, name) for repo in made for name in NAMES)])


def _linked(hub: Hub, page: str | None, link: str | None) -> tuple[str, str] | None:
    """The file on the Hub that a link means: an address there, or a name beside the page it stands on; else None."""
    endpoints = "|".join(re.escape(each) for each in (ENDPOINT, hub.endpoint))
    if match := re.fullmatch(rf"(?:{endpoints})/([^/]+/[^/]+)/(?:blob|resolve|raw)/[^/]+/([^?#]+)", link or ""):
        return match[1], unquote(match[2])
    if page and (match := re.fullmatch(rf"{re.escape(ENDPOINT)}/([^/]+/[^/]+)", page)) and re.fullmatch(r"\w[\w.-]*", link or ""):
        return match[1], link or ""
    return None


def _url(hub: Hub, repo: str, name: str) -> str:
    return f"{hub.endpoint}/{repo}/resolve/main/{quote(name)}"


def _read(hub: Hub, repo: str, name: str, done: int) -> Generator[int, None, bytes]:
    """A small file of a repository. Raises NotFound, Gated, Corrupt for one that is too long, and the network's errors."""
    url, content = _url(hub, repo, name), b""
    headers = hub.headers(File(repo, "main", name, 0, None, None, url))
    with hub.client("read a licence") as client, client.stream("GET", url, headers=headers) as response:
        if response.status_code != 200:
            raise refusal(response, what=f"file {name} in {repo}", repo=repo, page=hub.page(repo))
        for piece in response.iter_bytes():
            content += piece
            if len(content) > LARGEST_BYTES:
                raise Corrupt(path=url, why="it is far too long for a licence")
            yield done + len(content)
    return content
