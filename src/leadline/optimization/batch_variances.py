"""The variance of a mini-batch's gradient, by batch size, drawn with and without replacement."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import nn

from leadline.core import borrow, numpy_generator, refuse
from leadline.core.results import Result
from leadline.optimization.noise_scales import gradient_noise
from leadline.training import Objective, build_step, objective_of, state_of
from leadline.training.batches import Source, source_of
from leadline.training.loops import floating_type, model_errors
from leadline.training.objectives import Loss
from leadline.training.steps import check_trainable

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

_refuse = partial(refuse, "batch_variance")

_PART = 512  # examples per backward pass for the gradient over all data


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class BatchVariance(Result):
    """E|g_B - G|^2 by batch size, in loss^2 / parameter^2, at fixed parameters.

    Attributes:
        batch_sizes: examples drawn.
        examples: in the data, N.
        single: variance of one example's gradient, summed over parameters: tr(Sigma).
        draws: batches drawn of each size and in each way.
        with_replacement, without_replacement: means over the draws.
        with_error, without_error: their standard errors.
    """

    batch_sizes: Int[np.ndarray, " sizes"]
    examples: int
    single: float
    draws: int
    with_replacement: Float[np.ndarray, " sizes"]
    with_error: Float[np.ndarray, " sizes"]
    without_replacement: Float[np.ndarray, " sizes"]
    without_error: Float[np.ndarray, " sizes"]

    @property
    def predicted_with(self) -> np.ndarray:
        """tr(Sigma) / n."""
        return self.single / self.batch_sizes

    @property
    def predicted_without(self) -> np.ndarray:
        """tr(Sigma) / n times the finite-population factor (N - n) / (N - 1)."""
        return self.predicted_with * (self.examples - self.batch_sizes) / (self.examples - 1)

    @property
    def slope(self) -> float:
        """Of log variance over log batch size with replacement: -1 in theory; NaN for a single batch size."""
        if len(self.batch_sizes) == 1:
            return math.nan
        return float(np.polyfit(np.log(self.batch_sizes), np.log(self.with_replacement), 1)[0])

    def headline(self) -> str:
        n = self.batch_sizes[-1]
        law = "" if math.isnan(self.slope) else f"; falls like n^{self.slope:.2f}"
        return (
            f"variance of a batch of {n} from {self.examples}: {self.with_replacement[-1]:.3g} with replacement "
            f"(theory {self.predicted_with[-1]:.3g}), {self.without_replacement[-1]:.3g} without "
            f"({self.predicted_without[-1]:.3g}){law}"
        )

    def to_frame(self) -> "pandas.DataFrame":
        """One row per batch size; variances in loss^2 / parameter^2."""
        import pandas as pd

        return pd.DataFrame(
            {
                "batch_size_examples": self.batch_sizes,
                "with_replacement": self.with_replacement,
                "with_replacement_error": self.with_error,
                "with_replacement_predicted": self.predicted_with,
                "without_replacement": self.without_replacement,
                "without_replacement_error": self.without_error,
                "without_replacement_predicted": self.predicted_without,
            }
        )

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        pairs = (
            ("with replacement", self.with_replacement, self.with_error, self.predicted_with),
            ("without replacement", self.without_replacement, self.without_error, self.predicted_without),
        )
        for place, (name, measured, error, predicted) in enumerate(pairs):
            seen = predicted > 0
            ax.plot(self.batch_sizes[seen], predicted[seen], color=f"C{place}", linewidth=1)
            ax.errorbar(self.batch_sizes[seen], measured[seen], 2 * error[seen], fmt="o", markersize=4,
                        color=f"C{place}", label=name)  # fmt: skip
        ax.set(xscale="log", yscale="log", xlabel="batch size (examples)", ylabel="E|g - G|² (loss²/parameter²)")
        ax.set_title("Lines: theory; bars: two standard errors", fontsize="small")
        ax.legend(fontsize="small")


def batch_variance(
    model: nn.Module,
    data: Any,
    *,
    batch_sizes: Sequence[int],
    loss: str | Loss | Objective = "cross_entropy",
    draws: int = 50,
    seed: int = 0,
) -> BatchVariance:
    """Measure the variance of mini-batch gradients, with and without replacement, beside what theory predicts.

    Args:
        model: where the gradients are taken, in evaluation mode; given back unchanged.
        data: `(inputs, targets)`, a `Dataset` or a `DataLoader` (its data set is sampled).
        batch_sizes: examples per batch.
        loss: a standard loss's name, `(outputs, targets) -> scalar` or an `Objective`; a mean over examples.
        draws: batches of each size and in each way.
        seed: names the batches.

    Returns:
        Measured variances with standard errors, and tr(Sigma)/n, times (N-n)/(N-1) without replacement; tr(Sigma)
        is exact, from every example's gradient.

    Raises:
        InputError: a batch larger than the data, fewer than two draws, or as for `gradient_noise`.

    >>> data = torch.tensor([[1.0], [1.0], [2.0], [2.0]]), torch.tensor([[1.0], [3.0], [2.0], [6.0]])
    >>> found = batch_variance(nn.Linear(1, 1), data, batch_sizes=[1, 2, 4], loss="half_mse")
    >>> float(found.without_replacement[2].round(9)), (found.predicted_without / found.predicted_with).round(3)
    (0.0, array([1.   , 0.667, 0.   ]))
    """
    check_trainable(model)
    objective = objective_of(loss)
    source = source_of(data, next(model.parameters()).device, floating_type(model))
    sizes = np.array(sorted(set(batch_sizes)), dtype=int)
    if len(sizes) == 0 or sizes[0] < 1 or sizes[-1] > source.examples or source.examples < 2 or draws < 2:
        _refuse("batch sizes between 1 and the data's size, and two draws or more",
                f"sizes {list(batch_sizes)} of {source.examples}, {draws} draws", "change them")  # fmt: skip
    whole = gradient_noise(model, data, loss=loss, batch_size=min(_PART, source.examples // 2), batches=source.examples)
    with borrow(model, training=False), model_errors("batch_variance"):
        gradient = _Gradient(model, objective, source)
        centre = gradient(torch.arange(source.examples))
        generator = numpy_generator("batch variance", seed)
        tables = {}
        for replace in (True, False):
            tables[replace] = np.array([
                [
                    gradient.distance(generator.choice(source.examples, n, replace), centre)
                    for _ in range(draws)
                ]
                for n in sizes.tolist()
            ])  # fmt: skip
    errors = {replace: table.std(1, ddof=1) / np.sqrt(draws) for replace, table in tables.items()}
    return BatchVariance(
        batch_sizes=sizes, examples=source.examples, single=whole.trace, draws=draws,
        with_replacement=tables[True].mean(1), with_error=errors[True],
        without_replacement=tables[False].mean(1), without_error=errors[False],
        caveats=whole.caveats, sources=("Cochran (1977), Sampling Techniques, theorem 2.2",),
    )  # fmt: skip


class _Gradient:
    """The flat mean gradient over chosen examples, in float64."""

    def __init__(self, model: nn.Module, objective: Objective, source: Source) -> None:
        self.step, self.state, self.source = build_step(model, objective), state_of(model), source

    def __call__(self, places: torch.Tensor) -> torch.Tensor:
        total = None
        for some in places.split(_PART):
            _, gradients, _ = self.step.gradients(self.state, self.source.take(some))
            flat = torch.cat([one.reshape(-1) for one in gradients.values()]).double() * (len(some) / len(places))
            total = flat if total is None else total + flat
        assert total is not None  # a batch holds at least one example
        return total

    def distance(self, places: np.ndarray, centre: torch.Tensor) -> float:
        """Squared, between the mean gradient over these examples and another one."""
        return float((self(torch.from_numpy(places)) - centre).square().sum())
