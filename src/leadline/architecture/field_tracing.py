"""From a model to its receptive fields."""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any

import numpy as np
from jaxtyping import Int
from torch import Tensor, nn

from leadline.architecture.executions import Execution, prepare
from leadline.architecture.field_patterns import (
    Progression,
    cut_by_borders,
    followed_in_the_middle,
    nothing_as_zero,
    progression,
)
from leadline.architecture.gradient_support import measure
from leadline.architecture.interval_maps import IntervalMap
from leadline.architecture.receptive_fields import AxisField, LayerField, ReceptiveField
from leadline.architecture.traced_layers import ENLARGED_BY, TracedLayer, trace, trace_enlarged
from leadline.core import InputError

_SOURCE = "Araujo, Norris and Sim, Computing Receptive Fields of Convolutional Neural Networks, Distill 2019"


def receptive_field(
    model: nn.Module | Callable[[], nn.Module],
    input_size: Sequence[int] | None = None,
    *,
    inputs: Any = None,
    kwargs: dict[str, Any] | None = None,
    axes: Sequence[int] | None = None,
    device: str = "meta",
    measured: bool = False,
) -> ReceptiveField:
    """Which indices of the input each output index of each layer sees, per axis, in input positions.

    The intervals are exact: they are carried through the graph as integers, operator by operator, and joined where
    branches join. Operators without a rule count as seeing everything and are named in the caveats.

    Args:
        model: an `nn.Module`, or a callable that builds one.
        input_size: the shape of the input, batch first.
        inputs: instead of `input_size` the input itself (e.g. of integers), or several; the first is followed.
        kwargs: further arguments of the forward.
        axes: the axes of the input to follow; by default all after the channels (the last, where there are only two).
        device: "meta" allocates and computes nothing; "cpu" runs models that look at values.
        measured: also compare every interval with the support of gradients, on a float64 copy on the CPU with positive
            random weights, max pools replaced by averages and activations by the identity. Costs one backward pass
            per output index: for small inputs.

    Returns:
        The fields of all module calls; `result.output` is the model's, `result.layer(path)` any other.

    Raises:
        InputError: an input or an axis that cannot be.
        ModelError: the model raised; the message names the module.

    >>> result = receptive_field(nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.MaxPool2d(2)), (1, 3, 32, 32))
    >>> result
    an output of Sequential sees 4 x 4 of 32 x 32 positions
    >>> rows = result.output.axes[0]
    >>> rows.jump, rows.start, rows.lo[:3], rows.hi[:3]
    (Fraction(2, 1), -1, array([0, 1, 3]), array([2, 4, 6]))

    References:
        Araujo, Norris and Sim, Computing Receptive Fields of Convolutional Neural Networks (Distill 2019), for size,
        jump (there: effective stride) and start (there: minus the effective padding).
    """
    execution = prepare("receptive_field", model, input_size=input_size, inputs=inputs, kwargs=kwargs, device=device)
    if not execution.tensors():
        raise InputError("receptive_field", expected="an input tensor", got="none", remedy="pass input_size or inputs")
    shape = tuple(execution.tensors()[0].shape)
    followed = _followed(shape, axes)
    traced = trace(execution, followed)
    far = trace_enlarged(execution, followed, traced.operators)
    layers = {entry: _layer(layer, far.layers.get(entry), shape, followed) for entry, layer in traced.layers.items()}
    measurement, notes = measure(execution, layers) if measured else (None, ())
    return ReceptiveField(
        model=type(execution.model).__name__,
        input_size=shape,
        layers=tuple(layers.values()),
        measurement=measurement,
        caveats=(*execution.caveats, *_first_only(execution), *traced.caveats, *notes),
        sources=(_SOURCE,),
    )


def _followed(shape: tuple[int, ...], axes: Sequence[int] | None) -> tuple[int, ...]:
    if axes is None:
        axes = range(2, len(shape)) if len(shape) > 2 else range(len(shape))[-1:]
    if not axes or not all(-len(shape) <= axis < len(shape) for axis in axes):
        raise InputError("receptive_field", expected=f"axes of an input with {len(shape)} axes", got=repr(tuple(axes)),
                         remedy="count from 0 (batch), or from -1 (last)")  # fmt: skip
    if 0 in [shape[axis] for axis in axes]:
        raise InputError("receptive_field", expected="at least one index per followed axis", got=str(shape),
                         remedy="pass an input that holds something")  # fmt: skip
    return tuple(dict.fromkeys(axis % len(shape) for axis in axes))


def _first_only(execution: Execution) -> tuple[str, ...]:
    return ("only the first input is followed",) if len(execution.tensors()) > 1 else ()


def _layer(layer: TracedLayer, far: TracedLayer | None, shape: tuple[int, ...], axes: tuple[int, ...]) -> LayerField:
    fields = []
    for place, axis in enumerate(axes):
        output_axis = _output_axis(layer, place, axis, len(shape))
        lo, hi = _intervals(layer.interval_map, layer.shape, place, output_axis)
        candidates = [progression(lo, hi, shape[axis])]
        if far is not None and far.path == layer.path and far.call == layer.call:
            intervals = _intervals(far.interval_map, far.shape, place, output_axis)
            candidates.insert(0, progression(*intervals, shape[axis] + ENLARGED_BY))
        fields.append(_field(axis, output_axis, shape[axis], lo, hi, [one for one in candidates if one]))
    return LayerField(path=layer.path, kind=layer.kind, depth=layer.depth, call=layer.call, is_leaf=layer.is_leaf,
                      output_size=layer.shape, axes=tuple(fields))  # fmt: skip


def _output_axis(layer: TracedLayer, place: int, axis: int, rank: int) -> int | None:
    """The output's axis along which the intervals vary most; the input's own axis where that decides nothing."""
    bounds = layer.interval_map[2 * place : 2 * place + 2]
    same = axis if len(layer.shape) == rank else None
    variety = {}
    for candidate in range(len(layer.shape)):
        if any(bound.size(candidate) > 1 for bound in bounds):
            variety[candidate] = max(_hull_along(bound, candidate).unique().numel() for bound in bounds)
    if not variety:
        return same
    most = max(variety.values())
    best = [candidate for candidate, count in variety.items() if count == most]
    return same if same in best or most == 1 else best[0]


def _hull_along(bound: Tensor, axis: int | None) -> Tensor:
    others = [other for other in range(bound.ndim) if other != axis]
    return bound.amin(others) if others else bound


def _intervals(
    seen: IntervalMap, shape: tuple[int, ...], place: int, output_axis: int | None
) -> tuple[Int[np.ndarray, " outputs"], Int[np.ndarray, " outputs"]]:
    first, minus_last = (_hull_along(bound, output_axis) for bound in seen[2 * place : 2 * place + 2])
    outputs = 1 if output_axis is None else shape[output_axis]
    lo, hi = (bound.reshape(-1).expand(outputs).numpy() for bound in (first, -minus_last))
    return nothing_as_zero(lo, hi)


def _field(
    axis: int, output_axis: int | None, inputs: int, lo: np.ndarray, hi: np.ndarray, candidates: list[Progression]
) -> AxisField:
    found = next((one for one in candidates if cut_by_borders(one, lo, hi, inputs)), None)
    border = found is not None
    if found is None:
        found = next((one for one in candidates if followed_in_the_middle(one, lo, hi, inputs)), None)
    size: int | None = None
    jump: Fraction | None = None
    start: int | None = None
    if (hi < lo).all():
        pattern, size, border, found = "nothing", 0, True, None
    elif found is not None:
        pattern = "affine" if len(found.first) == 1 else "periodic"
        size, jump, start = max(found.sizes), found.jump, found.first[0]
    elif (lo == 0).all() and (hi == inputs - 1).all():
        pattern, size, border = "whole axis", inputs, True
    else:
        pattern = "irregular"
    return AxisField(
        axis=axis, output_axis=output_axis, inputs=inputs, lo=lo, hi=hi, pattern=pattern, size=size, jump=jump,
        start=start, phase_sizes=found.sizes if found else (), regular_border=border,
    )  # fmt: skip
