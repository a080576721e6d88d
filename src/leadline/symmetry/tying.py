"""Tied weights: a layer's weights projected on those that a permutation group leaves alone, and kept there."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from jaxtyping import Int
from torch import nn
from torch.nn.utils import parametrize

from leadline.core import InputError, Result, refuse
from leadline.symmetry.orbits import OrbitMean, joint, orbit_labels, permutations_of
from leadline.symmetry.transforms import whole_numbers

if TYPE_CHECKING:
    import matplotlib.axes
    import pandas

_refuse = partial(refuse, "tie_weights")

_NUMBERED = 200  # weights of a unit up to which the picture writes the orbits' numbers
_LAYERS = (nn.Linear, nn.Conv1d, nn.Conv2d, nn.Conv3d)
_SOURCES = (
    "Shawe-Taylor (1989), Building symmetries into feedforward networks",
    "Ravanbakhsh, Schneider & Póczos (2017), Equivariance through parameter-sharing, section 3",
)


@dataclass(frozen=True, eq=False, repr=False, kw_only=True)
class TiedWeights(Result):
    """The projection of one layer's weights."""

    layer: str
    weights: int
    free_weights: int  # orbits: weights that may still differ
    biases: int
    free_biases: int
    moved: float  # |W - PW| / |W|, the share of the weights' norm that the projection took away
    pattern: Int[np.ndarray, " ..."]  # the orbit of each of the first unit's weights, in the input's shape

    def headline(self) -> str:
        """How many weights are left to choose, and how far the projection moved them."""
        bias = f", {self.biases} biases to {self.free_biases}" if self.free_biases < self.biases else ""
        return (
            f"{self.layer}: {self.weights:,} weights tied to {self.free_weights:,} free ones{bias}; "
            f"the projection took {self.moved:.1%} of their norm"
        )

    def to_frame(self) -> "pandas.DataFrame":
        """One row for the weights, one for the biases; numbers of parameters."""
        import pandas as pd

        rows = [("weight", self.weights, self.free_weights), ("bias", self.biases, self.free_biases)]
        return pd.DataFrame(rows, columns=pd.Index(("parameter", "entries", "free_entries")))

    def draw(self, ax: "matplotlib.axes.Axes") -> None:
        """The first unit's weights: those of one colour and number are one weight."""
        rows = np.unique(self.pattern, return_inverse=True)[1].reshape(-1, self.pattern.shape[-1])
        ax.imshow(rows, cmap="viridis", interpolation="nearest", aspect="equal")
        if rows.size <= _NUMBERED:
            for place in np.ndindex(*rows.shape):
                colour = "white" if rows[place] < rows.max() / 2 else "black"
                ax.text(place[1], place[0], str(rows[place]), ha="center", va="center", color=colour, fontsize=8)
        ax.locator_params(integer=True)
        ax.set(xlabel="column of the unit's input (index)", ylabel="row (index)")
        ax.grid(visible=False)


def tie_weights(
    layer: nn.Module,
    group: Any,
    *,
    input_shape: Sequence[int] | None = None,
    output_group: Any = None,
    output_shape: Sequence[int] | None = None,
) -> TiedWeights:
    """Project a layer's weights on those that a permutation group of its inputs leaves alone, and keep them there.

    The layer is changed in place: each weight becomes the mean over its orbit, now and after every training step
    (a parametrization of torch's; gradients are projected too). A linear layer is then invariant under the group; a
    convolution whose kernels are tied is equivariant under it. `untie_weights` ends it and keeps the values.
    Tying again ties to both groups. The group is closed under composition: generators suffice.

    Args:
        layer: `nn.Linear`, or a convolution.
        group: a transform such as `mirror()`, a list of transforms or of permutations of the flattened inputs (each
            a list of integers), or `generated_by(...)`. Transforms see a batch of one input.
        input_shape: shape of one input of a linear layer, as the transforms see it; a convolution's is its kernel's,
            (in_channels / groups, *kernel_size).
        output_group: what the same generators do to the outputs, one for each; None: nothing. Then biases are tied
            too, and outputs transform along with inputs.
        output_shape: shape of one output as `output_group` sees it; (out_channels,) for a convolution.

    Returns:
        Numbers of weights and biases before and after, the share of the norm that was projected away, the pattern.

    Raises:
        InputError: another kind of layer, other parametrizations, what is no permutation of the inputs.

    >>> from leadline.symmetry import mirror
    >>> layer = nn.Linear(4, 1, bias=False)
    >>> _ = layer.weight.data.copy_(torch.tensor([[1.0, 2.0, 4.0, 5.0]]))
    >>> tie_weights(layer, mirror())
    Linear: 4 weights tied to 2 free ones; the projection took 46.6% of their norm
    >>> layer.weight.tolist()
    [[3.0, 3.0, 3.0, 3.0]]
    """
    weight = _weight(layer)
    units, patch = weight.shape[0], _shape("input", input_shape, tuple(weight.shape[1:]))
    inputs = permutations_of("tie_weights", group, patch)
    outputs = [np.arange(units)] * len(inputs)
    if output_group is not None:
        outputs = permutations_of("tie_weights", output_group, _shape("output", output_shape, (units,)))
    if len(outputs) != len(inputs):
        _refuse(f"{len(inputs)} output permutations, one for each", str(len(outputs)), "pass lists of one length")
    size = math.prod(patch)
    pairs = [joint(there, here) for there, here in zip(outputs, inputs, strict=True)]
    labels = _with_former(layer, "weight", orbit_labels(pairs, units * size))
    moved = _tie(layer, "weight", labels)
    bias_labels = np.arange(0)
    if getattr(layer, "bias", None) is not None:
        bias_labels = _with_former(layer, "bias", orbit_labels(outputs, units))
        if len(np.unique(bias_labels)) < units:
            _tie(layer, "bias", bias_labels)
    return TiedWeights(
        layer=type(layer).__name__.removeprefix("Parametrized"), weights=units * size,
        free_weights=len(np.unique(labels)), biases=len(bias_labels), free_biases=len(np.unique(bias_labels)),
        moved=moved, pattern=labels[:size].reshape(patch), sources=_SOURCES,
    )  # fmt: skip


def untie_weights(layer: nn.Module) -> None:
    """End `tie_weights`: the layer keeps its present weights, which may differ again from now on.

    Raises:
        InputError: the layer is not tied.
    """
    tied = [name for name in ("weight", "bias") if _former(layer, name) is not None]
    if not tied:
        raise InputError("untie_weights", expected="a layer that tie_weights has tied", got=type(layer).__name__,
                         remedy="pass that layer")  # fmt: skip
    for name in tied:
        parametrize.remove_parametrizations(layer, name, leave_parametrized=True)


def _tie(layer: nn.Module, name: str, labels: Int[np.ndarray, " entries"]) -> float:
    """Replaces a former tie; returns the share of the norm that the projection takes away."""
    if _former(layer, name) is not None:
        parametrize.remove_parametrizations(layer, name, leave_parametrized=True)
    before = getattr(layer, name).detach().clone()
    mean = OrbitMean(labels).to(before.device)
    parametrize.register_parametrization(layer, name, mean)
    after = getattr(layer, name).detach()
    return float((before - after).norm() / before.norm().clamp(min=torch.finfo(before.dtype).tiny))


def _with_former(layer: nn.Module, name: str, labels: Int[np.ndarray, " entries"]) -> Int[np.ndarray, " entries"]:
    """The orbits of both groups together, where the layer is tied already."""
    former = _former(layer, name)
    if former is None:
        return labels
    return orbit_labels([_cycles(labels), _cycles(former.labels.cpu().numpy())], len(labels))


def _cycles(labels: Int[np.ndarray, " entries"]) -> Int[np.ndarray, " entries"]:
    """A permutation whose orbits are the given ones: each place goes to its orbit's next."""
    order = np.argsort(labels, kind="stable")
    following = np.roll(order, -1)
    ends = np.append(np.diff(labels[order]) != 0, True)
    starts = order[np.append(0, np.flatnonzero(ends)[:-1] + 1)]
    following[ends] = starts
    cycles = np.empty_like(order)
    cycles[order] = following
    return cycles


def _former(layer: nn.Module, name: str) -> OrbitMean | None:
    if not parametrize.is_parametrized(layer, name):
        return None
    parametrizations: Any = layer.parametrizations
    [*others, last] = parametrizations[name]
    return last if isinstance(last, OrbitMean) and not others else None


def _shape(side: str, given: Sequence[int] | None, own: tuple[int, ...]) -> tuple[int, ...]:
    if given is None:
        return own
    sizes = whole_numbers(given)
    if not sizes or min(sizes) < 1 or math.prod(sizes) != math.prod(own):
        _refuse(f"an {side}_shape of {math.prod(own)} places", repr(given), f"pass the shape of one {side}")
    return tuple(sizes)


def _weight(layer: nn.Module) -> torch.Tensor:
    if not isinstance(layer, _LAYERS):
        _refuse("nn.Linear or a convolution", type(layer).__name__, "tie the layers of a model one by one")
    for name in ("weight", "bias"):
        if parametrize.is_parametrized(layer, name) and _former(layer, name) is None:
            _refuse(f"a {name} without other parametrizations", f"a parametrized {name}", "tie it before the others")
    weight = layer.weight
    if nn.parameter.is_lazy(weight):
        _refuse("initialized weights", "lazy ones", "run the layer once first")
    if not all(torch.isfinite(one).all() for one in layer.parameters()):
        _refuse("finite weights", "nan or inf", "initialize the layer again")
    return weight
