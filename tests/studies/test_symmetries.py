"""Divergence of gradient descent against NumPy's own runs, and the verdicts under other assertions."""

import numpy as np
import pytest

from leadline.claims import Verdict
from leadline.studies.study import Settings
from leadline.studies.symmetries import CHECKS, DESIGNS, STUDY, Observed
from leadline.symmetry import Outcome


@pytest.fixture(scope="module")
def observation() -> Observed:
    return STUDY.observe(Settings())


def test_cells_against_plain_descent(observation) -> None:
    for cell in observation.cells[::9]:
        X = np.array(DESIGNS[cell.design], dtype=float) * float(cell.c)
        w, rate = X.T @ np.ones(len(X)), float(cell.a)
        with np.errstate(over="ignore", invalid="ignore"):
            losses = []
            for _ in range(3000):
                losses.append(np.mean((X @ w) ** 2))
                w = w - rate * X.T @ (X @ w) / len(X)
        assert (losses[-1] < 0.999999 * losses[0]) == cell.converges, cell.told()


@pytest.mark.parametrize(
    ("asserted", "verdict"),
    [
        (("c a", 1), Verdict.QUALIFIED),
        (("a c^2 L", 2), Verdict.HOLDS),
        (("a c^2 L", 1), Verdict.FAILS),  # converges between 1 and 2, however steep the loss
        (("a c^2 L", 4), Verdict.HOLDS),  # true, if not sharp
        (("c", 1), Verdict.FAILS),
    ],
)
def test_verdicts(observation, asserted, verdict) -> None:
    evidence = CHECKS[0].procedure(observation, asserted)
    assert evidence.verdict == verdict
    assert evidence.found["threshold"] == "a c^2 L = 2"


def test_measured_symmetries_agree_with_the_algebra(observation) -> None:
    outcomes = {text: test.outcome for _, text, test in observation.tests}
    for text, outcome in outcomes.items():
        holds = any(part in text for part in ("times 3 ", "d - 1 - col", "1-4, 2-3", "without bias, inputs times 0.01"))
        assert (outcome is Outcome.NOT_VIOLATED) == holds, text
    assert Outcome.VIOLATED_ELSEWHERE in outcomes.values()
