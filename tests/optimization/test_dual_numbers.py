"""The optimizers' updates on dual numbers against central differences, and the engine's own values."""

import pytest
import torch
from tolerances import ALGEBRA, EXACT, FINITE_DIFFERENCE

from leadline.optimization.dual_numbers import Dual
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


def scalar(value, slopes):
    return Dual.of(torch.tensor(value, dtype=torch.float64), torch.tensor(slopes, dtype=torch.float64))


@pytest.mark.parametrize("rule", RULES, ids=names_of)
def test_an_update_carries_the_derivative_in_every_hyper_parameter(rule):
    hyper = numbers_of(rule)
    start = torch.tensor([0.3, -1.0, 2.0, 0.1], dtype=torch.float64)
    ones = torch.eye(len(hyper)).tolist()
    carried = five_steps(
        rule,
        {name: scalar(value, ones[place]) for place, (name, value) in enumerate(hyper.items())},
        Dual.of(start, torch.zeros(len(hyper), 4, dtype=torch.float64)),
        0.7,
    )
    torch.testing.assert_close(carried.value, five_steps(rule, hyper, start, 0.7), rtol=ALGEBRA, atol=ALGEBRA)
    for place, (name, value) in enumerate(hyper.items()):
        step = 1e-6
        above, below = (five_steps(rule, {**hyper, name: value + sign * step}, start, 0.7) for sign in (1, -1))
        expected = (above - below) / (2 * step)
        assert torch.allclose(carried.tangents[place], expected, rtol=10 * FINITE_DIFFERENCE, atol=FINITE_DIFFERENCE), (
            name
        )


OF_TWO = {
    "sum": lambda x, y: x + 2 * y,
    "difference": lambda x, y: 3 - (x - y),
    "product": lambda x, y: -x * y,
    "quotient": lambda x, y: x / y + 1 / y,
    "power": lambda x, y: x**3 + y**0.5,
    "scaled sum": lambda x, y: torch.add(x, y, alpha=-0.3),
    "sum of a product": lambda x, y: torch.addcmul(x, y, x) + torch.addcmul(x, y, torch.tensor(2.0)),
    "larger": lambda x, y: torch.maximum(y, x * y) * x.sqrt(),
}


@pytest.mark.parametrize("shape", [(), (3,)], ids=["scalar", "vector"])
@pytest.mark.parametrize("name", OF_TWO)
def test_the_rules_are_those_of_autograd(name, shape):
    """Of a scalar and a tensor, whose tangents have fewer axes and more."""
    torch.manual_seed(0)
    x, y = torch.rand((), dtype=torch.float64) + 0.5, torch.rand(shape, dtype=torch.float64) + 0.5
    directions = torch.randn(2, dtype=torch.float64), torch.randn((2, *shape), dtype=torch.float64)
    found = OF_TWO[name](Dual.of(x, directions[0]), Dual.of(y, directions[1]))
    for row in range(2):
        value, slope = torch.autograd.functional.jvp(OF_TWO[name], (x, y), tuple(d[row] for d in directions))
        torch.testing.assert_close(found.value, value, rtol=EXACT, atol=EXACT)
        torch.testing.assert_close(found.tangents[row], slope, rtol=ALGEBRA, atol=ALGEBRA)


def test_a_root_at_zero_has_a_finite_tangent():
    zero = Dual.of(torch.zeros(2), torch.zeros(1, 2))
    root = zero.sqrt()
    assert isinstance(root, Dual)
    assert torch.equal(root.tangents, torch.zeros(1, 2))


def test_arithmetic_without_a_rule_is_refused():
    with pytest.raises(TypeError, match="no rule for the tangent of exp"):
        Dual.of(torch.ones(2), torch.ones(1, 2)).exp()
