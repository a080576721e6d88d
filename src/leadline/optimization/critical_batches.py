"""Steps to a target over batch sizes, the learning rate tuned anew at each, and the batch size at the knee."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float, Int
from torch import nn

from leadline.core import refuse
from leadline.core.results import Result
from leadline.optimization.batch_fits import Knee, fit_knee
from leadline.optimization.probes import factory_of, probe_recipe, seeds_of
from leadline.training import History, Objective, Recipe, train_ensemble
from leadline.training.members import Factory
from leadline.training.objectives import Loss
from leadline.training.optimizers import Optimizer

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

_refuse = partial(refuse, "critical_batch_size")

_ROOM = 2.0  # a larger batch gets this many times the steps that the last one needed
_EVALUATIONS = 50  # per run, at most
_SOURCES = (
    "McCandlish, Kaplan, Amodei et al. (2018), An Empirical Model of Large-Batch Training, section 2.3",
    "Shallue, Lee, Antognini et al. (2019), Measuring the Effects of Data Parallelism, section 4",
)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CriticalBatch(Result):
    """Steps to a target loss by batch size, and the fit S = S_min (1 + B_crit / B).

    Attributes:
        batch_sizes, lrs, seeds: the grid that was trained.
        target: the validation loss to reach.
        steps: by batch size, rate and seed; infinite where the target was not reached.
        limits: by batch size the steps that runs had.
        smallest_steps: S_min, with its interval.
        critical: B_crit in examples, with its interval; NaN where too few runs reached the target.
        confidence: of the intervals.
    """

    batch_sizes: Int[np.ndarray, " sizes"]
    lrs: Float[np.ndarray, " rates"]
    seeds: tuple[int, ...]
    target: float
    steps: Float[np.ndarray, "sizes rates seeds"]
    limits: Int[np.ndarray, " sizes"]
    smallest_steps: float
    smallest_steps_interval: tuple[float, float]
    critical: float
    critical_interval: tuple[float, float]
    confidence: float

    @property
    def best(self) -> np.ndarray:
        """By batch size the place of the rate with the fewest steps (median over seeds; ties to the mean)."""
        return best_places(self.steps, self.limits)

    @property
    def best_lr(self) -> np.ndarray:
        """By batch size the rate with the fewest steps."""
        return self.lrs[self.best]

    @property
    def best_steps(self) -> np.ndarray:
        """By batch size and seed, at the best rate."""
        return self.steps[np.arange(len(self.batch_sizes)), self.best]

    @property
    def reached(self) -> np.ndarray:
        """By batch size: did the median seed reach the target?"""
        return np.isfinite(np.median(self.best_steps, axis=1))

    def predicted(self, batch_size: float | int) -> float:
        """Steps by the fit."""
        return self.smallest_steps * (1 + self.critical / batch_size)

    def regime(self, batch_size: float | int) -> str:
        """The regime at a batch size: noise dominated below B_crit, curvature dominated above, or at the knee."""
        low, high = self.critical_interval
        if math.isnan(low):
            return "unknown: too few runs reached the target for an interval of the critical batch size"
        if batch_size < low:
            return "noise dominated: a larger batch saves steps nearly in proportion"
        if batch_size > high:
            return "curvature dominated: a larger batch hardly saves steps"
        return "at the knee: within the interval of the critical batch size"

    def headline(self) -> str:
        if not np.isfinite(self.critical):
            return f"critical batch size not found: {self.caveats[0]}"
        low, high = self.critical_interval
        ends = "no interval" if math.isnan(low) else f"{self.confidence:.0%}: {low:.3g} to {high:.3g}"
        return (
            f"critical batch size {self.critical:.3g} examples ({ends}), "
            f"at least {self.smallest_steps:.3g} steps to loss {self.target:.3g}"
        )

    def to_frame(self) -> "pandas.DataFrame":
        """One row per batch size."""
        import pandas as pd

        median = np.median(self.best_steps, axis=1)
        return pd.DataFrame(
            {
                "batch_size_examples": self.batch_sizes,
                "best_lr": self.best_lr,
                "steps_median": median,
                "steps_lowest": self.best_steps.min(1),
                "steps_highest": self.best_steps.max(1),
                "examples_median": median * self.batch_sizes,
                "steps_fitted": [self.predicted(size) for size in self.batch_sizes.tolist()],
                "seeds_censored": np.isinf(self.best_steps).sum(1),
                "steps_limit": self.limits,
            }
        )

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        for size, row, limit in zip(self.batch_sizes, self.best_steps, self.limits, strict=True):
            seen = np.isfinite(row)
            ax.plot(np.full(seen.sum(), size), row[seen], "o", color="C0", markersize=4)
            if not seen.all():
                ax.plot(size, limit, "^", color="C3", markersize=7)
        if np.isfinite(self.critical):
            grid = np.geomspace(self.batch_sizes[0] / 2, self.batch_sizes[-1] * 2, 100)
            ax.plot(grid, [self.predicted(size) for size in grid.tolist()], color="C1", label="S_min (1 + B_crit / B)")
            ax.axvline(self.critical, color="C2", linewidth=1, linestyle="--", label=f"B_crit = {self.critical:.3g}")
            if not math.isnan(self.critical_interval[0]):
                ax.axvspan(*np.clip(self.critical_interval, grid[0], grid[-1]), color="C2", alpha=0.15, linewidth=0)
            ax.axhline(self.smallest_steps, color="0.5", linewidth=1, linestyle=":", label="S_min")
            ax.legend(fontsize="small")
        ax.set(xscale="log", yscale="log", xlabel="batch size (examples)", ylabel=f"steps to loss {self.target:.3g}")
        if np.isinf(self.best_steps).any():
            ax.set_title("A triangle: not reached within these steps", fontsize="small")


def critical_batch_size(
    model: nn.Module | Factory,
    data: Any,
    *,
    target: float | int,
    batch_sizes: Sequence[int],
    lrs: Sequence[float] | Float[np.ndarray, " rates"],
    validation: Any = None,
    steps: int = 1000,
    seeds: Sequence[int] | int = 3,
    recipe: Recipe | None = None,
    loss: str | Loss | Objective | None = None,
    optimizer: str | Optimizer | None = None,
    weight_decay: float | None = None,
    momentum: float | None = None,
    confidence: float = 0.9,
    progress: bool = False,
) -> CriticalBatch:
    """Train to a target loss at each batch size, with the learning rate tuned anew, and fit the knee.

    Every batch size trains rates x seeds as one ensemble. Sizes go from small to large; once the target is reached,
    the next size gets twice the steps that this one took. An epoch's smaller last batch is left out. Crossings are
    read between evaluations by straight lines.

    Args:
        model: a module, where all runs start, or a factory, called under each seed.
        data: `(inputs, targets)` or a `Dataset`.
        target: the loss to reach.
        batch_sizes: examples per step.
        lrs: rates tried at every batch size.
        validation: data on which the loss is read; None: the training data.
        steps: that the smallest batch size has.
        seeds: how many, or which.
        recipe: how to train in all else; its length, batch size, learning rate and seed are those of the grid.
        loss, optimizer, weight_decay, momentum: in place of the recipe's; without one the defaults of `Recipe`
            (cross_entropy, sgd).
        confidence: of the intervals, by profile likelihood, the runs at the best rates being independent.
        progress: show a progress bar on standard error.

    Returns:
        Steps by batch size, rate and seed; S_min and B_crit with intervals; `regime(batch_size)`.

    Raises:
        InputError: fewer than two batch sizes, no rates, a target that is NaN, or as for `train_ensemble`.

    >>> import torch
    >>> generator = torch.Generator().manual_seed(0)
    >>> x = torch.randn(256, 4, generator=generator)
    >>> data = x, x.sum(1, keepdim=True) + torch.randn(256, 1, generator=generator)
    >>> found = critical_batch_size(lambda: nn.Linear(4, 1), data, target=0.55, batch_sizes=[2, 8, 32, 128],
    ...                             lrs=[0.05, 0.3], loss="half_mse", steps=100, seeds=2)
    >>> found.regime(found.critical)
    'at the knee: within the interval of the critical batch size'
    """
    sizes, rates = np.array(sorted(set(batch_sizes)), dtype=int), np.array(sorted(set(lrs)), dtype=float)
    factory, chosen = factory_of("critical_batch_size", model), seeds_of(seeds)
    if len(sizes) < 2 or sizes[0] < 1 or len(rates) == 0 or rates[0] <= 0 or not chosen or steps < 1:
        _refuse("two batch sizes or more, positive rates, a seed or more, steps",
                f"{list(batch_sizes)}, {list(lrs)}, {len(chosen)} seeds, {steps} steps", "widen the grid")  # fmt: skip
    if math.isnan(target):
        _refuse("a target loss", "NaN", "pass one that every batch size can reach")
    base = probe_recipe(recipe, loss=loss, optimizer=optimizer, weight_decay=weight_decay, momentum=momentum)
    table, limits = np.full((len(sizes), len(rates), len(chosen)), np.inf), np.zeros(len(sizes), dtype=int)
    limit, checked = steps, data if validation is None else validation
    for place, size in enumerate(sizes.tolist()):
        sized = replace(base, steps=limit, batch_size=size, growth=None, drop_last=True)
        recipes = [replace(sized, lr=rate, seed=seed) for rate in rates.tolist() for seed in chosen]
        every = _between(limit)
        history = train_ensemble(factory, data, recipes, validation=checked,
                                 evaluate_every=every, progress=progress).history  # fmt: skip
        limits[place] = limit
        table[place] = crossings(history, target).reshape(len(rates), len(chosen))
        slowest = table[place][best_places(table[place : place + 1], limits[place : place + 1])[0]].max()
        if np.isfinite(slowest):
            limit = min(limit, max(math.ceil(_ROOM * slowest), 2))
    return _result(sizes, rates, chosen, float(target), table, limits, confidence)


def crossings(history: History, target: float | int) -> np.ndarray:
    """By member the step at which the validation loss first reaches a target, between evaluations by straight lines."""
    found = np.full(history.members, np.inf)
    for member in range(history.members):
        taken = history.evaluated_at[:, member]
        values, taken = history.metrics[taken > 0, member, 0], taken[taken > 0]
        below = np.flatnonzero(values <= target)
        if len(below):
            place = int(below[0])
            if place == 0:
                found[member] = taken[0]
            else:
                share = (values[place - 1] - target) / (values[place - 1] - values[place])
                found[member] = taken[place - 1] + share * (taken[place] - taken[place - 1])
    return found


def _between(limit: int) -> int:
    # Steps from one evaluation to the next.
    return max(1, limit // _EVALUATIONS)


def best_places(steps: Float[np.ndarray, "sizes rates seeds"], limits: Int[np.ndarray, " sizes"]) -> np.ndarray:
    """By batch size the rate with the fewest steps: the geometric mean over seeds, twice the limit where unreached."""
    filled = np.where(np.isfinite(steps), steps, 2.0 * limits[:, None, None])
    return np.log(filled).mean(2).argmin(1)


def _result(
    sizes: np.ndarray, rates: np.ndarray, seeds: tuple[int, ...], target: float, table: np.ndarray, limits: np.ndarray,
    confidence: float,
) -> CriticalBatch:  # fmt: skip
    best = best_places(table, limits)
    rows = table[np.arange(len(sizes)), best]
    caveats = []
    if np.isfinite(rows).any(1).sum() < 2:
        knee = Knee(math.nan, math.nan)
        caveats.append("the target was reached at fewer than two batch sizes: raise it, or allow more steps")
    else:
        reached = np.isfinite(rows)
        steps = np.where(reached, rows, limits[:, None])
        every = np.repeat(sizes.astype(float), len(seeds))
        knee = fit_knee(every, steps.reshape(-1), reached.reshape(-1), confidence)
        if math.isnan(knee.critical_interval[0]):
            caveats.append("fewer than three runs reached the target: no intervals; add seeds or batch sizes")
    early = [
        int(size)
        for size, row, limit in zip(sizes, rows, limits.tolist(), strict=True)
        if (row <= _between(limit)).all()
    ]
    if early:
        caveats.append(f"the target was reached by the first evaluation at batch sizes {early}: lower it")
    censored = int(np.isinf(rows).sum())
    if censored:
        caveats.append(f"{censored} of {rows.size} runs at the best rates did not reach the target; fitted as censored")
    edges = [int(size) for size, one in zip(sizes, best, strict=True) if one in (0, len(rates) - 1)]
    if edges and len(rates) > 1:
        caveats.append(f"the best rate is at an end of the grid for batch sizes {edges}: widen it")
    if np.isfinite(knee.critical) and not sizes[0] <= knee.critical <= sizes[-1]:
        caveats.append("the knee lies outside the batch sizes tried")
    return CriticalBatch(
        batch_sizes=sizes, lrs=rates, seeds=seeds, target=target, steps=table, limits=limits,
        smallest_steps=knee.smallest, smallest_steps_interval=knee.smallest_interval, critical=knee.critical,
        critical_interval=knee.critical_interval, confidence=confidence, caveats=tuple(caveats), sources=_SOURCES,
    )  # fmt: skip
