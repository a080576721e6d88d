import pytest
import torch
from torch import nn

from leadline.core import InputError
from leadline.models import mlp


def test_shapes_parameters_and_activations():
    model = mlp([5, 7, 3], activation=nn.Tanh, bias=False)
    assert model(torch.zeros(2, 5)).shape == (2, 3)
    assert sum(parameter.numel() for parameter in model.parameters()) == 5 * 7 + 7 * 3
    assert isinstance(model[1], nn.Tanh)
    assert sum(parameter.numel() for parameter in mlp([5, 7, 3]).parameters()) == 6 * 7 + 8 * 3


def test_activations_are_not_shared():
    activations = [layer for layer in mlp([2, 2, 2, 2], activation=nn.PReLU) if isinstance(layer, nn.PReLU)]
    assert len(activations) == 2
    assert activations[0] is not activations[1]


@pytest.mark.parametrize("widths", [[], [3], [3, 0, 1]])
def test_refuses_what_is_no_network(widths):
    with pytest.raises(InputError, match="mlp: expected two or more widths of at least 1"):
        mlp(widths)
