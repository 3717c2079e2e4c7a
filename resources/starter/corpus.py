"""Reads the guide's training text (data/*.txt) and splits it into training and held-out wordings.

A block is one answer with many wordings of its question; a *topic* is one distinct answer.

    A: the answer
    Q: a wording
    T: a wording with {slots}, filled at random from word lists; only ever used for training
    W slot: one | two | three        (a word list, in any file; {noise} and {unknown} are made up)

A slot can hand names on to its list: with "W maker: who makes * | * maker", the slot {maker Llama / Llama 3} becomes
"who makes Llama", "Llama 3 maker" and so on.
"""

import hashlib
import random
import re
from dataclasses import dataclass, field
from pathlib import Path

DATA = Path(__file__).parent / "data"
OUT_OF_SCOPE = "out_of_scope"  # the file whose answers all say "I am only the small guide"
FOLDS = 5  # one wording in five is held out
MAX_CHARS = 300  # the chat template cuts a question to this many characters


@dataclass
class Topic:
    answer: str
    file: str
    wordings: list[str] = field(default_factory=list)
    templates: list[str] = field(default_factory=list)
    train: list[str] = field(default_factory=list)
    held_out: list[str] = field(default_factory=list)

    @property
    def in_scope(self) -> bool:
        return self.file != OUT_OF_SCOPE


def normal(text: str) -> str:
    """The form in which two wordings count as the same: lower case, words only."""
    return " ".join(re.findall(r"[^\W_]+", text.lower()))


def split(wordings: list[str], fold: int) -> tuple[list[str], list[str]]:
    """One wording in five, chosen by hash, so that neither the order of the lines nor chance decides."""
    order = sorted(wordings, key=lambda w: hashlib.sha256(w.encode()).digest())
    held_out = [w for i, w in enumerate(order) if i % FOLDS == fold]
    return [w for w in wordings if w not in held_out], held_out


def load(fold: int = 0) -> tuple[list[Topic], dict[str, list[str]]]:
    """All topics, in a stable order, and the word lists for the slots of templates."""
    topics: dict[str, Topic] = {}
    lists: dict[str, list[str]] = {}
    owner: dict[str, str] = {}
    for path in sorted(DATA.glob("*.txt")):
        topic = None
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1):
            kind, _, text = line.partition(":")
            text = text.strip()
            if kind == "A":
                topic = topics.setdefault(text, Topic(text, path.stem))
            elif kind in ("Q", "T") and topic is None:
                raise ValueError(f"{path.name}:{number}: a wording before any answer")
            elif kind == "T":
                topic.templates.append(text)
            elif kind == "Q":
                key = normal(text) or text
                if owner.setdefault(key, topic.answer) != topic.answer:
                    raise ValueError(f"{path.name}:{number}: {text!r} already has another answer")
                if key not in map(normal, topic.wordings):  # "Licence?" and "licence" are one wording
                    topic.wordings.append(text)
            elif kind.startswith("W "):
                lists[kind[2:]] = [word.strip() for word in text.split("|")]
            elif line and not line.startswith("#"):
                raise ValueError(f"{path.name}:{number}: not a heading, A:, Q:, T: or W line")
    for topic in topics.values():
        topic.train, topic.held_out = split(topic.wordings, fold)
    return list(topics.values()), lists


def mash(rng: random.Random) -> str:
    """What a cat on the keyboard writes."""
    return "".join(
        rng.choices(rng.choice(["asdfghjkl", "qwertyuiop", "abcdefghijklmnopqrstuvwxyz", "xyz12345#%-"]), k=rng.randint(2, 8))
    )


BEGINNINGS = [
    "b",
    "br",
    "c",
    "ch",
    "d",
    "f",
    "fl",
    "g",
    "gr",
    "h",
    "j",
    "k",
    "l",
    "m",
    "n",
    "p",
    "pl",
    "r",
    "s",
    "sh",
    "st",
    "t",
    "tr",
    "v",
    "w",
    "z",
]
MIDDLES = ["a", "e", "i", "o", "u", "ea", "oo", "ai"]
ENDS = ["", "", "n", "r", "s", "l", "t", "m", "ck", "nd"]


def unknown(rng: random.Random) -> str:
    """A word that does not exist. The guide should also turn away what it has never heard of."""
    return "".join(rng.choice(BEGINNINGS) + rng.choice(MIDDLES) + rng.choice(ENDS) for _ in range(rng.randint(1, 3)))


MADE_UP = {"noise": mash, "unknown": unknown}


def fill(template: str, lists: dict[str, list[str]], rng: random.Random) -> str:
    """ "Write a poem about {thing}" with each slot filled at random."""

    def one(slot: re.Match) -> str:
        if slot[1] in MADE_UP:
            return MADE_UP[slot[1]](rng)
        name = rng.choice(slot[2].split(" / ")) if slot[2] else "*"
        return rng.choice(lists[slot[1]]).replace("*", name)

    return re.sub(r"\{(\w+)(?: ([^}]+))?\}", one, template)
