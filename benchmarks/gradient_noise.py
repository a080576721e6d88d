"""Squared gradient norms of every example, and the sum of the gradients, beside a plain gradient, vmap and BackPACK.

    python -m benchmarks.gradient_noise

One thread, processor time; contenders take turns and the quietest round counts. BackPACK is left out where missing.
"""

import warnings
from collections.abc import Callable

import torch
from torch import nn
from torch.func import functional_call, grad, vmap

from benchmarks import quietest
from leadline.core import borrow
from leadline.optimization.example_gradients import ExampleGradients
from leadline.training import objective_of

TARGET, ROUNDS, BATCH = 1.3, 40, 64
Batch = tuple[torch.Tensor, torch.Tensor]


class Words(nn.Module):
    """An embedding and two linear maps over 32 places."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.embedding, self.inner = nn.Embedding(1000, width), nn.Linear(width, 2 * width)
        self.outer = nn.Linear(2 * width, 10)

    def forward(self, places: torch.Tensor) -> torch.Tensor:
        return self.outer(torch.relu(self.inner(self.embedding(places))).mean(1))


def perceptron(width: int) -> nn.Module:
    """64-width-10."""
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))


def convolutional(channels: int) -> nn.Module:
    """Three convolutions on 32x32 images."""
    layers: list[nn.Module] = []
    for place, given in enumerate((3, channels, 2 * channels)):
        out = channels * min(place + 1, 2)
        layers += [nn.Conv2d(given, out, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(2 * channels * 16, 10))


CASES: dict[str, Callable[[], tuple[nn.Module, torch.Tensor]]] = {
    **{f"perceptron 64-{h}-10": lambda h=h: (perceptron(h), torch.randn(BATCH, 64)) for h in (32, 128, 512)},
    **{f"convolutions, {c}": lambda c=c: (convolutional(c), torch.randn(BATCH, 3, 32, 32)) for c in (16, 32)},
    **{f"embedding, {w} wide": lambda w=w: (Words(w), torch.randint(0, 1000, (BATCH, 32))) for w in (64, 128, 256)},
}


def mapped(model: nn.Module, batch: Batch) -> Callable[[], object]:
    """vmap(grad)."""
    objective = objective_of("cross_entropy")
    parameters = {name: one.detach() for name, one in model.named_parameters()}

    def loss(parameters: dict[str, torch.Tensor], inputs: torch.Tensor, target: torch.Tensor) -> torch.Tensor:
        call = lambda x: functional_call(model, parameters, (x,))  # noqa: E731
        return objective(call, (inputs[None], target[None]))

    each = vmap(grad(loss), in_dims=(None, 0, 0))
    return lambda: sum(one.flatten(1).square().sum(1) for one in each(parameters, *batch).values())


def backpack(model: nn.Module, batch: Batch) -> Callable[[], object] | None:
    """BatchL2Grad, where BackPACK is installed and knows the model's layers."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from backpack import backpack as extended  # pyright: ignore[reportMissingImports]
            from backpack import extend  # pyright: ignore[reportMissingImports]
            from backpack.extensions import BatchL2Grad  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    if not isinstance(model, nn.Sequential):
        return None
    model, loss = extend(model), extend(nn.CrossEntropyLoss())

    def run() -> None:
        model.zero_grad()
        value = loss(model(batch[0]), batch[1])
        with extended(BatchL2Grad()), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            value.backward()

    return run


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    objective = objective_of("cross_entropy")
    print(f"{'':22} {'plain':>10} {'ours':>7} {'target':>7} {'vmap':>7} {'BackPACK':>9}")
    for name, build in CASES.items():
        model, inputs = build()
        batch = inputs, torch.randint(0, 10, (BATCH,))
        parameters = list(model.parameters())
        peer = backpack(build()[0], batch)
        with borrow(model):
            gradients = ExampleGradients(model, objective)
            runs: dict[str, Callable[[], object]] = {
                "plain": lambda m=model, b=batch, p=parameters: torch.autograd.grad(objective(m, b), p),
                "ours": lambda g=gradients, b=batch: g.of(b),
                "vmap": mapped(model, batch),
            }
            if peer is not None:
                runs["backpack"] = peer
            seconds = quietest(runs, ROUNDS)
        plain = seconds["plain"]
        theirs = f"{seconds['backpack'] / plain:8.2f}x" if "backpack" in seconds else f"{'-':>9}"
        print(f"{name:22} {plain * 1e6:7.0f} us {seconds['ours'] / plain:6.2f}x {TARGET:6.2f}x "
              f"{seconds['vmap'] / plain:6.2f}x {theirs}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
