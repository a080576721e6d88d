"""What a symmetry test found: violated on the data, violated elsewhere, or not seen to be violated."""

import enum
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import Float, Shaped

from leadline.core import Result

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas


class Outcome(enum.StrEnum):
    """The three ways in which a test can come out; the last is no proof."""

    VIOLATED_ON_DATA = "violated on the data"
    VIOLATED_ELSEWHERE = "holds on the data, violated elsewhere"
    NOT_VIOLATED = "no violation found"


@dataclass(frozen=True, eq=False, kw_only=True)
class Counterexample:
    """An input, and the two outputs that should agree on it.

    `at` is the input's index in the data, None where the search made it.
    """

    at: int | None
    input: Shaped[np.ndarray, " ..."]
    expected: Float[np.ndarray, " ..."]  # the (transformed) output for the input
    got: Float[np.ndarray, " ..."]  # the output for the transformed input
    violation: float  # largest difference, in the unit of the outputs; for decisions the lead of another class
    relative: float  # over the larger of the two outputs' magnitudes


@dataclass(frozen=True, eq=False, kw_only=True)
class TransformTest:
    """One transform."""

    transform: str
    outcome: Outcome
    on_data: Counterexample  # the worst of the data, violation or not
    share_violating: float  # of the data
    by_search: Counterexample | None  # the worst that the search found; None where it could not run

    @property
    def shown(self) -> Counterexample:
        """What shows the outcome: the worst example, or where that is none what the search found."""
        if self.outcome is Outcome.VIOLATED_ON_DATA or self.by_search is None:
            return self.on_data
        return self.by_search


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SymmetryTest(Result):
    """Whether a model is invariant or equivariant under each of some transforms."""

    model: str
    symmetry: str  # "invariant" or "equivariant"
    compares: str  # "outputs" or "decisions"
    examples: int
    tolerance: float  # relative: differences up to this are rounding
    tests: tuple[TransformTest, ...]

    @property
    def outcome(self) -> Outcome:
        """The worst of all transforms."""
        found = {one.outcome for one in self.tests}
        return next(one for one in Outcome if one in found)

    @property
    def worst(self) -> TransformTest:
        """The transform that shows the outcome most clearly."""
        return max((one for one in self.tests if one.outcome is self.outcome), key=lambda one: one.shown.relative)

    def headline(self) -> str:
        """The outcome, with the transform and the input that show it."""
        one, what = self.worst, f"{self.model} ({self.compares})"
        count = f"{len(self.tests)} transforms" if len(self.tests) > 1 else one.transform
        if self.outcome is Outcome.NOT_VIOLATED:
            sizes = [shown.relative for test in self.tests for shown in (test.on_data, test.by_search) if shown]
            found = f"at most {max(sizes):.2g} of the outputs, where up to {self.tolerance:.2g} is rounding"
            return f"{what}: no violation found under {count} ({found}): {self.symmetry} as far as was searched"
        size = f"{one.shown.violation:.3g} ({one.shown.relative:.2g} of the outputs)"
        if self.outcome is Outcome.VIOLATED_ON_DATA:
            return f"{what}: not {self.symmetry} under {one.transform}: off by {size} at example {one.shown.at}"
        data = f"{self.symmetry} on the {self.examples} examples under {count}, but not everywhere"
        return f"{what}: {data}: the search found {size} under {one.transform}"

    def to_frame(self) -> "pandas.DataFrame":
        """One row per transform; violations in the unit of the outputs."""
        import pandas as pd

        return pd.DataFrame([{
            "transform": one.transform, "outcome": str(one.outcome), "violation_on_data": one.on_data.violation,
            "relative_on_data": one.on_data.relative, "worst_example": one.on_data.at,
            "share_of_examples_violating": one.share_violating,
            "violation_by_search": one.by_search.violation if one.by_search else np.nan,
            "relative_by_search": one.by_search.relative if one.by_search else np.nan,
        } for one in self.tests])  # fmt: skip

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        """Per transform the relative violations on the data and by search; up to the dashed line they are rounding."""
        floor = self.tolerance / 1e4  # stands for smaller values and 0, which a logarithmic axis cannot show
        rows = np.arange(len(self.tests))
        data = [max(one.on_data.relative, floor) for one in self.tests]
        search = [max(one.by_search.relative, floor) if one.by_search else np.nan for one in self.tests]
        ax.plot(data, rows, "o", color="C0", label="largest on the data")
        ax.plot(search, rows, "D", color="C1", fillstyle="none", markersize=8, label="largest found by search")
        ax.axvline(self.tolerance, color="C0", linestyle="--", linewidth=1, label="rounding, up to here")
        ax.set_xscale("log")
        top = max([*data, *(one for one in search if np.isfinite(one)), self.tolerance])
        ax.set(xlim=(floor / 2, 4 * top), ylim=(len(rows) - 0.5, -0.5))
        ax.set_yticks(rows, [one.transform for one in self.tests])
        ax.set_xlabel("violation / size of the outputs (left edge: 0)")
        ax.legend(fontsize="small", loc="upper center", bbox_to_anchor=(0.5, 1.18), ncols=3, frameon=False)
