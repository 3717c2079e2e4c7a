"""What the person chose, in one JSON file: checked when read, written atomically, never lost to a bad value."""

import os
from pathlib import Path
from typing import Annotated, Literal

import msgspec

from desktop.errors import NotWritable
from desktop.paths import Paths
from desktop.replacing import replace

Theme = Literal["system", "light", "dark", "contrast"]
Goal = Literal["speed", "quality", "long"]
KvType = Literal["f16", "q8_0", "q4_0"]
WhenFull = Literal["ask", "summarise", "forget"]
OnClose = Literal["ask", "background", "next_start", "stop"]
Tokens = Annotated[int, msgspec.Meta(ge=0, lt=1 << 31)]
Minutes = Annotated[int, msgspec.Meta(ge=0, lt=1 << 31)]


class Settings(msgspec.Struct, kw_only=True):
    """All settings with their defaults. Change a field, then `save()`."""

    theme: Theme = "system"
    text_scale: float = 1.0  # of the type scale: 0.85 to 1.6
    offline: bool = False
    models_dir: str = ""  # empty: the folder below the home
    more_folders: list[str] = []  # folders of models that are read as well
    moving_from: str = ""  # a folder whose models are on their way to models_dir
    panel_open: bool = True
    last_model: str = ""  # reference of the model that a new chat starts with
    context: Tokens = 0  # tokens of conversation memory; 0: what suits model and computer
    contexts: dict[str, Tokens] = {}  # the same where it was chosen for one model, by its catalogue id or the name of its file
    goals: dict[str, Goal] = {}  # what a model's settings are chosen for, by the same names: nothing is the balance
    kv_types: dict[str, KvType] = {}  # the form of conversation memory, where one was chosen for a model
    thinking: dict[str, bool] = {}  # whether a model thinks first, for those that offer the choice: known once it was open
    keep_ready: bool = True  # what models have read of conversations is kept on the disk
    sleep_after_min: Minutes = 30  # minutes without a message, after which the model gives its memory back; 0: never
    when_full: WhenFull = "ask"  # what happens to the older part when a conversation becomes too long for its model
    speed_limit: Annotated[int, msgspec.Meta(ge=0)] = 0  # bytes a second that downloads may take; 0: no limit
    on_close: OnClose = "ask"  # what becomes of downloads when the window is closed
    hub_endpoint: str = ""  # empty: HF_ENDPOINT, else huggingface.co
    ca_file: str = ""  # a company's certificate, in addition to the system's
    proxy: str = ""  # empty: what the system says; "none": never one; else the address of one
    proxy_user: str = ""  # the name that the proxy knows the person by; the password is in the system's keyring
    allowed_hosts: list[
        str
    ] = []  # the only ones that are connected to, "*.hf.co" for all below it; empty: those that are asked for
    catalogue_keys: list[str] = []  # public keys, in base64, of those whose newer lists of models are used
    token_kept: bool = False  # an access token for the Hub is in the system's keyring
    avoid_metered: bool = False  # a download waits while the connection is paid for by its amount
    window: str = ""  # size and place of the window, as Qt wrote them


def load(path: Path) -> Settings:
    """The settings at `path`. A value that cannot be read falls back to its default; the unreadable file is kept aside.

    Raises NotWritable where the file belongs to someone else.
    """
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise NotWritable(path=str(path)) from error
    try:
        return msgspec.json.decode(content, type=Settings)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        os.replace(path, path.with_suffix(".unreadable.json"))
        return _salvage(content)


def _salvage(content: bytes) -> Settings:
    """Every single field that is still valid."""
    try:
        fields = msgspec.json.decode(content)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return Settings()
    good = Settings()
    for name, value in fields.items() if isinstance(fields, dict) else ():
        try:
            setattr(good, name, getattr(msgspec.convert({name: value}, Settings), name))
        except (msgspec.ValidationError, AttributeError):
            continue
    return good


def save(settings: Settings, path: Path) -> None:
    """Write through a temporary file, so that a crash leaves the old settings or the new ones. Raises NotWritable."""
    try:
        replace(path, msgspec.json.format(msgspec.json.encode(settings)))
    except OSError as error:
        raise NotWritable(path=str(path)) from error


def models_dir(settings: Settings, paths: Paths) -> Path:
    """The folder for models: the person's choice, or the one below the home."""
    return Path(os.path.expanduser(settings.models_dir)) if settings.models_dir else paths.models


def more_folders(settings: Settings) -> tuple[Path, ...]:
    """The other folders of models that are read, also the one that is being moved."""
    named = [*settings.more_folders, settings.moving_from]
    return tuple(Path(os.path.expanduser(folder)) for folder in named if folder)
