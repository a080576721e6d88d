"""An L2 penalty and decoupled weight decay under the same optimizer: by how much each parameter is really decayed."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import nn

from leadline.core import Result, refuse
from leadline.training import Optimizer, Recipe, State, optimizer_of, train

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

_refuse = partial(refuse, "equivalent_decay")

_SOURCE = "Loshchilov & Hutter 2019, Decoupled Weight Decay Regularization"


@dataclass(frozen=True, kw_only=True)
class ParameterDecay:
    """How strongly an L2 penalty decays the entries of one parameter, per step at the recipe's learning rate.

    Attributes:
        name: the parameter's.
        low, median, high: 10 %, 50 % and 90 % quantiles over its entries.
    """

    name: str
    low: float
    median: float
    high: float


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class EquivalentDecay(Result):
    """Runs with an L2 penalty and with decoupled decay of several strengths.

    Attributes:
        optimizer: its name.
        lr: learning rate.
        l2: strength of the penalty: it adds l2 times the parameter to the gradient.
        matched: the decoupled strength whose decay is the penalty's median one; for plain SGD it is l2.
        matched_unscaled: the same where decay is not multiplied by the learning rate.
        parameters: effective decay under the penalty.
        spread: 90 % over 10 % quantile of the effective decay over all parameters; 1 where one strength is right.
        strengths: decoupled strengths tried.
        distances: how far each run ends from the one with the penalty, in units of how far the penalty moved it.
    """

    optimizer: str
    lr: float
    l2: float
    matched: float
    matched_unscaled: float
    parameters: tuple[ParameterDecay, ...]
    spread: float
    strengths: Float[np.ndarray, " tried"]
    distances: Float[np.ndarray, " tried"]

    @property
    def distance(self) -> float:
        """The smallest over the strengths tried: 0 where the two kinds are the same thing."""
        return float(np.min(self.distances))

    def headline(self) -> str:
        best = self.strengths[np.argmin(self.distances)]
        return (
            f"{self.optimizer}: L2 {self.l2:.4g} is nearest to decoupled decay {best:.4g} (lr * decay = "
            f"{self.lr * best:.4g} per step), {self.distance:.2g} of the penalty's effect apart"
        )

    def to_frame(self) -> "pandas.DataFrame":
        """One row per parameter: effective decay per step under the penalty, and the matched decoupled one."""
        import pandas as pd

        rows = [[one.name, one.low, one.median, one.high, self.matched_unscaled] for one in self.parameters]
        return pd.DataFrame(rows, columns=["parameter", "l2_decay_per_step_10_percent", "l2_decay_per_step_median",
                                           "l2_decay_per_step_90_percent", "decoupled_decay_per_step"])  # fmt: skip

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        places = np.arange(len(self.parameters))
        middle = np.array([one.median for one in self.parameters])
        ends = [middle - [one.low for one in self.parameters], [one.high for one in self.parameters] - middle]
        ax.errorbar(places, middle, yerr=np.maximum(ends, 0), fmt="o", capsize=4, label="L2 penalty, 10 % to 90 %")
        ax.axhline(self.matched_unscaled, color="C1", label="decoupled, matched")
        ax.set_xticks(places, [one.name for one in self.parameters])
        ax.set(yscale="log", ylabel="effective decay per step", xlabel="parameter")
        ax.legend(fontsize="small")


def equivalent_decay(
    model: nn.Module, data: Any, recipe: Recipe, *, strengths: Sequence[float] | None = None
) -> EquivalentDecay:
    """Compare an L2 penalty with decoupled weight decay under a recipe's optimizer.

    A penalty's gradient goes through the optimizer: an entry decays by lr * l2 * f per step, f being 1 for SGD,
    1 / (1 - momentum) in the long run of momentum, 1 / (sqrt(v) + eps) under adaptive scaling, different for each
    entry. Decoupled decay is lr * decay for all. Both change with the learning rate; only unscaled decoupled decay
    does not, so whoever retunes lr retunes the other two as well.

    Args:
        model: where every run starts; stays as it is.
        data: what to train on: `(inputs, targets)` arrays or tensors, or a `Dataset`.
        recipe: how to train; its weight_decay is the strength of the penalty, whatever kind its optimizer has.
        strengths: of decoupled decay to try; None: the penalty's own, and the matched one.

    Returns:
        Effective decay by parameter, the matched strengths, and how far apart the runs end.

    Raises:
        InputError: no weight decay in the recipe, strengths that are not above 0, a run that diverges.

    >>> model = nn.Linear(1, 1, bias=False, dtype=torch.float64)
    >>> recipe = Recipe(lr=0.1, steps=20, loss="half_mse", weight_decay=0.1)
    >>> found = equivalent_decay(model, ([[1.0]], [[1.0]]), recipe)
    >>> found.matched, found.matched_unscaled, found.distance < 1e-12  # SGD: the same after rescaling
    (0.1, 0.010000000000000002, True)
    """
    l2 = recipe.hyper_parameters()["weight_decay"]
    if not l2 > 0:
        _refuse("a recipe with weight decay", f"weight_decay={l2}", "set it, e.g. weight_decay=0.01")
    if recipe.hyper_parameters().get("momentum", 0.0) >= 1:
        _refuse("momentum below 1, under which steps stay bounded", str(recipe.momentum), "pass e.g. 0.9")
    rule = optimizer_of(recipe.optimizer)
    penalized = _ended(model, data, replace(recipe, optimizer=replace(rule, decay="l2")))
    plain = _ended(model, data, replace(recipe, weight_decay=0.0))
    factors = _factors(rule, penalized, recipe.hyper_parameters())
    low, median, high = _quantiles(torch.cat([factor.flatten() for factor in factors.values()]))
    matched = l2 * median
    tried = np.array(sorted({l2, matched}) if strengths is None else strengths, dtype=float)
    if not (len(tried) and (tried > 0).all()):
        _refuse("strengths above 0", str(tried.tolist()), "pass None or positive numbers")
    effect = float((_vector(penalized) - _vector(plain)).norm())
    distances = []
    for strength in tried:
        decoupled = replace(recipe, optimizer=replace(rule, decay="decoupled"), weight_decay=float(strength))
        distances.append(float((_vector(_ended(model, data, decoupled)) - _vector(penalized)).norm()))
    per_step = recipe.lr * l2
    return EquivalentDecay(
        optimizer=rule.name,
        lr=recipe.lr,
        l2=l2,
        matched=matched,
        matched_unscaled=recipe.lr * matched,
        parameters=tuple(
            ParameterDecay(name=name, low=per_step * ends[0], median=per_step * ends[1], high=per_step * ends[2])
            for name, ends in ((name, _quantiles(factor)) for name, factor in factors.items())
        ),
        spread=high / low,
        strengths=tried,
        distances=np.array(distances) / effect if effect else np.array(distances),
        caveats=(
            "decay per step is at the recipe's full learning rate and the second moments at the end of training",
            "lr couples: twice the rate is twice the decay per step, except for unscaled decoupled decay",
        ),
        sources=(_SOURCE,),
    )  # fmt: skip


def _ended(model: nn.Module, data: Any, recipe: Recipe) -> State:
    trained = train(model, data, recipe)
    if trained.history.diverged[0]:
        _refuse("runs that converge", repr(trained), "lower the learning rate or the decay")
    return trained.states[0]


def _factors(rule: Optimizer, state: State, hyper: dict[str, float]) -> dict[str, torch.Tensor]:
    # By parameter what an entry's constant gradient of 1 moves it by per step, in units of lr.
    lasting = (1 - hyper.get("dampening", 0.0)) / (1 - hyper.get("momentum", 0.0))
    found = {}
    for name, parameter in state.parameters.items():
        slots = {slot: values[name].double() for slot, values in state.memory.items()}
        factor = torch.full_like(parameter, lasting, dtype=torch.float64)
        if rule.name in ("adam", "adamw"):
            square = slots["largest_square" if rule.amsgrad else "square"] / (1 - hyper["beta2"] ** state.taken)
            factor = _over_root(factor, square, hyper["eps"], rule)
        elif rule.name == "rmsprop":
            spread = slots["square"] - slots["mean"] ** 2 if rule.centered else slots["square"]
            factor = _over_root(factor, spread, hyper["eps"], rule)
        found[name] = factor
    return found


def _quantiles(values: torch.Tensor) -> tuple[float, float, float]:
    # By NumPy: torch's quantile takes no more than 2^24 numbers.
    low, median, high = np.quantile(values.cpu().numpy(), [0.1, 0.5, 0.9])
    return float(low), float(median), float(high)


def _over_root(factor: torch.Tensor, square: torch.Tensor, eps: float, rule: Optimizer) -> torch.Tensor:
    return factor / ((square + eps).sqrt() if rule.eps_inside_root else square.sqrt() + eps)


def _vector(state: State) -> torch.Tensor:
    return torch.cat([value.double().flatten() for value in state.parameters.values()])
