"""What a policy may say: the one schema that JSON files, the Windows registry and macOS preferences are read by.

The templates for administrators, in installers/policy, are written from it. What a setting means stands in settings.Settings.
"""

from typing import TYPE_CHECKING, Annotated, Any, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

from desktop.settings import Settings

SINCE = "0.1.0"  # of every key that has no other version in NEWER
NEWER: dict[str, str] = {}
STEPS = {
    "conditions": "open weights with conditions",
    "free": "models that are free",
    "full": "models that are fully open",
    "unknown": "models whose licence is not known",
}
RULES = ("locked", "defaults", "models", "licences")  # keys that are more than one value
ABSENT = ("remote_endpoints", "local_server", "documents", "updates")  # what this version has none of, so nothing turns it on

Name = Annotated[str, Meta(min_length=1, max_length=200)]
Folder = Annotated[str, Meta(min_length=1, max_length=1000)]
Day = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$")]
Days = Annotated[int, Meta(ge=1, le=36500)]
Off = Meta(extra_json_schema={"const": False})


class Rule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Some models: all that is given has to hold. In names, * and ? stand for any letters, and capitals do not matter.

    `use`: "commercial" is about what may not be used at work in a rule that denies, about what may in one that allows.
    """

    licence: Name | None = None  # an id
    openness: Literal["conditions", "free", "full", "unknown"] | None = None
    maker: Name | None = None
    family: Name | None = None
    repository: Name | None = None  # OWNER/NAME
    use: Literal["commercial"] | None = None
    reason: str = ""

    def __post_init__(self) -> None:
        if not any((self.licence, self.openness, self.maker, self.family, self.repository, self.use)):
            raise ValueError("a rule names a licence, openness, maker, family, repository or use")

    @property
    def models(self) -> str:
        """The models that it is about, in words."""
        words = [
            STEPS[self.openness] if self.openness else "",
            f"models by {self.maker}" if self.maker else "",
            f"models of the family {self.family}" if self.family else "",
            f"models from {self.repository}" if self.repository else "",
            f"models under the licence {self.licence}" if self.licence else "",
            "models that may not be used at work" if self.use else "",
        ]
        return ", ".join(filter(None, words))


class Verdict(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """The organisation's own word on a licence: "Legal approved Gemma on 2026-03-01"."""

    licence: Name  # an id
    decision: Literal["approved", "refused"]
    text: Name
    by: str = ""
    date: Day | None = None


class Models(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """Which models may be used."""

    allow: Annotated[tuple[Rule, ...], Meta(min_length=1)] = ()  # an empty list would allow all, whatever was meant by it
    deny: tuple[Rule, ...] = ()


def said_of(annotation: Any) -> str:
    """What a key means, as its annotation has it; "" where that says nothing."""
    metas = getattr(annotation, "__metadata__", ())
    return next((meta.description for meta in metas if isinstance(meta, Meta) and meta.description), "")


SETTINGS = tuple(each for each in msgspec.structs.fields(Settings) if said_of(each.type))  # that an organisation may decide
LISTS = (*(each.name for each in SETTINGS if each.default_factory is list), "shared_folders")

if TYPE_CHECKING:

    class Some(msgspec.Struct):
        """Some of the settings; those that are not given are UNSET."""
else:
    Some = msgspec.defstruct(
        "Some",
        [(each.name, each.type | UnsetType, UNSET) for each in SETTINGS],
        module=__name__,
        frozen=True,
        kw_only=True,
        omit_defaults=True,
        forbid_unknown_fields=True,
    )


class Content(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What one file of rules may say, one key of the registry, or one profile."""

    locked: Annotated[Some, Meta(description="Settings that nobody can change here.")] = Some()
    defaults: Annotated[Some, Meta(description="Settings that hold where the person has not chosen.")] = Some()
    models: Annotated[Models, Meta(description="Which models may be used, by licence, openness, maker, family, repository.")] = (
        Models()
    )
    licences: Annotated[tuple[Verdict, ...], Meta(description="The organisation's own word on licences.")] = ()
    shared_folders: Annotated[
        tuple[Folder, ...], Meta(description="Folders with models for all, which are read and never written.")
    ] = ()
    banner: Annotated[str, Meta(max_length=300, description="A text that stands at the top of the window.")] = ""
    retention_days: Annotated[
        Days | None, Meta(description="Days without a message, after which a chat is deleted for good.")
    ] = None
    catalogue_updates: Annotated[bool, Meta(description="Whether newer lists of models may be fetched.")] = True
    pictures: Annotated[bool, Meta(description="Whether pictures may be shown to a model.")] = True
    remote_endpoints: Annotated[
        bool | None, Off, Meta(description="Models on other computers. This version asks none, so only false may be said.")
    ] = None
    local_server: Annotated[
        bool | None, Off, Meta(description="A server for other programs. This version has none, so only false may be said.")
    ] = None
    documents: Annotated[
        bool | None, Off, Meta(description="Reading of documents. This version reads none, so only false may be said.")
    ] = None
    updates: Annotated[
        bool | None, Off, Meta(description="Updates of Alcove by itself. This version makes none, so only false may be said.")
    ] = None

    def __post_init__(self) -> None:
        for name in ABSENT:
            if getattr(self, name):
                raise ValueError(f"this version has nothing of the kind that “{name}” would allow; it can only be false")

    def given(self) -> dict[str, Any]:
        """What is said, by its keys."""
        return msgspec.json.decode(msgspec.json.encode(self), type=dict[str, Any])


def json_schema() -> dict[str, Any]:
    """The schema of a policy file, as JSON Schema has it."""
    (made,), parts = msgspec.json.schema_components([Content], ref_template="#/$defs/{name}")
    title = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "A policy of Alcove"}
    return {**title, **made, "$defs": parts}
