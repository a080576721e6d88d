"""The result of `bias_variance`: error on new data and its parts, per grid point and per test point."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float

from leadline.core import InputError, Result

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

TERMS = ("error", "bias2", "variance")


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class BiasVariance(Result):
    """error = noise + bias2 + variance at every grid point, averaged over test points, with what made it up.

    `bias2` and `variance` have no plug-in bias: variance with rounds - 1, bias2 less variance / rounds. The plug-in
    values, which add up to the same error, stand beside them (for the split of Domingos there is only that one; its
    `bias2` is the bias, `noise` is c1 noise and `variance` is c2 variance).

    Args:
        loss: "squared", "zero_one_domingos" or "zero_one_kohavi_wolpert".
        sampling: how the training sets were made.
        noise_known: otherwise `bias2` includes the noise, and `noise` is 0.
        grid_names, grid_points: the names of the varied arguments, and their values at every grid point (of classes,
            functions and other objects the name).
        error_replicates: numbers of which `error` is the mean and whose standard error of the mean is its own (one per
            round; for Domingos from rounds drawn with replacement), paired between grid points. Likewise the others.
        training_error: loss on the training set itself.
        point_prediction: mean prediction, or main label, per test point.
        point_c1, point_c2: the factors of Domingos that `point_noise` and `point_variance` were multiplied with.
        identity_gap: largest relative distance found of the measured error from the sum of its parts: rounding.
    """

    loss: str
    sampling: str
    rounds: int
    train_size: int
    noise_known: bool
    grid_names: tuple[str, ...]
    grid_points: tuple[tuple[Any, ...], ...]
    error: Float[np.ndarray, " grid"]
    noise: Float[np.ndarray, " grid"]
    bias2: Float[np.ndarray, " grid"]
    variance: Float[np.ndarray, " grid"]
    bias2_plugin: Float[np.ndarray, " grid"]
    variance_plugin: Float[np.ndarray, " grid"]
    training_error: Float[np.ndarray, " grid"]
    error_replicates: Float[np.ndarray, "grid replicates"]
    bias2_replicates: Float[np.ndarray, "grid replicates"]
    variance_replicates: Float[np.ndarray, "grid replicates"]
    test_inputs: np.ndarray
    point_prediction: np.ndarray
    point_error: Float[np.ndarray, "grid points"]
    point_noise: Float[np.ndarray, "grid points"]
    point_bias2: Float[np.ndarray, "grid points"]
    point_variance: Float[np.ndarray, "grid points"]
    point_c1: Float[np.ndarray, "grid points"] | None
    point_c2: Float[np.ndarray, "grid points"] | None
    identity_gap: float

    @property
    def best(self) -> int:
        """The grid point with the least error; the first where none has a finite one."""
        return int(np.where(np.isfinite(self.error), self.error, np.inf).argmin())

    def standard_error(self, term: str) -> Float[np.ndarray, " grid"]:
        """Of "error", "bias2" or "variance": from round to round, the test points being what they are."""
        replicates = self._replicates(term)
        return replicates.std(1, ddof=1) / np.sqrt(replicates.shape[1])

    def interval(self, term: str, level: float = 0.95) -> Float[np.ndarray, "grid 2"]:
        """Student interval of a term at every grid point."""
        half = self._quantile(level) * self.standard_error(term)
        centre = getattr(self, term)
        return np.stack([centre - half, centre + half], axis=1)

    def difference(self, term: str, one: int, other: int, level: float = 0.95) -> tuple[float, float, float]:
        """A term at grid point `one` less that at `other`: estimate, low, high; the rounds are the same in both."""
        replicates = self._replicates(term)
        gaps = replicates[one] - replicates[other]
        half = self._quantile(level) * gaps.std(ddof=1) / np.sqrt(len(gaps))
        return float(gaps.mean()), float(gaps.mean() - half), float(gaps.mean() + half)

    def headline(self) -> str:
        place = self.best
        low, high = self.interval("error")[place]
        parts = f"{self.noise[place]:.4g} + {self.bias2[place]:.4g} + {self.variance[place]:.4g}"
        names = " + ".join(name.replace("_", " ") for name in self._names()[1:])
        where = ", ".join(f"{name}={_said(value)}"
                          for name, value in zip(self.grid_names, self.grid_points[place], strict=True))  # fmt: skip
        among = f" at {where}, least of {len(self.error)}" if len(self.error) > 1 else ""
        return (
            f"{self.loss.replace('_', ' ')} loss {self.error[place]:.4g} [{low:.4g}, {high:.4g}]{among}: "
            f"{names} = {parts} ({self.rounds} x {self.train_size} points, {self.sampling})"
        )

    def to_frame(self) -> "pandas.DataFrame":
        import pandas as pd

        unit = "squared_target_units" if self.loss == "squared" else "probability"
        columns = {name: [point[place] for point in self.grid_points] for place, name in enumerate(self.grid_names)}
        error, noise, bias, variance = self._names()
        columns |= {f"{error}_{unit}": self.error, f"{noise}_{unit}": self.noise}
        for name, term in ((bias, "bias2"), (variance, "variance"), (error, "error")):
            interval = self.interval(term)
            columns |= {f"{name}_{unit}": getattr(self, term), f"{name}_low_{unit}": interval[:, 0],
                        f"{name}_high_{unit}": interval[:, 1]}  # fmt: skip
        columns |= {f"{bias}_plugin_{unit}": self.bias2_plugin, f"{variance}_plugin_{unit}": self.variance_plugin,
                    f"training_error_{unit}": self.training_error}  # fmt: skip
        return pd.DataFrame(columns)

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        varied = [place for place in range(len(self.grid_names)) if len({p[place] for p in self.grid_points}) > 1]
        numeric = len(varied) == 1 and all(
            isinstance(p[varied[0]], int | float) and not isinstance(p[varied[0]], bool) for p in self.grid_points
        )
        label = ", ".join(self.grid_names[place] for place in varied) or "model"
        places = np.array([p[varied[0]] for p in self.grid_points] if numeric else range(len(self.error)), dtype=float)
        marker = "o" if len(places) < 25 else ""
        positive = np.concatenate([self.error, self.bias2, self.variance])
        # A logarithmic axis has no place for intervals that reach below zero.
        floor = 0.1 * min(positive[positive > 0], default=0.0) if self.loss == "squared" else 0.0
        for (term, name), colour in zip(zip(TERMS, self._drawn_names(), strict=True), ("C0", "C1", "C2"), strict=True):
            low, high = self.interval(term).T
            ax.plot(places, getattr(self, term), f"-{marker}", color=colour, label=name, markersize=4)
            ax.fill_between(
                places, np.maximum(low, floor), np.maximum(high, floor), color=colour, alpha=0.2, linewidth=0
            )
        ax.plot(places, self.training_error, "--", color="C3", label="training error")
        if self.noise_known:
            ax.plot(places, self.noise, ":", color="C4", label=self._names()[1].replace("_", " "))
        ax.axvline(places[self.best], color="C0", linewidth=0.8, alpha=0.6)
        if numeric and places.min() >= 0 and places.max() > 100 * max(places[places > 0].min(), 1e-300):
            zero = bool((places == 0).any())
            ax.set_xscale("symlog" if zero else "log", **self._around_zero(places))
            ax.set_xlim(left=0.0 if zero else None)
        if not numeric:
            ax.set_xticks(places, [", ".join(_said(p[v]) for v in varied) for p in self.grid_points], rotation=45)
        if self.loss == "squared":
            ax.set_yscale("log", nonpositive="mask")
        ax.set_xlabel(label)
        ax.set_ylabel("squared target units" if self.loss == "squared" else "probability")
        ax.legend(fontsize="small")

    def _around_zero(self, places: np.ndarray) -> dict[str, float]:
        return {"linthresh": float(places[places > 0].min())} if (places == 0).any() else {}

    def _drawn_names(self) -> tuple[str, str, str]:
        error, _, bias, variance = (name.replace("_", " ") for name in self._names())
        return error, bias, variance

    def _names(self) -> tuple[str, str, str, str]:
        if self.loss == "zero_one_domingos":
            return "error", "c1_noise", "bias" if self.noise_known else "bias_against_labels", "c2_variance"
        return "error", "noise", "bias2" if self.noise_known else "bias2_plus_noise", "variance"

    def _replicates(self, term: str) -> Float[np.ndarray, "grid replicates"]:
        if term not in TERMS:
            raise InputError("BiasVariance", expected=f"one of {', '.join(TERMS)}", got=repr(term),
                             remedy="name one")  # fmt: skip
        return getattr(self, f"{term}_replicates")

    def _quantile(self, level: float) -> float:
        from scipy.special import stdtrit

        return float(stdtrit(self.error_replicates.shape[1] - 1, 0.5 + level / 2))


def _said(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
