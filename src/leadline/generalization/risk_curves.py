"""The result of `teacher_student_risk`: risk along one axis, in theory and as simulated."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Bool, Float

from leadline.core import Result

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

LABELS = {
    "features": "features of the student",
    "samples": "training samples",
    "ridge": "ridge strength (per sample)",
    "time": "time of gradient flow (learning rate x steps)",
}


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TeacherStudentRisk(Result):
    """Expected squared error on a new observation: noise + bias2 + variance, along one axis.

    Bias is that of the mean over label noise, squared and then averaged over inputs; variance comes from label noise,
    to which signal in directions that the student does not see counts in training.

    Args:
        axis: "features", "samples", "ridge" or "time".
        exact: where theory is exact at this size; elsewhere it is the limit for many samples and features.
        simulated: mean risk over draws of inputs and noise; empty without draws.
        simulated_error: its standard error.
        threshold: where on the axis the student begins (samples: ceases) to fit any labels, if it does.
    """

    axis: str
    values: Float[np.ndarray, " values"]
    noise: float
    bias2: Float[np.ndarray, " values"]
    variance: Float[np.ndarray, " values"]
    exact: Bool[np.ndarray, " values"]
    draws: int
    simulated: Float[np.ndarray, " drawn"]
    simulated_error: Float[np.ndarray, " drawn"]
    threshold: float | None

    @property
    def risk(self) -> Float[np.ndarray, " values"]:
        """In theory."""
        return self.noise + self.bias2 + self.variance

    @property
    def best(self) -> int:
        """The place on the axis with the least risk in theory."""
        return int(np.argmin(self.risk))

    def headline(self) -> str:
        least, place = self.risk[self.best], self.values[self.best]
        edge = f", interpolation threshold at {self.threshold:g}" if self.threshold is not None else ""
        drawn = ""
        if self.draws:
            finite = np.isfinite(self.risk)
            apart = np.abs(self.simulated - self.risk)[finite] / self.simulated_error[finite]
            drawn = f"; {self.draws} draws within {apart.max():.1f} standard errors" if finite.any() else ""
        return f"risk over {LABELS[self.axis]}: least {least:.4g} at {place:.4g} (noise {self.noise:.4g}){edge}{drawn}"

    def to_frame(self) -> "pandas.DataFrame":
        import pandas as pd

        unit = "squared_target_units"
        columns = {self.axis: self.values, f"risk_{unit}": self.risk, f"noise_{unit}": self.noise,
                   f"bias2_{unit}": self.bias2, f"variance_{unit}": self.variance, "exact": self.exact}  # fmt: skip
        if self.draws:
            columns |= {f"simulated_{unit}": self.simulated, f"simulated_standard_error_{unit}": self.simulated_error}
        return pd.DataFrame(columns)

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        shown = {"risk": self.risk, "bias$^2$": self.bias2, "variance": self.variance}
        for place, (name, values) in enumerate(shown.items()):
            ax.plot(self.values, np.where(np.isfinite(values), values, np.nan), color=f"C{place}", label=name)
        if self.draws:
            ax.errorbar(self.values, self.simulated, 2 * self.simulated_error, fmt="o", color="C3", markersize=3,
                        linewidth=1, label=f"{self.draws} draws, 2 standard errors")  # fmt: skip
        if self.threshold is not None:
            ax.axvline(self.threshold, color="C4", linestyle="--", linewidth=1, label="interpolation threshold")
        ax.axvline(self.values[self.best], color="C0", linewidth=0.8, alpha=0.6)
        positive = self.values[self.values > 0]
        if len(positive) > 1 and positive.max() > 30 * positive.min():
            linear = {"linthresh": float(positive.min())} if (self.values == 0).any() else {}
            ax.set_xscale("symlog" if linear else "log", **linear)
            ax.set_xlim(left=0.0 if linear else None)
        ax.set_yscale("log", nonpositive="mask")
        if self.risk[self.best] > 0:  # parts that are a thousandth of the least risk are no longer of interest
            ax.set_ylim(bottom=1e-3 * self.risk[self.best])
        ax.set(xlabel=LABELS[self.axis], ylabel="squared target units")
        ax.legend(fontsize="small")
