"""speed: a probe that is fast, predictions close to what people measured, and rates that learn from real answers."""

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from desktop import speed
from desktop.hardware import Cpu, EngineReport, Gpu, Hardware, Memory
from desktop.speed import Rates

CPU = Cpu("Test", 4, 8, ("AVX2",))
HERE = Hardware(Memory(16 * 10**9, 10 * 10**9), CPU, (), EngineReport("llama.cpp", "b1", ("CPU",), False))
# Q4_K_M files on graphics cards (community measurements of llmfit, August 2026): bandwidth, bytes read a token, tokens a second
MEASURED = [
    ("RX 7900 XT, Llama 3.2 1B", 800e9, 0.81e9, 375.97), ("RX 7900 XT, Llama 3.1 8B", 800e9, 4.92e9, 114.33),
    ("RX 7900 XT, Qwen3 14B", 800e9, 9.0e9, 67.26), ("RX 7900 XT, Qwen3 32B", 800e9, 19.76e9, 31.58),
    ("M4 Pro, Llama 3.1 8B", 273e9, 4.92e9, 47.25), ("M4 Pro, Qwen3 14B", 273e9, 9.0e9, 26.64),
    ("RTX 2080, Llama 3.2 3B", 448e9, 2.02e9, 140.33), ("RTX 2080, Qwen3 8B", 448e9, 5.03e9, 69.34),
]  # fmt: skip


def card(bandwidth: float | None, used: bool = True) -> Gpu:
    return Gpu("Card", "NVIDIA", "CUDA", 8 * 10**9, 7 * 10**9, used, "", bandwidth_bytes_per_s=bandwidth)


def test_the_probe_is_fast_and_is_kept(tmp_path: Path) -> None:
    start = time.perf_counter()
    rates = speed.probe(HERE)
    assert time.perf_counter() - start < 0.5  # 0.15 s on a computer that does nothing else
    assert 0.2e9 < rates.memory_bytes_per_s <= 3 * speed.CORE_BYTES_PER_S
    assert not rates.measured
    speed.save(rates, tmp_path / "rates.json")
    assert speed.load(tmp_path / "rates.json") == rates


@pytest.mark.parametrize("kept", [None, "", "[]", "{}", '{"memory_bytes_per_s": "many", "measured": true}', '"x"', "\x00"])
def test_without_kept_rates_nothing_is_known(tmp_path: Path, kept: str | None) -> None:
    if kept is not None:
        (tmp_path / "rates.json").write_text(kept)
    assert speed.load(tmp_path / "rates.json") == Rates()
    assert speed.predict(10**9, 0, Rates()) == 0.0


def test_a_folder_that_cannot_be_written_stops_nothing(tmp_path: Path) -> None:
    speed.save(Rates(1e9), tmp_path / "missing" / "rates.json")
    (tmp_path / "rates.json").mkdir()
    speed.save(Rates(1e9), tmp_path / "rates.json")
    assert [path.name for path in tmp_path.iterdir()] == ["rates.json"]


@pytest.mark.parametrize(("name", "bandwidth", "active_bytes", "tokens_per_s"), MEASURED)
def test_predictions_for_cards_are_near_what_people_measured(
    name: str, bandwidth: float, active_bytes: float, tokens_per_s: float
) -> None:
    rates = speed.for_gpus(Rates(40e9), [card(bandwidth)])
    assert speed.predict(0, round(active_bytes), rates) == pytest.approx(tokens_per_s, rel=0.16), name


def test_time_on_the_processor_and_on_the_card_add_up() -> None:
    rates = Rates(10e9, gpu_bytes_per_s=100e9)
    both = speed.predict(10**9, 10**10, rates)
    assert 1 / both == pytest.approx(0.1 + 0.1 + speed.OVERHEAD_S)


def test_cards_that_are_not_used_or_do_not_tell() -> None:
    assert speed.for_gpus(Rates(1e9), [card(400e9, used=False)]).gpu_bytes_per_s is None
    unknown = speed.for_gpus(Rates(1e9), [card(None)]).gpu_bytes_per_s
    assert unknown == speed.USUAL_GPU_BANDWIDTH * speed.GPU_EFFICIENCY
    assert speed.for_gpus(speed.probe(HERE), [card(400e9)]).gpu_bytes_per_s == 400e9 * speed.GPU_EFFICIENCY
    learned = Rates(1e9, gpu_bytes_per_s=123e9)
    assert speed.for_gpus(learned, [card(400e9)]) == learned


def test_real_answers_correct_the_rate() -> None:
    rates = Rates(10e9)
    true = Rates(20e9)
    for _ in range(6):
        rates = speed.learn(rates, 5 * 10**9, speed.predict(5 * 10**9, 0, true))
    assert rates.measured
    assert rates.memory_bytes_per_s == pytest.approx(20e9, rel=0.02)
    jumped = speed.learn(rates, 5 * 10**9, speed.predict(5 * 10**9, 0, Rates(5e9)))
    assert 8e9 < jumped.memory_bytes_per_s < 12e9  # half way, in doublings


def test_the_first_answer_counts_more_than_the_probe() -> None:
    once = speed.learn(Rates(10e9), 5 * 10**9, speed.predict(5 * 10**9, 0, Rates(20e9)))
    assert once.memory_bytes_per_s > 18e9


def test_an_accident_is_not_believed_and_small_models_teach_nothing() -> None:
    rates = Rates(10e9, measured=True)
    slept = speed.learn(rates, 5 * 10**9, 1e-4)
    assert slept.memory_bytes_per_s == pytest.approx(10e9 / speed.LEARN_RANGE**0.5)
    assert speed.learn(rates, 10_000_000, 200.0) == rates
    assert speed.learn(rates, 5 * 10**9, 0.0) == rates
    absurd = speed.learn(rates, 5 * 10**9, 1e9)
    assert absurd.memory_bytes_per_s <= 10e9 * speed.LEARN_RANGE**0.5 * 1.001


def test_an_answer_from_a_card_corrects_the_cards_rate() -> None:
    rates = Rates(10e9, gpu_bytes_per_s=300e9)
    learned = speed.learn(rates, 0, speed.predict(0, 5 * 10**9, replace(rates, gpu_bytes_per_s=200e9)), 5 * 10**9)
    assert learned.memory_bytes_per_s == rates.memory_bytes_per_s
    assert learned.gpu_bytes_per_s == pytest.approx(200e9, rel=0.06)


def test_reading_a_question_goes_with_the_cores_and_their_instructions() -> None:
    rates = Rates(10e9, gpu_bytes_per_s=340e9)
    plain = speed.predict_prompt(7 * 10**9, 0.0, replace(CPU, features=()), rates)
    assert speed.predict_prompt(7 * 10**9, 0.0, CPU, rates) == pytest.approx(5 * plain)
    assert speed.predict_prompt(7 * 10**9, 0.0, replace(CPU, physical_cores=7), rates) == pytest.approx(10 * plain)
    assert speed.predict_prompt(7 * 10**9, 1.0, CPU, rates) > 50 * plain


def test_an_assumed_card_is_used() -> None:
    (assumed,) = speed.assume_gpu(HERE, 8 * 10**9)
    assert (assumed.used, assumed.memory_free_bytes) == (True, 8 * 10**9)
    assert speed.assume_gpu(HERE, 0) == ()


def test_rates_are_kept_as_plain_json(tmp_path: Path) -> None:
    speed.save(Rates(1e9, True, 2e9), tmp_path / "rates.json")
    assert json.loads((tmp_path / "rates.json").read_text()) == {
        "memory_bytes_per_s": 1e9, "measured": True, "gpu_bytes_per_s": 2e9,
    }  # fmt: skip
