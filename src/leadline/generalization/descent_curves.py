"""The result of `double_descent`: risk and error of every seed along one axis, the threshold, and the peak."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Int

from leadline.core import Result
from leadline.generalization.descent_shapes import DescentShape, descent_shape, median_ratio

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

BAND = (0.1, 0.9)  # quantiles over seeds
LABELS = {
    "width": "random features",
    "hidden": "hidden units",
    "samples": "training samples",
    "ridge": "ridge strength (per sample)",
    "epochs": "epochs",
    "time": "epochs x learning rate (gradient flow)",
}
_COLUMNS = {
    "width": "width_features",
    "hidden": "width_hidden_units",
    "ridge": "ridge_per_sample",
    "time": "time_epochs_times_learning_rate",
}


@dataclass(frozen=True, eq=False, kw_only=True)
class OptimalRidge:
    """At each place the strength with the least median test loss, chosen on the test points themselves.

    Attributes:
        strength: per sample; of weight decay: decoupled, times the learning rate at each step.
        test_loss, test_error: of the fits with that strength.
        penalty: "ridge" or "weight decay".
    """

    strength: Float[np.ndarray, " values"]
    test_loss: Float[np.ndarray, "seeds values"]
    test_error: Float[np.ndarray, "seeds errors"]
    penalty: str = "ridge"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class DoubleDescent(Result):
    """Training and test losses (mean squared error or cross-entropy) and 0-1 errors by seed along one axis.

    Attributes:
        axis: key of `LABELS`.
        model: what was fitted, in words.
        values: along the axis.
        parameters: fitted numbers, at each value.
        samples: training rows, at each value.
        label_noise: share of wrong training labels, or the standard deviation of noise on real targets.
        loss: name of the loss.
        train_error, test_error: shares of wrong classes; no columns where targets are real or it was not measured.
        threshold: by seed the end of the axis' part where the training loss is zero, or the training error of networks
            nearly so (width: the least value; samples: the largest); NaN where there is none.
        optimal: what the best ridge or weight decay makes of the curve, along width or samples.
        smoothing: width of the running median under which peaks are sought.
        outputs: numbers that are fitted in each training row: classes, or 1.
        weight_norm: of random features, by seed: the length of all weights.
        left_out: numbers of seeds that are in no curve, since a network of theirs diverged.
    """

    axis: str
    model: str
    values: Float[np.ndarray, " values"]
    parameters: Int[np.ndarray, " values"]
    samples: Int[np.ndarray, " values"]
    label_noise: float
    loss: str
    train_loss: Float[np.ndarray, "seeds values"]
    test_loss: Float[np.ndarray, "seeds values"]
    train_error: Float[np.ndarray, "seeds train_errors"]
    test_error: Float[np.ndarray, "seeds test_errors"]
    threshold: Float[np.ndarray, " seeds"]
    optimal: OptimalRidge | None = None
    smoothing: int = 1
    outputs: int = 1
    weight_norm: Float[np.ndarray, "seeds values"] | None = None
    left_out: tuple[int, ...] = ()

    @property
    def seeds(self) -> int:
        """How many runs."""
        return len(self.test_loss)

    @property
    def curves(self) -> Float[np.ndarray, "seeds values"]:
        """What is judged: the test error where there is one, the test loss elsewhere."""
        return self.test_error if self.test_error.shape[1] else self.test_loss

    @property
    def quantity(self) -> str:
        """The name of `curves`."""
        return "test error" if self.test_error.shape[1] else f"test {self.loss}"

    @property
    def shapes(self) -> tuple[DescentShape, ...]:
        """Valley, peak and valley of each seed's curve."""
        return tuple(descent_shape(curve, smoothing=self.smoothing) for curve in self.curves)

    @property
    def levels(self) -> tuple[float, float, float]:
        """First valley, peak and second valley: medians over seeds, whose peaks need not coincide."""
        levels = [(shape.low_before, shape.high, shape.low_after) for shape in self.shapes]
        first, peak, second = np.median(levels, axis=0)
        return float(first), float(peak), float(second)

    @property
    def peak_at(self) -> float:
        """Where on the axis the peak of `curves` is: median over seeds."""
        return float(np.median(self.values[[shape.peak for shape in self.shapes]]))

    @property
    def showing(self) -> int:
        """In how many seeds the curve falls, rises and falls again."""
        return sum(shape.shown for shape in self.shapes)

    @property
    def shown(self) -> bool:
        """Is that so in most seeds? Single ones fluctuate."""
        return 2 * self.showing > self.seeds

    @property
    def peaks(self) -> Float[np.ndarray, " seeds"]:
        """By seed the place on the axis where the test loss is largest after its first valley."""
        places = [descent_shape(curve, smoothing=self.smoothing).peak for curve in self.test_loss]
        return self.values[places]

    @property
    def peak_ratios(self) -> Float[np.ndarray, " seeds"]:
        """By seed p/n at `peaks`: fitted numbers over numbers to fit, which is 1 where these are just fitted."""
        places = np.searchsorted(self.values, self.peaks)
        return self.parameters[places] / (self.samples[places] * self.outputs)

    @property
    def median_shape(self) -> DescentShape:
        """Valley, peak and valley of the median curve."""
        return descent_shape(np.median(self.curves, axis=0), smoothing=self.smoothing)

    @property
    def penalized(self) -> Float[np.ndarray, "seeds values"] | None:
        """`curves` with the best ridge or weight decay; None where there is none."""
        if self.optimal is None:
            return None
        return self.optimal.test_error if self.test_error.shape[1] else self.optimal.test_loss

    @property
    def ratio_interval(self) -> tuple[float, float, float]:
        """Peak over the higher valley of the median curve, and the ends of its 95 % interval over seeds.

        The interval comes from seeds drawn with replacement; with fewer than five seeds it says little.
        """
        return median_ratio(self.curves, smoothing=self.smoothing)

    @property
    def at_threshold(self) -> int:
        """In how many seeds the test loss peaks exactly at the interpolation threshold."""
        return int((self.peaks == self.threshold).sum())

    def headline(self) -> str:
        what = f"{self.quantity} along {LABELS[self.axis]}"
        seen = f"{self.showing} of {self.seeds} seeds"
        if not self.shown:
            return f"{what}: no double descent (a peak in {seen})"
        first, peak, second = self.levels
        edge = ""
        if np.isfinite(self.threshold).any():
            edge = f", at the interpolation threshold in {self.at_threshold}"
            if self.axis == "hidden":  # found from the training error of every seed, on a coarse grid
                edge = f"; interpolation threshold at {np.nanmedian(self.threshold):.4g}"
        return f"{what}: {first:.3g} -> {peak:.3g} at {self.peak_at:.4g} -> {second:.3g}; shown in {seen}{edge}"

    def to_frame(self) -> "pandas.DataFrame":
        """One row per value: medians over seeds, and the 10 % and 90 % quantiles of what is tested."""
        import pandas as pd

        unit = self.loss.replace(" ", "_").replace("-", "_")
        columns: dict[str, np.ndarray] = {
            _COLUMNS.get(self.axis, self.axis): self.values,
            "parameters": self.parameters,
            "samples": self.samples,
        }
        columns[f"train_{unit}"] = np.median(self.train_loss, axis=0)
        if self.weight_norm is not None:
            columns["weight_norm"] = np.median(self.weight_norm, axis=0)
        measured = {f"test_{unit}": self.test_loss, "train_error_share": self.train_error,
                    "test_error_share": self.test_error}  # fmt: skip
        if self.optimal is not None:
            penalty = self.optimal.penalty.replace(" ", "_")
            columns[f"best_{penalty}" + "_per_sample" * (penalty == "ridge")] = self.optimal.strength
            measured[f"test_{unit}_best_{penalty}"] = self.optimal.test_loss
        for name, curves in measured.items():
            if curves.shape[1]:
                low, columns[name], high = np.quantile(curves, [BAND[0], 0.5, BAND[1]], axis=0)
                if name.startswith("test"):
                    columns |= {f"{name}_low": low, f"{name}_high": high}
        return pd.DataFrame(columns)

    def seeds_frame(self) -> "pandas.DataFrame":
        """One row per seed: whether each agrees with the others, and with the threshold."""
        import pandas as pd

        unit = self.quantity.removeprefix("test ").replace(" ", "_").replace("-", "_")
        shapes, axis = self.shapes, _COLUMNS.get(self.axis, self.axis)
        seeds = [seed for seed in range(self.seeds + len(self.left_out)) if seed not in self.left_out]
        return pd.DataFrame({
            "seed": seeds,
            f"first_valley_{unit}": [shape.low_before for shape in shapes],
            f"peak_{unit}": [shape.high for shape in shapes],
            f"second_valley_{unit}": [shape.low_after for shape in shapes],
            "shown": [shape.shown for shape in shapes],
            f"peak_at_{axis}": self.values[[shape.peak for shape in shapes]],
            f"loss_peak_at_{axis}": self.peaks,
            "loss_peak_parameters_per_target": self.peak_ratios,
            f"threshold_{axis}": self.threshold,
        })  # fmt: skip

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        self._draw_curves(ax, self.curves, self.quantity, "C0")
        training = self.train_error if self.test_error.shape[1] else self.train_loss
        if training.shape[1]:
            name = "training error" if self.test_error.shape[1] else f"training {self.loss}"
            self._draw_curves(ax, training, name, "C1")
        if self.optimal is not None and self.penalized is not None:
            self._draw_curves(ax, self.penalized, f"{self.quantity}, best {self.optimal.penalty}", "C2")
        if np.isfinite(self.threshold).any():
            ax.axvline(float(np.nanmedian(self.threshold)), color="C3", linestyle="--", linewidth=1,
                       label="interpolation threshold")  # fmt: skip
        if self.values[0] > 0:
            ax.set_xscale("log")
        else:  # strength 0 is where it all begins
            ax.set_xscale("symlog", linthresh=float(self.values[self.values > 0].min()))
        if not self.test_error.shape[1]:
            ax.set_yscale("log", nonpositive="mask")
        ax.set(xlabel=LABELS[self.axis], ylabel="share of wrong classes" if self.test_error.shape[1] else self.loss)
        ax.legend(fontsize="small")

    def _draw_curves(self, ax: "matplotlib.axes.Axes", curves: np.ndarray, name: str, color: str) -> None:
        low, middle, high = np.quantile(curves, [BAND[0], 0.5, BAND[1]], axis=0)
        ax.fill_between(self.values, low, high, color=color, alpha=0.25, linewidth=0)
        ax.plot(self.values, middle, color=color, label=f"{name} (median of {self.seeds})")
