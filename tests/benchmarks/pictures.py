"""Predicted against measured: `python -m tests.benchmarks.pictures` opens two made models with projectors as large, by the layer,
as Gemma 3's and Qwen2.5-VL's, shows each a photograph of 12 megapixels, and prints what that took more than the words alone.
"""

import io
import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from desktop import gguf, projector
from desktop.engine import ChatOptions, LoadOptions, Message
from desktop.engine.local import LocalEngine
from desktop.picture import prepared
from desktop.shape import BATCH
from tests.engine import seeing
from tests.engine.test_local import run

MB = 10**6
KINDS = {  # architecture of the model; kind, side, patch, width, hidden of the projector, of which four layers are made
    "as Gemma 3's": ("llama", "gemma3", 896, 14, 1152, 4304),
    "as Qwen2.5-VL's": ("qwen2vl", "qwen2vl_merger", 560, 14, 1280, 5120),
}


def main() -> None:
    """A line for each kind."""
    print(
        f"{'projector':16} {'weights':>8} {'workspace':>9} {'counted':>8} {'measured':>9} {'tokens':>7} {'first token':>12}   MB"
    )
    file = _photograph()
    with tempfile.TemporaryDirectory() as folder:
        for name, (architecture, kind, side, patch, width, hidden) in KINDS.items():
            model = seeing.model(Path(folder, f"{kind}.gguf"), architecture=architecture)
            eyes = Path(folder, f"mmproj-{kind}.gguf")
            seeing.projector(eyes, kind=kind, side=side, patch=patch, width=width, hidden=hidden, layers=4, heads=16)
            words = _peak(LoadOptions(model, 4096), Message("user", "x" * 3 * BATCH))[0]
            options = LoadOptions(model, 4096, projector=eyes, threads=1)
            peak, tokens, first_token_s = _peak(options, Message("user", "x" * 3 * BATCH, pictures=(file,)))
            header = gguf.read_file(eyes)
            workspace = projector.workspace_bytes(header)
            counted, measured = header.weights_bytes + workspace, peak - words
            figures = f"{header.weights_bytes / MB:8.0f} {workspace / MB:9.0f} {counted / MB:8.0f} {measured / MB:9.0f}"
            print(f"{name:16} {figures} {tokens:7} {first_token_s:10.1f} s   {counted / measured - 1:+.1%}", flush=True)


def _peak(options: LoadOptions, question: Message) -> tuple[int, int, float]:
    engine = LocalEngine()
    try:
        run(engine.load(options))
        reply = run(engine.chat([question], ChatOptions(temperature=0, max_tokens=4)))[1]
    finally:
        engine.close()
    return reply.peak_bytes, reply.prompt_tokens, reply.first_token_s


def _photograph() -> bytes:
    noise = np.random.default_rng(1).integers(0, 255, (75, 100, 3), dtype=np.uint8)
    out = io.BytesIO()
    Image.fromarray(noise).resize((4000, 3000)).save(out, "JPEG")
    return prepared(out.getvalue(), "a made photograph")


if __name__ == "__main__":
    main()
