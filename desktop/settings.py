"""What the person chose, in one JSON file: checked when read, written atomically, never lost to a bad value.

Over it lies what the organisation locked, below it what the organisation proposes; neither is ever written into the file.
"""

import copy
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from desktop import replacing
from desktop.paths import Paths

Theme = Literal["system", "light", "dark", "contrast"]
Goal = Literal["speed", "quality", "long"]
KvType = Literal["f16", "q8_0", "q4_0"]
WhenFull = Literal["ask", "summarise", "forget"]
OnClose = Literal["ask", "background", "next_start", "stop"]
Tokens = Annotated[int, Meta(ge=0, lt=1 << 31)]
Minutes = Annotated[int, Meta(ge=0, lt=1 << 31)]
Speed = Annotated[int, Meta(ge=0, lt=1 << 31)]  # bytes a second
Scale = Annotated[float, Meta(ge=0.5, le=3.0)]


def said(sentence: str) -> Meta:
    """Marks a setting that an organisation may decide, with what it means."""
    return Meta(description=sentence)


class Settings(msgspec.Struct, kw_only=True):
    """All settings with their defaults. Change a field, then `save()`."""

    theme: Annotated[Theme, said("The look of the window; system follows what the computer is set to.")] = "system"
    text_scale: Annotated[Scale, said("The size of all text in the window, as a part of the usual size: 0.85 to 1.6.")] = 1.0
    offline: Annotated[bool, said("Whether Alcove connects to no other computer.")] = False
    models_dir: Annotated[str, said("The folder where models are kept; empty: one among the person's own files.")] = ""
    more_folders: Annotated[list[str], said("Other folders of models that are read as well.")] = []
    moving_from: str = ""  # a folder whose models are on their way to models_dir
    panel_open: bool = True
    last_model: str = ""  # reference of the model that a new chat starts with
    context: Tokens = 0  # tokens of conversation memory; 0: what suits model and computer
    contexts: dict[str, Tokens] = {}  # the same where it was chosen for one model, by its catalogue id or the name of its file
    goals: dict[str, Goal] = {}  # what a model's settings are chosen for, by the same names: nothing is the balance
    kv_types: dict[str, KvType] = {}  # the form of conversation memory, where one was chosen for a model
    thinking: dict[str, bool] = {}  # whether a model thinks first, for those that offer the choice: known once it was open
    keep_ready: Annotated[
        bool, said("Whether what models have read of conversations is kept on the disk, so that they go on at once.")
    ] = True
    sleep_after_min: Annotated[
        Minutes, said("Minutes without a message, after which a model gives its memory back; 0: never.")
    ] = 30
    when_full: Annotated[WhenFull, said("What happens to the oldest part when a conversation is too long for its model.")] = "ask"
    speed_limit: Annotated[Speed, said("Bytes a second that all downloads together may take; 0: no limit.")] = 0
    on_close: Annotated[OnClose, said("What becomes of downloads when the window is closed.")] = "ask"
    hub_endpoint: Annotated[
        str, said("The address of the Hub or of a mirror that models come from; empty: HF_ENDPOINT, else huggingface.co.")
    ] = ""
    ca_file: Annotated[
        str, said("A file with certificates that are trusted in addition to the system's, for a network that inspects TLS.")
    ] = ""
    proxy: Annotated[str, said("The address of a proxy; none: never one; empty: what the system says.")] = ""
    proxy_user: Annotated[str, said("The name for the proxy; its password is in the system's keyring.")] = ""
    allowed_hosts: Annotated[
        list[str], said("The only hosts that are connected to, *.hf.co for all below it; empty: those that are asked for.")
    ] = []
    catalogue_keys: Annotated[list[str], said("Public keys, in base64, of those whose newer lists of models are used.")] = []
    token_kept: bool = False  # an access token for the Hub is in the system's keyring
    avoid_metered: Annotated[bool, said("Whether downloads wait while the connection is paid for by its amount.")] = False
    window: str = ""  # size and place of the window, as Qt wrote them


@dataclass(frozen=True)
class Decided:
    """What the organisation says about settings, by their names: `locked` lies over the person's choice, `defaults` below it."""

    locked: Mapping[str, Any] = field(default_factory=dict)
    defaults: Mapping[str, Any] = field(default_factory=dict)


NOTHING = Decided()


def hold(settings: Settings, decided: Decided) -> None:
    """Put what is locked in its place again, whatever was changed."""
    for name, value in decided.locked.items():
        setattr(settings, name, copy.copy(value))


def load(path: Path, decided: Decided = NOTHING) -> Settings:
    """What holds, by the file at `path` and the organisation. A value of the file that cannot be read counts as not given;
    the unreadable file is kept aside.

    Raises NotWritable where the file belongs to someone else.
    """
    settings = _proposed(decided)
    for name, value in chosen(path).items():
        setattr(settings, name, value)
    hold(settings, decided)
    return settings


def follow(settings: Settings, path: Path, before: Decided, now: Decided) -> None:
    """Let what the organisation says now hold in place of what it said before; what it says no more is the person's again.

    As `load`.
    """
    fresh = load(path, now)
    for name in {*before.locked, *before.defaults, *now.locked, *now.defaults}:
        setattr(settings, name, getattr(fresh, name))


def chosen(path: Path) -> dict[str, Any]:
    """What the person chose, by the names of settings. As `load`."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise replacing.refused(error, path) from error
    good, whole = _valid(content)
    if not whole:
        os.replace(path, path.with_suffix(".unreadable.json"))
    return good


def _valid(content: bytes) -> tuple[dict[str, Any], bool]:
    """Every field that is valid, and whether all are."""
    try:
        fields = msgspec.json.decode(content, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}, False
    good: dict[str, Any] = {}
    known = [name for name in fields if name in Settings.__struct_fields__]
    for name in known:
        with suppress(msgspec.ValidationError):
            good[name] = getattr(msgspec.convert({name: fields[name]}, Settings), name)
    return good, len(good) == len(known)


def save(settings: Settings, path: Path, decided: Decided = NOTHING) -> None:
    """Write what the person chose through a temporary file, so that a crash leaves the old settings or the new ones.

    What is locked stays in the file as the person had chosen it before. Raises NotWritable.
    """
    base, kept = _proposed(decided), chosen(path)
    for name in Settings.__struct_fields__:
        value = getattr(settings, name)
        if name not in decided.locked and (name in kept or value != getattr(base, name)):
            kept[name] = value
    replacing.save(path, msgspec.json.format(msgspec.json.encode(kept)), own=True)


def _proposed(decided: Decided) -> Settings:
    """What holds where the person chose nothing."""
    return Settings(**{name: copy.copy(value) for name, value in decided.defaults.items()})


def models_dir(settings: Settings, paths: Paths) -> Path:
    """The folder for models: the person's choice, or the one below the home."""
    return Path(os.path.expanduser(settings.models_dir)) if settings.models_dir else paths.models


def more_folders(settings: Settings) -> tuple[Path, ...]:
    """The other folders of models that are read, also the one that is being moved."""
    named = [*settings.more_folders, settings.moving_from]
    return tuple(Path(os.path.expanduser(folder)) for folder in named if folder)
