"""One test of a symmetry in one precision: every transform on the data and by search, and what is to be said of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from leadline.core import InputError
from leadline.symmetry.comparisons import Comparison, comparison, tolerance_of
from leadline.symmetry.outcomes import Counterexample, Outcome, SymmetryTest, TransformTest
from leadline.symmetry.paired_outputs import Model, PairedOutputs, lent, outputs_on
from leadline.symmetry.transforms import Transform
from leadline.symmetry.violation_search import STARTS, Found, ball_around, search

_SOURCES = (
    "Cohen & Welling (2016), Group equivariant convolutional networks, section 3",
    "Bronstein, Bruna, Cohen & Veličković (2021), Geometric deep learning, section 3.1",
)

Bounds = tuple[float | int, float | int]
Pairs = list[tuple[Transform, Transform | None]]  # of the inputs, and of the outputs


@dataclass(frozen=True)
class Trial:
    """How a test is made.

    Args:
        operation: "invariance" or "equivariance".
        compares: "outputs" or "decisions".
        steps: of the search.
        bounds: of the inputs that it may try.
        seed: of its random numbers.
    """

    operation: str
    compares: str
    steps: int
    bounds: Bounds | None
    seed: int


def tested(
    trial: Trial, model: Model, pairs: Pairs, data: Tensor, *, tolerance: float | None = None
) -> tuple[SymmetryTest, torch.dtype]:
    """The test, and the precision of the model's outputs; the tolerance is that precision's unless one is given."""
    with lent(model) as run:
        outputs = outputs_on(trial.operation, run, data)
        compare = comparison(trial.operation, trial.compares, outputs)
        tolerance = tolerance if tolerance is not None else tolerance_of(outputs.dtype)
        found = [
            _transform_tested(PairedOutputs(trial.operation, run, *pair), trial, compare, data, tolerance)
            for pair in pairs
        ]
    tests = tuple(one for one, _ in found)
    test = SymmetryTest(
        model=_name(model), symmetry="invariant" if trial.operation == "invariance" else "equivariant",
        compares=trial.compares, examples=len(data), tolerance=tolerance, tests=tests, sources=_SOURCES,
        caveats=_caveats(model, data, trial.steps, tests, [one for _, one in found if one is not None]),
    )  # fmt: skip
    return test, outputs.dtype


def _transform_tested(
    outputs: PairedOutputs, trial: Trial, compare: Comparison, data: Tensor, tolerance: float
) -> tuple[TransformTest, Found | None]:
    expected, got = outputs.on_data(data)
    relative = compare.relative(expected, got)
    worst = int(relative.argmax())
    here = slice(worst, worst + 1)
    on_data = _counterexample(outputs, compare, data[here], worst)
    _check_alone(outputs, compare, on_data, expected[here], got[here], tolerance)
    found, by_search = None, None
    if data.is_floating_point() and trial.steps:
        ball = ball_around(data, trial.bounds)
        with torch.enable_grad():
            found = search(outputs, compare, data, relative, ball, steps=trial.steps, seed=trial.seed)
        by_search = _counterexample(outputs, compare, found.input, None)
    outcome = Outcome.NOT_VIOLATED
    if on_data.relative > tolerance:
        outcome = Outcome.VIOLATED_ON_DATA
    elif by_search is not None and by_search.relative > tolerance:
        outcome = Outcome.VIOLATED_ELSEWHERE
    share = float((relative > tolerance).double().mean())
    return TransformTest(transform=outputs.change.name, outcome=outcome, on_data=on_data, share_violating=share,
                         by_search=by_search), found  # fmt: skip


def _counterexample(outputs: PairedOutputs, compare: Comparison, one: Tensor, at: int | None) -> Counterexample:
    with torch.no_grad():
        expected, got = outputs(one)
        violation, relative = (float(measure(expected, got)) for measure in (compare.violation, compare.relative))
    shown, other = (value[0].double().cpu().numpy() for value in (expected, got))
    plain = one[0].float() if one.dtype == torch.bfloat16 else one[0]  # which NumPy lacks
    return Counterexample(at=at, input=plain.cpu().numpy(), expected=shown, got=other, violation=violation,
                          relative=relative)  # fmt: skip


def _check_alone(
    outputs: PairedOutputs, compare: Comparison, alone: Counterexample, expected: Tensor, got: Tensor, tolerance: float
) -> None:
    """Among the data an example must give what it gives by itself: that is how it is shown, and searched for."""
    of_outputs = replace(compare, compares="outputs")
    for one, other in ((expected, alone.expected), (got, alone.got)):
        if float(of_outputs.relative(one, torch.from_numpy(other)[None].to(one))) > tolerance:
            raise InputError(
                outputs.operation,
                expected="a model and transforms that treat each example by itself",
                got=f"one that mixes examples, or is random: example {alone.at} alone gives other outputs than among "
                f"the others ({outputs.change.name})",
                remedy="transform other axes than the batch's, and call eval() on modules inside functions",
            )


def _caveats(
    model: Model, data: Tensor, steps: int, tests: Sequence[TransformTest], searches: Sequence[Found]
) -> tuple[str, ...]:
    notes = []
    if not data.is_floating_point():
        notes.append("the inputs are not real numbers: no search beyond the data")
    elif not steps:
        notes.append("no search beyond the data (search_steps=0)")
    if any(one.is_blind for one in searches):
        notes.append("no gradient reaches the inputs: the search was random")
    if any(one.left_domain for one in searches):
        notes.append("the search met inputs without finite outputs; pass bounds")
    if any(one.outcome is Outcome.NOT_VIOLATED for one in tests):
        searched = f" and a search from {min(len(data), STARTS) + STARTS} inputs" if steps > 0 else ""
        notes.append(f"'no violation found' is no proof: {len(data)} examples{searched} showed none above rounding")
    if isinstance(model, nn.Module) and any(one.training for one in model.modules()):
        notes.append("tested in evaluation mode")
    return tuple(notes)


def _name(model: Model) -> str:
    if isinstance(model, nn.Module):
        return type(model).__name__.removeprefix("Parametrized")
    return getattr(model, "__name__", "model").replace("<lambda>", "function")
