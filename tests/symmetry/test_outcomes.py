"""The headline of each outcome shows the transform and the input that decide it."""

import numpy as np
import pytest

from leadline.symmetry.outcomes import Counterexample, Outcome, SymmetryTest, TransformTest


def transform_test(name: str, outcome: Outcome, on_data: float, by_search: float) -> TransformTest:
    shown = [
        Counterexample(at=at, input=np.ones(2), expected=np.ones(1), got=np.ones(1), violation=3 * size, relative=size)
        for at, size in ((5, on_data), (None, by_search))
    ]
    return TransformTest(transform=name, outcome=outcome, on_data=shown[0], share_violating=0.0, by_search=shown[1])


NEVER = transform_test("turned", Outcome.NOT_VIOLATED, 0.0, 1e-9)
ELSEWHERE = transform_test("flipped", Outcome.VIOLATED_ELSEWHERE, 0.0, 0.5)
WORSE_ELSEWHERE = transform_test("moved", Outcome.VIOLATED_ELSEWHERE, 0.0, 0.75)
ON_DATA = transform_test("mirrored", Outcome.VIOLATED_ON_DATA, 0.125, 0.25)


@pytest.mark.parametrize(
    ("tests", "outcome", "parts"),
    [
        ((NEVER,), Outcome.NOT_VIOLATED, ("no violation found", "turned", "as far as was searched")),
        ((NEVER, ELSEWHERE, WORSE_ELSEWHERE), Outcome.VIOLATED_ELSEWHERE, ("not everywhere", "2.25", "under moved")),
        ((WORSE_ELSEWHERE, ON_DATA), Outcome.VIOLATED_ON_DATA, ("under mirrored", "0.375", "example 5")),
    ],
)
def test_headlines(tests, outcome, parts) -> None:
    found = SymmetryTest(
        model="net", symmetry="invariant", compares="outputs", examples=7, tolerance=1e-6, tests=tuple(tests)
    )
    assert found.outcome is outcome
    assert all(part in found.headline() for part in parts), found.headline()
