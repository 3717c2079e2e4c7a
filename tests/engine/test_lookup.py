"""Guesses from what was said before change how fast an answer comes, and nothing else."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.engine.lookup import WAIT_LEAST, WORDS, Lookup, Worth
from tests.engine import models


def looked_up(tokens: list[int], most: int = 4) -> list[int]:
    lookup = Lookup()
    lookup.add(tokens)
    return lookup.guess(most)


def test_what_followed_the_same_words_is_guessed() -> None:
    assert looked_up([1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3]) == [4, 5, 6, 7]
    assert looked_up([1, 2, 3, 4, 5, 1, 2, 3, 9, 9, 1, 2, 3]) == [9, 9, 1, 2]  # as it was last
    assert looked_up([1, 2, 3, 4, 5, 6, 2, 3]) == []
    assert looked_up([1, 2]) == []


@given(st.lists(st.integers(0, 3), max_size=60), st.integers(0, 6))
def test_a_guess_stood_after_the_same_words_before(tokens: list[int], most: int) -> None:
    guess = looked_up(tokens, most)
    assert len(guess) <= most
    if guess:
        wanted = [*tokens[-WORDS:], *guess]
        assert any(tokens[at : at + len(wanted)] == wanted for at in range(len(tokens)))


def test_guessing_goes_on_while_it_is_faster() -> None:
    worth = Worth()
    assert not worth.pays  # nothing to compare with yet
    worth.note(0, 1, 0.010)
    for _ in range(50):
        assert worth.pays
        worth.note(4, 3, 0.020)


def test_guessing_rests_while_it_is_slower_and_longer_each_time() -> None:
    worth = Worth()
    worth.note(0, 1, 0.010)
    rests = []
    for _ in range(3):
        worth.note(4, 1, 0.020)
        rest = 0
        while not worth.pays:
            worth.note(0, 1, 0.010)
            rest += 1
        rests.append(rest)
    assert rests == [WAIT_LEAST, 2 * WAIT_LEAST, 4 * WAIT_LEAST]
    worth.note(4, 5, 0.020)  # now it pays
    worth.note(4, 1, 0.200)
    assert not worth.pays


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("guessing")


def answers(path: Path, question: str, most: int) -> dict[str, dict[str, Any]]:
    command = [sys.executable, "-m", "tests.engine.guessing", path, question, str(most)]
    found: dict[str, dict[str, Any]] = json.loads(subprocess.check_output(command))
    return found


@pytest.mark.parametrize("window", [None, 64])
def test_the_answer_is_the_same_with_guesses(folder: Path, window: int | None) -> None:
    path = models.write(folder / f"{window}.gguf", models.WORDS, window=window, layers=7 if window else 1)
    found = answers(path, "Hello", 70)
    assert found["always"]["guessed"] > 30
    assert found["never"]["guessed"] == 0
    for way in ("always", "measured"):
        assert {**found[way], "guessed": 0} == found["never"]


def test_guesses_end_where_the_answer_does(folder: Path) -> None:
    """The question holds the answer and more, which must be neither shown nor kept in mind."""
    script = [" one", " two", " three", " four", " five", models.END]
    found = answers(models.write(folder / "ends.gguf", script), "one two three four five six. \n one two three four five six", 40)
    assert found["always"] == {**found["never"], "guessed": found["always"]["guessed"]}
    assert found["always"]["finish"] == "stop"


def test_guesses_end_where_the_context_does(folder: Path) -> None:
    found = answers(models.write(folder / "full.gguf", models.WORDS), "Hello", 5000)
    assert found["always"]["finish"] == found["never"]["finish"] == "full"
    assert found["always"]["text"] == found["never"]["text"]
    assert found["always"]["guessed"] > 300


@pytest.mark.parametrize("kind", ["mamba", "lfm2"])
def test_a_state_that_cannot_go_back_is_not_guessed_for(folder: Path, kind: str) -> None:
    found = answers(models.write_rambler(folder / f"{kind}.gguf", kind), "Hello", 60)
    assert found["always"]["guessed"] == 0
    assert found["always"]["text"] == found["never"]["text"]
