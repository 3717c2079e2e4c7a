"""Makes many wordings out of one: typing errors, other words, politeness, dropped and shuffled words."""

import random
import re
from collections import Counter

from phrases import AFTER, BEFORE, FRAMES, LEADS, SMALL, SYNONYMS

KEYS = ["qwertyuiop", "asdfghjkl", "zxcvbnm"]
NEIGHBOURS = {c: (row[max(i - 1, 0) : i] + row[i + 1 : i + 2]) for row in KEYS for i, c in enumerate(row)}

WAYS = [
    (re.compile(rf"\b{re.escape(w)}\b"), [o for o in group if o != w])
    for group in SYNONYMS
    for w in group
    if w not in ("get", "r", "u", "what", "&", "run")
]
SHAPES = [
    (re.compile("^" + re.escape(f).replace(r"\*", "(.+?)") + r"[?.! ]*$"), f, group)
    for group in FRAMES
    for f in group
    if f not in ("*", "find *", "* please", "show me *")
]
SHAPES.sort(key=lambda shape: -len(shape[1]))  # the longest frame that fits is the right one


def typo(text: str, rng: random.Random) -> str:
    """One slip of the fingers inside a word: swapped, lost, doubled or neighbouring letters, or a lost space."""
    places = [i for i in range(1, len(text) - 1) if text[i].isalpha() and text[i + 1].isalpha()]
    if not places:
        return text
    i = rng.choice(places)
    slip = rng.random()
    if slip < 0.3:
        return text[:i] + text[i + 1] + text[i] + text[i + 2 :]
    if slip < 0.55:
        return text[:i] + text[i + 1 :]
    if slip < 0.75:
        return text[:i] + text[i] + text[i:]
    if slip < 0.95:
        return text[:i] + rng.choice(NEIGHBOURS.get(text[i], text[i])) + text[i + 1 :]
    return text.replace(" ", "", 1)


def reword(text: str, rng: random.Random, times: int) -> str:
    found = [(pattern, others) for pattern, others in WAYS if pattern.search(text)]
    for pattern, others in rng.sample(found, min(times, len(found))):
        text = pattern.sub(rng.choice(others), text, count=1)
    return text


def units(text: str, rng: random.Random) -> str:
    """ "8 GB" may be written 8gb or 8 gigabytes, "7B" as 7 b or 7 billion."""
    text = re.sub(r"(\d) ?gb\b", lambda m: m[1] + rng.choice([" gb", "gb", " gigabytes", " gigs", " gig"]), text)
    return re.sub(r"\b(\d+)b\b", lambda m: m[1] + rng.choice(["b", "b", " b", " billion", "b parameter"]), text)


def reframe(text: str, rng: random.Random) -> str:
    """Asks the same thing in another kind of sentence."""
    for pattern, _, group in SHAPES:
        if found := pattern.match(text):
            return rng.choice(group).replace("*", found[1])
    return text


def drop_words(text: str, rng: random.Random, share: float) -> str:
    """Leaves words out: small ones often, the ones that carry the meaning seldom."""
    kept = [w for w in text.split() if rng.random() >= (share if w.strip("?.,!") in SMALL else share / 4)]
    return " ".join(kept) if len(kept) >= 2 else text


def cross(one: str, other: str, rng: random.Random) -> str:
    """The beginning of one wording and the end of another of the same topic."""
    a, b = one.split(), other.split()
    return " ".join(a[: rng.randint(1, len(a))] + b[rng.randint(0, len(b) - 1) :])


def keywords(wordings: list[list[str]]) -> list[dict[str, float]]:
    """For each topic, its telling words and how surely they point to it: the share of a word's uses that are here."""
    counts = [Counter(w for text in texts for w in set(re.findall(r"[\w.'+-]*\w", text.lower())) - SMALL) for texts in wordings]
    total = sum(counts, Counter())
    return [{w: n / total[w] if n > 1 else 0.4 / total[w] for w, n in own.items() if n / total[w] > 0.15} for own in counts]


def from_keywords(words: dict[str, float], rng: random.Random) -> str:
    """A few telling words of a topic, as somebody types who is used to search machines, or in a plain sentence."""
    chosen: dict[str, None] = {}
    while sum(words[w] for w in chosen) < 0.8 and len(chosen) < min(4, len(words)):
        chosen[rng.choices(list(words), list(words.values()))[0]] = None
    text = " ".join(chosen)
    return rng.choice(FRAMES[0]).replace("*", text) if rng.random() < 0.3 else text


def vary(text: str, rng: random.Random, others: list[str] = ()) -> str:
    """A new wording of a question. `others` are wordings of the same topic to cross it with."""
    text = text.lower()
    if others and rng.random() < 0.2:
        text = cross(text, rng.choice(others).lower(), rng)
    if rng.random() < 0.35:
        text = reframe(text, rng)
    if rng.random() < 0.6:
        text = reword(text, rng, rng.randint(1, 3))
    if rng.random() < 0.3:
        text = units(text, rng)
    if rng.random() < 0.35 and len(text.split()) > 3:
        text = drop_words(text, rng, rng.choice([0.1, 0.2, 0.3]))
    if rng.random() < 0.05:
        words = text.split()
        rng.shuffle(words)
        text = " ".join(words)
    if rng.random() < 0.5:
        text = text.rstrip("?.! ")
    if rng.random() < 0.15:
        text = re.sub(r"[,.'’:;]", "", text)
    if rng.random() < 0.2:
        text = rng.choice(LEADS if rng.random() < 0.2 else BEFORE) + text
    if rng.random() < 0.1:
        end = text[-1:] if text[-1:] in "?.!" else ""
        text = text.rstrip("?.! ") + rng.choice(AFTER) + end
    if rng.random() < (0.45 if len(text) > 6 else 0.2):  # a typing error in "hi" leaves nothing of it
        for _ in range(rng.choice([1, 1, 1, 2, 2, 3]) if len(text) > 12 else 1):
            text = typo(text, rng)
    if rng.random() < 0.1:
        text = text.rstrip("?.! ") + rng.choice(["??", "!", "...", " ?", ".", "?!"])
    return text
