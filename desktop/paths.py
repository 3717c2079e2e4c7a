"""Where Alcove keeps its files: one home folder that `--home` or ALCOVE_HOME moves, and the resources that came with it."""

import os
import sys
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from desktop import private, text
from desktop.errors import OddName
from desktop.replacing import refused

FROZEN = bool(getattr(sys, "frozen", False))  # installed as a program of its own, not as a package of Python
RESOURCES = Path(__file__).resolve().parent.parent / "resources"
GUIDE = RESOURCES / "starter" / "alcove-guide.gguf"


def _of_all_users() -> Path:
    """The folder of this computer with data for everybody, which no variable leads elsewhere."""
    if sys.platform == "win32":
        from platformdirs.windows import get_win_folder_via_ctypes  # its site_data_dir asks variables first

        return Path(get_win_folder_via_ctypes("CSIDL_COMMON_APPDATA"), "alcove")
    return Path("/Library/Application Support/alcove" if sys.platform == "darwin" else "/usr/local/share/alcove")


OF_ALL_USERS = _of_all_users()
SHARED_CATALOGUE = OF_ALL_USERS / "catalogue"
# What lies in a home and is the person's own, as patterns: beside a database lies its journal, beside settings what was broken.
OWN = (
    "conversations.sqlite*",
    "settings.*",
    "downloads.json*",
    "acceptances.jsonl",
    "window.*",
    "cache",
    "states",
    "logs",
    "logs/*",
    "licences",
)
POLICY = Path("/etc/alcove")  # what the organisation decided; no option and no variable leads elsewhere


def user_policy() -> Path:
    """Rules of the person's own, on Linux; they add to what the organisation decided and take nothing away."""
    return Path(platformdirs.user_config_dir("alcove", appauthor=False)) / "policy.json"


def shared_models() -> tuple[Path, ...]:
    """The folders with models for everyone here, of which none is ever written.

    Whoever starts the program cannot lead it past those of the system, and an installer may carry models beside the program.
    """
    of_linux = [Path(root, "share", "alcove") for root in ("/usr/local", "/usr")] if sys.platform.startswith("linux") else []
    of_program = [Path(sys.executable).resolve().parent] if FROZEN else []
    return tuple(dict.fromkeys(folder / "models" for folder in (OF_ALL_USERS, *of_linux, *of_program)))


def resource(name: str) -> Path:
    """A file that came with the program, by its path below resources/."""
    return RESOURCES / name


def check_name(path: Path) -> None:
    """Raise OddName for what could be noted nowhere: on Linux a name may be any bytes."""
    if (readable := text.valid(str(path))) != str(path):
        raise OddName(path=readable)


@dataclass(frozen=True)
class Paths:
    """Every file that Alcove writes lies below `home`, but for models when the person chose another folder for them."""

    home: Path

    @classmethod
    def default(cls, home: str | os.PathLike[str] | None = None) -> "Paths":
        """`home` if given, else ALCOVE_HOME, else the system's folder for the data of programs."""
        chosen = home or os.environ.get("ALCOVE_HOME") or platformdirs.user_data_dir("alcove", appauthor=False)
        return cls(Path(os.path.expanduser(chosen)).absolute())  # unlike Path's, takes the "~" of no user as it stands

    @property
    def models(self) -> Path:
        return self.home / "models"

    @property
    def database(self) -> Path:
        return self.home / "conversations.sqlite"

    @property
    def catalogue(self) -> Path:
        """A newer list of models, where the person got one."""
        return self.home / "catalogue"

    @property
    def settings(self) -> Path:
        return self.home / "settings.json"

    @property
    def downloads(self) -> Path:
        """What was asked for and is not here yet."""
        return self.home / "downloads.json"

    @property
    def licences(self) -> Path:
        """The texts of licences that were fetched with models."""
        return self.home / "licences"

    @property
    def acceptances(self) -> Path:
        """Which licences were accepted, when and by whom."""
        return self.home / "acceptances.jsonl"

    @property
    def cache(self) -> Path:
        return self.home / "cache"

    @property
    def states(self) -> Path:
        """What models have read of conversations, so that they need not read it again."""
        return self.home / "states"

    @property
    def logs(self) -> Path:
        return self.home / "logs"

    def create(self) -> None:
        """Make the folders, readable by their owner only. Raises NotWritable, OddName.

        A home that was there, and models in it, keep the rights that they have, since others may be meant to read them; what is
        the person's own in it, others read no more.
        """
        check_name(self.home)
        try:
            for folder in (self.home, self.models, self.cache, self.states, self.logs):
                folder.mkdir(parents=True, exist_ok=True, mode=private.FOLDER)
            probe = self.home / f".writable-{os.getpid()}"
            probe.touch()
            probe.unlink()
        except OSError as error:
            raise refused(error, self.home) from error
        for pattern in OWN:
            for path in self.home.glob(pattern):
                private.narrow(path)
