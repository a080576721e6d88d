"""L2 and decoupled decay: closed form under SGD, the long run of momentum, and by hand under adaptive scaling."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from tolerances import ALGEBRA
from torch import nn

from leadline.core import InputError
from leadline.optimization import equivalent_decay
from leadline.optimization.decay_kinds import _quantiles
from leadline.training import Optimizer, Recipe, train
from leadline.training.optimizers import Memory


@pytest.fixture
def problem() -> tuple[nn.Linear, tuple[torch.Tensor, torch.Tensor]]:
    generator = torch.Generator().manual_seed(0)
    X = torch.randn(20, 3, generator=generator, dtype=torch.float64) * torch.tensor([0.1, 1.0, 3.0])
    torch.manual_seed(0)
    return nn.Linear(3, 1, dtype=torch.float64), (X, X.sum(1, keepdim=True))


RECIPE = Recipe(lr=0.05, steps=40, batch_size=5, loss="half_mse", weight_decay=0.2)


def test_under_sgd_the_two_are_one_after_rescaling(problem):
    found = equivalent_decay(problem[0], problem[1], RECIPE)
    assert (found.matched, found.matched_unscaled, found.spread) == pytest.approx((0.2, 0.01, 1.0), rel=ALGEBRA)
    assert found.distance < ALGEBRA
    unscaled = replace(RECIPE, optimizer=Optimizer("sgd", decay="decoupled_unscaled"), weight_decay=0.01)
    one, other = (train(problem[0], problem[1], recipe).parameters()["weight"] for recipe in (RECIPE, unscaled))
    assert torch.allclose(one, other, rtol=ALGEBRA, atol=ALGEBRA)


def test_the_rate_couples(problem):
    slow, fast = (equivalent_decay(problem[0], problem[1], replace(RECIPE, lr=lr)) for lr in (0.02, 0.04))
    assert slow.matched == pytest.approx(fast.matched)
    assert 2 * slow.matched_unscaled == pytest.approx(fast.matched_unscaled)


def test_momentum_multiplies_the_penalty_in_the_long_run(problem):
    recipe = replace(RECIPE, lr=0.01, steps=300, optimizer="momentum", momentum=0.8, batch_size=20)
    found = equivalent_decay(problem[0], problem[1], recipe, strengths=(0.2, 1.0))
    assert found.matched == pytest.approx(0.2 / (1 - 0.8))


def divisor(memory: Memory, name: str, rule: Optimizer) -> torch.Tensor:
    """What the optimizer divides a gradient by, after 40 steps."""
    square = memory["largest_square" if rule.amsgrad else "square"][name]
    if rule.centered:
        square = square - memory["mean"][name] ** 2
    if rule.name == "adam":
        square = square / (1 - 0.999**40)
    return (square + 1e-3).sqrt() if rule.eps_inside_root else square.sqrt() + 1e-3


RULES = {
    "rmsprop": Optimizer("rmsprop"),
    "rmsprop, centered": Optimizer("rmsprop", centered=True),
    "rmsprop, eps inside": Optimizer("rmsprop", eps_inside_root=True),
    "adam": Optimizer("adam"),
    "adam, amsgrad": Optimizer("adam", amsgrad=True),
    "adam, eps inside": Optimizer("adam", eps_inside_root=True),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES.keys())
def test_adaptive_scaling_decays_each_entry_differently(rule, problem):
    recipe = replace(RECIPE, lr=0.02, optimizer=rule, eps=1e-3)
    found = equivalent_decay(problem[0], problem[1], recipe)
    state = train(problem[0], problem[1], replace(recipe, optimizer=replace(rule, decay="l2"))).states[0]
    factors = {name: 1 / divisor(state.memory, name, rule) for name in state.parameters}
    for one in found.parameters:
        expected = 0.02 * 0.2 * np.quantile(factors[one.name].numpy(), [0.1, 0.5, 0.9])
        assert (one.low, one.median, one.high) == pytest.approx(tuple(expected), rel=ALGEBRA)
    assert found.spread > 2
    assert found.distance > 0.05


def test_quantiles_are_taken_of_any_number_of_parameters():
    values = torch.linspace(0, 1, 2**24 + 3)  # torch's own takes 2^24
    assert _quantiles(values) == pytest.approx((0.1, 0.5, 0.9), abs=1e-6)


def test_bad_input_is_refused(problem):
    with pytest.raises(InputError, match="a recipe with weight decay"):
        equivalent_decay(problem[0], problem[1], replace(RECIPE, weight_decay=0.0))
    with pytest.raises(InputError, match="strengths above 0"):
        equivalent_decay(problem[0], problem[1], RECIPE, strengths=(0.0, 1.0))
    with pytest.raises(InputError, match="runs that converge"):
        equivalent_decay(problem[0], problem[1], replace(RECIPE, lr=1e9, steps=400))
