"""What Alcove suggests for computers of every size, as the table in README:  python -m tests.benchmarks.suggestions

The computers are made up, each with a usual processor or graphics card of its class. The speeds are those that the names of the
parts promise, since nothing can be measured there. --readme also writes it there.
"""

import re
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from desktop import catalogue, licences, offers, speed, text
from desktop.hardware import Cpu, EngineReport, Hardware, Memory
from desktop.hardware.apple import limit_bytes
from desktop.library import Library
from desktop.offers import Offer
from desktop.paths import GUIDE
from desktop.speed import Rates

GIB = 2**30
CATALOGUE, LICENCES = catalogue.load(), licences.load()
README = Path(__file__).parents[2] / "README.md"
ENGINE = EngineReport("llama.cpp", "assumed", ("CPU",), True)


@dataclass(frozen=True)
class Computer:
    """What a row of the table stands for: memory on the label in GB, processor with its cores, perhaps a graphics card."""

    words: str
    ram_gb: int
    cpu: str
    cores: int
    gpu: str | None = None
    vram_gb: int = 0

    @property
    def hardware(self) -> Hardware:
        """With the memory that system and browser leave: an eighth and two gigabytes are taken, of 4 GB the half."""
        total = self.ram_gb * GIB
        memory = Memory(total, total - min(total // 2, total // 8 + 2 * GIB))
        hardware = Hardware(memory, Cpu(self.cpu, self.cores, 2 * self.cores, ("AVX2",)), (), ENGINE)
        if not self.gpu:
            return hardware
        room = (
            limit_bytes(total) if self.gpu.startswith("Apple") else round(0.93 * self.vram_gb * GIB)
        )  # the desktop has a little
        return Hardware(memory, hardware.cpu, speed.assume_gpu(hardware, room, self.gpu), ENGINE)


COMPUTERS = (
    Computer("4 GB", 4, "Core i3-7100U", 2),
    Computer("8 GB", 8, "Core i5-8250U", 4),
    Computer("16 GB", 16, "Core Ultra 5 125U", 12),
    Computer("32 GB", 32, "Ryzen 7 7840U", 8),
    Computer("64 GB", 64, "Ryzen 9 7950X", 16),
    Computer("16 GB, card of 8 GB", 16, "Core i5-12400", 6, "RTX 4060", 8),
    Computer("32 GB, card of 12 GB", 32, "Core i5-12400", 6, "RTX 3060", 12),
    Computer("32 GB, card of 16 GB", 32, "Ryzen 7 7700X", 8, "RTX 5060 Ti", 16),
    Computer("64 GB, card of 24 GB", 64, "Ryzen 9 7950X", 16, "RTX 4090", 24),
    Computer("Mac of 16 GB", 16, "Apple M4", 10, "Apple M4"),
    Computer("Mac of 64 GB", 64, "Apple M4 Max", 16, "Apple M4 Max"),
)


def suggested(computer: Computer) -> dict[str, Offer]:
    """The offers with a role."""
    library = Library(Path("nowhere"), GUIDE)
    return {o.role: o for o in offers.rank(CATALOGUE, LICENCES, library, computer.hardware, Rates()) if o.role}


def table() -> Iterator[str]:
    """Its lines, in Markdown."""
    yield "| computer | quick | balanced | best | why the balanced one |"
    yield "|---|---|---|---|---|"
    for computer in COMPUTERS:
        found = suggested(computer)
        parts = f"{computer.words} · {computer.gpu if computer.vram_gb else computer.cpu}"
        why = found["balanced"].why if "balanced" in found else ""
        yield f"| {parts} | {' | '.join(_cell(found.get(role)) for role in offers.ROLES)} | {why} |"


def _cell(o: Offer | None) -> str:
    if o is None:
        return "—"
    words = o.usual.tokens_per_s * text.WORDS_PER_TOKEN
    return f"{o.id}<br>{text.size(o.size_bytes)}, {words:.0f} words/s"


def main() -> None:
    """Print the table, and why each was chosen."""
    lines = "\n".join(table())
    if sys.argv[1:] == ["--readme"]:
        content = README.read_text("utf-8")
        README.write_text(re.sub(r"\| computer \| quick .*?(?=\n\n)", lambda _: lines, content, flags=re.DOTALL), "utf-8")
    print(lines)
    for computer in COMPUTERS:
        began = time.perf_counter()
        found = suggested(computer)
        print(f"\n{computer.words}, the catalogue ranked in {1000 * (time.perf_counter() - began):.0f} ms")
        for role, o in sorted(found.items(), key=lambda item: offers.ROLES.index(item[0])):
            print(f"  {role:<9} {o.id:<28} {o.why}")


if __name__ == "__main__":
    main()
