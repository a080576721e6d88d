"""Scaling through torch's leaky ReLU, and the verdicts under other assertions."""

import pytest
import torch

from leadline.claims import Verdict
from leadline.studies.scaled_inputs import CHECKS


def test_leaky_relu_passes_only_factors_that_are_not_negative() -> None:
    x = torch.linspace(-2, 2, 9, dtype=torch.float64)
    leaky = torch.nn.LeakyReLU(0.1)
    for c in (0.0, 0.5, 3.0):
        torch.testing.assert_close(leaky(c * x), c * leaky(x))
    assert not torch.allclose(leaky(-x), -leaky(x))


@pytest.mark.parametrize(
    ("equation", "verdict"),
    [
        ("max(rho c x, c x) = c max(rho x, x)", Verdict.QUALIFIED),
        ("max(rho c x, c x) = max(c rho x, x c)", Verdict.HOLDS),
        ("max(rho c x, c x) = c^2 max(rho x, x)", Verdict.FAILS),
    ],
)
def test_verdicts_on_leaky_relu(equation: str, verdict: Verdict) -> None:
    assert CHECKS[0].procedure(None, equation).verdict == verdict
