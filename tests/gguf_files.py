"""Small real GGUF files for tests, written with llama.cpp's own `gguf` package."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import gguf
import numpy as np

WORDS = ("<unk>", "<s>", "</s>", "▁hello", "▁world", "▁a", "▁b", "▁c")
TEMPLATE = (
    "{% for m in messages %}{{ m['role'] }}: {{ m['content'] }}\n{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"
)


def write(
    path: Path,
    architecture: str = "llama",
    metadata: Mapping[str, object] | None = None,
    tensors: Mapping[str, Sequence[int]] | None = None,
    quantization: str = "F32",
) -> Path:
    """A GGUF with these entries (keys without a dot before them go below the architecture) and tensors of zeros."""
    writer = gguf.GGUFWriter(path, architecture)
    for key, value in (metadata or {}).items():
        _add(writer, key if key.startswith(("general.", "tokenizer.", "split.")) else f"{architecture}.{key}", value)
    kind = gguf.GGMLQuantizationType[quantization]
    block, block_bytes = gguf.GGML_QUANT_SIZES[kind]
    for name, shape in (tensors or {}).items():
        plain = kind == gguf.GGMLQuantizationType.F32 or len(shape) == 1
        if plain:
            writer.add_tensor(name, np.zeros(shape, np.float32))
        else:
            rows = np.zeros((*shape[:-1], shape[-1] // block * block_bytes), np.uint8)
            writer.add_tensor(name, rows, raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


def _add(writer: gguf.GGUFWriter, key: str, value: object) -> None:
    if isinstance(value, bool):
        writer.add_bool(key, value)
    elif isinstance(value, int):
        writer.add_uint32(key, value)
    elif isinstance(value, float):
        writer.add_float32(key, value)
    elif isinstance(value, str):
        writer.add_string(key, value)
    elif isinstance(value, Sequence):
        writer.add_array(key, value)
    else:
        raise TypeError(key)


def llama(
    path: Path, *, layers: int = 2, width: int = 64, heads: int = 4, kv_heads: int = 2, context: int = 512, vocabulary: int = 320,
    quantization: str = "F32", metadata: Mapping[str, object] | None = None,
) -> Path:  # fmt: skip
    """A whole tiny Llama that the engine loads and runs; its weights are zeros, so it has nothing to say."""
    head = width // heads
    words = [*WORDS, *(f"<0x{byte:02X}>" for byte in range(256))]
    words += [f"▁t{number}" for number in range(vocabulary - len(words))]
    kinds = [2, 3, 3, 1, 1, 1, 1, 1, *(6 for _ in range(256))]
    kinds += [1] * (len(words) - len(kinds))
    entries: dict[str, object] = {
        "general.name": "Tiny test model", "general.license": "apache-2.0", "block_count": layers, "context_length": context,
        "embedding_length": width, "feed_forward_length": 2 * width, "attention.head_count": heads,
        "attention.head_count_kv": kv_heads, "attention.layer_norm_rms_epsilon": 1e-5, "rope.dimension_count": head,
        "tokenizer.ggml.model": "llama", "tokenizer.ggml.tokens": words, "tokenizer.ggml.scores": [0.0] * len(words),
        "tokenizer.ggml.token_type": kinds, "tokenizer.ggml.bos_token_id": 1, "tokenizer.ggml.eos_token_id": 2,
        "tokenizer.chat_template": TEMPLATE,
    }  # fmt: skip
    tensors: dict[str, Sequence[int]] = {"token_embd.weight": (len(words), width), "output_norm.weight": (width,)}
    for layer in range(layers):
        block = f"blk.{layer}."
        tensors |= {
            block + "attn_norm.weight": (width,), block + "attn_q.weight": (heads * head, width),
            block + "attn_k.weight": (kv_heads * head, width), block + "attn_v.weight": (kv_heads * head, width),
            block + "attn_output.weight": (width, heads * head), block + "ffn_norm.weight": (width,),
            block + "ffn_gate.weight": (2 * width, width), block + "ffn_up.weight": (2 * width, width),
            block + "ffn_down.weight": (width, 2 * width),
        }  # fmt: skip
    return write(path, "llama", entries | dict(metadata or {}), tensors, quantization)


def split(path: Path, folder: Path, count: int = 2) -> list[Path]:
    """The parts of a model as llama-gguf-split makes them: all facts in the first, the tensors shared out."""
    reader = gguf.GGUFReader(path)
    architecture = str(reader.fields["general.architecture"].contents())
    names = [f"{path.stem}-{number:05}-of-{count:05}.gguf" for number in range(1, count + 1)]
    for number, name in enumerate(names):
        writer = gguf.GGUFWriter(folder / name, architecture)
        if number:
            writer.kv_data[0].clear()  # the later parts say nothing but which they are
        else:
            for key, field in reader.fields.items():
                if not key.startswith("GGUF.") and key != "general.architecture":
                    _add(writer, key, field.contents())
        writer.add_uint16("split.no", number)
        writer.add_uint16("split.count", count)
        writer.add_int32("split.tensors.count", len(reader.tensors))
        for tensor in reader.tensors[number::count]:
            writer.add_tensor(tensor.name, tensor.data, raw_dtype=tensor.tensor_type)
        writer.write_header_to_file()
        writer.write_kv_data_to_file()
        writer.write_tensors_to_file()
        writer.close()
    return [folder / name for name in names]
