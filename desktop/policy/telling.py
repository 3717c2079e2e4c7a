"""A policy in words and as facts: what it says, and where each value comes from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import msgspec

from desktop.policy.rules import Policy, sentence
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
