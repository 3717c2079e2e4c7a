"""`alcove` or `python -m desktop`: the window without a command, else the command line."""

import sys
from pathlib import Path


def main() -> int:
    """Also the door of the engine's process in a frozen program, which has no interpreter to start a module with."""
    if sys.argv[1:2] == ["--engine-worker"]:
        from desktop.engine import worker

        return worker.main(sys.argv[2:])
    from desktop import cli

    return cli.run(sys.argv[1:], _open_window)


def _open_window(home: Path | None) -> int:
    from desktop import ui

    return ui.run(home)


if __name__ == "__main__":
    sys.exit(main())
