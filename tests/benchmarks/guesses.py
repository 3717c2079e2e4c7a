"""What guessing from the words before brings: tokens a second of an answer that repeats itself, and of one that does not.

python -m tests.benchmarks.guesses [THREADS]: the same model and question with guesses never, always and as it pays, in turn.
"""

import statistics
import sys
import tempfile
from pathlib import Path

from desktop.engine import ChatOptions, LoadOptions, Message, wire
from desktop.engine.lookup import Worth
from tests.engine import models
from tests.engine.direct import open_model
from tests.engine.guessing import Fixed

REPEATS, TOKENS = 5, 96


WAYS = {"never": lambda: Fixed(False), "always": lambda: Fixed(True), "as it pays": Worth}


def rates(path: Path, misleading: str, threads: int) -> dict[str, list[float]]:
    """Tokens a second of each way; `misleading` words in the question make guesses that are wrong."""
    model = open_model(LoadOptions(path, context=4096, threads=threads))
    found: dict[str, list[float]] = {way: [] for way in WAYS}
    order = wire.Chat((Message("user", misleading),), ChatOptions(max_tokens=TOKENS, temperature=0.0))
    for _ in range(REPEATS):
        for way, worth in WAYS.items():
            model._worth = worth()
            found[way].append(model.chat(order, lambda _: None).tokens_per_s)
    model.close()
    return found


def main(threads: str = "1") -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        words = [f" word{number}" for number in range(200)]
        false = " ".join("".join(words[at : at + 3]) + " or" for at in range(100))
        for name, script, question in (
            ("repeats itself", words[:12], "Hello"),
            ("never does", words, "Hello"),
            ("never does, and every guess is wrong", words, false),
        ):
            path = models.write(Path(folder) / "model.gguf", script, layers=28, width=1024, hidden=3072, packed=True)
            found = rates(path, question, int(threads))
            plain = statistics.median(found["never"])
            figures = ", ".join(
                f"{way} {statistics.median(v):.1f} ({statistics.median(v) / plain:.2f}x)" for way, v in found.items()
            )
            print(f"answer that {name}: tokens a second with guesses {figures}", flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
