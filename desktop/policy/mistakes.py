"""What in a policy cannot be meant so, in sentences for whoever wrote it."""

import base64
import ipaddress
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath, PureWindowsPath
from urllib.parse import urlsplit

import msgspec

from desktop.address import STRAIGHT, is_address, is_loopback, is_one_of, with_scheme
from desktop.errors import NoCertificate
from desktop.licences import Licences
from desktop.network import Network
from desktop.policy.rules import Policy, Source, like
from desktop.policy.schema import Content, Rule, Some

HUB, ITS_FILES = "huggingface.co", "files.hf.co"  # where models come from unless somebody says otherwise, and a host of its files


def problems(policy: Policy, licences: Licences, *, in_force: bool = True) -> list[str]:
    """Ids that are no licences, the same models allowed and denied, addresses and folders that are none, and so on.

    in_force: what should be on this computer is looked for, too.
    """
    if policy.broken:
        return [policy.broken]
    said = [each for source in policy.sources for each in source.content.licences]
    both = {x.licence for x in said if x.decision == "approved"} & {x.licence for x in said if x.decision == "refused"}
    return [
        *(f"{source.where}: {why}" for source in policy.sources for why in _problems(source, licences)),
        *(f"the licence {id} is both approved and refused, so it is refused" for id in sorted(both)),
        *_contradictions(policy),
        *_out_of_reach(policy),
        *(_missing(policy) if in_force else ()),
    ]


def _problems(source: Source, licences: Licences) -> Iterator[str]:
    content = source.content
    if source.loose:
        yield "whoever runs Alcove here can change this file, so it counts as theirs; only an administrator should be able to"
    yield from _about_licences(content, licences)
    if not source.machine and any(each.decision == "approved" for each in content.licences):
        yield "licences are approved only by rules for the whole machine, so these approvals do not count"
    for part, some in (("locked", content.locked), ("defaults", content.defaults)):
        yield from (f"{part}: {why}" for why in _settings(some))
    for folder in content.shared_folders:
        if not _is_whole(folder):
            yield f"shared_folders: “{folder}” is no whole path, so nobody knows which folder is meant"


def _about_licences(content: Content, licences: Licences) -> Iterator[str]:
    rules = (*content.models.allow, *content.models.deny)
    named = [rule.licence for rule in rules if rule.licence]
    for id in dict.fromkeys([*named, *(verdict.licence for verdict in content.licences)]):
        if not any(like(known, id) for known in licences):
            yield f"there is no licence “{id}”; alcove licence ID knows them"
    denied = [msgspec.structs.replace(rule, reason="") for rule in content.models.deny]
    for rule in content.models.allow:
        if msgspec.structs.replace(rule, reason="") in denied:
            yield f"{rule.models} are both allowed and denied, so they are denied"
    yield from (f"{rule.models}: there are none" for rule in rules if _means_none(rule, licences))


def _means_none(rule: Rule, licences: Licences) -> bool:
    """Whether a licence and a step of the ladder are named that do not go together."""
    if not (rule.licence and rule.openness):
        return False
    meant = [licences.describe(id).openness for id in licences if like(id, rule.licence)]
    return bool(meant) and rule.openness not in meant


def _settings(some: Some) -> Iterator[str]:
    given = msgspec.to_builtins(some)
    hub, proxy = given.get("hub_endpoint", ""), given.get("proxy", "")
    if hub and (not is_address(hub) or {"?", "#", "@"} & set(hub)):
        yield f"“{hub}” is not the address of a Hub, so no model can be fetched; one looks like https://models.example.com"
    if proxy not in ("", STRAIGHT):
        yield from _proxy(proxy)
    for host in given.get("allowed_hosts", ()):
        if not _is_host(host):
            yield f"allowed_hosts: “{host}” is no name of a host, so it allows nothing; one looks like models.example.com"
    for name in ("models_dir", "ca_file"):
        if given.get(name) and not _is_whole(os.path.expanduser(given[name])):
            yield f"{name}: “{given[name]}” is no whole path, so it depends on where Alcove is started"
    for key in given.get("catalogue_keys", ()):
        if not _is_key(key):
            yield f"catalogue_keys: “{key}” is no public key, so it vouches for nothing; alcove catalogue sign shows yours"


def _proxy(proxy: str) -> Iterator[str]:
    whole = with_scheme(proxy)
    if "@" in proxy:
        yield "a password does not belong where everybody can read it; a name for the proxy goes into proxy_user"
    if not is_address(whole) or urlsplit(whole).path not in ("", "/"):
        yield f"“{proxy}” is not the address of a proxy, so nothing can be reached; one looks like proxy.example.com:3128"
    elif urlsplit(whole).port is None:
        yield f"the proxy “{proxy}” has no port; one looks like proxy.example.com:3128"


def _is_host(host: str) -> bool:
    """Whether an entry of allowed_hosts can be the host of an address at all."""
    name = host.removeprefix("*.")
    with suppress(ValueError):
        return bool(ipaddress.ip_address(name).version)
    return bool(re.fullmatch(r"[^\s/:*?#@]+", name)) and is_address(f"https://{name}")


def _is_whole(path: str) -> bool:
    """Whether a path says the same wherever the program is started; rules for Windows are written on other systems, too."""
    return PurePosixPath(path).is_absolute() or PureWindowsPath(path).is_absolute()


def _is_key(key: str) -> bool:
    with suppress(ValueError):
        return len(base64.b64decode(key, validate=True)) == 32
    return False


def _contradictions(policy: Policy) -> Iterator[str]:
    """Of two files that lock the same, the first one that is read holds."""
    for name, value in policy.decided.locked.items():
        holds = policy.place("locked", name)
        for source in policy.sources:
            other = source.content.given().get("locked", {})
            if name in other and other[name] != value:
                yield f"{source.where}: {name} is locked to another value in {holds}, which holds"


def _out_of_reach(policy: Policy) -> Iterator[str]:
    """Models that come from where nobody may go."""
    locked, proposed = policy.decided.locked, policy.decided.defaults
    hosts, hub = locked.get("allowed_hosts", []), locked.get("hub_endpoint") or proposed.get("hub_endpoint") or f"https://{HUB}"
    host = (urlsplit(hub).hostname or "") if is_address(hub) else ""
    if not hosts or not host or locked.get("offline") or is_loopback(host):
        return
    if not is_one_of(host, hosts):
        yield f"models come from {host}, which is not among the allowed_hosts, so none can be fetched"
    elif host == HUB and not is_one_of(ITS_FILES, hosts):
        yield f"the files of {HUB} come from hosts below hf.co; without *.hf.co among the allowed_hosts none can be fetched"


def _missing(policy: Policy) -> Iterator[str]:
    """What is named and is not on this computer."""
    for folder in policy.shared_folders:
        if Path(folder).is_absolute() and not os.path.isdir(folder):
            yield f"the folder {folder} of shared_folders is not on this computer, or not for those who use it"
    if ca_file := policy.decided.locked.get("ca_file"):
        try:
            Network(ca_file=Path(ca_file)).certificates()
        except NoCertificate as error:
            yield f"{error} Without it nothing can be reached."
