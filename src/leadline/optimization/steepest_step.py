"""The step length along the negative gradient that a quadratic model of the loss says is best."""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from leadline.core import Result, borrow
from leadline.training import Objective, State, Step, build_step, state_of
from leadline.training.batches import source_of
from leadline.training.loops import floating_type, model_errors
from leadline.training.objectives import Batch, Loss

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

_PROBES = np.linspace(0.0, 2.0, 9)  # in units of the optimal step
_SOURCE = "Nocedal & Wright 2006, Numerical Optimization, section 3.3 (exact line search on a quadratic)"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class OptimalStep(Result):
    """The loss along the negative gradient.

    Attributes:
        lr: g.g / g.Hg, the minimizing learning rate of the quadratic model; infinite where the loss does not curve
            upwards, NaN where it or a derivative is not finite.
        squared_gradient: g.g.
        curvature: g.Hg / g.g, the second derivative along the unit gradient.
        loss: before the step.
        probes: learning rates at which the loss was measured.
        measured: the loss there.
        predicted: what the quadratic model says.
    """

    lr: float
    squared_gradient: float
    curvature: float
    loss: float
    probes: Float[np.ndarray, " probes"]
    measured: Float[np.ndarray, " probes"]
    predicted: Float[np.ndarray, " probes"]

    def headline(self) -> str:
        if not math.isfinite(self.lr):
            return f"no optimal step: curvature {self.curvature:.4g} along the gradient"
        after = self.measured[len(self.measured) // 2]
        return f"optimal learning rate of one step {self.lr:.6g}: loss from {self.loss:.6g} to {after:.6g}"

    def to_frame(self) -> "pandas.DataFrame":
        """One row per learning rate tried."""
        import pandas as pd

        return pd.DataFrame({"lr": self.probes, "loss": self.measured, "quadratic_model_loss": self.predicted})

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        ax.plot(self.probes, self.measured, "o", label="measured")
        ax.plot(self.probes, self.predicted, label="quadratic model")
        if math.isfinite(self.lr):
            ax.axvline(self.lr, color="gray", linestyle=":", label="g.g / g.Hg")
        ax.set(xlabel="learning rate", ylabel="loss after one step")
        ax.legend(fontsize="small")


def optimal_step(model: nn.Module, data: Any, *, loss: str | Loss | Objective = "mse") -> OptimalStep:
    """The learning rate that lowers the loss most in one step of gradient descent, in the loss's quadratic model.

    It is g.g / g.Hg, by one Hessian-vector product on all data; exact where the loss is quadratic in the parameters.

    Args:
        model: where the step starts; in the mode it is in, and stays as it is.
        data: `(inputs, targets)` arrays or tensors, a `Dataset` or a `DataLoader`; all of it is one batch.
        loss: a standard loss's name, a callable `(outputs, targets) -> scalar`, or an `Objective`.

    Returns:
        The learning rate, the curvature, and the loss at learning rates from 0 to twice the optimal one.

    Raises:
        InputError: nothing to train, NaN in the data, a loss that is no scalar.
        ModelError: the model or loss raised.

    >>> model = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    >>> optimal_step(model, ([[2.0]], [[1.0]]), loss="half_mse").lr  # the loss is (2 w - 1)^2 / 2
    0.25
    """
    step, state = build_step(model, loss, differentiable=True), state_of(model)
    batch = source_of(data, next(model.parameters()).device, floating_type(model)).everything()
    with borrow(model), torch.enable_grad(), sdpa_kernel(SDPBackend.MATH), model_errors("optimal_step"):
        value, gradient, along = _along_gradient(step, state, batch)
        squared = sum(float(g.double().square().sum()) for g in gradient)
        curvature = along / squared if squared else 0.0
        lr = 1 / curvature if curvature > 0 else math.nan if math.isnan(curvature) else math.inf
        probes = _PROBES * (lr if math.isfinite(lr) else 1.0)
        measured = [_loss_after(step, state, batch, gradient, float(probe)) for probe in probes]
    with np.errstate(invalid="ignore"):
        predicted = value - probes * squared + probes**2 / 2 * along
    return OptimalStep(
        lr=lr,
        squared_gradient=squared,
        curvature=curvature,
        loss=value,
        probes=probes,
        measured=np.array(measured),
        predicted=predicted,
        caveats=_advice(lr, squared),
        sources=(_SOURCE,),
    )


def _along_gradient(step: Step, state: State, batch: Batch) -> tuple[float, list[torch.Tensor], float]:
    # The loss, its gradient g, and g.Hg.
    leaves = {name: value.requires_grad_() for name, value in state.parameters.items()}
    loss, gradients, _ = step.gradients(State(leaves, state.buffers), batch)
    fixed = [gradient.detach() for gradient in gradients.values()]
    curved = [(g, v) for g, v in zip(gradients.values(), fixed, strict=True) if g.requires_grad]
    if not curved:
        return loss.item(), fixed, 0.0
    products = torch.autograd.grad(
        [g for g, _ in curved], list(leaves.values()), [v for _, v in curved], allow_unused=True, materialize_grads=True
    )
    return loss.item(), fixed, sum(float((v * p).double().sum()) for v, p in zip(fixed, products, strict=True))


def _advice(lr: float, squared: float) -> tuple[str, ...]:
    if math.isfinite(lr):
        return ()
    if math.isnan(lr):
        return ("the loss or a derivative of it is not finite here: look at the scale of inputs and parameters",)
    if squared == 0:
        return ("the gradient is zero: no step changes the loss",)
    return ("the loss does not curve upwards along the gradient: longer is better",)


def _loss_after(step: Step, state: State, batch: Batch, gradient: list[torch.Tensor], lr: float) -> float:
    with torch.no_grad():
        moved = {name: value - lr * g for (name, value), g in zip(state.parameters.items(), gradient, strict=True)}
        return float(step.loss(moved, state.buffers, batch)[0])
