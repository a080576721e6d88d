"""Tests of invariance and equivariance: on data, and by a search that tells "on my data" from "everywhere"."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

import numpy as np
import torch
from jaxtyping import Shaped
from torch import Tensor, nn

from leadline.core import InputError, LeadlineError, ModelError, borrow, random_state_kept
from leadline.symmetry.comparisons import Comparison, comparison, tolerance_of
from leadline.symmetry.outcomes import Counterexample, Outcome, SymmetryTest, TransformTest
from leadline.symmetry.transforms import Generated, Transform, elements, listed
from leadline.symmetry.violation_search import STARTS, Ball, Outputs, ball_around, search

_SOURCES = (
    "Cohen & Welling (2016), Group equivariant convolutional networks, section 3",
    "Bronstein, Bruna, Cohen & Veličković (2021), Geometric deep learning, section 3.1",
)
_ROWS = 512  # examples per forward pass

Model = nn.Module | Callable[[Tensor], Tensor]
Inputs = Shaped[Tensor, "examples ..."] | Shaped[np.ndarray, "examples ..."]
Pairs = list[tuple[Transform, Transform | None]]


def invariance(
    model: Model,
    transform: Any,
    inputs: Inputs,
    *,
    compare: str = "outputs",
    search_steps: int = 20,
    bounds: tuple[float | int, float | int] | None = None,
    seed: int = 0,
) -> SymmetryTest:
    """Does the model give the same for a transformed input? The largest violation, and the input that shows it.

    Violations are in the unit of the outputs, and relative to their size. A search climbs the violation's gradient
    from the data and from random inputs, so that what holds on the data only is told from what holds as far as can
    be seen; not finding a violation is no proof. The model runs in evaluation mode and comes back untouched.

    Args:
        model: a module, or a function of a batch.
        transform: what is done to the inputs: a callable on batches, a list of them, or `generated_by(...)`.
        inputs: a batch of data.
        compare: "outputs", or "decisions": the class with the highest score (axis 1), or the sign of a lone score.
        search_steps: steps of the search; 0 for none.
        bounds: smallest and largest value that an input may have; searched inputs are never longer than the longest
            example.
        seed: names the search's random numbers.

    Returns:
        Per transform one of three outcomes, the worst example, the share of examples violating, and the search's find.

    Raises:
        InputError: inputs or outputs that are not finite, a transform that changes the outputs' shape.
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
    return _test("invariance", model, transform, None, inputs, compare, search_steps, bounds, seed)


def equivariance(
    model: Model,
    transform: Any,
    output_transform: Any,
    inputs: Inputs,
    *,
    search_steps: int = 20,
    bounds: tuple[float | int, float | int] | None = None,
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
    return _test("equivariance", model, transform, output_transform, inputs, "outputs", search_steps, bounds, seed)


def _test(
    operation: str, model: Model, transform: Any, image: Any, inputs: Inputs, compares: str, steps: int,
    bounds: tuple[float | int, float | int] | None, seed: int,
) -> SymmetryTest:  # fmt: skip
    data = _data(operation, model, inputs)
    pairs = _pairs(operation, transform, image, data)
    if bounds is not None and not bounds[0] < bounds[1]:
        _refuse(operation, "bounds (low, high)", str(bounds), "pass e.g. (0.0, 1.0)")
    with _lent(model) as run:
        outputs = _in_parts(lambda part: _run(operation, run, part), data)
        compare = comparison(operation, compares, outputs)
        ball = ball_around(data, bounds) if data.is_floating_point() and steps > 0 else None
        tolerance = tolerance_of(outputs)
        found = [_tested(_both(operation, run, *pair), pair[0].name, compare, data, ball, tolerance, steps, seed)
                 for pair in pairs]  # fmt: skip
    return SymmetryTest(
        model=_name(model),
        symmetry="invariant" if operation == "invariance" else "equivariant", compares=compares, examples=len(data),
        tolerance=tolerance, tests=tuple(one for one, _ in found), sources=_SOURCES,
        caveats=_caveats(model, data, steps, any(is_blind for _, is_blind in found), found),
    )  # fmt: skip


def _tested(
    outputs: Outputs, name: str, compare: Comparison, data: Tensor, ball: Ball | None, tolerance: float, steps: int,
    seed: int,
) -> tuple[TransformTest, bool]:  # fmt: skip
    with torch.no_grad():
        relative = torch.cat([compare.relative(*outputs(part)) for part in data.split(_ROWS)])
    worst = int(relative.argmax())
    on_data = _counterexample(outputs, compare, data[worst : worst + 1], worst)
    by_search, is_blind = None, False
    if ball is not None:
        with torch.enable_grad():
            found = search(outputs, compare, data, relative, ball, steps=steps, seed=seed)
        by_search, is_blind = _counterexample(outputs, compare, found.input, None), found.is_blind
    outcome = Outcome.NOT_VIOLATED
    if on_data.relative > tolerance:
        outcome = Outcome.VIOLATED_ON_DATA
    elif by_search is not None and by_search.relative > tolerance:
        outcome = Outcome.VIOLATED_ELSEWHERE
    share = float((relative > tolerance).double().mean())
    return TransformTest(transform=name, outcome=outcome, on_data=on_data, share_violating=share,
                         by_search=by_search), is_blind  # fmt: skip


def _counterexample(outputs: Outputs, compare: Comparison, one: Tensor, at: int | None) -> Counterexample:
    with torch.no_grad():
        expected, got = outputs(one)
        violation, relative = (float(measure(expected, got)) for measure in (compare.violation, compare.relative))
    shown, other = (value[0].double().cpu().numpy() for value in (expected, got))
    return Counterexample(at=at, input=one[0].cpu().numpy(), expected=shown, got=other, violation=violation,
                          relative=relative)  # fmt: skip


def _both(operation: str, run: Callable[[Tensor], Tensor], change: Transform, image: Transform | None) -> Outputs:
    def outputs(inputs: Tensor) -> tuple[Tensor, Tensor]:
        expected = _run(operation, run, inputs)
        if image is not None:
            expected = _run(operation, image, expected)
        # A caller's transform may write on what it is given.
        got = _run(operation, run, _run(operation, change, inputs * 1, check=False))
        if got.shape != expected.shape:
            _refuse(operation, f"outputs of shape {tuple(expected.shape)} under {change.name}", str(tuple(got.shape)),
                    "pass a transform that keeps the shape, or the output's transform")  # fmt: skip
        return expected, got

    return outputs


def _run(operation: str, run: Callable[[Tensor], Any], inputs: Tensor, *, check: bool = True) -> Tensor:
    try:
        outputs = run(inputs)
    except LeadlineError:
        raise
    except Exception as error:
        expected = f"the model and the transforms to run on shape {tuple(inputs.shape)}"
        raise ModelError(operation, expected=expected, got=f"{type(error).__name__}: {error}",
                         remedy="call them by hand and mend them") from error  # fmt: skip
    if not check:
        return outputs
    if not isinstance(outputs, Tensor) or not outputs.ndim or len(outputs) != len(inputs):
        _refuse(operation, "one output tensor with a row per example", f"{type(outputs).__name__}", "wrap the model")
    outputs = outputs if outputs.is_floating_point() else outputs.double()
    if not torch.isfinite(outputs).all():
        _refuse(operation, "finite outputs", "nan or inf", "check the model's weights")
    return outputs


@contextmanager
def _lent(model: Model) -> Iterator[Callable[[Tensor], Tensor]]:
    if isinstance(model, nn.Module):
        with borrow(model, training=False) as borrowed:
            borrowed.requires_grad_(False)
            yield borrowed
    else:
        with random_state_kept():
            yield model


def _in_parts(run: Callable[[Tensor], Tensor], data: Tensor) -> Tensor:
    with torch.no_grad():
        return torch.cat([run(part) for part in data.split(_ROWS)])


def _data(operation: str, model: Model, inputs: Inputs) -> Tensor:
    data = torch.as_tensor(inputs).detach()
    if not data.ndim or not data.numel() or not torch.isfinite(data.double()).all():
        _refuse(operation, "a batch of finite inputs", f"shape {tuple(data.shape)}", "pass at least one finite example")
    parameter = next(model.parameters(), None) if isinstance(model, nn.Module) else None
    if isinstance(inputs, np.ndarray) and parameter is not None and data.is_floating_point():
        data = data.to(parameter)
    return data


def _pairs(operation: str, transform: Any, image: Any, data: Tensor) -> Pairs:
    changes = listed(transform)
    images: Sequence[Transform] | None = None if operation == "invariance" else listed(image)
    if images is not None and len(images) != len(changes):
        _refuse(operation, f"{len(changes)} output transforms, one for each transform", str(len(images)),
                "pass lists of one length")  # fmt: skip
    if isinstance(transform, Generated):
        return elements(transform, shape=tuple(data.shape[1:]), images=images)
    return list(zip(changes, images or [None] * len(changes), strict=True))


def _caveats(model: Model, data: Tensor, steps: int, is_blind: bool, found: list) -> tuple[str, ...]:
    notes = []
    if not data.is_floating_point():
        notes.append("the inputs are not real numbers: no search beyond the data")
    elif steps <= 0:
        notes.append("no search beyond the data (search_steps=0)")
    elif is_blind:
        notes.append("no gradient reaches the inputs: the search was random")
    if any(one.outcome is Outcome.NOT_VIOLATED for one, _ in found):
        searched = f" and a search from {min(len(data), STARTS) + STARTS} inputs" if steps > 0 else ""
        notes.append(f"'no violation found' is no proof: {len(data)} examples{searched} showed none above rounding")
    if isinstance(model, nn.Module) and any(one.training for one in model.modules()):
        notes.append("tested in evaluation mode")
    return tuple(notes)


def _name(model: Model) -> str:
    if isinstance(model, nn.Module):
        return type(model).__name__.removeprefix("Parametrized")
    return getattr(model, "__name__", "model").replace("<lambda>", "function")


def _refuse(operation: str, expected: str, got: str, remedy: str) -> NoReturn:
    raise InputError(operation, expected=expected, got=got, remedy=remedy)
