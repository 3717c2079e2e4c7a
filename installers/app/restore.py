"""Run by the frozen program before anything else: what it starts is to be as if Alcove had not been there.

The loader finds our libraries by LD_LIBRARY_PATH, and a browser that opens a link would find them, too, in the place of its own.
By the other variables the engine, which is this program once more, would take itself for a part of the first, and look for none.
"""

import os

for _name in ("LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH"):
    _before = os.environ.pop(f"{_name}_ORIG", None)
    if _before is not None:
        os.environ[_name] = _before
    else:
        os.environ.pop(_name, None)
for _name in [_name for _name in os.environ if _name.startswith("_PYI_")]:
    del os.environ[_name]
