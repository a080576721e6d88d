"""Following hypergradients to better hyper-parameters."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float
from torch import nn

from leadline.core import Result, refuse
from leadline.optimization.hypergradients import Hypergradient, hypergradient
from leadline.training import Recipe

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

_refuse = partial(refuse, "optimize_hyperparameters")

_BELOW_ONE = ("momentum", "dampening", "smoothing", "beta1", "beta2")  # searched by logit; all others by logarithm
_FARTHEST = 1.5  # largest change of a coordinate in one round: a factor of 4.5 in a learning rate
_SMALLEST_MOVE = 1e-8
_SOURCE = "Bengio 2000, Gradient-Based Optimization of Hyperparameters"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class HyperDescent(Result):
    """The hyper-parameters that were tried, one training run each.

    Attributes:
        names: of the hyper-parameters.
        tried: their values by round.
        final_loss: by round; infinite where the run diverged.
        gradient: d final loss / d value by round.
    """

    names: tuple[str, ...]
    tried: Float[np.ndarray, "rounds hyper"]
    final_loss: Float[np.ndarray, " rounds"]
    gradient: Float[np.ndarray, "rounds hyper"]

    @property
    def best(self) -> int:
        """The round with the lowest final loss."""
        return int(np.argmin(self.final_loss))

    @property
    def values(self) -> dict[str, float]:
        """The best hyper-parameters."""
        return {name: float(value) for name, value in zip(self.names, self.tried[self.best], strict=True)}

    def headline(self) -> str:
        found = ", ".join(f"{name} {value:.4g}" for name, value in self.values.items())
        first, last = self.final_loss[0], self.final_loss[self.best]
        return f"{found}: final loss {last:.6g} after {len(self.tried)} runs, {first:.6g} at the start"

    def to_frame(self) -> "pandas.DataFrame":
        """One row per round."""
        import pandas as pd

        columns = {"round": np.arange(len(self.tried))}
        columns |= {name: self.tried[:, place] for place, name in enumerate(self.names)}
        columns |= {"final_loss": self.final_loss}
        columns |= {f"loss_per_unit_of_{name}": self.gradient[:, place] for place, name in enumerate(self.names)}
        return pd.DataFrame(columns)

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        ran = np.isfinite(self.final_loss)
        rounds = np.arange(len(self.tried))
        ax.plot(rounds[ran], self.final_loss[ran], "o-", label="final loss")
        ax.plot(self.best, self.final_loss[self.best], "*", markersize=14, label="best")
        for place in rounds[~ran]:
            ax.axvline(place, color="C3", linestyle=":", label="diverged" if place == rounds[~ran][0] else None)
        ax.set(xlabel="round", ylabel="final loss")
        ax.legend(fontsize="small")


def optimize_hyperparameters(
    model: nn.Module,
    data: Any,
    recipe: Recipe,
    *,
    wrt: Sequence[str] = ("lr",),
    validation: Any = None,
    rounds: int = 15,
) -> HyperDescent:
    """Lower the final loss of a training run by following its hypergradient, one run per round.

    Quasi-Newton (BFGS) steps in the logarithm of a rate and in the logit of what lies between 0 and 1, never farther
    than a factor of 4.5 in a rate; a round that does not lower the loss, or diverges, is taken back and tried nearer.

    Args:
        model: where every run starts; stays as it is.
        data: what to train on, as for `hypergradient`.
        recipe: how to train; its values are the first that are tried, so those in `wrt` must be positive.
        wrt: names of hyper-parameters.
        validation: take the final loss on these data; None: on the training data.
        rounds: training runs.

    Returns:
        Everything that was tried; `.values` are the best.

    Raises:
        InputError: no rounds, a value to start from that is not positive, or a first run that diverges.

    >>> import torch
    >>> model = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    >>> _ = nn.init.zeros_(model.weight)
    >>> data = torch.tensor([[1.0]]), torch.tensor([[1.0]])  # one step of lr 1 solves it
    >>> found = optimize_hyperparameters(model, data, Recipe(lr=0.1, steps=3, loss="half_mse"))
    >>> bool(found.final_loss.min() < 1e-6)
    True
    """
    start = {"lr": recipe.lr, **recipe.hyper_parameters()}
    _check(wrt, start, rounds)
    here = np.array([_coordinate(name, start[name]) for name in wrt])
    runs: list[Hypergradient] = []
    tried = []

    def run(place: np.ndarray) -> tuple[float, np.ndarray]:
        values = {name: _value(name, x) for name, x in zip(wrt, place, strict=True)}
        tried.append([*values.values()])
        runs.append(hypergradient(model, data, replace(recipe, **values), wrt=wrt, validation=validation))
        scale = np.array([_slope(name, value) for name, value in values.items()])
        loss = runs[-1].final_loss if runs[-1].diverged_at < 0 else math.inf
        return loss, runs[-1].gradient * scale

    loss, slope = run(here)
    if not np.isfinite([loss, *slope]).all():
        _refuse("a first run that converges", runs[-1].headline(), "start from a smaller learning rate")
    inverse, reach = np.eye(len(wrt)) / max(float(np.linalg.norm(slope)), 1e-300), 1.0
    while len(runs) < rounds:
        move = -inverse @ slope
        if move @ slope > 0:
            inverse = np.eye(len(wrt)) / np.linalg.norm(slope)
            move = -inverse @ slope
        move *= min(1.0, reach * _FARTHEST / max(float(np.abs(move).max()), 1e-300))
        if np.abs(move).max() < _SMALLEST_MOVE:
            break
        new_loss, new_slope = run(here + move)
        if np.isfinite(new_slope).all() and new_loss - loss < abs(loss):  # beyond, curvature says nothing of here
            inverse = _curved(inverse, move, new_slope - slope)
        if new_loss < loss:
            here, loss, slope = here + move, new_loss, new_slope
            reach = min(1.0, 1.3 * reach)  # twice as far would be where it has just failed
        else:
            reach = float(np.abs(move).max()) / _FARTHEST / 3
    return HyperDescent(
        names=tuple(wrt),
        tried=np.array(tried),
        final_loss=np.array([one.final_loss if one.diverged_at < 0 else math.inf for one in runs]),
        gradient=np.stack([one.gradient for one in runs]),
        caveats=("a local minimum; on the training data" if validation is None else "a local minimum",),
        sources=(_SOURCE, *runs[0].sources),
    )


def _curved(inverse: np.ndarray, move: np.ndarray, change: np.ndarray) -> np.ndarray:
    # The BFGS update of the inverse Hessian, where the loss curves upwards along the move.
    along = move @ change
    if along <= 0:
        return inverse
    aside = np.eye(len(move)) - np.outer(move, change) / along
    return aside @ inverse @ aside.T + np.outer(move, move) / along


def _coordinate(name: str, value: float) -> float:
    return math.log(value / (1 - value)) if name in _BELOW_ONE else math.log(value)


def _value(name: str, coordinate: float) -> float:
    return 1 / (1 + math.exp(-coordinate)) if name in _BELOW_ONE else math.exp(coordinate)


def _slope(name: str, value: float) -> float:
    return value * (1 - value) if name in _BELOW_ONE else value


def _check(wrt: Sequence[str], start: Mapping[str, float], rounds: int) -> None:
    if rounds < 1 or not wrt:
        _refuse("at least one round and one name", f"rounds={rounds}, wrt={tuple(wrt)}", "pass e.g. rounds=15")
    for name in wrt:
        if name not in start:
            _refuse("wrt among " + ", ".join(start), repr(name), "name what this recipe's optimizer has")
        if not 0 < start[name] < (1 if name in _BELOW_ONE else math.inf):
            kind = "between 0 and 1" if name in _BELOW_ONE else "above 0"
            _refuse(f"a first {name} {kind}", str(start[name]), "set it in the recipe")
