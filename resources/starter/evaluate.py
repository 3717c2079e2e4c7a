"""Measures the finished GGUF file itself, through llama.cpp, as the app runs it:  python evaluate.py

An answer is right when its text is the answer of the topic; outside the guide's subjects, when it is one of the answers
that say "I am only the small guide". None of the wordings was trained on.
"""

import argparse
import json
import random
import time
from pathlib import Path

from augment import typo
from corpus import Topic, load
from llama_cpp import Llama

HERE = Path(__file__).parent


class Exam:
    def __init__(self, model: Path, topics: list[Topic]):
        self.llama = Llama(str(model), n_ctx=2048, n_threads=1, n_threads_batch=1, verbose=False)
        self.outside = {t.answer for t in topics if not t.in_scope}
        self.tokens, self.seconds, self.unfinished = 0, 0.0, 0

    def ask(self, *messages: tuple[str, str]) -> str:
        start = time.perf_counter()
        reply = self.llama.create_chat_completion(
            [{"role": r, "content": c} for r, c in messages], temperature=0.0, max_tokens=200
        )
        self.seconds += time.perf_counter() - start
        self.tokens += reply["usage"]["completion_tokens"]
        self.unfinished += reply["choices"][0]["finish_reason"] != "stop"
        return " ".join(reply["choices"][0]["message"]["content"].split())

    def right(self, topic: Topic, answer: str) -> bool:
        return answer == topic.answer if topic.in_scope else answer in self.outside


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=HERE / "alcove-guide.gguf")
    parser.add_argument("--fold", type=int, default=0, help="the fold that train.py held out; 0 for the published file")
    parser.add_argument("--write", type=Path, help="write the figures here, for instance to evaluation.json")
    parser.add_argument("--misses", action="store_true", help="print each wrong answer")
    args = parser.parse_args()

    topics, _ = load(args.fold)
    exam, rng = Exam(args.model, topics), random.Random(7)
    inside = [(t, w) for t in topics if t.in_scope for w in t.held_out]
    outside = [(t, w) for t in topics if not t.in_scope for w in t.held_out]
    earlier = [(t, rng.choice(t.train)) for t in topics if t.in_scope]

    def second_turn(wording: str) -> list[tuple[str, str]]:
        topic, first = rng.choice(earlier)
        return [("system", "You are a helpful assistant."), ("user", first), ("assistant", topic.answer), ("user", wording)]

    rows = {
        "held-out wordings": [(t, [("user", w)]) for t, w in inside],
        "held-out wordings with a typing error": [(t, [("user", typo(w, rng))]) for t, w in inside[::3]],
        "held-out wordings as a second question, with a system prompt": [(t, second_turn(w)) for t, w in inside[::6]],
        "held-out prompts outside the subjects": [(t, [("user", w)]) for t, w in outside],
        "questions as trained": [(t, [("user", t.train[0])]) for t in topics],
    }
    figures, turned_away = {}, 0
    for name, questions in rows.items():
        good = 0
        for topic, messages in questions:
            answer = exam.ask(*messages)
            good += exam.right(topic, answer)
            turned_away += name == "held-out wordings" and answer in exam.outside
            if args.misses and not exam.right(topic, answer):
                print(f"MISS {messages[-1][1]!r}\n   got  {answer[:90]}\n   want {topic.answer[:90]}")
        figures[name] = {"questions": len(questions), "right": good, "share": round(good / len(questions), 4)}
        print(f"{name:62} {good:5} of {len(questions):5}   {good / len(questions):6.1%}", flush=True)
    figures["held-out wordings wrongly turned away"] = turned_away
    figures["tokens a second on one thread"] = round(exam.tokens / exam.seconds)
    figures["answers without an end"] = exam.unfinished
    figures["file size in MB"] = round(args.model.stat().st_size / 1e6, 2)
    figures["topics"] = len(topics)
    figures["wordings"] = sum(len(t.wordings) for t in topics)
    print(json.dumps({k: v for k, v in figures.items() if k not in rows}, indent=1))
    if args.write:
        args.write.write_text(json.dumps(figures, indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
