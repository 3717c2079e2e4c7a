"""The Hugging Face Hub: search, and list files. The only home of huggingface_hub.

HF_ENDPOINT names another Hub or a mirror, HF_TOKEN an access token; the token goes to the endpoint and to no other host.
"""

import os
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import quote, unquote, urlsplit

from desktop import __version__, card, gguf, mirror
from desktop.address import is_address
from desktop.errors import BadReference, NotFound, NotGguf, ServerRefused, Unreachable
from desktop.network import Client, Network, Response, refusal
from desktop.part import Source
from desktop.repo import File, Repo, of_bundle, weights
from desktop.text import plain

if TYPE_CHECKING:
    from huggingface_hub import HfApi
    from huggingface_hub.hf_api import ModelInfo

ENDPOINT = "https://huggingface.co"
ENDING = ".gguf"  # of the only files that are ever asked for
Sort = Literal["downloads", "date"]
Property = Literal["cardData", "downloads", "gated", "gguf", "lastModified", "sha", "siblings"]
LISTED: tuple[Property, ...] = (
    "cardData",
    "downloads",
    "gated",
    "gguf",
    "lastModified",
    "sha",
    "siblings",
)  # of a repository in a list


class Hub:
    """One Hub: an endpoint, perhaps a token, reached through the network's door."""

    def __init__(
        self,
        network: Network,
        endpoint: str | None = None,
        token: str | None = None,
        find_token: Callable[[], str | None] | None = None,
    ) -> None:
        """find_token: where to look for a token that was not given, once one is needed; a keyring may take its time."""
        self.endpoint = (endpoint or os.environ.get("HF_ENDPOINT") or ENDPOINT).rstrip("/")
        self._token: str | None = None
        self._find_token: Callable[[], str | None] | None = None
        self.token = token or os.environ.get("HF_TOKEN")
        if not self._token:
            self._find_token = find_token
        self._network = network
        self._bundle: mirror.Bundle | None = None  # what a plain web server hands out in place of a Hub
        self._is_hub = self.endpoint == ENDPOINT  # nobody needs to ask
        if self.endpoint.startswith("http://") and is_address(self.endpoint):  # asked for in so many words: a mirror in the house
            network.plain_hosts.add(self.host)

    @property
    def token(self) -> str | None:
        """What the Hub is shown, if anything; what no header can carry stands in it as "?", for the Hub to refuse."""
        if self._find_token is not None:
            self.token = self._find_token()
        return self._token

    @token.setter
    def token(self, token: str | None) -> None:
        self._find_token = None
        self._token = "".join(c if c.isascii() and c.isprintable() else "?" for c in (token or "").strip()) or None

    @property
    def host(self) -> str:
        return (urlsplit(self.endpoint).hostname if is_address(self.endpoint) else None) or self.endpoint

    def page(self, repo: str) -> str:
        """The address of a repository's page, where terms are accepted."""
        return f"{self.endpoint}/{repo}"

    def client(self, purpose: str) -> Client:
        """A client of the network's for one purpose, told in plain words."""
        return self._network.client(purpose)

    def headers(self, file: File) -> dict[str, str]:
        """What a request for this file must carry: the token, if there is one and the file is on this Hub."""
        if self.token is None or not file.url.startswith(f"{self.endpoint}/"):
            return {}
        return {"Authorization": f"Bearer {self.token}"}

    def source(self, file: File) -> Source:
        """Where the bytes of this file come from."""
        return Source(file.url, self.headers(file), file.size_bytes, file.sha256, file.name, file.repo, self.page(file.repo))

    def search(self, words: str, limit: int = 20, sort: Sort = "downloads") -> Iterator[Repo]:
        """Repositories with GGUF files whose name has the words, in one request: a list on the Hub has no sizes of files."""
        if (bundle := self.bundle()) is not None:
            yield from (self._repo_of(bundle, repo) for repo in bundle.with_words(words)[:limit])
            return
        order: Literal["downloads", "last_modified"] = "last_modified" if sort == "date" else "downloads"
        with self._api("list of models", words) as api:
            found = list(api.list_models(search=words, filter="gguf", sort=order, limit=limit, expand=[*LISTED]))
        yield from (repo for repo in map(self._repo, found) if repo.files)

    def repo(self, id: str, revision: str | None = None) -> Repo:
        """A repository and its GGUF files, at a branch, tag or commit. Raises BadReference, NotFound, Gated, NetworkError."""
        if (bundle := self.bundle()) is not None:
            return self._repo_of(bundle, id, revision)
        at = f" at {revision}" if revision else ""
        with self._api(f"repository {id}{at}", id) as api:
            info = api.model_info(id, revision=revision, files_metadata=True)
        return self._repo(info)

    def card(self, id: str) -> card.Card:
        """What the card of a repository says, whatever lies in it. Raises as repo() does."""
        if (bundle := self.bundle()) is not None:
            return self._repo_of(bundle, id).cards[0]
        with self._api(f"repository {id}", id) as api:
            info = api.model_info(id, expand=["cardData"])
        return card.read(info.id, _head(info))

    def file(self, repo: str, name: str, revision: str | None = None) -> File:
        """One GGUF file of a repository. Raises as repo() does."""
        return self._find(repo, name, revision)[1]

    def set_of(self, repo: str, name: str, revision: str | None = None) -> tuple[File, ...]:
        """All files of the model that one file of a repository belongs to. Raises as repo() does."""
        found, file = self._find(repo, name, revision)
        return found.set_of(file)

    def _find(self, repo: str, name: str, revision: str | None) -> tuple[Repo, File]:
        found = self.repo(repo, revision)
        for file in found.files:
            if file.name == name:
                return found, file
        raise NotFound(what=f"file {name} in {repo}", host=self.host)

    def files_at(self, url: str) -> tuple[File, ...]:
        """All files of the model that the GGUF at a web address belongs to. Raises as address()."""
        if ours := self._ours(url):
            return self.set_of(*ours)
        parts = urlsplit(url)
        folder, _, name = parts.path.rpartition("/")
        names = gguf.part_names(unquote(name))
        urls = [parts._replace(path=f"{folder}/{quote(each)}").geturl() for each in names] if len(names) > 1 else [url]
        return tuple(map(self.address, urls))

    def address(self, url: str) -> File:
        """The GGUF at a web address; one on this Hub is looked up there. Raises NotGguf and the network's errors."""
        if ours := self._ours(url):
            return self.file(*ours)
        parts = urlsplit(url)
        host, name = parts.hostname or "", unquote(parts.path.rpartition("/")[2])
        if not name.lower().endswith(ENDING):
            raise NotGguf(path=name or url)
        with self._network.client(f"look up {name}") as client:
            response = client.head(url, headers={"Accept-Encoding": "identity"})
        if response.status_code >= 400:
            raise refusal(response, what=f"file {name}", repo=host, page=url)
        length = response.headers.get("Content-Length", "")
        if not re.fullmatch(r"\d{1,19}", length):
            raise ServerRefused(host=host, status=response.status_code, why="it does not say how large the file is")
        etag = response.headers.get("ETag")
        return File(host, "", name, int(length), None, gguf.quantization(name), url, gguf.named_kind(name), etag=etag)

    def _ours(self, url: str) -> tuple[str, str, str] | None:
        """Repository, name and revision of a file, where its address is on this Hub."""
        match = re.fullmatch(re.escape(self.endpoint) + r"/([^/]+/[^/]+)/(?:resolve|blob)/([^/]+)/(.+?)(?:\?.*)?", url)
        return (match[1], unquote(match[3]), unquote(match[2])) if match else None

    def bundle(self) -> mirror.Bundle | None:
        """The list of a bundle, where the endpoint is a plain web server with one; asked once. Raises NetworkError, Corrupt."""
        if self._is_hub or self._bundle is not None or not is_address(self.endpoint):
            return self._bundle
        where = f"{self.endpoint}/{mirror.NAME}"
        with self._network.client("look up models") as client:
            response = client.get(where)
        if response.status_code == 200 and "text/html" not in response.headers.get("Content-Type", ""):
            self._bundle = mirror.decode(response.content, where)
        elif response.status_code < 500 and response.status_code != 429:
            self._is_hub = True
        return self._bundle

    def _repo_of(self, bundle: mirror.Bundle, id: str, revision: str | None = None) -> Repo:
        """A repository as a bundle tells it."""
        return of_bundle(bundle.of_repo(id, revision, self.host), self.endpoint)

    @contextmanager
    def _api(self, what: str, reference: str) -> Iterator["HfApi"]:
        """huggingface_hub, its requests through our door and its errors as ours."""
        if not is_address(self.endpoint):  # huggingface_hub could not even be imported
            raise Unreachable(
                host=self.endpoint, why="this is no web address; correct HF_ENDPOINT or hub_endpoint in the settings"
            )
        make = _library(self._network)
        from huggingface_hub.errors import HfHubHTTPError, HFValidationError

        try:
            yield make(endpoint=self.endpoint, token=self.token or False, library_name="alcove", library_version=__version__)
        except HFValidationError as error:
            raise BadReference(reference=reference) from error
        except HfHubHTTPError as error:
            raise refusal(error.response, what=what, repo=reference, page=self.page(reference)) from error
        except (ValueError, KeyError, TypeError) as error:  # an answer that is not what the Hub's API sends
            raise ServerRefused(host=self.host, status=200, why="its answer makes no sense; perhaps this is no Hub") from error

    def _repo(self, info: "ModelInfo") -> Repo:
        head = _head(info)
        said = card.read(info.id, head)
        revision = info.sha or "main"
        tag, name = (next(iter(card.listed(head.get(key))), None) for key in ("license", "license_name"))
        licence, base_models = said.stated or tag, said.base_models
        files = tuple(
            File(
                repo=info.id,
                revision=revision,
                name=sibling.rfilename,
                size_bytes=sibling.size or 0,
                sha256=sibling.lfs.sha256 if sibling.lfs else None,
                quantization=gguf.quantization(sibling.rfilename),
                url=f"{self.endpoint}/{info.id}/resolve/{revision}/{quote(sibling.rfilename)}",
                kind=gguf.named_kind(sibling.rfilename),
                licence=licence,
                base_models=base_models,
                cards=(said,),
                private=bool(info.private),
            )
            for sibling in info.siblings or ()
            if _is_taken(sibling.rfilename)
        )
        return Repo(
            id=info.id,
            revision=revision,
            licence_tag=tag,
            licence_name=name,
            gated=bool(info.gated),
            downloads=info.downloads or 0,
            updated=info.last_modified.isoformat() if info.last_modified else "",
            base_models=base_models,
            files=files,
            weights=int((getattr(info, "gguf", None) or {}).get("total") or 0) or weights(info.id),
            cards=(said,),
        )


def _is_taken(name: str) -> bool:
    """Whether a file is a GGUF, and its name one that a terminal and a window show as it is."""
    return name.lower().endswith(ENDING) and plain(name) == name and "\n" not in name


def _head(info: "ModelInfo") -> dict[str, Any]:
    """The head of a repository's card, as its maker wrote it."""
    head: Any = info.card_data
    return {key: head.get(key) for key in card.KEYS} if hasattr(head, "get") else {}


_lock = threading.Lock()
_served: Network | None = None


def _library(network: Network) -> Callable[..., "HfApi"]:
    """huggingface_hub's HfApi. Imported late, for it is slow; it counts, shows and stores nothing, and uses our client."""
    global _served
    with _lock:
        for switch in ("TELEMETRY", "PROGRESS_BARS", "IMPLICIT_TOKEN", "UPDATE_CHECK"):
            os.environ.setdefault(f"HF_HUB_DISABLE_{switch}", "1")
        import huggingface_hub
        from huggingface_hub.hf_api import HfApi

        if _served is not network:  # its client is one for the whole process
            huggingface_hub.set_client_factory(lambda: _client(network))
            _served = network
        return HfApi


def _client(network: Network) -> Client:
    """A client that raises at once where huggingface_hub would sleep and ask again for minutes."""
    client = network.client("look up models")

    def stop(response: Response) -> None:
        if response.status_code == 429 or response.status_code >= 500:
            raise refusal(response, what="", repo="", page="")

    client.event_hooks = {"request": [], "response": [stop]}
    return client
