"""The eyes of a model: a second file, its projector, which lies beside the model's own and goes with no other."""

import re
from dataclasses import dataclass
from pathlib import Path

from desktop import gguf
from desktop.errors import AlcoveError
from desktop.picture import PIXELS

# Kinds that see every picture, or each part that they cut it into, in one size
ONE_SIZE = (
    *("adapter", "cogvlm", "gemma3", "gemma3nv", "idefics3", "internvl"),
    *("janus_pro", "ldp", "ldpv2", "llama4", "mlp", "resampler"),
)
# The libraries that pictures need, and one picture at its full size
LIBRARY_BYTES = 25_000_000


@dataclass(frozen=True)
class Projector:
    """A projector's file and what it takes while the model is open."""

    path: Path
    size_bytes: int  # of its weights
    workspace_bytes: int

    @property
    def total_bytes(self) -> int:
        return self.size_bytes + self.workspace_bytes


def beside(path: Path, header: gguf.Header) -> Projector | None:
    """The projector of the model in the file `path`, which says `header` of itself; the smallest where there are several."""
    width = header.metadata.get(f"{header.architecture}.embedding_length")
    if not isinstance(width, int):
        return None
    found = []
    for file in path.parent.glob("*.gguf"):
        if gguf.named_kind(file.name) == "mmproj" and (projector := _read(file, header, width)) is not None:
            found.append(projector)
    # of equal size, the one whose numbers a processor computes with
    return min(found, key=lambda each: (each.size_bytes, "bf16" in each.path.name.lower(), each.path.name), default=None)


def _read(path: Path, model: gguf.Header, width: int) -> Projector | None:
    """The projector in a file, or None where it is no whole one, or that of another model."""
    try:
        header = gguf.read_file(path)
    except AlcoveError:  # it is of no use, and the model is without it
        return None
    if (
        header.kind != "projector"
        or header.metadata.get("clip.has_vision_encoder") is not True
        or not _belongs(header, model, width)
    ):
        return None
    return Projector(path, header.weights_bytes, workspace_bytes(header))


def _belongs(header: gguf.Header, model: gguf.Header, width: int) -> bool:
    """Whether a projector makes what this model reads, as far as their headers tell; the engine looks closer at the width."""
    widths = {header.metadata.get("clip.vision.projection_dim")}
    widths |= {length for tensor in header.tensors if not tensor.name.startswith("v.blk.") for length in tensor.shape}
    names = [_plain(each.metadata.get("general.basename")) for each in (header, model)]
    same = names[0] in names[1] or names[1] in names[0]  # a name that is not told is in every other
    return width in widths and same


def _plain(name: object) -> str:
    return re.sub(r"[^a-z0-9]", "", str(name or "").lower())


def workspace_bytes(header: gguf.Header) -> int:
    """What the computation of one picture takes, and what belongs to it (measured: python -m tests.benchmarks.pictures)."""

    def entry(key: str) -> int:
        value = header.metadata.get(f"clip.vision.{key}", 0)
        return value if isinstance(value, int) else 0

    kind = str(header.metadata.get("clip.projector_type") or header.metadata.get("clip.vision.projector_type"))
    inner = entry("feed_forward_length")
    numbers = 3 * entry("embedding_length") + inner  # of each patch, at the busiest point
    patch = max(1, entry("patch_size"))
    patches = (entry("image_size") // patch) ** 2
    if kind not in ONE_SIZE:  # as many as the largest picture has, with places in two directions
        patches, numbers = PIXELS // patch**2, numbers * 6 // 5
    return (4 * numbers + 2 * inner) * patches + LIBRARY_BYTES  # and once more in half as many bytes, to be multiplied
