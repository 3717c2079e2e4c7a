"""Web addresses: whether one is whole, whether it is this computer itself, and by which proxy it is reached."""

import ipaddress
import re
import urllib.request
from collections.abc import Sequence
from urllib.parse import quote, urlsplit

STRAIGHT = "none"  # in place of a proxy's address


def is_loopback(host: str) -> bool:
    """Whether this host is the computer itself."""
    if host == "localhost":  # names below it are asked for like any other, and a variable can say what answers
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def is_address(url: str) -> bool:
    """Whether this is a whole web address: http or https, a host that can be looked up, a port that exists."""
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool((parts.hostname or "").encode("idna")) and parts.port != 0
    except ValueError:
        return False


def is_one_of(host: str, hosts: Sequence[str]) -> bool:
    """Whether a host is among these; "*.hf.co" stands for every one below hf.co."""
    host = host.lower()
    return any(host.endswith(each[1:]) if each.startswith("*.") else host == each for each in map(str.lower, hosts))


def proxy_for(url: str, chosen: str = "", *, heed_exceptions: bool = True) -> str | None:
    """The proxy for this address, or None: what the environment or the system (Windows, macOS) names, or the chosen one.

    chosen: the address of a proxy, "none" for never one, "" for what the system says. NO_PROXY and this computer itself go
    straight, whatever was chosen; without heed_exceptions a chosen proxy is for all hosts but this computer.
    """
    if not is_address(url) or chosen == STRAIGHT:
        return None
    parts = urlsplit(url)
    host = parts.hostname or ""
    if is_loopback(host):
        return None
    if chosen:
        straight = urllib.request.proxy_bypass_environment(host)  # type: ignore[attr-defined]  # in the manual, not in the stubs
        return None if straight and heed_exceptions else with_scheme(chosen)
    if urllib.request.proxy_bypass(host):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return with_scheme(proxy) if proxy else proxy


def with_scheme(proxy: str) -> str:
    """A proxy's address as people write it, made whole."""
    return proxy if "://" in proxy else f"http://{proxy}"


def with_login(proxy: str, user: str, password: str) -> str:
    """A proxy's address with the name and the password that it asks for."""
    scheme, _, rest = proxy.partition("://")
    return f"{scheme}://{quote(user, safe='')}:{quote(password, safe='')}@{rest.rpartition('@')[2]}"


def without_password(url: str) -> str:
    """The address without a name and a password in it, for screens and logs."""
    return re.sub("//[^/]*@", "//", url)
