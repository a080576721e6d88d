"""The coordinate check: does training move every layer's outputs by an amount that does not depend on the width?"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from leadline.core import Result, borrow, refuse
from leadline.initialization.width_slopes import WIDE_ENOUGH, WidthSlope, width_slopes
from leadline.training import Recipe, initialized, train

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

_refuse = partial(refuse, "coordinate_check")

_SOURCE = "Yang et al. (2022), Tensor programs V: tuning large neural networks, appendix D.1"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class CoordinateCheck(Result):
    """Root mean square change of every layer's outputs in training, by width."""

    steps: int
    widths: tuple[int, ...]
    draws: int
    layers: tuple[str, ...]
    changes: Float[np.ndarray, "widths layers"]  # geometric mean over draws, in the unit of the layer's output
    slopes: tuple[WidthSlope, ...]

    @property
    def passes(self) -> bool:
        """Does every layer move independently of the width?"""
        return all(one.passes for one in self.slopes)

    def headline(self) -> str:
        """The outcome, and the layer whose change depends most on the width."""
        worst = max(self.slopes, key=lambda one: abs(one.slope) if math.isfinite(one.slope) else math.inf)
        return (
            f"coordinate check {'passed' if self.passes else 'FAILED'} over widths {self.widths[0]} to "
            f"{self.widths[-1]}: after {self.steps} steps {worst.layer} {worst.verdict} "
            f"(exponent {worst.slope:+.2f} ± {worst.standard_error:.2f})"
        )

    def to_frame(self) -> "pandas.DataFrame":
        """One row per layer."""
        import pandas as pd

        rows = [{"layer": one.layer, "width_exponent": one.slope, "standard_error": one.standard_error,
                 "outcome": one.verdict} for one in self.slopes]  # fmt: skip
        frame = pd.DataFrame(rows)
        for width, changes in zip(self.widths, self.changes, strict=True):
            frame[f"rms_change_at_width_{width}"] = changes
        return frame

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        """One line per layer; flat lines pass."""
        for place, one in enumerate(self.slopes):
            style = "-" if one.passes else "--"
            ax.plot(self.widths, self.changes[:, place], f"o{style}", markersize=4,
                    label=f"{one.layer} ({one.slope:+.2f})")  # fmt: skip
        ax.set_xscale("log", base=2)
        ax.set_yscale("log")
        ax.set(xlabel="width (units)", ylabel=f"RMS change of outputs after {self.steps} steps")
        ax.legend(fontsize="small", title="layer (exponent)")


def coordinate_check(
    factory: Callable[[int], nn.Module],
    data: Any,
    recipe: Recipe,
    *,
    widths: Sequence[int],
    draws: int = 3,
    tolerance: float = 0.2,
) -> CoordinateCheck:
    """Exponents with which training's change of each weighted layer's outputs grows with the width.

    Where all are 0 the learning rate that suits a narrow model suits a wide one. Changes are root mean squares over
    examples and units, after the recipe's steps.

    Args:
        factory: width -> model.
        data: (inputs, targets); the outputs are looked at on the first 256 inputs.
        recipe: a few steps, e.g. `Recipe(lr=1e-2, steps=5)`.
        widths: at least two.
        draws: models per width, from the recipe's seed on.
        tolerance: largest exponent that passes.

    Returns:
        Changes by width and layer, exponents with standard errors, and whether all pass.

    Raises:
        InputError: fewer than two widths, models with other layers, or a run that diverged.

    >>> from leadline.models import mlp
    >>> inputs = torch.linspace(-1, 1, 128).reshape(32, 4)
    >>> data = (inputs, inputs.sum(1, keepdim=True))
    >>> recipe = Recipe(lr=0.01, steps=2, loss="mse", batch_size=32)
    >>> coordinate_check(lambda width: mlp([4, width, 1]), data, recipe, widths=(16, 64)).layers
    ('0', '2')
    """
    if len(set(widths)) < WIDE_ENOUGH or draws < 1:
        _refuse("two different widths and a draw", f"{tuple(widths)}, {draws} draws", "pass e.g. widths=(64, 256)")
    found = [[_changes(factory, width, data, recipe, recipe.seed + draw) for draw in range(draws)] for width in widths]
    layers = tuple(found[0][0])
    if not layers or any(tuple(one) != layers for group in found for one in group):
        _refuse("the same weighted layers at every width", f"{len(layers)}", "let the factory build one architecture")
    sizes = np.array([[list(one.values()) for one in group] for group in found])
    with np.errstate(divide="ignore"):
        changes = np.exp(np.log(sizes).mean(1))
    slopes = width_slopes(layers, widths, sizes, tolerance)
    return CoordinateCheck(steps=recipe.steps or 0, widths=tuple(widths), draws=draws, layers=layers, changes=changes,
                           slopes=slopes, sources=(_SOURCE,))  # fmt: skip


def _changes(factory: Callable[[int], nn.Module], width: int, data: Any, recipe: Recipe, seed: int) -> dict[str, float]:
    if recipe.steps is None:
        _refuse("a recipe of a few steps", f"{recipe.epochs} epochs", "pass e.g. Recipe(lr=0.01, steps=5)")
    model = initialized(lambda: factory(width), seed)
    parameter = next(model.parameters())
    inputs = torch.as_tensor(data[0])[:256].to(parameter)
    before = _outputs(model, inputs)
    trained = train(model, data, recipe)
    if trained.history.diverged_at[0] >= 0:
        _refuse("a learning rate at which every width trains", f"divergence at width {width}", "pass a smaller lr")
    trained.load_into(model)
    after = _outputs(model, inputs)
    return {name: float((after[name] - one).double().square().mean().sqrt()) for name, one in before.items()}


def _outputs(model: nn.Module, inputs: Tensor) -> dict[str, Tensor]:
    found: dict[str, Tensor] = {}

    def keeper(name: str) -> Any:
        def keep(module: nn.Module, arguments: tuple, output: Tensor) -> None:
            found[name] = output.detach().clone()

        return keep

    with borrow(model, training=False), torch.no_grad():
        for name, module in model.named_modules():
            if not any(module.children()) and any(one.ndim > 1 for one in module.parameters()):
                module.register_forward_hook(keeper(name or type(module).__name__))
        model(inputs)
    return found
