"""hardware: the whole computer, quickly, and in one sentence."""

import time
from dataclasses import replace

import pytest

from desktop.hardware import Cpu, EngineReport, Gpu, Hardware, Memory, detect, sentence

ENGINE = EngineReport("llama.cpp", "b7000", ("CPU",), False)
CARD = Gpu("NVIDIA GeForce RTX 4060", "NVIDIA", "CUDA", 8585740288, 7 * 10**9, True, "")
PLAIN = Hardware(Memory(16_500_000_000, 9 * 10**9), Cpu("x", 4, 8), (), ENGINE)


def test_detects_this_computer_in_less_than_300_ms() -> None:
    start = time.perf_counter()
    found = detect(ENGINE)
    assert time.perf_counter() - start < 0.3
    assert found.memory.total_bytes >= found.memory.available_bytes > 0
    assert found.cpu.logical_cores >= 1
    assert found.engine is ENGINE
    assert all(gpu.why and not gpu.used for gpu in found.gpus)


@pytest.mark.parametrize(
    ("hardware", "said"),
    [
        (replace(PLAIN, laptop=True), "A laptop with 16 GB of memory and no graphics card for AI."),
        (replace(PLAIN, memory=Memory(25_276_063_744, 1)), "A computer with 24 GB of memory and no graphics card for AI."),
        (replace(PLAIN, memory=Memory(134_900_000_000, 1)), "A computer with 128 GB of memory and no graphics card for AI."),
        (replace(PLAIN, memory=Memory(4 << 30, 1, "cgroup")), "A computer with 4 GB of memory and no graphics card for AI."),
        (replace(PLAIN, gpus=(CARD,)), "A computer with 16 GB of memory and NVIDIA GeForce RTX 4060 (8 GB) for AI."),
        (
            replace(PLAIN, gpus=(replace(CARD, used=False),)),
            "A computer with 16 GB of memory and a graphics card (NVIDIA GeForce RTX 4060) that is not used for AI.",
        ),
        (
            replace(PLAIN, gpus=(replace(CARD, name="Intel Iris Xe", used=False, unified=True),)),
            "A computer with 16 GB of memory and no graphics card for AI.",
        ),
        (
            replace(PLAIN, gpus=(replace(CARD, name="Apple M2 graphics", unified=True),), laptop=True),
            "A laptop with 16 GB of memory, shared with Apple M2 graphics.",
        ),
    ],
)
def test_the_computer_in_one_sentence(hardware: Hardware, said: str) -> None:
    assert sentence(hardware) == said
