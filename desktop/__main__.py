"""`alcove` or `python -m desktop`: the window without a command, else the command line."""

import io
import os
import signal
import sys
from pathlib import Path


def main() -> int:
    """Also the door of the engine's process in a frozen program, which has no interpreter to start a module with."""
    if sys.argv[1:2] == ["--engine-worker"]:
        from desktop.engine import worker

        return worker.main(sys.argv[2:])
    try:
        try:
            return _main()
        finally:
            signal.signal(signal.SIGINT, signal.SIG_IGN)  # Python lets go of it before it is gone, and one more would kill it
    except KeyboardInterrupt:  # while this is imported, or once more while it ends
        return 130


def _main() -> int:
    for stream in (sys.stdin, sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # there is none behind a window on Windows
            _let_pass(stream)
    if not sys.argv[1:]:  # the window is there sooner without all that a command line needs
        return _open_window(None)
    from desktop import cli

    return cli.run(sys.argv[1:], _open_window)


def _let_pass(stream: io.TextIOWrapper) -> None:
    """Read and write every character: a pipe on Windows knows 256 of them, and some file names are no text at all."""
    stream.reconfigure(encoding=None if stream.isatty() else "utf-8", errors="replace")


def _open_window(home: Path | None, file: Path | None = None) -> int:
    if not _has_screen():
        answers = file.name if file else "the small built-in guide"
        print(f"There is no screen here, so this is the chat in the terminal, with {answers}.", file=sys.stderr)
        from desktop import cli

        return cli.run(["chat", str(file or "guide"), *(["--home", str(home)] if home else [])], lambda home: 1)
    from desktop import ui

    return ui.run(home, file)


def _has_screen() -> bool:
    """Qt ends the process when it finds none, so we look first. Windows and macOS always have one."""
    wanted = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
    return not sys.platform.startswith("linux") or any(os.environ.get(name) for name in wanted)


if __name__ == "__main__":
    sys.exit(main())
