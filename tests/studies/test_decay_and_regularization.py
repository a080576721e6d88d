"""The equivalent penalty strength, against torch's SGD."""

import pytest
import torch

from leadline.claims import Verdict
from leadline.studies.decay_and_regularization import SAME_STEP


def test_the_strength_gives_the_step_of_weight_decay() -> None:
    generator = torch.Generator().manual_seed(3)
    X, t = (torch.randn(shape, dtype=torch.float64, generator=generator) for shape in ((5, 3), (5,)))
    start = torch.randn(3, dtype=torch.float64, generator=generator)
    eta, decay = 0.1, 0.05
    w = start.clone().requires_grad_()
    optimizer = torch.optim.SGD([w], lr=eta)
    (((X @ w - t) ** 2).mean() + decay / (2 * eta) * (w**2).sum()).backward()
    optimizer.step()
    gradient = 2 / 5 * X.T @ (X @ start - t)
    torch.testing.assert_close(w.detach(), (1 - decay) * start - eta * gradient)


@pytest.mark.parametrize(
    ("strength", "verdict"),
    [("lambda/(2 eta)", Verdict.HOLDS), ("lambda/(2*eta)", Verdict.HOLDS), ("-lambda/2 * eta", Verdict.FAILS)],
)
def test_verdicts_on_the_strength(strength: str, verdict: Verdict) -> None:
    evidence = SAME_STEP(None, strength)
    assert evidence.verdict == verdict
    assert "false" in evidence.details[0]  # under other step sizes per weight they differ
