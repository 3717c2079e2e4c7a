"""Prove that the engine runs on old processors: emulated ones load it, choose the code for them, and let the guide answer.

    build/tools/bin/python installers/app/processors.py [FOLDER_OF_THE_BINDINGS]

Needs qemu-user (Debian's package of that name) on Linux with an x86-64 processor, and the engine (engine.sh), or another folder
that holds llama_cpp. It is the interpreter that is emulated: a frozen program starts itself again, and that one would not be.
"""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
EXPECTED = {"Nehalem": "sse42", "SandyBridge": "sandybridge", "IvyBridge": "ivybridge", "Haswell": "haswell"}
QUESTION = "What is Alcove?"


def main(bindings: Path) -> int:
    """Ask each processor, and say what it did; 1 when one of them failed."""
    failed = False
    for processor, variant in EXPECTED.items():
        command = ["qemu-x86_64", "-cpu", processor, os.path.realpath(sys.executable), __file__, "--inside"]
        places = os.pathsep.join([str(ROOT), str(bindings), *(path for path in sys.path if "site-packages" in path)])
        done = subprocess.run(command, env={**os.environ, "PYTHONPATH": places}, capture_output=True, text=True, check=False)
        right = done.returncode == 0 and f"libggml-cpu-{variant}.so" in done.stdout
        failed |= not right
        said = done.stdout.strip() or done.stderr.strip()[-300:]
        print(f"{processor}: {'ok' if right else f'FAILED ({done.returncode}), {variant} was expected'}: {said}", flush=True)
    return int(failed)


def inside() -> None:
    """What the emulated interpreter does: say which module was chosen, and what the guide answers."""
    import ctypes

    from desktop.engine import ChatOptions, LoadOptions, Message, llama, wire
    from desktop.engine.model import Model
    from desktop.engine.threads import Counts
    from desktop.paths import GUIDE

    model = Model(wire.Load(LoadOptions(GUIDE, context=512), Counts((1,), (1,), 1)), ctypes.c_int(0), llama.Log(), lambda _: None)
    reply = model.chat(wire.Chat((Message("user", QUESTION),), ChatOptions(max_tokens=12, temperature=0.0)), lambda _: None)
    loaded = {Path(line.split()[-1]).name for line in Path("/proc/self/maps").read_text().splitlines() if "libggml-cpu" in line}
    assert reply.text, "the guide said nothing"
    print(*loaded, repr(reply.text))


if __name__ == "__main__":
    if sys.argv[1:] == ["--inside"]:
        inside()
    else:
        sys.exit(main(Path(sys.argv[1]) if sys.argv[1:] else ROOT / "build" / "engine" / "python"))
