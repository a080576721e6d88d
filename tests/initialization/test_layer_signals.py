"""Mean squares against plain loops with retained gradients, and modules that come back untouched."""

import copy

import pytest
import torch
from tolerances import ALGEBRA
from torch import nn

from leadline.core import ModelError, torch_generator
from leadline.initialization import signal_propagation
from leadline.initialization.layer_signals import passages


class Twice(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(5, 5)
        self.unused = nn.Linear(5, 5)

    def forward(self, x):
        return self.layer(torch.relu(self.layer(x)))


def test_against_retained_gradients() -> None:
    model = nn.Sequential(nn.Linear(6, 5), nn.ReLU(inplace=True), nn.Linear(5, 4), nn.Tanh(), nn.Linear(4, 3)).double()
    inputs = torch.randn(7, 6, dtype=torch.float64)
    found = passages("test", model, inputs, 0).layers
    plain = copy.deepcopy(model)
    plain[1] = nn.ReLU()
    outputs, signal = [], inputs
    for layer in plain:
        signal = layer(signal)
        signal.retain_grad()
        outputs.append(signal)
    generator = torch_generator("test", "gradient at the output", 0)
    signal.backward(torch.randn(signal.shape, generator=generator, dtype=torch.float64))
    for one, output in zip(found, outputs, strict=True):
        assert one.second_moment == pytest.approx(output.detach().square().mean().item(), rel=ALGEBRA)
        assert one.variance == pytest.approx(output.detach().var(correction=0).item(), rel=ALGEBRA)
        assert one.gradient == pytest.approx(output.grad.square().mean().item(), rel=ALGEBRA)


def test_repeated_calls_are_layers_of_their_own_and_unused_ones_none() -> None:
    assert [one.name for one in passages("test", Twice(), torch.randn(3, 5), 0).layers] == ["layer", "layer (call 2)"]


def test_integer_inputs_and_frozen_parameters_get_gradients() -> None:
    model = nn.Sequential(nn.Embedding(10, 4), nn.Linear(4, 2)).requires_grad_(False)
    found = signal_propagation(model, torch.arange(6).reshape(2, 3))
    assert all(one.backward > 0 for one in found.layers)
    assert not any(parameter.requires_grad for parameter in model.parameters())


class Breaks(nn.Sequential):
    def forward(self, input):  # noqa: A002
        super().forward(input)
        raise RuntimeError("half-way")


@pytest.mark.parametrize("kind", [nn.Sequential, Breaks])
def test_the_model_comes_back_untouched(kind) -> None:
    model = kind(nn.Linear(4, 4), nn.BatchNorm1d(4), nn.Dropout(0.5), nn.Linear(4, 2))
    model[0].weight.requires_grad_(False)
    before = copy.deepcopy(model.state_dict())
    random = torch.get_rng_state()
    if kind is Breaks:
        with pytest.raises(ModelError, match="RuntimeError: half-way"):
            signal_propagation(model, torch.randn(8, 4, generator=torch.Generator().manual_seed(0)))
    else:
        signal_propagation(model, torch.randn(8, 4, generator=torch.Generator().manual_seed(0)))
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())
    assert [one.requires_grad for one in model.parameters()] == [False] + [True] * 5
    assert not any(module._forward_hooks for module in model.modules())
    assert all(one.grad is None for one in model.parameters()) and model.training
    assert torch.equal(random, torch.get_rng_state())
