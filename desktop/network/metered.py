"""Whether the connection that this computer has is paid for by its amount, as the system tells it."""

import re
import shutil
import subprocess

ASK_S = 2.0
NETWORK_MANAGER = "org.freedesktop.NetworkManager"
PATH = "/org/freedesktop/NetworkManager"
PROFILE = "Windows.Networking.Connectivity.NetworkInformation"
PROGRAMS = (  # of which each system has its own
    ("busctl", "--system", "get-property", NETWORK_MANAGER, PATH, NETWORK_MANAGER, "Metered"),
    ("gdbus", "call", "--system", "--dest", NETWORK_MANAGER, "--object-path", PATH)
    + ("--method", "org.freedesktop.DBus.Properties.Get", NETWORK_MANAGER, "Metered"),
    ("powershell", "-NoProfile", "-NonInteractive", "-Command")
    + (
        f"[void][{PROFILE}, Windows, ContentType=WindowsRuntime]; "
        f"[{PROFILE}]::GetInternetConnectionProfile().GetConnectionCost().NetworkCostType",
    ),
)
# NetworkManager's NMMetered, of which 3 and 4 are guesses from the kind of connection, and Windows' NetworkCostType.
MEANS = {"1": True, "3": True, "2": False, "4": False, "Fixed": True, "Variable": True, "Unrestricted": False}


def metered() -> bool | None:
    """Whether a large download would cost the person; None where the system does not tell. Asks another program: up to 2 s."""
    for program, *arguments in PROGRAMS:
        if (found := shutil.which(program)) and (answer := _ask([found, *arguments])) is not None:
            return answer
    return None


def _ask(command: list[str]) -> bool | None:
    """What the last word of the answer means: "u 4" of busctl, "(<uint32 4>,)" of gdbus, "Fixed" of Windows."""
    window = getattr(subprocess, "CREATE_NO_WINDOW", 0)
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, timeout=ASK_S, stdin=subprocess.DEVNULL, creationflags=window, check=False
        )
    except (OSError, subprocess.TimeoutExpired, UnicodeDecodeError):
        return None
    words = re.findall(r"\w+", done.stdout) if done.returncode == 0 else []
    return MEANS.get(words[-1]) if words else None
