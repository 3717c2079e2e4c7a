"""The guide's network: a small Llama (RMS norm, rotary positions, SwiGLU, shared embedding), in plain PyTorch.

Names and arithmetic follow llama.cpp's "llama" architecture, so that convert.py only has to rename the tensors.
"""

from dataclasses import dataclass

import torch
from torch import nn
from torch.nn import functional as F


@dataclass
class Shape:
    vocab: int
    width: int = 320
    layers: int = 4
    heads: int = 5
    feed_forward: int = 960
    context: int = 2048
    rope_base: float = 10000.0
    epsilon: float = 1e-5


def rotary(shape: Shape, length: int) -> torch.Tensor:
    size = shape.width // shape.heads
    angle = shape.rope_base ** (-torch.arange(0, size, 2).float() / size)
    turn = torch.outer(torch.arange(length).float(), angle)
    return torch.stack([turn.cos(), turn.sin()])


def rotate(x: torch.Tensor, turn: torch.Tensor) -> torch.Tensor:
    """Turns the pairs (i, i + half), quick here; convert.py reorders them to the neighbouring pairs of llama.cpp."""
    cos, sin = turn[0, : x.shape[-2]], turn[1, : x.shape[-2]]
    one, two = x.chunk(2, -1)
    return torch.cat([one * cos - two * sin, two * cos + one * sin], -1)


class Dropout(nn.Module):
    """Drops whole channels of a sequence: as good a regulariser, and far fewer random numbers."""

    def __init__(self, share: float):
        super().__init__()
        self.share = share

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if not self.training or not self.share:
            return x
        keep = torch.empty(x.shape[0], 1, x.shape[2], dtype=x.dtype).bernoulli_(1 - self.share)
        return x * (keep / (1 - self.share))


class Layer(nn.Module):
    def __init__(self, shape: Shape, dropout: float):
        super().__init__()
        width, hidden = shape.width, shape.feed_forward
        self.heads, self.drop = shape.heads, Dropout(dropout)
        self.attn_norm = nn.RMSNorm(width, shape.epsilon)
        self.attn_q, self.attn_k, self.attn_v = (nn.Linear(width, width, bias=False) for _ in range(3))
        self.attn_output = nn.Linear(width, width, bias=False)
        self.ffn_norm = nn.RMSNorm(width, shape.epsilon)
        self.ffn_gate, self.ffn_up = (nn.Linear(width, hidden, bias=False) for _ in range(2))
        self.ffn_down = nn.Linear(hidden, width, bias=False)

    def forward(self, x: torch.Tensor, turn: torch.Tensor, hidden: torch.Tensor) -> torch.Tensor:
        h = self.attn_norm(x).to(turn.dtype)
        q, k, v = (part(h).unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in (self.attn_q, self.attn_k, self.attn_v))
        scores = rotate(q, turn) @ rotate(k, turn).transpose(-1, -2) * (q.shape[-1] ** -0.5) + hidden
        h = (torch.softmax(scores, -1) @ v).transpose(1, 2).flatten(-2)
        x = x + self.drop(self.attn_output(h))
        h = self.ffn_norm(x).to(turn.dtype)
        return x + self.drop(self.ffn_down(F.silu(self.ffn_gate(h)) * self.ffn_up(h)))


class Guide(nn.Module):
    def __init__(self, shape: Shape, dropout: float = 0.0):
        super().__init__()
        self.shape = shape
        self.token_embd = nn.Embedding(shape.vocab, shape.width)
        self.drop = Dropout(dropout)
        self.blk = nn.ModuleList(Layer(shape, dropout) for _ in range(shape.layers))
        self.output_norm = nn.RMSNorm(shape.width, shape.epsilon)
        self.register_buffer("turn", rotary(shape, 512), persistent=False)  # longest sequence in training
        for name, weight in self.named_parameters():
            if weight.ndim == 2:
                deep = name.endswith(("attn_output.weight", "ffn_down.weight"))
                nn.init.normal_(weight, std=0.02 / (2 * shape.layers) ** 0.5 if deep else 0.02)

    def forward(self, ids: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        """Scores for the next token, only at the positions where the mask `wanted` is set: that saves much work."""
        return F.linear(self.state(ids, wanted), self.token_embd.weight)

    def state(self, ids: torch.Tensor, wanted: torch.Tensor) -> torch.Tensor:
        x = self.drop(self.token_embd(ids))
        exact = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else x.dtype
        hidden = torch.full((ids.shape[1], ids.shape[1]), -torch.inf, dtype=exact).triu(1)
        for layer in self.blk:
            x = layer(x, self.turn.to(exact), hidden)
        return self.output_norm(x[wanted])
