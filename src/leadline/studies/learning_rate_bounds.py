"""Which bounds of a cyclical learning rate figures of accuracy against learning rate support, by optimizer."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from leadline.claims import Evidence
from leadline.optimization import RangeTest, lr_range_test
from leadline.optimization.range_rules import ACCURACY_RULES, read_accuracy
from leadline.studies.clothing_images import Pictures, small_net
from leadline.training import Recipe, train_ensemble

if TYPE_CHECKING:
    import matplotlib.axes

OPTIMIZERS = ("sgd", "momentum", "adam")
LADDER = (1e-7, 10.0)
NEAREST = "adam"  # the optimizer that learns at the smallest rates of these: the others' bounds lie higher
FIXED = tuple(10.0**power for power in range(-7, 1))  # as far apart as rates that are read off to a power of ten
_NEAR = math.sqrt(10)  # times or divided by: what a bound rounded to a power of ten may be off


@dataclass(frozen=True)
class Effort:
    """How long and how often: of a climb the steps and seeds; at fixed rates, for one optimizer, epochs and seeds."""

    steps: int
    seeds: int
    epochs: int
    fixed_seeds: int
    fixed_batch: int  # examples: with few pictures small batches make as many steps


@dataclass(frozen=True)
class Reading:
    """Lowest and highest rate over seeds at which the accuracy begins to rise, slows and falls."""

    optimizer: str
    figure: str
    begins: tuple[float, float]
    slows: tuple[float, float]
    falls: tuple[float, float]

    def supports(self, low: float, high: float) -> tuple[bool, bool]:
        """Of each bound: the lower where the accuracy begins to rise, the upper from where it slows to its fall?"""
        top = self.falls[1] if math.isfinite(self.falls[1]) else math.inf
        return (
            self.begins[0] / _NEAR <= low <= self.begins[1] * _NEAR,
            self.slows[0] / _NEAR <= high <= top * _NEAR,
        )


@dataclass(frozen=True, eq=False)
class FixedRates:
    """Accuracy on held-out pictures after each epoch, by fixed learning rate and seed; NaN: diverged."""

    accuracy: Float[np.ndarray, "epochs rates seeds"]
    steps: int  # an epoch
    batch_size: int


@dataclass(frozen=True, eq=False)
class Bounds:
    """By optimizer the climb, and training at fixed rates."""

    climbs: dict[str, RangeTest]
    fixed: dict[str, FixedRates]

    def readings(self) -> Iterator[Reading]:
        """What every figure says."""
        for optimizer, climb in self.climbs.items():
            figure = f"one climb of the rate in {len(climb.lr):,} steps"
            yield _reading(optimizer, figure, climb.rates[-len(ACCURACY_RULES) :])
        for optimizer, fixed in self.fixed.items():
            for epochs in dict.fromkeys((1, len(fixed.accuracy))):
                rates = [read_accuracy(np.array(FIXED), column).rates for column in fixed.accuracy[epochs - 1].T]
                table = np.array([[one[rule] for one in rates] for rule in ACCURACY_RULES])
                yield _reading(
                    optimizer, f"fixed rates, {epochs * fixed.steps:,} steps of {fixed.batch_size} at each", table
                )

    def chosen(self, optimizer: str) -> tuple[float, float]:
        """The bounds read off one climb: where the accuracy begins to rise, and where it slows."""
        low, high = (self.climbs[optimizer].suggestion(rule) for rule in ACCURACY_RULES[:2])
        assert low is not None and high is not None  # the ladder spans eight decades
        return low, high


def measure_bounds(pictures: Pictures, effort: Effort) -> Bounds:
    """Climbs with every optimizer, and trainings at fixed rates with the one that learns at the smallest."""
    climbs = {optimizer: climb(pictures, optimizer, effort) for optimizer in OPTIMIZERS}
    return Bounds(climbs, {NEAREST: fixed_rates(pictures, NEAREST, effort)})


def climb(pictures: Pictures, optimizer: str, effort: Effort) -> RangeTest:
    """The range test with the accuracy on held-out pictures."""
    low, high = LADDER
    return lr_range_test(small_net, pictures.training, lr_min=low, lr_max=high, steps=effort.steps, seeds=effort.seeds,
                         optimizer=optimizer, validation=pictures.held_out)  # fmt: skip


def fixed_rates(pictures: Pictures, optimizer: str, effort: Effort) -> FixedRates:
    """Training at each rate of the ladder."""
    recipes = [
        Recipe(lr=rate, epochs=effort.epochs, batch_size=effort.fixed_batch, optimizer=optimizer, seed=seed)
        for rate in FIXED for seed in range(effort.fixed_seeds)
    ]  # fmt: skip
    history = train_ensemble(
        small_net, pictures.training, recipes, validation=pictures.held_out, metrics=("accuracy",)
    ).history
    accuracy = history.metrics[:, :, 1].reshape(effort.epochs, len(FIXED), effort.fixed_seeds)
    return FixedRates(accuracy, len(history.lr) // effort.epochs, effort.fixed_batch)


def _reading(optimizer: str, figure: str, table: Float[np.ndarray, "rules seeds"]) -> Reading:
    begins, slows, falls = (
        (float(np.nanmin(row)), float(np.nanmax(row))) if np.isfinite(row).any() else (math.nan, math.nan)
        for row in table
    )
    return Reading(optimizer, figure, begins, slows, falls)


def decide_range(bounds: Bounds, asserted: Any, pictures: str, details: tuple[str, ...]) -> Evidence:
    """Are both asserted bounds supported by every optimizer's figures, or by those of a named one?"""
    low, high = (float(one) for one in asserted)
    readings = list(bounds.readings())
    supported = [one.supports(low, high) for one in readings]
    both = [f"{one.optimizer}, {one.figure}" for one, ok in zip(readings, supported, strict=True) if all(ok)]
    return Evidence(
        as_stated=len(both) == len(readings),
        amended=bool(both),
        condition="; ".join(both) + " (the source names neither optimizer nor length)" if both else "",
        found=[
            {"optimizer": one.optimizer, "figure": one.figure, "accuracy begins to rise at": _rounded(one.begins),
             "slows at": _rounded(one.slows), "falls at": _rounded(one.falls), "lr_min supported": ok[0],
             "lr_max supported": ok[1]}
            for one, ok in zip(readings, supported, strict=True)
        ],
        how=f"Accuracy on held-out images by learning rate, a small net on {pictures}: along one climb (batches of 64) "
        "and after training at fixed rates; lr_min is supported within half a decade of where the accuracy has "
        "made a tenth of its rise, lr_max from where it has made nine tenths to where it has lost them.",
        details=details,
    )  # fmt: skip


def _rounded(ends: tuple[float, float]) -> list[float | None]:
    return [float(f"{end:.2g}") if math.isfinite(end) else None for end in ends]


def draw_climbs(ax: "matplotlib.axes.Axes", *, bounds: Bounds, stated: tuple[float, float]) -> None:
    """Accuracy against learning rate along the climb, with the stated and the chosen bounds."""
    ax.axvspan(*stated, color="C3", alpha=0.12, linewidth=0, label="stated bounds")
    for place, (optimizer, climb) in enumerate(bounds.climbs.items()):
        climb.draw_accuracy(ax, label=optimizer)
        low, high = bounds.chosen(optimizer)
        ax.plot([low, high], [0.02 + 0.025 * place] * 2, color=f"C{place}", linewidth=4, solid_capstyle="butt")
    ax.set(ylim=(0, 1), ylabel="accuracy on held-out images")
    ax.legend(fontsize="small", loc="upper left")


def draw_fixed(ax: "matplotlib.axes.Axes", *, bounds: Bounds, stated: tuple[float, float]) -> None:
    """Accuracy after training at each fixed rate."""
    ax.axvspan(*stated, color="C3", alpha=0.12, linewidth=0, label="stated bounds")
    for optimizer, fixed in bounds.fixed.items():
        place = OPTIMIZERS.index(optimizer)
        for epochs, style in {1: "o:", len(fixed.accuracy): "o-"}.items():
            ax.plot(FIXED, np.nanmedian(fixed.accuracy[epochs - 1], axis=1), style, color=f"C{place}", markersize=4,
                    label=f"{optimizer}, {epochs * fixed.steps:,} steps")  # fmt: skip
    ax.set(xscale="log", xlabel="fixed learning rate", ylabel="accuracy on held-out images", ylim=(0, 1))
    ax.legend(fontsize="small", loc="upper left")


def draw_losses(ax: "matplotlib.axes.Axes", *, bounds: Bounds, stated: tuple[float, float]) -> None:
    """Smoothed training loss along the climb."""
    ax.axvspan(*stated, color="C3", alpha=0.12, linewidth=0, label="stated bounds")
    for optimizer, climb in bounds.climbs.items():
        low, middle, high = (np.nanquantile(climb.smooth, at, axis=1) for at in (0, 0.5, 1))
        (line,) = ax.plot(climb.lr, middle, label=optimizer)
        ax.fill_between(climb.lr, low, high, color=line.get_color(), alpha=0.25, linewidth=0)
    ax.set(xscale="log", xlabel="learning rate", ylabel="training loss, smoothed", ylim=(0, 3))
    ax.legend(fontsize="small", loc="upper left")


PICTURES = {
    "Range test: accuracy against learning rate": draw_climbs,
    "Range test: loss against learning rate": draw_losses,
    "Accuracy after training at fixed rates": draw_fixed,
}
