"""Learning-rate and batch-size schedules: pure functions of the step or epoch.

A learning-rate schedule is called with an array of step numbers and the number of steps in all, and returns the
factors on the recipe's learning rate, which is therefore the largest rate of every schedule here.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from leadline.core import InputError

Schedule = Callable[[np.ndarray, int], np.ndarray]
Steps = Int[np.ndarray, " steps"]
Factors = Float[np.ndarray, " steps"]


@dataclass(frozen=True)
class Constant:
    """The same rate at every step."""

    def __call__(self, step: Steps, total: int) -> Factors:
        return np.ones(len(step))


@dataclass(frozen=True)
class StepDecay:
    """Multiply the rate by `factor` every `every` steps.

    >>> StepDecay(every=2)(np.arange(5), 5)
    array([1.  , 1.  , 0.1 , 0.1 , 0.01])
    """

    every: int
    factor: float = 0.1

    def __post_init__(self) -> None:
        _check_positive(self, "every")

    def __call__(self, step: Steps, total: int) -> Factors:
        return self.factor ** (step // self.every).astype(float)


@dataclass(frozen=True)
class Exponential:
    """Multiply the rate by `factor` at every step."""

    factor: float

    def __call__(self, step: Steps, total: int) -> Factors:
        return self.factor ** step.astype(float)


@dataclass(frozen=True)
class Cosine:
    """Half a cosine from 1 to `final` over all steps (Loshchilov & Hutter 2017, section 3, one cycle)."""

    final: float = 0.0

    def __call__(self, step: Steps, total: int) -> Factors:
        return _cosine(1.0, self.final, step / max(total, 1))


@dataclass(frozen=True)
class OneCycle:
    """Up from 1/start to 1 over the share `rising` of the steps, then down to 1/(start finish), both along cosines.

    (Smith & Topin 2018; the same numbers as torch's OneCycleLR.)
    """

    rising: float = 0.3
    start: float = 25.0
    finish: float = 1e4

    def __call__(self, step: Steps, total: int) -> Factors:
        low, peak, last = 1 / self.start, self.rising * total - 1, total - 1
        up = _cosine(low, 1.0, step / peak) if peak > 0 else np.ones(len(step))
        down = _cosine(1.0, low / self.finish, (step - peak) / max(last - peak, 1e-12))
        return np.where(step <= peak, up, down)


@dataclass(frozen=True)
class Cyclical:
    """Up and down along straight lines between `low` and 1 (Smith 2017).

    Attributes:
        half_period: steps from the bottom to the top.
        low: the lowest factor.
        policy: `triangular` keeps the height, `triangular2` halves it every period, `exp_range` multiplies it by
            `factor` at every step.

    >>> Cyclical(half_period=2)(np.arange(6), 6)
    array([0. , 0.5, 1. , 0.5, 0. , 0.5])
    """

    half_period: int
    low: float = 0.0
    policy: str = "triangular"
    factor: float = 0.999

    def __post_init__(self) -> None:
        if self.policy not in ("triangular", "triangular2", "exp_range"):
            raise InputError(
                "Cyclical",
                expected="a policy triangular, triangular2 or exp_range",
                got=repr(self.policy),
                remedy="pass one of these names",
            )
        _check_positive(self, "half_period")

    def __call__(self, step: Steps, total: int) -> Factors:
        period = step // (2 * self.half_period)
        height = 1 - np.abs(step / self.half_period - 2 * period - 1)
        scale = {
            "triangular": np.ones(len(step)),
            "triangular2": 0.5 ** period.astype(float),
            "exp_range": self.factor ** step.astype(float),
        }[self.policy]
        return self.low + (1 - self.low) * height * scale


@dataclass(frozen=True)
class WarmUp:
    """A straight line from `start` to 1 over `steps` steps, then another schedule over the steps that remain.

    >>> WarmUp(2, then=Exponential(0.5))(np.arange(5), 5)
    array([0.  , 0.5 , 1.  , 0.5 , 0.25])
    """

    steps: int
    then: Schedule = Constant()
    start: float = 0.0

    def __call__(self, step: Steps, total: int) -> Factors:
        rising = self.start + (1 - self.start) * step / max(self.steps, 1)
        after = self.then(np.maximum(step - self.steps, 0), max(total - self.steps, 1))
        return np.where(step < self.steps, rising, after)


@dataclass(frozen=True)
class BatchGrowth:
    """Multiply the batch size by `factor` every `every` epochs, up to `largest` (Smith et al. 2018).

    >>> [BatchGrowth(factor=2.0, every=3)(epoch, 32) for epoch in (0, 2, 3, 6)]
    [32, 32, 64, 128]
    """

    factor: float
    every: int
    largest: int | None = None

    def __post_init__(self) -> None:
        _check_positive(self, "factor", "every")

    def __call__(self, epoch: int, first: int) -> int:
        """The batch size of an epoch."""
        size = math.floor(first * self.factor ** (epoch // self.every) + 1e-9)  # 10 * 1.1**1 is 11, not 10
        return max(1, size if self.largest is None else min(size, self.largest))


def _check_positive(schedule: object, *names: str) -> None:
    for name in names:
        value = getattr(schedule, name)
        if not value > 0:
            raise InputError(
                type(schedule).__name__, expected=f"{name} above 0", got=str(value), remedy=f"pass a larger {name}"
            )


def _cosine(start: float, end: float, share: np.ndarray) -> np.ndarray:
    return end + (start - end) * (1 + np.cos(np.pi * share)) / 2
