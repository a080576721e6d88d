"""`hypergradient` beside higher, TorchOpt and torch's differentiable SGD.

    python -m benchmarks.hypergradients [--steps N ...] [--rounds N] [--clock cpu|wall]

d(final loss)/d(learning rate) of full-batch gradient descent on a linear regression with 1000 features and 2000
observations, float32, one thread. Contenders take turns; the quietest round counts. Memory is the peak of live tensor
bytes, which does not depend on the machine. A peer that is not installed is left out.
"""

import argparse
import importlib
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from leadline.optimization import hypergradient
from leadline.optimization.live_memory import LiveMemory
from leadline.training import Recipe

LR = 0.01
TARGET = 1.0
Run = Callable[[int], float]  # steps -> derivative


def problem() -> tuple[torch.Tensor, torch.Tensor]:
    """2000 observations of 1000 features with a noisy linear target."""
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(2000, 1000, generator=generator)
    w = torch.randn(1000, 1, generator=generator) / 1000**0.5
    return X, X @ w + 0.1 * torch.randn(2000, 1, generator=generator)


def linear() -> nn.Linear:
    """A linear model that starts at zero."""
    model = nn.Linear(1000, 1, bias=False)
    nn.init.zeros_(model.weight)
    return model


def ours(mode: str) -> Run:
    """Leadline's."""

    def run(steps: int) -> float:
        X, t = problem_data
        recipe = Recipe(lr=LR, steps=steps, batch_size=len(X), loss="mse")
        return float(hypergradient(linear(), (X, t), recipe, mode=mode).gradient[0])

    return run


def by_higher(steps: int) -> float:
    """The higher library."""
    higher = importlib.import_module("higher")
    X, t = problem_data
    lr, model = torch.tensor(LR, requires_grad=True), linear()
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    with higher.innerloop_ctx(model, optimizer, override={"lr": [lr]}) as (inner, differentiable):
        for _ in range(steps):
            differentiable.step(functional.mse_loss(inner(X), t))
        return float(torch.autograd.grad(functional.mse_loss(inner(X), t), lr)[0])


def by_torchopt(steps: int) -> float:
    """TorchOpt's MetaSGD."""
    torchopt = importlib.import_module("torchopt")
    X, t = problem_data
    lr, model = torch.tensor(LR, requires_grad=True), linear()
    optimizer = torchopt.MetaSGD(model, lr=lr)
    for _ in range(steps):
        optimizer.step(functional.mse_loss(model(X), t))
    return float(torch.autograd.grad(functional.mse_loss(model(X), t), lr)[0])


def by_torch(steps: int) -> float:
    """Autograd through a loop, as torch.optim's differentiable SGD does it."""
    X, t = problem_data
    lr, w = torch.tensor(LR, requires_grad=True), torch.zeros(1, 1000, requires_grad=True)
    for _ in range(steps):
        w = w - lr * torch.autograd.grad(functional.mse_loss(functional.linear(X, w), t), w, create_graph=True)[0]
    return float(torch.autograd.grad(functional.mse_loss(functional.linear(X, w), t), lr)[0])


problem_data = problem()
CONTENDERS: dict[str, tuple[str | None, Run]] = {
    "leadline, forward": (None, ours("forward")),
    "leadline, reverse": (None, ours("reverse")),
    "higher": ("higher", by_higher),
    "torchopt": ("torchopt", by_torchopt),
    "plain autograd": (None, by_torch),
}


def installed(package: str | None) -> bool:
    """Can it be imported?"""
    try:
        return package is None or importlib.import_module(package) is not None
    except ImportError:
        return False


def peak(run: Run, steps: int) -> int:
    """Peak of live bytes that a run adds."""
    with LiveMemory() as memory:
        run(steps)
    return memory.peak


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, nargs="+", default=[10, 100, 1000])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--clock", choices=("wall", "cpu"), default="cpu")
    options = parser.parse_args()
    torch.set_num_threads(1)
    clock = time.perf_counter if options.clock == "wall" else time.process_time
    runs = {name: run for name, (package, run) in CONTENDERS.items() if installed(package)}
    print(f"{options.clock} clock, 1 thread; ratio: time of leadline, forward / time of the row (target {TARGET:.2f})")
    print(f"{'':20} {'steps':>6} {'ms':>9} {'ratio':>6} {'derivative':>13} {'peak kB':>9}")
    for steps in options.steps:
        best, found = dict.fromkeys(runs, float("inf")), {}
        for _ in range(options.rounds):
            for name, run in runs.items():
                began = clock()
                found[name] = run(steps)
                best[name] = min(best[name], clock() - began)
        for name, run in runs.items():
            print(f"{name:20} {steps:6} {best[name] * 1e3:9.1f} {best['leadline, forward'] / best[name]:6.2f} "
                  f"{found[name]:13.6g} {peak(run, steps) / 1e3:9.0f}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
