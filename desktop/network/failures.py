"""What goes wrong between two computers, in plain words."""

import errno
import socket
import ssl
from collections.abc import Iterator
from datetime import datetime

import httpx2

from desktop.errors import AlcoveError, Gated, NotFound, ServerRefused
from desktop.network import guard

CONNECT_S, READ_S = 10.0, 15.0
CUT = "the connection was cut"
WANTS_LOGIN = "the proxy wants a name and a password, or other ones; give them in Settings"
NOT_NOW = ("expired", "not yet valid")  # what the libraries say of a certificate when the clock may be wrong


def why(error: BaseException) -> str:
    """What went wrong with a connection, in plain words, without a full stop."""
    if isinstance(error, httpx2.ConnectTimeout):
        return f"it did not answer within {CONNECT_S:.0f} seconds"
    if isinstance(error, httpx2.TimeoutException):
        return f"nothing came from it for {READ_S:.0f} seconds"
    if isinstance(error, httpx2.TooManyRedirects):
        return "it sends from one address to the next without an end"
    if isinstance(error, httpx2.ProxyError) and str(error).startswith("407"):
        return WANTS_LOGIN
    if isinstance(error, httpx2.ProxyError):
        return f"the proxy did not let it through ({error})"
    for cause in _causes(error):
        match cause:
            case guard.Refused():
                return "Alcove was set to offline"
            case socket.gaierror() | UnicodeError():
                return "its name could not be found; this computer may not be connected to the internet"
            case ssl.SSLCertVerificationError() if any(words in cause.verify_message for words in NOT_NOW):
                return f"its certificate is not valid today, {datetime.now():%d %B %Y}; check the date of this computer"
            case ssl.SSLCertVerificationError():
                return (
                    f"its certificate is not trusted ({cause.verify_message}); "
                    "on a company network, give Alcove the company's certificate"
                )
            case ssl.SSLError():
                return "no secure connection could be made"
            case ConnectionRefusedError():
                return "the connection was refused"
            case OSError(errno=errno.ENETUNREACH | errno.EHOSTUNREACH | errno.ENETDOWN):
                return "there is no network connection"
    return "no connection could be made" if isinstance(error, httpx2.ConnectError) else CUT


def refusal(response: httpx2.Response, *, what: str, repo: str, page: str) -> AlcoveError:
    """The error for an answer of 400 and above: Gated, NotFound, or ServerRefused (fact `wait_s` if the server named one)."""
    host, status = response.url.host, response.status_code
    code = response.headers.get("X-Error-Code")  # huggingface.co hides what is private or gone behind a 401
    elsewhere = bool(response.history) and response.history[0].url.host != host
    if status in (401, 403) and elsewhere:
        return ServerRefused(host=host, status=status, why="the download link has expired", wait_s=0.0)
    if status in (404, 410) or code in ("RepoNotFound", "RevisionNotFound", "EntryNotFound"):
        return NotFound(what=what, host=host)
    if status == 401 and code != "GatedRepo" and "Authorization" in response.request.headers:
        return ServerRefused(
            host=host, status=status, why="the access token was not accepted; check it in Settings or in HF_TOKEN"
        )
    if status in (401, 403) and repo == host:  # any web server: there are no terms to accept
        return ServerRefused(host=host, status=status, why="it lets in only people whom it knows; fetch the file with a browser")
    if status in (401, 403):
        return Gated(repo=repo, page=page)
    if status == 407:
        return ServerRefused(host=host, status=status, why=WANTS_LOGIN)
    facts = {"host": host, "status": status}
    wait = response.headers.get("Retry-After", "")
    if wait.isdecimal():
        facts["wait_s"] = float(wait)
    if status == 429:
        return ServerRefused(why="too many requests at the moment; try again in a few minutes", **facts)
    if status >= 500:
        return ServerRefused(why="it has a problem of its own; try again later", **facts)
    return ServerRefused(why=response.reason_phrase or "it did not say why", **facts)


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
