"""Trains the guide from scratch on data/*.txt:  python train.py

The model answers in two steps. Its first token is an invisible mark, one per topic; then it writes the answer of that
topic. The mark makes the choice of the answer one clear decision, so that the model does not begin one answer and slip
into another, and most of the training can be short: a question and its mark. A small part writes out whole answers.
"""

import argparse
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import torch
from batches import END, GUIDE, USER, Sampler, marks
from corpus import Topic, load
from model import Guide, Shape
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn import functional as F

BUILD = Path(__file__).parent / "build"


class Phase(NamedTuple):
    steps: int
    rate: float
    outside: float  # share of questions outside the guide's subjects
    short: int  # questions with only their mark, in each step
    whole: int  # questions with their whole answer, in each step


LEARN = Phase(steps=2400, rate=2e-3, outside=0.35, short=160, whole=8)
# To end with: answers word for word, and more caution, since people ask about anything.
POLISH = Phase(steps=300, rate=4e-4, outside=0.6, short=128, whole=24)


def train_tokenizer(topics: list[Topic], lists: dict[str, list[str]], size: int) -> Tokenizer:
    """Byte-level BPE in GPT-2's manner, from the training text alone: any input can be written with it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = [END, USER, GUIDE, *dict.fromkeys(marks(topics))]
    trainer = trainers.BpeTrainer(
        vocab_size=size + len(special),
        special_tokens=special,
        show_progress=False,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
    )
    text = [" " + w.lower() for t in topics for w in t.train + t.templates]
    text += [" " + word.lower() for words in lists.values() for word in words]
    tokenizer.train_from_iterator(text + [t.answer for t in topics], trainer)
    return tokenizer


def loss_of(model: Guide, ids: torch.Tensor, wanted: torch.Tensor, smoothing: float) -> torch.Tensor:
    with torch.autocast("cpu", torch.bfloat16):
        scores = model(ids[:, :-1], wanted[:, :-1])
    return F.cross_entropy(scores.float(), ids[:, 1:][wanted[:, :-1]], label_smoothing=smoothing)


@torch.no_grad()
def quick_test(model: Guide, tokenizer: Tokenizer, topics: list[Topic]) -> str:
    """Share of held-out wordings that get the right mark: a look during training; evaluate.py is the real test."""
    model.eval()
    user, guide = (tokenizer.token_to_id(t) for t in (USER, GUIDE))
    right = {True: [], False: []}
    for topic, mark in zip(topics, marks(topics), strict=True):
        for wording in topic.held_out:
            ids = torch.tensor([[user, *tokenizer.encode(" " + wording.lower()).ids, guide]])
            wanted = torch.zeros(ids.shape, dtype=torch.bool)
            wanted[0, -1] = True
            right[topic.in_scope].append(model(ids, wanted).argmax().item() == tokenizer.token_to_id(mark))
    model.train()
    return ", ".join(f"{name} {sum(r)}/{len(r)}" for name, r in zip(("inside", "outside"), right.values(), strict=True))


def train(
    weights: dict | None, shape: Shape, sampler: Sampler, phase: Phase, args: argparse.Namespace, test: Callable[[Guide], str]
) -> dict:
    """One phase of training; gives back the running average of the weights, which is steadier than the last ones."""
    model = Guide(shape, args.dropout)
    if weights:
        model.load_state_dict(weights)
    groups = [
        {"params": [p for p in model.parameters() if p.ndim == 2], "weight_decay": 0.1},
        {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0.0},
    ]
    optimizer = torch.optim.AdamW(groups, lr=phase.rate, betas=(0.9, 0.98))
    warm = min(100, phase.steps // 10)
    schedule = torch.optim.lr_scheduler.SequentialLR(
        optimizer,
        [
            torch.optim.lr_scheduler.LinearLR(optimizer, 0.01, total_iters=warm),
            torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, phase.steps - warm, phase.rate / 50),
        ],
        [warm],
    )
    average = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(min(0.998, 1 - 10 / phase.steps))
    )
    if args.compile:
        for layer in model.blk:
            layer.compile(dynamic=True)

    sampler.outside = phase.outside
    start = time.time()
    for step in range(1, phase.steps + 1):
        short = loss_of(model, *sampler.batch(phase.short, whole=False), 0.05)
        whole = loss_of(model, *sampler.batch(phase.whole, whole=True), 0.0)
        optimizer.zero_grad()
        (short + whole).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(model)
        if step % 100 == 0 or step == phase.steps:
            print(
                f"step {step}  {time.time() - start:.0f} s  loss {short.item():.3f} {whole.item():.3f}  "
                f"held out: {test(average.module)}",
                flush=True,
            )
    return average.module.state_dict()


@torch.no_grad()
def add_caution(weights: dict, shape: Shape, sampler: Sampler, mark: int, amount: float) -> None:
    """Makes "outside" easier to choose, by about `amount` points of score, for what the model is not sure of.

    There are more questions in the world than can be written down here, so a trained guide trusts its subjects too much.
    The network has no bias to raise; a step of the mark's embedding along the average state does the same.
    """
    model = Guide(shape)
    model.load_state_dict(weights)
    model.eval()
    states = []
    for _ in range(8):
        ids, wanted = sampler.batch(64, whole=False)
        states.append(model.state(ids[:, :-1], wanted[:, :-1]))
    average = torch.cat(states).mean(0)
    weights["token_embd.weight"][mark] += amount * average / (average @ average)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--fold", type=int, default=0, help="which fifth of the wordings is held out; 0 is published")
    parser.add_argument("--start", type=Path, help="only polish this guide.pt of an earlier run on the same data")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--vocab", type=int, default=4096)
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--caution", type=float, default=2.0, help="see add_caution")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--compile", action="store_true", help="about 1.5 times as fast; needs a C++ compiler")
    parser.add_argument("--out", type=Path, default=BUILD)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    topics, lists = load(args.fold)
    if args.start:
        tokenizer = Tokenizer.from_file(str(args.start.parent / "tokenizer.json"))
    else:
        tokenizer = train_tokenizer(topics, lists, args.vocab)
    args.out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(args.out / "tokenizer.json"))
    sampler = Sampler(topics, lists, tokenizer, LEARN.outside, args.seed)
    shape = Shape(tokenizer.get_vocab_size(), args.width, args.layers, args.width // 64, 3 * args.width)
    print(f"{len(topics)} topics, {sum(len(t.train) for t in topics)} wordings", flush=True)

    def test(model: Guide) -> str:
        return quick_test(model, tokenizer, topics)

    weights = torch.load(args.start, weights_only=True)["weights"] if args.start else None
    for phase in (POLISH,) if weights else (LEARN, POLISH):
        weights = train(weights, shape, sampler, phase, args, test)
    add_caution(weights, shape, sampler, tokenizer.token_to_id("<|outside|>"), args.caution)
    torch.save({"shape": vars(shape), "weights": weights}, args.out / "guide.pt")


if __name__ == "__main__":
    main()
