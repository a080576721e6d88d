"""The derivative of a training run's final loss in its hyper-parameters."""

import itertools
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel

from leadline.core import InputError, Result, random_state_kept, seed_of, twin
from leadline.optimization.checkpointed_adjoints import unroll_backward
from leadline.optimization.difference_checks import hidden_derivatives
from leadline.optimization.forward_tangents import unroll_forward
from leadline.optimization.hyper_blocks import Block, directions_of
from leadline.training import Plan, Recipe, build_step, state_of
from leadline.training.batches import ArraySource, LoaderSource, Source, batches, plan_for, source_of
from leadline.training.loops import floating_type, model_errors
from leadline.training.objectives import Batch
from leadline.training.recipes import rates
from leadline.training.steps import check_trainable

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

_SOURCES = (
    "Franceschi, Donini, Frasconi & Pontil 2017, Forward and Reverse Gradient-Based Hyperparameter Optimization",
    "Maclaurin, Duvenaud & Adams 2015, Gradient-based Hyperparameter Optimization through Reversible Learning",
)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class Hypergradient(Result):
    """Derivatives of the losses of a training run in H hyper-parameters.

    Attributes:
        names: the hyper-parameters; steps and parameters of a block in brackets.
        values: what they were (the learning rate before its schedule).
        gradient: d final loss / d value; NaN where the run diverged.
        final_loss: after the last step.
        loss: of each step's batch, before the step.
        loss_gradient: d loss / d value at every step; no rows in reverse mode.
        diverged_at: the step whose loss was not finite; -1: none.
        mode: forward or reverse.
        optimizer: its name.
    """

    names: tuple[str, ...]
    values: Float[np.ndarray, " hyper"]
    gradient: Float[np.ndarray, " hyper"]
    final_loss: float
    loss: Float[np.ndarray, " steps"]
    loss_gradient: Float[np.ndarray, "known hyper"]
    diverged_at: int
    mode: str
    optimizer: str

    @property
    def elasticity(self) -> np.ndarray:
        """Change of the final loss per unit of log value: value times derivative."""
        return self.values * self.gradient

    def headline(self) -> str:
        run = f"{len(self.loss)} steps of {self.optimizer}"
        if self.diverged_at >= 0:
            return f"{run}: diverged at step {self.diverged_at}, no derivative"
        each = [f"{slope:.4g} per unit of {name}" for name, slope in zip(self.names, self.gradient, strict=True)]
        more = f" and {len(each) - 4} more" if len(each) > 4 else ""
        return f"final loss {self.final_loss:.4g} after {run}; it changes by {', '.join(each[:4])}{more}"

    def to_frame(self) -> "pandas.DataFrame":
        """One row per hyper-parameter."""
        import pandas as pd

        return pd.DataFrame(
            {
                "hyper_parameter": self.names,
                "value": self.values,
                "loss_per_unit": self.gradient,
                "loss_per_log_unit": self.elasticity,
            }
        )

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        if len(self.loss_gradient) == 0:
            ax.bar(np.arange(len(self.names)), self.gradient, tick_label=self.names if len(self.names) <= 12 else None)
            ax.set(xlabel="hyper-parameter", ylabel="d final loss / d value")
            return
        for name, slopes in zip(self.names, self.loss_gradient.T, strict=True):
            ax.plot(np.arange(len(slopes)), slopes, label=name, linewidth=1)
        ax.axhline(0, color="gray", linewidth=0.5)
        steepest = np.nanmax(np.abs(self.loss_gradient), initial=0.0)
        if steepest > 0:
            ax.set_yscale("symlog", linthresh=steepest / 1000)
        ax.set(xlabel="step", ylabel="d loss / d value")
        ax.legend(fontsize="small")


def hypergradient(
    model: nn.Module,
    data: Any,
    recipe: Recipe,
    *,
    wrt: Sequence[str | Block] = ("lr",),
    mode: str = "forward",
    validation: Any = None,
) -> Hypergradient:
    """The derivative of the final loss of a training run in its hyper-parameters, in loss per unit of each.

    Forward mode carries the derivatives along: memory flat in the number of steps, one Hessian-vector product per step
    and hyper-parameter, derivatives of every step's loss. From 100 steps on it records the operators of a step and
    repeats them; the model itself then runs now and then, to see that it still does the same. Reverse mode runs twice
    and goes back through checkpoints: memory grows with the root of the number of steps, and the cost does not depend
    on the number of hyper-parameters.

    Args:
        model: where training starts; stays as it is.
        data: `(inputs, targets)` arrays or tensors, a `Dataset`, or (forward only) a `DataLoader`.
        recipe: how to train.
        wrt: names ("lr", "weight_decay", "momentum", "beta1", ... as the optimizer has them), or a `Block` for a
            hyper-parameter's value at some steps or for some parameters only.
        mode: "forward" or "reverse".
        validation: the final loss is taken on these data; None: on all training data.

    Returns:
        The derivatives, the losses, and in forward mode their derivatives at every step. A diverged run has none. Among
        the caveats: parameters that no gradient reaches, and a model that hides some of its derivative (`no_grad`,
        `detach`) so that autograd's differs from that of differences.

    Raises:
        InputError: unknown name or mode, nothing to train, NaN in the data, a loss that is no scalar.
        ModelError: the model or loss raised.

    >>> model = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    >>> _ = nn.init.zeros_(model.weight)
    >>> data = torch.tensor([[1.0]]), torch.tensor([[1.0]])  # w after two steps: 1 - (1 - lr)^2
    >>> found = hypergradient(model, data, Recipe(lr=0.5, steps=2, loss="half_mse"))
    >>> float(found.gradient[0])  # d/dlr of (1 - lr)^4 / 2
    -0.25
    """
    if mode not in ("forward", "reverse"):
        raise InputError("hypergradient", expected="mode forward or reverse", got=repr(mode), remedy="pass one of them")
    check_trainable(model)
    step = build_step(twin(model).train(), recipe.loss, recipe.optimizer, differentiable=True,
                      accumulation=recipe.accumulation, autocast=recipe.autocast)  # fmt: skip
    start = state_of(model)
    place, dtype = next(model.parameters()).device, floating_type(model)
    source = source_of(data, place, dtype)
    last = (source if validation is None else source_of(validation, place, dtype)).everything()
    if mode == "reverse" and isinstance(source, LoaderSource):
        raise InputError("hypergradient", expected="data that can be read again in reverse mode", got="a DataLoader",
                         remedy="pass arrays or its Dataset, or use forward mode")  # fmt: skip
    plan = plan_for(recipe, source)
    along = directions_of(wrt, recipe, rates(replace(recipe, lr=1.0), len(plan.lr)), tuple(start.parameters))
    source = source.with_noise(recipe.label_noise, recipe.seed_for("noise"))
    # The fused attention kernels have no second derivative.
    with random_state_kept(), torch.enable_grad(), sdpa_kernel(SDPBackend.MATH), model_errors("hypergradient"):
        hidden = hidden_derivatives(step, start, last)
        torch.manual_seed(seed_of("training", recipe.seed))
        steps = partial(_steps, source, plan, recipe)
        if mode == "forward":
            run = unroll_forward(step, start, steps, last, along, again=not isinstance(source, LoaderSource))
        else:
            run = unroll_backward(step, start, steps, last, along)
    return Hypergradient(
        names=tuple(block.label for block in along.blocks),
        values=np.array([recipe.lr if block.name == "lr" else along.hyper[block.name] for block in along.blocks]),
        gradient=run.gradient,
        final_loss=run.final_loss,
        loss=run.loss,
        loss_gradient=run.loss_gradient,
        diverged_at=run.diverged_at,
        mode=mode,
        optimizer=step.optimizer.name,
        caveats=hidden + _caveats(step.moving, run.gradient, run.diverged_at),
        sources=_SOURCES,
    )


def _steps(source: Source, plan: Plan, recipe: Recipe, first: int, last: int) -> Iterator[Batch]:
    # The batches of some steps. A batch of all examples needs no shuffled copy of them at every step.
    if isinstance(source, ArraySource) and (plan.size == source.examples).all():
        return itertools.repeat(source.arrays, last - first)
    part = Plan(plan.epoch[first:last], plan.start[first:last], plan.size[first:last], plan.lr[first:last])
    return batches(source, part, recipe)


def _caveats(buffers: tuple[str, ...], gradient: np.ndarray, diverged_at: int) -> tuple[str, ...]:
    found = []
    if buffers:
        found.append("the final loss is taken in training mode: with the batch's own statistics, not running ones")
    if diverged_at < 0 and not all(math.isfinite(slope) for slope in gradient):
        found.append("the loss is finite, its derivative is not: the run is chaotic or the loss has a singularity")
    return tuple(found)
