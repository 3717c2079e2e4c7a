"""Each stated error has words of its own in the window, with its facts in them and a next step."""

from collections.abc import Iterator

import pytest

from desktop import errors
from desktop.errors import AlcoveError
from desktop.ui import messages

FACTS = {
    "reference": "qwen9",
    "name": "Qwen",
    "host": "huggingface.co",
    "why": "the connection was refused",
    "status": 503,
    "what": "file x.gguf",
    "repo": "maker/model",
    "page": "https://huggingface.co/maker/model",
    "rule": "Alcove connects by https only",
    "needed_bytes": 9_100_000_000,
    "free_bytes": 6_200_000_000,
    "size_bytes": 1_000_000_000,
    "expected_bytes": 2_000_000_000,
    "folder": "/models",
    "path": "/models/x.gguf",
    "architecture": "newkind",
    "tokens": 9000,
    "context": 8192,
    "code": -9,
    "limit_bytes": 64 << 20,
    "step": "Choose a smaller model.",
    "times": 3,
    "reason": "Your organisation does not allow models by Qwen.",
    "where": "/etc/alcove/policy.json",
    "licence": "Qwen Licence",
    "clause": ", Section 3",
    "because": "You may not give it to others.",
}


def every(kind: type[AlcoveError]) -> Iterator[type[AlcoveError]]:
    yield kind
    for below in kind.__subclasses__():
        if below.__module__ == errors.__name__:
            yield from every(below)


@pytest.mark.parametrize("kind", tuple(every(AlcoveError)), ids=lambda kind: kind.__name__)
def test_every_error_has_words_of_its_own(kind: type[AlcoveError]) -> None:
    explained = messages.explain(kind(**FACTS))
    assert kind in messages._words()
    assert explained.title
    assert explained.sentence.endswith(".")
    assert explained.sentence[0] == explained.sentence[0].upper()
    assert not {"{", "}", "–", "!"} & set(explained.title + explained.sentence)
    assert explained.button
    known = {messages.TRY_AGAIN, messages.SETTINGS, messages.MODELS, messages.NEW_CHAT, messages.OPEN_PAGE}
    known |= {messages.ANYWAY, messages.ACCEPT}
    known |= {messages.SUMMARISE, messages.FORGET, messages.SHORTEN, messages.LONGER}
    assert {explained.act, *(act for _, act in explained.more)} <= known


def test_bytes_read_as_people_say_them() -> None:
    explained = messages.explain(errors.WillNotFit(**FACTS))
    assert "9.1 GB" in explained.sentence
    assert "6.2 GB" in explained.sentence


def test_an_error_that_is_added_later_still_has_words() -> None:
    class Odd(errors.Unreachable):
        pass

    assert messages.explain(Odd(host="a.example", why="it is asleep")).title == "a.example could not be reached"


def test_people_are_not_told_of_tokens() -> None:
    for kind in every(AlcoveError):
        assert " token" not in messages.explain(kind(**FACTS)).sentence.replace("access token", "")


def test_a_model_that_keeps_crashing_comes_with_a_smaller_one() -> None:
    here = messages.explain(errors.KeepsCrashing(**FACTS, smaller="qwen3-1.7b", smaller_name="Qwen3 1.7B"))
    assert (here.button, here.act) == ("Go on with Qwen3 1.7B", messages.SMALLER)
    there = messages.explain(errors.KeepsCrashing(**FACTS, smaller_name="Qwen3 1.7B"))
    assert there.act == messages.MODELS
    assert "“Qwen3 1.7B” is smaller" in there.sentence
    assert here.more == there.more == (("Try it all the same", messages.ANYWAY),)
