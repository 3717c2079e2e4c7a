"""One answer in this process, with guesses always, never, and as it pays; prints the texts and how much was guessed right."""

import json
import sys
from pathlib import Path

from desktop.engine import ChatOptions, LoadOptions, Message, wire
from desktop.engine.lookup import Worth
from tests.engine.direct import open_model


class Fixed(Worth):
    """Always pays, or never."""

    def __init__(self, pays: bool) -> None:
        super().__init__()
        self._pays = pays

    @property
    def pays(self) -> bool:
        return self._pays


def main(path: str, question: str, most: str) -> None:
    """Print the text, the finish and the guessed tokens of each way."""
    model = open_model(LoadOptions(Path(path), context=512))
    found = {}
    for name, worth in (("always", Fixed(True)), ("never", Fixed(False)), ("measured", Worth())):
        model._worth = worth
        order = wire.Chat((Message("user", question),), ChatOptions(max_tokens=int(most), temperature=0.8, seed=3))
        reply = model.chat(order, lambda _: None)
        held = model.words.text(model.recall.held)
        found[name] = {"text": reply.text, "finish": reply.finish, "guessed": reply.guessed_tokens, "held": held}
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
