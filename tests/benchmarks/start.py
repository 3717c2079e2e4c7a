"""How long a start takes, and what it costs:  python -m tests.benchmarks.start [RUNS]

Each run is a process of its own with a warm disk; medians are printed. "Window" is from the process's start until the event loop
answers after the window is shown, "offers" until the first page has its offers, "answer" from a question to the guide (which is
loaded for it) to the first word and to the last.
"""

import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

PROBE = """
import json, sys, time, psutil
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication
from desktop.app import App
from desktop.engine import Piece
from desktop.ui.program import Program
me = psutil.Process()
born = me.create_time()
qt = QApplication([])
program = Program(App.open(sys.argv[1]), qt)
seen = {}
def shown():
    seen["window_s"] = time.time() - born
    program.advice.offers_ranked.connect(lambda _: QTimer.singleShot(0, ranked))
def ranked():
    seen["offers_s"] = time.time() - born
    seen["memory_bytes"] = me.memory_info().rss
    seen["foreign"] = sorted(set(sys.modules) & {"llama_cpp", "huggingface_hub", "numpy"})
    conversation = program.app.conversations.create("t", "guide")
    asked = time.time()
    for item in program.app.talking.turn(conversation, "What is an open-weight model?", "guide"):
        if isinstance(item, Piece) and item.text:
            seen.setdefault("first_word_s", time.time() - asked)
    seen["whole_answer_s"] = time.time() - asked
    program.window.close()
    print(json.dumps(seen))
    qt.quit()
program.begin()
QTimer.singleShot(0, shown)
qt.exec()
"""


def run(home: str) -> dict[str, Any]:
    """One start, ask and end."""
    done = subprocess.run([sys.executable, "-c", PROBE, home], capture_output=True, text=True, check=True)
    figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return figures


def main() -> None:
    """Print medians and ranges."""
    runs = int(sys.argv[1]) if len(sys.argv) > 1 else 7
    with tempfile.TemporaryDirectory() as folder:
        run(str(Path(folder, "warm")))
        found = [run(str(Path(folder, "home"))) for _ in range(runs)]
    for key in ("window_s", "offers_s", "first_word_s", "whole_answer_s", "memory_bytes"):
        values = [figures[key] for figures in found]
        scale, unit = (1e-6, "MB") if key.endswith("bytes") else (1.0, "s")
        low, middle, high = (f(values) * scale for f in (min, statistics.median, max))
        print(f"{key.rpartition('_')[0]:<14} median {middle:8.2f} {unit}   from {low:.2f} to {high:.2f}")
    print(f"loaded in the window's process of llama_cpp, huggingface_hub, numpy: {found[-1]['foreign'] or 'none'}")


if __name__ == "__main__":
    main()
