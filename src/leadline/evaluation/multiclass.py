"""More than two classes: each against the rest, with macro and micro averages."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from leadline.core import InputError, Result
from leadline.evaluation.areas import Areas
from leadline.evaluation.columns import Column, to_array
from leadline.evaluation.measured_curves import ScoreCurves, score_curves

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class OneVsRest(Result):
    """Curves of every class against the rest, and of all decisions pooled."""

    classes: tuple[str, ...]
    curves: tuple[ScoreCurves, ...]
    micro: ScoreCurves  # every (row, class) pair is one decision

    @property
    def macro(self) -> Areas:
        """Plain mean of the classes' areas."""
        each = [asdict(one.areas) for one in self.curves]
        return Areas(**{area: float(np.mean([one[area] for one in each])) for area in each[0]})

    def headline(self) -> str:
        macro, micro = self.macro, self.micro.areas
        return (f"{len(self.classes)} classes: macro AUROC {macro.auroc:.4f}, AUPR {macro.aupr:.4f}, "
                f"AUPRG {macro.auprg:.4f}; micro {micro.auroc:.4f}, {micro.aupr:.4f}, {micro.auprg:.4f}")  # fmt: skip

    def to_frame(self) -> "pandas.DataFrame":
        import pandas as pd

        rows = [{"class": name, "prevalence": one.counts.prevalence, **asdict(one.areas)}
                for name, one in zip(self.classes, self.curves, strict=True)]  # fmt: skip
        rows.append({"class": "macro", "prevalence": 1 / len(self.classes), **asdict(self.macro)})
        rows.append({"class": "micro", "prevalence": self.micro.counts.prevalence, **asdict(self.micro.areas)})
        return pd.DataFrame(rows)

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        for place, (name, one) in enumerate([("micro", self.micro), *zip(self.classes, self.curves, strict=True)]):
            before = len(ax.lines)
            one.draw(ax)
            if place:
                ax.lines[before].remove()
            ax.lines[-1].set_label(f"{name}: {ax.lines[-1].get_label()}")
        ax.legend()


def one_vs_rest(
    y_true: Column,
    y_score: Any,
    *,
    classes: Sequence[Any] | None = None,
    sample_weight: Column | None = None,
) -> OneVsRest:
    """Measure scores for several classes, each class against the rest.

    Args:
        y_true: one label per row.
        y_score: shape (rows, classes), one finite number each: an array, tensor or data frame.
        classes: the label of each column; None: the labels in sorted order.
        sample_weight: one weight >= 0 per row.

    Returns:
        A curve per class, the macro average (mean of the areas), and the micro average (all decisions pooled).

    Raises:
        InputError: columns and classes differ in number, a label without column, a class without rows, as `roc_curve`.

    >>> one_vs_rest(["a", "b", "c"], np.eye(3))
    3 classes: macro AUROC 1.0000, AUPR 1.0000, AUPRG 1.0000; micro 1.0000, 1.0000, 1.0000

    Source: Fawcett 2006, section 9.
    """
    labels = to_array("one_vs_rest", "y_true", y_true)
    names = list(np.unique(labels)) if classes is None else list(classes)
    matrix = y_score.detach().cpu().numpy() if hasattr(y_score, "detach") else np.asarray(y_score)
    if matrix.shape != (labels.size, len(names)):
        raise InputError("one_vs_rest", expected=f"scores of shape ({labels.size}, {len(names)}), rows and classes",
                         got=f"shape {matrix.shape}", remedy="name the columns with classes=")  # fmt: skip
    truth = np.stack([np.asarray(labels == name) for name in names], axis=1)
    unknown = ~truth.any(axis=1)
    if unknown.any():
        raise InputError("one_vs_rest", expected=f"labels among {names}", got=repr(labels[unknown.argmax()]),
                         remedy="name every class")  # fmt: skip
    empty = ~truth.any(axis=0)
    if empty.any():
        raise InputError("one_vs_rest", expected="rows of every class", got=f"none of {names[int(empty.argmax())]!r}",
                         remedy="leave that class out, no curve exists")  # fmt: skip
    weight = None if sample_weight is None else to_array("one_vs_rest", "sample_weight", sample_weight)
    curves = tuple(score_curves(truth[:, place], matrix[:, place], sample_weight=weight) for place in range(len(names)))
    micro = score_curves(truth.ravel(), matrix.ravel(),
                         sample_weight=None if weight is None else np.repeat(weight, len(names)))  # fmt: skip
    return OneVsRest(classes=tuple(map(str, names)), curves=curves, micro=micro, sources=("Fawcett 2006, section 9",))
