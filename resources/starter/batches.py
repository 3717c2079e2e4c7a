"""Draws questions at random and packs them into batches of tokens."""

import random

import torch
from augment import from_keywords, keywords, vary
from corpus import Topic, fill, normal
from phrases import SMALL
from tokenizers import Tokenizer

END, USER, GUIDE = "<|end|>", "<|user|>", "<|guide|>"
STEP = 8  # batches have few different sizes: the CPU library prepares itself anew for each size it meets


def marks(topics: list[Topic]) -> list[str]:
    """The mark of each topic. All that is outside the guide's subjects shares one, so that these do not compete."""
    return [f"<|topic-{i}|>" if t.in_scope else "<|outside|>" for i, t in enumerate(topics)]


def small(word: str) -> bool:
    return word.lower().strip("?.,!'") in SMALL


class Sampler:
    """Draws questions: topics evenly inside the scope, and a fixed share of questions outside it."""

    def __init__(self, topics: list[Topic], lists: dict[str, list[str]], tokenizer: Tokenizer, outside: float, seed: int):
        self.rng, self.topics, self.lists, self.outside = random.Random(seed), topics, lists, outside
        self.pool: dict[tuple[int, float], list[list[tuple[list[int], int]]]] = {}
        self.marks = [tokenizer.token_to_id(m) for m in marks(topics)]
        self.answers = [e.ids for e in tokenizer.encode_batch([t.answer for t in topics])]
        self.tokenizer = Tokenizer.from_str(tokenizer.to_str())
        self.tokenizer.model.dropout = 0.1  # from here on: questions are cut differently each time, answers never
        self.keywords = keywords([t.train for t in topics])
        self.secret = {normal(w) for t in topics for w in t.held_out} - {""}
        self.inner = [i for i, t in enumerate(topics) if t.in_scope]
        self.outer = [i for i, t in enumerate(topics) if not t.in_scope]
        # "What can you do?" has no telling word and is easily mistaken; such topics are drawn more often
        self.plain = [i for i in self.inner if any(all(map(small, w.split())) for w in topics[i].train + topics[i].templates)]
        self.weights = [(len(topics[i].train) + 3 * len(topics[i].templates)) ** 0.5 for i in self.outer]

    def question(self, outside: float) -> tuple[str, int]:
        """A question and the number of its topic; never one whose words are those of a held-out wording."""
        while True:
            text, number = self.any_question(outside)
            if normal(text) not in self.secret:
                return text, number

    def any_question(self, outside: float) -> tuple[str, int]:
        rng = self.rng
        if rng.random() < outside:
            number = rng.choices(self.outer, self.weights)[0]
        else:
            number = rng.choice(self.plain if rng.random() < 0.2 else self.inner)
        topic = self.topics[number]
        if not topic.in_scope and rng.random() < 0.2:
            return self.stranger(), self.outer[0]
        if topic.in_scope and rng.random() < 0.15 and self.keywords[number]:
            return vary(from_keywords(self.keywords[number], rng), rng), number
        if topic.templates and rng.random() < (0.4 if topic.in_scope else 0.6):
            text, others = fill(rng.choice(topic.templates), self.lists, rng), []
        else:
            text, others = rng.choice(topic.train), topic.train if topic.in_scope else []
        if not topic.in_scope and rng.random() < 0.1:  # a pasted text is long
            text = " ".join([text] + rng.sample(topic.train, rng.randint(1, 5)))
        if rng.random() < 0.1:
            return text, number  # as written, capitals included
        return vary(text, rng, others), number

    def stranger(self) -> str:
        """A question like those inside the scope, but about other things: a known kind of sentence is not enough."""
        rng = self.rng
        while True:
            words = rng.choice(self.topics[rng.choice(self.inner)].train).split()
            other = [w if small(w) else fill(rng.choice(["{word}", "{unknown}"]), self.lists, rng) for w in words]
            text = vary(" ".join(other), rng)
            if not all(map(small, text.split())):  # what is left may not be a question like "what can you do"
                return text

    def draw(self, size: int, outside: float) -> list[tuple[list[int], int]]:
        """Questions of about the same length, so that little of a batch is padding."""
        key = size, outside
        if not self.pool.get(key):
            drawn = [self.question(outside) for _ in range(8 * size)]
            tokens = [e.ids for e in self.tokenizer.encode_batch([" " + q for q, _ in drawn])]
            drawn = sorted(zip(tokens, (number for _, number in drawn), strict=True), key=lambda pair: len(pair[0]))
            self.pool[key] = [drawn[i : i + size] for i in range(0, len(drawn), size)]
            self.rng.shuffle(self.pool[key])
        return self.pool[key].pop()

    def batch(self, size: int, whole: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Token ids, and a mask of the positions whose next token is to be learnt."""
        end, user, guide = (self.tokenizer.token_to_id(t) for t in (END, USER, GUIDE))
        rows, starts = [], []
        for question, number in self.draw(size, 0.15 if whole else self.outside):
            row = [user, *question[:120], guide]
            starts.append(len(row) - 1)
            answer = [*self.answers[number], end] if whole else []
            rows.append(row + [self.marks[number]] + answer)
        longest = -(-max(map(len, rows)) // STEP) * STEP + 1  # +1: the last token is only ever a target
        ids = torch.full((size, longest), end)
        wanted = torch.zeros(ids.shape, dtype=torch.bool)
        for i, (row, start) in enumerate(zip(rows, starts, strict=True)):
            ids[i, : len(row)] = torch.tensor(row)
            wanted[i, start : len(row) - 1] = True
        if whole:  # again for few different sizes
            extra = wanted.sum().item() % (8 * STEP)
            wanted.view(-1)[wanted.view(-1).nonzero()[:extra]] = False
        return ids, wanted
