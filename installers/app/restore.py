"""Run by the frozen program before anything else: what it starts is to be as if Alcove had not been there.

The loader finds our libraries by LD_LIBRARY_PATH, and a browser that opens a link would find them, too, in the place of its own.
"""

import os

for _name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
    _before = os.environ.pop(f"{_name}_ORIG", None)
    if _before is not None:
        os.environ[_name] = _before
    else:
        os.environ.pop(_name, None)
