"""Which of the many solutions of an under-determined linear regression an optimizer finds."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import nn
from torch.func import functional_call, jacrev

from leadline.core import Result, borrow, refuse, torch_generator, twin
from leadline.training import Recipe, State, optimizer_of, state_of, train
from leadline.training.batches import Source, source_of
from leadline.training.loops import model_errors

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

_refuse = partial(refuse, "implicit_bias")

_LINEAR = 1e-8  # relative deviation from linearity in float64 that rounding explains
_SOURCES = (
    "Gunasekar, Lee, Soudry & Srebro 2018, Characterizing Implicit Bias in Terms of Optimization Geometry",
    "Wilson, Roelofs, Stern, Srebro & Recht 2017, The Marginal Value of Adaptive Gradient Methods, section 3",
)


@dataclass(frozen=True, kw_only=True)
class FoundSolution:
    """Where one training run ended.

    Attributes:
        optimizer: its name.
        residual: |outputs - targets| / |targets|.
        distance: |w - w*| / |w*|, w* being the pseudo-inverse solution.
        off_row_space: share of the way from the start that leaves the row space, by norm.
        norm_ratio: |w| / |w*|.
        diverged: did the loss leave the finite numbers?
    """

    optimizer: str
    residual: float
    distance: float
    off_row_space: float
    norm_ratio: float
    diverged: bool


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class ImplicitBias(Result):
    """The solutions that optimizers find, against the pseudo-inverse solution.

    Attributes:
        solutions: one per recipe.
        equations: rank of the system.
        parameters: trainable numbers.
        least_norm: |w*|.
    """

    solutions: tuple[FoundSolution, ...]
    equations: int
    parameters: int
    least_norm: float

    def headline(self) -> str:
        each = ", ".join(f"{one.optimizer} {one.distance:.2g}" for one in self.solutions)
        return f"relative distance to the least-norm solution of {self.equations} equations in {self.parameters} " \
               f"parameters: {each}"  # fmt: skip

    def to_frame(self) -> "pandas.DataFrame":
        """One row per recipe; all columns but the first and last are ratios of norms."""
        import pandas as pd

        names = ("optimizer", "residual", "distance", "off_row_space", "norm_ratio", "diverged")
        return pd.DataFrame([[getattr(one, name) for name in names] for one in self.solutions], columns=list(names))

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        places = np.arange(len(self.solutions))
        for shift, name, text in (
            (-0.27, "residual", "residual / |t|"),
            (0.0, "off_row_space", "off the row space"),
            (0.27, "distance", "distance / |w*|"),
        ):
            ax.bar(places + shift, [max(getattr(one, name), 1e-17) for one in self.solutions], width=0.25, label=text)
        ax.set_xticks(places, [one.optimizer for one in self.solutions])
        ax.set(yscale="log", xlabel="optimizer", ylabel="ratio of norms")
        ax.legend(fontsize="small")


def implicit_bias(model: nn.Module, data: Any, recipes: Recipe | Sequence[Recipe]) -> ImplicitBias:
    """Train a linear model with each recipe and compare where it ends with the pseudo-inverse solution.

    Gradient descent never leaves the row space of the system, whatever its batches and momentum, so from zero it ends
    at the solution of least norm; methods that scale each coordinate leave it. All readings are ratios of norms.

    Args:
        model: any module that is linear (or affine) in its trainable parameters; training starts at its values.
        data: `(inputs, targets)` arrays or tensors, or a `Dataset`; fewer equations than parameters.
        recipes: how to train; with an adaptive optimizer let the learning rate fall, or it does not converge.

    Returns:
        By recipe the residual, the distance to the pseudo-inverse solution, the share of the way from the start that
        is orthogonal to the row space, and the ratio of norms.

    Raises:
        InputError: a model that is not linear, a system that is not under-determined, NaN in the data.
        ModelError: the model or loss raised.

    >>> model = nn.Linear(2, 1, bias=False, dtype=torch.float64)
    >>> _ = nn.init.zeros_(model.weight)
    >>> found = implicit_bias(model, ([[2.0, 1.0]], [[2.0]]), Recipe(lr=0.1, steps=200, loss="half_mse"))
    >>> round(found.least_norm ** 2, 6), found.solutions[0].off_row_space < 1e-9
    (0.8, True)
    """
    recipes = (recipes,) if isinstance(recipes, Recipe) else tuple(recipes)
    start = state_of(model)
    source = source_of(data, next(model.parameters()).device, torch.float64)
    with borrow(model), model_errors("implicit_bias"):
        system, target = _system(model, start, source)
    left, sizes, rows = torch.linalg.svd(system, full_matrices=False)
    rank = int((sizes > sizes[0] * max(system.shape) * torch.finfo(sizes.dtype).eps).sum())
    if rank >= system.shape[1]:
        _refuse(f"more parameters than the {rank} equations", f"{system.shape[1]} parameters",
                "add features or take examples away")  # fmt: skip
    rows = rows[:rank]
    least = rows.T @ ((left[:, :rank].T @ target) / sizes[:rank])
    if not float(least.norm()) > 0:
        _refuse("targets that zero parameters do not meet already", "a least-norm solution of 0", "change the targets")
    begun = _vector(start)
    solutions = []
    for recipe in recipes:
        trained = train(model, data, recipe)
        ended = _vector(trained.states[0])
        moved = ended - begun
        off = moved - rows.T @ (rows @ moved)
        solutions.append(
            FoundSolution(
                optimizer=optimizer_of(recipe.optimizer).name,
                residual=float((system @ ended - target).norm() / target.norm()),
                distance=float((ended - least).norm() / least.norm()),
                off_row_space=float(off.norm() / moved.norm()) if moved.any() else 0.0,
                norm_ratio=float(ended.norm() / least.norm()),
                diverged=bool(trained.history.diverged[0]),
            )
        )
    return ImplicitBias(
        solutions=tuple(solutions),
        equations=rank,
        parameters=system.shape[1],
        least_norm=float(least.norm()),
        caveats=_caveats(begun, rows),
        sources=_SOURCES,
    )


def _system(model: nn.Module, start: State, source: Source) -> tuple[torch.Tensor, torch.Tensor]:
    # The matrix A and right side t of A w = t, in float64, checked for linearity at random parameters.
    batch = source.everything()
    exact = twin(model).double()
    start = start.map(lambda tensor: tensor.double() if tensor.is_floating_point() else tensor)

    def outputs(parameters: dict[str, torch.Tensor]) -> torch.Tensor:
        return functional_call(exact, {**parameters, **start.buffers}, tuple(batch[:-1])).flatten()

    zero = {name: torch.zeros_like(value) for name, value in start.parameters.items()}
    with torch.enable_grad():
        columns: Any = jacrev(outputs)(start.parameters)
    system = torch.cat([columns[name].flatten(1) for name in start.parameters], 1).detach()
    generator = torch_generator("implicit bias")
    elsewhere = {name: torch.randn(value.shape, generator=generator, dtype=value.dtype).to(value.device)
                 for name, value in start.parameters.items()}  # fmt: skip
    with torch.no_grad():
        constant, there = outputs(zero), outputs(elsewhere)
    expected = constant + system @ _vector(start._replace(parameters=elsewhere))
    if not torch.allclose(there, expected, rtol=_LINEAR, atol=_LINEAR * float(1 + expected.abs().max())):
        _refuse("a model that is linear in its parameters", type(model).__name__, "pass a single linear layer, say")
    targets = batch[-1].flatten().double()
    if targets.shape != constant.shape:
        _refuse(f"{len(constant)} targets", str(len(targets)), "shape the targets like the model's outputs")
    return system, targets - constant


def _vector(state: State) -> torch.Tensor:
    return torch.cat([value.detach().double().flatten() for value in state.parameters.values()])


def _caveats(begun: torch.Tensor, rows: torch.Tensor) -> tuple[str, ...]:
    off = float((begun - rows.T @ (rows @ begun)).norm())
    if off == 0:
        return ()
    return (f"the start is off the row space by {off:.3g}: gradient descent ends that far from the least norm",)
