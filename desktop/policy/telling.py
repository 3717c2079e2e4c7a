"""A policy in words and as facts: what is wrong with it, what it says, and where each value comes from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import msgspec

from desktop.address import STRAIGHT, is_address, is_loopback, is_one_of, with_scheme
from desktop.licences import Licences
from desktop.policy.rules import Policy, Source, like, sentence
from desktop.policy.schema import ABSENT, RULES, SETTINGS, Content, Verdict
from desktop.settings import Settings

BUILT_IN = "built in"


@dataclass(frozen=True)
class Value:
    """What holds of one key, and where that was decided; nobody can change it here where it is `locked`."""

    key: str
    value: Any
    from_: str
    locked: bool

    def __str__(self) -> str:
        return f"{self.key} = {_shown(self.value)} ({'locked, ' if self.locked else ''}{self.from_})"

    def to_json(self) -> dict[str, Any]:
        """By its keys."""
        return {"key": self.key, "value": self.value, "from": self.from_, "locked": self.locked}


def values(policy: Policy, chosen: Mapping[str, Any], file: str) -> Iterator[Value]:
    """Every key with what holds now; `chosen` are the person's settings, which stand in `file`."""
    decided, built_in = policy.decided, Settings()
    for name in (each.name for each in SETTINGS):
        if name in decided.locked:
            yield Value(name, decided.locked[name], policy.place("locked", name), locked=True)
        elif name in chosen:
            yield Value(name, chosen[name], file, locked=False)
        elif name in decided.defaults:
            yield Value(name, decided.defaults[name], policy.place("defaults", name), locked=False)
        else:
            yield Value(name, getattr(built_in, name), BUILT_IN, locked=False)
    for each in msgspec.structs.fields(Content):
        if each.name not in RULES:
            yield _value(policy, each.name)


def _value(policy: Policy, name: str) -> Value:
    """Of a key that only a policy has."""
    where, on = policy.origin(name), policy.allows(name) and name not in ABSENT
    return Value(name, getattr(policy, name, on), where or BUILT_IN, locked=bool(where))


def problems(policy: Policy, licences: Licences) -> list[str]:
    """What in it cannot be meant so: ids that are no licences, the same models allowed and denied, the same locked twice."""
    if policy.broken:
        return [policy.broken]
    said = [each for source in policy.sources for each in source.content.licences]
    both = {x.licence for x in said if x.decision == "approved"} & {x.licence for x in said if x.decision == "refused"}
    return [
        *(f"{source.where}: {why}" for source in policy.sources for why in _problems(source, licences)),
        *(f"the licence {id} is both approved and refused, so it is refused" for id in sorted(both)),
        *_contradictions(policy),
        *_out_of_reach(policy),
    ]


def _problems(source: Source, licences: Licences) -> Iterator[str]:
    content = source.content
    if source.loose:
        yield "whoever runs Alcove here can change this file, so it binds nobody; only an administrator should have that right"
    named = [rule.licence for rule in (*content.models.allow, *content.models.deny) if rule.licence]
    for id in dict.fromkeys([*named, *(verdict.licence for verdict in content.licences)]):
        if not any(like(known, id) for known in licences):
            yield f"there is no licence “{id}”; alcove licence ID knows them"
    denied = [msgspec.structs.replace(rule, reason="") for rule in content.models.deny]
    for rule in content.models.allow:
        if msgspec.structs.replace(rule, reason="") in denied:
            yield f"{rule.models} are both allowed and denied, so they are denied"
    if not source.machine and any(each.decision == "approved" for each in content.licences):
        yield "licences are approved only by rules for the whole machine, so these approvals do not count"
    yield from _addresses(content)


def _addresses(content: Content) -> Iterator[str]:
    for part in ("locked", "defaults"):
        given = content.given().get(part, {})
        hub, proxy = given.get("hub_endpoint", ""), given.get("proxy", "")
        if hub and not is_address(hub):
            yield f"“{hub}” is not the address of a Hub, so no model can be fetched"
        if proxy not in ("", STRAIGHT) and not is_address(with_scheme(proxy)):
            yield f"“{proxy}” is not the address of a proxy, so nothing can be reached"
        if "@" in proxy:
            yield "a password does not belong where everybody can read it; a name for the proxy goes into proxy_user"


def _contradictions(policy: Policy) -> Iterator[str]:
    """Of two files that lock the same, the first one that is read holds."""
    for name, value in policy.decided.locked.items():
        holds = policy.place("locked", name)
        for source in policy.sources:
            other = source.content.given().get("locked", {})
            if name in other and other[name] != value:
                yield f"{source.where}: {name} is locked to another value in {holds}, which holds"


def _out_of_reach(policy: Policy) -> Iterator[str]:
    locked = policy.decided.locked
    hub, hosts = locked.get("hub_endpoint", ""), locked.get("allowed_hosts", [])
    host = (urlsplit(hub).hostname or "") if is_address(hub) else ""
    if host and hosts and not is_loopback(host) and not is_one_of(host, hosts):
        yield f"models come from {host}, which is not among the allowed_hosts, so none can be fetched"


def lines(policy: Policy) -> Iterator[str]:
    """All rules in sentences, place by place."""
    if not policy.is_set:
        yield "Your organisation has decided nothing here: every model may be used."
    for source in policy.sources:
        yield f"{source.where}:"
        yield from (f"  {line}" for line in _lines(source.content))


def _lines(content: Content) -> Iterator[str]:
    given = content.given()
    yield from (f"locked: {name} = {_shown(value)}" for name, value in given.get("locked", {}).items())
    yield from (f"proposed: {name} = {_shown(value)}" for name, value in given.get("defaults", {}).items())
    yield from (f"{name} = {_shown(value)}" for name, value in given.items() if name not in RULES)
    yield from (f"not allowed: {rule.models}. {sentence(rule.reason)}".rstrip() for rule in content.models.deny)
    yield from (f"allowed: {rule.models}. {sentence(rule.reason)}".rstrip() for rule in content.models.allow)
    yield from (_verdict(each) for each in content.licences)


def _verdict(said: Verdict) -> str:
    return f"{said.decision}: {said.licence}. {sentence(said.text)}"


def _shown(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def to_json(policy: Policy) -> dict[str, Any]:
    """All rules together, by their keys."""
    contents = [source.content for source in policy.sources]
    decided = policy.decided
    return {
        "locked": dict(decided.locked),
        "defaults": dict(decided.defaults),
        "models": {
            "allow": [msgspec.to_builtins(rule) for content in contents for rule in content.models.allow],
            "deny": [msgspec.to_builtins(rule) for content in contents for rule in content.models.deny],
        },
        "licences": [msgspec.to_builtins(verdict) for content in contents for verdict in content.licences],
    }
