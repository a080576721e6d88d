"""What the same extra compute buys when it goes into steps, batch size or width of small nets on digits."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from leadline.claims import Evidence
from leadline.core import numpy_generator
from leadline.data import embedded_set
from leadline.training import Recipe, train_ensemble

RATES = np.geomspace(0.03, 6, 8)
WIDTH = 16
MORE = 4  # times the compute
BASES = (1, 4, 16)  # times the steps to the target: where a base run ends
_REPLICATES = 300
_TAIL = 0.05

Arrays = tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class Spending:
    """Test loss by choice and seed, from one base run, at the rate with the lowest validation loss of each choice."""

    base_steps: int
    losses: dict[str, np.ndarray]


def split_digits() -> tuple[Arrays, Arrays, Arrays]:
    """Digits to train on, to tune the rate on and to test on."""
    digits = embedded_set("digits")
    order = numpy_generator("learning rate and batch").permutation(len(digits.targets))
    inputs, targets = digits.inputs[order] / 16, digits.targets[order]
    edges = ((0, 1197), (1197, 1497), (1497, 1797))
    parts = [
        (torch.tensor(inputs[start:end], dtype=torch.float32), torch.tensor(targets[start:end])) for start, end in edges
    ]
    return parts[0], parts[1], parts[2]


def perceptron(width: int) -> Callable[[], nn.Module]:
    """A factory of nets with one hidden layer for digits."""
    return lambda: nn.Sequential(nn.Linear(64, width), nn.ReLU(), nn.Linear(width, 10))


def spend(unit: int, size: int, seeds: int, train: Arrays, validation: Arrays, test: Arrays) -> tuple[Spending, ...]:
    """From base runs of `unit` steps times each of `BASES`.

    The rate is constant, so a shorter run is the beginning of a longer one: one training serves all lengths.
    """
    data, most = (train, validation, test), max(BASES)
    longer = _test_losses(unit, MORE * most, size, WIDTH, seeds, *data)
    larger = _test_losses(unit, most, MORE * size, WIDTH, seeds, *data)
    wider = _test_losses(unit, most, size, MORE * WIDTH, seeds, *data)
    return tuple(
        Spending(base * unit, {
            "none": longer[base], "steps": longer[MORE * base], "batch": larger[base], "width": wider[base],
        })
        for base in BASES
    )  # fmt: skip


def _test_losses(
    unit: int, units: int, size: int, width: int, seeds: int, train: Arrays, validation: Arrays, test: Arrays
) -> dict[int, np.ndarray]:
    # By number of units trained: test losses of all seeds at the rate with the lowest validation loss at that moment.
    rates = RATES[2:]  # the smallest are far too small here
    recipes = [
        Recipe(lr=lr, steps=unit * units, batch_size=size, seed=seed) for lr in rates.tolist() for seed in range(seeds)
    ]
    edge = len(validation[1])
    both = tuple(torch.cat(pair) for pair in zip(validation, test, strict=True))
    metrics = {"checked": _loss_on(slice(edge)), "tested": _loss_on(slice(edge, None))}
    history = train_ensemble(
        perceptron(width), train, recipes, validation=both, metrics=metrics, evaluate_every=unit
    ).history
    found = {}
    for number, readings in enumerate(np.nan_to_num(history.metrics[:, :, 1:], nan=np.inf), 1):
        checked, tested = np.moveaxis(readings.reshape(len(rates), seeds, 2), -1, 0)
        found[number] = tested[np.median(checked, axis=1).argmin()]
    return found


def _loss_on(part: slice) -> Callable[[torch.Tensor, torch.Tensor], torch.Tensor]:
    return lambda outputs, targets: nn.functional.cross_entropy(outputs[part], targets[part])


def interval(value: Callable[[np.ndarray], float], seeds: int) -> tuple[float, float]:
    """From the lower to the upper twentieth of a statistic over seeds drawn with replacement."""
    generator = numpy_generator("interval over seeds")
    found = [value(generator.integers(0, seeds, seeds)) for _ in range(_REPLICATES)]
    return float(np.quantile(found, _TAIL)), float(np.quantile(found, 1 - _TAIL))


def decide_spending(runs: Sequence[Spending], batch_size: int, best: str) -> Evidence:
    """Is the asserted choice the best use of the same extra compute, from every base run, or from the longest?"""
    wins, found = [], {}
    for spending in runs:
        seeds = len(spending.losses[best])
        gaps = {
            name: interval(lambda draw, n=name, s=spending: float((s.losses[n] - s.losses[best])[draw].mean()), seeds)
            for name in spending.losses if name not in (best, "none")
        }  # fmt: skip
        wins.append(all(low > 0 for low, _ in gaps.values()))
        found[f"from {spending.base_steps} steps"] = {
            "mean test loss": {name: round(float(one.mean()), 4) for name, one in spending.losses.items()},
            f"other minus {best}": {name: [round(end, 4) for end in gap] for name, gap in gaps.items()},
        }
    return Evidence(
        as_stated=all(wins),
        amended=any(wins),
        condition="from a base run of "
        + " or ".join(f"{one.base_steps} steps" for one, win in zip(runs, wins, strict=True) if win)
        + f", not of others ({', '.join(map(str, BASES))} times the steps to the target were tried)",
        found=found,
        how=f"Digits, batch {batch_size} (the critical size), {MORE} times the compute spent on one thing, "
        "rates tuned on validation data, loss on test data; 90 % intervals of differences over seeds.",
    )
