"""`train_ensemble` beside one-by-one training and beside batched matrix products written by hand.

And a lone `train` beside a bare loop.

    python -m benchmarks.ensembles [--threads N] [--clock wall|cpu] [--rounds N]

Perceptrons 64-h-10 on scikit-learn's digits, every member with its own order and minibatches of 64, plain SGD.
Contenders take turns (A B C A B C ...), so that drift of the machine's speed meets all alike; the quietest round
counts. Time per step and member is the difference between a long run and a short one, so setting up is not in it; it
is in the columns "whole run". On a busy machine use `--clock cpu --threads 1`; ratios then are those of one core.
"""

import argparse
import time
from collections.abc import Callable

import torch
from torch import nn
from torch.nn import functional

from leadline.training import Recipe, initialized, train, train_ensemble

BATCH = 64
EPOCHS = (1, 4)  # the short and the long run
SAMPLE = 16  # members trained one by one; their cost does not depend on how many there are
LR = 0.1
TARGETS = {(64, 8): 14.0, (64, 32): 14.0, (64, 128): 6.0, (64, 512): 2.5,
           (256, 8): 14.0, (256, 32): 13.0, (256, 128): 6.0, (256, 512): 2.5}  # fmt: skip
HAND_TARGET, LONE_TARGET = 1.25, 1.05
HAND_CHUNKS = {8: 256, 32: 256, 128: 64, 512: 16}  # the best ones on a 2-core EPYC

Run = Callable[[int], object]  # epochs -> whatever


def digits() -> tuple[torch.Tensor, torch.Tensor]:
    """1797 images of 64 numbers between 0 and 1, and their classes."""
    from sklearn.datasets import load_digits

    inputs, targets = load_digits(return_X_y=True)
    return torch.tensor(inputs / 16, dtype=torch.float32), torch.tensor(targets)


def perceptron(width: int) -> nn.Module:
    """64-width-10."""
    return nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))


def convolutional() -> nn.Module:
    """A small convolutional network with batch norm."""
    return nn.Sequential(
        nn.Unflatten(1, (1, 8, 8)), nn.Conv2d(1, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Conv2d(8, 16, 3), nn.ReLU(),
        nn.Flatten(), nn.Linear(256, 10),
    )  # fmt: skip


def normalized() -> nn.Module:
    """A perceptron with batch norm, which batched matrix products do not cover."""
    return nn.Sequential(nn.Linear(64, 32), nn.BatchNorm1d(32), nn.ReLU(), nn.Linear(32, 10))


def loop(model: nn.Module, data: tuple[torch.Tensor, torch.Tensor], epochs: int) -> None:
    """Training as everyone writes it, over arrays in memory."""
    inputs, targets = data
    optimizer = torch.optim.SGD(model.parameters(), lr=LR)
    for _ in range(epochs):
        places = torch.randperm(len(inputs))
        for start in range(0, len(inputs), BATCH):
            index = places[start : start + BATCH]
            loss = functional.cross_entropy(model(inputs[index]), targets[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()


def one_by_one(make: Callable[[], nn.Module], data: tuple[torch.Tensor, torch.Tensor], members: int) -> Run:
    """The loop for one model after the other."""

    def run(epochs: int) -> None:
        for _ in range(members):
            loop(make(), data, epochs)

    return run


def by_hand(width: int, data: tuple[torch.Tensor, torch.Tensor], members: int) -> Run:
    """Batched matrix products for just this network, loss, optimizer and learning rate."""
    inputs, targets = data

    def run(epochs: int) -> None:
        chunk = min(HAND_CHUNKS[width], members)
        for _ in range(0, members, chunk):
            train_chunk(chunk, epochs)

    def train_chunk(k: int, epochs: int) -> None:
        models = [perceptron(width) for _ in range(k)]
        W, b, V, c = (torch.stack(values).detach() for values in zip(*(m.parameters() for m in models), strict=True))
        for _ in range(epochs):
            places = torch.stack([torch.randperm(len(inputs)) for _ in range(k)])
            for start in range(0, len(inputs), BATCH):
                index = places[:, start : start + BATCH]
                x = inputs.index_select(0, index.reshape(-1)).view(k, -1, 64)
                y = targets.index_select(0, index.reshape(-1)).view(k, -1, 1)
                hidden = torch.baddbmm(b.unsqueeze(1), x, W.transpose(1, 2)).relu_()
                error = torch.baddbmm(c.unsqueeze(1), hidden, V.transpose(1, 2)).softmax(-1)
                error.scatter_add_(2, y, torch.full((1, 1, 1), -1.0).expand_as(y)).mul_(1 / y.shape[1])
                back = torch.ops.aten.threshold_backward(torch.bmm(error, V), hidden, 0)
                V.add_(torch.bmm(error.transpose(1, 2), hidden), alpha=-LR)
                c.add_(error.sum(1), alpha=-LR)
                W.add_(torch.bmm(back.transpose(1, 2), x), alpha=-LR)
                b.add_(back.sum(1), alpha=-LR)

    return run


def ensemble(make: Callable[[], nn.Module], data: tuple[torch.Tensor, torch.Tensor], members: int) -> Run:
    """Ours."""

    def run(epochs: int) -> str:
        recipes = [Recipe(lr=LR, epochs=epochs, batch_size=BATCH, seed=seed) for seed in range(members)]
        return train_ensemble(make, data, recipes).history.execution

    return run


def lone(make: Callable[[], nn.Module], data: tuple[torch.Tensor, torch.Tensor]) -> Run:
    """Ours, one model."""
    return lambda epochs: train(initialized(make), data, Recipe(lr=LR, epochs=epochs, batch_size=BATCH))


def quietest(runs: dict[str, Run], rounds: int, clock: Callable[[], float]) -> dict[str, dict[int, float]]:
    """Seconds of the quietest round by contender and number of epochs."""
    best = {name: {epochs: float("inf") for epochs in EPOCHS} for name in runs}
    for run in runs.values():
        run(1)
    for _ in range(rounds):
        for epochs in EPOCHS:
            for name, run in runs.items():
                began = clock()
                run(epochs)
                best[name][epochs] = min(best[name][epochs], clock() - began)
    return best


def per_step(seconds: dict[int, float], steps_per_epoch: int, members: int) -> float:
    """Microseconds per step and member, set-up excluded."""
    short, long = EPOCHS
    return (seconds[long] - seconds[short]) / ((long - short) * steps_per_epoch * members) * 1e6


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    parser.add_argument("--clock", choices=("wall", "cpu"), default="wall")
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    clock = time.perf_counter if options.clock == "wall" else time.process_time
    data = digits()
    steps = -(-len(data[0]) // BATCH)
    print(f"{options.clock} clock, {options.threads} threads, microseconds per step and member")
    print(f"{'K':>4} {'h':>4} {'sequential':>10} {'by hand':>8} {'ours':>7} {'speed-up':>8} {'target':>7} "
          f"{'/ by hand':>9} {'target':>7} {'whole run':>9}")  # fmt: skip
    for (members, width), target in TARGETS.items():

        def make(width: int = width) -> nn.Module:
            return perceptron(width)

        runs = {"sequential": one_by_one(make, data, SAMPLE), "hand": by_hand(width, data, members),
                "ours": ensemble(make, data, members)}  # fmt: skip
        seconds = quietest(runs, options.rounds, clock)
        alone = per_step(seconds["sequential"], steps, SAMPLE)
        hand, ours = (per_step(seconds[name], steps, members) for name in ("hand", "ours"))
        whole = seconds["sequential"][EPOCHS[1]] / SAMPLE / (seconds["ours"][EPOCHS[1]] / members)
        print(f"{members:4} {width:4} {alone:10.1f} {hand:8.1f} {ours:7.1f} {alone / ours:7.1f}x {target:6.1f}x "
              f"{ours / hand:8.2f}x {HAND_TARGET:6.2f}x {whole:8.1f}x", flush=True)  # fmt: skip
    print("\nany module, K=16: ours chooses between vmap and one after the other")
    for name, other in (("conv + batch norm", convolutional), ("perceptron + batch norm", normalized)):
        runs = {"sequential": one_by_one(other, data, SAMPLE), "ours": ensemble(other, data, SAMPLE)}
        seconds = quietest(runs, options.rounds, clock)
        alone, ours = (per_step(seconds[who], steps, SAMPLE) for who in ("sequential", "ours"))
        print(f"{name:25} sequential {alone:7.1f}  ours {ours:7.1f}  speed-up {alone / ours:5.2f}x (target 1.00x)"
              f"  {runs['ours'](1)}", flush=True)  # fmt: skip
    print("\na lone `train` beside a bare loop over arrays")
    for width in (8, 32, 128, 512):

        def make(width: int = width) -> nn.Module:
            return perceptron(width)

        seconds = quietest({"loop": one_by_one(make, data, 1), "ours": lone(make, data)}, 3 * options.rounds, clock)
        bare, ours = (per_step(seconds[who], steps, 1) for who in ("loop", "ours"))
        print(f"h={width:<4} loop {bare:7.1f}  ours {ours:7.1f}  ratio {ours / bare:5.2f} (target {LONE_TARGET})",
              flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
