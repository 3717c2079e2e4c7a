"""What the organisation decided: settings that are locked or proposed, and which models may be used. Read at start, and by
the window now and then.

    Linux     /etc/alcove/policy.json, then /etc/alcove/policy.d/*.json in the order of their names;
              then the person's own alcove/policy.json below XDG_CONFIG_HOME, or ~/.config
    Windows   HKLM\\Software\\Policies\\Alcove, then HKCU\\Software\\Policies\\Alcove
    macOS     the managed preferences of org.alcove.Alcove, of the computer and of the person, and /etc/alcove

The rules of the machine come before those of the person, and both before what the person chose in Settings; no option and no
variable lifts them. Of two that lock the same setting the first one read holds. Lists of rules add up: a model that a rule of
"deny" is about is not allowed, whatever else is said; where there are rules of "allow", every licence of a model has to be
covered by one of them, and by one of the person's where there are such. What a stranger's page claims of where a model comes
from can forbid it, and never allow it.

Rules that cannot be read or understood fail closed: Alcove stays offline then, and no model may be used but the guide.

    {
      "locked": {"hub_endpoint": "https://models.example.com", "allowed_hosts": ["models.example.com"]},
      "defaults": {"theme": "dark"},
      "models": {
        "deny": [{"maker": "Meta", "reason": "Not before the review in March."}, {"use": "commercial"}],
        "allow": [{"openness": "free"}, {"openness": "full"}, {"licence": "gemma"}]
      },
      "licences": [
        {"licence": "gemma", "decision": "approved", "text": "Legal approved Gemma.", "by": "Legal", "date": "2026-03-01"}
      ],
      "banner": "Internal use only.",
      "retention_days": 90
    }

installers/policy/POLICY.md lists every key.
"""

from pathlib import Path

from desktop.errors import AlcoveError
from desktop.paths import POLICY
from desktop.policy import sources
from desktop.policy.mistakes import problems
from desktop.policy.rules import About, Decision, Policy, Source, names_of
from desktop.policy.schema import Content, Models, Rule, Verdict, json_schema
from desktop.policy.telling import Value, lines, to_json, values

__all__ = [
    "About",
    "Content",
    "Decision",
    "Models",
    "Policy",
    "Rule",
    "Source",
    "Value",
    "Verdict",
    "check",
    "json_schema",
    "lines",
    "names_of",
    "problems",
    "read",
    "to_json",
    "values",
]


def read(folder: Path | None = None) -> Policy:
    """What holds on this computer. No error: a policy that cannot be read is one that allows nothing."""
    try:
        found = list(sources.here(POLICY) if folder is None else sources.of_folder(folder))
    except (AlcoveError, OSError) as error:
        return Policy(
            broken=f"{error.filename}: {error.strerror}." if isinstance(error, OSError) and error.filename else str(error)
        )
    return Policy(tuple(sorted(found, key=lambda source: not source.machine)))


def check(path: Path) -> Policy:
    """One file by itself, whether it is in force or not. Raises Corrupt, and OSError where it cannot be read."""
    return Policy((Source(str(path), sources.of_file(path)),))
