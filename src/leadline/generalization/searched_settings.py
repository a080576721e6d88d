"""The result of `linear_regression_grid`: the error of every setting, the one chosen, and ridge beside it."""

from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from leadline.core import Result

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

AXES = ("batch_size", "lr", "l2", "epochs")
LABELS = {"batch_size": "batch size\n(rows)", "lr": "learning\nrate", "l2": "L2\nstrength", "epochs": "epochs"}


WORSE = 10.0  # times the error before training: more than fitting noise to a few rows can make of it


def diverged(half_mse: Float[np.ndarray, "*settings"], untrained_half_mse: float) -> Bool[np.ndarray, "*settings"]:
    """Which settings ended far worse than they began, or beyond the finite numbers."""
    return ~(half_mse <= WORSE * untrained_half_mse)


def excess(found: Float[np.ndarray, "*fits"], least: Float[np.ndarray, "*fits"]) -> Float[np.ndarray, "*fits"]:
    """How far above the least an error or objective is, relative to it; 0 where both are 0.

    >>> excess(np.array([3.0, 0.0, 1.0]), np.array([2.0, 0.0, 0.0]))
    array([0.5, 0. , inf])
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.where(found == least, 0.0, found / least - 1)


@dataclass(frozen=True, eq=False, kw_only=True)
class ChosenFit:
    """A linear fit that validation rows chose, in units of the inputs as given: predictions are X @ weights + bias.

    Attributes:
        test_standard_error: of the test error, from row to row.
    """

    l2: float
    weights: Float[np.ndarray, " features"]
    bias: float
    validation_half_mse: float
    test_half_mse: float
    test_standard_error: float

    @property
    def test_mse(self) -> float:
        """The mean squared error on the test rows: twice the half, without the penalty."""
        return 2 * self.test_half_mse


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class LinearRegressionGrid(Result):
    """Half mean squared errors, without the penalty, in squared units of the target.

    Attributes:
        data: what was fitted.
        rows: to train on, to choose by, to test on.
        batch_sizes, lrs, l2, epochs: the axes of the grid.
        half_mse: on the validation rows, by setting; NaN where training left the finite numbers.
        untrained_half_mse: the same with all weights zero, where training begins.
        fit: the setting with the least validation error, as its training left it.
        ridge: the closed form, its strength chosen from `l2`.
        ridge_path: the closed form, its strength chosen from `path_l2`.
        path_half_mse: of ridge regression on the validation rows, by strength in `path_l2`.
        objective_gap: by strength in `l2`, how far above its minimum (relative) the penalized training loss was at the
            end of the longest training, in the best batch size and learning rate.
    """

    data: str
    rows: tuple[int, int, int]
    batch_sizes: tuple[int, ...]
    lrs: tuple[float, ...]
    l2: tuple[float, ...]
    epochs: tuple[int, ...]
    half_mse: Float[np.ndarray, "batch_sizes lrs l2 epochs"]
    untrained_half_mse: float
    fit: ChosenFit
    ridge: ChosenFit
    ridge_path: ChosenFit
    path_l2: Float[np.ndarray, " path"]
    path_half_mse: Float[np.ndarray, " path"]
    objective_gap: Float[np.ndarray, " l2"]
    seed: int

    @property
    def settings(self) -> int:
        """How many."""
        return self.half_mse.size

    @property
    def axes(self) -> dict[str, tuple[int, ...] | tuple[float, ...]]:
        """The values along each axis of `half_mse`, in its order."""
        return dict(zip(AXES, (self.batch_sizes, self.lrs, self.l2, self.epochs), strict=True))

    @property
    def chosen(self) -> dict[str, int | float]:
        """The setting with the least validation error among those that did not diverge."""
        return {name: values[place] for (name, values), place in zip(self.axes.items(), self.places, strict=True)}

    @property
    def places(self) -> tuple[int, ...]:
        """Where on the axes that is."""
        best = int(np.where(self.diverged, np.inf, self.half_mse).argmin())
        return tuple(int(place) for place in np.unravel_index(best, self.half_mse.shape))

    @property
    def diverged(self) -> Bool[np.ndarray, "batch_sizes lrs l2 epochs"]:
        """Which settings ended at an error ten times as large as before training, or beyond the finite numbers."""
        return diverged(self.half_mse, self.untrained_half_mse)

    @property
    def excess(self) -> float:
        """The chosen setting's validation error over that of the best ridge on the finer path, less one."""
        found, least = (np.array(one.validation_half_mse) for one in (self.fit, self.ridge_path))
        return float(excess(found, least))

    def least(self, axis: str) -> Float[np.ndarray, " values"]:
        """By value of one axis, the least validation error over all else; NaN where all diverged."""
        place = AXES.index(axis)
        rest = tuple(other for other in range(len(AXES)) if other != place)
        least = np.nanmin(np.where(self.diverged, np.inf, self.half_mse), axis=rest)
        return np.where(np.isfinite(least), least, np.nan)

    def headline(self) -> str:
        said = self.chosen
        lost = int(self.diverged.sum())
        return (
            f"linear regression by SGD on {self.data}: test MSE {self.fit.test_mse:.4g} "
            f"(half {self.fit.test_half_mse:.4g} +- {self.fit.test_standard_error:.3g}; ridge "
            f"{self.ridge_path.test_half_mse:.4g}) with batch size {said['batch_size']}, learning rate {said['lr']:g}, "
            f"L2 {said['l2']:g}, {said['epochs']} epochs, best of {self.settings} settings on the validation rows "
            f"({self.excess:+.2%} of ridge), {lost} diverged"
        )

    def to_frame(self) -> "pandas.DataFrame":
        """One row per setting."""
        import pandas as pd

        batch_size, lr, l2, epochs = zip(*product(*self.axes.values()), strict=True)
        best = np.zeros(self.half_mse.shape, bool)
        best[self.places] = True
        unit = "squared_target_units"
        return pd.DataFrame({
            "batch_size_rows": batch_size,
            "lr": lr,
            "l2": l2,
            "epochs": epochs,
            f"validation_half_mse_{unit}": self.half_mse.ravel(),
            f"validation_mse_{unit}": 2 * self.half_mse.ravel(),
            "status": np.where(self.diverged, "diverged", np.where(best, "chosen", "trained")).ravel(),
        })  # fmt: skip

    def fits_frame(self) -> "pandas.DataFrame":
        """The three fits that met the test rows."""
        import pandas as pd

        fits = {"SGD, chosen setting": self.fit, "ridge, strengths of the grid": self.ridge,
                "ridge, finer path": self.ridge_path}  # fmt: skip
        names = ("l2", "validation_half_mse", "test_half_mse", "test_standard_error", "test_mse")
        return pd.DataFrame([{"fit": name} | {one: getattr(fit, one) for one in names} for name, fit in fits.items()])

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        """By value of each axis all settings as dots, and the least error over all else as a line."""
        legend = "one setting", "least over the other factors", "chosen"
        start, ticks, names = 0.0, [], []
        for number, (axis, values) in enumerate(self.axes.items()):
            at = start + np.arange(len(values))
            dots = np.moveaxis(np.where(self.diverged, np.nan, self.half_mse), number, 0).reshape(len(values), -1)
            setting, least, chosen = legend if number == 0 else (None, None, None)
            ax.plot(np.repeat(at, dots.shape[1]), dots.ravel(), "o", color="C0", alpha=0.2, markersize=3,
                    markeredgewidth=0, label=setting)  # fmt: skip
            ax.plot(at, self.least(axis), "-o", color="C0", markersize=4, label=least)
            best = at[self.places[number]], self.half_mse[self.places]
            ax.plot(*best, "*", color="C1", markersize=11, label=chosen)
            ax.text(at.mean(), 1.01, LABELS[axis], transform=ax.get_xaxis_transform(), ha="center", va="bottom")
            ticks += at.tolist()
            names += [f"{value:g}" for value in values]
            start = at[-1] + 2.0
        ax.axhline(self.ridge_path.validation_half_mse, color="C2", linestyle="--", label="ridge, closed form")
        self._frame(ax)
        ax.set_xticks(ticks, names, rotation=60, fontsize="small")
        ax.legend(fontsize="small", loc="center left", bbox_to_anchor=(1.0, 0.5))

    def _frame(self, ax: "matplotlib.axes.Axes") -> None:
        # What the factors do near the least error; settings far above would leave no room for it.
        lines = np.concatenate([self.least(axis) for axis in AXES])
        low = min(self.half_mse[self.places], self.ridge_path.validation_half_mse)
        high = max(np.nanmax(lines), self.ridge_path.validation_half_mse)
        room = high - low or abs(high) or 1.0
        bottom, top = low - 0.2 * room, high + 0.5 * room
        above = int((~self.diverged & (self.half_mse > top)).sum())
        ax.set_ylim(bottom, top)
        ax.set(xlabel=f"value of the factor ({above} settings lie above the frame, {self.diverged.sum()} diverged)",
               ylabel="half MSE, validation\n(squared target units)")  # fmt: skip
