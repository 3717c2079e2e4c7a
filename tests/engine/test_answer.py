"""What a person sees of an answer must not depend on where its tokens are cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from desktop.engine import Piece
from desktop.engine.answer import Answer
from desktop.engine.thinking import AFTER_THOUGHTS, BEFORE_ANSWER, BETWEEN, TAGS, opened

MARKS = ["STOP", "ST", "xSTx", "😀", "é", "\n", " ", "<", "a", *TAGS, *TAGS.values(), *BETWEEN]
for wrapper in (BEFORE_ANSWER, AFTER_THOUGHTS):
    MARKS += [*wrapper, *wrapper.values()]
# answers as models write them: what they thought, and what they said
ANSWERS = [
    ("<think>\nHm.\n</think>\n\nYes.", "Hm.\n", "Yes."),
    ("<think>Hm.</think><answer>\nYes.</answer>", "Hm.", "Yes."),
    ("<think>Hm.</think><response>Yes.</response>", "Hm.", "Yes."),
    ("<answer>Yes.</answer>", "", "<answer>Yes.</answer>"),
    ("</think>\n\nYes.", "", "Yes."),
    ("<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>final<|message|>Yes.", "Hm.", "Yes."),
    (
        "<|channel|>analysis<|message|>Hm.<|end|><|start|>assistant<|channel|>commentary<|message|>Wait.<|end|>"
        "<|start|>assistant<|channel|>analysis<|message|> So.<|end|><|start|>assistant<|channel|>final<|message|>Yes.",
        "Hm. So.",
        "Wait.\n\nYes.",
    ),
    ("<|channel|>commentary to=assistant<|channel|>analysis<|message|>Hm.<|end|><|channel|>final<|message|>Yes.", "Hm.", "Yes."),
    ("<|START_THINKING|>Hm.<|END_THINKING|><|START_RESPONSE|>Yes.<|END_RESPONSE|>", "Hm.", "Yes."),
    ("<|START_THINKING|>Hm.<|END_THINKING|><|START_TEXT|>Yes.<|END_TEXT|>", "Hm.", "Yes."),
    ("<|channel>thought\nHm.<channel|>Yes.", "Hm.", "Yes."),
    ("<|inner_prefix|>Hm.<|inner_suffix|>Yes.", "Hm.", "Yes."),
    ("<|think|>Hm.<|end|><|begin|>assistant<|content|>Yes.<|end|>", "Hm.", "Yes."),
    (" to=self<|message|>Hm.<|eom|><|start|>assistant to=user<|message|>Yes.", "Hm.", "Yes."),
    ("Here are my reasoning steps:\nYes.", "", "Here are my reasoning steps:\nYes."),
    (
        "<|open|>think<|sep|>Hm.<|close|>think<|sep|><|open|>response<|sep|>Yes.<|close|>response<|sep|><|close|>message<|sep|>",
        "Hm.",
        "Yes.",
    ),
    ("<|begin_of_thought|>Hm.<|end_of_thought|><|begin_of_solution|>Yes.<|end_of_solution|>", "Hm.", "Yes."),
]


def pieces(parts: list[bytes], stop: tuple[str, ...] = (), closing: str | None = None) -> tuple[list[Piece], Answer]:
    answer = Answer(stop, closing)
    said = [piece for part in parts for piece in answer.feed(part)]
    return [*said, *answer.finish()], answer


def joined(said: list[Piece], thinking: bool) -> str:
    return "".join(piece.text for piece in said if piece.thinking == thinking)


def test_an_answer_that_goes_on_keeps_its_white_space_and_has_no_thoughts() -> None:
    answer = Answer(begun=True)
    said = [piece for part in (b" and", b" then <think>") for piece in answer.feed(part)]
    said += answer.finish()
    assert joined(said, thinking=False) == " and then <think>"
    assert answer.thinking == ""


@given(st.lists(st.sampled_from(MARKS)).map("".join), st.lists(st.integers(0, 200)), st.sampled_from([None, *TAGS.values()]))
def test_where_the_bytes_are_cut_makes_no_difference(text: str, cuts: list[int], closing: str | None) -> None:
    encoded = text.encode()
    edges = sorted({0, len(encoded), *(cut for cut in cuts if cut < len(encoded))})
    parts = [encoded[start:end] for start, end in zip(edges, edges[1:], strict=False)]
    said, answer = pieces(parts, ("STOP", "xSTx", "ST"), closing)
    whole, reference = pieces([encoded], ("STOP", "xSTx", "ST"), closing)
    for thinking in (True, False):
        assert joined(said, thinking) == joined(whole, thinking)
    assert (answer.text, answer.thinking) == (joined(said, False), joined(said, True))
    assert answer.stopped == reference.stopped
    assert "ST" not in answer.text


@given(st.text(), st.binary(max_size=3))
def test_plain_text_comes_through_whole(text: str, rest: bytes) -> None:
    """But for white space before its first word, and half a character at its end."""
    encoded = text.encode()
    said, answer = pieces([encoded[n : n + 1] for n in range(len(encoded))])
    plain = not any(mark in text for mark in MARKS[9:])
    assert not plain or joined(said, False) == text.lstrip()
    assert "\ufffd" in text or "\ufffd" not in answer.text


@pytest.mark.parametrize(("opening", "closing"), TAGS.items())
def test_every_kind_of_thinking_is_set_apart(opening: str, closing: str) -> None:
    text = f"{opening}\nLet me see.{closing}\n\nYes."
    said, answer = pieces([bytes([byte]) for byte in text.encode()])
    assert (answer.thinking, answer.text) == ("Let me see.", "Yes.")
    assert joined(said, True) == "Let me see."
    assert opened(f"Hello{opening}\n") == closing
    _, answer = pieces([f"Let me see.{closing}Yes.".encode()], closing=closing)
    assert (answer.thinking, answer.text) == ("Let me see.", "Yes.")


@pytest.mark.parametrize(("text", "thinking", "said"), ANSWERS)
def test_answers_as_models_write_them(text: str, thinking: str, said: str) -> None:
    _, answer = pieces([bytes([byte]) for byte in text.encode()])
    assert (answer.thinking, answer.text) == (thinking, said)


def test_a_tag_in_the_middle_of_an_answer_is_text() -> None:
    text = "Models write <think> before they think, and </think> after."
    _, answer = pieces([text.encode()])
    assert (answer.thinking, answer.text) == ("", text)


def test_thinking_that_never_ends() -> None:
    _, answer = pieces([b"on and", b" on </thi"], closing="</think>")
    assert (answer.thinking, answer.text) == ("on and on </thi", "")


def test_the_earliest_stop_string_wins_and_nothing_follows() -> None:
    said, answer = pieces([b"one two", b" three END four"], stop=("END", "three", ""))
    assert answer.stopped
    assert joined(said, False) == "one two "


def test_half_a_character_at_the_end_is_dropped() -> None:
    _, answer = pieces(["Hello 😀".encode()[:-1]])
    assert answer.text == "Hello "


@pytest.mark.parametrize(
    ("prompt", "closing"),
    [
        ("...\nHere are my reasoning steps:\n", "[BEGIN FINAL RESPONSE]"),
        ("...<think>\n", "</think>"),
        ("...<think>\n\n</think>\n\n", None),
        ("...[THINK]", "[/THINK]"),
        ("...", None),
    ],
)
def test_whether_a_prompt_has_opened_the_thinking(prompt: str, closing: str | None) -> None:
    assert opened(prompt) == closing
