"""The gradients that the study takes for right, against torch's."""

import numpy as np
import pytest
import torch
from tolerances import AUTOGRAD

from leadline.claims import Verdict
from leadline.core import numpy_generator
from leadline.studies.linear_regression_gradients import CHECKS

GENERATOR = numpy_generator("regression")
X = GENERATOR.integers(-2, 3, (30, 2)).astype(float)
y = GENERATOR.integers(-2, 3, 30).astype(float)


def test_the_right_formulas_are_autograds() -> None:
    w, b = torch.tensor([1.0, -1.0], dtype=torch.float64, requires_grad=True), torch.tensor(1.0, requires_grad=True)
    residual = torch.tensor(X) @ w + b - torch.tensor(y)
    assert (residual == 0).any()  # at its corner torch gives |t| the derivative 0 as well
    r = residual.detach().numpy()
    squared = torch.autograd.grad((residual**2).mean() / 2 + 0.3 / 2 * (w**2).sum(), w, retain_graph=True)[0]
    np.testing.assert_allclose(squared.numpy(), X.T @ r / 30 + 0.3 * np.array([1.0, -1.0]), atol=AUTOGRAD)
    absolute = torch.autograd.grad(residual.abs().mean(), (w, b))
    np.testing.assert_allclose(absolute[0].numpy(), (X[r > 0].sum(0) - X[r < 0].sum(0)) / 30, atol=AUTOGRAD)
    assert float(absolute[1]) == pytest.approx(((r > 0).sum() - (r < 0).sum()) / 30, abs=1e-6)  # b is float32


@pytest.mark.parametrize(
    ("formula", "verdict"),
    [
        ("X(yhat - y)/n + alpha w", Verdict.QUALIFIED),
        ("X'(yhat - y)/n + alpha w", Verdict.HOLDS),
        ("X'(yhat - y)/n", Verdict.FAILS),
        ("X(yhat - y) + alpha w", Verdict.FAILS),
    ],
)
def test_verdicts_on_the_weight_gradient(formula: str, verdict: Verdict) -> None:
    assert CHECKS[0].procedure(None, formula).verdict == verdict
