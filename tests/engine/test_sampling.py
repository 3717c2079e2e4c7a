"""The person's choice comes first, then that of the model's maker, then ours."""

from desktop.engine import ChatOptions
from desktop.engine.sampling import Sampling, choose


def nothing(key: str) -> None:
    """A file whose maker left the choice to others."""


def test_our_own_choice_where_nobody_else_made_one() -> None:
    chosen = choose(ChatOptions(seed=7), nothing)
    assert chosen == Sampling(seed=7)


def test_the_makers_choice_and_the_persons() -> None:
    written = {
        "general.sampling.temp": "0.600000",
        "general.sampling.top_k": "20",
        "general.sampling.top_p": "0.9",
        "general.sampling.min_p": "0.0",
        "general.sampling.penalty_repeat": "1.05",
        "general.sampling.penalty_last_n": "128",
    }
    theirs = choose(ChatOptions(seed=1), written.get)
    assert theirs == Sampling(0.6, 20, 0.9, 0.0, 1.05, 128, seed=1)
    ours = choose(ChatOptions(temperature=0.0, top_k=0, seed=1), written.get)
    assert (ours.temperature, ours.top_k, ours.top_p) == (0.0, 0, 0.9)


def test_nonsense_in_a_file_is_passed_over() -> None:
    written = {"general.sampling.temp": "warm", "general.sampling.top_k": "inf", "general.sampling.penalty_last_n": "-1"}
    chosen = choose(ChatOptions(seed=1), written.get)
    assert (chosen.temperature, chosen.top_k) == (Sampling.temperature, Sampling.top_k)
    assert chosen.repeat_tokens == 0


def test_each_answer_has_another_seed_unless_one_is_given() -> None:
    assert choose(ChatOptions(), nothing).seed != choose(ChatOptions(), nothing).seed
