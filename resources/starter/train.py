"""Trains the guide from scratch on data/*.txt:  python train.py

The model answers in two steps. Its first token is an invisible mark, one per topic; then it writes the answer of that
topic. The mark makes the choice of the answer one clear decision, so that the model does not begin one answer and slip
into another, and most of the training can be short: a question and its mark. A small part writes out whole answers.
"""

import argparse
import time
from pathlib import Path

import torch
from batches import END, GUIDE, USER, Sampler, marks
from corpus import Topic, load
from model import Guide, Shape
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from torch.nn import functional as F

BUILD = Path(__file__).parent / "build"


def train_tokenizer(topics: list[Topic], lists: dict[str, list[str]], size: int) -> Tokenizer:
    """Byte-level BPE in GPT-2's manner, from the training text alone: any input can be written with it."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    special = [END, USER, GUIDE, *dict.fromkeys(marks(topics))]
    trainer = trainers.BpeTrainer(vocab_size=size + len(special), special_tokens=special, show_progress=False,
                                  initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
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


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=2400)
    parser.add_argument("--fold", type=int, default=0, help="which fifth of the wordings is held out; 0 is published")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--vocab", type=int, default=4096)
    parser.add_argument("--short", type=int, default=160, help="questions with only their mark, in each step")
    parser.add_argument("--whole", type=int, default=8, help="questions with their whole answer, in each step")
    parser.add_argument("--layers", type=int, default=4)
    parser.add_argument("--width", type=int, default=320)
    parser.add_argument("--rate", type=float, default=2e-3)
    parser.add_argument("--dropout", type=float, default=0.1)
    parser.add_argument("--outside", type=float, default=0.35, help="share of questions outside the guide's subjects")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--compile", action="store_true", help="about 1.5 times as fast; needs a C++ compiler")
    parser.add_argument("--out", type=Path, default=BUILD)
    args = parser.parse_args()

    torch.manual_seed(args.seed)
    torch.set_num_threads(args.threads)
    topics, lists = load(args.fold)
    tokenizer = train_tokenizer(topics, lists, args.vocab)
    args.out.mkdir(parents=True, exist_ok=True)
    tokenizer.save(str(args.out / "tokenizer.json"))
    sampler = Sampler(topics, lists, tokenizer, args.outside, args.seed)

    shape = Shape(tokenizer.get_vocab_size(), args.width, args.layers, args.width // 64, 3 * args.width)
    model = Guide(shape, args.dropout)
    print(f"{len(topics)} topics, {sum(len(t.train) for t in topics)} wordings, "
          f"{sum(p.numel() for p in model.parameters()) / 1e6:.2f} million weights", flush=True)
    groups = [{"params": [p for p in model.parameters() if p.ndim == 2], "weight_decay": 0.1},
              {"params": [p for p in model.parameters() if p.ndim < 2], "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=args.rate, betas=(0.9, 0.98))
    warm = 100
    schedule = torch.optim.lr_scheduler.SequentialLR(optimizer, [
        torch.optim.lr_scheduler.LinearLR(optimizer, 0.01, total_iters=warm),
        torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, args.steps - warm, args.rate / 50)], [warm])
    average = torch.optim.swa_utils.AveragedModel(
        model, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(min(0.998, 1 - 10 / args.steps)))

    if args.compile:
        for layer in model.blk:
            layer.compile(dynamic=True)

    start = time.time()
    for step in range(1, args.steps + 1):
        short = loss_of(model, *sampler.batch(args.short, whole=False), 0.05)
        whole = loss_of(model, *sampler.batch(args.whole, whole=True), 0.0)
        optimizer.zero_grad()
        (short + whole).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        schedule.step()
        average.update_parameters(model)
        if step % 100 == 0 or step == args.steps:
            print(f"step {step}  {time.time() - start:.0f} s  loss {short.item():.3f} {whole.item():.3f}  "
                  f"held out: {quick_test(average.module, tokenizer, topics)}", flush=True)
    torch.save({"shape": vars(shape), "weights": average.module.state_dict(), "topics": len(topics)},
               args.out / "guide.pt")


if __name__ == "__main__":
    main()
