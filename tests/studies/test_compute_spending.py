"""The decision on made-up losses, and that a reading on the way is the end of a shorter training."""

import numpy as np
import pytest
import torch
from torch import nn

from leadline.claims import Verdict
from leadline.studies import compute_spending
from leadline.studies.compute_spending import RATES, Spending, decide_spending, perceptron, spend, split_digits
from leadline.training import Recipe, train_ensemble


@pytest.mark.parametrize(
    ("losses", "verdict"),
    [
        (({"none": 0.5, "steps": 0.4, "batch": 0.4, "width": 0.2},) * 2, Verdict.HOLDS),
        (({"none": 0.5, "steps": 0.1, "batch": 0.4, "width": 0.2},
          {"none": 0.2, "steps": 0.2, "batch": 0.2, "width": 0.1}),
         Verdict.QUALIFIED),
        (({"none": 0.5, "steps": 0.1, "batch": 0.4, "width": 0.2},) * 2, Verdict.FAILS),
    ],
)  # fmt: skip
def test_spending_is_decided_by_what_is_clearly_lowest(losses, verdict: Verdict) -> None:
    spread = np.array([-0.01, -0.005, 0.0, 0.005, 0.01])
    runs = [
        Spending(100 * (place + 1), {name: value + spread for name, value in one.items()})
        for place, one in enumerate(losses)
    ]
    assert decide_spending(runs, 32, "width").verdict == verdict


def test_a_base_run_is_the_beginning_of_the_longer_ones(monkeypatch) -> None:
    monkeypatch.setattr(compute_spending, "BASES", (1, 2))
    train, validation, test = split_digits()
    found = {one.base_steps: one.losses for one in spend(10, 16, 2, train, validation, test)}
    recipes = [Recipe(lr=lr, steps=20, batch_size=16, seed=seed) for lr in RATES[2:].tolist() for seed in range(2)]
    for name, width, steps in (("none", 16, 20), ("width", 64, 20), ("steps", 16, 80)):
        trained = train_ensemble(perceptron(width), train, [Recipe(lr=one.lr, steps=steps, batch_size=16, seed=one.seed)
                                                            for one in recipes])  # fmt: skip
        model, losses = perceptron(width)(), []
        for member in range(len(recipes)):
            trained.load_into(model, member)
            with torch.no_grad():
                losses.append([float(nn.functional.cross_entropy(model(x), y)) for x, y in (validation, test)])
        checked, tested = np.moveaxis(np.array(losses).reshape(6, 2, 2), -1, 0)
        np.testing.assert_allclose(found[20][name], tested[np.median(checked, axis=1).argmin()], rtol=1e-4)
