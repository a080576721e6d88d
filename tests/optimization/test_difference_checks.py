"""The check of autograd against differences: an alarm where something is hidden, and none where nothing is."""

import pytest
import torch
from torch import nn

from leadline.optimization import hypergradient
from leadline.optimization.difference_checks import hidden_derivatives
from leadline.training import Recipe, build_step, state_of

CLASSES = 3


class Applied(nn.Module):
    """Two linear maps with something in between and around."""

    def __init__(self, around=lambda f, x: f(x), between=torch.tanh):
        super().__init__()
        self.first, self.second = nn.Linear(4, 8), nn.Linear(8, CLASSES)
        self.around, self.between = around, between

    def forward(self, x):
        return self.second(self.between(self.around(self.first, x)))


def half_hidden(layer, x):
    with torch.no_grad():
        hidden = layer(x)
    return layer(x) + hidden


def rounded(h):  # a straight-through estimator
    return h + (torch.round(10 * h) / 10 - h).detach()


HIDING = {
    "a part under no_grad": lambda: Applied(half_hidden),
    "a detached scale": lambda: Applied(between=lambda h: h / h.detach().norm(dim=1, keepdim=True)),
    "a detached branch": lambda: Applied(between=lambda h: torch.tanh(h) + h.detach()),
    "straight through": lambda: Applied(between=rounded),
}

OPEN = {
    "tanh": Applied,
    "relu": lambda: Applied(between=torch.relu),
    "wide relu": lambda: nn.Sequential(nn.Linear(4, 2000), nn.ReLU(), nn.Linear(2000, CLASSES)),
    "max pooling": lambda: nn.Sequential(
        nn.Linear(4, 64), nn.Unflatten(1, (4, 4, 4)), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, CLASSES)
    ),
    "dropout": lambda: Applied(between=nn.Dropout(0.5)),
    "batch norm": lambda: nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.ReLU(), nn.Linear(8, CLASSES)),
    "linear": lambda: nn.Linear(4, CLASSES),
    "single precision inside": lambda: Applied(between=lambda h: torch.tanh(h.float()).double()),
    "zeros": lambda: zeroed(nn.Linear(4, CLASSES)),
    "large": lambda: scaled(Applied(), 1e3),
    "small": lambda: scaled(Applied(), 1e-3),
}


def zeroed(model):
    return scaled(model, 0.0)


def scaled(model, factor):
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(factor)
    return model


def caveats(model, seed=0):
    torch.manual_seed(seed)
    batch = torch.randn(20, 4), torch.randint(0, CLASSES, (20,))
    step = build_step(model, "cross_entropy", differentiable=True)
    return hidden_derivatives(step, state_of(model), batch)


@pytest.mark.parametrize("name", HIDING)
def test_what_is_hidden_is_reported(name):
    torch.manual_seed(0)
    (caveat,) = caveats(HIDING[name]())
    assert "autograd and differences disagree on the derivative of" in caveat


@pytest.mark.parametrize("name", OPEN)
def test_what_is_open_raises_no_alarm(name):
    for seed in range(5):
        torch.manual_seed(seed)
        assert caveats(OPEN[name](), seed) == ()


def test_parameters_without_a_gradient_are_named():
    model = Applied(around=lambda layer, x: layer(x).detach())
    found = caveats(model)
    assert found[0] == "no gradient reaches first.weight, first.bias"
    assert "disagree" in found[1]
    unused = nn.Linear(4, CLASSES)
    unused.register_parameter("spare", nn.Parameter(torch.ones(2)))
    assert caveats(unused) == ("no gradient reaches spare",)


def test_what_does_not_run_in_double_precision_is_not_judged():
    single = torch.ones(8, 8)
    assert caveats(Applied(between=lambda h: h @ single)) == ()


def test_the_hypergradient_says_so_and_the_model_stays_as_it_is():
    torch.manual_seed(0)
    model = HIDING["a detached branch"]()
    data = torch.randn(20, 4), torch.randint(0, CLASSES, (20,))
    before = {name: value.clone() for name, value in model.state_dict().items()}
    found = hypergradient(model, data, Recipe(lr=0.1, steps=2))
    assert "autograd and differences disagree" in found.caveats[0]
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert model.first.weight.dtype == torch.float32
    assert hypergradient(OPEN["relu"](), data, Recipe(lr=0.1, steps=2)).caveats == ()
