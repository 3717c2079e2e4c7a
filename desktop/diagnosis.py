"""What is the matter with the connection to the Hub: one request, and a sentence that says what works, or what fails and why."""

import time
from collections.abc import Generator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import msgspec

from desktop import mirror
from desktop.address import without_password
from desktop.errors import Corrupt, ServerRefused, Unreachable
from desktop.hub import Hub
from desktop.network import Client, Network, Response, refusal

CLOCKS_APART = timedelta(days=1)  # from which certificates may seem to have run out


@dataclass(frozen=True)
class Diagnosis:
    """What answered, by which way and how fast; `sentence` says it, with what is odd about it."""

    sentence: str
    hub: str
    proxy: str | None
    took_s: float
    token: bool  # that was shown and accepted


def diagnose(hub: Hub, network: Network) -> Generator[None, None, Diagnosis]:
    """Ask the Hub for one model, and whether it knows the access token, if there is one.

    Raises what stands in the way: Offline, Forbidden, Unreachable (name, proxy, certificate, date), ServerRefused (an answer, but
    not of a Hub; the token was refused), NoCertificate.
    """
    yield
    began_s = time.monotonic()
    with hub.client("test the connection") as client:
        answer = client.get(f"{hub.endpoint}/api/models", params={"filter": "gguf", "limit": "1"})
        took_s = time.monotonic() - began_s
        mirrored = _understand(hub, answer, client)
        yield
        token = hub.token
        if token is not None:
            known = client.get(f"{hub.endpoint}/api/whoami-v2", headers={"Authorization": f"Bearer {token}"})
            if known.status_code in (401, 403, 407) or known.status_code >= 500:
                raise refusal(known, what="access token", repo=hub.host, page=hub.endpoint)
            token = token if known.status_code == 200 else None  # a mirror knows nobody
    proxy = network.proxy_for(hub.endpoint)
    way = f" through the proxy {without_password(proxy)}" if proxy else ""
    words = [f"{hub.host} answered in {took_s:.1f} s{way}."]
    words += [f"It is a mirror; number of models: {mirrored}."] if mirrored is not None else []
    words += ["It knows the access token."] if token else []
    words += _about_clock(answer)
    return Diagnosis(" ".join(words), hub.host, without_password(proxy) if proxy else None, took_s, token is not None)


def _understand(hub: Hub, answer: Response, client: Client) -> int | None:
    """Raise unless this is what a Hub answers, a list of models; else how many a plain mirror has."""
    if answer.history and answer.url.host != hub.host:
        why = f"this network sent the request on to {answer.url.host}; sign in there with a browser first"
        raise Unreachable(host=hub.host, why=why)
    if answer.status_code in (407, 429) or answer.status_code >= 500:
        raise refusal(answer, what="list of models", repo=hub.host, page=hub.endpoint)
    try:
        msgspec.json.decode(answer.content, type=list[dict[str, object]])
        return None
    except (msgspec.MsgspecError, UnicodeDecodeError):
        where = f"{hub.endpoint}/{mirror.NAME}"
    with suppress(Corrupt):
        found = client.get(where)
        if found.status_code == 200 and (models := mirror.decode(found.content, where).models):
            return len(models)
    why = "something answers there, but it is no Hub; check its address, or sign in to this network with a browser first"
    raise ServerRefused(host=hub.host, status=answer.status_code, why=why)


def _about_clock(answer: Response) -> list[str]:
    """What to do about a clock that differs from the server's by days."""
    try:
        apart = abs(datetime.now(UTC) - parsedate_to_datetime(answer.headers["Date"]))
    except (KeyError, ValueError, TypeError):  # it tells no time, or one without a zone
        return []
    return ["Check the date of this computer: it differs from the server's."] if apart > CLOCKS_APART else []
