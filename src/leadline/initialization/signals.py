"""Signal propagation: second moments by depth, forward and back, measured over initial draws and predicted."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Float, Shaped
from torch import Tensor, nn

from leadline.core import Result, refuse
from leadline.initialization.layer_signals import Passages, passages
from leadline.initialization.mean_field import is_plain, predicted
from leadline.initialization.width_slopes import WIDE_ENOUGH, WidthSlope, width_slopes
from leadline.training import initialized

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

_refuse = partial(refuse, "signal_propagation")

_SOURCES = (
    "Poole et al. (2016), Exponential expressivity in deep neural networks through transient chaos, section 2",
    "Schoenholz, Gilmer, Ganguli & Sohl-Dickstein (2017), Deep information propagation, sections 2 and 4",
    "Yang et al. (2022), Tensor programs V, appendix D.1 (coordinate checking)",
)
_CHANGE = 100.0  # of a second moment over all hidden layers: more is called exploding, less than 1/this vanishing
_FEW = 3  # hidden layers below which a trend says nothing


@dataclass(frozen=True, eq=False, kw_only=True)
class LayerSignal:
    """One call of one layer; second moments are mean squares over examples, units and initial draws."""

    name: str
    kind: str
    is_weighted: bool
    forward: float  # second moment of the output
    forward_range: tuple[float, float]  # over draws
    variance: float  # of the output: the second moment less the square of the mean
    backward: float  # second moment of the gradient at the output
    backward_range: tuple[float, float]
    predicted_forward: float  # nan where there is no prediction
    predicted_backward: float


@dataclass(frozen=True, eq=False, kw_only=True)
class Trend:
    """What becomes of a second moment over the hidden weighted layers, in the direction in which it travels."""

    layers: int
    change: float  # last over first
    per_layer: float  # the change's geometric mean
    name: str  # "stable", "vanishing", "exploding" or "too few layers to tell"


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class SignalPropagation(Result):
    """Second moments of all layers, in the order of their calls."""

    model: str
    draws: int
    layers: tuple[LayerSignal, ...]
    forward_trend: Trend
    backward_trend: Trend
    widths: tuple[int, ...] = ()
    width_slopes: tuple[WidthSlope, ...] = ()  # of root mean squares, at the widths

    @property
    def passes_width_check(self) -> bool | None:
        """Does no layer's root mean square depend on the width? None where no widths were given."""
        return all(one.passes for one in self.width_slopes) if self.width_slopes else None

    def headline(self) -> str:
        """Both trends, and the width check."""
        text = f"{self.model}: {_told('signal', self.forward_trend)}, {_told('gradient', self.backward_trend)}"
        if self.width_slopes:
            steepest = max(self.width_slopes, key=lambda one: abs(one.slope))
            verdict = "passed" if self.passes_width_check else "FAILED"
            text += f"; width check {verdict} (steepest slope {steepest.slope:+.2f} in {steepest.layer})"
        return text

    def to_frame(self) -> "pandas.DataFrame":
        """One row per layer; squares are in the squared unit of the layer's output and of its gradient."""
        import pandas as pd

        slopes = {one.layer: one.slope for one in self.width_slopes}
        frame = pd.DataFrame([{
            "layer": one.name, "kind": one.kind, "forward_mean_square": one.forward,
            "predicted_forward_mean_square": one.predicted_forward, "forward_variance": one.variance,
            "backward_mean_square": one.backward, "predicted_backward_mean_square": one.predicted_backward,
            "rms_per_width_exponent": slopes.get(one.name, np.nan),
        } for one in self.layers])  # fmt: skip
        return frame if self.width_slopes else frame.drop(columns="rms_per_width_exponent")

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        """Mean squares of weighted layers by depth, both directions, predictions dashed."""
        shown = [one for one in self.layers if one.is_weighted] or list(self.layers)
        depth = np.arange(1, len(shown) + 1)
        for colour, way, label in (("C0", "forward", "signal"), ("C1", "backward", "gradient")):
            measured = np.array([getattr(one, way) for one in shown])
            low, high = np.array([getattr(one, f"{way}_range") for one in shown]).T
            theory = np.array([getattr(one, f"predicted_{way}") for one in shown])
            ax.plot(depth, _positive(measured), "o-", color=colour, markersize=4, label=f"{label}, measured")
            if self.draws > 1:
                ax.fill_between(depth, _positive(low), _positive(high), color=colour, alpha=0.2, linewidth=0)
            if np.isfinite(theory).any():
                ax.plot(depth, _positive(theory), "--", color=colour, linewidth=1.2, label=f"{label}, mean field")
        ax.set_yscale("log")
        ax.set(xlabel="weighted layer (number from the input)", ylabel="mean square")
        ax.legend(fontsize="small")


def signal_propagation(
    model: nn.Module | Callable[..., nn.Module],
    inputs: Shaped[Tensor, "examples ..."],
    *,
    draws: int = 8,
    widths: Sequence[int] = (),
    tolerance: float = 0.1,
    seed: int = 0,
) -> SignalPropagation:
    """Mean squares of every layer's output and of the gradient that arrives there: does the signal survive depth?

    The gradient sent back is standard normal at the model's output, so no loss is involved. Layers are modules
    without modules inside, in the mode they are in. Mean squares of hidden weighted layers (all but the last) that
    change more than a hundredfold from first to last are called exploding or vanishing. Stacks (`nn.Sequential`) of
    linear, convolutional, dropout and elementwise layers are also predicted, from the mean squares of their weights
    and biases; the prediction is for wide layers.

    Args:
        model: a module, measured as it is; or a factory, whose models are drawn anew `draws` times.
        inputs: one batch.
        draws: initial draws, where a factory is given.
        widths: where given, the factory is called with each; layers are reported at the last width, with the slope
            of log root mean square on log width over all.
        tolerance: largest slope that passes as independent of width.
        seed: names all random numbers.

    Returns:
        Per layer measured and predicted mean squares and the variance; the trends by depth; slopes by width.

    Raises:
        InputError: not a module or factory, no layers, inputs that are not finite, fewer than two different widths.
        ModelError: the model raises.

    >>> from leadline.models import mlp
    >>> batch = torch.randn(64, 100, generator=torch.Generator().manual_seed(0))
    >>> signal_propagation(lambda: mlp([100] * 12), batch, draws=2).backward_trend.name
    'vanishing'
    """
    _check(model, inputs, draws, widths)
    example = model if isinstance(model, nn.Module) else initialized(partial(model, *widths[-1:]), seed)
    if isinstance(model, nn.Module):
        runs = [[passages("signal_propagation", model, inputs, seed)]]
    else:
        each: list[tuple[int, ...]] = [(width,) for width in widths] or [()]
        runs = [[passages("signal_propagation", initialized(partial(model, *width), one), inputs, one)
                 for one in range(seed, seed + draws)] for width in each]  # fmt: skip
    last = runs[-1]
    names = [one.name for one in last[0].layers]
    if not names or any([one.name for one in run.layers] != names for group in runs for run in group):
        _refuse("the same layers, at least one, in every draw and at every width", f"{len(names)} layers",
                "let the factory build one architecture")  # fmt: skip
    layers, notes = _layers(last, is_plain(example))
    hidden = [one for one in layers if one.is_weighted][:-1]
    sizes = np.array([[[one.second_moment**0.5 for one in run.layers] for run in group] for group in runs])
    return SignalPropagation(
        model=type(example).__name__, draws=len(last), layers=layers,
        forward_trend=_trend([one.forward for one in hidden]),
        backward_trend=_trend([one.backward for one in reversed(hidden)]), widths=tuple(widths),
        width_slopes=width_slopes(names, widths, sizes, tolerance) if widths else (),
        caveats=notes, sources=_SOURCES,
    )  # fmt: skip


def _layers(runs: list[Passages], is_known: bool) -> tuple[tuple[LayerSignal, ...], tuple[str, ...]]:
    theory = [predicted(run.layers, run.input_moment) for run in runs] if is_known else []
    notes = theory[0][2] if theory else ("predicted only for nn.Sequential stacks",)
    if len(runs) == 1:
        notes += ("one initial draw: give a factory for the spread over draws",)
    forward, variance, backward = (np.array([[getattr(one, name) for one in run.layers] for run in runs])
                                   for name in ("second_moment", "variance", "gradient"))  # fmt: skip
    nothing = np.full((1, forward.shape[1]), np.nan)
    ahead = np.mean([one[0] for one in theory] or nothing, 0)
    back = np.mean([one[1] for one in theory] or nothing, 0)
    layers = [
        LayerSignal(
            name=one.name, kind=type(one.module).__name__, is_weighted=one.is_weighted,
            forward=float(forward[:, place].mean()), forward_range=_range(forward[:, place]),
            variance=float(variance[:, place].mean()), backward=float(backward[:, place].mean()),
            backward_range=_range(backward[:, place]), predicted_forward=float(ahead[place]),
            predicted_backward=float(back[place]),
        ) for place, one in enumerate(runs[0].layers)
    ]  # fmt: skip
    return tuple(layers), tuple(notes)


def _trend(moments: list[float]) -> Trend:
    if len(moments) < _FEW:
        return Trend(layers=len(moments), change=np.nan, per_layer=np.nan, name="too few layers to tell")
    first, last = moments[0], moments[-1]
    if not np.isfinite(moments).all() or first == 0:
        name = "vanishing" if first == 0 else "exploding"
        return Trend(layers=len(moments), change=np.nan, per_layer=np.nan, name=name)
    change = last / first
    name = "exploding" if change > _CHANGE else "vanishing" if change < 1 / _CHANGE else "stable"
    return Trend(layers=len(moments), change=change, per_layer=change ** (1 / (len(moments) - 1)), name=name)


def _told(what: str, trend: Trend) -> str:
    if not np.isfinite(trend.change):
        return f"{what}: {trend.name}"
    return f"{what} {trend.name} (x {trend.change:.2g} over {trend.layers} hidden layers)"


def _range(values: Float[np.ndarray, " draws"]) -> tuple[float, float]:
    return float(values.min()), float(values.max())


def _positive(values: Float[np.ndarray, " layers"]) -> Float[np.ndarray, " layers"]:
    return np.where(values > 0, values, np.nan)  # a logarithmic axis has no place for 0


def _check(model: Any, inputs: Tensor, draws: int, widths: Sequence[int]) -> None:
    if not isinstance(inputs, Tensor) or not len(inputs) or not torch.isfinite(inputs.double()).all():
        _refuse("a batch of finite inputs", "none, or values that are not finite", "pass one batch as a tensor")
    if isinstance(model, nn.Module):
        if widths:
            _refuse("a factory of one argument with widths", f"a module, {type(model).__name__}", "pass e.g. a lambda")
    elif not callable(model):
        _refuse("a module or a factory", type(model).__name__, "pass e.g. lambda: MyModel()")
    if draws < 1:
        _refuse("at least one draw", str(draws), "pass draws=1 or more")
    if widths and len(set(widths)) < WIDE_ENOUGH:
        _refuse("two or more different widths", str(tuple(widths)), "pass e.g. widths=(64, 128, 256)")
