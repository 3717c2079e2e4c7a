"""The 160 measurements of others in tests/data/speeds.json, each beside what desktop.speed predicts from the names alone.

How blind the test is. The five constants for graphics cards (GPU_EFFICIENCY to CHOOSE_S) are a fit to the rows that lay wholly
on the Radeon RX 7900 XT. The rest was chosen with all rows in sight: which terms the formula has, what is done for gemma3n (one
row of the Radeon, one of the Apple M4 Pro), the constants for processors (from the rows that lay in part or wholly in main
memory), and here LEFT_FREE, CONTEXT and where Ollama computed. So `held_out` says that no constant was fitted to a row, not that
nobody had seen it. All rows are of four devices, most of them in Q4_K_M.

What is asserted (tests/test_speed.py): for all rows, for those held out and for all other devices the bounds that were set
beforehand, and closer ones beside what is reached, so that a worse formula is seen. Three rows whose model is not known by its
name count as wrong by 100 %.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from desktop import graphics, speed
from desktop.hardware import Cpu, EngineReport, Gpu, Hardware, Memory
from desktop.shape import Layer, Shape
from desktop.speed import Speed

FITTED = "AMD Radeon RX 7900 XT"  # the only device that the constants for graphics cards were fitted to
LEFT_FREE = 1 << 30  # of a card's memory, by llama.cpp's own fitting, which then puts the rest of the layers in main memory
CONTEXT = 4096  # tokens, its shortest choice
CORES = {"i9-10900X": 10, "258V": 8, "M4 Pro": 12}


@dataclass(frozen=True)
class Row:
    """One measurement beside its prediction; `predicted` is None where the name does not tell which model it was."""

    device: str
    model: str
    where: str  # "graphics", "split" or "processor"
    measured: float  # tokens a second
    predicted: Speed | None
    bandwidth: float = 0.0  # of the graphics device, bytes a second
    active_bytes: int = 0  # read for a token

    @property
    def error(self) -> float:
        """As a share of what was measured; 1 where nothing can be predicted."""
        return abs(self.predicted.tokens_per_s / self.measured - 1) if self.predicted else 1.0

    @property
    def held_out(self) -> bool:
        """Whether no constant was fitted to it: those for the processor were chosen in sight of the split and the processor's."""
        return self.device != FITTED and self.where == "graphics"


@cache
def rows() -> tuple[Row, ...]:
    """All of them, in the order of the file."""
    content = json.loads((Path(__file__).parent / "data" / "speeds.json").read_text("utf-8"))
    return tuple(_rows(content))


def _rows(content: dict[str, Any]) -> Iterator[Row]:
    for row in content["rows"]:
        facts = content["shapes"].get(row["shape"])
        share = 1.0 if facts is None else _gpu_share(row, facts)
        where = "processor" if share == 0 else "graphics" if share == 1 else "split"
        if facts is None:
            yield Row(row["hw"], row["model"], where, row["tps"], None)
            continue
        bandwidth, active = graphics.bandwidth(row["hw"]) or 0.0, sum(size for _, size in facts["active"])
        yield Row(row["hw"], row["model"], where, row["tps"], _predicted(row, facts, share), bandwidth, active)


def _predicted(row: dict[str, Any], facts: dict[str, Any], share: float) -> Speed:
    rates = speed.for_hardware(speed.Rates(), _hardware(row))
    return speed.predict(_shape(facts), rates, gpu_share=share)


def _hardware(row: dict[str, Any]) -> Hardware:
    cores = next(count for name, count in CORES.items() if name in row["cpu"])
    vram = round(row["vram_gb"] * 2**30)
    gpu = Gpu(row["hw"], "", None, vram, vram, True, "")
    memory = Memory(64 * 10**9, 60 * 10**9)
    return Hardware(memory, Cpu(row["cpu"], cores, cores), (gpu,), EngineReport("llama.cpp", "b1", ("CPU",), True))


def _shape(facts: dict[str, Any]) -> Shape:
    plain = facts["layers"] - facts["recurrent"]
    layers = (Layer("full", facts["kv_numbers"]),) * plain + (Layer("recurrent"),) * facts["recurrent"]
    active = tuple((kind, size) for kind, size in facts["active"])
    return Shape(
        architecture=facts["architecture"],
        weights_bytes=facts["weights_bytes"],
        active_bytes=sum(size for _, size in active),
        layers=layers,
        embedding_length=facts["width"],
        vocab_size=facts["vocabulary"],
        context_length=0,
        active=active,
        expert_bytes=facts["expert_bytes"],
    )


def _gpu_share(row: dict[str, Any], facts: dict[str, Any]) -> float:
    """Of the weights: those that lie on the card. Ollama of that time did not use Intel's graphics."""
    if row["provider"] == "ollama" and "Intel" in row["hw"]:
        return 0.0
    memory = 2 * facts["kv_numbers"] * facts["layers"] * CONTEXT
    workspace = 4 * 512 * facts["vocabulary"]
    left: float = row["vram_gb"] * 2**30 - LEFT_FREE - memory - workspace
    return min(1.0, left / facts["weights_bytes"])
