"""Two turns with a model in this process, first as they come and then with what happens between them; prints what was read."""

import json
import sys
from pathlib import Path

from desktop.engine import ChatOptions, LoadOptions, Message, wire
from tests.engine.direct import open_model


def main(path: str, text: str) -> None:
    """Print how many tokens of a second question were in memory, without and with settling, and what it was answered."""
    model = open_model(LoadOptions(Path(path), context=4096))
    options = ChatOptions(temperature=0.0, max_tokens=60, stop=(), seed=1)
    found: dict[str, object] = {}
    for name in ("unsettled", "settled"):
        model.recall.clear()
        first = wire.Chat((Message("user", text),), options)
        reply = model.chat(first, lambda _: None)
        said = (*first.messages, Message("assistant", "Yes, " * 60, reply.thinking), Message("user", "And then?"))
        if name == "settled":
            model.settle(first, type(reply)(**{**vars(reply), "text": "Yes, " * 60}))
            found["next_begin"] = len(model.recall.held)
        then = model.chat(wire.Chat(said, options), lambda _: None)
        found |= {f"{name}_cached": then.cached_tokens, f"{name}_text": then.text or then.thinking}
    print(json.dumps(found))


if __name__ == "__main__":
    main(*sys.argv[1:])
