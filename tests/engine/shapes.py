"""Tiny models of many architectures, all zeros: the engine opens them and lays out their memory as it does for the large ones."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from tests import gguf_files

WIDTH, HEADS, HEAD, LAYERS = 256, 4, 64, 4
WORDS = 320

Tensors = dict[str, Sequence[int]]


def _vocabulary() -> dict[str, object]:
    """Words enough, none of which spells anything."""
    return {
        "tokenizer.ggml.model": "gpt2", "tokenizer.ggml.pre": "gpt-2", "tokenizer.ggml.merges": ["t 1"],
        "tokenizer.ggml.tokens": [f"t{number}" for number in range(WORDS)], "tokenizer.ggml.token_type": [1] * WORDS,
        "tokenizer.ggml.bos_token_id": 0, "tokenizer.ggml.eos_token_id": 1,
    }  # fmt: skip


def _write(
    path: Path, architecture: str, facts: Mapping[str, object], layer: Callable[[int], Tensors], *,
    quantization: str = "F32", tied: bool = False, more: Mapping[str, Sequence[int]] | None = None,
) -> Path:  # fmt: skip
    metadata: dict[str, object] = {
        "general.name": architecture, "block_count": LAYERS, "context_length": 8192, "embedding_length": WIDTH,
        "feed_forward_length": 2 * WIDTH, "attention.head_count": HEADS, "attention.head_count_kv": 2,
        "attention.layer_norm_rms_epsilon": 1e-5, "rope.dimension_count": HEAD, **_vocabulary(), **facts,
    }  # fmt: skip
    tensors: Tensors = {"token_embd.weight": (WORDS, WIDTH), **(more or {"output_norm.weight": (WIDTH,)})}
    if not tied:
        tensors["output.weight"] = (WORDS, WIDTH)
    for number in range(LAYERS):
        tensors |= {f"blk.{number}.{name}": shape for name, shape in layer(number).items()}
    return gguf_files.write(path, architecture, metadata, tensors, quantization)


def _attention(kv_heads: int = 2, norms: bool = False) -> Tensors:
    tensors: Tensors = {
        "attn_norm.weight": (WIDTH,), "attn_q.weight": (HEADS * HEAD, WIDTH), "attn_k.weight": (kv_heads * HEAD, WIDTH),
        "attn_v.weight": (kv_heads * HEAD, WIDTH), "attn_output.weight": (WIDTH, HEADS * HEAD),
    }  # fmt: skip
    return tensors | ({"attn_q_norm.weight": (HEAD,), "attn_k_norm.weight": (HEAD,)} if norms else {})


def _feed_forward() -> Tensors:
    return {
        "ffn_norm.weight": (WIDTH,), "ffn_gate.weight": (2 * WIDTH, WIDTH), "ffn_up.weight": (2 * WIDTH, WIDTH),
        "ffn_down.weight": (WIDTH, 2 * WIDTH),
    }  # fmt: skip


def llama(path: Path, quantization: str = "F32", tied: bool = False) -> Path:
    """All layers alike; quantised, its weights are repacked for most processors."""
    return _write(path, "llama", {}, lambda _: _attention() | _feed_forward(), quantization=quantization, tied=tied)


def uneven(path: Path, kv_heads: Sequence[int] = (1, 2, 4, 2)) -> Path:
    """Layers with different numbers of heads for keys and values."""
    facts = {"attention.head_count_kv": list(kv_heads), "attention.head_count": [HEADS] * LAYERS}
    return _write(path, "deci", facts, lambda number: _attention(kv_heads[number]) | _feed_forward())


def sliding(path: Path) -> Path:
    """A Gemma, most of whose layers look back no further than a window."""
    norms: Tensors = {"post_attention_norm.weight": (WIDTH,), "post_ffw_norm.weight": (WIDTH,)}
    facts = {
        "attention.sliding_window": 512, "attention.sliding_window_pattern": 2, "attention.key_length": HEAD,
        "attention.value_length": HEAD,
    }  # fmt: skip
    return _write(path, "gemma3", facts, lambda _: _attention(norms=True) | _feed_forward() | norms, tied=True)


def experts(path: Path) -> Path:
    """Eight experts, two of them at work."""
    layer: Tensors = {
        "ffn_norm.weight": (WIDTH,), "ffn_gate_inp.weight": (8, WIDTH), "ffn_gate_exps.weight": (8, 128, WIDTH),
        "ffn_up_exps.weight": (8, 128, WIDTH), "ffn_down_exps.weight": (8, WIDTH, 128),
    }  # fmt: skip
    facts = {"expert_count": 8, "expert_used_count": 2, "expert_feed_forward_length": 128, "attention.key_length": HEAD}
    return _write(path, "qwen3moe", facts, lambda _: _attention(norms=True) | layer)


def recurrent(path: Path) -> Path:
    """A Mamba: a state of fixed size instead of keys and values."""
    inner, state, rank = 2 * WIDTH, 16, 16
    layer: Tensors = {
        "attn_norm.weight": (WIDTH,), "ssm_in.weight": (2 * inner, WIDTH), "ssm_conv1d.weight": (inner, 4),
        "ssm_conv1d.bias": (inner,), "ssm_x.weight": (rank + 2 * state, inner), "ssm_dt.weight": (inner, rank),
        "ssm_dt.bias": (inner,), "ssm_a": (inner, state), "ssm_d": (inner,), "ssm_out.weight": (WIDTH, inner),
    }  # fmt: skip
    facts = {
        "ssm.conv_kernel": 4, "ssm.inner_size": inner, "ssm.state_size": state, "ssm.time_step_rank": rank,
        "attention.head_count": 0, "attention.head_count_kv": 0, "feed_forward_length": 0,
    }  # fmt: skip
    return _write(path, "mamba", facts, lambda _: layer)


def hybrid(path: Path) -> Path:
    """An LFM2: every other layer keeps a short state, the others keys and values."""
    short: Tensors = {
        "attn_norm.weight": (WIDTH,), "shortconv.conv.weight": (WIDTH, 9), "shortconv.in_proj.weight": (3 * WIDTH, WIDTH),
        "shortconv.out_proj.weight": (WIDTH, WIDTH),
    }  # fmt: skip
    facts = {"attention.head_count_kv": [0, 2] * (LAYERS // 2), "shortconv.l_cache": 9, "vocab_size": WORDS}
    return _write(
        path, "lfm2", facts, lambda number: (_attention(norms=True) if number % 2 else short) | _feed_forward(),
        tied=True, more={"token_embd_norm.weight": (WIDTH,)},
    )  # fmt: skip


def latent(path: Path) -> Path:
    """A DeepSeek: keys and values of all heads in one short vector."""
    rank, rope, plain = 128, 32, 32
    layer: Tensors = {
        "attn_norm.weight": (WIDTH,), "attn_q_a.weight": (rank, WIDTH), "attn_q_a_norm.weight": (rank,),
        "attn_q_b.weight": (HEADS * (plain + rope), rank),
        "attn_kv_a_mqa.weight": (rank + rope, WIDTH), "attn_kv_a_norm.weight": (rank,),
        "attn_k_b.weight": (HEADS, rank, plain), "attn_v_b.weight": (HEADS, HEAD, rank),
        "attn_output.weight": (WIDTH, HEADS * HEAD),
    }  # fmt: skip
    facts = {
        "attention.head_count_kv": 1, "attention.key_length": rank + rope, "attention.value_length": rank,
        "attention.key_length_mla": plain + rope, "attention.value_length_mla": HEAD, "attention.kv_lora_rank": rank,
        "attention.q_lora_rank": rank,
        "rope.dimension_count": rope, "leading_dense_block_count": LAYERS, "expert_count": 0, "expert_used_count": 0,
        "expert_feed_forward_length": 64, "expert_shared_count": 0, "vocab_size": WORDS,
    }  # fmt: skip
    return _write(path, "deepseek2", facts, lambda _: layer | _feed_forward())


SHAPES: dict[str, Callable[[Path], Path]] = {
    "llama": llama,
    "quantised": lambda path: llama(path, "Q4_0"),
    "tied": lambda path: llama(path, "Q8_0", tied=True),
    "uneven": uneven,
    "sliding": sliding,
    "experts": experts,
    "recurrent": recurrent,
    "hybrid": hybrid,
    "latent": latent,
}
