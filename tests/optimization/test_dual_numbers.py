"""The optimizers' updates on dual numbers against central differences, and the engine's own values."""

import numpy as np
import pytest
import torch
from tolerances import EXACT, FINITE_DIFFERENCE

from leadline.optimization.dual_numbers import Dual, Number
from leadline.training import Optimizer

RULES = [
    Optimizer(name, decay=decay)
    for name in ("sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw")
    for decay in ("l2", "decoupled", "decoupled_unscaled")
] + [
    Optimizer("rmsprop", centered=True),
    Optimizer("rmsprop", eps_inside_root=True),
    Optimizer("adam", amsgrad=True, eps_inside_root=True),
]


def names_of(rule):
    return "-".join(str(value) for value in (rule.name, rule.decay, rule.centered, rule.eps_inside_root))


def numbers_of(rule):
    given = {"eps": 0.01} if "eps" in rule.hyper_parameters() else {}
    given |= {"momentum": 0.5} if rule.name == "rmsprop" else {}
    given |= {"dampening": 0.2} if rule.name == "momentum" else {}
    return {**rule.hyper_parameters(**given, weight_decay=0.03), "lr": 0.1}


def five_steps(rule, hyper, start, curve):
    """Descend on a loss whose gradient is a fixed sequence plus `curve` times the parameters."""
    generator = torch.Generator().manual_seed(1)
    parameters = {"w": start}
    memory = rule.begin(parameters, hyper)
    for count in range(5):
        push = torch.randn(4, generator=generator, dtype=torch.float64)
        gradients = {"w": parameters["w"] * curve + push}
        parameters, memory = rule.update(parameters, gradients, memory, hyper, count=count)
    return parameters["w"]


@pytest.mark.parametrize("rule", RULES, ids=names_of)
def test_an_update_carries_the_derivative_in_every_hyper_parameter(rule):
    hyper = numbers_of(rule)
    start = torch.tensor([0.3, -1.0, 2.0, 0.1], dtype=torch.float64)
    ones = np.eye(len(hyper))
    carried = five_steps(
        rule,
        {name: Number(value, ones[place]) for place, (name, value) in enumerate(hyper.items())},
        Dual.of(start, torch.zeros(len(hyper), 4, dtype=torch.float64)),
        0.7,
    )
    assert (carried.value - five_steps(rule, hyper, start, 0.7)).abs().max() == EXACT
    for place, (name, value) in enumerate(hyper.items()):
        step = 1e-6
        above, below = (five_steps(rule, {**hyper, name: value + sign * step}, start, 0.7) for sign in (1, -1))
        expected = (above - below) / (2 * step)
        assert torch.allclose(carried.tangents[place], expected, rtol=10 * FINITE_DIFFERENCE, atol=FINITE_DIFFERENCE), (
            name
        )


def test_a_zero_that_changes_is_not_the_constant_zero():
    assert Number(0.0, [0.0]) == 0
    assert Number(0.0, [1.0]) != 0


def test_quotients_and_powers_of_numbers():
    x = Number(2.0, [1.0])
    assert (1 / x).tangents == pytest.approx(-0.25)
    assert (x / x).tangents == pytest.approx(0.0)
    assert (x**3).tangents == pytest.approx(12.0)
    assert (x - x + 1).tangents == pytest.approx(0.0)


def test_a_root_at_zero_has_a_finite_tangent():
    zero = Dual.of(torch.zeros(2), torch.zeros(1, 2))
    root = zero.sqrt()
    assert isinstance(root, Dual)
    assert torch.equal(root.tangents, torch.zeros(1, 2))


def test_arithmetic_without_a_rule_is_refused():
    with pytest.raises(TypeError, match="no rule for the tangent of exp"):
        Dual.of(torch.ones(2), torch.ones(1, 2)).exp()
