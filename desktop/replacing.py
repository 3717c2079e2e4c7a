"""A file replaced in one step: a crash, a kill or a full disk leaves the old content or the new, and never half of it."""

import os
from contextlib import suppress
from pathlib import Path


def replace(path: Path, content: bytes) -> None:
    """Put `content` in a file; its folder has to be there. Raises OSError, and leaves nothing else behind."""
    fresh = path.with_name(f"{path.name}.{os.getpid()}.new")  # another program at the same file has another number
    try:
        with fresh.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(fresh, path)
    except OSError:
        with suppress(OSError):
            fresh.unlink()
        raise
