"""Fixed learning rates trained side by side: the truth that a range test approximates."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from torch import nn

from leadline.core import refuse
from leadline.core.results import Result
from leadline.optimization.probes import factory_of, probe_recipe, seeds_of
from leadline.optimization.range_tests import RangeTest
from leadline.training import Objective, Recipe, train_ensemble
from leadline.training.members import Factory
from leadline.training.objectives import Loss
from leadline.training.optimizers import Optimizer

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

_refuse = partial(refuse, "lr_sweep")

_LAST = 0.1  # share of the steps over which the training loss is averaged at the end


@dataclass(frozen=True, kw_only=True)
class RuleDistance:
    """How far a rule of a range test is from the best fixed rate.

    Attributes:
        rate: what the rule says; NaN: nothing.
        factor: rate / best rate.
        loss: at that rate, between the rates of the sweep by straight lines in log lr; infinite: diverges.
    """

    rule: str
    rate: float
    factor: float
    loss: float


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RateSweep(Result):
    """Final loss by fixed learning rate and seed; infinite where a run diverged.

    Attributes:
        measure: which loss: "validation loss", or "training loss" averaged over the last tenth of the steps.
    """

    lr: Float[np.ndarray, " rates"]
    losses: Float[np.ndarray, "rates seeds"]
    seeds: tuple[int, ...]
    steps: int
    measure: str

    @property
    def middle(self) -> np.ndarray:
        """Median over seeds."""
        return np.sort(self.losses, axis=1)[:, (len(self.seeds) - 1) // 2]

    @property
    def best_lr(self) -> float:
        """The rate with the lowest median loss; NaN where all diverged."""
        return float(self.lr[np.argmin(self.middle)]) if np.isfinite(self.middle).any() else math.nan

    def distances(self, test: RangeTest) -> tuple[RuleDistance, ...]:
        """How far each rule of a range test is from the best rate of this sweep."""
        found = []
        for rule in test.rules:
            rate = test.suggestion(rule)
            if rate is None:
                found.append(RuleDistance(rule=rule, rate=math.nan, factor=math.nan, loss=math.nan))
            else:
                found.append(RuleDistance(rule=rule, rate=rate, factor=rate / self.best_lr, loss=self._loss_at(rate)))
        return tuple(found)

    def _loss_at(self, rate: float) -> float:
        if not self.lr[0] <= rate <= self.lr[-1]:
            return math.nan
        after = int(np.searchsorted(self.lr, rate))
        ends = self.middle[[max(after - 1, 0), after]]
        if not np.isfinite(ends).all():
            return math.inf
        return float(np.interp(math.log(rate), np.log(self.lr[[max(after - 1, 0), after]]), ends))

    def headline(self) -> str:
        lost = int(np.isinf(self.middle).sum())
        if lost == len(self.lr):
            return f"all {lost} learning rates diverged within {self.steps} steps"
        note = f", {lost} of {len(self.lr)} rates diverge" if lost else ""
        return (
            f"best of {len(self.lr)} fixed learning rates {self.best_lr:.3g}: "
            f"{self.measure} {self.middle.min():.4g} after {self.steps} steps{note}"
        )

    def to_frame(self) -> "pandas.DataFrame":
        """One row per rate."""
        import pandas as pd

        low, high = self.losses.min(1), self.losses.max(1)
        return pd.DataFrame({"lr": self.lr, "loss_median": self.middle, "loss_lowest": low, "loss_highest": high})

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        seen = np.isfinite(self.losses).all(1)
        ax.fill_between(self.lr[seen], self.losses[seen].min(1), self.losses[seen].max(1), alpha=0.3, linewidth=0)
        ax.plot(self.lr[seen], self.middle[seen], "o-", label=f"median of {len(self.seeds)} seeds")
        if not seen.all():
            ax.plot(self.lr[~seen], np.full((~seen).sum(), self.middle[seen].max() if seen.any() else 1.0), "x",
                    color="C3", label="diverged")  # fmt: skip
        ax.set(xscale="log", xlabel="learning rate", ylabel=f"{self.measure} after {self.steps} steps")
        ax.legend(fontsize="small")


def lr_sweep(
    model: nn.Module | Factory,
    data: Any,
    *,
    lrs: Sequence[float] | Float[np.ndarray, " rates"],
    steps: int = 300,
    seeds: Sequence[int] | int = 3,
    validation: Any = None,
    recipe: Recipe | None = None,
    batch_size: int | None = None,
    loss: str | Loss | Objective | None = None,
    optimizer: str | Optimizer | None = None,
    weight_decay: float | None = None,
    momentum: float | None = None,
    progress: bool = False,
) -> RateSweep:
    """Train at fixed learning rates side by side, as one ensemble, and compare the losses they end with.

    Args:
        model: a module, where all runs start, or a factory, called under each seed.
        data: `(inputs, targets)` or a `Dataset`.
        lrs: the rates.
        steps: of every run.
        seeds: how many, or which, for every rate.
        validation: data whose loss is compared; None: the training loss over the last tenth of the steps.
        recipe: how to train in all else; its length, learning rate and seed are the sweep's own.
        batch_size, loss, optimizer, weight_decay, momentum: in place of the recipe's; without one the defaults of
            `Recipe` (64 examples, cross_entropy, sgd).
        progress: show a progress bar on standard error.

    Returns:
        Losses by rate and seed, the best rate, and `distances(range_test)`.

    Raises:
        InputError: no positive rates, or as for `train_ensemble`.

    >>> import torch
    >>> data = torch.ones(8, 1), 2 * torch.ones(8, 1)
    >>> lr_sweep(lambda: nn.Linear(1, 1, bias=False), data, lrs=[0.1, 1.0, 3.0], steps=400, loss="half_mse").best_lr
    1.0
    """
    rates = np.array(sorted(set(lrs)), dtype=float)
    factory, chosen = factory_of("lr_sweep", model), seeds_of(seeds)
    if len(rates) == 0 or rates[0] <= 0 or not np.isfinite(rates).all() or not chosen:
        _refuse(
            "positive learning rates and a seed or more", f"{list(lrs)}, {len(chosen)} seeds", "pass e.g. [0.01, 0.1]"
        )
    base = probe_recipe(recipe, batch_size=batch_size, loss=loss, optimizer=optimizer, weight_decay=weight_decay,
                        momentum=momentum)  # fmt: skip
    recipes = [replace(base, lr=rate, steps=steps, seed=seed) for rate in rates.tolist() for seed in chosen]
    every = None if validation is None else steps
    history = train_ensemble(factory, data, recipes, validation=validation, evaluate_every=every,
                             progress=progress).history  # fmt: skip
    if validation is None:
        final = history.loss[-max(1, round(_LAST * steps)) :].mean(0)
    else:
        reached = history.evaluated_at == steps  # no rows where all diverged
        final = np.where(reached, history.metrics[..., 0], np.inf).min(0, initial=np.inf)
    final = np.where(history.diverged | ~np.isfinite(final), np.inf, final).reshape(len(rates), len(chosen))
    measure = "training loss" if validation is None else "validation loss"
    return RateSweep(lr=rates, losses=final, seeds=chosen, steps=steps, measure=measure, caveats=history.caveats,
                     sources=("Goodfellow, Bengio & Courville (2016), Deep Learning, section 11.4.1",))  # fmt: skip
