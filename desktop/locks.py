"""The system's locks on open files: two processes of Alcove use one home, and each may end at any moment."""

import sys
from typing import IO


def lock(file: IO[bytes]) -> bool:
    """Take the lock of an open file, unless someone has it; it goes with the process, even with a killed one."""
    if sys.platform == "win32":
        import msvcrt

        position = file.tell()
        file.seek(1 << 62)  # a place without bytes: there a lock keeps nobody from reading
        try:
            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        finally:
            file.seek(position)
        return True
    import fcntl

    try:
        fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:  # a file system without locks
        return True
    return True
