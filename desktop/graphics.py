"""How fast the memory of graphics devices and processors is, by their names, as their makers publish it (resources/gpus.json)."""

import json
import re
from collections.abc import Sequence
from functools import cache
from typing import Any

from desktop.paths import resource

# Words that make another device of a name wherever they follow it, so that "RTX 4070" is not taken for an RTX 4070 Ti that the
# table lacks, nor "RTX 2000 Ada" for the Laptop GPU of that name
OTHER = {"ti", "super", "xt", "xtx", "gre", "pro", "max", "ultra", "laptop", "maxq", "sff", "d", "gt"}
# Multiplications a second while a question is read, per byte of bandwidth: 11 (M4 Pro) to 23 (RTX 2080) were published for
# llama.cpp; cards with matrix units have more
PARAMS_PER_BYTE = {"nvidia": 20.0, "amd": 14.0, "intel": 8.0, "apple": 10.0}
USUAL_PARAMS_PER_BYTE = 10.0
BACKENDS = {"CUDA": {"geforce", "rtx", "gtx", "tesla", "nvidia"}, "Metal": {"apple"}}  # what the engine uses for a card called so
USUAL_MEMORY_BANDWIDTH = 45e9  # two channels of DDR4-2933, about the mean of computers between five and ten years old


def bandwidth(name: str) -> float | None:
    """Bytes a second of the memory of a graphics device, None where the table does not have it: "NVIDIA GeForce RTX 4060".

    Systems that only know a chip name all that it is sold as, "Radeon RX 7900 XT/7900 XTX/7900M": the first that is known counts.
    """
    asked = (part for whole in name.split("/") for part in (whole, f"Apple {whole}", f"NVIDIA {whole}"))
    return next((found * 1e9 for found in (_find("gpus", part) for part in asked) if found), None)


def memory_bandwidth(processor: str) -> float:
    """Bytes a second of the main memory that computers with this processor usually have."""
    return (_find("processors", processor) or _find("gpus", processor) or USUAL_MEMORY_BANDWIDTH / 1e9) * 1e9


def params_per_byte(name: str, vendor: str) -> float:
    """Multiplications that a device does while a byte comes from its memory, when a question is read."""
    maker = next((maker for maker in PARAMS_PER_BYTE if maker in f"{vendor} {name}".lower()), "")
    return PARAMS_PER_BYTE.get(maker, USUAL_PARAMS_PER_BYTE)


def backend(name: str) -> str:
    """What the engine would use for a device of this name: "CUDA", "Metal", or what works for all others, "Vulkan"."""
    return next((each for each, makers in BACKENDS.items() if makers & set(_words(name))), "Vulkan")


@cache
def _find(table: str, name: str) -> float | None:
    """The entry with the most words that stand in the name one after another, and are not part of a longer name."""
    words = _words(name)
    best: tuple[int, float | None] = (0, None)
    for wanted, gigabytes in _patterns(table):
        for start in range(len(words) - len(wanted) + 1):
            end = start + len(wanted)
            if len(wanted) > best[0] and not OTHER & set(words[end:]) and _same(wanted, words[start:end]):
                best = len(wanted), gigabytes
    return best[1]


def _same(wanted: Sequence[re.Pattern[str]], words: Sequence[str]) -> bool:
    return all(pattern.fullmatch(word) for pattern, word in zip(wanted, words, strict=True))


@cache
def _patterns(table: str) -> list[tuple[list[re.Pattern[str]], float]]:
    """The words of each entry, in which # is a digit and * any letters and what follows, and its figure."""
    found = []
    for key, gigabytes in _tables()[table].items():
        words = [re.escape(word).replace(r"\#", "[0-9]").replace(r"\*", "(?:[a-z][a-z0-9]*)?") for word in _words(key)]
        found.append(([re.compile(word) for word in words], float(gigabytes)))
    return found


def _words(name: str) -> list[str]:
    """In small letters, as all systems would write them: "Mobile" is what Linux calls the laptop's sort."""
    plain = re.sub(r"\((r|tm|c)\)|[®™]|\bw/|\bgeneration\b|(?<=ryzen \d) pro\b", " ", name.lower())
    plain = re.sub(r"\bmax-q\b", "maxq", re.sub(r"\bmobile\b", "laptop", plain))
    return [word for word in re.findall(r"[a-z0-9.#*]+", plain) if word != "with"]


@cache
def _tables() -> dict[str, Any]:
    tables: dict[str, Any] = json.loads(resource("gpus.json").read_text("utf-8"))
    return tables
