"""The learning-rate range test: loss and accuracy while the rate climbs a ladder, for several seeds at once."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from torch import nn
from torch.utils.data import DataLoader

from leadline.core import InputError, refuse
from leadline.core.results import Result
from leadline.optimization.probes import factory_of, probe_recipe, seeds_of
from leadline.optimization.range_rules import (
    ACCURACY_RULES,
    RULES,
    middle_of_three,
    read_accuracy,
    read_rules,
    smoothed,
)
from leadline.training import History, Objective, Recipe, initialized, train, train_ensemble
from leadline.training.members import Factory
from leadline.training.objectives import Loss
from leadline.training.optimizers import Optimizer

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

_refuse = partial(refuse, "lr_range_test")

_WINDOW = 12  # the moving average remembers this share, one twelfth, of the ladder
_READINGS = 60  # of the accuracy, at least, where the ladder has so many rungs
_ADVICE = "minimum / 10"
_SOURCES = (
    "Smith (2017), Cyclical Learning Rates for Training Neural Networks, section 3.3",
    "Howard & Gugger (2020), fastai: minimum / 10, steepest, valley",
)


@dataclass(frozen=True)
class Ladder:
    """A schedule: `steps` rates from `low` to 1 times the recipe's, equally spaced in the logarithm.

    >>> Ladder(1e-2)(np.arange(3), 3)
    array([0.01, 0.1 , 1.  ])
    """

    low: float

    def __call__(self, step: np.ndarray, total: int) -> np.ndarray:
        return self.low ** (1 - step / max(total - 1, 1))


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class RangeTest(Result):
    """Loss, and accuracy where asked for, against learning rate while the rate grows at every step.

    Attributes:
        lr: the ladder.
        losses: of each step's batch by seed, before the step; NaN from a run's first non-finite loss on.
        smooth: bias-corrected moving averages of these.
        memory: of the moving average.
        seeds: one run each.
        rules: names.
        rates: learning rate by rule and seed; NaN: no suggestion.
        diverged_at: by seed the step at which the loss was not finite; -1: none.
        accuracy_lr: the rungs after which the accuracy was read; empty without validation data.
        accuracy: on the validation data, a share of 1; NaN after a run's end.
    """

    lr: Float[np.ndarray, " steps"]
    losses: Float[np.ndarray, "steps seeds"]
    smooth: Float[np.ndarray, "steps seeds"]
    memory: float
    seeds: tuple[int, ...]
    rules: tuple[str, ...]
    rates: Float[np.ndarray, "rules seeds"]
    diverged_at: tuple[int, ...]
    accuracy_lr: Float[np.ndarray, " readings"]
    accuracy: Float[np.ndarray, "readings seeds"]

    def suggestion(self, rule: str = _ADVICE) -> float | None:
        """The median over seeds of a rule's rate; None where the rule is silent for half of the seeds or more."""
        if rule not in self.rules:
            raise InputError("suggestion", expected="one of " + ", ".join(self.rules), got=repr(rule),
                             remedy="name one of these rules")  # fmt: skip
        found = self.rates[self.rules.index(rule)]
        found = found[np.isfinite(found)]
        return float(np.exp(np.median(np.log(found)))) if 2 * len(found) > len(self.seeds) else None

    def spread(self, rule: str) -> tuple[float, float]:
        """Smallest and largest rate of a rule over seeds; NaN where it is silent for all."""
        found = self.rates[self.rules.index(rule)]
        found = found[np.isfinite(found)]
        return (float(found.min()), float(found.max())) if len(found) else (math.nan, math.nan)

    def headline(self) -> str:
        rate, who = self.suggestion(), "1 seed" if len(self.seeds) == 1 else f"{len(self.seeds)} seeds"
        if rate is None:
            reason = self.caveats[0] if self.caveats else "no rule applies"
            return f"no learning rate suggested from {self.lr[0]:.3g} to {self.lr[-1]:.3g} ({who}): {reason}"
        low, high = self.spread(_ADVICE)
        return f"learning rate {rate:.3g} ({_ADVICE}, median of {who}; {low:.3g} to {high:.3g})"

    def to_frame(self) -> "pandas.DataFrame":
        """One row per rule."""
        import pandas as pd

        rows = []
        for place, rule in enumerate(self.rules):
            rate, (low, high) = self.suggestion(rule), self.spread(rule)
            silent = int(np.isnan(self.rates[place]).sum())
            rows.append((rule, math.nan if rate is None else rate, low, high, silent))
        return pd.DataFrame(rows, columns=["rule", "lr", "lr_lowest", "lr_highest", "seeds_without_suggestion"])

    def draw_accuracy(self, ax: "matplotlib.axes.Axes", *, label: str = "") -> None:
        """Accuracy against learning rate (Smith 2017, figure 3) with the range over seeds; no curve if not read."""
        seen = np.isfinite(self.accuracy).any(1)
        if seen.any():
            low, middle, high = (np.nanquantile(self.accuracy[seen], at, axis=1) for at in (0, 0.5, 1))
            (line,) = ax.plot(self.accuracy_lr[seen], middle, label=label or f"median of {len(self.seeds)} seeds")
            ax.fill_between(self.accuracy_lr[seen], low, high, color=line.get_color(), alpha=0.25, linewidth=0)
        ax.set(xscale="log", xlabel="learning rate", ylabel="accuracy")

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        seen = np.isfinite(self.smooth).any(1)
        ax.set(xscale="log", xlabel="learning rate", ylabel="training loss")
        if not seen.any():
            ax.text(0.5, 0.5, "no finite loss", ha="center", transform=ax.transAxes)
            return
        low, middle, high = np.nanquantile(self.smooth[seen], [0.1, 0.5, 0.9], axis=1)
        ax.fill_between(self.lr[seen], low, high, alpha=0.3, linewidth=0, label="10 % to 90 % of seeds")
        ax.plot(self.lr[seen], middle, label="median, smoothed")
        for place, rule in enumerate(RULES):
            rate = self.suggestion(rule)
            if rate is not None:
                ax.axvline(rate, color=f"C{place + 2}", linewidth=1, linestyle="--", label=f"{rule}: {rate:.2g}")
        first, best = float(middle[0]), float(middle.min())
        ax.set_ylim(best - 0.1 * abs(first - best), max(first + 0.6 * (first - best), best * 1.1 + 1e-12))
        ax.legend(fontsize="x-small")


def lr_range_test(
    model: nn.Module | Factory,
    data: Any,
    *,
    lr_min: float = 1e-6,
    lr_max: float = 100.0,
    steps: int = 300,
    seeds: Sequence[int] | int = 8,
    recipe: Recipe | None = None,
    batch_size: int | None = None,
    loss: str | Loss | Objective | None = None,
    optimizer: str | Optimizer | None = None,
    weight_decay: float | None = None,
    momentum: float | None = None,
    validation: Any = None,
    progress: bool = False,
) -> RangeTest:
    """Train for one climb of the learning rate and read off which rates suit; units: those of the optimizer's lr.

    Copies are trained, from states of their own: the model, its optimizer and all random numbers stay as they were.
    A run ends at its first loss that is not finite.

    Args:
        model: a module, where all runs start, or a factory, called under each seed.
        data: `(inputs, targets)`, a `Dataset`, or a `DataLoader` (then runs follow one another, in its order).
        lr_min, lr_max: ends of the ladder, whose rungs are equally spaced in the logarithm.
        steps: rungs.
        seeds: how many, or which; each has its own data order.
        recipe: how to train in all else; its length, learning rate, schedule and seed are the test's own.
        batch_size, loss, optimizer, weight_decay, momentum: in place of the recipe's; without one the defaults of
            `Recipe` (64 examples, cross_entropy, sgd).
        validation: data on which the accuracy is read at least 60 times on the way up; None: it is not.
        progress: show a progress bar on standard error.

    Returns:
        Curves with a band, and what every rule says with its spread over seeds: minimum / 10 (the most stable in
        practice), valley, steepest in log lr, last before divergence, lr_min and lr_max for a cyclical policy. With
        validation data also where the accuracy begins to rise, slows and falls, Smith's own rules for these two.

    Raises:
        InputError: a ladder that does not climb, or as for `train`.

    >>> import torch
    >>> data = torch.linspace(-1, 1, 64)[:, None], torch.linspace(-3, 3, 64)[:, None]
    >>> test = lr_range_test(lambda: nn.Linear(1, 1), data, loss="half_mse", lr_max=1e3, batch_size=16, seeds=4)
    >>> test.lr[[0, -1]], 0.01 < test.suggestion() < 3
    (array([1.e-06, 1.e+03]), True)
    """
    factory, chosen = factory_of("lr_range_test", model), seeds_of(seeds)
    if not 0 < lr_min < lr_max < math.inf or steps < 10 or not chosen:
        _refuse("0 < lr_min < lr_max, 10 steps or more, a seed or more",
                f"lr_min={lr_min}, lr_max={lr_max}, steps={steps}, {len(chosen)} seeds",
                "widen the ladder")  # fmt: skip
    base = probe_recipe(recipe, batch_size=batch_size, loss=loss, optimizer=optimizer, weight_decay=weight_decay,
                        momentum=momentum)  # fmt: skip
    ladder = Ladder(lr_min / lr_max)
    recipes = [replace(base, lr=lr_max, steps=steps, schedule=ladder, seed=seed) for seed in chosen]
    options: dict[str, Any] = {"progress": progress}
    if validation is not None:
        options |= {"validation": validation, "metrics": ("accuracy",), "evaluate_every": max(1, steps // _READINGS)}
    if isinstance(data, DataLoader) or len(chosen) == 1:
        histories = [train(initialized(factory, one.seed), data, one, **options).history for one in recipes]
    else:
        histories = [train_ensemble(factory, data, recipes, **options).history]
    memory = max(0.0, 1 - _WINDOW / steps)
    return _result(histories, lr_max * ladder(np.arange(steps), steps), memory, chosen)


def _result(histories: list[History], ladder: np.ndarray, memory: float, seeds: tuple[int, ...]) -> RangeTest:
    losses = np.full((len(ladder), len(seeds)), np.nan)
    columns = [history.loss[:, member] for history in histories for member in range(history.members)]
    diverged = tuple(int(at) for history in histories for at in history.diverged_at)
    accuracy_lr, accuracy = _accuracies(histories, ladder)
    rules = RULES + ACCURACY_RULES * bool(len(accuracy))
    smooth, rates = losses.copy(), np.full((len(rules), len(seeds)), np.nan)
    reasons, further = [], []
    for seed, (column, end) in enumerate(zip(columns, diverged, strict=True)):
        finite = column[:end] if end >= 0 else column
        losses[: len(finite), seed], smooth[: len(finite), seed] = finite, smoothed(finite, memory)
        found = read_rules(ladder, finite, memory)
        rates[: len(RULES), seed] = [found.rates[rule] for rule in RULES]
        reasons.append(found.why)
        if len(accuracy):
            found = read_accuracy(accuracy_lr, middle_of_three(accuracy[:, seed]))
            rates[len(RULES) :, seed] = [found.rates[rule] for rule in ACCURACY_RULES]
            further.append(found.why)
    reasons += further
    caveats = [
        f"{reason} ({reasons.count(reason)} of {len(seeds)} seeds)" for reason in dict.fromkeys(reasons) if reason
    ]
    if np.isnan(rates[RULES.index("last before divergence")]).all():
        caveats.append(f"no run diverged up to {ladder[-1]:.3g}")
    return RangeTest(lr=ladder, losses=losses, smooth=smooth, memory=memory, seeds=seeds, rules=rules, rates=rates,
                     diverged_at=diverged, accuracy_lr=accuracy_lr, accuracy=accuracy, caveats=tuple(caveats),
                     sources=_SOURCES)  # fmt: skip


def _accuracies(histories: list[History], ladder: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    # The rungs read by the run that came furthest, and every run's readings there.
    if not histories[0].metric_names:
        return np.empty(0), np.empty((0, sum(history.members for history in histories)))
    taken = max((history.evaluated_at.max(1) for history in histories), key=len)
    columns = [np.pad(history.metrics[:, member, 1], (0, len(taken) - len(history.metrics)), constant_values=np.nan)
               for history in histories for member in range(history.members)]  # fmt: skip
    return ladder[taken - 1], np.stack(columns, axis=1)
