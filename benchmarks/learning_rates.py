"""A range test beside a bare loop that climbs the same ladder, and beside torch-lr-finder; and many seeds at once.

    python -m benchmarks.learning_rates

Perceptrons 64-h-10 on scikit-learn's digits, batches of 64, one thread, processor time; contenders take turns and the
quietest round counts. torch-lr-finder is left out where missing.
"""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.nn import functional
from torch.utils.data import DataLoader, TensorDataset

from benchmarks import quietest
from benchmarks.ensembles import BATCH, digits, perceptron
from leadline.optimization import lr_range_test

STEPS, SEEDS, ROUNDS, TARGET = 600, 8, 5, 1.05
LOW, HIGH = 1e-6, 1.0  # nothing diverges, so everyone takes every step

Data = tuple[torch.Tensor, torch.Tensor]


def bare(width: int, data: Data) -> Callable[[], object]:
    """The loop as everyone writes it, over arrays, its losses kept."""

    def run() -> list[float]:
        model, (inputs, targets) = perceptron(width), data
        optimizer = torch.optim.SGD(model.parameters(), lr=LOW)
        losses, places, start = [], torch.randperm(len(inputs)), 0
        for lr in np.geomspace(LOW, HIGH, STEPS).tolist():
            if start >= len(inputs):
                places, start = torch.randperm(len(inputs)), 0
            index, start = places[start : start + BATCH], start + BATCH
            optimizer.param_groups[0]["lr"] = lr
            loss = functional.cross_entropy(model(inputs[index]), targets[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    return run


def ours(width: int, data: Data, seeds: int) -> Callable[[], object]:
    """The range test."""
    return lambda: lr_range_test(
        lambda: perceptron(width), data, lr_min=LOW, lr_max=HIGH, steps=STEPS, seeds=seeds, batch_size=BATCH
    )


def finder(width: int, data: Data) -> Callable[[], object] | None:
    """torch-lr-finder's range test."""
    try:
        from torch_lr_finder import LRFinder  # pyright: ignore[reportMissingImports]
    except ImportError:
        return None
    loader = DataLoader(TensorDataset(*data), batch_size=BATCH, shuffle=True)

    def run() -> None:
        model = perceptron(width)
        search = LRFinder(model, torch.optim.SGD(model.parameters(), lr=LOW), nn.CrossEntropyLoss())
        search.range_test(loader, end_lr=int(HIGH), num_iter=STEPS, diverge_th=10**9)

    return run


def quiet(runs: dict[str, Callable[[], object]]) -> dict[str, float]:
    """Seconds of processor time, with what the peer prints thrown away."""
    with (
        Path(os.devnull).open("w") as nowhere,
        contextlib.redirect_stderr(nowhere),
        contextlib.redirect_stdout(nowhere),
    ):
        return quietest(runs, ROUNDS)


def main() -> None:
    """Print the table."""
    torch.set_num_threads(1)
    data = digits()
    print(
        f"{'h':>4} {'bare loop':>10} {'ours':>7} {'target':>7} {f'ours, each of {SEEDS}':>15} {'torch-lr-finder':>16}"
    )
    for width in (8, 32, 128, 512):
        runs = {"bare": bare(width, data), "ours": ours(width, data, 1), "seeds": ours(width, data, SEEDS)}
        peer = finder(width, data)
        if peer is not None:
            runs["finder"] = peer
        seconds = quiet(runs)
        loop = seconds["bare"]
        theirs = f"{seconds['finder'] / loop:15.2f}x" if peer is not None else f"{'-':>16}"
        print(f"{width:4} {loop / STEPS * 1e6:7.0f} us {seconds['ours'] / loop:6.2f}x {TARGET:6.2f}x "
              f"{seconds['seeds'] / SEEDS / loop:14.2f}x {theirs}", flush=True)  # fmt: skip


if __name__ == "__main__":
    main()
