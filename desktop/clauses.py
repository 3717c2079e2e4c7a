"""Where in the text of a licence a clause stands: "1.b", "2.1(a)", "Attachment A"."""

import re

_LEAD = r"^[\s#*_>|-]*"  # what may stand before a number: room, and the signs of headings
_WORD = r"(?:(?:section|article)\s+)?"
_NAMED = re.compile(r"(attachment|exhibit|appendix|annex|schedule|section|article)\s+([\w.()]+)$", re.IGNORECASE)
_NUMBER = re.compile(r"\d+(?:\.\d+)*")


def parts(cited: str | None) -> tuple[str, ...]:
    """The single clauses of a citation: "1.b, 5.b" has two; words that are no number or attachment are none."""
    found = [
        re.sub(r"^(CC-BY-NC|sections?)\s+", "", each.strip(), flags=re.IGNORECASE) for each in re.split(r"[,;]", cited or "")
    ]
    return tuple(dict.fromkeys(each for each in found if _NAMED.match(each) or re.match(r"\d", each)))


def find(text: str, clause: str) -> int | None:
    """The place of the line at which a clause begins; that of the part it stands in, where its own cannot be told."""
    if named := _NAMED.match(clause):
        if named[1].lower() not in ("section", "article"):
            return _first(text, rf"{_LEAD}{named[1]}\s+{re.escape(named[2])}\b", 0, len(text))
        clause = named[2]
    number = _NUMBER.match(clause)
    if number is None:
        return None
    place, end = _section(text, number[0])
    if place is None:
        return None
    for mark in re.findall(r"\w+", clause[number.end() :]):
        inner = _first(text, rf"{_LEAD}\(?{mark}[.)][\s*_]", place + 1, end)
        if inner is None:
            break
        place = inner
    return place


def _section(text: str, number: str) -> tuple[int | None, int]:
    """Where a numbered section begins and ends; for "2.1" that of its own, else that of 2."""
    while True:
        after_it = r"(?:[.):](?!\d)|(?=\s+[A-Z\"“])|[.)]?[*_]+)"  # a mark, a word in capitals, or the end of a heading
        place = _first(text, rf"{_LEAD}{_WORD}{re.escape(number)}{after_it}", 0, len(text))
        if place is not None or "." not in number:
            break
        number = number.rpartition(".")[0]
    if place is None:
        return None, 0
    head, _, last = number.rpartition(".")
    following = f"{head}.{int(last) + 1}" if head else str(int(last) + 1)
    after = _first(text, rf"{_LEAD}{_WORD}{re.escape(following)}[.):\s]", place + 1, len(text))
    return place, len(text) if after is None else after


def _first(text: str, pattern: str, start: int, end: int) -> int | None:
    found = re.compile(pattern, re.IGNORECASE | re.MULTILINE).search(text, start, end)
    if found is None:
        return None
    return found.end() - len(found[0].lstrip())  # the room before it belongs to other lines
