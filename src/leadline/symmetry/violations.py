"""Tests of invariance and equivariance: on data, and by a search that tells "on my data" from "everywhere"."""

from collections.abc import Sequence
from dataclasses import replace
from numbers import Integral, Real
from typing import Any

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from leadline.core import LeadlineError, refuse, twin
from leadline.symmetry.comparisons import rounding_of
from leadline.symmetry.outcomes import Outcome, SymmetryTest
from leadline.symmetry.paired_outputs import Model
from leadline.symmetry.transforms import Generated, Transform, elements, listed
from leadline.symmetry.trials import Bounds, Pairs, Trial, tested

Inputs = Shaped[Tensor, "examples ..."] | Shaped[np.ndarray, "examples ..."]


def invariance(
    model: Model,
    transform: Any,
    inputs: Inputs,
    *,
    compare: str = "outputs",
    search_steps: int = 20,
    bounds: Bounds | None = None,
    seed: int = 0,
) -> SymmetryTest:
    """Does the model give the same for a transformed input? The largest violation, and the input that shows it.

    Violations are in the unit of the outputs, and relative to their size. A search climbs the violation's gradient
    from the data and from random inputs, so that what holds on the data only is told from what holds as far as can
    be seen; not finding a violation is no proof. The model runs in evaluation mode and comes back untouched. Where
    differences in its own precision might be rounding, a copy of the module in float64 decides.

    Args:
        model: a module, or a function of a batch.
        transform: what is done to the inputs: a callable on batches, a list of them, or `generated_by(...)`.
        inputs: a batch of data, as a tensor or an array.
        compare: "outputs", or "decisions": the class with the highest score (axis 1), or the sign of a lone score.
        search_steps: steps of the search; 0 for none.
        bounds: smallest and largest value that an input may have, the data's included; searched inputs are never
            longer than the longest example.
        seed: names the search's random numbers.

    Returns:
        Per transform one of three outcomes, the worst example, the share of examples violating, and the search's find.

    Raises:
        InputError: data or outputs on them that are not finite, a transform that changes the outputs' shape, a model
            or a transform that mixes examples, data outside the bounds.
        ModelError: the model or a transform raises.

    >>> import leadline.symmetry as symmetry
    >>> sees_sums = nn.Linear(2, 1)
    >>> _ = torch.nn.init.ones_(sees_sums.weight)
    >>> symmetry.invariance(sees_sums, symmetry.mirror(), torch.eye(2)).outcome
    <Outcome.NOT_VIOLATED: 'no violation found'>
    >>> data = torch.ones(3, 2)  # on which the difference of two inputs is 0
    >>> symmetry.invariance(lambda x: x[:, 0] - x[:, 1], symmetry.mirror(), data).outcome
    <Outcome.VIOLATED_ELSEWHERE: 'holds on the data, violated elsewhere'>
    """
    trial = Trial("invariance", compare, search_steps, bounds, seed)
    return _test(trial, model, transform, None, inputs)


def equivariance(
    model: Model,
    transform: Any,
    output_transform: Any,
    inputs: Inputs,
    *,
    search_steps: int = 20,
    bounds: Bounds | None = None,
    seed: int = 0,
) -> SymmetryTest:
    """Does a transformed input give the transformed output? Like `invariance`, which says more.

    Args:
        model: a module, or a function of a batch.
        transform: what is done to the inputs: a callable, a list, or `generated_by(...)`.
        output_transform: what should happen to the outputs: of the same kind, one for each transform or generator.
        inputs: a batch of data.
        search_steps: steps of the search; 0 for none.
        bounds: smallest and largest value that an input may have.
        seed: names the search's random numbers.

    Returns:
        Per transform one of three outcomes, and the largest violations.

    Raises:
        InputError: not one output transform for each transform; inputs or outputs that are not finite.
        ModelError: the model or a transform raises.

    >>> from leadline.symmetry import scaling
    >>> equivariance(nn.ReLU(), [scaling(3), scaling(-1)], [scaling(3), scaling(-1)], torch.eye(2)).worst.transform
    'times -1'
    """
    trial = Trial("equivariance", "outputs", search_steps, bounds, seed)
    return _test(trial, model, transform, output_transform, inputs)


def _test(trial: Trial, model: Model, transform: Any, image: Any, inputs: Inputs) -> SymmetryTest:
    data = _data(trial.operation, model, inputs)
    pairs = _pairs(trial.operation, transform, image, data)
    _check_effort(trial, data)
    found, precision = tested(trial, model, pairs, data)
    doubt = _doubt(found, rounding_of(precision))
    if not doubt or precision == torch.float64:
        return found
    exact = _in_float64(trial, model, pairs, data, tolerance=rounding_of(precision))
    note = f"differences of {doubt:.2g} of the outputs could be rounding in {str(precision).removeprefix('torch.')}"
    ending = (
        ": decided by a copy of the model in float64" if exact else f" and count as such, up to {found.tolerance:.2g}"
    )
    chosen = exact or found
    return replace(chosen, caveats=(*chosen.caveats, note + ending))


def _doubt(found: SymmetryTest, rounding: float) -> float:
    """The largest violation that a few roundings do not explain and that was taken for rounding; 0 if none was."""
    open_tests = (one for one in found.tests if one.outcome is not Outcome.VIOLATED_ON_DATA)
    sizes = (shown.relative for one in open_tests for shown in (one.on_data, one.by_search) if shown is not None)
    return max((size for size in sizes if rounding < size <= found.tolerance), default=0.0)


def _in_float64(trial: Trial, model: Model, pairs: Pairs, data: Tensor, *, tolerance: float) -> SymmetryTest | None:
    # What is left in float64 above the rounding of the stored weights is the model's own.
    if not isinstance(model, nn.Module):
        return None
    try:
        exact = twin(model).double()
    except Exception:  # noqa: BLE001 - modules may hold what cannot be copied, and devices may lack float64
        return None
    try:
        return tested(trial, exact, pairs, data.double() if data.is_floating_point() else data, tolerance=tolerance)[0]
    except LeadlineError:  # the forward pass makes tensors of its own type
        return None


def _check_effort(trial: Trial, data: Tensor) -> None:
    steps, bounds = trial.steps, trial.bounds
    if not isinstance(steps, Integral) or steps < 0:
        refuse(trial.operation, "search_steps of 0 or more", repr(steps), "pass e.g. 20, or 0 for no search")
    if bounds is None:
        return
    is_pair = isinstance(bounds, Sequence) and len(bounds) == 2 and all(isinstance(one, Real) for one in bounds)
    if not is_pair or not bounds[0] < bounds[1]:
        refuse(trial.operation, "bounds (low, high)", repr(bounds), "pass e.g. (0.0, 1.0)")
    low, high = data.new_tensor(bounds) if data.is_floating_point() else bounds
    if data.min() < low or data.max() > high:
        refuse(trial.operation, f"bounds that hold the data, from {data.min():g} to {data.max():g}", repr(bounds),
                "widen them, or leave out examples")  # fmt: skip


def _data(operation: str, model: Model, inputs: Inputs) -> Tensor:
    try:
        data = torch.as_tensor(inputs).detach()
    except (TypeError, ValueError, RuntimeError) as error:
        refuse(operation, "a tensor or an array of examples", f"{type(inputs).__name__}: {error}",
                "pass the inputs of one batch")  # fmt: skip
    if not data.ndim or not data.numel() or not torch.isfinite(data.double()).all():
        refuse(operation, "a batch of finite inputs", f"shape {tuple(data.shape)}", "pass at least one finite example")
    parameter = next(model.parameters(), None) if isinstance(model, nn.Module) else None
    if parameter is not None and data.is_floating_point():
        data = data.to(parameter)
    return data


def _pairs(operation: str, transform: Any, image: Any, data: Tensor) -> Pairs:
    changes = listed(transform)
    images: Sequence[Transform] | None = None if operation == "invariance" else listed(image)
    if images is not None and len(images) != len(changes):
        refuse(operation, f"{len(changes)} output transforms, one for each transform", str(len(images)),
                "pass lists of one length")  # fmt: skip
    if isinstance(transform, Generated):
        return elements(transform, shape=tuple(data.shape[1:]), images=images)
    return list(zip(changes, images or [None] * len(changes), strict=True))
