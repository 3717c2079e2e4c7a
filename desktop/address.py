"""Web addresses: whether one is whole, whether it is this computer itself, and by which proxy it is reached."""

import ipaddress
import re
import urllib.request
from urllib.parse import urlsplit


def is_loopback(host: str) -> bool:
    """Whether this host is the computer itself."""
    if host == "localhost" or host.endswith(".localhost"):
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


def proxy_for(url: str) -> str | None:
    """The proxy that the environment or the system (Windows, macOS) names for this address, or None."""
    if not is_address(url):
        return None
    parts = urlsplit(url)
    if is_loopback(parts.hostname or "") or urllib.request.proxy_bypass(parts.hostname or ""):
        return None
    proxies = urllib.request.getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def without_password(url: str) -> str:
    """The address without a name and a password in it, for screens and logs."""
    return re.sub("//[^/]*@", "//", url)
