"""Markdown as frozen blocks, also while it still grows. No Qt, no HTML, no pictures: what a model writes is only ever text."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

SEGMENT_LENGTH = 1200  # characters of prose drawn by one widget: little enough to be drawn again 20 times a second
LINE_END = re.compile(r"\r\n?|\n")  # as the parser counts lines; splitlines() knows of more
ADDRESS = re.compile(r"https?://[^\s<>\"“”]*[^\s<>\"“”.,;:!?)\]]")


@dataclass(frozen=True)
class Run:
    """Characters of one face. `link` is an http or https address, or empty."""

    text: str
    bold: bool = False
    italic: bool = False
    strike: bool = False
    code: bool = False
    link: str = ""


@dataclass(frozen=True)
class Line:
    """A paragraph, a heading (1 to 6) or an item of a list: `marker` is "•" or "3."; `depth` nests lists, `quote` quotes."""

    runs: tuple[Run, ...]
    heading: int = 0
    marker: str = ""
    depth: int = 0
    quote: int = 0
    tight: bool = False  # follows the line above closely, as items of a list do

    @property
    def text(self) -> str:
        return "".join(run.text for run in self.runs)


@dataclass(frozen=True)
class Code:
    """A block of code; `language` as the model named it, or empty."""

    text: str
    language: str = ""
    depth: int = 0


@dataclass(frozen=True)
class Table:
    """Cells as runs, first row the header; `aligns` "left", "center" or "right" for each column."""

    rows: tuple[tuple[tuple[Run, ...], ...], ...]
    aligns: tuple[str, ...]


@dataclass(frozen=True)
class Rule:
    """A line across."""


Prose = tuple[Line, ...]
Block = Line | Code | Table | Rule
Segment = Prose | Code | Table | Rule


def parse(text: str) -> tuple[Block, ...]:
    """All blocks of a text."""
    return tuple(block for _, part in _parts(text) for block in part)


def segments(blocks: Iterable[Block]) -> tuple[Segment, ...]:
    """Blocks for drawing: neighbouring lines become one segment. Appending a block changes at most the last segment."""
    made: list[Segment] = []
    prose: list[Line] = []
    for block in blocks:
        if isinstance(block, Line):
            if sum(len(line.text) for line in prose) > SEGMENT_LENGTH:
                made.append(tuple(prose))
                prose = []
            prose.append(block)
        else:
            if prose:
                made.append(tuple(prose))
                prose = []
            made.append(block)
    return (*made, tuple(prose)) if prose else tuple(made)


class Growing:
    """A text that is being written: only what may still change is parsed again."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._text = ""
        self._settled_at = 0  # where in the text the last block begins
        self._settled: list[Segment] = []
        self._open: list[Block] = []  # settled blocks of the last, unfinished segment

    def read(self, text: str) -> tuple[Segment, ...]:
        """The segments of the text as it is now."""
        if not text.startswith(self._text):
            self._forget()
        self._text = text
        rest = text[self._settled_at :]
        parts = _parts(rest)
        # A part has surely begun once two of its lines are whole: "****" may go on as words, and "|-" as no table.
        ends = [match.end() for match in LINE_END.finditer(rest)]
        sure = ends[-2] if len(ends) > 1 else 0
        last = next((n for n in range(len(parts) - 1, 0, -1) if parts[n][0] < sure), 0)
        if last:
            self._settled_at += parts[last][0]
            self._open += [block for _, part in parts[:last] for block in part]
            *whole, unfinished = segments(self._open) or [()]
            self._settled += whole
            self._open = list(unfinished) if isinstance(unfinished, tuple) else [unfinished]
        return (*self._settled, *segments([*self._open, *(block for _, part in parts[last:] for block in part)]))


@cache
def _parser() -> MarkdownIt:
    # A heading underlined with dashes would flicker while a list or a line is being written; models use # instead.
    return MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"]).disable("lheading")


def _parts(text: str) -> list[tuple[int, list[Block]]]:
    """The blocks of each top-level part of a text, with the place in it where the part begins."""
    lines = [0, *(match.end() for match in LINE_END.finditer(text))]
    parts: list[tuple[int, list[Block]]] = []
    tokens = _parser().parse(text)
    start = line = 0
    for index, token in enumerate(tokens):
        if token.level == 0 and token.nesting <= 0:
            first = tokens[start]
            line = first.map[0] if first.map else line
            parts.append((lines[line], list(_blocks(tokens[start : index + 1]))))
            start = index + 1
    return parts


def _blocks(tokens: Sequence[Token]) -> Iterator[Block]:
    """The tokens of one top-level part, flattened: nesting becomes `depth` and `quote`."""
    lists: list[int | None] = []  # the next number of each open list, None for bullets
    marker, quote, fresh_item = "", 0, False
    position = 0
    while position < len(tokens):
        token = tokens[position]
        position += 1
        match token.type:
            case "bullet_list_open":
                lists.append(None)
            case "ordered_list_open":
                lists.append(int(token.attrs.get("start", 1)))
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
            case "list_item_open":
                number = lists[-1]
                marker, fresh_item = ("•" if number is None else f"{number}."), True
                lists[-1] = None if number is None else number + 1
            case "blockquote_open":
                quote += 1
            case "blockquote_close":
                quote -= 1
            case "inline":
                opening = tokens[position - 2]
                heading = int(opening.tag[1]) if opening.type == "heading_open" else 0
                tight = bool(lists) and (opening.hidden or fresh_item)
                for runs in _lines(token):
                    yield Line(runs, heading, marker, len(lists), quote, tight)
                    marker = ""
                fresh_item = False
            case "fence" | "code_block":
                if marker:  # an item that is nothing but code
                    yield Line((), 0, marker, len(lists), quote, True)
                    marker = ""
                language = token.info.strip().split(" ")[0] if token.info else ""
                yield Code(token.content.removesuffix("\n"), language, len(lists))
            case "table_open":
                end = next(i for i in range(position, len(tokens)) if tokens[i].type == "table_close")
                yield _table(tokens[position:end])
                position = end + 1
            case "hr":
                yield Rule()


def _table(tokens: Sequence[Token]) -> Table:
    rows: list[list[tuple[Run, ...]]] = []
    aligns: list[str] = []
    for token, content in zip(tokens, tokens[1:], strict=False):
        if token.type == "tr_open":
            rows.append([])
        elif token.type in ("th_open", "td_open"):
            rows[-1].append(next(iter(_lines(content)), ()))
            if len(rows) == 1:
                aligns.append(str(token.attrs.get("style", "text-align:left")).removeprefix("text-align:"))
    return Table(tuple(tuple(row) for row in rows), tuple(aligns))


def _lines(inline: Token) -> Iterator[tuple[Run, ...]]:
    """The runs of an inline token, as one line; a hard break is a line break in it."""
    runs: list[Run] = []
    face = Run("")
    for child in inline.children or ():
        match child.type:
            case "text":
                runs += _with_addresses(replace(face, text=child.content))
            case "softbreak":
                runs.append(replace(face, text="\n" if _ends_line(runs) else " "))
            case "hardbreak":
                runs.append(replace(face, text="\n"))
            case "code_inline":
                runs.append(replace(face, text=child.content, code=True))
            case "strong_open" | "strong_close":
                face = replace(face, bold=child.type == "strong_open")
            case "em_open" | "em_close":
                face = replace(face, italic=child.type == "em_open")
            case "s_open" | "s_close":
                face = replace(face, strike=child.type == "s_open")
            case "link_open":
                face = replace(face, link=_safe(child.attrs.get("href", "")))
            case "link_close":
                face = replace(face, link="")
            case "image":  # never loaded: a picture's address would tell someone that it was read
                runs.append(replace(face, text=f"[{child.content or child.attrs.get('alt') or 'picture'}]", italic=True))
            case _:
                runs.append(replace(face, text=child.content))
    yield tuple(run for run in runs if run.text)


def _ends_line(runs: Sequence[Run]) -> bool:
    """Models end lines of verses and addresses without Markdown's two spaces; short lines are kept apart."""
    line = "".join(run.text for run in runs).rpartition("\n")[2]
    return len(line) < 48


def _with_addresses(run: Run) -> Iterator[Run]:
    """Bare web addresses in plain text become links."""
    if run.link or "://" not in run.text:
        yield run
        return
    at = 0
    for match in ADDRESS.finditer(run.text):
        yield replace(run, text=run.text[at : match.start()])
        yield replace(run, text=match.group(), link=match.group())
        at = match.end()
    yield replace(run, text=run.text[at:])


def _safe(address: Any) -> str:
    """Only web addresses may be opened."""
    return str(address) if str(address).lower().startswith(("http://", "https://")) else ""
