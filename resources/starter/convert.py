"""Writes the trained weights as one GGUF file that llama.cpp runs as it is:  python convert.py"""

import argparse
import json
from pathlib import Path

import gguf
import numpy as np
import torch
from batches import END, GUIDE, USER
from corpus import MAX_CHARS
from gguf import GGMLQuantizationType as Kind
from gguf.quants import quantize
from train import BUILD

# Each question stands for itself, so only the last one is shown to the model, in the form it was trained on. Earlier
# turns and a system prompt cannot disturb it, and however long a conversation grows, it never fills the context.
TEMPLATE = (
    """
{%- set last = namespace(question='') -%}
{%- for message in messages -%}
  {%- if message['role'] == 'user' -%}
    {%- if message['content'] is string -%}
      {%- set last.question = message['content'] -%}
    {%- else -%}
      {%- for part in message['content'] if part['type'] == 'text' -%}
        {%- set last.question = part['text'] -%}
      {%- endfor -%}
    {%- endif -%}
  {%- endif -%}
{%- endfor -%}
{%- set question = last.question | lower | replace('\\n', ' ') | replace('’', "'") | trim -%}
{{- 'USER ' + question[:LIMIT] + 'GUIDE' -}}
""".strip()
    .replace("USER", USER)
    .replace("GUIDE", GUIDE)
    .replace("LIMIT", str(MAX_CHARS))
)

DESCRIPTION = (
    "The small guide inside Alcove: a tiny model, trained from scratch on openly published questions and "
    "answers. It knows the app, memory and quantisation, open weights, licences and families, only these."
)


def add_tokenizer(writer: gguf.GGUFWriter, tokenizer: dict) -> None:
    vocabulary = sorted(tokenizer["model"]["vocab"].items(), key=lambda item: item[1])
    special = {token["id"] for token in tokenizer["added_tokens"]}
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("gpt-2")
    writer.add_token_list([token for token, _ in vocabulary])
    writer.add_token_types([gguf.TokenType.CONTROL if number in special else gguf.TokenType.NORMAL for _, number in vocabulary])
    writer.add_token_merges([" ".join(pair) for pair in tokenizer["model"]["merges"]])
    end = tokenizer["model"]["vocab"][END]
    for add in (writer.add_bos_token_id, writer.add_eos_token_id, writer.add_eot_token_id, writer.add_pad_token_id):
        add(end)
    writer.add_add_bos_token(False)
    writer.add_chat_template(TEMPLATE)


def pairs(weight: np.ndarray, heads: int) -> np.ndarray:
    """Reorders rows from (i, i + half), as trained, to neighbouring pairs, as llama.cpp turns them."""
    rows, columns = weight.shape
    return weight.reshape(heads, 2, rows // heads // 2, columns).swapaxes(1, 2).reshape(rows, columns)


def kind_of(name: str, weight: np.ndarray) -> Kind:
    """The storage type of a tensor: together about 11 MB, and answers as good as unrounded ones.

    Q8_0 for the layers would halve the file, but llama.cpp's AMX code (recent Intel servers and workstations) has been
    seen to crash on layers in Q8_0 and Q4_0, with any model; F16 and Q5_1 take another way. The embedding is safe in
    Q8_0 because that code wants a number of rows that divides by 32; the check in main() keeps it so.
    """
    if weight.ndim == 1:
        return Kind.F32
    if name == "token_embd.weight":
        return Kind.Q8_0
    return Kind.Q5_1 if name.endswith("ffn_down.weight") else Kind.F16


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--build", type=Path, default=BUILD, help="where train.py has left its results")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "alcove-guide.gguf")
    args = parser.parse_args()
    saved = torch.load(args.build / "guide.pt", weights_only=True)
    shape, weights = saved["shape"], saved["weights"]
    count = sum(w.numel() for w in weights.values())
    if shape["vocab"] % 32 == 0:
        parser.error("train with another --vocab: see kind_of")

    writer = gguf.GGUFWriter(args.out, "llama")
    writer.add_type("model")
    writer.add_name("Alcove Guide")
    writer.add_organization("Alcove")
    writer.add_author("The makers of Alcove")
    writer.add_description(DESCRIPTION)
    writer.add_version("1.0")
    writer.add_size_label(f"{count / 1e6:.0f}M")
    writer.add_license("apache-2.0")
    writer.add_license_name("Apache License 2.0")
    writer.add_languages(["en"])
    writer.add_tags(["text-generation", "guide", "fully-open"])
    writer.add_sampling_temp(0.0)
    writer.add_sampling_top_k(1)
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_F16)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    writer.add_context_length(shape["context"])
    writer.add_embedding_length(shape["width"])
    writer.add_block_count(shape["layers"])
    writer.add_feed_forward_length(shape["feed_forward"])
    writer.add_head_count(shape["heads"])
    writer.add_head_count_kv(shape["heads"])
    writer.add_rope_dimension_count(shape["width"] // shape["heads"])
    writer.add_rope_freq_base(shape["rope_base"])
    writer.add_layer_norm_rms_eps(shape["epsilon"])
    writer.add_vocab_size(shape["vocab"])
    add_tokenizer(writer, json.loads((args.build / "tokenizer.json").read_text("utf-8")))
    for name, tensor in weights.items():
        weight = tensor.float().numpy()
        if name.endswith(("attn_q.weight", "attn_k.weight")):
            weight = pairs(weight, shape["heads"])
        kind = kind_of(name, weight)
        writer.add_tensor(name, quantize(weight, kind), raw_dtype=kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    print(f"{args.out.name}: {count / 1e6:.2f} million weights, {args.out.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
