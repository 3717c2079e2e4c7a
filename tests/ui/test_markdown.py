"""Markdown as blocks: what is said is kept, nothing is loaded, and growing text comes out as whole text does."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from desktop.ui.markdown import Code, Growing, Line, Rule, Table, parse, segments

TEXT = """# Title

Of **course**, *yes* and `code`.

> Quoted
> > twice

1. one
   ```py
   x = 1
   ```
2. two
   - deep

| a | b |
|:--|--:|
| 1 | `2` |

---

<b>raw</b> ![a cat](http://evil.example/cat.png) [site](https://example.org) [bad](javascript:alert(1))
"""


def test_blocks_of_every_kind() -> None:
    blocks = parse(TEXT)
    assert [type(b) for b in blocks] == [Line, Line, Line, Line, Line, Code, Line, Line, Table, Rule, Line]
    title, said, quoted, twice, one, code, two, deep, table, _, last = blocks
    assert isinstance(title, Line)
    assert title.heading == 1
    assert isinstance(said, Line)
    assert [(r.text, r.bold, r.italic, r.code) for r in said.runs if r.bold or r.italic or r.code] == [
        ("course", True, False, False),
        ("yes", False, True, False),
        ("code", False, False, True),
    ]
    assert isinstance(quoted, Line)
    assert isinstance(twice, Line)
    assert (quoted.quote, twice.quote) == (1, 2)
    assert isinstance(one, Line)
    assert isinstance(two, Line)
    assert isinstance(deep, Line)
    assert [(line.marker, line.depth) for line in (one, two, deep)] == [("1.", 1), ("2.", 1), ("•", 2)]
    assert code == Code("x = 1", "py", 1)
    assert isinstance(table, Table)
    assert table.aligns == ("left", "right")
    assert table.rows[1][1][0].code
    assert isinstance(last, Line)
    assert last.text == "<b>raw</b> [a cat] site [bad](javascript:alert(1))"
    assert [run.link for run in last.runs if run.link] == ["https://example.org"]


def test_bare_addresses_become_links_without_the_full_stop() -> None:
    (line,) = parse("See https://example.org/a_b(c). Or http://b.example, please")
    assert isinstance(line, Line)
    assert [run.link for run in line.runs if run.link] == ["https://example.org/a_b(c", "http://b.example"]


@pytest.mark.parametrize("step", [1, 7, 50])
def test_growing_text_ends_as_the_whole_text_does(step: int) -> None:
    growing = Growing()
    for end in range(0, len(TEXT) + step, step):
        shown = growing.read(TEXT[:end])
    assert shown == segments(parse(TEXT))


def test_only_line_ends_end_lines() -> None:
    """Characters that Python counts as line ends, and Markdown does not."""
    growing, text = Growing(), "a\u2028b\u2028c\u2028d\n\nthe second\r\n\r\nthe third\n\nthe last"
    for end in range(len(text) + 1):
        shown = growing.read(text[:end])
    assert shown == segments(parse(text))


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.sampled_from(
            [
                "a",
                "word ",
                "\n",
                "\n\n",
                "- ",
                "1. ",
                "> ",
                "```\n",
                "|",
                "|-|",
                "**",
                "`",
                "# ",
                "    ",
                "é🙂",
                "\u2028",
                "\r",
                "\x0c",
            ]
        )
    )
)
def test_any_text_grows_into_what_it_is_as_a_whole(parts: list[str]) -> None:
    growing, text = Growing(), ""
    for part in parts:
        text += part
        growing.read(text)
    assert growing.read(text) == segments(parse(text))


def test_a_line_that_is_not_whole_yet_settles_nothing() -> None:
    """Four stars begin as a rule, which would end the paragraph, and go on as words of it."""
    growing, text = Growing(), ""
    for part in ("one", "\n", "****", "two"):
        text += part
        growing.read(text)
    assert growing.read(text) == segments(parse(text))


def test_text_that_was_replaced_starts_anew() -> None:
    growing = Growing()
    growing.read("one\n\ntwo\n\nthree")
    assert growing.read("other") == segments(parse("other"))


def test_long_prose_is_cut_so_that_only_the_end_is_drawn_again() -> None:
    text = "\n\n".join(f"Paragraph {n} " + "word " * 60 for n in range(20))
    one, two = segments(parse(text)), segments(parse(text + " more"))
    assert len(one) > 3
    assert one[:-1] == two[:-1]
