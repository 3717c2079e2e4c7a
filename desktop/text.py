"""Figures as short strings for people: bytes, rates, durations, counts; and texts of others, as they may be shown."""

import re

_UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


def plain(text: str) -> str:
    """A text of others without what is unseen or moves what is seen: its lines and letters, no control characters."""
    return _UNSEEN.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))


def valid(name: str) -> str:
    """A file's name as text: on Linux it may be any bytes, and "?" stands for those that are no letter."""
    return name.encode(errors="replace").decode()


def size(bytes_: float) -> str:
    """Bytes as a person reads them, decimal units as on a shop's label: 2497280256 -> "2.5 GB"."""
    if bytes_ < 1_000_000:
        return f"{bytes_ / 1000:.0f} KB"
    if bytes_ < 999_500_000:
        return f"{bytes_ / 1e6:.0f} MB"
    if bytes_ < 99.95e9:
        return f"{bytes_ / 1e9:.1f} GB"
    return f"{bytes_ / 1e9:.0f} GB"


def duration(seconds: float) -> str:
    """Seconds as the two units that matter: 45 -> "45 s", 200 -> "3 min", 4000 -> "1 h 7 min"."""
    if seconds < 59.5:
        return f"{max(1, round(seconds))} s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if minutes else f"{hours} h"


def rate(bytes_per_s: float) -> str:
    """A transfer rate: 12400000 -> "12 MB/s"."""
    return f"{size(bytes_per_s)}/s"


CERTAIN = 1.3  # a range of speed that is narrower is told as one figure
NO_WAIT_WORDS = 100  # a second
WORDS_PER_TOKEN = 0.75  # English prose with today's vocabularies; stated wherever words a second are shown


def in_words(tokens: int) -> str:
    """A length of conversation as a number of words: 8192 tokens -> "6,000"."""
    count = tokens * WORDS_PER_TOKEN
    return f"{round(count, -3 if count >= 2000 else -2):,.0f}"


def words_per_second(tokens_per_s: float) -> str:
    """A writing rate in words: 12.3 tokens a second -> "9 words a second"."""
    words = tokens_per_s * WORDS_PER_TOKEN
    if words < 0.95:
        return "less than one word a second"
    return "1 word a second" if round(words) == 1 else f"{words:.0f} words a second"


def about_words_per_second(tokens_per_s: float) -> str:
    """A predicted rate, marked as one: "about 9 words a second"."""
    words = words_per_second(tokens_per_s)
    return words if words.startswith("less") else f"about {words}"


def about_words_range(low_tokens_per_s: float, high_tokens_per_s: float) -> str:
    """A predicted range: "about 8 to 12 words a second"; one figure where both ends round to it."""
    low, high = (rate * WORDS_PER_TOKEN for rate in (low_tokens_per_s, high_tokens_per_s))
    if high < 0.95 or f"{low:.0f}" == f"{high:.0f}":
        return about_words_per_second(high_tokens_per_s)
    if low < 0.95:
        return f"up to {words_per_second(high_tokens_per_s)}"
    return f"about {low:.0f} to {high:.0f} words a second"


def about_pace(tokens_per_s: float, low: float, high: float) -> str:
    """A predicted rate: one figure, or the range where its ends lie far apart; no figure beyond what anyone can follow."""
    if low * WORDS_PER_TOKEN > NO_WAIT_WORDS:
        return f"more than {NO_WAIT_WORDS} words a second"
    return about_words_range(low, high) if high > CERTAIN * low > 0 else about_words_per_second(tokens_per_s)


def billions(count: float) -> str:
    """A number of weights: 8190735360 -> "8.2 billion", 5700000 -> "6 million"."""
    return f"{count / 1e9:.1f} billion".replace(".0 ", " ") if count >= 950e6 else f"{count / 1e6:.0f} million"
