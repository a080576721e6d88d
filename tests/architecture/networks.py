"""Nineteen small and large networks on which counters go wrong, each with its multiply-accumulates derived by hand."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from leadline.models import vgg


@dataclass(frozen=True)
class Network:
    build: Callable[[], nn.Module]
    macs: int
    inputs: Callable[[], Any]
    kwargs: Callable[[], dict[str, Any]] = field(default=dict)


def tokens():
    return torch.randn(2, 128, 512)


class FunctionalConvolutions(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.Parameter(torch.randn(64, 3, 3, 3))
        self.second = nn.Parameter(torch.randn(64, 64, 3, 3))
        self.third = nn.Parameter(torch.randn(128, 64, 1, 1))

    def forward(self, images):
        features = F.relu(F.conv2d(images, self.first, padding=1))
        features = F.conv2d(features, self.second, padding=1, stride=2)
        return F.conv2d(features, self.third)


class AttentionBlock(nn.Module):
    """qkv, attention written in one of three ways, output projection, and a four times wider MLP."""

    def __init__(self, how: str):
        super().__init__()
        self.how = how
        self.qkv, self.out = nn.Linear(512, 3 * 512), nn.Linear(512, 512)
        self.mlp = nn.Sequential(nn.Linear(512, 2048), nn.GELU(), nn.Linear(2048, 512))

    def forward(self, x):
        batch, steps, width = x.shape
        q, k, v = (part.view(batch, steps, 8, 64).transpose(1, 2) for part in self.qkv(x).chunk(3, -1))
        if self.how == "fused":
            mixed = F.scaled_dot_product_attention(q, k, v)
        elif self.how == "matmul":
            mixed = (q @ k.transpose(-1, -2) / 8).softmax(-1) @ v
        else:
            weights = torch.einsum("bhqd,bhkd->bhqk", q, k).div(8).softmax(-1)
            mixed = torch.einsum("bhqk,bhkd->bhqd", weights, v)
        return self.mlp(x + self.out(mixed.transpose(1, 2).reshape(batch, steps, width)))


class Loop(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(64, 64)

    def forward(self, x):
        for _ in range(3):
            x = self.linear(x)
        return x


class Holder(nn.Module):
    def __init__(self, shared):
        super().__init__()
        self.shared = shared

    def forward(self, x):
        return self.shared(x)


class TwoParents(nn.Module):
    def __init__(self):
        super().__init__()
        shared = nn.Linear(64, 64)
        self.a, self.b = Holder(shared), Holder(shared)

    def forward(self, x):
        return self.b(self.a(x))


class TiedLanguageModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding, self.head = nn.Embedding(1000, 64), nn.Linear(64, 1000, bias=False)
        self.head.weight = self.embedding.weight

    def forward(self, ids):
        return self.head(self.embedding(ids))


class GroupedAndBare(nn.Module):
    def __init__(self):
        super().__init__()
        self.depthwise = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.grouped = nn.Conv2d(8, 16, 1, groups=4)
        self.matrix, self.vector = nn.Parameter(torch.randn(10, 64)), nn.Parameter(torch.randn(10))

    def forward(self, x):
        features = self.grouped(self.depthwise(x)).flatten(2).transpose(1, 2)  # (2, 64, 16)
        return (self.matrix @ features).transpose(1, 2) @ self.vector  # (2, 10, 16), then (2, 16)


class BareLinear(nn.Module):
    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.randn(10, 1000))

    def forward(self, x):
        return F.linear(x, self.weight)


class KeywordOnly(nn.Module):
    def __init__(self):
        super().__init__()
        self.left, self.right = nn.Linear(16, 32), nn.Linear(8, 32)

    def forward(self, x, *, context):
        return self.left(x) + self.right(context)


class Recursive(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(4, 4)

    def forward(self, x, depth=3):
        return x if depth == 0 else self(self.linear(x), depth - 1)


_BLOCK = 2 * 128 * (512 * 1536 + 512 * 512 + 2 * 512 * 2048) + 2 * (
    2 * 8 * 128 * 128 * 64
)  # both products of attention

NETWORKS: dict[str, Network] = {
    "vgg19": Network(lambda: vgg(19), 19_632_062_464, lambda: torch.randn(1, 3, 224, 224)),
    "functional convolutions": Network(
        FunctionalConvolutions,
        32 * 32 * 64 * 27 + 16 * 16 * 64 * 576 + 16 * 16 * 128 * 64,
        lambda: torch.randn(1, 3, 32, 32),
    ),
    "encoder layer, training": Network(
        lambda: nn.TransformerEncoderLayer(512, 8, 2048, batch_first=True), _BLOCK, tokens
    ),
    "encoder layer, eval": Network(
        lambda: nn.TransformerEncoderLayer(512, 8, 2048, batch_first=True).eval(), _BLOCK, tokens
    ),
    "attention, fused": Network(lambda: AttentionBlock("fused"), _BLOCK, tokens),
    "attention, matmul": Network(lambda: AttentionBlock("matmul"), _BLOCK, tokens),
    "attention, einsum": Network(lambda: AttentionBlock("einsum"), _BLOCK, tokens),
    "transposed convolutions": Network(
        lambda: nn.Sequential(
            nn.ConvTranspose2d(64, 32, 4, stride=2, padding=1), nn.ReLU(), nn.ConvTranspose2d(32, 3, 4, 2, 1)
        ),
        16 * 16 * 64 * 32 * 16 + 32 * 32 * 32 * 3 * 16,  # every input element writes one filter
        lambda: torch.randn(1, 64, 16, 16),
    ),
    "linear in a loop": Network(Loop, 3 * 2 * 64 * 64, lambda: torch.randn(2, 64)),
    "linear under two parents": Network(TwoParents, 2 * 4 * 64 * 64, lambda: torch.randn(4, 64)),
    "tied embedding": Network(TiedLanguageModel, 2 * 7 * 64 * 1000, lambda: torch.randint(0, 1000, (2, 7))),
    "gru": Network(
        lambda: nn.GRU(64, 128, 2), 50 * 16 * 3 * 128 * ((64 + 128) + (128 + 128)), lambda: torch.randn(50, 16, 64)
    ),
    "lstm": Network(
        lambda: nn.LSTM(64, 128, 2, bidirectional=True),
        50 * 16 * 2 * 4 * 128 * ((64 + 128) + (256 + 128)),
        lambda: torch.randn(50, 16, 64),
    ),
    "attention by keyword": Network(
        lambda: nn.MultiheadAttention(64, 4, batch_first=True),
        2 * (20 * 64 * 64 + 2 * 30 * 64 * 64 + 20 * 64 * 64) + 2 * (2 * 4 * 20 * 30 * 16),
        tuple,
        lambda: {"query": torch.randn(2, 20, 64), "key": torch.randn(2, 30, 64), "value": torch.randn(2, 30, 64)},
    ),
    "grouped, broadcast, mv": Network(
        GroupedAndBare,
        2 * 8 * 8 * (8 * 9 + 16 * 2) + 2 * 10 * 64 * 16 + 2 * 16 * 10,
        lambda: torch.randn(2, 8, 8, 8),
    ),
    "linear on four axes": Network(lambda: nn.Linear(16, 8), 2 * 3 * 5 * 16 * 8, lambda: torch.randn(2, 3, 5, 16)),
    "functional linear": Network(BareLinear, 1000 * 10, lambda: torch.randn(1, 1000)),
    "keyword only": Network(
        KeywordOnly, 3 * 32 * (16 + 8), lambda: torch.randn(3, 16), lambda: {"context": torch.randn(3, 8)}
    ),
    "recursion": Network(Recursive, 3 * 4 * 4, lambda: torch.randn(1, 4)),
}
